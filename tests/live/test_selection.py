"""A recording of some goroutines has exactly those, whole, that one of all of them has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gtrace_rec.selection import goid_hash, package_of
from live.recording import Recording, recording_of, running, said

pytestmark = [pytest.mark.live, pytest.mark.go]


def _record_twice(program: list[str | Path], out: Path, *options: str) -> list[Recording]:
    """The same process recorded at the same time, in whole and with these options."""
    with running(program) as target:
        said(target.stdout, "parked|ready")
        with (
            recording_of(target.pid, out / "all") as (_, whole),
            recording_of(target.pid, out / "some", *options) as (_, chosen),
        ):
            assert target.stdin is not None
            target.stdin.write("go\n")
            target.stdin.flush()
            said(target.stdout, "done")
            assert target.wait(20) == 0
    return [whole, chosen]


def _lives(recording: Recording) -> dict[int, Counter[tuple[str, str | None]]]:
    """By goid: its events. Those of the runtime's own making may fall between the attachments."""
    lives: dict[int, Counter[tuple[str, str | None]]] = {}
    for goid, kind, reason in recording.sql("select goid, kind, reason from events"):
        lives.setdefault(goid, Counter())[kind, reason] += 1
    return lives


def _sampled(goids: set[int], denominator: int) -> set[int]:
    array = np.array(sorted(goids), np.int64)
    return set(array[goid_hash(array) < (1 << 32) // denominator].tolist())


def _spawned(recording: Recording) -> dict[int, tuple[str, str]]:
    """By goid: the start function, and the function of the go statement."""
    return {
        goid: (start, site)
        for goid, start, site in recording.sql(
            "select e.goid, s.function, g.function from events e "
            "join symbols s on s.pc = e.obj and s.depth = 0 "
            "join symbols g on g.pc = e.pc and g.depth = 0 where kind = 'create'"
        )
    }


def test_a_sample_is_of_whole_goroutines(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    program = [go_binary("lives.go"), "passers=401", "receivers=97", "await"]
    whole, chosen = _record_twice(program, tmp_path, "--sample", "1/4")
    created = set(_spawned(whole))
    assert len(created) >= 401
    expected = _sampled(created, 4)
    assert 60 <= len(expected) <= 140  # of 401
    assert set(_spawned(chosen)) == expected
    of_whole, of_chosen = _lives(whole), _lives(chosen)
    assert set(of_chosen) == _sampled(set(of_chosen), 4)
    for goid in expected:
        assert of_chosen[goid] == of_whole[goid], goid
    assert chosen.manifest["options"]["sample"] == 0.25
    assert any("1/4 of all goroutines" in note for note in chosen.manifest["notes"])


@pytest.mark.parametrize(
    ("mode", "options", "wanted"),
    [
        ("plain", ["--include", "main"], lambda of: "main" in of),
        (
            "plain",
            ["--include", "net/..."],
            lambda of: any(p.startswith("net/") or p == "net" for p in of),
        ),
        ("plain", ["--exclude", "net/http"], lambda of: "net/http" not in of),
        (
            "pie-stripped",
            ["--include", "main", "--include", "net/...", "--exclude", "net/http"],
            lambda of: "main" in of and "net/http" not in of,
        ),
    ],
    ids=["include", "include-below", "exclude", "both"],
)
def test_packages_are_chosen_by_start_and_creation(
    tmp_path: Path,
    go_binary: Callable[..., Path],
    mode: str,
    options: list[str],
    wanted: Callable[[set[str]], bool],
) -> None:
    whole, chosen = _record_twice([go_binary("packages.go", mode=mode)], tmp_path, *options)
    spawned = _spawned(whole)
    expected = {
        goid for goid, names in spawned.items() if wanted({package_of(name) for name in names})
    }
    assert expected
    assert expected != set(spawned)
    found = set(_spawned(chosen))
    assert found == expected
    of_whole, of_chosen = _lives(whole), _lives(chosen)
    assert all(of_chosen[goid] == of_whole[goid] for goid in expected)


def test_a_package_that_is_not_there_is_refused(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    from live.recording import record

    done = record(tmp_path / "t", "--include", "net/htp", "--", go_binary("packages.go"))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "--include net/htp: no such package in" in line
    assert "net/http" in line
    assert not (tmp_path / "t").exists()
