"""What Prometheus is told of a recording, and the server that tells it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from wsgiref.simple_server import WSGIServer

import numpy as np
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from gtrace_rec import __version__
from gtrace_rec._errors import UsageError
from gtrace_rec.goruntime.pclntab import Frame
from gtrace_rec.goruntime.snapshot import Snapshot
from gtrace_rec.metrics.lives import Histogram, Lives
from gtrace_rec.metrics.suspects import Suspects
from gtrace_rec.quantities import Address
from gtrace_rec.readings import Readings
from gtrace_rec.ring import Block
from gtrace_rec.schema import EVENT_KINDS
from gtrace_rec.settings import Settings

_MOST_SUSPECTS = 50  # series; those of which most live

Symbolize = Callable[[int, int], Frame | None]  # pid, running address of a go statement


class _Process:
    def __init__(self, lifetimes: Histogram, latencies: Histogram, window_ns: int) -> None:
        self.lives = Lives(lifetimes, latencies)
        self.suspects = Suspects(window_ns)


class Metrics(Collector):
    """The metrics of one recording: fed with blocks and readings, served over HTTP."""

    def __init__(self, settings: Settings, symbolize: Symbolize) -> None:
        self._plan = settings.plan
        self._window_ns = settings.leak_window
        self._symbolize = symbolize
        self._lifetimes = Histogram(settings.lifetime_buckets)
        self._latencies = Histogram(settings.latency_buckets)
        self._processes: dict[int, _Process] = {}
        self._published: list[Metric] = []  # replaced whole, read by the server's threads
        self._server: tuple[WSGIServer, threading.Thread] | None = None

    def serve(self, address: tuple[str, int]) -> None:
        """Begin to answer scrapes at (host, port).

        Raises UsageError if it cannot be listened at.
        """
        host, port = address
        registry = CollectorRegistry()
        registry.register(self)
        try:
            self._server = start_http_server(port, host, registry)
        except OSError as e:
            raise UsageError(
                f"--metrics {Address.text(address)}: cannot listen there: {e.strerror}; "
                "choose another address or port"
            ) from None

    def close(self) -> None:
        """Answer no more."""
        if self._server:
            server, thread = self._server
            server.shutdown()
            server.server_close()
            thread.join()

    # -- what happens ---------------------------------------------------------------------------

    def observe(self, block: Block, *, whole: bool) -> None:
        """Take note of events of one process or several; not `whole`: some among them were lost."""
        pids = block["pid"]
        if not len(block):
            return
        if (pids == pids[0]).all():
            self._of(int(pids[0])).lives.observe(block, whole=whole)
            return
        for pid in np.unique(pids).tolist():
            self._of(pid).lives.observe(block[pids == pid], whole=whole)

    def snapshot(self, snapshot: Snapshot, bias: int) -> None:
        """All goroutines that live in a process, whose binary is loaded with this bias."""
        gopc = snapshot.rows["gopc"]
        running = np.where(gopc != 0, gopc + bias, 0)
        self._of(snapshot.pid).lives.seed(snapshot.rows["goid"], running)

    def ended(self, pid: int) -> None:
        """This process is gone."""
        self._processes.pop(pid, None)

    def _of(self, pid: int) -> _Process:
        process = self._processes.get(pid)
        if process is None:
            process = _Process(self._lifetimes, self._latencies, self._window_ns)
            self._processes[pid] = process
        return process

    # -- what is told ---------------------------------------------------------------------------

    def publish(self, readings: Readings) -> None:
        """Make the state as of now what scrapes get to see."""
        for process in self._processes.values():
            process.suspects.sample(readings.ts, process.lives.live)
        self._published = [
            *self._of_recorder(readings),
            *self._of_events(readings),
            *self._of_goroutines(readings),
        ]

    def collect(self) -> Iterator[Metric]:
        """For prometheus_client: the metrics as of the last publish()."""
        return iter(self._published)

    def describe(self) -> Iterator[Metric]:
        """For prometheus_client: nothing is known before the first publish()."""
        return iter(())

    def _of_recorder(self, r: Readings) -> Iterator[Metric]:
        info = {"version": __version__, "plan": self._plan}
        yield InfoMetricFamily("gtrace_recorder", "The recorder.", info)
        yield CounterMetricFamily(
            "gtrace_recorder_cpu_seconds", "Processor time the recorder used.", r.cpu_ns / 1e9
        )
        yield GaugeMetricFamily(
            "gtrace_recorder_resident_memory_bytes", "Resident memory of the recorder.", r.rss_bytes
        )
        yield CounterMetricFamily(
            "gtrace_recorded_bytes", "Bytes written to disk.", r.bytes_written
        )
        yield GaugeMetricFamily(
            "gtrace_probes_attached", "Instructions probed now.", r.sites_attached
        )
        yield GaugeMetricFamily(
            "gtrace_ring_fill_ratio",
            "Fullest the ring between probes and recorder was found in the last second, 0 to 1.",
            r.ring_fill,
        )

    def _of_events(self, r: Readings) -> Iterator[Metric]:
        events = CounterMetricFamily("gtrace_events", "Events recorded.", labels=["kind"])
        for kind in EVENT_KINDS:
            events.add_metric([kind.name], r.totals.by_kind.get(kind.name, 0))
        yield events
        dropped = CounterMetricFamily(
            "gtrace_events_dropped", "Events that were not recorded.", labels=["cause"]
        )
        for cause, count in r.dropped.items():
            dropped.add_metric([cause.replace(" ", "_")], count)
        yield dropped
        yield CounterMetricFamily(
            "gtrace_stacks_dropped", "Stacks that could not be taken or kept.", r.totals.lost_stack
        )
        yield CounterMetricFamily(
            "gtrace_read_faults",
            "Fields of the target's memory that could not be read.",
            r.totals.read_faults,
        )

    def _of_goroutines(self, r: Readings) -> Iterator[Metric]:
        if r.live is not None:
            yield GaugeMetricFamily(
                "gtrace_live_goroutines", "Goroutines alive among those recorded.", r.live
            )
        yield _histogram(
            "gtrace_goroutine_lifetime_seconds",
            "From creation to exit, of goroutines that were seen to begin and to end.",
            self._lifetimes,
        )
        yield _histogram(
            "gtrace_scheduling_latency_seconds",
            "From runnable to running.",
            self._latencies,
        )
        yield CounterMetricFamily(
            "gtrace_goroutines_not_followed",
            "Goroutines that these metrics had no room for; the recording has them.",
            sum(p.lives.not_followed for p in self._processes.values()),
        )
        yield from self._of_suspects()

    def _of_suspects(self) -> Iterator[Metric]:
        labels = ["pid", "created_by", "created_at"]
        count = GaugeMetricFamily(
            "gtrace_leak_suspects",
            "Go statements whose living goroutines only became more, over the whole leak window.",
        )
        live = GaugeMetricFamily(
            "gtrace_leak_suspect_goroutines", "Goroutines of a suspect alive.", labels=labels
        )
        growth = GaugeMetricFamily(
            "gtrace_leak_suspect_growth",
            "Goroutines that a suspect's low-water mark rises by in a second.",
            labels=labels,
        )
        found = [
            (s, pid, process.lives.site_pcs[s.site])
            for pid, process in self._processes.items()
            for s in process.suspects.found(process.lives.live)
        ]
        found.sort(key=lambda entry: -entry[0].live)
        for suspect, pid, pc in found[:_MOST_SUSPECTS]:
            frame = self._symbolize(pid, pc) if pc else None
            place = (str(pid), *_names(frame, pc))
            live.add_metric(place, suspect.live)
            growth.add_metric(place, suspect.growth_per_s)
        count.add_metric([], len(found))
        yield from (count, live, growth)


def _names(frame: Frame | None, pc: int | None) -> tuple[str, str]:
    if frame is None or frame.function is None:
        return "", f"{pc or 0:#x}"
    return frame.function, f"{frame.file}:{frame.line}"


def _histogram(name: str, documentation: str, histogram: Histogram) -> Metric:
    cumulative = histogram.counts.cumsum().tolist()
    ends = [*(str(b / 1e9) for b in histogram.bounds.tolist()), "+Inf"]
    buckets = list(zip(ends, cumulative, strict=True))
    return HistogramMetricFamily(name, documentation, buckets, histogram.sum_ns / 1e9)
