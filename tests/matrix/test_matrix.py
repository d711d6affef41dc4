"""Every Go and every kind of build: events by number, stacks as Go's own dump has them."""

from __future__ import annotations

import pytest

import toolchains
from live import lives
from matrix import harness, report
from matrix.harness import Cell

pytestmark = [pytest.mark.live, pytest.mark.go]


@pytest.fixture(
    scope="module", params=[f"{v}-{m}" for v in harness.VERSIONS for m in harness.MODES]
)
def cell(request: pytest.FixtureRequest) -> Cell:
    version, _, mode = request.param.partition("-")
    return harness.run(version)[mode]


def test_the_build_is_what_it_is_called(cell: Cell, request: pytest.FixtureRequest) -> None:
    version, _, mode = request.node.callspec.params["cell"].partition("-")
    assert cell.binary["go_version"].startswith(f"go{version}")
    assert cell.binary["pie"] is ("pie" in mode)
    assert cell.binary["stripped"] is ("stripped" in mode)
    assert cell.binary["cgo"] is toolchains.MODES[mode].cgo
    assert cell.binary["missing"] == []
    release = ".".join(version.split(".")[:2])
    table = f"table go{release}"
    assert cell.binary["offsets_source"] == (table if "stripped" in mode else "DWARF")


@pytest.mark.parametrize("kind", lives.KINDS)
def test_every_event_is_there_and_none_made_up(cell: Cell, kind: str) -> None:
    assert cell.counted[kind] == cell.expected[kind]
    assert not any(cell.lost.values()), cell.lost


def test_stacks_of_blocked_goroutines_are_those_of_go_s_dump(cell: Cell) -> None:
    """Function, file and line of each frame, the wait reason, and the go statement."""
    assert len(cell.dumped) == harness.BLOCKED
    assert cell.parked == cell.dumped
    assert cell.seen == cell.dumped


def test_the_page_and_the_readme_say_what_is_shown_here() -> None:
    cells = {(v, m): c for v in harness.VERSIONS for m, c in harness.run(v).items()}
    assert report.PAGE.read_text() == report.page(cells)
    readme = report.README.read_text()
    assert readme == report.with_table(readme, cells)
