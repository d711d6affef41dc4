"""Whether this machine can run the live tests, and if not, whose fault that is."""

from __future__ import annotations

import ctypes
import errno
import functools
import importlib.util
import os
import platform
import re
from dataclasses import dataclass

_UPROBE_MULTI_SINCE = (6, 6)
_SYS_BPF = {"x86_64": 321, "aarch64": 280}
_BPF_MAP_CREATE = 0


@dataclass(frozen=True)
class Obstacle:
    """Why live tests cannot run here. `setup`: the machine could, if it were set up right."""

    reason: str
    setup: bool


@functools.cache
def obstacle() -> Obstacle | None:
    """What keeps live tests from running on this machine, or None."""
    release = platform.release()
    number = re.match(r"(\d+)\.(\d+)", release)
    if not number or (int(number[1]), int(number[2])) < _UPROBE_MULTI_SINCE:
        return Obstacle(f"Linux {release} has no uprobe_multi, which came with 6.6", setup=False)
    if os.geteuid() != 0:
        return Obstacle("not root, and recording needs CAP_BPF and CAP_PERFMON", setup=True)
    error = _bpf_error()
    if error:
        return Obstacle(f"bpf(2) says {errno.errorcode[error]}", setup=False)
    if importlib.util.find_spec("bcc") is None:
        return Obstacle("bcc cannot be imported; apt-get install python3-bpfcc", setup=True)
    return None


def _bpf_error() -> int:
    """The errno of making a BPF array of one element, or 0."""
    number = _SYS_BPF.get(platform.machine())
    if number is None:
        return errno.ENOSYS
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = (ctypes.c_uint32 * 32)(2, 4, 4, 1)  # type array, key size, value size, entries
    fd = libc.syscall(number, _BPF_MAP_CREATE, attributes, ctypes.sizeof(attributes))
    if fd < 0:
        return ctypes.get_errno()
    os.close(fd)
    return 0
