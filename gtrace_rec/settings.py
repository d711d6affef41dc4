"""Every setting of a recording, defined once.

The options of the command line, the keys of the configuration file, the names of the environment
variables and the table of docs/configuration.md all derive from the fields of `Settings`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from gtrace_rec._errors import UsageError
from gtrace_rec.quantities import PLANS, Address, Duration, Durations, Names, Share, Size

_SNAPSHOT_PLAN_NS = 5_000_000_000
_LEAST_SNAPSHOT_NS = 10_000_000
DROPPABLE = ("stacks", "run", "events")

_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class Setting:
    """One setting: how it is called, what it takes, and what it means.

    From the key `ring.size` derive the option `--ring-size` and, from that, the environment
    variable `GTRACE_RING_SIZE`.
    """

    field: str  # of Settings
    key: str  # in the file, with the names of its groups: "ring.size"
    type: click.ParamType[Any]
    default: str | None  # as one would write it; None: not set
    help: str
    option: str | None  # None: what follows the options
    short: str | None
    repeated: bool  # on the command line; a list in the file

    @property
    def env(self) -> str:
        """The environment variable."""
        name = self.option.removeprefix("--") if self.option else self.field
        return "GTRACE_" + name.replace("-", "_").upper()

    @property
    def is_list(self) -> bool:
        """It takes several values."""
        return self.repeated or isinstance(self.type, Durations | Names)

    @property
    def is_flag(self) -> bool:
        """An option that takes no value."""
        return isinstance(self.type, click.types.BoolParamType)


def _setting(
    key: str,
    type: click.ParamType[Any],
    help: str,
    *,
    default: str | None = None,
    option: str | None = "",
    short: str | None = None,
    repeated: bool = False,
) -> Any:
    if option == "":
        option = "--" + key.replace(".", "-").replace("_", "-")
    make: Callable[[str], Setting] = lambda field: Setting(  # noqa: E731
        field, key, type, default, help, option, short, repeated
    )
    return dataclasses.field(metadata={"setting": make})


@dataclass(frozen=True)
class Settings:
    """What to record, and how. Sizes are bytes, durations nanoseconds."""

    out: Path | None = _setting("out", _PATH, "Directory to write.", short="-o")
    pid: tuple[int, ...] = _setting(
        "target.pid",
        click.INT,
        "Record this running process; repeatable.",
        option="--pid",
        short="-p",
        repeated=True,
    )
    exe: tuple[Path, ...] = _setting(
        "target.exe",
        _PATH,
        "Record every process of this binary, those that start later too; repeatable.",
        option="--exe",
        repeated=True,
    )
    command: tuple[str, ...] = _setting(
        "target.command",
        click.STRING,
        "Start this program with these arguments, and record it.",
        option=None,
        repeated=True,
    )
    duration: int | None = _setting(
        "duration", Duration(), "Stop after this long, e.g. 30s; else there is no end.", short="-d"
    )
    plan: str = _setting(
        "plan", click.Choice(PLANS), "How much to record, cheapest first.", default="sched"
    )
    snapshot_interval: int | None = _setting(
        "snapshot.interval",
        Duration(),
        "Read all goroutines from memory this often, or for half of the time if that takes longer; "
        "else every 5s by plan snapshot, and at the start and the end only by the others.",
    )
    snapshot_heap: int = _setting(
        "snapshot.heap",
        Size(),
        "With each snapshot, search heaps of up to this size for goroutines that nothing can wake "
        "any more, which takes about a second per 100M; 0: do not.",
        default="128M",
    )
    ring_size: int = _setting(
        "ring.size",
        Size(),
        "Memory between the probes and the recorder: a power of two.",
        default="64M",
    )
    stack_depth: int = _setting(
        "stack.depth", click.IntRange(1, 127), "Frames kept of a stack.", default="64"
    )
    sample: Fraction = _setting(
        "sample",
        Share(),
        "Record this share of the goroutines, each whole or not at all, e.g. 1/16.",
        default="1",
    )
    include: tuple[str, ...] = _setting(
        "filter.include",
        click.STRING,
        "Record only goroutines that start in this package or are made by it, e.g. net/http, or "
        "net/http/... with all below it; repeatable.",
        option="--include",
        repeated=True,
    )
    exclude: tuple[str, ...] = _setting(
        "filter.exclude",
        click.STRING,
        "Do not record goroutines of this package; stronger than --include; repeatable.",
        option="--exclude",
        repeated=True,
    )
    max_events: int | None = _setting(
        "filter.max_events",
        click.IntRange(min=1),
        "Record at most so many events a second; the rest of the second is a gap, and counted.",
        option="--max-events",
    )
    rotate_size: int = _setting(
        "rotate.size",
        Size(),
        "Begin a new part after this many bytes of raw events.",
        default="64M",
    )
    rotate_every: int = _setting(
        "rotate.every", Duration(), "Begin a new part after this long.", default="60s"
    )
    metrics: tuple[str, int] | None = _setting(
        "metrics.address",
        Address(),
        "Serve Prometheus metrics of the recording here, e.g. 127.0.0.1:9464.",
        option="--metrics",
    )
    lifetime_buckets: tuple[int, ...] = _setting(
        "metrics.lifetime_buckets",
        Durations(),
        "Upper ends of the histogram of lifetimes.",
        default="100us, 1ms, 10ms, 100ms, 1s, 10s, 1m, 10m, 1h",
    )
    latency_buckets: tuple[int, ...] = _setting(
        "metrics.latency_buckets",
        Durations(),
        "Upper ends of the histogram of waits for a thread.",
        default="5us, 10us, 25us, 50us, 100us, 250us, 500us, 1ms, 2500us, 5ms, 10ms, 25ms, 50ms, "
        "100ms, 1s",
    )
    leak_window: int = _setting(
        "metrics.leak_window",
        Duration(),
        "A go statement whose living goroutines only became more for this long is a suspect.",
        default="5m",
    )
    max_overhead: Fraction | None = _setting(
        "limits.overhead",
        Share(),
        "Cost the target at most this share of its processor time, e.g. 2%: where it makes more "
        "events than that allows, record in windows, with no probes in between.",
        option="--max-overhead",
    )
    max_cpu: Fraction | None = _setting(
        "limits.cpu",
        Share(),
        "Let the recorder use this share of one processor, e.g. 20%; beyond, it records less.",
        option="--max-cpu",
    )
    max_memory: int | None = _setting(
        "limits.memory",
        Size(),
        "Let the recorder use this much memory, its ring included; beyond, it records less, and "
        "stops if that does not help.",
        option="--max-memory",
    )
    drop_first: tuple[str, ...] = _setting(
        "limits.drop_first",
        Names(DROPPABLE),
        "What to leave out where the limits demand it, in this order.",
        default="stacks,events",
        option="--drop-first",
    )
    force: bool = _setting(
        "force", click.BOOL, "Replace the recording that is at --out.", default="no"
    )
    quiet: bool = _setting(
        "quiet", click.BOOL, "No progress; errors only.", default="no", short="-q"
    )

    @property
    def directory(self) -> Path:
        """Where to write. Raises UsageError if that is not set."""
        if self.out is None:
            raise UsageError("no --out: name a directory to write, e.g. --out trace.parquet")
        return self.out

    @property
    def snapshot_ns(self) -> int:
        """Time between two snapshots; 0: only at the start and the end."""
        if self.snapshot_interval is None:
            return _SNAPSHOT_PLAN_NS if self.plan == "snapshot" else 0
        return self.snapshot_interval

    def as_manifest(self) -> dict[str, Any]:
        """The settings as the manifest records them, by their keys; without the targets."""
        return {
            s.key: _jsonable(value)
            for s in SETTINGS
            if not s.key.startswith("target.")
            for value in [getattr(self, s.field)]
        }


def _jsonable(value: Any) -> Any:
    if isinstance(value, Fraction):
        return float(value)
    return str(value) if isinstance(value, Path) else value


SETTINGS: tuple[Setting, ...] = tuple(
    f.metadata["setting"](f.name) for f in dataclasses.fields(Settings)
)
BY_KEY = {s.key: s for s in SETTINGS}
TARGETS = ("pid", "exe", "command")


def settings(**values: Any) -> Settings:
    """Settings with these values, the rest by default."""
    given = dict(values)
    for s in SETTINGS:
        if s.field not in given:
            given[s.field] = () if s.repeated else s.type(s.default) if s.default else None
    return Settings(**given)


def check(s: Settings) -> None:
    """Raises UsageError where settings that are valid by themselves cannot be together."""
    assert s.directory
    if s.command and (s.pid or s.exe):
        raise UsageError(
            "a process and a program to start at once: give --pid and --exe, or -- PROGRAM"
        )
    if s.snapshot_interval is not None and s.snapshot_interval < _LEAST_SNAPSHOT_NS:
        raise UsageError("--snapshot-interval: at least 10ms")
    if s.max_overhead is not None and s.plan == "snapshot":
        raise UsageError("--max-overhead: plan snapshot has no probes, so none cost anything")
    if s.ring_size < 1 << 16 or s.ring_size & (s.ring_size - 1):
        raise UsageError(f"--ring-size {s.ring_size}: must be a power of two of at least 64K")
