"""What is being recorded: programs (a binary with its probes) and the processes that run them."""

from __future__ import annotations

import dataclasses
import mmap
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gtrace_rec import procfs
from gtrace_rec._errors import TargetError
from gtrace_rec.decode import Decoder, split_gaps
from gtrace_rec.goruntime import GoBinary
from gtrace_rec.goruntime.check import check_offsets
from gtrace_rec.goruntime.process import GoProcess
from gtrace_rec.loader import TOLD_CAUSES, LoadOptions, Probes
from gtrace_rec.plan import KIND_CODES, Plan, find_sites
from gtrace_rec.ring import RECORD, Block, Gap, creations
from gtrace_rec.schema import EVENT_KINDS, Exe, Process
from gtrace_rec.stacks import StackResolver, StackTable
from gtrace_rec.unprobed import NoProbes

_BLOCK = 1 << 16  # records decoded at a time
_EVER = 1 << 63
_KIND_NAMES = [k.name for k in EVENT_KINDS]


@dataclass
class Watched:
    """One process being recorded."""

    pid: int
    exe: int
    argv: list[str]
    launched: bool
    from_start: bool
    ticks: int | None
    started_ts: int
    load_bias: int | None = None
    ended_ts: int | None = None
    exit_status: int | None = None

    def as_manifest(self) -> Process:
        """This process as the manifest records it."""
        return Process(**{f.name: getattr(self, f.name) for f in dataclasses.fields(Process)})


class Program:
    """One binary being recorded: its probes, and what turns their records into rows."""

    def __init__(
        self, number: int, binary: GoBinary, plan: Plan, options: LoadOptions, stacks: StackTable
    ) -> None:
        """Compile and load the probes of `plan`. Raises HostError if that fails."""
        self.number = number
        self.binary = binary
        self.path = os.path.realpath(binary.path)
        self.sites, self.missing = find_sites(binary, plan)
        if not self.sites and plan is not Plan.SNAPSHOT:
            raise TargetError(
                f"{self.path}: none of the runtime's calls that plan {plan} watches is in it "
                f"({'; '.join(self.missing)}); record with --plan snapshot"
            )
        self.probes = (
            Probes(binary, self.sites, options) if self.sites else NoProbes(binary, options)
        )
        self.biases: dict[int, int | None] = {}  # by pid; None: not known
        self.by_kind: Counter[str] = Counter()
        self._decoder = Decoder(binary.wait_reasons)
        self._resolver = StackResolver(number, binary, self.probes, stacks)
        self._room = np.empty(_BLOCK, RECORD)
        self._rows = 0  # of it that are taken
        self.seen: tuple[int, int] | None = None  # only events from then to then are recorded

    def find_bias(self, watched: Watched) -> None:
        """Learn where a process has this binary loaded."""
        b = self.binary
        watched.load_bias = procfs.load_bias(watched.pid, b) if b.pie else 0
        self.biases[watched.pid] = watched.load_bias

    def infer_biases(self, block: Block) -> Iterator[tuple[int, int]]:
        """Learn, by pid, where processes had this binary loaded that are gone already.

        From their events: the innermost address of a stack is the probed instruction, whose
        linked address is known.
        """
        for pid in [p for p, bias in self.biases.items() if bias is None]:
            events = block[(block["pid"] == pid) & (block["stack"] != 0)]
            bias = next(filter(None, map(self._bias_of, events[:16])), None)
            if bias is not None:
                self.biases[pid] = bias
                yield pid, bias

    def _bias_of(self, event: np.void) -> int | None:
        addresses = self.probes.stack(int(event["stack"]))
        sites = [s for s in self.sites if KIND_CODES[s.kind] == event["kind"]]
        if addresses is None or len(sites) != 1:
            return None
        bias = int(addresses[0]) - sites[0].address
        return bias if bias % mmap.PAGESIZE == 0 else None

    def check_code(self, watched: Watched) -> None:
        """Raises TargetError if the process does not hold the instructions of its file."""
        process = GoProcess(watched.pid, self.binary, watched.load_bias or 0)
        for site in self.sites:
            found = process.read(process.live(site.address), len(site.expected))
            # Another tracer's breakpoint may stand in the first byte.
            if found != site.expected and found != b"\xcc" + site.expected[1:]:
                raise TargetError(
                    f"pid {watched.pid}: at {site.address:#x} ({site.name}) its memory holds "
                    f"{found.hex()}, its file {site.expected.hex()}: it changes its own code, "
                    "which gtrace does not touch; record with --plan snapshot"
                )

    def check_offsets(self, watched: Watched) -> None:
        """Raises UnsupportedGoError if its goroutines do not lie where the offsets say."""
        check_offsets(GoProcess(watched.pid, self.binary, watched.load_bias or 0))

    def start_at(self, now: int) -> int:
        """All probes are on. What was hit before `now` is not told of: some of them were off then.

        Returns `now`. Of several processes of this binary, it is the first that this is about.
        """
        self.seen = self.seen or (now, _EVER)
        return now

    def stop_at(self, now: int) -> None:
        """Take the probes off. What is hit after `now` is not told of: some are off by then."""
        self.seen = (self.seen[0] if self.seen else 0, now)
        self.probes.detach()

    def drain(self) -> bool:
        """Take records from the ring while there is room; True if there is none left: take()."""
        self._rows += self.probes.ring.read_into(self._room[self._rows :])
        return self._rows == len(self._room)

    def take(self) -> tuple[Block, list[Gap]]:
        """The events drained since the last call, and the losses told of among them.

        The events stand there until the next drain().
        """
        block, gaps = split_gaps(self._room[: self._rows])
        self._rows = 0
        if self.seen and len(block):
            ts = block["ts"]
            if int(ts.min()) < self.seen[0] or int(ts.max()) > self.seen[1]:
                block = block[(ts >= self.seen[0]) & (ts <= self.seen[1])]
        return block, [
            Gap(
                pid=int(g["pid"]),
                cpu=int(g["cpu"]),
                ts=int(g["ts"]),
                ts_end=int(g["obj"]),
                cause=TOLD_CAUSES[g["reason"]],
                lost=int(g["other_goid"]),
            )
            for g in gaps
        ]

    def decode(self, block: Block) -> pa.RecordBatch:
        """Events as rows; the stacks and symbols they need are in the stack table after this."""
        stack_ids = self._resolver.resolve(block, self.biases)
        batch = self._decoder.batch(block, stack_ids, self.biases)
        self._resolver.symbolize(batch, creations(block))
        return batch

    def count(self, block: Block) -> None:
        """Add events that were written to the totals by kind."""
        counts = np.bincount(block["kind"], minlength=len(_KIND_NAMES)).tolist()
        self.by_kind.update({name: n for name, n in zip(_KIND_NAMES, counts, strict=False) if n})

    @property
    def lost_stacks(self) -> int:
        """Stacks that could not be fetched from the BPF map."""
        return self._resolver.lost

    def as_manifest(self) -> Exe:
        """This program as the manifest records it."""
        b = self.binary
        return Exe(
            exe=self.number,
            path=self.path,
            go_version=b.go_version,
            arch=b.arch,
            build_id=b.build_id,
            settings=dict(b.settings),
            pie=b.pie,
            stripped=b.stripped,
            cgo=b.cgo,
            offsets=dict(b.offsets),
            offsets_source=b.offsets.source,
            wait_reasons=list(b.wait_reasons),
            probes=[s.probe(attached=True) for s in self.sites],
            missing=self.missing,
        )
