"""`gtrace-rec doctor`: can this machine record, and this program be recorded?"""

from __future__ import annotations

import click


@click.command(
    epilog="""\b
Examples:
  gtrace-rec doctor
  gtrace-rec doctor ./server
  gtrace-rec doctor 4242
""",
)
@click.argument("program", required=False, metavar="[BINARY|PID]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(program: str | None, as_json: bool) -> int:
    """Check this machine, and a program if one is named; say what to do about what is missing.

    Exits 1 if something rules out recording.
    """
    import dataclasses
    import json

    from gtrace_rec.doctor import check_program
    from gtrace_rec.hostcheck import check_host

    checks = list(check_host())
    if program is not None:
        checks += check_program(program)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(c) for c in checks], indent=1))
    else:
        for c in checks:
            mark = "ok  " if c.ok else ("FAIL" if c.required else "note")
            click.echo(f"{mark}  {c.name:<13} {c.found}")
            if not c.ok:
                click.echo(f"      {'':<13} → {c.remedy}")
    return int(any(c.required and not c.ok for c in checks))
