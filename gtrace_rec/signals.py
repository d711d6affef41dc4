"""Signals: held back from the start, and taken one at a time between two looks at the ring."""

from __future__ import annotations

import signal

STOP = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
FORWARD = {signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}


def hold() -> None:
    """Block the signals that the recorder waits for.

    To be called before anything starts a thread (numpy and pyarrow do when imported): the kernel
    hands a signal to any thread that does not block it, and there it would end the process.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)


def stop_wanted() -> bool:
    """A signal to stop is held back at this moment; it stays so."""
    return not STOP.isdisjoint(signal.sigpending())


def hold_all() -> None:
    """Block those too that are passed on to a launched program, and the news of its end."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP | FORWARD | {signal.SIGCHLD})
