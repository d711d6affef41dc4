"""Whatever happens to the disk or the recorder, what was recorded stays readable and says so."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gtrace_rec.streams import read_stream
from live.recording import ENV, RECORDER, Recording, record, running, said

pytestmark = [pytest.mark.live, pytest.mark.go]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    mount = tmp_path / "small"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8M", "tmpfs", mount], check=True)
    yield mount
    subprocess.run(["umount", mount], check=True)


def test_a_full_disk_ends_the_recording_well_and_leaves_the_program_alone(
    small_disk: Path, go_binary: Callable[..., Path]
) -> None:
    done = record(small_disk / "t", "--", go_binary("pulse.go"), "150000")
    assert done.returncode == 0, done.stderr
    assert "beats 150000" in done.stdout
    assert "disk full" in done.stderr
    recording = Recording(small_disk / "t")
    assert recording.manifest["stop_reason"] == "disk full"
    assert recording.manifest["totals"]["events"] == recording.one("select count(*) from events")
    _assert_prefix(recording)


def test_a_full_disk_from_the_start_is_one_clear_line(
    small_disk: Path, go_binary: Callable[..., Path]
) -> None:
    (small_disk / "filler").write_bytes(bytes((8 << 20) - 4096))
    done = record(small_disk / "t", "--", go_binary("pulse.go"), "10")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_recover_keeps_every_event_that_was_flushed(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    out = tmp_path / "t"
    options = ["--rotate-size", "1M"]
    with running([*RECORDER, "--out", out, *options, "--", go_binary("pulse.go")]) as recorder:
        said(recorder.stdout, "beating")
        while not (out / "part-00001.parquet").exists():
            subprocess.run(["sleep", "0.1"], check=True)
        target = Recording(out).manifest["processes"][0]["pid"]
        recorder.kill()
        recorder.wait()
        os.kill(target, signal.SIGKILL)
    flushed = sum(pq.read_metadata(p).num_rows for p in out.glob("part-*.parquet"))
    for stream in out.glob("_part-*.arrows"):
        if not (out / f"{stream.stem[1:]}.parquet").exists():
            flushed += sum(batch.num_rows for batch in read_stream(stream))
    done = subprocess.run(
        [*RECORDER, "recover", out], env=ENV, capture_output=True, text=True, check=True
    )
    recording = Recording(out)
    assert recording.one("select count(*) from events") == flushed, done.stderr
    assert recording.manifest["totals"]["events"] == flushed
    assert not list(out.glob("*.arrows"))
    _assert_prefix(recording)
    again = subprocess.run([*RECORDER, "recover", out], env=ENV, capture_output=True, text=True)
    assert again.returncode == 1
    assert "nothing to recover" in again.stderr


def _assert_prefix(recording: Recording) -> None:
    """Pulse makes goroutine after goroutine: those seen are the first ones, without a hole."""
    created = recording.sql(
        "select goid from events e join symbols s on s.pc = e.pc and s.depth = 0 "
        "where e.kind = 'create' and s.function = 'main.main' order by ts"
    )
    # While it starts there are still two Ps, each with its own store of numbers.
    goids = [goid for (goid,) in created][50:]
    assert len(goids) > 1000
    assert [(a, b) for a, b in pairwise(goids) if b != a + 1] == []
