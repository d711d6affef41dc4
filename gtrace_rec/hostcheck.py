"""What this machine must offer for recording, each with what to do where it is missing."""

from __future__ import annotations

import ctypes
import errno
import importlib.util
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gtrace_rec._errors import HostError

OLDEST_KERNEL = (5, 8)  # BPF ring buffers
UPROBE_MULTI_KERNEL = (6, 6)

_SYS_BPF = {"x86_64": 321, "aarch64": 280}
_BPF_MAP_CREATE = 0
_BPF_MAP_TYPE_RINGBUF = 27
_CAPABILITIES = {  # include/uapi/linux/capability.h
    "CAP_BPF": 39,
    "CAP_PERFMON": 38,
    "CAP_SYS_PTRACE": 19,
}
_CAP_SYS_ADMIN = 21
_TRACEFS = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))


@dataclass(frozen=True)
class Check:
    """One thing looked at: what was found, and the remedy where that will not do."""

    name: str
    ok: bool
    found: str
    remedy: str = ""
    required: bool = True


def kernel_release() -> tuple[int, int]:
    """The kernel's version: (6, 18)."""
    major, minor, *_ = platform.release().split(".")
    return int(major), int("".join(c for c in minor if c.isdigit()) or 0)


def bpf(command: int, attr: ctypes.Array[ctypes.c_char] | ctypes.Structure) -> int:
    """The bpf(2) system call; raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = _SYS_BPF[platform.machine()]
    result: int = libc.syscall(number, command, ctypes.byref(attr), ctypes.sizeof(attr))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def check_host() -> Iterator[Check]:
    """All checks of this machine, in the order in which a failure would show."""
    yield _check_kernel()
    yield _check_capabilities()
    yield _check_bpf()
    yield _check_bcc()
    yield _check_uprobe_multi()
    yield _check_tracefs()
    yield _check_memlock()


def require_host() -> None:
    """Raises HostError with the remedy for the first thing that rules out recording."""
    for check in check_host():
        if check.required and not check.ok:
            raise HostError(f"{check.name}: {check.found}; {check.remedy}")


def _check_kernel() -> Check:
    release = kernel_release()
    return Check(
        "kernel",
        sys.platform == "linux" and release >= OLDEST_KERNEL and platform.machine() in _SYS_BPF,
        f"Linux {platform.release()} on {platform.machine()}",
        "recording needs Linux 5.8 or newer on x86_64 or aarch64; "
        "--plan snapshot works on any, without eBPF",
    )


def _check_capabilities() -> Check:
    line = next(
        x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("CapEff:")
    )
    effective = int(line.split()[1], 16)
    admin = bool(effective >> _CAP_SYS_ADMIN & 1)
    missing = [
        name
        for name, bit in _CAPABILITIES.items()
        if not effective >> bit & 1 and not (admin and name != "CAP_SYS_PTRACE")
    ]
    return Check(
        "permission",
        not missing,
        f"without {', '.join(missing)}" if missing else "all capabilities needed",
        "run it with sudo, or give the interpreter the capabilities: sudo setcap "
        f"cap_bpf,cap_perfmon,cap_sys_ptrace+ep {os.path.realpath(sys.executable)}",
    )


def _check_bpf() -> Check:
    attr = ctypes.create_string_buffer(128)
    ctypes.c_uint32.from_buffer(attr, 0).value = _BPF_MAP_TYPE_RINGBUF
    ctypes.c_uint32.from_buffer(attr, 12).value = os.sysconf("SC_PAGE_SIZE")
    try:
        os.close(bpf(_BPF_MAP_CREATE, attr))
    except (OSError, KeyError) as e:
        code = getattr(e, "errno", errno.ENOSYS)
        return Check(
            "BPF",
            False,
            f"bpf(2) says {os.strerror(code)}",
            "a kernel built with CONFIG_BPF_SYSCALL, or a container that is allowed bpf(2); "
            "--plan snapshot does without",
        )
    return Check("BPF", True, "ring buffers work")


def _check_bcc() -> Check:
    found = importlib.util.find_spec("bcc") is not None
    return Check(
        "bcc",
        found,
        "importable" if found else f"{sys.executable} cannot import it",
        "apt install python3-bpfcc (Fedora: dnf install python3-bcc), and make the virtual "
        "environment of that interpreter with --system-site-packages",
    )


def _check_uprobe_multi() -> Check:
    release = kernel_release()
    found = release >= UPROBE_MULTI_KERNEL
    return Check(
        "uprobe_multi",
        found,
        "all probes in one link" if found else f"not in Linux {release[0]}.{release[1]}",
        "Linux 6.6 attaches and detaches faster; here bcc's own attach is used",
        required=False,
    )


def _check_tracefs() -> Check:
    mounted = [p for p in _TRACEFS if _is_there(p / "uprobe_events")]
    return Check(
        "tracefs",
        bool(mounted),
        f"at {mounted[0]}" if mounted else "not mounted",
        "only kernels before 6.6 need it: mount -t tracefs tracefs /sys/kernel/tracing",
        required=not mounted and kernel_release() < UPROBE_MULTI_KERNEL,
    )


def _is_there(path: Path) -> bool:
    """Whether a file exists that this user may see; Path.exists() fails where it may not look."""
    try:
        return path.exists()
    except PermissionError:
        return False


def _check_memlock() -> Check:
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    counted = kernel_release() < (5, 11)  # later kernels charge BPF maps to the control group
    enough = soft == resource.RLIM_INFINITY or soft >= 256 << 20
    return Check(
        "memory lock",
        enough or not counted,
        "unlimited"
        if soft == resource.RLIM_INFINITY
        else f"{soft >> 10} KB" + ("" if counted else ", which this kernel does not count for BPF"),
        "ulimit -l unlimited",
        required=counted,
    )
