"""Stacks and symbols: each distinct one is stored once, and numbered.

BPF names a stack by a 64-bit hash of its addresses. The first time a hash appears in the ring, its
addresses are fetched from the BPF map, the stack gets the recording's next number, and any address
not seen before is symbolized, so that the recording can be read without the binary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gtrace_rec.goruntime import GoBinary
from gtrace_rec.goruntime.unwind import lookup_addresses
from gtrace_rec.loader import Probes
from gtrace_rec.ring import Block
from gtrace_rec.schema import STACKS, SYMBOLS
from gtrace_rec.unprobed import NoProbes


class StackTable:
    """All distinct stacks and symbols of a recording; hands out those that are new."""

    def __init__(self) -> None:
        self._ids: dict[tuple[int, bytes], int] = {}
        self._seen_pcs: set[tuple[int, int]] = set()
        self._new_stacks: list[tuple[int, int, NDArray[np.int64]]] = []
        self._new_symbols: list[tuple[int, int, int, str | None, str | None, int | None, bool]] = []

    def __len__(self) -> int:
        return len(self._ids)

    def intern(self, exe: int, binary: GoBinary, pcs: NDArray[np.int64]) -> int:
        """The number of a stack of lookup addresses (schema.py), innermost first."""
        key = (exe, pcs.tobytes())
        known = self._ids.get(key)
        if known is not None:
            return known
        number = self._ids[key] = len(self._ids)
        self._new_stacks.append((number, exe, pcs))
        self.symbolize(exe, binary, pcs.tolist())
        return number

    def symbolize(self, exe: int, binary: GoBinary, pcs: Iterable[int]) -> None:
        """Make sure that each of `pcs` has its symbols in the recording."""
        for pc in pcs:
            if (exe, pc) in self._seen_pcs:
                continue
            self._seen_pcs.add((exe, pc))
            frames = binary.symbolize(pc)
            for depth, f in enumerate(frames):
                self._new_symbols.append((exe, pc, depth, f.function, f.file, f.line, f.inlined))
            if not frames:  # not Go's: C code, the vdso, or nonsense
                self._new_symbols.append((exe, pc, 0, None, None, None, False))

    def take_new(self) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        """Stacks and symbols that came since the last call, as batches to append."""
        stacks = pa.RecordBatch.from_arrays(
            [
                pa.array([s[0] for s in self._new_stacks], pa.int32()),
                pa.array([s[1] for s in self._new_stacks], pa.int16()),
                pa.array([s[2] for s in self._new_stacks], pa.list_(pa.int64())),
            ],
            schema=STACKS,
        )
        rows = zip(*self._new_symbols, strict=True) if self._new_symbols else [()] * len(SYMBOLS)
        symbols = pa.RecordBatch.from_arrays(
            [pa.array(c, f.type) for c, f in zip(rows, SYMBOLS, strict=True)], schema=SYMBOLS
        )
        self._new_stacks, self._new_symbols = [], []
        return stacks, symbols


class StackResolver:
    """Gives the events of one binary's ring their stack numbers."""

    def __init__(
        self, exe: int, binary: GoBinary, probes: Probes | NoProbes, table: StackTable
    ) -> None:
        self._exe = exe
        self._binary = binary
        self._probes = probes
        self._table = table
        self._by_hash: dict[int, int] = {}
        self._in_map: list[int] = []
        self._seen_pcs: set[int] = set()
        self.lost = 0  # stacks whose addresses were gone from the map

    def resolve(self, block: Block, load_bias: Mapping[int, int | None]) -> NDArray[np.int32]:
        """Stack numbers of the events, -1 for none."""
        encoded = pa.array(block["stack"]).dictionary_encode()
        hashes = encoded.dictionary.to_numpy()
        numbers = np.empty(len(hashes), np.int32)
        codes = encoded.indices.to_numpy()
        for i, key in enumerate(hashes.tolist()):
            number = self._by_hash.get(key)
            if number is None:
                number = self._fetch(key, block["pid"][int(np.argmax(codes == i))], load_bias)
            numbers[i] = number
        if len(self._in_map) > self._probes.options.max_stacks * 3 // 4:
            self._probes.forget_stacks(self._in_map)
            self._in_map = []
        result: NDArray[np.int32] = numbers[codes]
        return result

    def symbolize(self, batch: pa.RecordBatch, created: NDArray[np.bool_]) -> None:
        """Record the symbols of the addresses that stand in the events themselves."""
        pcs = set(batch.column("pc").unique().to_pylist())
        pcs |= set(batch.column("obj").filter(pa.array(created)).unique().to_pylist())
        pcs -= self._seen_pcs
        self._seen_pcs |= pcs
        pcs.discard(None)
        self._table.symbolize(self._exe, self._binary, pcs)

    def _fetch(self, key: int, pid: int, load_bias: Mapping[int, int | None]) -> int:
        if key == 0:
            number = -1
        else:
            addresses = self._probes.stack(key)
            if addresses is None:
                self.lost += 1
                return -1
            self._in_map.append(key)
            bias = load_bias.get(int(pid))
            if bias is None:  # of a process that was gone before it was looked at
                self.lost += 1
                return -1
            # The innermost is the probed instruction itself.
            pcs = lookup_addresses(self._binary, addresses.astype(np.int64) - bias)
            number = self._table.intern(self._exe, self._binary, pcs)
        self._by_hash[key] = number
        return number
