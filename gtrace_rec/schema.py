"""The dataset: what the recorder writes and the analyzer reads.

This module is the contract between the two programs and the only one of ``gtrace_rec`` that
``gtrace_analyze`` may import. It needs neither bcc nor root nor Go.

Conventions that hold in every table:

* times are nanoseconds of ``CLOCK_MONOTONIC``, which is the clock of Go's ``nanotime`` on Linux;
* what is unknown is NULL;
* ``exe`` numbers the binaries of a recording (``Manifest.exes``), ``pid`` the processes;
* a code address (``pc``) is an address of the binary as linked, load bias removed, so that it means
  the same in every process and every run. It lies *inside* the instruction it speaks of: return
  addresses are stored minus one, so looking up a symbol needs no rule about calls;
* a data address (``obj``) is an address of the running process.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from gtrace_rec import __version__
from gtrace_rec._errors import GtraceError as GtraceError  # a part of the contract
from gtrace_rec._errors import TraceError as TraceError

FORMAT_NAME = "gtrace"
FORMAT_VERSION = 1

MANIFEST = "_manifest.json"


@dataclass(frozen=True)
class EventKind:
    """One kind of event.

    ``enters`` is the state that ``goid`` is in from this event on; ``other_enters`` the same for
    ``other_goid``, where the event changes that goroutine too.
    """

    name: str
    enters: str
    meaning: str
    other_enters: str | None = None


# The order is the code in the BPF record: append only. Functions are those of Go 1.27's proc.go.
EVENT_KINDS: tuple[EventKind, ...] = (
    EventKind("create", "runnable", "newproc1 made the goroutine; other_goid is its parent"),
    EventKind("create_parked", "waiting", "newproc1 made a coroutine, which starts parked"),
    EventKind("park", "waiting", "gopark; reason, obj and stack say on what and where"),
    EventKind("ready", "runnable", "ready(); other_goid is the waker, NULL for a timer or runtime"),
    EventKind("inject", "runnable", "injectglist or findRunnable: netpoll, or the runtime itself"),
    EventKind("park_undone", "runnable", "park_m: the unlock function said no; runs on at once"),
    EventKind("run", "running", "execute(): a thread (tid) begins to run it"),
    EventKind(
        "yield", "runnable", "goschedImpl or goyield_m: Gosched or preemption, pc says which"
    ),
    EventKind(
        "suspend", "waiting", "preemptPark: suspended by the garbage collector or a debugger"
    ),
    EventKind("syscall_enter", "syscall", "reentersyscall or entersyscallblock"),
    EventKind("syscall_exit", "running", "exitsyscall, with its P kept or regained"),
    EventKind(
        "syscall_lost_p", "runnable", "exitsyscall0 or exitsyscallNoP: back, but without a P"
    ),
    EventKind(
        "coro_switch",
        "waiting",
        "coroswitch_m: iter.Pull hands this thread from goid to other_goid",
        other_enters="running",
    ),
    EventKind("exit", "dead", "goexit0 or gdestroy; dropm: a thread of C gives its goroutine back"),
    EventKind(
        "coro_resume",
        "running",
        "coroswitch_m: goid goes on with the thread of other_goid, of which it tells nothing: a "
        "coroutine at its end, whose exit follows, or one that is not recorded",
    ),
    EventKind(
        "create_syscall",
        "syscall",
        "needm: a thread of C that calls Go takes up a goroutine, maybe one that ended before",
    ),
)

STATES = ("running", "runnable", "waiting", "syscall", "dead")

# Why a span of time was not seen whole.
# The first two are CAUSE_* of gtrace.bpf.c, in its order.
GAP_CAUSES = (
    "ring full",  # records were dropped on this cpu; `lost` says how many
    "event rate",  # more events in a second than the recorder was allowed; `lost` says how many
    "recorder limits",  # kinds of events that it could not afford any more; `lost` says how many
    "probes off",  # a recording window was closed on purpose
    "cut",  # the recorder died: nothing after `ts`
)

_DICT = pa.dictionary(pa.int8(), pa.string())


def _field(name: str, type_: pa.DataType, doc: str, *, null: bool = False) -> pa.Field:
    return pa.field(name, type_, nullable=null, metadata={"doc": doc})


EVENTS = pa.schema(
    [
        _field("ts", pa.int64(), "when, ns CLOCK_MONOTONIC"),
        _field("kind", _DICT, "what happened: a name of EVENT_KINDS"),
        _field("goid", pa.int64(), "the goroutine it happened to"),
        _field("pid", pa.int32(), "process, as seen in the recorder's pid namespace"),
        _field("tid", pa.int32(), "the thread that did it"),
        _field("cpu", pa.int16(), "the processor it happened on"),
        _field(
            "other_goid",
            pa.int64(),
            "create: parent; ready, inject: waker; coro_switch: the goroutine switched to; "
            "coro_resume: the one switched from; "
            "NULL where there is none (timer, netpoll, runtime)",
            null=True,
        ),
        _field("reason", _DICT, "park: Go's wait reason, in Go's words", null=True),
        _field("stack_id", pa.int32(), "user stack of who did it; NULL if not taken", null=True),
        _field(
            "pc",
            pa.int64(),
            "create: the go statement; park: the caller of gopark; yield: the caller of "
            "goschedImpl; ready, inject: the call that made it runnable",
            null=True,
        ),
        _field(
            "obj",
            pa.int64(),
            "park: address of what it waits on (channel, semaphore, poll descriptor); "
            "create: the start function's entry, a pc",
            null=True,
        ),
    ]
)

STACKS = pa.schema(
    [
        _field("stack_id", pa.int32(), "number of the stack, unique in the recording"),
        _field("exe", pa.int16(), "the binary the addresses belong to"),
        _field("pcs", pa.list_(pa.int64()), "code addresses, innermost first"),
    ]
)

SYMBOLS = pa.schema(
    [
        _field("exe", pa.int16(), "the binary the address belongs to"),
        _field("pc", pa.int64(), "code address"),
        _field("depth", pa.int16(), "0 is the innermost frame; inlined callers follow in order"),
        _field("function", pa.string(), "full Go name", null=True),
        _field("file", pa.string(), "source file, as the compiler recorded it", null=True),
        _field("line", pa.int32(), "line in it", null=True),
        _field("inlined", pa.bool_(), "this frame is inlined into the next depth"),
    ]
)

GOROUTINES = pa.schema(
    [
        _field("snapshot", pa.int32(), "number of the snapshot in this recording, from 0"),
        _field("ts", pa.int64(), "just after this goroutine was read, ns CLOCK_MONOTONIC"),
        _field("pid", pa.int32(), "process"),
        _field("goid", pa.int64(), "goroutine"),
        _field("status", _DICT, "runtime status: runnable running syscall waiting preempted ..."),
        _field("reason", _DICT, "wait reason in Go's words; NULL unless waiting", null=True),
        _field(
            "waitsince",
            pa.int64(),
            "about since when it is blocked, ns CLOCK_MONOTONIC, as Go itself has it: when the "
            "garbage collection ended that came before the one that first found it blocked; NULL "
            "if none did",
            null=True,
        ),
        _field("parent_goid", pa.int64(), "its creator (Go >= 1.21)", null=True),
        _field("gopc", pa.int64(), "the go statement that made it, a pc", null=True),
        _field("startpc", pa.int64(), "entry of its start function, a pc", null=True),
        _field("stack_id", pa.int32(), "its stack; NULL while running", null=True),
        _field("obj", pa.int64(), "address of what it waits on", null=True),
        _field(
            "select_objs",
            pa.list_(pa.int64()),
            "the channels a select waits on; NULL unless in a select",
            null=True,
        ),
        _field("chan_len", pa.int64(), "obj is a channel: elements queued", null=True),
        _field("chan_cap", pa.int64(), "obj is a channel: its capacity", null=True),
        _field("chan_closed", pa.bool_(), "obj is a channel: closed", null=True),
        _field(
            "reachable",
            pa.bool_(),
            "something that can run refers to what it waits on; false: nothing can wake it any "
            "more; NULL where it waits on no such thing, or memory was not searched",
            null=True,
        ),
        _field(
            "holders",
            pa.int64(),
            "obj is of package sync: what holds it up. The counter of a sync.WaitGroup, 1 for a "
            "locked sync.Mutex, the readers or the writer inside a sync.RWMutex",
            null=True,
        ),
        _field(
            "refers",
            pa.list_(pa.int64()),
            "of what others wait for (locks, and all that nothing which can run refers to): those "
            "that its own stack points at, so that it may hold them; NULL where there are none, or "
            "this was not looked for",
            null=True,
        ),
        _field("labels", pa.map_(pa.string(), pa.string()), "pprof labels", null=True),
        _field("tid", pa.int32(), "the thread it is on, if any", null=True),
        _field("certain", pa.bool_(), "false where it changed while being read, retries spent"),
    ]
)

GAPS = pa.schema(
    [
        _field("pid", pa.int32(), "process; NULL: all of them", null=True),
        _field("cpu", pa.int16(), "processor; NULL: all of them", null=True),
        _field("ts", pa.int64(), "the first moment not seen"),
        _field("ts_end", pa.int64(), "the last moment not seen"),
        _field("cause", pa.string(), "one of GAP_CAUSES"),
        _field("lost", pa.int64(), "events lost; NULL where that cannot be known", null=True),
    ]
)

HEALTH = pa.schema(
    [
        _field("ts", pa.int64(), "end of the second this row is about"),
        _field("events", pa.int64(), "events written"),
        _field("lost_ring", pa.int64(), "events lost: the ring was full"),
        _field("dropped", pa.int64(), "events not recorded: over the limits that were set"),
        _field("lost_stack", pa.int64(), "stacks that could not be taken or kept"),
        _field("read_faults", pa.int64(), "fields of the target's memory that could not be read"),
        _field("ring_fill", pa.float64(), "fullest the ring was found, 0 to 1"),
        _field("bytes_written", pa.int64(), "bytes written to disk"),
        _field("cpu_ns", pa.int64(), "processor time the recorder used"),
        _field("rss_bytes", pa.int64(), "resident memory of the recorder"),
        _field("live_goroutines", pa.int64(), "alive, as counted from events", null=True),
        _field("probes_on", pa.bool_(), "probes were attached at the end of the second"),
        _field("seen_ns", pa.int64(), "how long of it probes were on and all events recorded"),
    ]
)

# Tables beside the events. While recording, `_NAME.arrows`; once stopped, `_NAME.parquet`, which is
# a directory with one file, as the recording itself is one: by that name every Parquet reader opens
# it, and DuckDB's '*.parquet', which takes any file, yields the events alone.
SIDE_TABLES: Mapping[str, pa.Schema] = {
    "stacks": STACKS,
    "symbols": SYMBOLS,
    "goroutines": GOROUTINES,
    "gaps": GAPS,
    "health": HEALTH,
}


def part_name(number: int) -> str:
    """File name of a finished part of the events."""
    return f"part-{number:05d}.parquet"


def open_part_name(number: int) -> str:
    """File name of the part in progress: an Arrow IPC stream, cut anywhere by a crash."""
    return f"_part-{number:05d}.arrows"


def table_name(name: str) -> str:
    """The file in a recording that holds a finished side table."""
    return f"_{name}.parquet/table.parquet"


def open_table_name(name: str) -> str:
    """File name of a side table in progress: an Arrow IPC stream, cut anywhere by a crash."""
    return f"_{name}.arrows"


@dataclass(frozen=True)
class Probe:
    """One instruction of the Go runtime that is, or could not be, watched."""

    site: str  # "gopark→mcall"
    kind: str  # event kind, or "" where the site yields none
    function: str  # "runtime.gopark"
    address: int  # pc
    file_offset: int
    expected: str  # hex of the instruction's bytes, as found in the file
    cost: str  # cost class: "emulated" or "stepped"
    attached: bool
    note: str = ""


@dataclass(frozen=True)
class Exe:
    """One binary of the recording."""

    exe: int
    path: str
    go_version: str  # "go1.27.3"
    arch: str  # "amd64" | "arm64"
    build_id: str | None
    settings: dict[str, str]  # build settings, as `go version -m` prints them
    pie: bool
    stripped: bool
    cgo: bool
    offsets: dict[str, int]  # "g.goid" -> 152
    offsets_source: str  # "DWARF" | "table go1.27.3" | ...
    wait_reasons: list[str]
    probes: list[Probe]
    missing: list[str]  # sites of the plan that this binary does not have, each with the reason


@dataclass(frozen=True)
class Process:
    """One process of the recording."""

    pid: int
    exe: int
    argv: list[str]
    launched: bool  # started by the recorder
    from_start: bool  # recorded from its first goroutine on
    load_bias: int | None
    started_ts: int  # from when on its events were recorded
    ended_ts: int | None = None  # when it was seen to be gone
    exit_status: int | None = None  # of a launched one; minus the signal's number if killed


@dataclass(frozen=True)
class Part:
    """One finished file of events."""

    name: str
    rows: int
    first_ts: int
    last_ts: int
    bytes: int


@dataclass(frozen=True)
class ClockAnchor:
    """The same moment on two clocks."""

    mono_ns: int
    wall_ns: int
    error_ns: int  # the reading lies within ± this


@dataclass(frozen=True)
class RecorderProcess:
    """Who writes this: lets a reader on the same machine tell a live recording from a cut one."""

    pid: int
    start_ticks: int  # field 22 of /proc/pid/stat
    boot_id: str


@dataclass(frozen=True)
class Totals:
    """What was recorded, and what was not."""

    events: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    lost_ring: int = 0
    dropped: dict[str, int] = field(default_factory=dict)  # events, by the other GAP_CAUSES
    dropped_stacks: int = 0  # not taken because of the recorder's limits
    lost_by_kind: dict[str, int] = field(default_factory=dict)  # for whatever cause
    lost_stack: int = 0
    read_faults: int = 0
    bytes: int = 0
    stacks: int = 0
    snapshots: int = 0
    windows: int = 1  # spans of time with probes on
    seen_ns: int | None = None  # how long they were together; None: all the time


@dataclass(frozen=True)
class Manifest:
    """Everything about a recording that is not an event. `stopped_ts` is None until it stopped."""

    host: dict[str, str]  # hostname, kernel, machine, cpus
    recorder: RecorderProcess
    plan: str
    options: dict[str, Any]
    exes: list[Exe]
    processes: list[Process]
    clock: list[ClockAnchor]
    started_ts: int
    flushed_ts: int  # all events up to here are on disk
    parts: list[Part]
    totals: Totals
    stopped_ts: int | None = None
    stop_reason: str | None = None
    notes: list[str] = field(default_factory=list)  # what the reader should know
    format: str = FORMAT_NAME
    format_version: int = FORMAT_VERSION
    tool_version: str = __version__

    def to_json(self) -> str:
        """The manifest as it stands in `_manifest.json`: for people, once nothing will change."""
        indent = None if self.stopped_ts is None else 1  # which takes thirty times as long
        return json.dumps(self, default=vars, indent=indent, ensure_ascii=False) + "\n"


_NESTED: dict[str, Any] = {
    "exes": Exe,
    "processes": Process,
    "clock": ClockAnchor,
    "parts": Part,
    "probes": Probe,
}


def _build(cls: Any, raw: Mapping[str, Any]) -> Any:
    """A dataclass from JSON; fields that a later minor version added are ignored."""
    values: dict[str, Any] = {}
    for f in dataclasses.fields(cls):
        if f.name in raw:
            value = raw[f.name]
            if f.name in _NESTED and cls is not Totals:
                value = [_build(_NESTED[f.name], item) for item in value]
            values[f.name] = value
    return cls(**values)


def parse_manifest(text: str, where: Path) -> Manifest:
    """Read a manifest.

    Raises TraceError, naming `where`, if it is not one, or is of a format newer than this.
    """
    try:
        raw = json.loads(text)
    except ValueError as e:
        raise TraceError(f"{where}: not valid JSON ({e}); is this a gtrace recording?") from None
    if not isinstance(raw, dict) or raw.get("format") != FORMAT_NAME:
        raise TraceError(f"{where}: not the manifest of a gtrace recording")
    version = raw.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise TraceError(
            f"{where}: format {version}, written by gtrace {raw.get('tool_version')}; this is "
            f"gtrace {__version__}, which reads formats up to {FORMAT_VERSION}: update it"
        )
    try:
        raw["recorder"] = _build(RecorderProcess, raw["recorder"])
        raw["totals"] = _build(Totals, raw["totals"])
        manifest: Manifest = _build(Manifest, raw)
    except (TypeError, KeyError, AttributeError) as e:
        raise TraceError(f"{where}: damaged manifest ({e})") from None
    return manifest
