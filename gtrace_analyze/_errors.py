"""The errors a user may meet, each with the exit status it ends the command with."""

from pathlib import Path

from gtrace_rec.schema import GtraceError, TraceError

__all__ = ["DamageError", "GtraceError", "QueryError", "TraceError", "UsageError"]


class UsageError(GtraceError):
    """The command was given something that cannot mean anything."""

    exit_code = 2


class QueryError(GtraceError):
    """The user's own SQL cannot be run."""


class DamageError(TraceError):
    """A part of the recording turned out unreadable while it was read."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(
            f"{file}: {why}; a copy of the file from elsewhere makes the recording whole again"
        )
        self.name = file.name
        self.why = why
