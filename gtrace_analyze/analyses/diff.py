"""What changed from one recording to another, and what is noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import ALL, Selection

__all__ = ["Difference", "by_chance", "collect", "mann_whitney"]

_BLOCKS = 20
# Below this many blocks with a value on either side, nothing is said.
_FEWEST_BLOCKS = 5
# A quantile of fewer waits than this is none.
_FEWEST_WAITS = 5
_FALSE_ALARMS = 0.01
_LEAST_CHANGE = 0.05


@dataclass(frozen=True)
class Difference:
    """One figure in both recordings.

    ``a`` and ``b`` are medians of its twentieths (of alive, created/s and growth/s: means), in ns,
    1/s or as a number; None where there are none. ``change`` is b/a - 1, None if that has no
    meaning. ``q`` is the false discovery rate at which the difference would count as one.
    ``verdict`` is "changed", "noise", "too few", "only in a" or "only in b".
    """

    metric: str
    reason: str | None
    function: str | None
    created_by: str | None
    a: float | None
    b: float | None
    change: float | None
    n_a: int
    n_b: int
    p: float | None
    q: float | None
    verdict: str


_SQL = """
    SELECT metric, reason, function, created_by, list(block) AS block, list(n) AS n,
        list(value) AS value
    FROM {source} GROUP BY metric, reason, function, created_by
"""

_Key = tuple[str, str | None, str | None, str | None]
_Values = npt.NDArray[np.float64]
_Counts = npt.NDArray[np.int64]


class _Figures(NamedTuple):
    """The figures of a recording: what each is of, and a row of twentieths for each.

    ``n`` is what a value is computed from, 0 where there is none and the value is NaN.
    """

    keys: list[_Key]
    n: _Counts
    value: _Values

    def of(self, keys: list[_Key]) -> _Figures:
        """The rows of these, empty where there is none."""
        numbers = {key: number for number, key in enumerate(self.keys)}
        rows = np.array([numbers.get(key, len(self.keys)) for key in keys], np.int64)
        n = np.vstack([self.n, np.zeros((1, _BLOCKS), np.int64)])
        value = np.vstack([self.value, np.full((1, _BLOCKS), np.nan)])
        return _Figures(keys, n[rows], value[rows])


def collect(a: Engine, b: Engine, selection: Selection = ALL) -> list[Difference]:
    """Compare goroutines, creation sites, waits and scheduling latency of two recordings.

    Each recording (or its selected time) is cut into twenty parts. A figure's values in the parts
    of one are compared with those of the other by the Mann-Whitney U test, two-sided; the p-values
    of all figures together are corrected by Benjamini and Hochberg's method (J. R. Stat. Soc. B 57,
    1995). It "changed" if one in a hundred such claims is false (q ≤ 0.01) and by at least 5 %;
    else it is "noise". Parts count where they hold five waits; fewer than five parts on a side are
    "too few", and so is what only one recording has in fewer than five parts. Waits that did not
    end are not in it. How many are alive depends on how many were just before, so their mean
    numbers have to differ, too, by more than chance makes them (Poisson's distribution). The surest
    come first, then the largest.
    """
    one, other = _figures(a, selection), _figures(b, selection)
    keys = sorted({*one.keys, *other.keys}, key=repr)
    if not keys:
        return []
    sides = [figures.of(keys) for figures in (one, other)]
    counts = np.array([key[0] == "alive" or key[0].endswith("/s") for key in keys])
    values = [_values(side, counts) for side in sides]
    middles = [_middles(each, counts) for each in values]
    ps = mann_whitney(*values)
    there = [np.count_nonzero(side.n, axis=1) for side in sides]
    enough = np.min([np.count_nonzero(~np.isnan(v), axis=1) for v in values], axis=0)
    totals = [side.n.sum(axis=1).tolist() for side in sides]
    drafts = []
    for i, key in enumerate(keys):
        verdict, p = "noise", float(ps[i])
        in_a, in_b = (each[i] for each in middles)
        if key[0] == "alive":
            p = max(p, by_chance(in_a or 0, in_b or 0))
        elif not (there[0][i] and there[1][i]):
            often = there[0][i] + there[1][i] >= _FEWEST_BLOCKS
            verdict = f"only in {'a' if there[0][i] else 'b'}" if often else "too few"
        elif enough[i] < _FEWEST_BLOCKS:
            verdict = "too few"
        drafts.append(
            Difference(
                *key,
                a=in_a,
                b=in_b,
                change=in_b / in_a - 1 if in_a and in_b is not None and in_a > 0 else None,
                n_a=totals[0][i],
                n_b=totals[1][i],
                p=p if verdict == "noise" else None,
                q=None,
                verdict=verdict,
            )
        )
    rank = {"changed": 0, "only in b": 1, "only in a": 1, "noise": 2, "too few": 3}
    found = _corrected(drafts)
    return sorted(found, key=lambda d: (rank[d.verdict], -_size(d), -(d.n_a + d.n_b)))


def mann_whitney(a: _Values, b: _Values) -> _Values:
    """The two-sided p-value of the U test for each row of `a` and of `b`, of which NaN is no value.

    By the normal approximation, corrected for ties and for continuity: Mann and Whitney, Ann. Math.
    Stat. 18, 1947.
    """
    n, m = (np.count_nonzero(~np.isnan(side), axis=1) for side in (a, b))
    pairs = a[:, :, np.newaxis], b[:, np.newaxis, :]
    u = (np.greater(*pairs) + np.equal(*pairs) / 2).sum(axis=(1, 2))
    both = np.hstack([a, b])
    alike = (both[:, :, np.newaxis] == both[:, np.newaxis, :]).sum(axis=2)
    ties = np.where(alike > 0, alike**2 - 1, 0).sum(axis=1)  # t of t alike have t³ - t together
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / np.maximum(total * (total - 1), 1))
    z = np.maximum(np.abs(u - n * m / 2) - 0.5, 0) / np.sqrt(
        2 * np.where(variance > 0, variance, 1)
    )
    return np.array([math.erfc(x) for x in np.where(variance > 0, z, 0)])


def by_chance(a: float, b: float) -> float:
    """The two-sided p-value of two numbers that would be alike but for chance.

    By the normal approximation of the difference of two Poisson variables, with the correction for
    continuity.
    """
    if a == b:
        return 1.0
    return math.erfc(max(abs(a - b) - 1, 0) / math.sqrt(2 * (a + b)))


def _figures(engine: Engine, selection: Selection) -> _Figures:
    source, parameters = selection.source(engine, "comparison_blocks")
    rows = engine.table(_SQL.format(source=source), parameters)
    keys = list(zip(*(rows[name].to_pylist() for name in rows.column_names[:4]), strict=True))
    n, value = np.zeros((len(keys), _BLOCKS), np.int64), np.full((len(keys), _BLOCKS), np.nan)
    lists = [rows[name].combine_chunks() for name in ("block", "n", "value")]
    places = pc.list_parent_indices(lists[0]).to_numpy(), lists[0].flatten().to_numpy()
    n[places], value[places] = (each.flatten().to_numpy() for each in lists[1:])
    return _Figures(keys, n, value)


def _values(figures: _Figures, counts: npt.NDArray[np.bool_]) -> _Values:
    """Nothing alive or created is known to be zero; of a length, none is not known."""
    of_lengths = np.where(figures.n >= _FEWEST_WAITS, figures.value, np.nan)
    return np.where(counts[:, np.newaxis], np.nan_to_num(figures.value), of_lengths)


def _middles(values: _Values, counts: npt.NDArray[np.bool_]) -> list[float | None]:
    """The mean of each row that is a count, the median of each other; None where it is empty."""
    middles = np.full(len(values), np.nan)
    middles[counts] = values[counts].mean(axis=1)
    there = ~counts & ~np.isnan(values).all(axis=1)
    middles[there] = np.nanmedian(values[there], axis=1)
    return [None if math.isnan(middle) else middle for middle in middles.tolist()]


def _corrected(drafts: list[Difference]) -> list[Difference]:
    """The same with q-values, and what they tell to have changed."""
    qs = iter(_benjamini_hochberg([draft.p for draft in drafts if draft.p is not None]))
    found = []
    for draft in drafts:
        if draft.p is not None:
            q = next(qs)
            large = draft.change is None or abs(draft.change) >= _LEAST_CHANGE
            verdict = "changed" if q <= _FALSE_ALARMS and large else "noise"
            draft = replace(draft, q=q, verdict=verdict)
        found.append(draft)
    return found


def _benjamini_hochberg(ps: Sequence[float]) -> list[float]:
    """The q-value of each p-value."""
    order = np.argsort(ps)
    raised = np.asarray(ps)[order] * len(ps) / np.arange(1, len(ps) + 1)
    qs = np.empty(len(ps))
    qs[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return [float(q) for q in qs]


def _size(difference: Difference) -> float:
    """How large a change is: a doubling and a halving are equally large."""
    if difference.change is None or difference.change <= -1:
        return math.inf
    return abs(math.log1p(difference.change))
