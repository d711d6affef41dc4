"""Timelines: Perfetto's format, read by its own protos, and Chrome's JSON."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as pb

from export.scene import LIVES, US, scene, written
from gtrace_analyze._errors import UsageError
from gtrace_analyze.engine import Engine
from gtrace_analyze.export import chrome, perfetto
from gtrace_analyze.selection import Selection
from live.recording import Recording as Recorded
from live.recording import analyze
from synth import Recording, alive

Analyzed = Callable[..., Engine]
_EVENT = pb.TrackEvent


class Trace:
    """A trace as Perfetto's protos read it, its interned names put back."""

    def __init__(self, data: bytes) -> None:
        self.proto = pb.Trace.FromString(data)
        interned = next(p.interned_data for p in self.proto.packet if p.HasField("interned_data"))
        self._names = {n.iid: n.name for n in interned.event_names}
        self._categories = {n.iid: n.name for n in interned.event_categories}
        self._keys = {n.iid: n.name for n in interned.debug_annotation_names}
        self._strings = {n.iid: n.str.decode() for n in interned.debug_annotation_string_values}
        functions = {f.iid: f.str.decode() for f in interned.function_names}
        frames = {f.iid: functions[f.function_name_id] for f in interned.frames}
        self.callstacks = {c.iid: [frames[i] for i in c.frame_ids] for c in interned.callstacks}
        self.tracks = {
            p.track_descriptor.uuid: p.track_descriptor
            for p in self.proto.packet
            if p.HasField("track_descriptor")
        }
        self.events = [p for p in self.proto.packet if p.HasField("track_event")]

    def label(self, uuid: int) -> str:
        track = self.tracks[uuid]
        return f"thread {track.thread.tid}" if track.HasField("thread") else track.name

    def slices(self) -> dict[str, list[tuple[Any, ...]]]:
        """Slices by track, put together as trace_processor does: by time, then place in file."""
        found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        open_: dict[int, list[Any]] = defaultdict(list)
        for packet in sorted(self.events, key=lambda p: p.timestamp):
            event = packet.track_event
            if event.type == _EVENT.TYPE_SLICE_BEGIN:
                assert not open_[event.track_uuid], "slices of one track must not nest"
                open_[event.track_uuid].append(packet)
            elif event.type == _EVENT.TYPE_SLICE_END:
                begin = open_[event.track_uuid].pop()
                name = self._names[begin.track_event.name_iid]
                dur = packet.timestamp - begin.timestamp
                found[self.label(event.track_uuid)].append((name, begin.timestamp, dur))
        for uuid, packets in open_.items():
            for begin in packets:
                name = self._names[begin.track_event.name_iid]
                found[self.label(uuid)].append((name, begin.timestamp, None))
        return found

    def annotations(self, event: Any) -> dict[str, Any]:
        return {
            self._keys[a.name_iid]: self._strings[a.string_value_iid]
            if a.string_value_iid
            else getattr(a, a.WhichOneof("value"))
            for a in event.debug_annotations
        }

    def flows(self) -> list[tuple[str, str, str, int]]:
        """Cause, from which track, to which, and when."""
        starts = {i: e for e in self.events for i in e.track_event.flow_ids}
        return [
            (
                self._names[starts[i].track_event.name_iid],
                self.label(starts[i].track_event.track_uuid),
                self.label(e.track_event.track_uuid),
                e.timestamp,
            )
            for e in self.events
            for i in e.track_event.terminating_flow_ids
        ]

    def counters(self) -> dict[str, list[tuple[int, int]]]:
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for packet in self.events:
            if packet.track_event.type == _EVENT.TYPE_COUNTER:
                value = packet.track_event.counter_value
                found[self.label(packet.track_event.track_uuid)].append((packet.timestamp, value))
        return found


def scene_with_one() -> Recording:
    """The scene, with goroutine 1, who made and woke 7, in it."""
    return scene().snapshot(1, alive(1, "running", tid=10, start="runtime.main proc.go:1"))


G7 = [
    ("runnable", 100, 10), ("running", 110, 50), ("chan receive", 160, 100), ("runnable", 260, 20),
    ("running", 280, 30), ("sleep", 310, 100), ("runnable", 410, 5), ("running", 415, 20),
]  # fmt: skip


def test_states_are_slices(analyzed: Analyzed) -> None:
    trace = Trace(written(perfetto.write, analyzed(scene_with_one())))
    slices = trace.slices()
    seven = slices["G7 main.main.gowrap1"]
    assert seven == [(name, ts * US, dur * US) for name, ts, dur in G7]
    assert slices["G8 main.work.gowrap1"][-1] == ("sync.Mutex.Lock", 325 * US, None)  # not over
    assert slices["thread 12"] == [
        ("main.main.gowrap1", 280 * US, 30 * US), ("main.main.gowrap1", 415 * US, 20 * US),
    ]  # fmt: skip


def test_stacks_and_annotations(analyzed: Analyzed) -> None:
    trace = Trace(written(perfetto.write, analyzed(scene_with_one().gap(312 * US, 313 * US))))
    begins = [e for e in trace.events if e.track_event.type == _EVENT.TYPE_SLICE_BEGIN]
    receive = next(e.track_event for e in begins if e.timestamp == 160 * US)
    assert trace.callstacks[receive.callstack_iid] == [
        "runtime.goexit", "main.main.gowrap1", "main.work", "main.next", "runtime.chanrecv1",
        "runtime.gopark",
    ]  # fmt: skip
    assert trace.annotations(receive) == {"at": "main.next main.go:31", "woken by": 1}
    nap = next(e.track_event for e in begins if e.timestamp == 310 * US)
    assert trace.annotations(nap) == {"at": "main.work main.go:44", "certain": False}


def test_wakes_and_go_statements_are_flows(analyzed: Analyzed) -> None:
    trace = Trace(written(perfetto.write, analyzed(scene_with_one())))
    assert sorted(trace.flows()) == [
        ("create", "G1 runtime.main", "G7 main.main.gowrap1", 100 * US),
        ("create", "G7 main.main.gowrap1", "G8 main.work.gowrap1", 290 * US),
        ("wake", "G1 runtime.main", "G7 main.main.gowrap1", 260 * US),
    ]


def test_counters(analyzed: Analyzed) -> None:
    b = Recording(duration=5_000 * 1000)  # looked at every µs
    b.go(1, ts=0).run(1500).park(3500, "select")
    b.go(2, ts=2000)
    counters = Trace(written(perfetto.write, analyzed(b))).counters()
    assert counters["runnable"] == [(0, 1)]  # one comes when the other goes
    assert counters["running"] == [(2000, 1), (4000, 0)]
    assert counters["waiting"] == [(4000, 1)]


def test_clocks_and_tracks(analyzed: Analyzed) -> None:
    trace = Trace(written(perfetto.write, analyzed(scene_with_one())))
    snapshots = [p.clock_snapshot for p in trace.proto.packet if p.HasField("clock_snapshot")]
    assert [{c.clock_id: c.timestamp for c in s.clocks} for s in snapshots] == [
        {3: 0, 1: 1_700_000_000 * 10**9},
        {3: 3600 * 10**9, 1: 1_700_003_600 * 10**9},
    ]
    process = next(t for t in trace.tracks.values() if t.HasField("process"))
    assert (process.process.pid, list(process.process.cmdline)) == (4242, ["/srv/app"])
    group = next(t for t in trace.tracks.values() if t.name == "goroutines")
    assert group.parent_uuid == process.uuid
    seven = next(t for t in trace.tracks.values() if t.name.startswith("G7 "))
    assert seven.parent_uuid == group.uuid


def test_two_processes_have_tracks_of_their_own(analyzed: Analyzed) -> None:
    b = Recording()
    b.go(7, ts=10, start="main.a a.go:1").run(20, tid=1)
    b.go(7, ts=30, start="main.b b.go:1", pid=99).run(40, tid=2)
    slices = Trace(written(perfetto.write, analyzed(b))).slices()
    assert slices["G7 main.a"][0] == ("runnable", 10, 10)
    assert slices["G7 main.b"][0] == ("runnable", 30, 10)


def test_a_selection_cuts_slices(analyzed: Analyzed) -> None:
    part = Selection(start=str(200 * US), end=str(270 * US), goids=frozenset({7}))
    engine = analyzed(scene_with_one())
    slices = Trace(written(perfetto.write, engine, part)).slices()
    assert slices == {
        "G7 main.main.gowrap1": [
            ("chan receive", 200 * US, 60 * US),
            ("runnable", 260 * US, 10 * US),
        ]
    }
    with pytest.raises(UsageError, match="no goroutine matches"):
        written(perfetto.write, engine, Selection(goids=frozenset({999})))


def load(data: bytes) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = json.loads(data)["traceEvents"]
    return events


def test_chrome_events(analyzed: Analyzed) -> None:
    events = load(written(chrome.write, analyzed(scene_with_one())))
    slices = [e for e in events if e["ph"] == "X" and e["pid"] == 4242 and e["tid"] == 7]
    assert sorted((e["name"], e["ts"], e["dur"]) for e in slices) == sorted(G7)
    receive = next(e for e in slices if e["name"] == "chan receive")
    assert receive["args"] == {
        "at": "main.next main.go:31",
        "ended by": "goroutine",
        "woken by": 1,
        "thread": 11,
    }
    threads = [e for e in events if e["ph"] == "X" and e["pid"] == 4242 + chrome.THREADS]
    assert {(e["tid"], e["ts"], e["args"]["goid"]) for e in threads} >= {(11, 110, 7), (12, 280, 7)}
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert names[4242, 7] == "G7 main.main.gowrap1"
    flows = [(e["ph"], e["tid"], e["ts"], e["name"]) for e in events if e["ph"] in "sf"]
    assert ("s", 1, 260, "wake") in flows
    assert ("f", 7, 260, "wake") in flows
    assert ("s", 7, 290, "create") in flows
    assert ("f", 8, 290, "create") in flows
    ids = Counter(e["id"] for e in events if e["ph"] in "sf")
    assert set(ids.values()) == {2}


def test_chrome_escapes_names(analyzed: Analyzed) -> None:
    b = Recording()
    b.go(1, ts=0, start='main."quoted"\\\n<é> m.go:1').run(5)
    names = [
        e["args"]["name"]
        for e in load(written(chrome.write, analyzed(b)))
        if e["ph"] == "M" and e["pid"]
    ]
    assert 'G1 main."quoted"\\\n<é>' in names


@pytest.mark.live
@pytest.mark.go
def test_of_a_real_program(lives: Path, tmp_path: Path) -> None:
    for name, file in (("perfetto", "l.pftrace"), ("chrome", "l.json")):
        done = analyze("export", name, lives, "-o", tmp_path / file)
        assert done.returncode == 0, done.stderr
    recorded = Recorded(lives)
    trace = Trace((tmp_path / "l.pftrace").read_bytes())
    slices = trace.slices()
    reasons = {
        "chan receive",
        "chan send",
        "sync.Mutex.Lock",
        "select",
        "sync.WaitGroup.Wait",
        "sleep",
    }
    waits = Counter(
        track.split(" ")[1]
        for track, found in slices.items()
        for slice_ in found
        if slice_[0] in reasons
    )
    for name, number in LIVES.items():
        if name != "passers":
            assert waits[f"main.{name.removesuffix('s')}"] == number
    runs = sum(len(found) for track, found in slices.items() if track.startswith("thread "))
    assert runs == recorded.one("select count(*) from events where kind = 'run'")
    events = load((tmp_path / "l.json").read_bytes())
    wakes = sum(e["ph"] == "s" and e["name"] == "wake" for e in events)
    assert wakes == sum(flow[0] == "wake" for flow in trace.flows()) > 200
