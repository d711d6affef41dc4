"""Rows as a text table, JSON or CSV."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

import pyarrow as pa

from gtrace_analyze._errors import UsageError

__all__ = ["Column", "Layout", "merged", "show", "terminal_width", "write_json"]

_GAP = "  "
_NARROWEST = 12


@dataclass(frozen=True)
class Column:
    """A column of the text table; JSON and CSV have all columns, as they are.

    An `elastic` one is cut where the line would become wider than the terminal.
    """

    name: str
    title: str
    text: Callable[[Any], str] = lambda value: "-" if value is None else str(value)
    right: bool = False
    elastic: bool = False


@dataclass(frozen=True)
class Layout:
    """How to print: the form, how many rows (0: all), and by which column sorted."""

    form: str = "text"
    limit: int = 0
    sort: str | None = None


def show(
    rows: Sequence[dict[str, Any]],
    columns: Sequence[Column],
    layout: Layout,
    names: Sequence[str],
    stream: TextIO | None = None,
    counted: bool = True,
) -> None:
    """Print rows, each of which has `names`; raises UsageError if there is no column to sort by.

    Unless they are `counted`, there are more than these if there are more than are shown.
    """
    out = stream or sys.stdout
    rows = _sorted(rows, layout.sort, names)
    shown = rows[: layout.limit] if layout.limit else rows
    if layout.form == "json":
        write_json(shown, out)
    elif layout.form == "csv":
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_flat(row[name]) for name in names] for row in shown)
    else:
        _write_text(shown, columns, out)
        if len(shown) < len(rows):
            number = f"{len(rows) - len(shown):,} more" if counted else "and more"
            out.write(f"… {number}; -n 0 shows all\n")


def write_json(value: Any, stream: TextIO | None = None) -> None:
    """Print a value as JSON; of a list, one element a line."""
    out = stream or sys.stdout
    if isinstance(value, Sequence) and value:
        lines = ",\n ".join(json.dumps(v, ensure_ascii=False, default=str) for v in value)
        out.write(f"[\n {lines}\n]\n")
    else:
        out.write(json.dumps(value, ensure_ascii=False, default=str, indent=1) + "\n")


def _sorted(
    rows: Sequence[dict[str, Any]], sort: str | None, names: Sequence[str]
) -> Sequence[dict[str, Any]]:
    if sort is None:
        return rows
    name, _, order = sort.partition(":")
    if name not in names or order not in ("", "asc", "desc"):
        raise UsageError(f"cannot sort by {sort!r}; columns are {', '.join(names)}")
    known = [row for row in rows if row[name] is not None]
    numeric = all(isinstance(row[name], (int, float)) for row in known)
    known.sort(key=lambda row: row[name], reverse=order == "desc" or (numeric and order != "asc"))
    return known + [row for row in rows if row[name] is None]


def _flat(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value


def _write_text(rows: Sequence[dict[str, Any]], columns: Sequence[Column], out: TextIO) -> None:
    cells = [[column.title for column in columns]]
    cells += [[column.text(row[column.name]) for column in columns] for row in rows]
    widths = _fit([max(len(line[i]) for line in cells) for i in range(len(columns))], columns)
    for line in cells:
        padded = [
            text.rjust(width) if column.right else _cut(text, width).ljust(width)
            for text, width, column in zip(line, widths, columns, strict=True)
        ]
        out.write(_GAP.join(padded).rstrip() + "\n")


def _fit(widths: list[int], columns: Sequence[Column]) -> list[int]:
    """Take from the widest elastic column until the line fits the terminal."""
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - terminal_width()
    while excess > 0:
        elastic = [i for i, column in enumerate(columns) if column.elastic]
        widest = max(elastic, key=lambda i: widths[i], default=None)
        if widest is None or widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
        excess -= 1
    return widths


def _cut(text: str, width: int) -> str:
    """The end of a name tells more than its beginning, which is the package."""
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]


def terminal_width() -> int:
    """Columns of the terminal; 80 where the output is none."""
    return max(80, shutil.get_terminal_size().columns)


def merged(found: Mapping[str, pa.Table]) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of several traces with their `source` in front, if there are several; and names."""
    several = len(found) > 1
    rows = [
        ({"source": source} if several else {}) | row
        for source, table in found.items()
        for row in table.to_pylist()
    ]
    names = next(iter(found.values())).column_names
    return rows, ["source", *names] if several else names
