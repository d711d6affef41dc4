"""Answers as DataFrames that a notebook shows as people read them. Their values stay plain."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from gtrace_analyze.analyses.leaks import LeakGroup
from gtrace_analyze.render.html import render
from gtrace_analyze.units import counted, duration

__all__ = ["Leaks", "Table"]

_LENGTH = re.compile(r"_ns$|^dur(_seen)?$")
_MOST_GROUPS = 20
_NULLABLE = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


class Table(pd.DataFrame):  # type: ignore[misc]
    """Rows of an answer. A notebook shows lengths of time in their units; in the cells they are ns.

    What is cut or computed from it by pandas is shown the same way.
    """

    @property
    def _constructor(self) -> Callable[..., Table]:
        return type(self)

    @classmethod
    def of(cls, table: pa.Table) -> Table:
        """An Arrow table, where integers stay integers although some are NULL."""
        return cls(table.to_pandas(types_mapper=_NULLABLE.get))

    def _repr_html_(self) -> str:
        half = (pd.get_option("display.max_rows") or len(self)) // 2
        whole = len(self) <= 2 * half
        shown = pd.DataFrame(self if whole else pd.concat([self.head(half), self.tail(half)]))
        lengths = [name for name in shown.columns if _LENGTH.search(str(name))]
        # As objects, since pandas writes <NA> for a NULL among integers whatever it is asked.
        plain = shown.astype(object).where(shown.notna().to_numpy(), "-")
        html: str = plain.to_html(formatters=dict.fromkeys(lengths, _length), notebook=True)
        rows = (
            counted(len(self), "row") if whole else f"first and last {half} of {len(self):,} rows"
        )
        return f"{html}\n<p>{rows}</p>"


class Leaks(Table):
    """Groups of goroutines, one a row, shown with evidence and stack."""

    @classmethod
    def of_groups(cls, groups: Sequence[LeakGroup]) -> Leaks:
        names = LeakGroup.columns()
        return cls([[getattr(group, name) for name in names] for group in groups], columns=names)

    def _repr_html_(self) -> str:
        if set(LeakGroup.columns()) - set(self.columns):  # a choice of columns
            return super()._repr_html_()
        rows = [
            {str(key): None if _is_na(value) else value for key, value in row.items()}
            for row in self.head(_MOST_GROUPS).to_dict("records")
        ]
        several = self["pid"].nunique() > 1
        return render(
            "leaks.html",
            {
                "groups": [row | {"several_processes": several} for row in rows],
                "more": len(self) - len(rows),
            },
        )


def _length(value: Any) -> str:
    return value if isinstance(value, str) else duration(float(value))


def _is_na(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))
