"""What cannot be recorded or read gets one clear line, status 1 or 2, and no traceback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import synth
import toolchains
from gtrace_rec.dataset import Dataset
from live.recording import ENV, RECORDER, analyze, record, running, said

pytestmark = pytest.mark.go


def _refused(done: subprocess.CompletedProcess[str], *words: str, status: int = 1) -> None:
    """One line, which has all these words, and this exit status."""
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(("gtrace-rec: ", "gtrace-analyze: "))
    missing = [word for word in words if word not in line]
    assert not missing, f"{missing} not in: {line}"


# -- the target -------------------------------------------------------------------------------


@pytest.mark.live
def test_no_such_process(tmp_path: Path) -> None:
    _refused(record(tmp_path / "t", "--pid", "4194305"), "4194305", "no such process")


@pytest.mark.live
def test_not_a_go_program(tmp_path: Path) -> None:
    _refused(record(tmp_path / "t", "--", "/bin/true"), "/bin/true", "not a Go program")
    _refused(record(tmp_path / "t", "--pid", str(os.getpid())), "not a Go program")
    assert not (tmp_path / "t").exists(), "a recording that never began was left behind"


@pytest.mark.live
def test_not_a_program_at_all(tmp_path: Path) -> None:
    _refused(record(tmp_path / "t", "--", "no-such-program"), "no-such-program", "no such program")
    _refused(record(tmp_path / "t", "--", "/etc/hostname"), "/etc/hostname", "no ELF file")
    _refused(record(tmp_path / "t", "--", tmp_path), str(tmp_path))


@pytest.mark.live
def test_a_program_of_another_machine(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    foreign = go_binary("echo.go", mode="arm64")
    _refused(record(tmp_path / "t", "--", foreign), str(foreign), "arm64")


@pytest.mark.live
def test_a_program_of_32_bit(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    narrow = go_binary("echo.go", mode="386")
    _refused(record(tmp_path / "t", "--", narrow), str(narrow), "32-bit")


@pytest.mark.live
def test_a_go_version_that_is_not_known(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    """The same program, said to be built by a Go of the far future, and without DWARF."""
    program = go_binary("echo.go", mode="stripped").read_bytes()
    ours = f"go{toolchains.NEWEST}".encode()
    assert ours in program
    future = tmp_path / "future"
    future.write_bytes(program.replace(ours, b"go1.99.9"[: len(ours)]))
    future.chmod(0o755)
    _refused(record(tmp_path / "t", "--", future), str(future), "go1.99", toolchains.NEWEST[:4])


@pytest.mark.live
def test_several_go_programs_and_none_named(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    echo = go_binary("echo.go")
    with running([echo, "0"]) as one, running([echo, "0"]) as other:
        said(one.stdout, "args")
        said(other.stdout, "args")
        done = record(tmp_path / "t")
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    for target in (one, other):
        assert str(target.pid) in done.stderr
    assert "--pid" in done.stderr


@pytest.mark.live
def test_a_pid_and_a_program_at_once(tmp_path: Path) -> None:
    done = record(tmp_path / "t", "--pid", "1", "--", "/bin/true")
    _refused(done, "--pid", "-- PROGRAM", status=2)


# -- the machine ------------------------------------------------------------------------------


def _record_under(wrapper: list[str], out: Path, program: Path) -> subprocess.CompletedProcess[str]:
    command = [*wrapper, *RECORDER, "--out", str(out), "--", str(program), "0"]
    return subprocess.run(
        command, env=ENV, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )


@pytest.mark.live
def test_no_permission(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    done = _record_under(powerless, tmp_path / "t", go_binary("echo.go"))
    _refused(done, "CAP_BPF", "CAP_PERFMON", "sudo")


@pytest.mark.live
def test_a_kernel_that_is_too_old(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    old = ["setarch", "--uname-2.6"]
    _refused(_record_under(old, tmp_path / "t", go_binary("echo.go")), "kernel", "Linux 2.6", "5.8")


@pytest.mark.live
def test_bcc_is_not_installed(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    without = "import sys; sys.modules['bcc'] = None; from gtrace_rec.commands import main; main()"
    command = [sys.executable, "-c", without, "--out", tmp_path / "t", "--", go_binary("echo.go")]
    done = subprocess.run(
        command, env=ENV, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    _refused(done, "bcc", "python3-bpfcc")


# -- the place --------------------------------------------------------------------------------


@pytest.mark.live
def test_out_is_not_empty(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    (tmp_path / "precious").write_text("thesis")
    done = record(tmp_path, "--", go_binary("echo.go"), "0")
    _refused(done, str(tmp_path), "not empty", "--force", status=2)
    forced = record(tmp_path, "--force", "--", go_binary("echo.go"), "0")
    _refused(forced, str(tmp_path), status=2)  # --force replaces recordings, and only those
    assert (tmp_path / "precious").read_text() == "thesis"


@pytest.mark.live
def test_out_cannot_be_made(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    (tmp_path / "file").write_text("")
    done = record(tmp_path / "file" / "t", "--", go_binary("echo.go"), "0")
    _refused(done, str(tmp_path / "file"), "Not a directory")


# -- reading ----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["summary", "leaks", "park", "health"])
def test_a_path_that_is_no_recording(tmp_path: Path, command: str) -> None:
    _refused(analyze(command, tmp_path / "absent"), "absent")
    _refused(analyze(command, tmp_path), str(tmp_path), "no")
    (tmp_path / "file").write_text("hello")
    _refused(analyze(command, tmp_path / "file"), "file")


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory, go_binary: Callable[..., Path]) -> Path:
    out = tmp_path_factory.mktemp("bad") / "trace"
    done = record(out, "--", go_binary("pulse.go"), "11")
    assert done.returncode == 0, done.stderr
    return out


def test_a_recording_that_has_not_begun(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    Dataset(tmp_path / "t", reserve=1)
    _refused(analyze("summary", tmp_path / "t"), str(tmp_path / "t"), "nothing is recorded yet")


@pytest.mark.live
def test_a_recording_of_a_newer_format(trace: Path, tmp_path: Path) -> None:
    manifest = json.loads((trace / "_manifest.json").read_text())
    manifest |= {"format_version": 99, "tool_version": "99.0.1"}
    (tmp_path / "_manifest.json").write_text(json.dumps(manifest))
    _refused(analyze("summary", tmp_path), "99", "99.0.1")


@pytest.mark.live
def test_sql_that_is_none(trace: Path) -> None:
    _refused(analyze("sql", trace, "selec 1"), "selec")
    _refused(analyze("sql", trace, "select no_such from events"), "no_such")
    _refused(analyze("sql", trace, "select * from no_such"), "no_such")


@pytest.mark.live
def test_sql_that_would_write_or_reach_elsewhere(trace: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a\n1\n")
    for query in (
        f"copy (select 1) to '{tmp_path}/stolen.csv'",
        f"select * from '{tmp_path}/other.csv'",
        "drop view events",
        "create table t as select 1",
    ):
        done = analyze("sql", trace, query)
        assert done.returncode in (1, 2), query
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "stolen.csv").exists()


@pytest.mark.parametrize("command", ["leaks", "park", "timeline"])
def test_an_empty_recording(tmp_path: Path, command: str) -> None:
    """No answer is made up about it; what it is can be asked."""
    out = synth.Recording().write(tmp_path / "t")
    _refused(analyze(command, out), str(out), "empty recording")
    summary = analyze("summary", out)
    assert summary.returncode == 0, summary.stderr
    assert re.search(r"^events +none", summary.stdout, flags=re.MULTILINE)
