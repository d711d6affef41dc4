"""What cannot be recorded or read gets one clear line, status 1 or 2, and no traceback."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import synth
import toolchains
from gtrace_analyze._errors import TraceError
from gtrace_rec._errors import UsageError
from gtrace_rec.dataset import Dataset
from gtrace_rec.target import only_go_process
from live.recording import ANALYZER, ENV, RECORDER, analyze, record, running, said

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
def test_programs_that_end_while_one_is_looked_for(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    """Go programs end at any moment; those that stay are listed nevertheless."""
    echo = go_binary("echo.go")
    with contextlib.ExitStack() as stack:
        leaving = []
        for i in range(12):  # each of a file of its own, so that looking at them takes long
            own = shutil.copy(echo, tmp_path / f"echo{i}")
            leaving.append(stack.enter_context(running([own, "0"])))
        one, other = (stack.enter_context(running([echo, "0"])) for _ in range(2))
        for process in (*leaving, one, other):
            said(process.stdout, "args")

        def let_go() -> None:
            for process in leaving:
                process.kill()
                process.wait()
                time.sleep(0.05)

        with ThreadPoolExecutor() as pool:
            gone = pool.submit(let_go)
            while not gone.done():
                with pytest.raises(UsageError) as refused:
                    only_go_process()
                for target in (one, other):
                    assert f"--pid {target.pid} " in str(refused.value)


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


# -- what is asked of a recording -------------------------------------------------------------

SECOND = 10**9
WAITS = ["main.f main.go:1"]
SELECTING = ("leaks", "park", "latency", "cpu", "wakers", "channels", "deadlocks", "timeline")


def _written(out: Path, start: str = "main.serve", pid: int = synth.PID) -> Path:
    """A recording of ten seconds, in which goroutine 7 waits."""
    b = synth.Recording("full", duration=10 * SECOND, pid=pid)
    b.go(1, ts=SECOND).run(SECOND + 5)
    b.go(7, parent=1, ts=2 * SECOND, at="main.main main.go:3", start=f"{start} main.go:9")
    b.go(7).run(2 * SECOND + 5).park(3 * SECOND, "select", WAITS)
    return b.write(out)


@pytest.mark.parametrize("command", [*SELECTING, "export pprof", "export chrome"])
def test_a_selection_of_nothing_is_no_answer(tmp_path: Path, command: str) -> None:
    """Least of all "no leaks"."""
    out = _written(tmp_path / "t")
    for option in (["--func", "tpyo"], ["--goid", "99"], ["--goid", "7", "--func", "tpyo"]):
        done = analyze(*command.split(), out, *option)
        _refused(done, "no goroutine matches the selection", status=2)
    if not command.startswith("export"):
        _refused(analyze(command, out, "--func", "tpyo"), "'tpyo'", "gtrace-analyze sql", status=2)
        _refused(analyze(command, out, "--goid", "99"), "99", "numbered 1 to 7", status=2)
        for option in (["--func", "main.f"], ["--func", "serve"], ["--goid", "7"]):
            done = analyze(command, out, *option)
            assert (done.returncode, done.stderr) == (0, ""), option


def test_one_recording_of_several_may_have_nothing_of_it(tmp_path: Path) -> None:
    a, b = _written(tmp_path / "a"), _written(tmp_path / "b", start="main.pay")
    for command in ("leaks", "diff"):
        done = analyze(command, a, b, "--func", "pay")
        assert done.returncode == 0, done.stderr
        (line,) = (line for line in done.stderr.splitlines() if "no goroutine" in line)
        assert line.startswith("note: no goroutine matches the selection: 'pay'")
        assert str(a) in line
        done = analyze(command, a, b, "--func", "tpyo")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.splitlines()[-1].startswith("gtrace-analyze: no goroutine matches")


@pytest.mark.parametrize("command", ["leaks", "park", "export pprof"])
@pytest.mark.parametrize("pattern", [r"^main\.(?!await)", r"(a)\1", r"\Z", "x{2000}", "("])
def test_a_regular_expression_of_another_dialect(
    tmp_path: Path, command: str, pattern: str
) -> None:
    out = _written(tmp_path / "t")
    done = analyze(*command.split(), out, "--func", pattern)
    _refused(done, pattern, "is not a regular expression", "RE2", status=2)


def test_all_commands_take_the_same_regular_expressions(tmp_path: Path) -> None:
    """That is no word of ASCII's, and Python knows no \\p."""
    out = _written(tmp_path / "t", start="main.größe")
    for pattern, status in ((r"main.gr\w+e$", 2), (r"main.gr\pL+e$", 0)):
        for command in ("leaks", "park"):
            assert analyze(command, out, "--func", pattern).returncode == status


@pytest.mark.parametrize("given", [str(1 << 63), "99999999999999999999", "-1"])
def test_a_number_that_no_goroutine_can_have(tmp_path: Path, given: str) -> None:
    out = _written(tmp_path / "t")
    _refused(analyze("timeline", out, "--goid", given), given, "numbered", status=2)
    _refused(analyze("goroutine", out, "--", given), given, "numbered", status=2)


def test_a_goroutine_of_another_process(tmp_path: Path) -> None:
    out = _written(tmp_path / "t", pid=40)
    _refused(analyze("goroutine", out, "7", "--pid", "3"), "process 3", "there is one in 40")
    _refused(analyze("goroutine", out, "9", "--pid", "3"), "process 3", "pids are 40")
    _refused(analyze("goroutine", out, "9"), "numbered 1 to 7")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--from", "5s", "--to", "3s"], ["from 5s to 3s", "ends before it begins"]),
        (["--from", "1h"], ["from 1h to the end", "lasts 10.000 s", "2023-11-1"]),
        (["--from", "03:00:00", "--to", "03:00:01"], ["lasts 10.000 s", "2023-11-1"]),
        (["--from", "soon"], ["'soon' is no moment"]),
    ],
)
def test_a_time_that_was_not_recorded(tmp_path: Path, options: list[str], words: list[str]) -> None:
    out = _written(tmp_path / "t")
    _refused(analyze("leaks", out, *options), *words, status=2)
    if "soon" not in options:
        _refused(analyze("diff", out, out, *options), str(out), *words, status=2)


def test_a_number_without_a_unit(tmp_path: Path) -> None:
    """It is a moment only as a value of a column `ts`."""
    b = synth.Recording(duration=20 * SECOND)
    b.go(7, ts=12 * SECOND).run(12 * SECOND + 5)
    out = b.write(tmp_path / "t", started_ts=10 * SECOND)
    for given in ("5", "-5"):
        _refused(analyze("park", out, "--from", given), f"{given} what?", f"{given}s", status=2)
    assert analyze("park", out, "--from", str(12 * SECOND)).returncode == 0


# -- a recording that is damaged --------------------------------------------------------------

SIDES = ("stacks", "symbols", "goroutines", "gaps", "health")
ELSEWHERE = "copy of the file from elsewhere"


def _side(out: Path, name: str) -> Path:
    return out / f"_{name}.parquet" / "table.parquet"


@pytest.mark.parametrize("name", SIDES)
def test_a_table_that_is_cut_off(tmp_path: Path, name: str) -> None:
    out = _written(tmp_path / "t")
    os.truncate(_side(out, name), 100)
    for command in ("leaks", "summary", "health"):
        done = analyze(command, out)
        _refused(done, str(_side(out, name)), "is damaged", f"the table of {name}", "elsewhere")


@pytest.mark.parametrize("name", SIDES)
def test_a_table_that_is_missing(tmp_path: Path, name: str) -> None:
    """What there is is told, and what cannot be."""
    out = _written(tmp_path / "t")
    _side(out, name).unlink()
    done = analyze("leaks", out)
    assert done.returncode == 0
    assert f"note: the table of {name} is missing; without it is not known: " in done.stderr
    assert f"table of {name} is missing" in analyze("health", out).stdout


@pytest.mark.parametrize("how", ["cut off", "missing", "damaged inside"])
def test_the_only_part_cannot_be_read(tmp_path: Path, how: str) -> None:
    """That is no recording of nothing."""
    out = _written(tmp_path / "t")
    _break(out / "part-00000.parquet", how)
    _refused(analyze("leaks", out), str(out), "nothing of it can be read", ELSEWHERE)
    for command in ("summary", "health"):
        done = analyze(command, out)
        assert done.returncode == 0, done.stderr
        assert "part-00000.parquet is " in done.stdout
        assert "none found" not in done.stdout
    assert len(re.findall("not known: none of the events", analyze("summary", out).stdout)) == 2
    assert json.loads(analyze("summary", "--json", out).stdout)["unreadable"] == [
        "part-00000.parquet"
    ]


@pytest.mark.parametrize("how", ["cut off", "missing", "damaged inside"])
def test_one_part_of_several_cannot_be_read(tmp_path: Path, how: str) -> None:
    """It is left out, and that is told, however small the recording."""
    b = synth.Recording(duration=10 * SECOND)
    for goid in range(2, 40):
        b.go(goid, parent=1, ts=goid * SECOND // 5, at="main.main main.go:3")
        b.go(goid).run(goid * SECOND // 5 + 5).park(goid * SECOND // 5 + 9, "select", WAITS)
    out = b.write(tmp_path / "t", parts=3)
    _break(out / "part-00001.parquet", how)
    for command in ("leaks", "park", "timeline", "wakers"):
        done = analyze(command, out)
        assert done.returncode == 0, done.stderr
        assert "part-00001.parquet is " in done.stderr
        assert ELSEWHERE in done.stderr


def _break(file: Path, how: str) -> None:
    if how == "missing":
        file.unlink()
    elif how == "cut off":
        os.truncate(file, 100)
    else:  # the footer stays, so that only who reads the events finds it out
        size = file.stat().st_size
        footer = int.from_bytes(file.read_bytes()[-8:-4], "little") + 8
        with file.open("r+b") as data:
            data.seek(4)
            data.write(b"X" * (size - footer - 4))


NOBODY = 65534


@pytest.mark.parametrize(
    "name", ["_manifest.json", "_stacks.parquet/table.parquet", "_health.parquet", "."]
)
@pytest.mark.parametrize("mode", [0o000, 0o711])
def test_a_recording_that_may_not_be_read(name: str, mode: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        out = _written(Path(place) / "t")
        is_file = (out / name).is_file()
        (out / name).chmod(mode & 0o600 if is_file else mode)
        user = os.geteuid()
        if user == 0:  # whom no mode keeps out
            os.seteuid(NOBODY)
        try:
            done = analyze("leaks", out)
        finally:
            os.seteuid(user)
            (out / name).chmod(0o755)
        if name == "_health.parquet" and mode:
            assert done.returncode == 0  # a directory whose only file has a known name
        else:
            _refused(done, str(out / name), "cannot be read (Permission denied)", "chmod")


# -- where the answer goes --------------------------------------------------------------------


def _shell(line: str, out: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """A line of bash, in which `analyze` is the command and $T the recording."""
    script = f'set -o pipefail; analyze() {{ {" ".join(ANALYZER)} "$@"; }}; {line}'
    return subprocess.run(
        ["bash", "-c", script], env={**ENV, "T": str(out), **env}, capture_output=True, text=True
    )


@pytest.mark.parametrize("command", ["leaks $T", "docs", "--help"])
def test_output_that_cannot_be_written(tmp_path: Path, command: str) -> None:
    out = _written(tmp_path / "t")
    _refused(_shell(f"analyze {command} > /dev/full", out), "output", "No space left on device")
    _refused(_shell(f"analyze {command} >&-", out), "standard output is closed")


def test_who_reads_may_stop(tmp_path: Path) -> None:
    """The status is that of the answer nevertheless, above all of one that is to fail a build."""
    b = synth.Recording(duration=10 * SECOND)
    nil = "chan receive (nil chan)"
    for goid in range(2, 400):
        place = f"main.f{goid} main.go:{goid}"
        b.go(goid, parent=1, ts=goid, at=place).run(goid + 1).park(goid + 2, nil, [place])
    out = b.write(tmp_path / "t")
    for line, status in (
        ("analyze docs --inner | head -1", 0),
        ("analyze leaks -n 0 $T | head -1", 0),
        ("analyze leaks -n 0 --fail-on-leak $T | head -1", 3),
    ):
        done = _shell(line, out)
        assert (done.returncode, done.stderr) == (status, ""), line
        assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_a_query_that_is_no_text(tmp_path: Path, errors: str) -> None:
    out, io = _written(tmp_path / "t"), f"utf-8:{errors}"
    done = _shell(r"printf 'SELECT \xff' | analyze sql $T", out, PYTHONIOENCODING=io)
    _refused(done, "the query is no UTF-8", "8 on", status=2 if errors == "strict" else 1)
    _refused(_shell("analyze sql $T <&-", out), "no query given", status=2)


@pytest.mark.parametrize("option", ["-v", "--verbose", "-qv"])
def test_verbose_tells_where_an_error_arose(tmp_path: Path, option: str) -> None:
    with pytest.raises(TraceError, match="no such recording"):
        analyze(option, "leaks", tmp_path / "absent")
    _refused(analyze("leaks", tmp_path / "absent"), "no such recording")


def test_a_view_that_is_none() -> None:
    _refused(analyze("docs", "interval"), "did you mean 'intervals'", status=2)
    done = analyze("docs", "xyzzy")
    _refused(done, "'xyzzy' is no view; all of them: gtrace-analyze docs", status=2)
