"""The documentation of the views as Markdown or JSON."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from typing import TextIO

from gtrace_analyze.catalog import SqlObject
from gtrace_analyze.render.listing import write_json

__all__ = ["show_docs"]


def show_docs(objects: Sequence[SqlObject], as_json: bool, stream: TextIO | None = None) -> None:
    """Print a section for each object."""
    out = stream or sys.stdout
    if as_json:
        fields = ("name", "kind", "layer", "doc", "columns")
        write_json([{field: getattr(o, field) for field in fields} for o in objects], out)
        return
    out.write("\n".join(_section(o) for o in objects))


def _section(o: SqlObject) -> str:
    lines = [f"## {o.name}", "", o.doc, ""]
    if o.columns:
        width = max(map(len, o.columns))
        for name, doc in o.columns.items():
            first = f"    {name:<{width}}  "
            lines += textwrap.wrap(
                doc, 80, initial_indent=first, subsequent_indent=" " * len(first)
            )
        lines.append("")
    return "\n".join(lines)
