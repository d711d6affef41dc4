"""Times and numbers as people read them."""

from __future__ import annotations

import pytest

from gtrace_analyze.units import counted, duration, number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0, "0"),
        (1234567, "1,234,567"),
        (0.0, "0"),
        (0.0123456, "0.0123"),
        (2.345, "2.35"),
        (999.4, "999"),
        (999.6, "1,000"),
        (1053.7, "1,054"),
        (-1053.7, "-1,054"),
    ],
)
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (None, "-"),
        (0, "0ns"),
        (999, "999ns"),
        (1000, "1.00µs"),
        (9_994, "9.99µs"),
        (9_996, "10.0µs"),
        (999_499, "999µs"),
        (999_500, "1.00ms"),
        (59_900_000_000, "59.9s"),
        (59_960_000_000, "1m00s"),
        (3_599_400_000_000, "59m59s"),
        (3_599_600_000_000, "1h00m"),
        (25 * 3_600_000_000_000, "1d01h"),
        (-1_500, "-1.50µs"),
    ],
)
def test_lengths_of_time(ns: float | None, text: str) -> None:
    assert duration(ns) == text


def test_counts() -> None:
    assert counted(1, "wait") == "1 wait"
    assert counted(1200, "wait") == "1,200 waits"
    assert counted(2, "is", "are") == "2 are"
