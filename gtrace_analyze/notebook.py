"""In a notebook, after %load_ext gtrace_analyze: SQL cells, and results shown as people read them.

%%gtrace trace.parquet
SELECT reason, count(*) FROM waits GROUP BY reason
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gtrace_analyze._errors import GtraceError
from gtrace_analyze.analyses.goroutine import Life
from gtrace_analyze.analyses.summary import Summary
from gtrace_analyze.moments import Moments
from gtrace_analyze.render.goroutine import show_life
from gtrace_analyze.render.html import render
from gtrace_analyze.render.listing import Layout
from gtrace_analyze.trace import Trace, open

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load"]


def load(shell: InteractiveShell) -> None:
    """Give this IPython the magic %%gtrace, and ways to show what has none of its own."""
    from IPython.core.error import UsageError
    from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

    opened = _Opened(shell)

    @magic_arguments()  # type: ignore[untyped-decorator]
    @argument("trace", help="A path, or a variable that holds one, or an open trace.")  # type: ignore[untyped-decorator]
    @argument("-o", "--output", metavar="NAME", help="Keep the rows in this variable instead.")  # type: ignore[untyped-decorator]
    def gtrace(line: str, cell: str) -> Any:
        """Run SQL over the views of a recording and show the rows.

        The views are explained by gtrace-analyze docs.
        """
        arguments = parse_argstring(gtrace, line)
        try:
            rows = opened.trace(arguments.trace.strip("'\"")).sql(cell)
        except GtraceError as e:
            raise UsageError(f"%%gtrace: {e}") from None
        if not arguments.output:
            return rows
        shell.push({arguments.output: rows})
        return None

    shell.register_magic_function(gtrace, "cell")
    html = shell.display_formatter.formatters["text/html"]
    html.for_type(Summary, lambda summary: render("summary.html", {"summary": summary}))
    text = shell.display_formatter.formatters["text/plain"]
    text.for_type(Life, lambda life, printer, _: printer.text(_life(life)))


class _Opened:
    """The traces of this session's cells, each opened once unless it changes."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._traces: dict[tuple[Path, int], Trace] = {}

    def trace(self, name: str) -> Trace:
        """The trace that this name means. Raises TraceError if it is none."""
        given = self._shell.user_ns.get(name, name)
        if isinstance(given, Trace):
            return given
        path = Path(given).expanduser()
        manifest = path / "_manifest.json"
        key = path.resolve(), manifest.stat().st_mtime_ns if manifest.exists() else 0
        if key not in self._traces:
            self._traces[key] = open(path)
        return self._traces[key]


def _life(life: Life) -> str:
    import io

    out = io.StringIO()
    show_life(life, Layout(limit=12), Moments(life.start, ()), out)
    return out.getvalue().rstrip("\n")
