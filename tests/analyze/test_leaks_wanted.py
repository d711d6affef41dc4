"""Which groups `leaks` shows, and its exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gtrace_analyze as ga
from live.recording import analyze
from synth import Recording

SECOND = 10**9


def stuck(asks: int, posts: int = 0) -> Recording:
    """`asks` wait to receive, made evenly from 0 to 9 s, and `posts` to send into nil."""
    b = Recording(duration=10 * SECOND)
    for i in range(asks):
        ts = i * 9 * SECOND // asks
        go = b.go(100 + i, parent=1, ts=ts, at="main.ask main.go:40", start="main.await main.go:52")
        go.run(ts).park(ts, "chan receive", ["main.await main.go:53"], obj=i + 1)
    for i in range(posts):
        b.go(500 + i, parent=1, ts=i, at="main.send main.go:7", start="main.post main.go:8").run(
            i + 1
        ).park(i + 2, "chan send (nil chan)", ["main.post main.go:9"])
    return b


@pytest.fixture
def trace(tmp_path: Path) -> Callable[..., Path]:
    def write(*numbers: int) -> Path:
        return stuck(*numbers).write(tmp_path / "-".join(map(str, numbers)))

    return write


def found(*arguments: str | Path) -> list[dict[str, Any]]:
    done = analyze("leaks", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    groups: list[dict[str, Any]] = json.loads(done.stdout)
    return groups


def test_only_those_that_wait_long_enough(trace: Callable[..., Path]) -> None:
    (group,) = found("--older", "5.5s", trace(18))
    assert (group["count"], group["goids"]) == (10, list(range(100, 110)))
    assert group["newest_ns"] == 5.5 * SECOND
    assert group["evidence"][-1] == (
        "Of these 18, 10 wait for 5.50s or longer and are counted here; the sentences above are of "
        "all of them."
    )
    assert found("--older", "1m", trace(17)) == []


def test_only_groups_that_are_large_enough(trace: Callable[..., Path]) -> None:
    path = trace(18, 2)
    assert [g["count"] for g in found(path)] == [18, 2]
    assert [g["count"] for g in found("--min-count", "3", path)] == [18]


@pytest.mark.parametrize("pattern", [r"^main\.await$", r"main\.ask", r"main\.go:40$"])
def test_what_a_pattern_matches_is_ignored_and_said(
    tmp_path: Path, trace: Callable[..., Path], pattern: str
) -> None:
    (tmp_path / "ignored").write_text(f"# ours\n\n{pattern}\n")
    done = analyze("leaks", "--json", "--ignore", tmp_path / "ignored", trace(18, 2))
    assert [g["function"] for g in json.loads(done.stdout)] == ["main.post"]
    assert f"note: 1 group, 18 goroutines, ignored by {tmp_path}/ignored" in done.stderr


def test_a_baseline_leaves_what_is_new_or_more(trace: Callable[..., Path]) -> None:
    base = trace(18)
    assert found("--baseline", base, base) == []
    (new,) = found("--baseline", base, trace(18, 2))
    assert new["function"] == "main.post"
    assert new["evidence"][-1] == f"There is none in {base}."
    larger = trace(20)
    (more,) = found("--baseline", base, larger)
    assert more["evidence"][-1] == f"There are 18 in {base}, 20 here."
    assert found("--baseline", larger, base) == []
    # As many as there are, not as many as are old enough: the baseline has all of its own.
    (old,) = found("--baseline", base, "--older", "5.5s", larger)
    assert (old["count"], f"There are 18 in {base}, 20 here." in old["evidence"]) == (11, True)


def test_what_was_looked_for_and_not_found_is_said(
    tmp_path: Path, trace: Callable[..., Path]
) -> None:
    idle, same = trace(18), tmp_path / "same"
    same.symlink_to(idle)
    assert [
        analyze("leaks", *options, idle).stdout
        for options in (["--older", "1m"], ["--older", "1m", "--all"], ["--baseline", same])
    ] == [
        "no leaks found\n",
        "no waiting goroutines found\n",
        f"no leaks found beyond those of {same}\n",
    ]


def test_the_same_in_python(trace: Callable[..., Path]) -> None:
    with ga.open(trace(18)) as base, ga.open(trace(18, 2)) as t:
        assert t.leaks(baseline=base)["function"].tolist() == ["main.post"]
        assert t.leaks(ignore=["await"])["function"].tolist() == ["main.post"]
        assert t.leaks(older="5.5s", min_count=3)["count"].tolist() == [10]
        with pytest.raises(ga.UsageError, match="'soon' is no duration"):
            t.leaks(older="soon")


def test_a_leak_fails_a_build_only_if_asked_and_not_ignored(
    tmp_path: Path, trace: Callable[..., Path]
) -> None:
    path = trace(0, 2)
    (tmp_path / "ignored").write_text("main.post\n")
    assert analyze("leaks", path).returncode == 0
    assert analyze("leaks", "--fail-on-leak", path).returncode == 3
    assert (
        analyze("leaks", "--fail-on-leak", "--ignore", tmp_path / "ignored", path).returncode == 0
    )
    assert analyze("leaks", "--fail-on-leak", "--baseline", path, path).returncode == 0


def test_several_traces_have_a_source(trace: Callable[..., Path]) -> None:
    one, two = trace(18), trace(0, 2)
    assert [(g["source"], g["count"]) for g in found(one, two)] == [(str(one), 18), (str(two), 2)]
    assert len(found(one.parent / "*-*" / ".." / "1*")) == 1


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--older", "soon"], "'soon' is no duration"),
        (["--ignore", "nowhere"], "nowhere: cannot be read (No such file or directory)"),
        (["--ignore", "bad"], "bad:2: '(' is not a regular expression"),
        (["--ignore", "python"], "python:1: '(?!main)' is not a regular expression"),
        (["--baseline", "nowhere"], "nowhere: no such recording"),
        (["--min-count", "0"], "0 is not in the range"),
    ],
)
def test_bad_options_get_one_clear_line(
    tmp_path: Path, trace: Callable[..., Path], arguments: list[str], line: str
) -> None:
    (tmp_path / "bad").write_text("fine\n(\n")
    (tmp_path / "python").write_text("(?!main)\n")
    given = [str(tmp_path / a) if a in ("bad", "python") else a for a in arguments]
    done = analyze("leaks", *given, trace(18))
    assert done.returncode in (1, 2)
    assert line in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
