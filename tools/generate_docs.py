"""Writes the parts of docs/ that say what the code says: python -m tools.generate_docs

With --check it writes nothing, and fails if something would change.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from gtrace_rec.settings import SETTINGS, Setting
from tools import command_docs

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def documents() -> Iterator[tuple[Path, str]]:
    """Each generated file, and what should stand in it."""
    page = DOCS / "configuration.md"
    yield page, _between_marks(page.read_text(), "settings", _settings_table())
    page = DOCS / "cli.md"
    yield page, _between_marks(page.read_text(), "commands", command_docs.markdown())
    for name, text in command_docs.man_pages():
        yield DOCS / "man" / name, text


def _between_marks(text: str, name: str, content: str) -> str:
    """A page with the part between its marks replaced."""
    begin, end = f"<!-- {name}: generated -->", f"<!-- /{name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"no {begin} … {end} in a page that should have it")
    return pattern.sub(lambda _: f"{begin}\n{content}\n{end}", text)


def _settings_table() -> str:
    rows = ["| key in the file | option | environment | default | what it does |"]
    rows.append("|---|---|---|---|---|")
    for s in SETTINGS:
        option = s.option or "-- PROGRAM ARGS..."
        names = f"`{option}`" + (f", `{s.short}`" if s.short else "")
        default = f"`{s.default}`" if s.default is not None else ""
        cells = (f"`{s.key}`", names, f"`{s.env}`", default, _meaning(s))
        rows.append(f"| {' | '.join(c.replace('|', chr(92) + '|') for c in cells)} |")
    return "\n".join(rows)


def _meaning(s: Setting) -> str:
    choices = getattr(s.type, "choices", None)
    values = f" One of {', '.join(f'`{c}`' for c in choices)}." if choices else ""
    return f"{s.help}{values}{' A list in the file.' if s.is_list else ''}"


def main() -> int:
    """Write, or with --check compare."""
    stale = [(path, text) for path, text in documents() if not _is(path, text)]
    for path, text in stale:
        print(f"{path.relative_to(ROOT)}: {'not current' if _checking() else 'written'}")
        if not _checking():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if stale and _checking():
        print("run: make docs")
    return int(bool(stale) and _checking())


def _is(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


def _checking() -> bool:
    return "--check" in sys.argv[1:]


if __name__ == "__main__":
    sys.exit(main())
