"""OpenMetrics, read by prometheus_client's parser, by promtool and by a Prometheus."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from export.scene import US, scene, written
from export.servers import prometheus
from gtrace_analyze.engine import Engine
from gtrace_analyze.export import openmetrics
from gtrace_analyze.selection import Selection
from gtrace_rec.schema import ClockAnchor
from gtrace_rec.settings import settings
from live.recording import Recording as Recorded
from live.recording import analyze
from synth import Recording, alive

Analyzed = Callable[..., Engine]
Samples = dict[tuple[str, float, tuple[tuple[str, str], ...]], float]
START = 1_700_000_000
S = 10**9

needs_prometheus = pytest.mark.skipif(
    not shutil.which("promtool") or not shutil.which("prometheus"),
    reason="apt-get install prometheus",
)


def _families(text: bytes) -> Iterator[Metric]:
    """What prometheus_client reads, moment by moment.

    Of a histogram with several moments it drops all but the first (0.26.0).
    """
    *lines, end = text.decode().splitlines(keepends=True)
    assert end == "# EOF\n"
    stamps = sorted({line.split()[-1] for line in lines if not line.startswith("#")})
    for stamp in stamps:
        chosen = [line for line in lines if line.startswith("#") or line.split()[-1] == stamp]
        yield from text_string_to_metric_families("".join([*chosen, end]))


def _samples(text: bytes) -> Samples:
    """By name, seconds since the start, and labels other than job and instance."""
    found: Samples = {}
    for family in _families(text):
        for s in family.samples:
            labels = dict(s.labels)
            assert labels.pop("job") == "gtrace"
            assert labels.pop("instance") == "synth"
            key = (s.name, round(float(s.timestamp) - START, 3), tuple(sorted(labels.items())))
            assert key not in found
            found[key] = s.value
    return found


def _work() -> Recording:
    """Goroutine 7 of scene() with waits of a second, and one lock older than the recording."""
    b = Recording(duration=4 * S)
    ms = S // 1000
    seven = b.go(7, parent=1, ts=1500 * ms)
    seven.run(1500 * ms + 30_000).park(1600 * ms, "chan receive")
    seven.ready(2600 * ms).run(2600 * ms + 20_000).park(3100 * ms, "select").ready(3500 * ms)
    seven.run(3500 * ms + 5_000).exit(3600 * ms)
    b.snapshot(1, alive(1, reason="select"), alive(2, reason='a "b"\\'))
    b.go(1).ready(500 * ms)
    b.gap(1 * S, 1500 * ms, lost=17).gap(2 * S, 3 * S, "event rate", lost=5)
    return b.gap(3700 * ms, 3900 * ms, "probes off").second(S, lost_stack=3)


def test_values_over_time(analyzed: Analyzed) -> None:
    found = _samples(written(openmetrics.write, analyzed(_work())))
    name = "gtrace_goroutine_lifetime_seconds"
    assert [found[f"{name}_count", t, ()] for t in range(5)] == [0, 0, 0, 0, 1]
    assert found[f"{name}_sum", 4, ()] == 2.1
    buckets = {
        le: found[f"{name}_bucket", 4, (("le", le),)] for le in ("1.0", "10.0", "3600.0", "+Inf")
    }
    assert buckets == {"1.0": 0, "10.0": 1, "3600.0": 1, "+Inf": 1}
    name = "gtrace_scheduling_latency_seconds"  # 30 µs, 20 µs uncertain, 5 µs
    assert [found[f"{name}_count", t, ()] for t in range(5)] == [0, 0, 1, 1, 2]
    assert found[f"{name}_bucket", 4, (("le", "5e-06"),)] == 1  # up to and with
    assert found[f"{name}_bucket", 4, (("le", "2.5e-05"),)] == 1
    assert found[f"{name}_sum", 4, ()] == pytest.approx(35e-6)
    # The first snapshot is 1 ns after the start: at the start itself, nothing is known.
    assert ("gtrace_live_goroutines", 0, ()) not in found
    assert [found["gtrace_live_goroutines", t, ()] for t in range(1, 5)] == [2, 3, 3, 2]
    waiting = (("state", "waiting"),)
    assert [found["gtrace_state_goroutines", t, waiting] for t in range(1, 5)] == [1, 2, 1, 1]
    ring = (("cause", "ring_full"),)
    assert [found["gtrace_events_dropped_total", t, ring] for t in range(5)] == [0, 0, 17, 17, 17]
    assert [found["gtrace_unseen_seconds_total", t, ring] for t in (1, 2)] == [0, 0.5]
    assert found["gtrace_unseen_seconds_total", 4, (("cause", "probes_off"),)] == 0.2
    assert ("gtrace_events_dropped_total", 4, (("cause", "probes_off"),)) not in found
    assert [found["gtrace_stacks_dropped_total", t, ()] for t in (0, 1, 4)] == [0, 3, 3]


def test_parks_seen_whole_and_others(analyzed: Analyzed) -> None:
    found = _samples(written(openmetrics.write, analyzed(_work())))
    counts = {
        dict(labels)["reason"]: value
        for (name, t, labels), value in found.items()
        if name == "gtrace_park_seconds_count" and t == 4
    }
    # That of goroutine 7 in chan receive spans a gap; that of 1 began before the recording.
    assert counts == {"select": 1}
    assert found["gtrace_park_seconds_sum", 4, (("reason", "select"),)] == pytest.approx(0.4)
    cut = [found["gtrace_parks_cut_total", 4, (("reason", r),)] for r in ("chan receive", "select")]
    assert cut == [1, 1]


def test_selections_and_steps(analyzed: Analyzed) -> None:
    engine = analyzed(_work())
    part = Selection(start="3150ms", goids=frozenset({7}))
    found = _samples(written(openmetrics.write, engine, part, 500 * 10**6))
    assert {t for _, t, _ in found} == {3.15, 3.65, 4}
    assert found["gtrace_live_goroutines", 3.15, ()] == 1
    assert found["gtrace_live_goroutines", 4, ()] == 0
    assert found["gtrace_goroutine_lifetime_seconds_count", 4, ()] == 1
    labelled = written(openmetrics.write, engine, labels={"job": 'x"\\\n', "zone": "b"})
    family = next(_families(labelled))
    assert family.samples[0].labels["job"] == 'x"\\\n'
    assert family.samples[0].labels["zone"] == "b"


def test_what_the_plan_cannot_tell_is_not_there(analyzed: Analyzed) -> None:
    engine = analyzed(Recording(plan="lifecycle").snapshot(1, alive(1)))
    text = written(openmetrics.write, engine).decode()
    names = re.findall("^# TYPE (.*) ", text, re.MULTILINE)
    assert names == [
        "gtrace_goroutine_lifetime_seconds", "gtrace_live_goroutines", "gtrace_state_goroutines",
        "gtrace_events_dropped", "gtrace_stacks_dropped", "gtrace_read_faults",
    ]  # fmt: skip


def test_time_never_runs_backwards(analyzed: Analyzed) -> None:
    clock = [ClockAnchor(0, START * S, 1), ClockAnchor(S, START * S - 2 * S, 1)]
    found = _samples(written(openmetrics.write, analyzed(_work(), clock=clock)))
    assert {t for _, t, _ in found} == {0, 1}  # what comes after 4 s, which had been 1 s before


def test_buckets_are_those_of_the_recorder() -> None:
    bounds = {h.measure: h.bounds for h in openmetrics._HISTOGRAMS}
    defaults = settings()
    assert bounds["lifetime"] == defaults.lifetime_buckets
    assert bounds["latency"] == defaults.latency_buckets


@needs_prometheus
def test_prometheus_answers_from_a_recording(tmp_path: Path) -> None:
    trace = _work().write(tmp_path / "trace.parquet")
    _imported(tmp_path, trace)
    with prometheus(tmp_path / "data") as query:

        def answer(expression: str) -> dict[str, float]:
            found = query(expression, START + 4)
            return {s["metric"].get("reason", ""): float(s["value"][1]) for s in found}

        assert answer("gtrace_park_seconds_sum") == {"select": pytest.approx(0.4)}
        assert answer("increase(gtrace_goroutine_lifetime_seconds_count[10s])")[""] > 0
        assert answer("histogram_quantile(0.5, gtrace_scheduling_latency_seconds_bucket)") == {
            "": pytest.approx(5e-6)
        }
        assert answer("max_over_time(gtrace_live_goroutines[10s])") == {"": 3}


@needs_prometheus
@pytest.mark.live
@pytest.mark.go
def test_a_real_recording_in_prometheus(lives: Path, tmp_path: Path) -> None:
    _imported(tmp_path, lives)
    recording = Recorded(lives)
    ended = recording.one("select count(*) from events where kind = 'exit'")
    end = max(c["wall_ns"] for c in recording.manifest["clock"]) / S
    with prometheus(tmp_path / "data") as query:
        ((count,),) = [
            [float(s["value"][1])]
            for s in query("gtrace_goroutine_lifetime_seconds_count", end + 5)
        ]
        assert count == ended > 270
        reasons = {s["metric"]["reason"] for s in query("gtrace_park_seconds_count > 0", end + 5)}
        assert {"chan receive", "sync.Mutex.Lock", "sleep"} <= reasons


def _imported(tmp_path: Path, trace: Path) -> None:
    file = tmp_path / "trace.om"
    done = analyze("export", "openmetrics", trace, "-o", file)
    assert done.returncode == 0, done.stderr
    assert f"next: promtool tsdb create-blocks-from openmetrics {file} DIRECTORY" in done.stderr
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", file, tmp_path / "data"]
    blocks = subprocess.run(command, capture_output=True, text=True)
    assert blocks.returncode == 0, blocks.stdout + blocks.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--step", "10us"], "points cannot be closer than 1ms, the resolution of Prometheus"),
        (["--step", "soon"], "--step soon: is no duration; write 500ms, 15s or 30d"),
        (["--label", "a-b=1"], "--label a-b=1: is not NAME=VALUE"),
        (["--label", "a"], "--label a: is not NAME=VALUE"),
        (["--goid", "999"], "no goroutine matches the selection"),
    ],
)
def test_bad_input(tmp_path: Path, options: list[str], said: str) -> None:
    trace = scene().write(tmp_path / "trace.parquet")
    done = analyze("export", "openmetrics", trace, *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_too_many_points(analyzed: Analyzed) -> None:
    engine = analyzed(Recording(duration=10_000 * S).snapshot(US, alive(1)))
    with pytest.raises(Exception, match="too many; give a larger --step"):
        written(openmetrics.write, engine, step_ns=10**6)
