"""Starts a program so that it is recorded from its first instruction.

The child waits between fork and exec until the probes are on: they are bound to its pid and its
binary's inode, and come into force when exec maps it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator, Sequence

from gtrace_rec._errors import TargetError

# Python ignores these; a program started by a shell does not.
_PYTHON_IGNORES = (signal.SIGPIPE, signal.SIGXFSZ)


class Launched:
    """A child that has yet to become the program."""

    def __init__(self, command: Sequence[str]) -> None:
        """Fork. Raises TargetError if there is no such program."""
        path = shutil.which(command[0])
        if path is None:
            raise TargetError(f"{command[0]}: no such program, or not executable")
        self.path = path
        self._go_read, self._go_write = os.pipe()
        self._failed_read, self._failed_write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(command)

    def _become(self, command: Sequence[str]) -> None:
        try:
            os.close(self._go_write)
            if not os.read(self._go_read, 1):
                os._exit(127)  # the recorder gave up before it began
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            for number in _PYTHON_IGNORES:
                signal.signal(number, signal.SIG_DFL)
            os.execv(self.path, list(command))
        except OSError as e:
            os.write(self._failed_write, str(e.errno).encode())
        finally:
            os._exit(127)

    def go(self) -> None:
        """Let the child become the program; returns once it has.

        Raises TargetError if the kernel would not run it.
        """
        os.write(self._go_write, b"!")
        os.close(self._failed_write)
        # Ends at exec, since Python opens its descriptors close-on-exec.
        failed = os.read(self._failed_read, 16)
        self._close(self._go_read, self._go_write, self._failed_read)
        if failed:
            os.waitpid(self.pid, 0)
            raise TargetError(f"{self.path}: cannot be run: {os.strerror(int(failed))}")

    @contextlib.contextmanager
    def abandoned_on_failure(self) -> Iterator[None]:
        """End the child, before it became anything, if the block fails."""
        try:
            yield
        except BaseException:
            os.close(self._go_write)
            os.waitpid(self.pid, 0)
            self._close(self._go_read, self._failed_read, self._failed_write)
            raise

    @staticmethod
    def _close(*fds: int) -> None:
        for fd in fds:
            os.close(fd)
