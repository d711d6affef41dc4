"""What changed between two recordings, and what is noise."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from gtrace_analyze.analyses import diff
from gtrace_analyze.analyses.diff import Difference
from gtrace_analyze.commands import cli
from gtrace_analyze.engine import Engine
from gtrace_analyze.render.diff import show_diff
from gtrace_analyze.render.listing import Layout
from gtrace_analyze.selection import Selection
from synth import Recording, alive

SECOND = 10**9


def service(
    seed: int, wait: float = 1e6, latency: float = 1e4, rate: int = 10, leak: int = 0, **_: object
) -> Recording:
    """20 seconds of `rate` requests a second, each of which waits once; `leak` a second stay."""
    random = np.random.default_rng(seed)
    b = Recording(duration=20 * SECOND)
    goid = 100
    for ts in np.sort(random.integers(0, 19 * SECOND, 20 * rate)).tolist():
        goid += 1
        waits = (random.lognormal(0, 0.5, 1) * wait).astype(int).tolist()[0]
        delays = (random.lognormal(0, 0.5, 2) * latency).astype(int).tolist()
        go = b.go(goid, ts=ts, at="main.serve s.go:5", start="main.handle s.go:9")
        go.run(ts + delays[0]).park(ts + delays[0] + 100, "chan receive", ["main.ask s.go:20"])
        woken = ts + delays[0] + 100 + waits
        go.ready(woken).run(woken + delays[1]).exit(woken + delays[1] + 50)
    for ts in range(0, 20 * SECOND, SECOND // leak if leak else 21 * SECOND):
        goid += 1
        if leak:
            go = b.go(goid, ts=ts, at="main.serve s.go:7", start="main.follow s.go:30")
            go.run(ts + 100).park(ts + 200, "select", ["main.follow s.go:31"])
    return b


def changed(found: list[Difference]) -> set[tuple[str, str | None]]:
    return {(d.metric, d.function) for d in found if d.verdict == "changed"}


def test_two_runs_of_the_same_differ_by_noise(analyzed: Callable[..., Engine]) -> None:
    found = diff.collect(analyzed(service(1)), analyzed(service(2)))
    assert changed(found) == set()
    assert {d.verdict for d in found} == {"noise"}
    assert len(found) == 7


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"wait": 3e6}, {("park p50", "main.ask"), ("park p90", "main.ask")}),
        ({"latency": 3e4}, {("latency p50", "main.handle"), ("latency p90", "main.handle")}),
        ({"rate": 20}, {("created/s", "main.handle")}),
    ],
)
def test_what_changes_is_found_and_nothing_else(
    change: dict[str, float], expected: set[tuple[str, str]], analyzed: Callable[..., Engine]
) -> None:
    found = diff.collect(analyzed(service(1)), analyzed(service(2, **change)))  # type: ignore[arg-type]
    assert changed(found) == expected


def test_sizes(analyzed: Callable[..., Engine]) -> None:
    found = diff.collect(analyzed(service(1)), analyzed(service(2, rate=20)))
    (made,) = [d for d in found if d.metric == "created/s"]
    assert (made.a, made.b, made.change, made.n_a, made.n_b) == (10, 20, 1, 400, 800)


def test_growth_of_a_site_that_was_not_there(analyzed: Callable[..., Engine]) -> None:
    found = diff.collect(analyzed(service(1)), analyzed(service(2, leak=5)))
    (new,) = [d for d in found if d.metric == "growth/s" and d.function == "main.follow"]
    assert (new.verdict, new.a, new.b) == ("only in b", 0, 5)
    back = diff.collect(analyzed(service(2, leak=5)), analyzed(service(1)))
    verdicts = {d.metric: d.verdict for d in back if d.function == "main.follow"}
    assert verdicts.pop("alive") == "changed"
    assert set(verdicts.values()) == {"only in a"}


def standing(count: int) -> Recording:
    """So many that wait all the time, two of them made halfway, and one that ends there."""
    b = Recording(duration=20 * SECOND)
    waiting = {"reason": "select", "start": "main.work w.go:1", "at": "main.main m.go:1"}
    b.snapshot(5, *(alive(goid, **waiting) for goid in range(100, 100 + count - 2)))
    for goid in (1000, 1001):
        b.go(goid, ts=10 * SECOND, at="main.main m.go:1", start="main.work w.go:1")
    b.go(100).ready(10 * SECOND).run(10 * SECOND + 1).exit(10 * SECOND + 2)
    return b


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [(100, 100, "noise"), (100, 120, "noise"), (100, 200, "changed"), (200, 100, "changed")],
)
def test_how_many_are_alive(
    before: int, after: int, verdict: str, analyzed: Callable[..., Engine]
) -> None:
    found = diff.collect(analyzed(standing(before)), analyzed(standing(after)))
    (number,) = [d for d in found if d.metric == "alive"]
    # The two that were there no more or not yet for half of the time, and the one that was.
    assert (number.a, number.b) == (before - 2 + 0.5, after - 2 + 0.5)
    assert (number.function, number.verdict) == ("main.work", verdict)


def test_as_many_more_are_alive_later_in_the_same_recording(
    analyzed: Callable[..., Engine],
) -> None:
    """A leak that is a little faster is no other number of goroutines, while both go on."""
    found = diff.collect(analyzed(service(1, leak=50)), analyzed(service(2, leak=60)))
    verdicts = {d.metric: d.verdict for d in found if d.function == "main.follow"}
    assert verdicts["alive"] == "noise"
    assert verdicts["growth/s"] == "changed"
    assert diff.by_chance(*(20 * leak / 2 for leak in (50, 60))) < 0.01


def test_alive_in_one_recording_is_more_than_none(analyzed: Callable[..., Engine]) -> None:
    for count, verdict in ((5, "noise"), (50, "changed")):
        found = diff.collect(analyzed(service(1)), analyzed(standing(count)))
        (number,) = [d for d in found if d.metric == "alive" and d.function == "main.work"]
        assert (number.a, number.b, number.verdict) == (0, count - 1.5, verdict)


@pytest.mark.parametrize(("a", "b"), [(100, 130), (20, 10), (1000, 1010), (0, 30)])
def test_numbers_that_vary_by_chance(a: int, b: int) -> None:
    exact = stats.binomtest(a, a + b).pvalue
    assert diff.by_chance(a, b) == pytest.approx(exact, rel=0.1, abs=2e-4)
    assert diff.by_chance(a, a) == 1


def test_growth_that_speeds_up(analyzed: Callable[..., Engine]) -> None:
    found = diff.collect(analyzed(service(1, leak=2)), analyzed(service(2, leak=5)))
    assert {("growth/s", "main.follow"), ("created/s", "main.follow")} <= changed(found)


def test_little_data_tells_nothing(analyzed: Callable[..., Engine]) -> None:
    found = diff.collect(analyzed(service(1, rate=1)), analyzed(service(2, rate=1, wait=9e6)))
    assert {d.verdict for d in found if d.metric.startswith("park")} == {"too few"}


def test_selections(analyzed: Callable[..., Engine]) -> None:
    a, b = analyzed(service(1, leak=2)), analyzed(service(2, leak=2))
    everything = Selection(start=0, end=20 * SECOND)
    assert diff.collect(a, b, everything) == diff.collect(a, b)
    only = diff.collect(a, b, Selection(function="follow"))
    assert {d.function for d in only} == {"main.follow"}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kinds", [5, 10**6], ids=["ties", "no ties"])
def test_the_test_is_scipys(seed: int, kinds: int) -> None:
    random = np.random.default_rng(seed)
    a, b = random.integers(0, kinds, 20), random.integers(0, kinds, 12) + kinds // 9
    expected = stats.mannwhitneyu(a, b, method="asymptotic").pvalue
    more = stats.mannwhitneyu(a[:7], b[:5], method="asymptotic").pvalue
    nan = np.nan
    rows_a = np.array([[*a], [nan, *a[:7], *[nan] * 12], [1.0] * 20, [nan] * 20])
    rows_b = np.array([[*b, *[nan] * 8], [*b[:5], *[nan] * 15], [1.0] * 20, [1.0] * 20])
    found = diff.mann_whitney(rows_a, rows_b).tolist()
    assert found == pytest.approx([expected, more, 1, 1], rel=1e-9)


def test_the_correction_is_scipys() -> None:
    ps = [0.001, 0.3, 0.02, 0.02, 0.9]
    assert diff._benjamini_hochberg(ps) == pytest.approx(list(stats.false_discovery_control(ps)))
    assert diff._benjamini_hochberg([]) == []


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = str(service(1).write(tmp_path / "a"))
    b = str(service(2, wait=3e6).write(tmp_path / "b"))
    cli.main(["diff", a, b], standalone_mode=False)
    out = capsys.readouterr().out
    assert "2 figures changed, 5 differ by no more than noise, 0 have too little" in out
    assert "chan receive in main.ask" in out
    assert "created/s" not in out
    assert "--all shows those too" in " ".join(out.split())
    cli.main(["diff", a, b, "--all"], standalone_mode=False)
    out = capsys.readouterr().out
    assert "created/s" in out
    assert "--all" not in out
    cli.main(["diff", a, b, "--csv"], standalone_mode=False)
    assert capsys.readouterr().out.count("\n") == 3
    cli.main(["diff", a, b, "--csv", "--all"], standalone_mode=False)
    assert capsys.readouterr().out.count("\n") == 8


def test_creators_are_named_where_there_are_several(capsys: pytest.CaptureFixture[str]) -> None:
    one = Difference(
        "growth/s", None, "main.f", "main.a", 0, 9, None, 20, 20, 0.001, 0.001, "changed"
    )
    places = []
    for others in ([], [dataclasses.replace(one, created_by="main.b")]):
        show_diff([one, *others], False, Layout())
        lines = capsys.readouterr().out.splitlines()
        places += [line.split("0.001  ")[1] for line in lines if line.startswith("changed")]
    assert places == ["main.f", "main.f by main.a", "main.f by main.b"]


def test_what_only_one_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unless there is too little of it for a figure."""
    without, with_leak = (str(service(1, leak=leak).write(tmp_path / str(leak))) for leak in (0, 2))
    for paths, name, other in (
        ((without, with_leak), "only in B", "only in A"),
        ((with_leak, without), "only in A", "only in B"),
    ):
        cli.main(["diff", *paths], standalone_mode=False)
        shown = [line for line in capsys.readouterr().out.splitlines() if "main.follow" in line]
        assert [line.startswith(name) for line in shown] == [False, True, True]
        assert shown[0].split()[:2] == ["changed", "alive"]
        cli.main(["diff", *paths, "--all"], standalone_mode=False)
        out = capsys.readouterr().out
        assert other not in out
        assert sum(line.startswith(name) for line in out.splitlines()) == 4


@pytest.mark.parametrize(
    ("twentieths", "verdict"), [(1, "too few"), (4, "too few"), (5, "only in b")]
)
def test_what_only_one_has_now_and_then_may_be_chance(
    twentieths: int, verdict: str, analyzed: Callable[..., Engine]
) -> None:
    b = service(1)
    for i in range(10 * twentieths):  # ten in each second
        go = b.go(9000 + i, ts=i * SECOND // 10, at="main.main m.go:1", start="main.rare r.go:1")
        go.run(i * SECOND // 10 + 1).park(
            i * SECOND // 10 + 2, "GC assist wait", ["main.rare r.go:2"]
        )
        go.ready(i * SECOND // 10 + 5000).run(i * SECOND // 10 + 5001).exit(i * SECOND // 10 + 5002)
    found = diff.collect(analyzed(service(1)), analyzed(b))
    rare = {d.metric: d.verdict for d in found if d.function == "main.rare"}
    assert rare.pop("alive", "noise") == "noise"
    assert len(rare) == 6
    assert set(rare.values()) == {verdict}


def test_different_plans_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = service(1, rate=1), service(2, rate=1)
    b.plan = "full"
    paths = [str(recording.write(tmp_path / name)) for name, recording in (("a", a), ("b", b))]
    cli.main(["diff", *paths], standalone_mode=False)
    assert "A was recorded with plan sched, B with plan full" in capsys.readouterr().err
    cli.main(["diff", paths[0], paths[0]], standalone_mode=False)
    assert "plan" not in capsys.readouterr().err
