"""%%gtrace and what results look like, in an IPython of the test's own process."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import gtrace_analyze as ga
from export.scene import scene
from report.test_page import HOSTILE, leaky
from synth import Recording


@pytest.fixture
def shell() -> Generator[InteractiveShell]:
    made = InteractiveShell.instance()
    made.extension_manager.load_extension("gtrace_analyze")
    yield made
    made.extension_manager.unload_extension("gtrace_analyze")
    InteractiveShell.clear_instance()


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return scene().write(tmp_path / "t.parquet")


def _html(shell: InteractiveShell, value: Any) -> str:
    data, _ = shell.display_formatter.format(value)
    return str(data["text/html"])


def test_a_cell_of_sql_gives_rows(shell: InteractiveShell, trace: Path) -> None:
    rows = shell.run_cell_magic(
        "gtrace", f"'{trace}'", "SELECT goid, dur FROM waits ORDER BY ts LIMIT 2"
    )
    assert rows.to_dict("list")["goid"] == [7, 7]
    assert rows["dur"].tolist() == [100_000, 100_000]


@pytest.mark.parametrize("as_path", [True, False])
def test_a_variable_may_hold_the_trace(shell: InteractiveShell, trace: Path, as_path: bool) -> None:
    shell.user_ns["t"] = trace if as_path else ga.open(trace)
    assert shell.run_cell_magic("gtrace", "t", "SELECT count(*) AS n FROM events")["n"][0] == 12


def test_rows_can_be_kept_instead(shell: InteractiveShell, trace: Path) -> None:
    shell.user_ns["t"] = trace
    assert shell.run_cell_magic("gtrace", "t -o kept", "SELECT 41 + 1 AS n") is None
    assert shell.user_ns["kept"]["n"].tolist() == [42]


def test_a_recording_that_changed_is_read_again(shell: InteractiveShell, trace: Path) -> None:
    query = "SELECT count(*) AS n FROM events"
    assert shell.run_cell_magic("gtrace", str(trace), query)["n"][0] == 12
    shutil.rmtree(trace)
    b = Recording()
    b.go(7, parent=1, ts=5).run(8)
    b.write(trace)
    assert shell.run_cell_magic("gtrace", str(trace), query)["n"][0] == 2


@pytest.mark.parametrize(
    ("line", "cell", "said"),
    [
        ("t", "SELEC 1", "%%gtrace: Parser Error"),
        ("t", "DROP TABLE x", "only queries can be run here"),
        ("none.parquet", "SELECT 1", "%%gtrace: none.parquet: no such recording"),
        ("", "SELECT 1", "the following arguments are required: trace"),
    ],
)
def test_bad_input_is_one_line(
    shell: InteractiveShell, trace: Path, line: str, cell: str, said: str
) -> None:
    shell.user_ns["t"] = trace
    with pytest.raises(UsageError, match=said):
        shell.run_cell_magic("gtrace", line, cell)


def test_a_trace_shows_what_was_recorded(shell: InteractiveShell, trace: Path) -> None:
    html = _html(shell, ga.open(trace))
    assert "plan sched, stopped" in html
    assert "nothing lost, nothing uncertain" in html
    assert _html(shell, ga.open(trace).summary()) == html


def test_leaks_show_their_evidence_and_hostile_names_stay_text(
    shell: InteractiveShell, tmp_path: Path
) -> None:
    leaks = ga.open(leaky().write(tmp_path / "t.parquet")).leaks()
    html = _html(shell, leaks)
    assert html.count("<article") == len(HOSTILE)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert _html(shell, leaks[leaks["count"] > 100]).count("No leaks found.") == 1
    assert _html(shell, leaks.head(2)).count("<article") == 2
    some = _html(shell, leaks[["function", "count"]])
    assert "<table" in some
    assert "<script" not in some


def test_lengths_of_time_are_written_with_their_units(shell: InteractiveShell, trace: Path) -> None:
    rows = ga.open(trace).sql(
        "SELECT * FROM (VALUES (1500000, 'a'), (NULL, 'b')) AS t(wait_ns, name)"
    )
    assert rows["wait_ns"][0] == 1_500_000
    html = _html(shell, rows)
    assert "<td>1.50ms</td>" in html
    assert "<td>-</td>" in html
    assert "NA" not in html
    assert type(rows.head(1)).__name__ == "Table"


def test_long_tables_show_their_ends(shell: InteractiveShell, trace: Path) -> None:
    rows = ga.open(trace).sql("SELECT range AS n FROM range(1000)")
    with pd.option_context("display.max_rows", 10):
        html = _html(shell, rows)
    assert html.count("<tr>") == 10
    assert "first and last 5 of 1,000 rows" in html


def test_figures_are_shown(shell: InteractiveShell, trace: Path) -> None:
    data, metadata = shell.display_formatter.format(ga.open(trace).timeline())
    assert data["image/png"].startswith(b"\x89PNG")
    assert metadata["image/png"]["width"] == 935
    data, _ = shell.display_formatter.format(ga.open(trace).plot_park())
    assert data["image/png"].startswith(b"\x89PNG")
