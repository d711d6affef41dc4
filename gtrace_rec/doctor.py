"""Checks of one program: can it be recorded, and what would be seen of it?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gtrace_rec import procfs
from gtrace_rec._errors import GtraceError, NotGoError, UnsupportedGoError
from gtrace_rec.goruntime import GoBinary, open_binary
from gtrace_rec.goruntime.versions import supported_text
from gtrace_rec.hostcheck import Check
from gtrace_rec.plan import Plan, find_sites
from gtrace_rec.processes import look_into


def check_program(program: str) -> Iterator[Check]:
    """Checks of a binary, given by its path, or of a process, given by its pid."""
    pid = int(program) if program.isdigit() else None
    if pid is not None:
        try:
            procfs.check_process(pid)
        except GtraceError as e:
            yield Check("process", False, str(e), "gtrace-rec ps lists those that can be recorded")
            return
        program = procfs.exe_path(pid)
        yield Check("process", True, " ".join(procfs.argv(pid))[:100])
    try:
        binary = open_binary(program)
    except GtraceError as e:
        yield Check("binary", False, str(e), _remedy(e))
        return
    kind = [binary.arch, "stripped" if binary.stripped else "with symbols"]
    kind += ["PIE"] * binary.pie + ["cgo"] * binary.cgo
    yield Check(
        "binary",
        binary.arch == procfs.goarch(),
        f"{binary.go_version}, {', '.join(kind)}",
        f"this machine is {procfs.goarch()}: record it where it runs",
    )
    yield Check("offsets", True, f"{len(binary.offsets)} from {binary.offsets.source}")
    yield _check_allgs(binary)
    yield _check_sites(binary)
    if pid is not None:
        yield _check_running(pid, binary)


def _remedy(error: GtraceError) -> str:
    if isinstance(error, UnsupportedGoError):
        return f"without debug information, {supported_text()} are recorded; with it, any"
    if isinstance(error, NotGoError):
        return "only Go programs are recorded; gtrace-rec ps lists those that run"
    return "name a Go program for this machine, or the pid of one"


def _check_allgs(binary: GoBinary) -> Check:
    found = binary.allgs is not None
    return Check(
        "goroutines",
        found,
        "the list of all is found" if found else "the list of all is not found in this binary",
        "goroutines that live before the recording begins are seen once they do something",
        required=False,
    )


def _check_running(pid: int, binary: GoBinary) -> Check:
    count, problem = look_into(pid, binary)
    return Check(
        "memory",
        problem is None,
        problem or f"{count:,} goroutines live, where {binary.offsets.source} says",
        "run it as root (sudo); if the goroutines are elsewhere, it was built by a Go that was "
        "changed, and is recorded only with its debug information",
    )


def _check_sites(binary: GoBinary) -> Check:
    sites, missing = find_sites(binary, Plan.FULL)
    stepped = sum(s.cost != "emulated" for s in sites)
    kinds = Counter(s.kind for s in sites)
    found = f"{len(sites)} for {len(kinds)} kinds of events"
    if stepped:
        found += f", {stepped} of them dear (single-stepped)"
    return Check("probe sites", not missing, found, "; ".join(missing), required=not sites)
