"""What Ctrl-C does while DuckDB works, and what it must not do."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

__all__ = ["interruptible", "undisturbed"]


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Within, Ctrl-C is a KeyboardInterrupt, of which DuckDB makes an error of its own."""
    try:
        yield
    except RuntimeError as e:
        if str(e) != "Query interrupted":
            raise
        raise KeyboardInterrupt from None


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Within, Ctrl-C is ignored: what ends anyway must leave no thread at work and no file."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python interrupts the main thread only
        return
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
