"""Compiles the BPF program for one binary through bcc, attaches it, and reads its maps."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gtrace_rec import compilermemory, probecost, uprobes
from gtrace_rec._errors import HostError
from gtrace_rec.goruntime import GoBinary
from gtrace_rec.goruntime.homes import kept_channels, kept_waiters
from gtrace_rec.goruntime.pclntab import Function
from gtrace_rec.hostcheck import UPROBE_MULTI_KERNEL, kernel_release
from gtrace_rec.limits import Control
from gtrace_rec.plan import KIND_CODES, Site, reasons_mask
from gtrace_rec.probecost import Cost, Counters
from gtrace_rec.ring import Gap, Ring
from gtrace_rec.schema import GAP_CAUSES
from gtrace_rec.selection import Choice, Selection

K_GAP = 255  # not an event: tells of records lost; bpf/event.h
TOLD_CAUSES = GAP_CAUSES[:2]  # of losses that K_GAP records tell of
LIMIT_CAUSES = GAP_CAUSES[1:3]  # of losses by the limits that were set
ALL_PROCESSES = 0  # as a pid: every process that runs the binary, now and later
_PAGE = 4096

# Wait reasons begin so.
_CHANNELS = ("chan receive", "chan send")
_NIL_CHANNELS = tuple(f"{reason} (nil" for reason in _CHANNELS)


@dataclass(frozen=True)
class LoadOptions:
    """Sizes of the BPF maps and what to take a stack of."""

    ring_bytes: int = 64 << 20
    stack_depth: int = 64
    max_stacks: int = 65536
    stacks_of: frozenset[str] = frozenset({"create", "create_parked", "park", "ready"})
    choice: Choice = field(default_factory=Choice)
    limited: bool = False  # set_control() will be called


@dataclass(frozen=True)
class Losses:
    """What the BPF program did not record since it was loaded."""

    lost_by_kind: dict[str, int] = field(default_factory=dict)
    lost_by_cause: dict[str, int] = field(default_factory=dict)
    lost_stack: int = 0
    read_faults: int = 0
    dropped_stacks: int = 0


class Probes:
    """The BPF program of one binary: its ring, its maps and its attachments."""

    def __init__(self, binary: GoBinary, sites: Sequence[Site], options: LoadOptions) -> None:
        """Compile and load. Raises HostError if bcc or the kernel cannot."""
        self.sites = sites
        self.options = options
        self._binary = binary
        self._links: dict[int, list[int] | bytes] = {}  # descriptors, or the path probed by bcc
        self._multi = kernel_release() >= UPROBE_MULTI_KERNEL
        self._counters: Counters | None = None
        self.selection = Selection(binary, options.choice)
        self._bpf = self._compile()
        try:
            if self._multi:
                self._programs = [self._load(_program(i)) for i, _ in enumerate(sites)]
        except Exception as e:
            raise HostError(
                f"the kernel refused the BPF program: {e}; try: gtrace-rec doctor"
            ) from e
        compilermemory.give_back()
        self.ring = Ring(self._bpf["events"].map_fd, options.ring_bytes)
        self._fill_chosen()
        self._stacks = self._bpf["stacks"]
        self._tallies = self._bpf["tallies"]

    def _load(self, name: bytes) -> Any:
        return self._bpf.load_func(
            name, self._module.BPF.KPROBE, attach_type=uprobes.BPF_TRACE_UPROBE_MULTI
        )

    def _compile(self) -> Any:
        import bcc  # slow to load, and absent where only snapshots are taken

        self._module = bcc
        with as_file(files("gtrace_rec") / "bpf") as folder:
            os.environ["BCC_KERNEL_SOURCE"] = str(folder / "include")
            flags = [f"-I{folder}", *(f"-D{k}={v}" for k, v in self._constants().items())]
            try:
                return bcc.BPF(text=self._source(folder), cflags=flags)
            except Exception as e:
                raise HostError(f"bcc could not compile the BPF program: {e}") from e

    @staticmethod
    def _source(folder: Path) -> bytes:
        return (folder / "gtrace.bpf.c").read_bytes()

    def _reasons(self) -> dict[str, int]:
        """Bit masks of the wait reasons, by the way to what is waited on."""
        names = self._binary.wait_reasons
        argument = {1: 0, 2: 0}  # of the function so many calls from gopark
        for waiter, _ in kept_waiters(self._binary):
            argument[waiter.frames] |= reasons_mask(names, waiter.reasons)
        channels = reasons_mask(names, _CHANNELS) & ~reasons_mask(names, _NIL_CHANNELS)
        at_home = reasons_mask(names, kept_channels(self._binary)) & channels
        return {
            "SUDOG_REASONS": channels & ~at_home,
            "ARG_REASONS": argument[1] | at_home,
            "CALLER_ARG_REASONS": argument[2],
        }

    def _constants(self) -> dict[str, str]:
        o = self._binary.offsets
        constants: dict[str, object] = {
            "OFF_G_GOID": o["g.goid"],
            "OFF_G_M": o["g.m"],
            "OFF_G_WAITREASON": o["g.waitreason"],
            "OFF_G_WAITING": o["g.waiting"],
            "OFF_G_GOPC": o["g.gopc"],
            "OFF_G_STARTPC": o["g.startpc"],
            "OFF_M_CURG": o["m.curg"],
            "OFF_SUDOG_C": o["sudog.c"] + (8 if self._binary.go_minor >= 26 else 0),
            "K_GAP": K_GAP,
            "K_CREATE_PARKED": KIND_CODES["create_parked"],
            "K_CORO_RESUME": KIND_CODES["coro_resume"],
            "STACK_DEPTH": self.options.stack_depth,
            "MAX_STACKS": self.options.max_stacks,
            "RING_PAGES": self.options.ring_bytes // _PAGE,
            **{name: f"{mask:#x}ULL" for name, mask in self._reasons().items()},
        }
        constants |= self._selection_constants()
        if self.options.limited:
            constants["LIMITED"] = 1
        for optional in ("g.coroarg", "g.coroexit", "g.parentGoid"):
            if optional in o:
                constants["OFF_" + optional.upper().replace(".", "_")] = o[optional]
        constants |= self._cgo_constants()
        if self._binary.arch == "arm64":
            constants["GOARCH_ARM64"] = 1
        constants["SITES"] = " ".join(
            f"SITE({i},{KIND_CODES[s.kind]},{s.type},{int(s.kind in self.options.stacks_of)},"
            f"{s.address:#x}ULL)"
            for i, s in enumerate(self.sites)
        )
        return {k: str(v) for k, v in constants.items()}

    def _cgo_constants(self) -> dict[str, object]:
        """Where, on the goroutine's stack, the frames lie that C's frames come between.

        By runtime/asm_amd64.s of Go 1.19 to 1.27: cgocallback makes room for its frame right below
        where asmcgocall stood when it left that stack. Each _FRAME leads from one frame pointer to
        the next, or, where there is none (asmcgocall up to Go 1.20), to where it would be. On arm64
        frames are laid out otherwise: cgocall is not found there, so the stack ends.
        """
        named = self._binary.functions.named
        inner, middle, outer = (
            named(f"runtime.{name}") for name in ("cgocallback", "asmcgocall", "cgocall")
        )
        if not (self._binary.cgo and inner and middle and outer):
            return {}
        return {
            "CGOCALLBACK": f"{inner.entry:#x}ULL",
            "CGOCALLBACK_SIZE": inner.end - inner.entry,
            "CGOCALLBACK_FRAME": 2 * 8 + self._frame_size(inner) + self._frame_size(middle),
            "CGOCALL": f"{outer.entry:#x}ULL",
            "CGOCALL_SIZE": outer.end - outer.entry,
            "CGOCALL_FRAME": 8 + self._frame_size(outer),
        }

    def _frame_size(self, function: Function) -> int:
        """Without the return address."""
        deltas = (self._binary.sp_delta(pc) for pc in range(function.entry, function.end))
        return max(filter(None, deltas), default=0)

    def _selection_constants(self) -> dict[str, object]:
        constants: dict[str, object] = {}
        choice = self.selection.choice
        if choice.sample < 1:
            constants["SAMPLE_BELOW"] = f"{choice.threshold:#x}U"
        if choice.by_package:
            constants["CHOSEN_COUNT"] = len(self.selection.flags)
        if choice.include:
            constants["CHOSEN_ONLY"] = 1
        return constants

    def _fill_chosen(self) -> None:
        """Tell BPF which packages' goroutines to record."""
        if not self.selection.flags:
            return
        count = len(self.selection.flags)
        keys = (ctypes.c_uint64 * count)(*self.selection.flags)
        values = (ctypes.c_uint8 * count)(*self.selection.flags.values())
        self._bpf["chosen"].items_update_batch(keys, values)

    def attach(self, pid: int, path: str) -> None:
        """Put the probes on process `pid`, or ALL_PROCESSES, whose binary is reached by `path`.

        Raises HostError, naming the remedy, if the kernel refuses.
        """
        try:
            if self._multi:
                links = self._links[pid] = []
                for program, site in zip(self._programs, self.sites, strict=True):
                    links.append(uprobes.attach(program.fd, path, site.file_offset, pid))
            else:
                name = os.fsencode(os.path.realpath(path))  # bcc opens no /proc/PID/exe
                self._links[pid] = name
                for i, site in enumerate(self.sites):
                    self._bpf.attach_uprobe(
                        name=name, addr=site.address, pid=pid or -1, fn_name=_program(i)
                    )
        except Exception as e:  # bcc raises nothing narrower
            self.detach(pid)
            raise HostError(
                f"pid {pid}: the kernel would not attach the probes to {path} ({e}); "
                f"try: gtrace-rec doctor {pid}"
            ) from None

    @property
    def attached(self) -> bool:
        """Whether any process is being probed now."""
        return bool(self._links)

    def detach(self, pid: int | None = None) -> None:
        """Take the probes off `pid`, or off all processes."""
        for p in [pid] if pid is not None else list(self._links):
            links = self._links.pop(p, None)
            if isinstance(links, list):
                uprobes.detach(links)
            elif links is not None:
                for site in self.sites:
                    # Of a process that is gone bcc finds no path; it took its probes with it.
                    with contextlib.suppress(Exception):
                        self._bpf.detach_uprobe(name=links, addr=site.address, pid=p or -1)

    def trap_ns(self) -> float:
        """What a hit costs the target beside the BPF program's own time. Raises HostError."""
        if not self._multi:
            raise HostError(
                "--max-overhead needs Linux 6.6 or later: before, taking probes off takes a second"
            )
        try:
            return probecost.trap_ns(self._load(b"gtrace_nothing").fd)
        except Exception as e:  # bcc raises nothing narrower
            raise HostError(f"the cost of a probe could not be measured ({e})") from e

    def cost(self) -> Cost:
        """What its probes have cost, if a ProbeCost counts."""
        if self._counters is None:
            self._counters = Counters(program.fd for program in self._programs)
        return self._counters.read()

    def losses(self) -> Losses:
        """The tallies of all processors, added up."""
        by_kind = dict.fromkeys(KIND_CODES, 0)
        by_cause = [0] * len(TOLD_CAUSES)
        stack = faults = kinds = stacks = 0
        for t in self._tallies[ctypes.c_int(0)]:
            stack += t.lost_stack
            faults += t.read_faults
            kinds += t.dropped_kinds
            stacks += t.dropped_stacks
            for i, loss in enumerate(t.losses):
                by_cause[i] += loss.total
            for name, code in KIND_CODES.items():
                by_kind[name] += t.lost[code]
        return Losses(
            lost_by_kind={k: v for k, v in by_kind.items() if v},
            lost_by_cause=dict(zip(TOLD_CAUSES, by_cause, strict=True))
            | {"recorder limits": kinds},
            lost_stack=stack,
            read_faults=faults,
            dropped_stacks=stacks,
        )

    def pending_gaps(self) -> list[Gap]:
        """Losses that no record has told of yet."""
        return [
            Gap(None, cpu, loss.first_ts, loss.last_ts, cause, loss.pending)
            for cpu, t in enumerate(self._tallies[ctypes.c_int(0)])
            for cause, loss in zip(TOLD_CAUSES, t.losses, strict=True)
            if loss.pending
        ]

    def set_control(self, control: Control) -> None:
        """Tell a running BPF program what to leave out; it was loaded with `limited`."""
        table = self._bpf["control"]
        table[ctypes.c_int(0)] = table.Leaf(
            control.events_per_second, control.dropped_kinds, control.no_stacks
        )

    def stack(self, key: int) -> NDArray[np.uint64] | None:
        """The return addresses of the stack with hash `key`, innermost first."""
        try:
            value = self._stacks[ctypes.c_uint64(key)]
        except KeyError:
            return None
        return np.frombuffer(value.pcs, "<u8", count=value.depth).copy()

    def forget_stacks(self, keys: Iterable[int]) -> None:
        """Make room in the map of stacks: the recorder knows these by now."""
        for key in keys:
            try:
                del self._stacks[ctypes.c_uint64(key)]
            except KeyError:
                continue

    def close(self) -> None:
        """Detach everything and free the maps."""
        self.detach()
        if self._counters:
            self._counters.close()
        self.ring.close()
        self._bpf.cleanup()


def _program(number: int) -> bytes:
    """Name of the BPF function of a site."""
    return b"gtrace_%d" % number
