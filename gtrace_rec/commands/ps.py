"""`gtrace-rec ps`: the Go programs that run."""

from __future__ import annotations

import click


@click.command(
    epilog="""\b
Examples:
  gtrace-rec ps
  gtrace-rec ps --json | jq '.[] | select(.goroutines > 1000)'
""",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the Go programs that run: their Go, how many goroutines live, and what prevents
    recording them.

    Goroutines are counted in the program's memory, the runtime's own included, without stopping
    it. Only programs that this user may look at are listed: root sees all.
    """
    import dataclasses
    import json
    import shlex

    from gtrace_rec.processes import running_go

    found = list(running_go())
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(p) for p in found], indent=1, ensure_ascii=False))
        return
    if not found:
        click.echo("gtrace-rec: no Go program runs that this user may look at", err=True)
        return
    click.echo(f"{'PID':>7}  {'GO':<10} {'SYMBOLS':<8} {'GOROUTINES':>10}  COMMAND")
    for p in found:
        symbols = "?" if p.stripped is None else "stripped" if p.stripped else "yes"
        count = "?" if p.goroutines is None else f"{p.goroutines:,}"
        command_line = shlex.join(p.argv)[:80]
        click.echo(
            f"{p.pid:>7}  {p.go_version or '?':<10} {symbols:<8} {count:>10}  {command_line}"
        )
        if p.problem:
            click.echo(f"{'':>7}  cannot be recorded: {p.problem}")
