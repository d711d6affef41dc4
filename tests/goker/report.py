"""Write docs/goker.md: what gtrace finds in GoKer, program by program.

python tests/goker/report.py [NAME...]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from goker import harness  # noqa: E402
from goker.harness import Outcome  # noqa: E402

HEAD = """# GoKer, from outside

GoKer is a collection of real concurrency bugs of large Go projects; Go {version} carries it as the
test of its own goroutine leak profile. Here each program is built stripped (`-s -w`) and recorded
by `gtrace-rec --exe` with a snapshot every 100 ms. At its end it prints Go's profile, which names
the leaked goroutines one by one: that is the witness. Written by `python tests/goker/report.py`.

| column | meaning |
|---|---|
| leaked | goroutines that Go's profile calls leaked |
| leak | those of them that `gtrace-analyze leaks` reports as `leak` |
| suspect | those it reports as `suspect`, most of them because their like is lost for certain |
| missed | those it does not report: {missed} |
| beyond | reported, but not in the profile: they came to stand after the profile had looked |
| woken | called unreachable by a search of memory, and yet did something afterwards: false ones |

"""

MISSED = (
    "a word left over on a stack, in a register saved there or in the runtime's own records looks "
    "like a reference to what they wait on, so that they may yet be woken as far as memory tells"
)


def main(names: list[str]) -> None:
    """Run the programs and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        binary = harness.build(Path(folder))
        outcomes = harness.run_all(binary, Path(folder) / "trace", names or harness.names())
    (ROOT / "docs" / "goker.md").write_text(page(outcomes))


def page(outcomes: list[Outcome]) -> str:
    """The page as Markdown."""
    rows = [
        "| program | leaked | leak | suspect | missed | beyond | woken |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    rows += [f"| {o.name} | {' | '.join(map(str, numbers(o)))} |" for o in outcomes]
    total = [sum(column) for column in zip(*map(numbers, outcomes), strict=True)]
    rows.append(f"| **all {len(outcomes)}** | {' | '.join(f'**{n}**' for n in total)} |")
    return HEAD.format(version=harness.VERSION, missed=MISSED) + "\n".join(rows) + "\n"


def numbers(o: Outcome) -> list[int]:
    """The columns of one program."""
    sets = (o.leaked, o.leaked & o.found, o.leaked & o.suspected, o.missed, o.beyond, o.woken)
    return [len(s) for s in sets]


if __name__ == "__main__":
    main(sys.argv[1:])
