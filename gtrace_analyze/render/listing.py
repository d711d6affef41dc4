"""Rows as a text table, JSON or CSV."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TextIO

import pyarrow as pa

from gtrace_analyze._errors import UsageError

__all__ = [
    "Column",
    "Layout",
    "arranged",
    "arranged_table",
    "cut_head",
    "merged",
    "records",
    "show",
    "sources",
    "terminal_width",
    "the_rest",
    "unique",
    "wrapped",
    "write_json",
]

_GAPS = "  ", " "
_NARROWEST = 10
_NARROWEST_TERMINAL = 20
_NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+(?:[eE][-+]?\d+)?%?")


@dataclass(frozen=True)
class Column:
    """A column of the text table; JSON and CSV have all columns, as they are.

    An `elastic` one is cut where the line would become wider than the terminal, but no number in
    it. Rather than that, a `spare` one is left out if the other names tell the rows apart. What
    does not fit into the last one, if it `wraps`, goes on below.
    """

    name: str
    title: str
    text: Callable[[Any], str] = lambda value: "-" if value is None else str(value)
    right: bool = False
    elastic: bool = False
    spare: bool = False
    wraps: bool = False


@dataclass(frozen=True)
class Layout:
    """How to print: the form, how many rows (0: all), and by which column sorted.

    `asked` is the number of rows if one was asked for, None if `limit` is what the form shows.
    """

    form: str = "text"
    limit: int = 0
    sort: str | None = None
    asked: int | None = None

    def cut(self, rows: Sequence[_Row]) -> Sequence[_Row]:
        """As many of the rows as are to be shown."""
        return rows[: self.limit] if self.limit else rows


_Row = dict[str, Any]


def show(
    rows: Sequence[_Row],
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
    rows = arranged(rows, layout, names)
    shown = layout.cut(rows)
    if layout.form == "json":
        write_json(shown, out)
    elif layout.form == "csv":
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_flat(row[name]) for name in names] for row in shown)
    else:
        _write_text(shown, columns, out)
        if not rows:
            out.write("(0 rows)\n")
        if len(shown) < len(rows):
            out.write(the_rest(f"{len(rows) - len(shown):,} more" if counted else "and more"))


def the_rest(what: str) -> str:
    """The line that says what is not shown, and how to see it."""
    return f"… {what}; -n 0 shows all\n"


def write_json(value: Any, stream: TextIO | None = None) -> None:
    """Print a value as JSON; of a list, one element a line."""
    out = stream or sys.stdout
    if isinstance(value, Sequence) and value:
        out.write("[\n " + ",\n ".join(map(_json, value)) + "\n]\n")
    else:
        out.write(_json(value, indent=1) + "\n")


def _json(value: Any, indent: int | None = None) -> str:
    """JSON has no number that is none, nor an infinite one: they become null."""
    try:
        return json.dumps(value, ensure_ascii=False, default=_plain, indent=indent, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=_plain, indent=indent)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return value


def _plain(value: Any) -> Any:
    """What JSON has in place of a type that it does not have."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, (date, datetime, time)) else str(value)


def arranged(rows: Sequence[_Row], layout: Layout, names: Sequence[str]) -> Sequence[_Row]:
    """The rows in the order asked for. Raises UsageError if they have no such column."""
    if layout.sort is None:
        return rows
    name, _, order = layout.sort.partition(":")
    if name not in names or order not in ("", "asc", "desc"):
        raise UsageError(f"cannot sort by {layout.sort!r}; columns are {', '.join(names)}")
    known = [row for row in rows if _is_known(row[name])]
    numeric = all(isinstance(row[name], (int, float, Decimal)) for row in known)
    falls = order == "desc" or (numeric and order != "asc")
    try:
        known.sort(key=lambda row: row[name], reverse=falls)
        comparable = not any(isinstance(row[name], (list, dict)) for row in known)
    except TypeError:
        comparable = False
    if not comparable:
        raise UsageError(f"cannot sort by {name!r}, which holds lists")
    return known + [row for row in rows if not _is_known(row[name])]


def arranged_table(table: pa.Table, layout: Layout) -> pa.Table:
    """The same of a table."""
    if layout.sort is None:
        return table
    rows = [row | {"": number} for number, row in enumerate(records(table))]
    return table.take([row[""] for row in arranged(rows, layout, table.column_names)])


def _is_known(value: Any) -> bool:
    return value is not None and value == value  # which NaN is not


def _flat(value: Any) -> Any:
    if isinstance(value, (list, tuple, dict)):
        return _json(value)
    return value.isoformat() if isinstance(value, (date, datetime, time)) else value


def _write_text(rows: Sequence[_Row], columns: Sequence[Column], out: TextIO) -> None:
    columns, cells = _without_spare(
        columns, [[column.text(row[column.name]) for column in columns] for row in rows]
    )
    titles = [column.title for column in columns]
    widths, gap = _fit(titles, cells, columns)
    for line in (titles, *cells):
        cut = cut_tail if line is titles else cut_head
        padded = [
            text.rjust(width) if column.right else cut(text, width).ljust(width)
            for text, width, column in zip(line, widths, columns, strict=True)
        ]
        before = gap.join(padded[:-1]) + gap if len(padded) > 1 else ""
        if columns[-1].wraps:
            below = textwrap.wrap(line[-1], max(widths[-1], _NARROWEST)) or [""]
            padded = [f"\n{' ' * len(before)}".join(below)]
        out.write((before + padded[-1]).rstrip() + "\n")


def _without_spare(
    columns: Sequence[Column], cells: list[list[str]]
) -> tuple[Sequence[Column], list[list[str]]]:
    """What is left where there is no room for all."""
    widths = _widths([column.title for column in columns], cells)
    needed = [i for i, column in enumerate(columns) if not column.spare]
    names = [i for i in needed if not columns[i].right]
    apart = len({tuple(line[i] for i in names) for line in cells}) == len(cells)
    if not apart or sum(widths) + len(_GAPS[0]) * (len(columns) - 1) <= terminal_width():
        return columns, cells
    return [columns[i] for i in needed], [[line[i] for i in needed] for line in cells]


def _widths(titles: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, texts)) for texts in zip(titles, *cells, strict=True)]


def _fit(
    titles: Sequence[str], cells: Sequence[Sequence[str]], columns: Sequence[Column]
) -> tuple[list[int], str]:
    """Widths of the columns, and the gap: take from the widest elastic one until a line fits."""
    by_column = [[line[i] for line in cells] for i in range(len(columns))]
    widths = _widths(titles, cells)
    least = [
        min(width, max(_NARROWEST, _needed(column, texts)))
        if column.elastic or column.wraps
        else width
        for column, width, texts in zip(columns, widths, by_column, strict=True)
    ]
    spaces, room = len(columns) - 1, terminal_width()
    gap = next((g for g in _GAPS if sum(least) + len(g) * spaces <= room), _GAPS[-1])
    for _ in range(sum(widths) + len(gap) * spaces - room):
        widest = max(range(len(columns)), key=lambda i: (widths[i] > least[i], widths[i]))
        if widths[widest] <= least[widest]:
            break
        widths[widest] -= 1
    return widths, gap


def _needed(column: Column, texts: Sequence[str]) -> int:
    """The width that numbers need, and that tells sources apart."""
    if column.name != "source":
        return max((len(text) for text in texts if _NUMBER.fullmatch(text)), default=0)
    each, width = set(texts), _NARROWEST
    while len({cut_head(text, width) for text in each}) < len(each):
        width += 1
    return width


def cut_head(text: str, width: int) -> str:
    """The end of a name tells more than its beginning, which is the package."""
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]


def cut_tail(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def wrapped(text: str, indent: str = "") -> str:
    """A sentence in lines as wide as the terminal, the second and all others indented."""
    return textwrap.fill(
        text,
        terminal_width(),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def terminal_width() -> int:
    """Columns of the terminal; 80 where the output is none."""
    return max(_NARROWEST_TERMINAL, shutil.get_terminal_size().columns)


def unique(names: Sequence[str]) -> list[str]:
    """Names of columns, those that occur again numbered: a, a_1."""
    found: list[str] = []
    for name in names:
        number, new = 0, name
        while new in found:
            number += 1
            new = f"{name}_{number}"
        found.append(new)
    return found


def records(table: pa.Table) -> list[_Row]:
    """The rows of a table, by names that `unique` makes. Nanoseconds of timestamps are kept.

    Whole numbers of any size are int: sums in SQL are of a type that Arrow does not know.
    """
    columns = [_values(column) for column in table.columns]
    names = unique(table.column_names)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: pa.ChunkedArray) -> list[Any]:
    exact = _without_ns(column.type)
    values: list[Any] = (column if exact == column.type else column.cast(exact)).to_pylist()
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        return [text and text.replace(" ", "T") for text in values]
    if pa.types.is_decimal(column.type) and column.type.scale == 0:
        return [None if value is None else int(value) for value in values]
    return values


def _without_ns(kind: pa.DataType) -> pa.DataType:
    """The type with text for moments in ns, which Python's own do not hold."""
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_without_ns(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _without_ns(field.type)) for field in kind])
    return kind


def merged(
    found: Mapping[str, pa.Table], rank: Callable[[_Row], Any] | None = None
) -> tuple[list[_Row], list[str]]:
    """The rows of several traces with their `source` in front, if there are several; and names.

    Ranked together: `rank` is by what each table is ordered already. Without it, trace by trace.
    """
    rows = sources({source: records(table) for source, table in found.items()})
    if rank is not None and len(found) > 1:
        rows.sort(key=rank)
    names = next(iter(found.values())).column_names
    return rows, ["source", *names] if len(found) > 1 else names


def sources(found: Mapping[str, Iterable[_Row]]) -> list[_Row]:
    """All rows, each with its `source` in front if there are several."""
    several = len(found) > 1
    return [
        ({"source": source} if several else {}) | row
        for source, rows in found.items()
        for row in rows
    ]
