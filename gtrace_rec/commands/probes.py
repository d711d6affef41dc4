"""`gtrace-rec probes`: which instructions of a binary a plan would watch."""

from __future__ import annotations

from pathlib import Path

import click

from gtrace_rec.quantities import PLANS


@click.command(
    epilog="""\b
Examples:
  gtrace-rec probes ./server
  gtrace-rec probes --plan park --json /proc/4242/exe
""",
)
@click.argument("binary", type=click.Path(path_type=Path))
@click.option(
    "--plan",
    type=click.Choice(PLANS),
    default="full",
    show_default=True,
    help="The plan whose sites to list.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(binary: Path, plan: str, as_json: bool) -> None:
    """List the instructions of the Go runtime in BINARY that a recording would probe.

    For each: the cheapest plan that includes it, the kind of event it tells of, where it is called
    from and what, its address, the bytes expected there, and what a hit costs: the kernel emulates
    some instructions (about 1 µs), and must single-step others (several times that).
    """
    import dataclasses
    import json

    from gtrace_rec.goruntime import open_binary
    from gtrace_rec.plan import Plan, find_sites

    sites, missing = find_sites(open_binary(binary), Plan[plan.upper()])
    if as_json:
        rows = [{"plan": str(s.plan)} | dataclasses.asdict(s.probe(attached=False)) for s in sites]
        click.echo(json.dumps({"sites": rows, "missing": missing}, indent=1, ensure_ascii=False))
        return
    click.echo(f"{'PLAN':<9} {'EVENT':<14} {'ADDRESS':>10} {'BYTES':<10} {'COST':<8} SITE")
    for s in sites:
        place = f"{s.address:>#10x} {s.expected.hex():<10}"
        click.echo(f"{s.plan!s:<9} {s.kind:<14} {place} {s.cost:<8} {s.name}")
    for sentence in missing:
        click.echo(f"gtrace-rec: {sentence}", err=True)
