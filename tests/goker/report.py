"""Write docs/goker.md: what gtrace finds in GoKer, program by program.

python tests/goker/report.py [NAME...]
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from goker import expected, harness  # noqa: E402
from goker.fixes import FIXES  # noqa: E402
from goker.harness import Outcome  # noqa: E402
from goker.holding import Holding  # noqa: E402

HEAD = """# GoKer, from outside

GoKer is a collection of real concurrency bugs of large Go projects; Go {version} carries {programs}
of them as the test of its own goroutine leak profile. Here each program is built stripped (`-s -w`)
and recorded by `gtrace-rec --exe` with a snapshot every 100 ms. At its end it prints Go's profile,
which names the leaked goroutines one by one: that is the witness. The other goroutines go on while
it prints, so it prints the profile once more after the recorder's last look. Written by
`python tests/goker/report.py`.

| column | meaning |
|---|---|
| leaked | goroutines that Go's profile calls leaked |
| later | those that only the second profile calls so |
| leak | goroutines of these two that `gtrace-analyze leaks` reports as `leak` |
| suspect | those of them it reports as `suspect` |
| missed | those of them it does not report; see [below](#what-was-missed) |
| beyond | reported, but in neither profile; see [below](#what-neither-profile-names) |
| woken | called unreachable by a search of memory, and yet did something afterwards: false ones |

"""

MISSED = """
## What was missed

A search of memory calls a goroutine lost only if no word that may be in use refers to what it
waits on. What does is looked up in the paused program, one by one: "kept by" is from where, and the
sizes of the objects between. Go's profile knows the types of all objects; a recorder outside takes
every word of them for a reference, so that nobody is called lost who is not.

| program | waits in | reason | missed | of | kept by |
|---|---|---|--:|--:|---|
"""

BEYOND = """
## What neither profile names

Each of these stands in the same function, for the same reason, as goroutines that the profile does
name (the column "like it"), or as Go's own test expects of this program: one round of many of its
loop, with the same bug; and none was woken again. The profile cannot see it, since the garbage
collector keeps what the goroutine waits on: Go puts objects of less than 16 bytes without pointers,
such as a `sync.Mutex` of its own, together into blocks of 16 bytes, which live as long as what is
in them, and this block is shared with what a variable of the program or of a library refers to for
good. Which one is looked up in the paused program, one by one: "kept by" is from where, and the
sizes of the objects between; where that is a stack, it is that of another goroutine that the
profile does not name either; "nothing" means that nothing does, and why the profile keeps it is not
known. For the same reason the search of memory proves nothing; the verdict
is `suspect`, since nobody got the lock any more or others like it are lost for certain, and `leak`
where the lock's holder is seen to stand still as well.

| program | waits in | reason | verdict | beyond | like it | kept by |
|---|---|---|---|--:|--:|---|
"""

EXPECTED = """
## What Go's test expects

`goroutineleakprofile_test.go` lists {listed} kinds of leaks (outermost function and wait reason)
of these programs, most of which depend on how goroutines are scheduled; {seen} of them happened in
this run. Of these, {found} were found{but}.
"""

FIXED = """
## Put right

In the same recording ran {count} of the programs with their bug put right (`tests/goker/fixes.py`);
the profile names nobody in them, and reported was nothing{but}: {names}.
"""


def main(names: list[str]) -> None:
    """Run the programs and write the page."""
    names = names or harness.names()
    with tempfile.TemporaryDirectory() as folder:
        broken, fixed = (
            harness.build(Path(folder) / "broken"),
            harness.build(Path(folder) / "fixed", FIXES),
        )
        twin = harness.build(Path(folder) / "twin", mode="plain")
        chosen = [(broken, name) for name in names] + [(fixed, name) for name in FIXES]
        outcomes = harness.run_all(Path(folder) / "trace", chosen, Holding(broken, twin))
    (ROOT / "docs" / "goker.md").write_text(page(outcomes[: len(names)], outcomes[len(names) :]))


def page(outcomes: list[Outcome], fixed: list[Outcome]) -> str:
    """The page as Markdown."""
    programs = len(outcomes)
    text = HEAD.format(version=harness.VERSION, programs=programs)
    text += "| program | leaked | later | leak | suspect | missed | beyond | woken |\n"
    text += "|---|--:|--:|--:|--:|--:|--:|--:|\n"
    text += "".join(_row(o.name, *numbers(o)) for o in outcomes)
    total = [sum(column) for column in zip(*map(numbers, outcomes), strict=True)]
    text += _row(f"**all {programs}**", *(f"**{n:,}**" for n in total))
    if missed := "".join(_missed(outcomes)):
        text += MISSED + missed
    if beyond := "".join(_beyond(outcomes)):
        text += BEYOND + beyond
    return text + _expected(outcomes) + _fixed(fixed)


def numbers(o: Outcome) -> list[int]:
    """The columns of one program."""
    named = set(o.named)
    sets = (o.leaked, o.later, named & o.found, named & o.suspected, o.missed, o.beyond, o.woken)
    return [len(s) for s in sets]


def _missed(outcomes: list[Outcome]) -> Iterator[str]:
    for o in outcomes:
        there = Counter(stack.place for stack in o.named.values())
        missed = Counter(o.named[goid].place for goid in o.missed)
        for (function, reason), count in missed.items():
            those = {goid for goid in o.missed if o.named[goid].place == (function, reason)}
            kept = _kept_by(o, those)
            yield _row(o.name, f"`{function}`", reason, count, there[function, reason], kept)


def _beyond(outcomes: list[Outcome]) -> Iterator[str]:
    patterns = expected.expected()
    for o in outcomes:
        for group in o.groups:
            if those := o.beyond & set(group.goids):
                like = o.like(group) or "none"
                if expected.expects(patterns.get(o.name, []), group):
                    like = f"{like}, and Go's test expects it"
                cells = (group.reason, group.verdict, len(those), like, _kept_by(o, those))
                yield _row(o.name, f"`{group.function}`", *cells)


def _kept_by(o: Outcome, goids: set[int]) -> str:
    """Where what they wait on is referred to from, each once."""
    return "; ".join(sorted({_why_kept(o, goid) for goid in goids}))


def _why_kept(o: Outcome, goid: int) -> str:
    return (
        "it came to wait since the last search"
        if goid in o.late
        else o.held_by.get(goid, "nothing")
    )


def _expected(outcomes: list[Outcome]) -> str:
    patterns = expected.expected()
    kinds = [
        (o, pattern.pattern, goids)
        for o in outcomes
        for pattern, goids in expected.kinds_in(o, patterns.get(o.name, []))
    ]
    seen = [kind for kind in kinds if kind[2]]
    lacking = [f"{o.name} (`{pattern}`)" for o, pattern, goids in seen if not goids & o.reported]
    return EXPECTED.format(
        listed=len(kinds), seen=len(seen), found=len(seen) - len(lacking), but=_but(lacking)
    )


def _fixed(fixed: list[Outcome]) -> str:
    lacking = [o.name for o in fixed if o.groups or o.named]
    names = ", ".join(o.name for o in fixed)
    return FIXED.format(count=len(fixed), names=names, but=_but(lacking))


def _but(lacking: Iterable[str]) -> str:
    listed = ", ".join(lacking)
    return f", but in {listed}" if listed else ""


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |\n"


if __name__ == "__main__":
    main(sys.argv[1:])
