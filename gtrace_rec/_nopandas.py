"""Keeps pyarrow from loading pandas, which costs a command 50 MB and a third of a second.

pyarrow loads it, where it is installed, the first time it makes an array of anything
(pyarrow/pandas-shim.pxi), and tries that only once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType

__all__ = ["without_pandas"]

_PANDAS = "pandas"


class _Refuses(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        if fullname == _PANDAS:
            raise ImportError("the command line does without it")


@contextmanager
def without_pandas() -> Iterator[None]:
    """Let nothing find pandas meanwhile."""
    refuses = _Refuses()
    sys.meta_path.insert(0, refuses)
    try:
        yield
    finally:
        sys.meta_path.remove(refuses)
