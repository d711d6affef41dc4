"""gtrace-analyze diff."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gtrace_analyze.commands import common

if TYPE_CHECKING:
    from gtrace_analyze.render.listing import Layout
    from gtrace_analyze.selection import Selection


@click.command(
    epilog="Examples: gtrace-analyze diff before.parquet after.parquet;  "
    "gtrace-analyze diff --all --func 'main\\.' before.parquet after.parquet"
)
@click.argument("a")
@click.argument("b")
@click.option("--all", "everything", is_flag=True, help="Also what is noise, or too few to tell.")
@common.selecting
@common.listing()
def command(a: str, b: str, everything: bool, selection: Selection, layout: Layout) -> None:
    """What changed from recording A to recording B, and what is only noise.

    Compared are how many goroutines are alive, and how many more are created and stay, by go
    statement; waits by place; and scheduling latency: the values in the twentieths of one recording
    with those in the other, by the Mann-Whitney U test (those alive have to differ in their mean
    numbers, too, by more than chance). Q is the p-value, corrected for the number of comparisons
    (Benjamini and Hochberg). "changed" means Q of at most 0.01, and by at least 5 %.
    """
    from gtrace_analyze.analyses import diff
    from gtrace_analyze.render.diff import show_diff

    with common.opened_one(a) as before, common.opened_one(b) as after:
        compared = common.matching((before, after), selection, 2)
        plans = [trace.engine.recording.manifest.plan for trace in compared]
        if plans[0] != plans[1]:
            common.note(
                f"A was recorded with plan {plans[0]}, B with plan {plans[1]}: what only one of "
                'them watches is "only" in that one'
            )
        show_diff(diff.collect(before.engine, after.engine, selection), everything, layout)
