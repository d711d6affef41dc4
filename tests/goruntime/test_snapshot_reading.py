"""Reading memory that is partly not there, of processes that end, that move, or that live apart."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import toolchains
from gtrace_rec import procfs
from gtrace_rec._errors import GoneError, HostError
from gtrace_rec.goruntime import GoBinary, open_binary
from gtrace_rec.goruntime.gstructs import WAITING, GStructs, all_gs
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.goruntime.reader import GoroutineReader, take_snapshot
from gtrace_rec.goruntime.snapshot import Snapshot

pytestmark = pytest.mark.go

PAGE = mmap.PAGESIZE
PROT_NONE = 0


@pytest.fixture(scope="module")
def binary(go_binary: Callable[..., Path]) -> GoBinary:
    return open_binary(go_binary("parked.go"))


@contextlib.contextmanager
def started(binary: GoBinary, *prefix: str) -> Iterator[subprocess.Popen[str]]:
    popen = subprocess.Popen(
        [*prefix, str(binary.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert popen.stdout
        for _ in iter(popen.stdout.readline, "ready\n"):
            pass
        yield popen
    finally:
        popen.kill()
        with contextlib.suppress(ValueError):  # ended by its test, with its pipes
            popen.communicate()


def test_a_page_that_cannot_be_read_does_not_spoil_the_others(binary: GoBinary) -> None:
    area = mmap.mmap(-1, 3 * PAGE)
    area[:] = bytes(range(256)) * (3 * PAGE // 256)
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    libc = ctypes.CDLL(None)
    assert libc.mprotect(ctypes.c_void_p(start + PAGE), PAGE, PROT_NONE) == 0
    us = GoProcess(os.getpid(), binary)
    # Whole pages, one that ends in the hole, one that begins in it, nothing at all, 3000 more.
    at = [start, start + PAGE - 4, start + PAGE, 0, start + 2 * PAGE - 4, start + 2 * PAGE]
    rows, readable = us.read_rows(np.array(at + [start + 8] * 3000, np.uint64), 8)
    assert readable.tolist() == [True, False, False, False, False, True] + [True] * 3000
    assert rows[0].tolist() == list(range(8))
    assert rows[5].tolist() == list(range(8))
    assert (rows[6:] == np.arange(8, 16)).all()
    assert not rows[1:5].any()


def test_pieces_of_all_sizes_land_where_they_should(binary: GoBinary) -> None:
    data = np.arange(100_000, dtype=np.uint32)
    sizes = np.arange(1, 2001, dtype=np.uint64) % 50 * 4
    at = np.cumsum(sizes) - sizes
    buffer = np.zeros(int(sizes.sum()), np.uint8)
    addresses = np.uint64(data.ctypes.data) + at
    assert GoProcess(os.getpid(), binary).read_into(buffer, at, addresses, sizes).all()
    assert (buffer.view(np.uint32) == data[: len(buffer) // 4]).all()


def test_a_process_that_ended_is_said_to_be_gone(binary: GoBinary) -> None:
    with started(binary) as popen:
        process = GoProcess(popen.pid, binary)
        assert len(take_snapshot(process)) > 25
        popen.kill()
        popen.wait()
        with pytest.raises(GoneError, match=f"pid {popen.pid}: the process is gone"):
            take_snapshot(process)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_memory_of_another_user_is_refused_with_the_remedy(binary: GoBinary) -> None:
    with started(binary) as popen:
        said, say = os.pipe()
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            try:
                take_snapshot(GoProcess(popen.pid, binary))
            except HostError as e:
                os.write(say, str(e).encode())
            finally:
                os._exit(0)
        os.close(say)
        os.waitpid(child, 0)
        message = os.read(said, 1000).decode()
    assert message.startswith(f"pid {popen.pid}: no permission to read its memory")
    assert "sudo" in message


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare"
)
def test_threads_of_a_process_in_its_own_namespaces(binary: GoBinary) -> None:
    apart = ("unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc")
    with started(binary, *apart) as unshare:
        children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text()
        (pid,) = map(int, children.split())
        snapshot = take_snapshot(GoProcess(pid, open_binary(procfs.exe_path(pid))))
        threads = set(map(int, os.listdir(f"/proc/{pid}/task")))
        on_threads = snapshot.rows["tid"][snapshot.rows["tid"] != 0].tolist()
        assert on_threads
        assert set(on_threads) <= threads


STAYS = 1009
ROUNDS = 5


@pytest.mark.parametrize("version", toolchains.TOOLCHAINS)
def test_a_program_that_never_rests(go_binary: Callable[..., Path], version: str) -> None:
    """All that stay are seen each time; no stack is put together from two moments."""
    binary = open_binary(go_binary("churn.go", version))
    with started(binary) as popen:
        process = GoProcess(popen.pid, binary)
        reader = GoroutineReader(process)
        taken = [reader.take() for _ in range(ROUNDS) if not time.sleep(0.05)]
        popen.communicate(timeout=20)  # ends its input, and with that the program
        assert popen.returncode == 0
    for snapshot in taken:
        assert len(set(snapshot.rows["goid"].tolist())) == len(snapshot)
        seen = Counter(own_stacks(binary, snapshot))
        assert seen.pop(("main.stay", ("stay3", "stay2", "stay"))) == STAYS
        for (start, stack), _ in seen.items():
            assert stack in possible(start, stack), (start, stack)
    rows = np.concatenate([s.rows for s in taken])
    assert rows["certain"].mean() > 0.99
    assert (rows["stack"] >= 0).mean() > 0.99


@pytest.mark.parametrize("version", toolchains.TOOLCHAINS)
def test_one_that_came_back_to_the_same_place_did_not_stay(
    go_binary: Callable[..., Path], version: str
) -> None:
    binary = open_binary(go_binary("again.go", version))
    with started(binary) as popen:
        assert popen.stdin
        assert popen.stdout
        before = waiting(GoProcess(popen.pid, binary))
        assert before.same(waiting(GoProcess(popen.pid, binary))).all()
        popen.stdin.write("\n")
        popen.stdin.flush()
        assert popen.stdout.readline() == "asked\n"
        after = waiting(GoProcess(popen.pid, binary))
        assert before.saved_sp.tolist() == after.saved_sp.tolist()
        assert before.same(after).tolist() == [False, True]


def waiting(process: GoProcess) -> GStructs:
    """The two goroutines of again.go, serve first, once both wait."""
    for _ in range(1000):
        gs = GStructs(process, all_gs(process))
        starts = [process.binary.symbolize(pc)[-1:] for pc in gs.column("startpc").tolist()]
        names = [frame[0].function if frame else None for frame in starts]
        at = [names.index(name) for name in ("main.serve", "main.stay") if name in names]
        both = GStructs(process, gs.addresses[at])
        if (both.status == WAITING).tolist() == [True, True]:
            return both
        time.sleep(0.01)
    raise AssertionError("they do not both wait")


def own_stacks(binary: GoBinary, snapshot: Snapshot) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Of each goroutine with a stack: its start function, and the program's own functions in it."""
    names = [
        tuple(
            f.function.removeprefix("main.")
            for pc in pcs.tolist()
            for f in binary.symbolize(pc)
            if f.function and f.function.startswith("main.")
        )
        for pcs in snapshot.stacks
    ]
    for startpc, stack in snapshot.rows[["startpc", "stack"]].tolist():
        if stack >= 0:
            yield str(binary.symbolize(startpc)[-1].function), names[stack]


def possible(start: str, stack: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The stacks that a goroutine of this start function may have."""
    if start == "main.swing":
        for side in ("left", "right"):
            whole = (f"{side}3", f"{side}2", f"{side}1", "swing")
            yield from (whole[i:] for i in range(len(whole)))
    elif "diver" in stack or "dive" in stack:
        outside = tuple(name for name in stack if name != "dive")
        assert outside[:1] in ((), ("diver",)), stack
        yield ("dive",) * (len(stack) - len(outside)) + outside
    else:
        yield stack[-1:] if len(stack) < 2 else stack[:1] + stack[-1:]
