"""The prompt of `gtrace-analyze sql`: statements end in a semicolon, commands begin with a dot."""

from __future__ import annotations

import contextlib
import os
import readline
import sys
from collections.abc import Iterator
from pathlib import Path

from gtrace_analyze import catalog
from gtrace_analyze._errors import GtraceError
from gtrace_analyze.analyses import docs
from gtrace_analyze.engine import Engine
from gtrace_analyze.render.docs import show_docs
from gtrace_analyze.render.listing import Layout
from gtrace_analyze.render.rows import show_rows

__all__ = ["run"]

_HELP = """\
SELECT …;        run a query over the views
.views           the views, and what they hold
.docs NAME       the columns of one of them
.quit            leave (so does Ctrl-D)
"""


def run(engine: Engine, layout: Layout) -> None:
    """Read statements until the end of input; errors are shown and forgotten."""
    print(f"{engine.recording.path}: read-only DuckDB; .help for help", file=sys.stderr)
    with _history():
        while (text := _read()) is not None:
            try:
                if text.startswith("."):
                    if not _command(text):
                        return
                elif text.strip("; \n"):
                    show_rows(engine.query(text), layout)
            except GtraceError as e:
                print(f"error: {e}", file=sys.stderr)
            except KeyboardInterrupt:
                print("interrupted", file=sys.stderr)


def _read() -> str | None:
    """One command or statement; None at the end of input."""
    lines: list[str] = []
    while True:
        try:
            lines.append(input("  ...> " if lines else "gtrace> "))
        except EOFError:
            print()
            return None
        except KeyboardInterrupt:
            print()
            lines.clear()
            continue
        text = "\n".join(lines)
        if text.startswith(".") or text.rstrip().endswith(";") or not text.strip():
            return text


def _command(text: str) -> bool:
    """Obey a command; False if it says to leave."""
    name, *arguments = text.split()
    if name in (".quit", ".exit", ".q"):
        return False
    if name == ".views":
        for o in docs.collect():
            if o.kind != "macro":
                print(f"{o.name:<18} {o.doc.split('.')[0]}")
    elif name == ".docs":
        show_docs(docs.collect(tuple(arguments)), as_json=False)
    else:
        print(_HELP, end="")
    return True


@contextlib.contextmanager
def _history() -> Iterator[None]:
    """Keep what was typed over sessions, and complete the names of views and columns."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
    file = state / "gtrace" / "sql_history"
    with contextlib.suppress(OSError):
        readline.read_history_file(file)
    words = sorted(
        {o.name for o in catalog.load()} | {c for o in catalog.load() for c in o.columns}
    )

    def complete(start: str, number: int) -> str | None:
        matches = [word for word in words if word.startswith(start)]
        return matches[number] if number < len(matches) else None

    readline.set_completer(complete)
    readline.set_completer_delims(" \t\n,.()=<>+-*/%;'\"")
    readline.parse_and_bind("tab: complete")
    readline.set_history_length(1000)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            readline.write_history_file(file)
