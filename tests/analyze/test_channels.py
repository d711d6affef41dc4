"""Channels: who meets there, and how full they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from blueprint import Blueprint, check
from gtrace_analyze.analyses import channels
from gtrace_analyze.commands import cli
from gtrace_analyze.engine import Engine
from gtrace_analyze.selection import Selection
from synth import Recording, alive

SEND = ["main.put main.go:1"]
RECEIVE = ["main.get main.go:9"]
ONE, TWO = 0xC000010000, 0xC000020000


def queues() -> Recording:
    """ONE: 1 and 2 send, 3 receives, 4 receives without waiting; TWO: 5 receives, for ever."""
    b = Recording(duration=1000)
    for goid in range(1, 6):
        b.go(goid, ts=0).run(1)
    b.go(1).park(100, "chan send", SEND, obj=ONE).ready(110, by=3).run(111)
    b.go(2).park(200, "chan send", SEND, obj=ONE).ready(230, by=4).run(231)
    b.go(3).park(300, "chan receive", RECEIVE, obj=ONE).ready(340, by=1).run(341)
    b.go(3).park(400, "sync.Mutex.Lock", RECEIVE, obj=TWO).ready(500, by=1).run(501)
    b.go(1).park(950, "chan send", SEND, obj=ONE)
    b.go(5).park(900, "chan receive", RECEIVE, obj=TWO)
    b.snapshot(50, alive(9, reason="chan send", obj=ONE, chan_len=8, chan_cap=8, chan_closed=False))
    b.snapshot(
        960,
        alive(1, reason="chan send", stack=SEND, obj=ONE, chan_len=5, chan_cap=8, chan_closed=True),
        alive(6, reason="select", select_objs=[ONE, TWO]),
        alive(7, reason="select", select_objs=[ONE]),
    )
    return b


def equals() -> Recording:
    """Waits of 10 to send to ONE at three places; the longest to receive, of 20, is at the last."""
    b = Recording(duration=1000)
    for goid, place in enumerate(("main.z", "main.a", "main.m"), 1):
        go = b.go(goid, ts=0).run(1)
        go.park(100, "chan send", [f"{place} main.go:1"], obj=ONE).ready(110, by=9).run(111)
        length = 20 if place == "main.m" else 10
        go.park(200, "chan receive", [f"{place} main.go:2"], obj=ONE).ready(200 + length).run(300)
    return b


ALL_OF_IT = (
    "SELECT obj, senders, receivers, send_waits, send_ns, sending, receive_waits, receive_ns, "
    "receiving, selecting FROM channels ORDER BY obj"
)


@pytest.mark.parametrize(
    "blueprint",
    [
        Blueprint(
            "who waits, who wakes, who still waits",
            queues,
            ALL_OF_IT,
            # Goroutine 9 was at ONE already when the recording began, and stays.
            [
                (ONE, 3, 2, 4, 10 + 30 + 50 + 950, 2, 1, 40, 0, 2),
                (TWO, 0, 1, 0, 0, 0, 1, 100, 1, 1),
            ],
        ),
        Blueprint(
            "where",
            queues,
            "SELECT send_function, receive_function FROM channels WHERE send_waits = 0",
            [(None, "main.get")],
        ),
        Blueprint(
            "where, of equally long ones at the first by name",
            equals,
            "SELECT send_function, receive_function FROM channels",
            [("main.a", "main.m")],
        ),
        Blueprint(
            "length and capacity as the snapshots show them",
            queues,
            "SELECT chan_len, chan_len_max, chan_cap, chan_closed, looked_ts FROM channels "
            "ORDER BY obj",
            [(5, 8, 8, True, 960), (None, None, None, None, None)],
        ),
        Blueprint(
            "a loss within a wait is told",
            lambda: queues().gap(205, 206),
            f"SELECT uncertain FROM channels WHERE obj = {ONE}",
            [(2,)],
        ),
    ],
    ids=str,
)
def test_blueprint(blueprint: Blueprint, tmp_path: Path) -> None:
    check(blueprint, tmp_path)


def test_selections(analyzed: Callable[..., Engine]) -> None:
    engine = analyzed(queues())
    assert channels.collect(engine, Selection(start=0, end=1000)) == channels.collect(engine)
    assert channels.collect(engine, Selection(goids=frozenset({5})))["obj"].to_pylist() == [TWO]
    (early,) = channels.collect(engine, Selection(start=90, end=150)).to_pylist()
    assert (early["send_waits"], early["chan_len"]) == (2, None)


@pytest.mark.parametrize(
    ("options", "expected"),
    [([], "5/8 closed"), (["--json"], '"receivers": 2'), (["--csv"], ",2,4,")],
)
def test_the_command_prints(
    options: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = queues().write(tmp_path / "t")
    cli.main(["channels", str(path), *options], standalone_mode=False)
    assert expected in capsys.readouterr().out
