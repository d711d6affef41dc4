"""Finds Go programs among the running processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gtrace_rec import procfs
from gtrace_rec._errors import GoneError, GtraceError, NotGoError, UsageError
from gtrace_rec.goruntime import GoBinary, open_binary


def go_processes() -> Iterator[tuple[int, list[str], GoBinary | GtraceError]]:
    """Every process whose binary is Go's: pid, command line, and the binary or why it cannot be
    used.

    Processes that may not be looked at, those that are not Go, and those that end while they are
    looked at are passed over.
    """
    binaries: dict[tuple[int, int], GoBinary | GtraceError | None] = {}
    for entry in sorted(Path("/proc").iterdir(), key=lambda p: (len(p.name), p.name)):
        if not entry.name.isdigit():
            continue
        pid = int(entry.name)
        try:
            argv = procfs.argv(pid)
            status = os.stat(procfs.exe_path(pid))
            key = (status.st_dev, status.st_ino)
            binary = binaries[key] if key in binaries else _look_at(pid)
            procfs.exe_name(pid)  # it lives still, so what could not be read is the binary's fault
        except (OSError, GoneError):
            continue
        binaries[key] = binary
        if binary is not None:
            yield pid, argv, binary


def _look_at(pid: int) -> GoBinary | GtraceError | None:
    try:
        return open_binary(procfs.exe_path(pid))
    except NotGoError:
        return None
    except GtraceError as e:
        return e


def only_go_process() -> int:
    """The pid of the one Go process there is.

    Raises UsageError, with the list to choose from, if there is none or more than one.
    """
    found = {pid: argv for pid, argv, b in go_processes() if isinstance(b, GoBinary)}
    if len(found) == 1:
        return next(iter(found))
    if not found:
        raise UsageError(
            "no Go process runs that this user may look at: start one (gtrace-rec --out DIR -- "
            "./program), or name one with --pid"
        )
    listing = "\n".join(f"  --pid {pid}  {' '.join(argv)[:100]}" for pid, argv in found.items())
    raise UsageError(f"{len(found)} Go processes run; choose one:\n{listing}")
