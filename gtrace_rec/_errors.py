"""The errors a user may meet, each with the exit status it ends the command with."""

__all__ = [
    "GoneError",
    "GtraceError",
    "HostError",
    "NotGoError",
    "TargetError",
    "TraceError",
    "UnsupportedGoError",
    "UsageError",
]


class GtraceError(Exception):
    """An expected failure: one line that says what, where, why and what to do next."""

    exit_code = 1


class TraceError(GtraceError):
    """A recording cannot be written or read."""


class UsageError(GtraceError):
    """The command was given something that cannot mean anything."""

    exit_code = 2


class TargetError(GtraceError):
    """The process or binary to record cannot be used: absent, not Go, foreign, gone."""


class GoneError(TargetError):
    """The process ended while it was looked at."""


class NotGoError(TargetError):
    """A program, but not one of Go's."""


class UnsupportedGoError(TargetError):
    """The binary is Go, but its layout is not one whose offsets are known to be right."""


class HostError(GtraceError):
    """This machine cannot record: kernel, permission or a missing package."""
