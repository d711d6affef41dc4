"""Puts a BPF program on an instruction of a process, and takes many off at once.

By uprobe_multi links (Linux 6.6): the kernel itself passes over other processes, and they come off
in tens of milliseconds, where perf events take a second.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from gtrace_rec.hostcheck import bpf

# include/uapi/linux/bpf.h (Linux 6.6)
_BPF_LINK_CREATE = 28
BPF_TRACE_UPROBE_MULTI = 48  # attach type the program must have been loaded for


class _LinkCreate(ctypes.Structure):
    """The uprobe_multi member of union bpf_attr's link_create, with what stands before it."""

    _fields_ = (
        ("prog_fd", ctypes.c_uint32),
        ("target_fd", ctypes.c_uint32),
        ("attach_type", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("path", ctypes.c_uint64),
        ("offsets", ctypes.c_uint64),
        ("ref_ctr_offsets", ctypes.c_uint64),
        ("cookies", ctypes.c_uint64),
        ("cnt", ctypes.c_uint32),
        ("multi_flags", ctypes.c_uint32),
        ("pid", ctypes.c_uint32),
        ("pad", ctypes.c_uint32),
    )


def attach(program_fd: int, path: str, file_offset: int, pid: int) -> int:
    """Run a program at an instruction of the binary at `path`; returns the link's descriptor.

    `pid` 0 means every process of the binary. Raises OSError.
    """
    name = ctypes.create_string_buffer(os.fsencode(path))
    offset = ctypes.c_uint64(file_offset)
    return bpf(
        _BPF_LINK_CREATE,
        _LinkCreate(
            prog_fd=program_fd,
            attach_type=BPF_TRACE_UPROBE_MULTI,
            path=ctypes.addressof(name),
            offsets=ctypes.addressof(offset),
            cnt=1,
            pid=pid,
        ),
    )


def detach(links: Collection[int]) -> None:
    """Close links, all at once: each waits until the kernel is sure that its program is done."""
    if links:
        with ThreadPoolExecutor(len(links), thread_name_prefix="detach") as threads:
            list(threads.map(os.close, links))
