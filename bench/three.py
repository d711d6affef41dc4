"""The recorder, but with probes for creation, parking and exit alone: ``python -m bench.three``."""

from __future__ import annotations

from gtrace_rec import programs
from gtrace_rec.commands import main
from gtrace_rec.goruntime import GoBinary
from gtrace_rec.plan import Plan, Site, find_sites

KINDS = ("create", "park", "exit")


def _three(binary: GoBinary, plan: Plan) -> tuple[list[Site], list[str]]:
    sites, missing = find_sites(binary, plan)
    return [s for s in sites if s.kind in KINDS], missing


if __name__ == "__main__":
    programs.find_sites = _three  # type: ignore[attr-defined]
    main()
