"""Tables are made after what they use, several at a time, and all stop when one fails."""

from __future__ import annotations

import threading

import pytest

from gtrace_analyze._turns import make_all
from gtrace_analyze.catalog import SqlObject


def _object(name: str, *uses: str, kind: str = "table") -> SqlObject:
    return SqlObject(name, kind, "", "", {}, "", frozenset(uses))


class _Maker:
    """Notes what it made; at `together`, waits until as many are being made."""

    def __init__(self, made: list[str], together: threading.Barrier | None = None) -> None:
        self._made, self._together = made, together
        self.interrupted = threading.Event()

    def make(self, o: SqlObject) -> None:
        if self._together and o.name in "ab":
            self._together.wait(10)
        if o.name == "fails":
            raise ValueError(o.name)
        if o.name == "lasts" and not self.interrupted.wait(10):
            raise AssertionError("not interrupted")
        self._made.append(o.name)

    def interrupt(self) -> None:
        self.interrupted.set()


def test_each_comes_after_what_it_uses_by_way_of_views_too() -> None:
    objects = [
        _object("first"),
        _object("seen", "first", kind="view"),
        _object("there"),
        _object("last", "seen", "there"),
        _object("between", "first"),
        _object("end", "last", "between"),
    ]
    made: list[str] = []
    begun: list[str] = []
    tables = [o for o in objects if o.kind == "table" and o.name != "there"]
    make_all(tables, objects, [_Maker(made), _Maker(made)], begun.append)
    assert sorted(made) == sorted(begun) == ["between", "end", "first", "last"]
    assert made[0] == "first"
    assert made[-1] == "end"


def test_as_many_are_made_at_a_time_as_there_are_makers() -> None:
    made: list[str] = []
    both = threading.Barrier(2)
    objects = [_object("a"), _object("b")]
    make_all(objects, objects, [_Maker(made, both), _Maker(made, both)], lambda name: None)
    assert sorted(made) == ["a", "b"]


def test_the_first_failure_interrupts_what_else_is_made_and_is_raised() -> None:
    made: list[str] = []
    objects = [_object("lasts"), _object("fails"), _object("never", "fails")]
    makers = [_Maker(made), _Maker(made)]
    with pytest.raises(ValueError, match="fails"):
        make_all(objects, objects, makers, lambda name: None)
    assert made == ["lasts"]
    assert all(maker.interrupted.is_set() for maker in makers)
