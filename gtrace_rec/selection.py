"""Which goroutines are recorded: a sample by a hash of goid, and those of chosen packages.

Whole goroutines are kept or dropped, never single events, so that what belongs together stays
together. BPF decides before it reserves anything (gtrace.bpf.c); the same rule stands here for
goroutines that are read from memory.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from gtrace_rec._errors import UsageError
from gtrace_rec.goruntime import GoBinary

INCLUDED, EXCLUDED = 1, 2  # CHOSEN_* of gtrace.bpf.c

# runtime.main calls main.main: the main goroutine is of package main, whatever it starts in.
_MAIN = "runtime.main"


@dataclass(frozen=True)
class Choice:
    """What to record of all goroutines.

    Packages are named as to Go's tools: `net/http`, or with all below it `net/http/...`. A
    goroutine is of a package if its start function is, or the go statement that made it.
    """

    sample: Fraction = Fraction(1)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def threshold(self) -> int:
        """Goroutines are sampled whose 32-bit hash lies below this."""
        return max(1, round(self.sample * (1 << 32)))

    @property
    def is_part(self) -> bool:
        """Not all goroutines are recorded."""
        return self.sample < 1 or self.by_package

    @property
    def by_package(self) -> bool:
        """Whether packages are told apart."""
        return bool(self.include or self.exclude)


class Selection:
    """A choice, worked out for one binary."""

    def __init__(self, binary: GoBinary, choice: Choice) -> None:
        """Raises UsageError for a package that the binary has no function of."""
        self.choice = choice
        # By address: a start function's entry, or a go statement's return address.
        self.flags: dict[int, int] = {}
        if choice.by_package:
            packages = _packages(binary)
            self._mark(packages, choice.include, INCLUDED, "include", binary)
            self._mark(packages, choice.exclude, EXCLUDED, "exclude", binary)

    def _mark(
        self,
        packages: dict[str, list[int]],
        patterns: Sequence[str],
        flag: int,
        setting: str,
        binary: GoBinary,
    ) -> None:
        for pattern in patterns:
            matching = [name for name in packages if _matches(name, pattern)]
            if not matching:
                near = difflib.get_close_matches(pattern.removesuffix("/..."), packages, n=3)
                hint = f"; it has {', '.join(near)}" if near else ""
                raise UsageError(f"--{setting} {pattern}: no such package in {binary.path}{hint}")
            for name in matching:
                for address in packages[name]:
                    self.flags[address] = self.flags.get(address, 0) | flag

    def keeps(
        self, goid: NDArray[np.int64], startpc: NDArray[np.int64], gopc: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Which of these goroutines are recorded.

        `startpc` and `gopc` are addresses as linked, 0 where unknown; gopc lies inside the go
        statement's call, as in all of a recording (schema.py).
        """
        kept = goid_hash(goid) < self.choice.threshold
        if self.choice.by_package:
            flags = self._flags_of(startpc) | self._flags_of(gopc + 1)
            if self.choice.include:
                kept &= flags & INCLUDED != 0
            kept &= flags & EXCLUDED == 0
        return kept

    def _flags_of(self, addresses: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.fromiter((self.flags.get(a, 0) for a in addresses.tolist()), np.int64)


def goid_hash(goid: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The hash that sampling goes by, 32 bits: MurmurHash3's finalizer, as in gtrace.bpf.c."""
    h = goid.astype(np.uint64)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        h ^= h >> np.uint64(33)
        h *= np.uint64(factor)
    h ^= h >> np.uint64(33)
    return h & np.uint64(0xFFFFFFFF)


def _packages(binary: GoBinary) -> dict[str, list[int]]:
    """By package: the entries of its functions and the return addresses of its go statements."""
    found: dict[str, list[int]] = {}
    functions = list(binary.functions)
    for f in functions:
        found.setdefault("main" if f.name == _MAIN else package_of(f.name), []).append(f.entry)
    newproc = binary.functions.named("runtime.newproc")
    if newproc:
        text = dataclasses.replace(newproc, entry=functions[0].entry, end=functions[-1].end)
        size = 5 if binary.arch == "amd64" else 4  # of a call instruction
        for call in binary.call_sites(text, newproc):
            name = next((f.function for f in binary.symbolize(call)), None)
            if name:
                found.setdefault(package_of(name), []).append(call + size)
    return found


def package_of(function: str) -> str:
    """The import path in a function's full name: net/http of net/http.(*Server).Serve."""
    path = function.partition("[")[0]
    slash = path.rfind("/") + 1
    return path[: slash + path[slash:].find(".")].replace("%2e", ".")


def _matches(package: str, pattern: str) -> bool:
    prefix = pattern.removesuffix("/...")
    return package == prefix or (pattern != prefix and package.startswith(f"{prefix}/"))


def describe(choice: Choice) -> Iterable[str]:
    """Sentences for those who read a recording that does not have all goroutines."""
    if choice.sample != 1:
        yield (
            f"a sample: {choice.sample} of all goroutines were recorded, chosen by a hash of "
            "their goid"
        )
    if choice.include:
        yield f"only goroutines of these packages were recorded: {', '.join(choice.include)}"
    if choice.exclude:
        yield f"goroutines of these packages were not recorded: {', '.join(choice.exclude)}"
