"""Stacks of goroutines that are not running, by Go's own pcsp tables.

The rules are those of `runtime/traceback.go` (unwinder.resolveInternal, next and symPC) of Go 1.27;
the tables are exact at every call, where frame pointers are not (a goroutine preempted in a
prologue, arm64 before Go 1.21). All stacks are walked at once, one frame of each at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gtrace_rec.goruntime.binary import GoBinary
from gtrace_rec.goruntime.glimpse import WINDOW, Glimpse
from gtrace_rec.goruntime.pclntab import FLAG_SP_WRITE, FLAG_TOP_FRAME
from gtrace_rec.goruntime.process import GoProcess

# The runtime makes a function look as if it had called these, at any of its instructions.
_INJECTED = frozenset({"runtime.sigpanic", "runtime.asyncPreempt", "runtime.debugCallV2"})

_ARGUMENTS = 3  # frames of which the arguments' place is wanted

_NORMAL, _LAST, _UNKNOWN = 0, 1, 2

# What a pc means for the walk. `lookup` is the address to find its source line by, `delta` the
# distance from the stack pointer to the frame's base.
_RULE = np.dtype(
    [
        ("kind", "u1"),
        ("sp_write", "?"),
        ("injected", "?"),
        ("delta", "<u8"),
        ("lookup", "<i8"),
    ]
)


@dataclass(frozen=True)
class Unwound:
    """Stacks, one row per goroutine.

    `pcs` are lookup addresses (schema.py), innermost first, zero behind the last of `depth`.
    `complete` says that a row ends where the goroutine began, or at the depth asked for.
    `parked` says that it begins where gopark left the goroutine.
    `later` says that a part of the stack was read after the glimpse.
    `arguments` are the words in the home slots of the first frames' first arguments.
    `bases` are where the frames end: on amd64, where their return addresses stand.
    """

    pcs: NDArray[np.int64]
    depth: NDArray[np.int32]
    complete: NDArray[np.bool_]
    parked: NDArray[np.bool_]
    later: NDArray[np.bool_]
    arguments: NDArray[np.uint64]
    bases: NDArray[np.uint64]


class Unwinder:
    """Walks stacks of one process."""

    def __init__(self, process: GoProcess) -> None:
        self._process = process
        self._binary = process.binary
        self._lr = process.binary.arch == "arm64"  # the return address comes in a register
        self._rules: dict[int, tuple[int, bool, bool, int, int]] = {}
        self._park_calls = _park_calls(process.binary)

    def unwind(self, view: Glimpse, max_depth: int) -> Unwound:
        """Walk the stacks of all goroutines that have one to walk, `max_depth` frames at most."""
        gs, count = view.gs, len(view.gs)
        bias = self._process.load_bias
        windows = _Windows(self._process, view)
        rows = np.flatnonzero(gs.has_stack)
        pc = gs.saved_pc[rows].astype(np.int64) - bias
        sp, lr = gs.saved_sp[rows], gs.saved_lr[rows]
        result = Unwound(
            pcs=np.zeros((count, max_depth), np.int64),
            depth=np.zeros(count, np.int32),
            complete=np.zeros(count, np.bool_),
            parked=np.zeros(count, np.bool_),
            later=windows.later,
            arguments=np.zeros((count, _ARGUMENTS), np.uint64),
            bases=np.zeros((count, max_depth), np.uint64),
        )
        result.parked[rows] = np.isin(pc, list(self._park_calls))
        return_slot = np.uint64(0 if self._lr else 8)
        injected = np.zeros(len(rows), np.bool_)
        for level in range(max_depth):
            rule = self._rules_of(pc)
            kind = rule["kind"]
            if level == 0:  # entered a function that writes SP, but it has not done so yet
                kind[rule["sp_write"]] = _NORMAL
            known = kind != _UNKNOWN
            result.pcs[rows[known], level] = np.where(injected, pc, rule["lookup"])[known]
            result.depth[rows[known]] = level + 1
            result.complete[rows[kind == _LAST]] = True
            base = sp + rule["delta"]
            result.bases[rows[known], level] = base[known]
            if level < _ARGUMENTS:
                homes, _ = windows.words(rows[known], base[known] + 8)
                result.arguments[rows[known], level] = homes
            # Of those that have a caller, find where it goes on.
            on = kind == _NORMAL
            rows, rule, sp, base, lr = rows[on], rule[on], sp[on], base[on], lr[on]
            ra, found = windows.words(rows, sp if self._lr else base)
            leaf = (rule["delta"] == 0) & (lr != 0)
            if self._lr:
                ra, found = np.where(leaf, lr, ra), found | leaf
            sp, injected = base + return_slot, rule["injected"]
            lr = np.zeros(len(rows), np.uint64)
            if self._lr and injected.any():  # the signal handler pushed the function's own lr
                pushed, there = windows.words(rows, sp)
                lr, found = np.where(injected, pushed, lr), found & (there | ~injected)
                sp = sp + np.where(injected, np.uint64(16), np.uint64(0))
            rows, sp, lr, injected = rows[found], sp[found], lr[found], injected[found]
            pc = ra[found].astype(np.int64) - bias
            if not len(rows):
                return result
        result.complete[rows] = True  # to the depth asked for
        return result

    def _rules_of(self, pcs: NDArray[np.int64]) -> NDArray[np.void]:
        distinct, back = np.unique(pcs, return_inverse=True)
        rules = []
        for pc in distinct.tolist():
            if pc not in self._rules:
                self._rules[pc] = self._rule(pc)
            rules.append(self._rules[pc])
        found: NDArray[np.void] = np.array(rules, _RULE)[back]
        return found

    def _rule(self, pc: int) -> tuple[int, bool, bool, int, int]:
        function = self._binary.functions.at(pc)
        delta = None if function is None else self._binary.sp_delta(pc)
        if function is None or delta is None or delta < 0:
            return _UNKNOWN, False, False, 0, 0
        lookup = pc if pc == function.entry else self._park_calls.get(pc, pc - 1)
        top = bool(function.flag & FLAG_TOP_FRAME)
        writes_sp = (
            not top
            and bool(function.flag & FLAG_SP_WRITE)
            and function.name != "runtime.cgocallback"  # does, but stays walkable throughout
        )
        kind = _LAST if top or writes_sp else _NORMAL
        return kind, writes_sp, function.name in _INJECTED, delta, lookup


def lookup_addresses(binary: GoBinary, pcs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The lookup addresses (schema.py) of a stack whose first pc is exact, the others returns."""
    lookup = pcs.copy()
    lookup[1:] -= 1
    for i, pc in enumerate(lookup[:-1].tolist()):
        function = binary.functions.at(pc)
        if function is not None and function.name in _INJECTED:
            lookup[i + 1] = pcs[i + 1]
    return lookup


def _park_calls(binary: GoBinary) -> dict[int, int]:
    """Return address → call, of the calls by which gopark leaves the goroutine.

    The probe sits on that very call, so its address, not the return address minus one, is the
    innermost of a stack recorded by it; a parked goroutine's is the same.
    """
    park = binary.functions.named("runtime.gopark")
    leave = binary.functions.named("runtime.mcall")
    if park is None or leave is None:
        return {}
    size = 4 if binary.arch == "arm64" else 5
    return {call + size: call for call in binary.call_sites(park, leave)}


class _Windows:
    """The part of each goroutine's stack that was read last: first that of a glimpse.

    `later` says of which of them more was read.
    """

    def __init__(self, process: GoProcess, view: Glimpse) -> None:
        self._process = process
        self._lo = view.gs.column("stack", "stack.lo")
        self._hi = view.gs.column("stack", "stack.hi")
        self._start, self._size = view.stack_start, view.stack_size
        self._buffer = view.stacks
        self.later = np.zeros(len(self._lo), np.bool_)

    def words(
        self, rows: NDArray[np.int64], address: NDArray[np.uint64]
    ) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """The word at an address of each row's stack, and whether it lies there and was read."""
        inside = (address >= self._lo[rows]) & (address + 8 <= self._hi[rows])
        missing = inside & ~self._holds(rows, address)
        if missing.any():
            self._read(rows[missing], address[missing])
        held = inside & self._holds(rows, address)
        values = np.zeros(len(rows), np.uint64)
        at = (address - self._start[rows])[held, None] + np.arange(8, dtype=np.uint64)
        values[held] = self._buffer[rows[held, None], at].view("<u8")[:, 0]
        return values, held

    def _holds(self, rows: NDArray[np.int64], address: NDArray[np.uint64]) -> NDArray[np.bool_]:
        start = self._start[rows]
        held: NDArray[np.bool_] = (address >= start) & (address + 8 <= start + self._size[rows])
        return held

    def _read(self, rows: NDArray[np.int64], address: NDArray[np.uint64]) -> None:
        sizes = np.minimum(self._hi[rows] - address, np.uint64(WINDOW))
        at = rows.astype(np.uint64) * np.uint64(WINDOW)
        readable = self._process.read_into(self._buffer, at, address, sizes)
        self._start[rows] = address
        self._size[rows] = np.where(readable, sizes, np.uint64(0))
        self.later[rows] = True
