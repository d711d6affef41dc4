"""No input, cut short or changed, gives anything but an answer or gtrace's own error."""

from __future__ import annotations

import os
import resource
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goruntime.damage import KINDS, Edit, Sound, damaged, exercise, sound
from gtrace_rec._errors import TargetError
from gtrace_rec.goruntime import open_binary

pytestmark = pytest.mark.go

_NASTY = [0, 1, 2, 0x7F, 0x80, 0xFF, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**48, 2**63 - 1, 2**63]
_NUMBERS = [n.to_bytes(size, "little") for n in _NASTY for size in (4, 8) if n < 2 ** (8 * size)]
_BYTES = st.one_of(st.sampled_from([*_NUMBERS, b"\xff" * 8]), st.binary(min_size=1, max_size=16))


@pytest.fixture(autouse=True)
def _bounded_memory() -> Iterator[None]:
    """A gigabyte more than now, whatever a damaged length says."""
    for kind in KINDS:
        sound(*kind)  # built before: compilers need more
    with open("/proc/self/statm") as statm:
        used = int(statm.read().split()[0]) * os.sysconf("SC_PAGESIZE")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def edits(whole: Sound) -> st.SearchStrategy[list[Edit]]:
    """A few edits, each near the beginning of a region as often as anywhere in it."""

    def place(region: str) -> st.SearchStrategy[Edit]:
        size = whole.regions[region][1]
        at = st.integers(0, min(63, size - 1)) | st.integers(0, size - 1)
        return st.builds(Edit, st.just(region), at, _BYTES)

    return st.lists(st.sampled_from(sorted(whole.regions)).flatmap(place), min_size=1, max_size=4)


@pytest.mark.parametrize(("version", "mode"), KINDS)
def test_changed_bytes(version: str, mode: str, tmp_path: Path) -> None:
    whole = sound(version, mode)
    path = tmp_path / "changed"

    @settings(
        max_examples=60,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(edits(whole))
    def check(changes: list[Edit]) -> None:
        path.write_bytes(damaged(whole, changes))
        began = time.process_time()
        exercise(path)
        assert time.process_time() - began < 10

    check()


@pytest.mark.parametrize(("version", "mode"), KINDS)
def test_cut_anywhere(version: str, mode: str, tmp_path: Path) -> None:
    whole = sound(version, mode)
    path = tmp_path / "cut"

    @settings(max_examples=25, deadline=None, database=None)
    @given(st.integers(0, 4096) | st.integers(0, len(whole.data) - 1))
    def check(size: int) -> None:
        path.write_bytes(whole.data[:size])
        said = exercise(path)
        assert said is None or str(path) in said

    check()


@pytest.mark.parametrize(("version", "mode"), KINDS)
def test_no_region_wiped_out_does_harm(version: str, mode: str, tmp_path: Path) -> None:
    whole = sound(version, mode)
    assert exercise_bytes(tmp_path, whole.data) is None
    for region, (_, size) in whole.regions.items():
        for byte in (b"\0", b"\xff", b"\x80"):
            exercise_bytes(tmp_path, damaged(whole, [Edit(region, 0, byte * size)]))


def exercise_bytes(folder: Path, data: bytes) -> str | None:
    path = folder / "binary"
    path.write_bytes(data)
    return exercise(path, sample=25)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=512), elf=st.booleans())
def test_no_bytes_at_all_do_harm(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, elf: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "noise"
    path.write_bytes((b"\x7fELF\x02\x01\x01" if elf else b"") + data)
    with pytest.raises(TargetError, match="noise"):
        open_binary(path)


def test_memory_is_that_of_the_file(tmp_path: Path) -> None:
    """Opening a binary and reading all its functions costs a small multiple of its size."""
    whole = sound(*KINDS[-1])
    path = tmp_path / "whole"
    path.write_bytes(whole.data)
    tracemalloc.start()
    exercise(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * len(whole.data)
