"""Which instructions of the Go runtime a recording plan watches, and what each means.

Nearly every change of a goroutine's state is a direct call inside a named runtime function, most
often of ``casgstatus``. The kernel emulates a call instruction, which is the cheapest thing to
probe, and it lies behind the stack check, so nothing is counted twice when a stack grows. A few
functions change it by a bare compare-and-swap: these are probed where they make their frame, which
the kernel emulates too.

Functions and order of calls: ``runtime/proc.go`` of Go 1.19 to 1.27.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from gtrace_rec.goruntime import GoBinary
from gtrace_rec.goruntime.pclntab import Function
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
    CURRENT = 8


class Plan(enum.IntEnum):
    """What to record, cheapest first. Each plan includes those before it."""

    SNAPSHOT = 0  # no probes: goroutines are read from memory every few seconds
    LIFECYCLE = 1  # creation and exit
    PARK = 2  # and blocking and waking
    SCHED = 3  # and running and preemption
    FULL = 4  # and system calls

    def __str__(self) -> str:
        return self.name.lower()


class Place(enum.Enum):
    """Which instruction of a function a rule means."""

    CALL = enum.auto()  # the calls of `callee`
    AFTER = enum.auto()  # what they return to
    ENTRY = enum.auto()  # the first instruction that the kernel emulates and that runs once a call


@dataclass(frozen=True)
class _Rule:
    """The instruction at `place` of `function` is an event of `kind`."""

    plan: Plan
    kind: str
    site: SiteType
    function: str
    callee: str = ""
    place: Place = Place.CALL
    nth: int | None = None  # which of the calls, if not all
    since: int = 0  # minor version of Go
    until: int = 999
    linked_if_used: bool = False  # its absence means that the program has no use for it


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
    _Rule(
        Plan.LIFECYCLE,
        "create_parked",
        SiteType.CREATE,
        "runtime.newcoro.func1",
        "runtime.newproc1",
        place=Place.AFTER,  # the only place in Go 1.23 where the new g is at hand and has its goid
        since=23,
        until=23,
        linked_if_used=True,
    ),
    _Rule(Plan.LIFECYCLE, "exit", SiteType.ARG1, "runtime.gdestroy", _CAS, since=22),
    _Rule(Plan.LIFECYCLE, "exit", SiteType.ARG1, "runtime.goexit0", _CAS, until=21),
    # These are in every binary, for a signal on a thread that is not Go's.
    _Rule(Plan.LIFECYCLE, "create_syscall", SiteType.ARG1, "runtime.needm", _CAS),
    _Rule(Plan.LIFECYCLE, "exit", SiteType.ARG1, "runtime.dropm", _CAS),
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
    _Rule(
        Plan.PARK,
        "coro_switch",
        SiteType.CORO,
        "runtime.coroswitch_m",
        place=Place.ENTRY,
        since=23,
        linked_if_used=True,
    ),
    _Rule(Plan.SCHED, "run", SiteType.ARG1, "runtime.execute", _CAS),
    _Rule(Plan.SCHED, "yield", SiteType.CALLER, "runtime.goschedImpl", _CAS),
    _Rule(Plan.SCHED, "yield", SiteType.SELF, "runtime.goyield_m", _CAS),
    _Rule(Plan.SCHED, "syscall_lost_p", SiteType.ARG1, "runtime.exitsyscall0", _CAS, until=25),
    _Rule(Plan.SCHED, "syscall_lost_p", SiteType.ARG1, "runtime.exitsyscallNoP", _CAS, since=26),
    _Rule(Plan.FULL, "syscall_enter", SiteType.ARG1, "runtime.reentersyscall", _CAS, until=25),
    _Rule(Plan.FULL, "syscall_enter", SiteType.ARG1, "runtime.entersyscallblock", _CAS),
    _Rule(Plan.FULL, "syscall_exit", SiteType.ARG1, "runtime.exitsyscall", _CAS, until=25),
    # Since Go 1.26 these two call casgstatus only where their own compare-and-swap fails.
    _Rule(
        Plan.FULL,
        "syscall_enter",
        SiteType.CURRENT,
        "runtime.reentersyscall",
        place=Place.ENTRY,
        since=26,
    ),
    _Rule(
        Plan.FULL,
        "syscall_exit",
        SiteType.CURRENT,
        "runtime.exitsyscall",
        place=Place.ENTRY,
        since=26,
    ),
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
        name = "→".join(_short(part) for part in (rule.function, rule.callee) if part)
        addresses = _addresses(binary, rule)
        if not addresses and not rule.linked_if_used:
            what = "call" if rule.callee else "instruction"
            missing.append(
                f"{name}: no such {what} in this binary; {rule.kind} events are not seen"
            )
        sites += (_site(binary, name, rule, address) for address in addresses)
    return sites, missing


def _addresses(binary: GoBinary, rule: _Rule) -> list[int]:
    function = binary.functions.named(rule.function)
    if function is None:
        return []
    if rule.place is Place.ENTRY:
        address = _entry(binary, function)
        return [address] if address is not None else []
    callee = binary.functions.named(rule.callee)
    calls = binary.call_sites(function, callee) if callee else []
    if rule.nth is not None:
        calls = calls[rule.nth : rule.nth + 1]
    behind = _CALL_SIZE[binary.arch] if rule.place is Place.AFTER else 0
    return [address + behind for address in calls]


def _entry(binary: GoBinary, function: Function) -> int | None:
    """For functions without a stack check, or on a stack that does not grow."""
    if binary.arch == "amd64":
        return binary.prologue(function).push_frame
    # All branches are emulated, so whatever comes before the first such instruction is run once.
    words = range(function.entry, function.end, 4)
    return next((at for at in words if binary.cost_class(at) == "emulated"), None)


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
        cost=binary.cost_class(address),
    )


def _short(function: str) -> str:
    return function.removeprefix("runtime.")


def reasons_mask(names: Iterable[str], wanted: Iterable[str]) -> int:
    """A bit mask over wait reason numbers: those whose name begins as one of `wanted`."""
    prefixes = tuple(wanted)
    return sum(1 << i for i, name in enumerate(names) if i < 64 and name.startswith(prefixes))
