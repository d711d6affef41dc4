"""What changed from one recording to another, and what is noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

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
    SELECT metric, reason, function, created_by, list(block), list(n), list(value)
    FROM {source} GROUP BY metric, reason, function, created_by
"""


class _Blocks(NamedTuple):
    """The twentieths of a figure: their numbers, what each is computed from, and the values."""

    block: Sequence[int] = ()
    n: Sequence[int] = ()
    value: Sequence[float] = ()


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
    keys = sorted(one.keys() | other.keys(), key=repr)
    drafts = [_compare(key, one.get(key, _Blocks()), other.get(key, _Blocks())) for key in keys]
    tested = [d for d in drafts if d["p"] is not None]
    for draft, q in zip(tested, _benjamini_hochberg([d["p"] for d in tested]), strict=True):
        draft["q"] = q
        large = draft["change"] is None or abs(draft["change"]) >= _LEAST_CHANGE
        draft["verdict"] = "changed" if q <= _FALSE_ALARMS and large else "noise"
    rank = {"changed": 0, "only in b": 1, "only in a": 1, "noise": 2, "too few": 3}
    found = [Difference(**draft) for draft in drafts]
    return sorted(found, key=lambda d: (rank[d.verdict], -_size(d), -(d.n_a + d.n_b)))


def mann_whitney(a: Sequence[float], b: Sequence[float]) -> float:
    """The two-sided p-value of the U test, by the normal approximation corrected for ties.

    Mann and Whitney, Ann. Math. Stat. 18, 1947; with the correction for continuity.
    """
    values = np.concatenate([np.asarray(a, float), np.asarray(b, float)])
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum() - (counts - 1) / 2)[place]
    n, m, total = len(a), len(b), len(values)
    u = ranks[:n].sum() - n * (n + 1) / 2
    ties = float((counts**3 - counts).sum())
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = max(abs(u - n * m / 2) - 0.5, 0) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def by_chance(a: float, b: float) -> float:
    """The two-sided p-value of two numbers that would be alike but for chance.

    By the normal approximation of the difference of two Poisson variables, with the correction for
    continuity.
    """
    if a == b:
        return 1.0
    return math.erfc(max(abs(a - b) - 1, 0) / math.sqrt(2 * (a + b)))


def _figures(engine: Engine, selection: Selection) -> dict[tuple[Any, ...], _Blocks]:
    source, parameters = "comparison_blocks", dict[str, object]()
    if selection != ALL:
        source = "comparison_blocks_of($start, $end, $goids, $pattern)"
        parameters = selection.parameters(engine)
    rows = engine.rows(_SQL.format(source=source), parameters)
    figures = (tuple(row.values()) for row in rows)
    return {figure[:4]: _Blocks(*figure[4:]) for figure in figures}


def _compare(key: tuple[Any, ...], one: _Blocks, other: _Blocks) -> dict[str, Any]:
    metric, reason, function, created_by = key
    alive = metric == "alive"
    counts = alive or metric.endswith("/s")
    values = [_values(blocks, counts) for blocks in (one, other)]
    middle = np.mean if counts else np.median
    a, b = (float(middle(v)) if v else None for v in values)
    if alive:
        verdict, p = "noise", max(mann_whitney(*values), by_chance(a or 0, b or 0))
    elif not one.block or not other.block:
        often = len(one.block) + len(other.block) >= _FEWEST_BLOCKS
        verdict, p = f"only in {'a' if one.block else 'b'}" if often else "too few", None
    elif min(map(len, values)) < _FEWEST_BLOCKS:
        verdict, p = "too few", None
    else:
        verdict, p = "noise", mann_whitney(*values)
    return {
        "metric": metric,
        "reason": reason,
        "function": function,
        "created_by": created_by,
        "a": a,
        "b": b,
        "change": b / a - 1 if a and b is not None and a > 0 else None,
        "n_a": sum(one.n),
        "n_b": sum(other.n),
        "p": p,
        "q": None,
        "verdict": verdict,
    }


def _values(blocks: _Blocks, counts: bool) -> list[float]:
    """Nothing alive or created is known to be zero; of a length, none is not known."""
    if not counts:
        pairs = zip(blocks.n, blocks.value, strict=True)
        return [value for n, value in pairs if n >= _FEWEST_WAITS]
    values = [0.0] * _BLOCKS
    for block, value in zip(blocks.block, blocks.value, strict=True):
        values[block] = float(value)
    return values


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
