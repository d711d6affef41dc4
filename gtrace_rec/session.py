"""One run of the recorder as its user meets it: signals, progress, first and last words."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from gtrace_rec import procfs
from gtrace_rec._errors import GtraceError, TraceError
from gtrace_rec.dataset import prepare_directory
from gtrace_rec.hostcheck import require_host
from gtrace_rec.launch import Launched
from gtrace_rec.plan import Plan
from gtrace_rec.quantities import format_bytes, format_duration
from gtrace_rec.recorder import Recorder, Status
from gtrace_rec.schema import Manifest
from gtrace_rec.settings import Settings
from gtrace_rec.signals import FORWARD, STOP

_SI_KERNEL = 128  # si_code of a signal the terminal sent: the child has had it as well
_PROGRESS_S = 0.25


def record_processes(settings: Settings) -> int:
    """Record running processes until they end, `duration` has passed, or a signal."""
    out, pids, exes = settings.directory, settings.pid, settings.exe
    _require_host(settings)
    for pid in pids:
        procfs.check_process(pid)
    names = [f"pid {pid} ({procfs.exe_name(pid)})" for pid in pids]
    names += [f"every process of {exe}" for exe in exes]
    prepare_directory(out, force=settings.force)
    talk = _Talk(quiet=settings.quiet)
    recorder = Recorder(out, settings)
    try:
        with _discarded_on_failure(recorder):
            recorder.serve_metrics()
            for path in (*map(procfs.exe_path, pids), *map(str, exes)):
                recorder.load(path)
            for exe in exes:
                recorder.follow(str(exe))
            with talk.meanwhile("attaching, and reading all goroutines"):
                for pid in pids:
                    recorder.add(pid)
        talk.line(f"recording {', '.join(names)} into {out}; Ctrl-C stops")
        reason = _run(recorder, talk, settings.duration, STOP, lambda number, code: True)
        _finish(recorder, talk, reason, out)
    finally:
        recorder.close()
    return 0


def record_launched(settings: Settings) -> int:
    """Start a program, record it from its first goroutine, and return its exit status."""
    out, command = settings.directory, settings.command
    _require_host(settings)
    prepare_directory(out, force=settings.force)
    talk = _Talk(quiet=settings.quiet)
    failure: TraceError | None = None
    recorder = Recorder(out, settings)
    try:
        with _discarded_on_failure(recorder):
            child = Launched(command)
            with child.abandoned_on_failure():
                recorder.serve_metrics()
                recorder.add_launched(child.pid, child.path, list(command))
            talk.line(f"recording {shlex.join(command)} into {out}")
            child.go()
        recorder.launched(child.pid)
        watch = _ChildSignals(child.pid)
        signals = STOP | FORWARD | {signal.SIGCHLD}
        reason = _run(recorder, talk, settings.duration, signals, watch)
        if watch.status is not None:
            recorder.exited(child.pid, watch.status)
        try:
            _finish(recorder, talk, reason, out)
        except TraceError as e:
            failure = e  # the program is to end in its own time all the same
    finally:
        recorder.close()
    if watch.status is None:
        talk.line(f"pid {child.pid} goes on, unrecorded; waiting for it to end")
        watch.wait()
    if failure:
        raise failure
    status = watch.status or 0
    return status if status >= 0 else 128 - status


def _require_host(settings: Settings) -> None:
    if settings.plan != str(Plan.SNAPSHOT):  # which asks of the kernel but to read memory
        require_host()


@contextlib.contextmanager
def _discarded_on_failure(recorder: Recorder) -> Iterator[None]:
    try:
        yield
    except GtraceError:
        recorder.dataset.discard()
        raise
    except OSError as e:
        recorder.dataset.discard()
        raise TraceError(f"{recorder.dataset.path}: {e.strerror}") from None


class _ChildSignals:
    """Passes signals on to the child, and notices its end."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._interrupts = 0
        self.status: int | None = None

    def __call__(self, number: int, code: int) -> bool:
        """React to a signal; True if the recording is to stop."""
        if number == signal.SIGCHLD:
            done, raw = os.waitpid(self._pid, os.WNOHANG)
            if done:
                self.status = os.waitstatus_to_exitcode(raw)
            return bool(done)
        if code != _SI_KERNEL:
            os.kill(self._pid, number)
        if number == signal.SIGINT:
            self._interrupts += 1
        return self._interrupts > 1

    def wait(self) -> None:
        """Pass on signals until the child has ended."""
        while self.status is None:
            info = signal.sigwaitinfo(STOP | FORWARD | {signal.SIGCHLD})
            self(info.si_signo, info.si_code)


def _run(
    recorder: Recorder,
    talk: _Talk,
    duration: int | None,
    signals: set[signal.Signals],
    react: Callable[[int, int], bool],
) -> str:
    """Drain until something ends the recording; returns what did."""
    end = time.monotonic_ns() + duration if duration is not None else None
    while True:
        try:
            busy = recorder.pump()
        except OSError as e:
            return "disk full" if e.errno == errno.ENOSPC else f"could not write: {e.strerror}"
        talk.progress(recorder.status)
        info = signal.sigtimedwait(signals, 0 if busy else recorder.idle_s)
        if info is not None and react(info.si_signo, info.si_code):
            if info.si_signo == signal.SIGCHLD:
                return "target exited"
            return signal.Signals(info.si_signo).name
        if recorder.out_of_memory:
            return "memory limit"
        if recorder.finished:
            return "target exited"
        if end is not None and time.monotonic_ns() >= end:
            return "duration reached"


def _finish(recorder: Recorder, talk: _Talk, reason: str, out: Path) -> None:
    try:
        with talk.meanwhile("reading all goroutines once more; Ctrl-C ends it sooner"):
            manifest = recorder.stop(reason)
    except OSError as e:
        raise TraceError(
            f"{out}: {e.strerror} (stopped: {reason}): events after the last flush are missing, "
            f"what was flushed can be read; with more space: gtrace-rec recover {out}"
        ) from None
    for line in _last_words(manifest, out):
        talk.line(line)


def _last_words(manifest: Manifest, out: Path) -> list[str]:
    totals = manifest.totals
    elapsed = (manifest.stopped_ts or 0) - manifest.started_ts
    size = sum(f.stat().st_size for f in out.rglob("*") if f.is_file())
    lines = [
        f"{totals.events:,} events in {format_duration(elapsed)}, {totals.lost_ring:,} lost, "
        f"{format_bytes(size)} in {out} (stopped: {manifest.stop_reason})"
    ]
    if totals.lost_ring:
        lines.append(
            "the ring was full at times: give a larger --ring-size, or a cheaper --plan; "
            "what spans a gap is marked uncertain"
        )
    lines += [f"{n:,} events left out: {cause}" for cause, n in totals.dropped.items() if n]
    if totals.dropped_stacks:
        lines.append(f"{totals.dropped_stacks:,} stacks left out: recorder limits")
    if totals.lost_stack:
        lines.append(f"{totals.lost_stack:,} stacks could not be taken; their events have none")
    lines += manifest.notes
    lines += [m for exe in manifest.exes for m in exe.missing]
    lines.append(f"next: gtrace-analyze summary {shlex.quote(str(out))}")
    return lines


class _Talk:
    """What is said on stderr."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._progress = not quiet and sys.stderr.isatty()
        self._shown = 0.0

    def line(self, text: str) -> None:
        if not self._quiet:
            print(f"gtrace-rec: {text}", file=sys.stderr, flush=True)

    def progress(self, s: Status) -> None:
        now = time.monotonic()
        if not self._progress or now - self._shown < _PROGRESS_S:
            return
        self._shown = now
        live = "?" if s.live is None else f"{s.live:,}"
        text = (
            f"{format_duration(s.elapsed_ns)}  {s.events_per_s:,.0f} events/s  {s.events:,} in all"
            f"  {s.lost:,} lost  {live} goroutines  {format_bytes(s.bytes)}"
        )
        self._show(text)

    @contextlib.contextmanager
    def meanwhile(self, text: str) -> Iterator[None]:
        """Show what is done now, on a terminal, until it is done."""
        self._show(text)
        try:
            yield
        finally:
            self._show("")

    def _show(self, text: str) -> None:
        if self._progress:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
