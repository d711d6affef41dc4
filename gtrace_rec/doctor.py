"""Checks of one program: can it be recorded, and what would be seen of it?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gtrace_rec import procfs
from gtrace_rec._errors import GtraceError
from gtrace_rec.goruntime import GoBinary, open_binary
from gtrace_rec.hostcheck import Check
from gtrace_rec.plan import Plan, find_sites


def check_program(program: str) -> Iterator[Check]:
    """Checks of a binary, given by its path, or of a process, given by its pid."""
    path = program
    if program.isdigit():
        try:
            procfs.check_process(int(program))
        except GtraceError as e:
            yield Check("process", False, str(e), "see: gtrace-rec ps")
            return
        path = procfs.exe_path(int(program))
        yield Check("process", True, " ".join(procfs.argv(int(program)))[:100])
    try:
        binary = open_binary(path)
    except GtraceError as e:
        yield Check("binary", False, str(e), "only Go programs of a supported version are recorded")
        return
    kind = [binary.arch, "stripped" if binary.stripped else "with symbols"]
    kind += ["PIE"] * binary.pie + ["cgo"] * binary.cgo
    yield Check("binary", True, f"{binary.go_version}, {', '.join(kind)}")
    yield Check("offsets", True, f"{len(binary.offsets)} from {binary.offsets.source}")
    yield _check_allgs(binary)
    yield _check_sites(binary)


def _check_allgs(binary: GoBinary) -> Check:
    found = binary.allgs is not None
    return Check(
        "goroutines",
        found,
        "the list of all is found" if found else "the list of all is not found in this binary",
        "goroutines that live before the recording begins are seen once they do something",
        required=False,
    )


def _check_sites(binary: GoBinary) -> Check:
    sites, missing = find_sites(binary, Plan.FULL)
    stepped = sum(s.cost != "emulated" for s in sites)
    kinds = Counter(s.kind for s in sites)
    found = f"{len(sites)} for {len(kinds)} kinds of events"
    if stepped:
        found += f", {stepped} of them dear (single-stepped)"
    return Check("probe sites", not missing, found, "; ".join(missing), required=not sites)
