"""Which processes can be recorded: several, all of a binary, in namespaces, without their file."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from live.recording import ENV, RECORDER, Recording, running, said, wait_until_recording

pytestmark = [pytest.mark.live, pytest.mark.go]

# Runs the recorder as on a kernel that has no uprobe_multi.
OLD_KERNEL = """
import sys
import gtrace_rec.loader
gtrace_rec.loader.kernel_release = lambda: (5, 15)
from gtrace_rec.commands import main
main(sys.argv[1:])
"""


def beats(recording: Recording) -> dict[int, int]:
    """Goroutines that pulse's own go statement made, by process."""
    query = (
        "select pid, count(*) from events e join symbols s on s.pc = e.pc and s.depth = 0 "
        "where e.kind = 'create' and s.function = 'main.main' group by pid"
    )
    return dict(recording.sql(query))


def stop(recorder: subprocess.Popen[str]) -> str:
    """End a recording; returns what it said."""
    recorder.send_signal(signal.SIGTERM)
    _, talk = recorder.communicate(timeout=60)
    assert recorder.returncode == 0, talk
    return talk


def test_every_process_of_a_binary_those_too_that_start_later(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    binary = go_binary("pulse.go", mode="pie-stripped")
    with running([*RECORDER, "--out", tmp_path / "t", "--exe", binary]) as recorder:
        said(recorder.stderr, "recording every process")
        for count in (101, 211):
            subprocess.run([binary, str(count)], check=True, stdout=subprocess.DEVNULL)
        stop(recorder)
    recording = Recording(tmp_path / "t")
    assert sorted(beats(recording).values()) == [101, 211]
    assert all(p["from_start"] for p in recording.manifest["processes"])
    assert recording.manifest["totals"]["lost_ring"] == 0


def test_a_process_named_twice_is_recorded_once(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    binary = go_binary("pulse.go")
    with running([binary]) as named, running([binary]) as other:
        for target in (named, other):
            said(target.stdout, "beating")
        twice = [*("--pid", str(named.pid)) * 2, *("--exe", binary) * 2]
        options = ["--out", tmp_path / "t", "--snapshot-heap", "0"]
        with running([*RECORDER, *options, *twice]) as recorder:
            said(recorder.stderr, "recording pid")
            stop(recorder)
    recording = Recording(tmp_path / "t")
    assert {p["pid"] for p in recording.manifest["processes"]} == {named.pid, other.pid}
    assert recording.sql(
        "select distinct n from (select count(*) as n from events where kind = 'create' "
        "group by pid, goid)"
    ) == [(1,)]
    rows = "select count(*), count(distinct (pid, goid)) from goroutines group by snapshot"
    assert all(found == different for found, different in recording.sql(rows))


def test_two_programs_of_different_go_at_once(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    old, new = go_binary("pulse.go", "1.24.11"), go_binary("pulse.go")
    arguments = ["--exe", old, "--exe", new]
    with running([*RECORDER, "--out", tmp_path / "t", *arguments]) as recorder:
        said(recorder.stderr, "recording every process")
        both = [
            subprocess.Popen([binary, count], stdout=subprocess.DEVNULL)
            for binary, count in ((old, "307"), (new, "503"))
        ]
        assert [p.wait(60) for p in both] == [0, 0]
        stop(recorder)
    recording = Recording(tmp_path / "t")
    versions = {e["exe"]: e["go_version"] for e in recording.manifest["exes"]}
    assert sorted(versions.values()) == ["go1.24.11", "go1.27.3"]
    created = recording.sql(
        "select pid, count(*) from events where kind = 'create' and other_goid = 1 group by pid"
    )
    assert {p.pid for p in both} == {pid for pid, _ in created}
    extra = dict(created)
    # main makes a few goroutines of the runtime's before the first beat.
    assert 0 < extra[both[0].pid] - 307 < 10
    assert 0 < extra[both[1].pid] - 503 < 10


def test_a_process_in_other_mount_and_pid_namespaces(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    script = f"mount -t tmpfs tmpfs {hidden} && cp $0 {hidden}/pulse && exec {hidden}/pulse"
    inside = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", script]
    with running([*inside, go_binary("pulse.go")]) as target:
        said(target.stdout, "beating")
        (pid,) = _children(target.pid)
        assert not (hidden / "pulse").exists()
        try:
            _assert_recorded(pid, tmp_path / "t")
        finally:
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_process_whose_binary_is_gone(
    tmp_path: Path, go_binary: Callable[..., Path], how: str
) -> None:
    binary = tmp_path / "pulse"
    shutil.copy(go_binary("pulse.go", mode="stripped"), binary)
    with running([binary]) as target:
        said(target.stdout, "beating")
        binary.unlink()
        if how == "replaced":
            shutil.copy(go_binary("pulse.go", "1.24.11"), binary)
        recording = _assert_recorded(target.pid, tmp_path / "t")
    assert recording.manifest["exes"][0]["go_version"] == "go1.27.3"


def test_kernels_without_uprobe_multi(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    subprocess.run(["mount", "-t", "tracefs", "tracefs", "/sys/kernel/tracing"], check=False)
    command = [sys.executable, "-c", OLD_KERNEL, "--out", tmp_path / "t", "--"]
    done = subprocess.run(
        [*map(str, command), go_binary("pulse.go"), "401"],
        env=ENV,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    recording = Recording(tmp_path / "t")
    assert list(beats(recording).values()) == [401]
    assert recording.manifest["totals"]["lost_ring"] == 0


def _assert_recorded(pid: int, out: Path) -> Recording:
    with running([*RECORDER, "--out", out, "--pid", str(pid)]) as recorder:
        wait_until_recording(out)
        said(recorder.stderr, "recording pid")
        subprocess.run(["sleep", "1.2"], check=True)
        stop(recorder)
    recording = Recording(out)
    assert min(beats(recording).values()) > 100
    return recording


def _children(pid: int) -> list[int]:
    return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
