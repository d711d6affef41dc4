"""What can be asked in SQL: the views and their columns."""

from __future__ import annotations

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
            raise UsageError(f"{name!r} is no view; there are {', '.join(known)}")
    if names:
        return [known[name] for name in names]
    return [o for o in known.values() if inner or not o.name.startswith(_INNER)]
