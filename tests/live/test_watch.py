"""gtrace-analyze watch beside a recorder that is at work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from live.recording import ANALYZER, READY_S, recording_of, running, said

pytestmark = [pytest.mark.live, pytest.mark.go]


def test_a_recording_is_watched_to_its_end(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    out = tmp_path / "trace"
    command = [*ANALYZER, "watch", "--json", "--window", "7s", str(out)]
    with running([go_binary("growing.go")]) as target:
        said(target.stdout, "growing")
        attached = recording_of(target.pid, out, "--rotate-every", "2s")
        with attached as (_, recording), running(command) as watch:
            assert watch.stdout
            lines = [json.loads(watch.stdout.readline())]
            while not lines[-1]["sites"] or not lines[-1]["sites"][0]["grows"]:
                assert len(lines) < READY_S, lines[-1]
                lines.append(json.loads(watch.stdout.readline()))
            target.kill()
            rest, talk = watch.communicate(timeout=READY_S)
            assert watch.returncode == 0
    lines += [json.loads(line) for line in rest.splitlines()]
    leak = lines[-1]["sites"][0]
    assert leak["created_by"] == "main.main"
    assert leak["created_at"].endswith("/growing.go:23")
    assert [line["events"] for line in lines] == sorted(line["events"] for line in lines)
    assert {line["status"] for line in lines[:-1]} == {"recording"}
    assert lines[-1]["status"] == "stopped"
    assert lines[-1]["events"] == recording.manifest["totals"]["events"]
    assert "next: gtrace-analyze summary" in talk
