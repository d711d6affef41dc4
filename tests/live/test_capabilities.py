"""The capabilities a recorder needs, no more and no less, for a process of another user."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from live.recording import ENV, RECORDER, Recording, running, said

pytestmark = [
    pytest.mark.live,
    pytest.mark.go,
    pytest.mark.skipif(not shutil.which("setpriv"), reason="apt-get install util-linux"),
]

NEEDED = {"bpf": "CAP_BPF", "perfmon": "CAP_PERFMON", "sys_ptrace": "CAP_SYS_PTRACE"}
TARGET_USER, RECORDER_USER = 54321, 54322  # neither needs an entry in /etc/passwd


@pytest.fixture
def public(go_binary: Callable[..., Path]) -> Iterator[Path]:
    """A directory for all users, with a program in it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    shutil.copy(go_binary("growing.go"), folder)
    yield folder
    shutil.rmtree(folder)


def _as(user: int, *capabilities: str) -> list[str]:
    held = ",".join(["-all", *(f"+{c}" for c in capabilities)])
    sets = [f"--{name}={held}" for name in ("inh-caps", "ambient-caps", "bounding-set")]
    if user == 0:
        sets = [sets[2]]  # at exec root gets what its bounding set holds
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *sets]


def _recorder_user() -> int:
    """Another than root, if what this test runs from lets others in."""
    trial = [*_as(RECORDER_USER), sys.executable, "-c", "import gtrace_rec.recorder"]
    return RECORDER_USER if subprocess.run(trial, env=ENV).returncode == 0 else 0


@pytest.fixture
def record_with(public: Path) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    with running([*_as(TARGET_USER), public / "growing"]) as target:
        said(target.stdout, "growing")
        user = _recorder_user()

        def record_with(
            *capabilities: str, plan: str = "sched"
        ) -> subprocess.CompletedProcess[str]:
            out = ["--out", public / "trace", "--pid", str(target.pid), "--plan", plan]
            return subprocess.run(
                [*_as(user, *capabilities), *RECORDER, *map(str, out), "--duration", "1s"],
                env=ENV | {"PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                text=True,
                timeout=60,
            )

        yield record_with
        assert target.poll() is None


def test_three_capabilities_are_enough(
    record_with: Callable[..., subprocess.CompletedProcess[str]], public: Path
) -> None:
    done = record_with(*NEEDED)
    assert done.returncode == 0, done.stderr
    recording = Recording(public / "trace")
    assert recording.one("select count(*) from events where kind = 'create'") > 10
    assert recording.one("select count(distinct snapshot) from goroutines") == 2


@pytest.mark.parametrize("missing", NEEDED)
def test_none_of_them_can_be_done_without(
    record_with: Callable[..., subprocess.CompletedProcess[str]], missing: str
) -> None:
    done = record_with(*(NEEDED.keys() - {missing}))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"permission: without {NEEDED[missing]};" in line


def test_snapshots_need_but_the_right_to_read_memory(
    record_with: Callable[..., subprocess.CompletedProcess[str]], public: Path
) -> None:
    done = record_with("sys_ptrace", plan="snapshot")
    assert done.returncode == 0, done.stderr
    assert Recording(public / "trace").manifest["totals"]["snapshots"] >= 2


@pytest.mark.skipif(not shutil.which("unshare"), reason="apt-get install util-linux")
def test_what_the_pod_grants_is_enough(repo: Path, public: Path) -> None:
    """As the kernel sees examples/kubernetes: everything read-only but the volumes, root with three
    capabilities that cannot gain others, and a target in pid and mount namespaces of its own.
    """
    pod = yaml.safe_load((repo / "examples/kubernetes/gtrace.yaml").read_text())
    (container,) = pod["spec"]["containers"]
    granted = [f"+{name.lower()}" for name in container["securityContext"]["capabilities"]["add"]]
    held = ["setpriv", "--no-new-privs", "--inh-caps=-all"]
    held.append(f"--bounding-set={','.join(['-all', *granted])}")
    elsewhere = ["unshare", "--pid", "--mount", "--fork", "--kill-child"]
    alone = (
        'mount --make-rprivate / && mount --bind "$0" "$0" && mount -o remount,bind,ro / '
        '&& exec "$@"'
    )
    with running([*elsewhere, *_as(TARGET_USER), public / "growing"]) as target:
        said(target.stdout, "growing")
        children = Path(f"/proc/{target.pid}/task/{target.pid}/children").read_text()
        changed = {"pid": children.strip(), "duration": "1s", "metrics": "127.0.0.1:0"}
        changed["out"] = str(public / "trace")
        given = [name.lstrip("-").split("=") for name in container["args"]]
        options = [f"--{name}={changed.get(name, value)}" for name, value in given]
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", alone, public, *held, *RECORDER, *options],
            env=ENV | {"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    recording = Recording(public / "trace")
    assert recording.one("select count(*) from events where kind = 'create'") > 10
    assert recording.one("select count(distinct snapshot) from goroutines") == 2
