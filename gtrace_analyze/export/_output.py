"""Where exports go: a file that is there once it is whole, standard output, or a directory."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gtrace_analyze._errors import GtraceError, UsageError

__all__ = ["STDOUT", "new_directory", "new_file", "stream"]

STDOUT = "-"


@contextlib.contextmanager
def stream(target: str) -> Iterator[BinaryIO]:
    """A file to write, or standard output. Raises GtraceError if it cannot be written."""
    if target == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with new_file(target) as draft, _explained(target), draft.open("wb") as out:
        yield out


@contextlib.contextmanager
def new_file(target: str) -> Iterator[Path]:
    """A path to write to, which becomes `target` when the block is left without an error."""
    path = Path(target)
    if path.is_dir():
        raise UsageError(f"{path}: is a directory; name a file in it")
    if path.exists() and not path.is_file():  # a pipe, a terminal, /dev/null
        yield path
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with _explained(target):
            draft.touch()
            draft.unlink()
        yield draft
        with _explained(target):
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextlib.contextmanager
def new_directory(target: str, force: bool = False) -> Iterator[Path]:
    """A directory to fill, which becomes `target` when the block is left without an error.

    Raises UsageError if there is something at `target` already, unless `force` replaces it.
    """
    path = Path(target)
    if target == STDOUT:
        raise UsageError("this format is a directory of files: name one with -o DIRECTORY")
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path}: is a file; this format needs a directory")
    if path.exists() and any(path.iterdir()) and not force:
        raise UsageError(f"{path}: is not empty; --force replaces it")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with _explained(target):
            draft.mkdir(parents=True)
            yield draft
            if path.exists():
                shutil.rmtree(path)
            draft.replace(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextlib.contextmanager
def _explained(target: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as e:
        raise GtraceError(
            f"{target}: cannot be written: {e.strerror or e}; nothing was left"
        ) from None
