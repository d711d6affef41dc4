"""Profiles, as `go tool pprof` reads them."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from export.gopprof import pprof, served, top
from export.scene import LIVES, US, scene, written
from gtrace_analyze._errors import UsageError
from gtrace_analyze.engine import Engine
from gtrace_analyze.export import pprof as format_
from gtrace_analyze.selection import Selection
from live.recording import analyze
from synth import Recording, alive

Analyzed = Callable[..., Engine]
pytestmark = pytest.mark.go


@pytest.fixture
def profiled(analyzed: Analyzed, tmp_path: Path) -> Callable[..., Path]:
    """``profiled(recording, **options)``: its profile in a file."""

    def make(recording: Recording, **options: object) -> Path:
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.pb.gz"
        file.write_bytes(written(format_.write, analyzed(recording), **options))
        return file

    return make


def test_times_are_where_a_goroutine_waits(profiled: Callable[..., Path]) -> None:
    """The runtime's own frames at the leaves are left out by pprof, inlined ones are not."""
    park = top(profiled(scene()), "-sample_index=park")
    assert park["main.next"] == (100, 100)
    assert park["main.work"] == (0, 200)
    assert park["time.Sleep"] == (100, 100)
    assert park["sync.(*Mutex).Lock"][0] == 9675  # to the end
    assert "runtime.chanrecv1" not in park
    assert "runtime.goexit" not in park


def test_latency_is_where_a_goroutine_waited_before(profiled: Callable[..., Path]) -> None:
    latency = top(profiled(scene()), "-sample_index=latency")
    assert latency["main.next"][0] == 20
    assert latency["time.Sleep"][0] == 5
    assert latency["main.main.gowrap1"] == (10, 35)  # new, and at the root of the others


def test_cpu_is_at_frames_seen_before_and_after(profiled: Callable[..., Path]) -> None:
    """Between two waits in main.work it ran there; before and after them, nobody knows where."""
    cpu = top(profiled(scene()), "-sample_index=cpu")
    assert cpu["main.work"] == (30, 30)
    assert cpu["main.main.gowrap1"] == (70, 100)
    assert "time.Sleep" not in cpu
    assert "main.next" not in cpu


def test_counts_and_who_made_them(profiled: Callable[..., Path]) -> None:
    file = profiled(scene())
    assert top(file, "-sample_index=parks")["main.work"][1] == 2
    assert top(file, "-sample_index=created")["main.work"] == (1, 1)
    alive_ = top(file, "-sample_index=goroutine", "-tagfocus=state=waiting")
    assert alive_ == {
        "main.pay": (0, 1), "sync.(*Mutex).Lock": (1, 1), "main.work.gowrap1": (0, 1),
    }  # fmt: skip


def test_labels_select(profiled: Callable[..., Path]) -> None:
    file = profiled(scene(), by_goid=True)
    assert top(file, "-sample_index=parks", "-tagfocus=reason=sleep").keys() == {
        "time.Sleep", "main.work", "main.main.gowrap1",
    }  # fmt: skip
    assert "main.pay" in top(file, "-sample_index=parks", "-tagfocus=goid=8")
    assert "main.pay" in top(file, "-sample_index=parks", "-tagfocus=created_by=main.work")
    assert "main.pay" not in top(file, "-sample_index=parks", "-tagfocus=goid=7")


def test_the_programs_own_labels_unless_they_are_identities(profiled: Callable[..., Path]) -> None:
    b = scene()
    many = [
        alive(
            100 + i,
            reason="select",
            stack=["main.x m.go:1"],
            labels=[("kind", "x"), ("id", f"{i}")],
        )
        for i in range(150)
    ]
    tags = pprof("-tags", "-sample_index=goroutine", profiled(b.snapshot(1, *many)))
    assert "kind: Total 150" in " ".join(tags.split())
    assert "id: Total" not in tags


def test_what_the_file_says_of_itself(profiled: Callable[..., Path]) -> None:
    raw = pprof("-raw", profiled(scene().gap(300 * US, 305 * US, lost=2)))
    assert "parks/count park/nanoseconds[dflt] latency/nanoseconds" in raw
    assert "Time: 2023-11-14 22:13:20" in raw  # the recording's start on the wall clock
    assert "Duration: 10ms" in raw
    assert "main.next main.go:31" in raw
    assert "/srv/app" in raw
    assert "note: " in raw
    assert "certain:[no]" in raw


def test_what_a_plan_does_not_watch_is_missing_not_zero(profiled: Callable[..., Path]) -> None:
    raw = pprof("-raw", profiled(scene("park")))
    assert "park/nanoseconds" in raw
    assert "latency" not in raw.split("Locations")[0].split("Samples:")[1].splitlines()[1]
    assert "not known with plan park: " in raw


def test_a_selection(profiled: Callable[..., Path]) -> None:
    part = Selection(start=str(200 * US), end=str(265 * US))
    park = top(profiled(scene(), selection=part), "-sample_index=park")
    assert park["main.next"][0] == 60
    paying = profiled(scene(), selection=Selection(function="pay"))
    assert top(paying, "-sample_index=parks").keys() == {
        "main.pay", "sync.(*Mutex).Lock", "main.work.gowrap1",
    }  # fmt: skip


def test_an_empty_selection_is_an_error(analyzed: Analyzed) -> None:
    with pytest.raises(UsageError, match="no goroutine matches"):
        written(format_.write, analyzed(scene()), Selection(goids=frozenset({999})))


@pytest.mark.live
def test_a_real_program(lives: Path, tmp_path: Path) -> None:
    file = tmp_path / "lives.pb.gz"
    done = analyze("export", "pprof", lives, "-o", file)
    assert done.returncode == 0, done.stderr
    assert f"go tool pprof -http=: {file}" in done.stderr
    parks = top(file, "-sample_index=parks")
    names = ("receiver", "sender", "locker", "selector", "waiter", "sleeper", "stuck")
    assert {name: parks[f"main.{name}"][1] for name in names} == {
        name: LIVES[f"{name}s" if name != "stuck" else name] for name in names
    }
    created = top(file, "-sample_index=created")
    assert created["main.spawn"][0] == sum(LIVES.values())
    alive_ = top(file, "-sample_index=goroutine")
    assert alive_["main.stuck"][1] == LIVES["stuck"]
    assert "main.receiver" not in alive_

    listing = pprof("-list", r"main\.sleeper$", "-sample_index=parks", file)
    assert re.search(r" 11 +46:func sleeper|11 .*time\.Sleep\(nap\)", listing)
    disassembly = pprof("-disasm", r"main\.receiver", "-sample_index=parks", file)
    assert "97" in next(
        line for line in disassembly.splitlines() if "CALL runtime.chanrecv1" in line
    )


@pytest.mark.live
def test_two_recordings_compare(lives: Path, tmp_path: Path) -> None:
    whole, part = tmp_path / "whole.pb.gz", tmp_path / "part.pb.gz"
    assert analyze("export", "pprof", lives, "-o", whole).returncode == 0
    assert analyze("export", "pprof", lives, "--func", "main.sender", "-o", part).returncode == 0
    assert top(whole, "-sample_index=parks", "-base", whole) == {}
    more = top(whole, "-sample_index=parks", "-base", part)
    assert "main.sender" not in more
    assert more["main.receiver"][1] == LIVES["receivers"]


@pytest.mark.live
def test_the_web_pages(lives: Path, tmp_path: Path) -> None:
    file = tmp_path / "lives.pb.gz"
    assert analyze("export", "pprof", lives, "-o", file).returncode == 0
    with served(file) as address:
        for page in ("top?si=parks", "flamegraph?si=park", "source?si=parks&f=main.receiver"):
            with urllib.request.urlopen(f"{address}/ui/{page}", timeout=60) as answer:
                assert "main.receiver" in answer.read().decode(), page
