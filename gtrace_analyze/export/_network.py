"""What went wrong on the way to a server, in a few words."""

from __future__ import annotations

__all__ = ["reason"]

_MOST = 300


def reason(error: BaseException) -> str:
    """The system's own words for the innermost cause, else the error's first line."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        # urllib3 keeps the cause of its last attempt there.
        inner = getattr(seen, "reason", None)
        seen = inner if isinstance(inner, BaseException) else seen.__cause__ or seen.__context__
    return " ".join(str(error).strip().split("\n")[0].split())[:_MOST] or type(error).__name__
