"""The analyzer: a recording of gtrace-rec in DuckDB, and what it tells about goroutines.

    import gtrace_analyze as ga

    t = ga.open("trace.parquet")
    t.leaks()                                  # DataFrame
    t.park(by="function", start="5s")          # DataFrame
    t.timeline(func="main.worker").savefig("workers.png")
    t.sql("SELECT state, sum(dur) FROM intervals GROUP BY state")

It needs neither bcc nor root nor Go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gtrace_rec import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from gtrace_analyze._errors import GtraceError, QueryError, TraceError, UsageError
    from gtrace_analyze.trace import Trace, open

__all__ = [
    "GtraceError",
    "QueryError",
    "Trace",
    "TraceError",
    "UsageError",
    "__version__",
    "open",
]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """What %load_ext gtrace_analyze calls: SQL cells by %%gtrace, see `gtrace_analyze.notebook`."""
    from gtrace_analyze.notebook import load

    load(shell)


def __getattr__(name: str) -> Any:
    """Load what is asked for, so that the command line's --help does not load DuckDB."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gtrace_analyze import _errors, trace

    return getattr(_errors if name.endswith("Error") else trace, name)
