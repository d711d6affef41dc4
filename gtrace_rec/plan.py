"""Which instructions of the Go runtime a recording plan watches, and what each means.

Every change of a goroutine's state is a direct call inside a named runtime function, nearly always
of ``casgstatus``. The kernel emulates a call instruction, which is the cheapest thing to probe, and
it lies behind the stack check, so nothing is counted twice when a stack grows.

Functions and order of calls: ``runtime/proc.go`` of Go 1.19 to 1.27.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from gtrace_rec.goruntime import GoBinary
from gtrace_rec.schema import EVENT_KINDS, Probe

KIND_CODES = {kind.name: code for code, kind in enumerate(EVENT_KINDS)}


class SiteType(enum.IntEnum):
    """How a site names its goroutine and what else it can tell: SITE_* in gtrace.bpf.c."""

    ARG1 = 0
    SELF = 1
    CALLER = 2
    PARK = 3
    WAKE = 4
    CREATE = 5
    RUNQPUT = 6
    CORO = 7


class Plan(enum.IntEnum):
    """What to record, cheapest first. Each plan includes those before it."""

    SNAPSHOT = 0  # no probes: goroutines are read from memory every few seconds
    LIFECYCLE = 1  # creation and exit
    PARK = 2  # and blocking and waking
    SCHED = 3  # and running and preemption
    FULL = 4  # and system calls

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class _Rule:
    """Calls of `callee` in `function` are events of `kind`."""

    plan: Plan
    kind: str
    site: SiteType
    function: str
    callee: str
    nth: int | None = None  # which of the calls, if not all
    since: int = 0  # minor version of Go
    until: int = 999


_CAS = "runtime.casgstatus"
_RULES = (
    _Rule(
        Plan.LIFECYCLE, "create", SiteType.CREATE, "runtime.newproc1", _CAS, nth=1, since=24
    ),  # goid is stored before the call since Go 1.24 only
    _Rule(
        Plan.LIFECYCLE,
        "create",
        SiteType.RUNQPUT,
        "runtime.newproc.func1",
        "runtime.runqput",
        nth=0,
        until=23,
    ),
    _Rule(Plan.LIFECYCLE, "exit", SiteType.ARG1, "runtime.gdestroy", _CAS, since=22),
    _Rule(Plan.LIFECYCLE, "exit", SiteType.ARG1, "runtime.goexit0", _CAS, until=21),
    _Rule(Plan.PARK, "park", SiteType.PARK, "runtime.gopark", "runtime.mcall"),
    _Rule(Plan.PARK, "ready", SiteType.WAKE, "runtime.ready", _CAS),
    _Rule(Plan.PARK, "inject", SiteType.WAKE, "runtime.injectglist", _CAS),
    _Rule(Plan.PARK, "inject", SiteType.SELF, "runtime.findRunnable", _CAS),
    _Rule(
        Plan.PARK,
        "inject",
        SiteType.SELF,
        "runtime.(*gcControllerState).findRunnableGCWorker",
        _CAS,
    ),
    _Rule(Plan.PARK, "park_undone", SiteType.ARG1, "runtime.park_m", _CAS, nth=1),
    _Rule(
        Plan.PARK,
        "suspend",
        SiteType.ARG1,
        "runtime.preemptPark",
        "runtime.casGToPreemptScan",
    ),
    _Rule(Plan.SCHED, "run", SiteType.ARG1, "runtime.execute", _CAS),
    _Rule(Plan.SCHED, "yield", SiteType.CALLER, "runtime.goschedImpl", _CAS),
    _Rule(Plan.SCHED, "yield", SiteType.SELF, "runtime.goyield_m", _CAS),
    _Rule(Plan.SCHED, "syscall_lost_p", SiteType.ARG1, "runtime.exitsyscall0", _CAS, until=25),
    _Rule(Plan.SCHED, "syscall_lost_p", SiteType.ARG1, "runtime.exitsyscallNoP", _CAS, since=26),
)

_CALL_SIZE = {"amd64": 5, "arm64": 4}


@dataclass(frozen=True)
class Site:
    """One instruction to probe."""

    name: str
    plan: Plan  # the cheapest that includes it
    kind: str
    type: SiteType
    function: str
    address: int
    file_offset: int
    expected: bytes
    cost: str

    def cookie(self, *, stack: bool) -> int:
        """The attach cookie, laid out as gtrace.bpf.c reads it."""
        return KIND_CODES[self.kind] | self.type << 8 | int(stack) << 16 | self.address << 24

    def probe(self, *, attached: bool, note: str = "") -> Probe:
        """This site as the manifest records it."""
        return Probe(
            site=self.name,
            kind=self.kind,
            function=self.function,
            address=self.address,
            file_offset=self.file_offset,
            expected=self.expected.hex(),
            cost=self.cost,
            attached=attached,
            note=note,
        )


def find_sites(binary: GoBinary, plan: Plan) -> tuple[list[Site], list[str]]:
    """The sites of `plan` in `binary`, and a sentence for each that it lacks."""
    sites: list[Site] = []
    missing: list[str] = []
    for rule in _RULES:
        if rule.plan > plan or not rule.since <= binary.go_minor <= rule.until:
            continue
        name = f"{_short(rule.function)}→{_short(rule.callee)}"
        function = binary.functions.named(rule.function)
        callee = binary.functions.named(rule.callee)
        calls = binary.call_sites(function, callee) if function and callee else []
        if rule.nth is not None:
            calls = calls[rule.nth : rule.nth + 1]
        if not calls:
            missing.append(f"{name}: no such call in this binary; {rule.kind} events are not seen")
        sites += (_site(binary, name, rule, address) for address in calls)
    return sites, missing


def _site(binary: GoBinary, name: str, rule: _Rule, address: int) -> Site:
    return Site(
        name=name,
        plan=rule.plan,
        kind=rule.kind,
        type=rule.site,
        function=rule.function,
        address=address,
        file_offset=binary.file_offset(address),
        expected=binary.read(address, _CALL_SIZE[binary.arch]),
        cost="emulated",
    )


def _short(function: str) -> str:
    return function.removeprefix("runtime.")


def reasons_mask(names: Iterable[str], wanted: Iterable[str]) -> int:
    """A bit mask over wait reason numbers: those whose name begins as one of `wanted`."""
    prefixes = tuple(wanted)
    return sum(1 << i for i, name in enumerate(names) if i < 64 and name.startswith(prefixes))
