"""The command, and what it says to bad input."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.scene import scene
from live.recording import analyze


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return scene().write(tmp_path / "trace.parquet")


def test_help_lists_the_formats() -> None:
    done = analyze("export", "--help")
    assert done.returncode == 0
    assert "\n  pprof " in done.stdout
    assert "Example:\n    gtrace-analyze export" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["pproof", "trace.parquet"], 2, "'pproof' is no format; did you mean 'pprof'? formats"),
        (["x", "trace.parquet"], 2, "'x' is no format; formats are "),
        (["pprof", "trace.parquet", "--goid", "999"], 2, "no goroutine matches the selection"),
        (["pprof", "trace.parquet", "--from", "1h"], 2, "nothing was recorded from 1h"),
        (
            ["pprof", "trace.parquet", "-o", "/dev/full"],
            1,
            "/dev/full: cannot be written: No space",
        ),
        (["pprof", "trace.parquet", "-o", "no/such/x"], 1, "no/such/x: cannot be written: No such"),
        (["pprof", "trace.parquet", "-o", "."], 2, ".: is a directory; name a file in it"),
        (["pprof", "other.parquet"], 1, "other.parquet: no such recording"),
        (["folded", "trace.parquet", "--measure", "x"], 2, "'x' is no measure; there are parks"),
    ],
)
def test_bad_input(
    trace: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, said: str
) -> None:
    monkeypatch.chdir(trace.parent)
    before = sorted(trace.parent.iterdir())
    done = analyze("export", *arguments)
    assert said in done.stderr
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert sorted(trace.parent.iterdir()) == before


def test_what_was_there_stays_if_the_export_fails(trace: Path) -> None:
    out = trace.parent / "old.pb.gz"
    out.write_text("precious")
    assert analyze("export", "pprof", trace, "--goid", "999", "-o", out).returncode == 2
    assert out.read_text() == "precious"
    assert analyze("export", "folded", trace, "-o", out).returncode == 0
    assert out.read_text().endswith("\n")


def test_without_output_it_goes_to_a_pipe(trace: Path) -> None:
    done = analyze("export", "folded", trace)
    assert "main.work" in done.stdout
    assert "wrote 3 stacks of park in nanoseconds to standard output" in done.stderr
    assert "wrote" not in analyze("-q", "export", "folded", trace).stderr
