"""The symbol table of an ELF file, where it was not stripped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
import numpy.typing as npt

_ENTRY = np.dtype(
    [
        ("name", "<u4"),
        ("info", "u1"),
        ("other", "u1"),
        ("section", "<u2"),
        ("value", "<u8"),
        ("size", "<u8"),
    ]
)
_STT_FUNC = 2
_MAX_SAME_NAME = 64  # more places of one name are damage
_MAX_NAME = 1 << 16


@dataclass(frozen=True)
class Symbol:
    """An entry of the symbol table."""

    vaddr: int
    size: int


class SymbolTable:
    """Symbols by name and functions by address. `table` and `names` are the two sections' bytes."""

    def __init__(self, table: bytes, names: bytes) -> None:
        count = len(table) // _ENTRY.itemsize
        self._symbols: npt.NDArray[np.void] = np.frombuffer(table, _ENTRY, count)
        self._names = names

    def __len__(self) -> int:
        return len(self._symbols)

    def named(self, name: str) -> Symbol | None:
        """A defined symbol of exactly this name."""
        for at in islice(self._places(name.encode() + b"\0"), _MAX_SAME_NAME):
            for entry in self._symbols[self._symbols["name"] == at]:
                if entry["section"]:
                    return Symbol(int(entry["value"]), int(entry["size"]))
        return None

    def function_at(self, pc: int) -> str | None:
        """The name of the function that holds this address, by the sizes the symbols state."""
        starts, entries = self._functions
        i = int(starts.searchsorted(min(max(pc, 0), 2**64 - 1), "right")) - 1
        if i < 0 or pc >= int(starts[i]) + int(entries["size"][i]):
            return None
        start = int(entries["name"][i])
        end = self._names.find(b"\0", start, start + _MAX_NAME)
        return self._names[start:end].decode(errors="replace") if end > start else None

    def _places(self, pattern: bytes) -> Iterator[int]:
        at = self._names.find(pattern)
        while at >= 0:
            yield at
            at = self._names.find(pattern, at + 1)

    @cached_property
    def _functions(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.void]]:
        is_function = (self._symbols["info"] & 0xF == _STT_FUNC) & (self._symbols["section"] != 0)
        entries = self._symbols[is_function]
        entries = entries[np.argsort(entries["value"], kind="stable")]
        return entries["value"].astype(np.uint64), entries
