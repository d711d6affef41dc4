"""What /proc says of processes: who runs what, where it is mapped, whether it still lives."""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gtrace_rec._errors import GoneError, HostError, TargetError
from gtrace_rec.schema import ClockAnchor, RecorderProcess

if TYPE_CHECKING:
    from gtrace_rec.goruntime import GoBinary


def exe_path(pid: int) -> str:
    """A path to the process's binary that holds in any mount namespace and after deletion."""
    return f"/proc/{pid}/exe"


def check_process(pid: int) -> None:
    """Raises TargetError, or HostError with the remedy, if `pid` cannot be looked at."""
    try:
        os.readlink(exe_path(pid))
    except FileNotFoundError:
        if Path(f"/proc/{pid}").exists():
            raise TargetError(f"pid {pid}: is a kernel thread or a zombie, not a program") from None
        raise TargetError(
            f"pid {pid}: no such process; to see the Go programs that run: gtrace-rec ps"
        ) from None
    except PermissionError:
        if os.geteuid() == 0:
            raise HostError(
                f"pid {pid}: may not be looked at, by root either: a container or a security "
                "module keeps it apart; run gtrace-rec on the host itself"
            ) from None
        raise HostError(
            f"pid {pid}: belongs to another user; run gtrace-rec with sudo, or give it "
            "CAP_SYS_PTRACE, CAP_BPF and CAP_PERFMON"
        ) from None


def argv(pid: int) -> list[str]:
    """The process's command line. Raises TargetError if it is gone."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        raise GoneError(f"pid {pid}: ended before it could be recorded") from None
    return [a.decode(errors="replace") for a in raw.rstrip(b"\0").split(b"\0")]


def exe_name(pid: int) -> str:
    """The path its binary had when it was started, as the process's own namespace names it."""
    return os.readlink(exe_path(pid))


def load_bias(pid: int, binary: GoBinary) -> int | None:
    """What was added to the addresses of its binary when the process was loaded.

    None if it is gone. Read from its map, since auxv tells only its owner.
    """
    at = binary.file_offset(binary.entry)
    try:
        path = exe_name(pid)
        lines = Path(f"/proc/{pid}/maps").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    for line in lines:
        span, _, offset, _, _, *name = line.split(maxsplit=5)
        start, end = (int(x, 16) for x in span.split("-"))
        first = int(offset, 16)
        if name == [path.replace("\n", "\\012")] and first <= at < first + end - start:
            return start + at - first - binary.entry
    return None


def processes_of(path: str) -> list[int]:
    """The processes that run the binary at `path`, as far as they may be looked at."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and os.path.samefile(entry / "exe", path):
                found.append(int(entry.name))
    return sorted(found)


def start_ticks(pid: int) -> int | None:
    """Field 22 of /proc/PID/stat, which with the pid names a process for good; None if gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])


def processor_ns(pid: int) -> int:
    """Processor time that a process has used, in whole hundredths of a second; 0 if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(stat[11]) + int(stat[12])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def is_alive(pid: int, ticks: int | None) -> bool:
    """Whether `pid` is still the process that began at `ticks`, and not a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return stat[0] not in "ZX" and (ticks is None or int(stat[19]) == ticks)


def this_recorder() -> RecorderProcess:
    """This very process, as the manifest names it."""
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return RecorderProcess(os.getpid(), start_ticks(os.getpid()) or 0, boot_id)


def goarch() -> str:
    """This machine's architecture, in Go's words."""
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def this_host() -> dict[str, str]:
    """The machine, as the manifest names it."""
    return {
        "hostname": socket.gethostname(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cpus": str(os.cpu_count()),
    }


def clock_anchor() -> ClockAnchor:
    """The same moment on the monotonic and the wall clock."""
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    wall = time.clock_gettime_ns(time.CLOCK_REALTIME)
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    return ClockAnchor((before + after) // 2, wall, (after - before + 1) // 2)


def resident_bytes() -> int:
    """Memory this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def cpu_ns() -> int:
    """Processor time of all this process's threads, since it began."""
    return time.process_time_ns()
