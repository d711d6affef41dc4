"""Times that do not agree are classed by what lies between the two notes."""

from __future__ import annotations

import pandas as pd
import pytest

from conformance.figures import why_apart

LATE = 5_000_000  # ns; a state that is noted so much too long or short does not agree


def seen(off_ns: int = 0, tid: int = 1, between: bool = False) -> pd.DataFrame:
    """Goroutine 7 was runnable for 1 ms, and its end noted LATE; `off_ns` the kernel knows of."""
    rows = [
        (7, 0, 500, "Runnable", 500, 2),
        (7, 1_000_000, 1_000_500 + LATE, "Running", 500 + LATE - off_ns, tid),
    ]
    if between:
        rows += [(8, 2_000_000, 2_000_500, "Runnable", 500, tid)]
    names = ["goid_w", "ts_w", "ts_r", "new_w", "apart_running", "tid_r"]
    both = pd.DataFrame(rows, columns=pd.Index(names))
    return both.assign(apart=both.ts_r - both.ts_w, moved_w=False)


@pytest.mark.parametrize(
    ("both", "reason"),
    [
        (seen(off_ns=LATE), "kernel"),
        (seen(off_ns=LATE - 100_000), "kernel and more"),
        (seen(), "unseen"),
        (seen(between=True), "program"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_why_times_differ(both: pd.DataFrame, reason: str) -> None:
    assert why_apart(both).tolist() == [reason]


def test_what_agrees_needs_no_reason() -> None:
    both = seen()
    both.loc[1, ["ts_r", "apart", "apart_running"]] = [1_000_500, 500, 500]
    assert why_apart(both).tolist() == []
