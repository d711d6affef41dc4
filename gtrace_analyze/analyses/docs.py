"""What can be asked in SQL: the views and their columns."""

from __future__ import annotations

import difflib

from gtrace_analyze import catalog
from gtrace_analyze._errors import UsageError
from gtrace_analyze.catalog import SqlObject

__all__ = ["collect"]

_INNER = ("stg_", "int_")


def collect(names: tuple[str, ...] = (), inner: bool = False) -> list[SqlObject]:
    """The documented objects, those named or all; with `inner`, also those below the surface.

    Raises UsageError if one of the names is none.
    """
    known = {o.name: o for o in sorted(catalog.load(), key=lambda o: (o.layer, o.name))}
    for name in names:
        if name not in known:
            public = [o for o in known if not o.startswith(_INNER)]
            near = " or ".join(map(repr, difflib.get_close_matches(name, public)))
            meant = f"did you mean {near}? " if near else ""
            raise UsageError(f"{name!r} is no view; {meant}all of them: gtrace-analyze docs")
    if names:
        return [known[name] for name in names]
    return [o for o in known.values() if inner or not o.name.startswith(_INNER)]
