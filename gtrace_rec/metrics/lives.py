"""Follows the goroutines of one process from block to block: lifetimes and scheduling latency.

Whole blocks at a time. The events that matter are sorted by goroutine; then what belongs together
stands together, and only what a block leaves open is carried over to the next, in a table of the
goroutines that live.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gtrace_rec.plan import KIND_CODES
from gtrace_rec.ring import Block

Int = NDArray[np.int64]

_NONE, _CREATE, _RUNNABLE, _RUN, _EXIT = range(5)
# park_undone is no wait for a thread: the goroutine goes on where it is.
_ROLES = {
    "create": _CREATE,
    "create_parked": _CREATE,
    "create_syscall": _CREATE,
    "ready": _RUNNABLE,
    "inject": _RUNNABLE,
    "yield": _RUNNABLE,
    "syscall_lost_p": _RUNNABLE,
    "run": _RUN,
    "exit": _EXIT,
}
_ROLE_OF = np.zeros(256, np.uint8)
for _kind, _role in _ROLES.items():
    _ROLE_OF[KIND_CODES[_kind]] = _role
_CREATE_KIND = KIND_CODES["create"]  # the only one of them that makes it runnable

_INDEX_BITS = 20  # a sort key is goid, then the place in the block
_MOST_ROWS = 1 << _INDEX_BITS
_MOST_LIVES = 1 << 21  # goroutines followed at a time in one process
UNKNOWN_SITE = 0  # of goroutines whose go statement is not known


class Histogram:
    """Durations in buckets, as Prometheus counts them."""

    def __init__(self, bounds: Sequence[int]) -> None:
        """`bounds` are upper ends in ns, rising; one bucket more takes the rest."""
        self.bounds = np.array(bounds, np.int64)
        self.counts = np.zeros(len(bounds) + 1, np.int64)
        self.sum_ns = 0

    def add(self, durations: Int) -> None:
        """Count these durations, in ns."""
        at = self.bounds.searchsorted(durations)
        self.counts += np.bincount(at, minlength=len(self.counts))
        self.sum_ns += int(durations.sum())


class _Table:
    """The goroutines that live, sorted by goid. A row that is not `alive` waits to be removed."""

    def __init__(self) -> None:
        self._columns = [np.zeros(1024, t) for t in (np.int64, np.int64, np.int64, np.int64, bool)]
        self._resize(0)

    def _resize(self, rows: int) -> None:
        if rows > len(self._columns[0]):
            self._columns = [
                np.concatenate([c, np.zeros(max(rows, len(c)) - len(c) // 2, c.dtype)])
                for c in self._columns
            ]
        views: list[NDArray[Any]] = [c[:rows] for c in self._columns]
        self.goid, self.created, self.runnable, self.site, self.alive = views
        # created: ts, 0: before the recording; runnable: since this ts, 0: it is not

    def __len__(self) -> int:
        return len(self.goid)

    def find(self, goids: Int) -> tuple[Int, NDArray[np.bool_]]:
        """Rows of those goids that are there, and which are."""
        at = self.goid.searchsorted(goids)
        there = at < len(self)
        there[there] = (self.goid[at[there]] == goids[there]) & self.alive[at[there]]
        return at[there], there

    def put(self, goid: Int, created: Int, runnable: Int, site: Int) -> None:
        """Set the rows of these goroutines, in the order of their goids; add what is not there."""
        values = (goid, created, runnable, site, np.ones(len(goid), np.bool_))
        at = self.goid.searchsorted(goid)
        there = at < len(self)
        there[there] = self.goid[at[there]] == goid[there]
        for column, new in zip(self._columns, values, strict=True):
            column[at[there]] = new[there]
        if there.all():
            return
        # Goids rise as goroutines are made, so nearly all of this is an append.
        before, start = len(self), int(at[~there][0])
        order = np.concatenate([self.goid[start:], goid[~there]]).argsort(kind="stable")
        self._resize(before + len(order) - (before - start))
        for column, new in zip(self._columns, values, strict=True):
            tail = np.concatenate([column[start:before], new[~there]])
            column[start : len(self)] = tail[order]

    def compact(self) -> None:
        """Remove the dead, once they are the larger part."""
        alive = int(np.count_nonzero(self.alive))
        if alive * 2 < len(self):
            keep = self.alive.copy()
            for column in self._columns:
                column[:alive] = column[: len(self)][keep]
            self._resize(alive)


class Lives:
    """The goroutines of one process."""

    def __init__(self, lifetimes: Histogram, latencies: Histogram) -> None:
        self._lifetimes = lifetimes
        self._latencies = latencies
        self._table = _Table()
        self._site_of_pc: dict[int, int] = {}
        self.site_pcs: list[int | None] = [None]  # go statements by site; site 0: not known
        self.live = np.zeros(1, np.int64)  # goroutines alive by site
        self._missing = np.zeros(0, np.int64)  # goids that the last snapshot did not have
        self.not_followed = 0  # goroutines that there was no room for

    def observe(self, block: Block, *, whole: bool = True) -> None:
        """Take note of events of this process, in the order of the ring.

        Where events are missing among them (not `whole`), goroutines may have run unseen, so
        latencies are not measured; lifetimes are what they are.
        """
        latencies = self._latencies
        if not whole:
            self._table.runnable[:] = 0
            self._latencies = Histogram(latencies.bounds.tolist())
        for start in range(0, len(block), _MOST_ROWS):
            self._observe(block[start : start + _MOST_ROWS])
        if not whole:
            self._table.runnable[:] = 0
            self._latencies = latencies

    def seed(self, goids: Int, gopcs: Int) -> None:
        """These goroutines, and no others, are alive by a snapshot; `gopcs` made them, 0: unknown.

        Events may come that happened before it, so what is missing is gone only if it is missing
        from the next as well: then the event of its end was lost.
        """
        t = self._table
        order = goids.argsort()
        goids, gopcs = goids[order], gopcs[order]
        missing = t.goid[t.alive & ~np.isin(t.goid, goids)]
        gone, _ = t.find(np.intersect1d(missing, self._missing))
        self._end(gone)
        self._missing = missing
        _, known = t.find(goids)
        sites = self._sites(gopcs[~known])
        none = np.zeros(len(sites), np.int64)
        self._begin(goids[~known], none, sites, none)

    def _observe(self, block: Block) -> None:
        role = _ROLE_OF[block["kind"]]
        rows = np.flatnonzero(role)
        if not len(rows):
            return
        keys = (block["goid"][rows].astype(np.int64) << _INDEX_BITS) | rows
        keys.sort()
        rows = keys & (_MOST_ROWS - 1)
        goid = keys >> _INDEX_BITS
        role = role[rows]
        ts = block["ts"].astype(np.int64)[rows]

        first = np.empty(len(rows), np.bool_)
        first[0] = True
        np.not_equal(goid[1:], goid[:-1], out=first[1:])
        first |= role == _CREATE  # of the same goroutine: another life, by a thread of C
        waits = (role == _RUNNABLE) | ((role == _CREATE) & (block["kind"][rows] == _CREATE_KIND))
        pair = np.flatnonzero((role[1:] == _RUN) & waits[:-1] & ~first[1:])
        self._latencies.add(ts[pair + 1] - ts[pair])

        starts = np.flatnonzero(first)
        ends = np.append(starts[1:], len(rows)) - 1
        open_since = np.where(waits[ends], ts[ends], 0)
        made = role[starts] == _CREATE
        ended = role[ends] == _EXIT
        whole = np.flatnonzero(made & ended)
        self._lifetimes.add(ts[ends[whole]] - ts[starts[whole]])

        last = np.append(goid[starts[1:]] != goid[starts[:-1]], True)
        born = np.flatnonzero(made & ~ended & last)
        sites = self._sites(block["pc"][rows[starts[born]]].astype(np.int64))
        self._carry(
            goid[starts], ts[starts], role[starts] == _RUN, ts[ends], ended, open_since, ~made
        )
        self._begin(goid[starts[born]], ts[starts[born]], sites, open_since[born])
        self._table.compact()

    def _carry(
        self,
        goid: Int,
        first_ts: Int,
        runs: NDArray[np.bool_],
        last_ts: Int,
        ended: NDArray[np.bool_],
        open_since: Int,
        older: NDArray[np.bool_],
    ) -> None:
        """Join what this block says of goroutines with what earlier ones left open."""
        t = self._table
        at, known = t.find(goid)
        at, known = at[older[known]], known & older
        since, created = t.runnable[at], t.created[at]
        waited = runs[known] & (since > 0)
        self._latencies.add(first_ts[known][waited] - since[waited])
        t.runnable[at] = open_since[known]
        over = ended[known]
        lived = over & (created > 0)
        self._lifetimes.add(last_ts[known][lived] - created[lived])
        self._end(at[over])
        new = np.flatnonzero(older & ~known & ~ended)
        self._begin(
            goid[new], np.zeros(len(new), np.int64), np.zeros(len(new), np.int64), open_since[new]
        )

    def _begin(self, goid: Int, created: Int, sites: Int, runnable: Int) -> None:
        if len(self._table) + len(goid) > _MOST_LIVES:
            self.not_followed += len(goid)
            return
        at, _ = self._table.find(goid)
        self._end(at)  # a snapshot had it before its creation was told of
        self._table.put(goid, created, runnable, sites)
        self.live += np.bincount(sites, minlength=len(self.live))

    def _end(self, rows: Int) -> None:
        self._table.alive[rows] = False
        self.live -= np.bincount(self._table.site[rows], minlength=len(self.live))

    def _sites(self, pcs: Int) -> Int:
        """Numbers of go statements, new ones for those not seen before."""
        encoded = pa.array(pcs).dictionary_encode()
        distinct = encoded.dictionary
        numbers = np.empty(len(distinct), np.int64)
        for i, pc in enumerate(distinct.to_pylist()):
            if pc and pc not in self._site_of_pc:
                self._site_of_pc[pc] = len(self.site_pcs)
                self.site_pcs.append(pc)
            numbers[i] = self._site_of_pc.get(pc, UNKNOWN_SITE)
        grown = len(self.site_pcs) - len(self.live)
        self.live = np.concatenate([self.live, np.zeros(grown, np.int64)])
        result: Int = numbers[encoded.indices.to_numpy()]
        return result
