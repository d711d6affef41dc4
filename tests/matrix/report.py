"""Write which Go and which builds are recorded, as the matrix shows it: docs/support.md, README.md.

python tests/matrix/report.py
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from gtrace_rec.goruntime.versions import TOOLCHAINS  # noqa: E402
from live import lives  # noqa: E402
from matrix import harness  # noqa: E402
from matrix.harness import Cell  # noqa: E402

README, PAGE = ROOT / "README.md", ROOT / "docs" / "support.md"
BEGIN, END = "<!-- support -->\n", "<!-- /support -->\n"

TITLES = {
    "plain": "`go build`",
    "stripped": "`-s -w`",
    "pie": "PIE",
    "pie-stripped": "PIE, `-s -w`",
    "cgo": "cgo, linked by gcc",
}

HEAD = """# Which Go programs are recorded

Written by `python tests/matrix/report.py`; the tests record the same again, and fail where this
page says otherwise.

"""
LEGEND = f"""
A tick is a build of [one program](../tests/programs/lives.go) of which `gtrace-rec --exe` recorded
two processes, and

- of the one that ran to its end every event was there and none made up: {{created}} goroutines
  created, {{parked}} waits with their reasons, {{woken}} wake-ups with their wakers and {{ended}}
  exits, none lost;
- of the one whose {harness.BLOCKED} goroutines stayed blocked the wait reason, the go statement and
  every frame outside the runtime, by function, file and line, were those of Go's own dump
  (`SIGQUIT`): in the last event of each goroutine, and in the snapshot from memory.

Where the runtime's fields lie is asked of the binary's DWARF; of stripped ones (`-s -w`) it is
known from a table of their Go release, and checked on the process before any probe is attached.
No toolchain of Go 1.20 was to be had: its table is from its source, and what was recorded of it is
esbuild, as others built it, stripped. Any other Go is recorded if the binary has DWARF, and else
refused by name.

The binaries are of amd64. Those of arm64 are read, and their probes found, in tests on
cross-compiled programs of each of these versions; recording there is untested.
"""


def main() -> None:
    """Record everything, and write both files."""
    cells = {(v, m): c for v in harness.VERSIONS for m, c in harness.run(v).items()}
    PAGE.write_text(page(cells))
    README.write_text(with_table(README.read_text(), cells))


def page(cells: Mapping[tuple[str, str], Cell]) -> str:
    """docs/support.md."""
    counts = {kind: sum(lives.expected(kind, ()).values()) for kind in lives.KINDS}
    legend = LEGEND.format(
        created=counts["create"],
        parked=counts["park"],
        woken=counts["ready"],
        ended=counts["exit"],
    )
    return HEAD + table(cells) + legend


def with_table(readme: str, cells: Mapping[tuple[str, str], Cell]) -> str:
    """The README with the table between its markers. Raises ValueError if it has none."""
    before, _, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{README}: no {BEGIN.strip()} and {END.strip()}")
    return before + BEGIN + table(cells) + END + after


def table(cells: Mapping[tuple[str, str], Cell]) -> str:
    """One row for each release, one column for each kind of build."""
    lines = [
        f"| Go | {' | '.join(TITLES[mode] for mode in harness.MODES)} |",
        f"|---|{':-:|' * len(harness.MODES)}",
    ]
    for release, version in TOOLCHAINS.items():
        shown = [_mark(cells.get((version or "", mode))) for mode in harness.MODES]
        lines.append(f"| {version or release} | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def _mark(cell: Cell | None) -> str:
    return "untried" if cell is None else "✓" if cell.exact else "**no**"


if __name__ == "__main__":
    main()
