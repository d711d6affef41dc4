"""Keeps pyarrow from loading pandas, which would cost the recorder 50 MB and half a second.

pyarrow loads it, where it is installed, the first time it makes an array of anything
(pyarrow/pandas-shim.pxi), and tries that only once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

_PANDAS = "pandas"


class _Refuses(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        if fullname == _PANDAS:
            raise ImportError("the recorder does without it")


def arrow_alone() -> None:
    """Load pyarrow, and let it find no pandas, now or later; others of this process will."""
    refuses = _Refuses()
    sys.meta_path.insert(0, refuses)
    try:
        import pyarrow as pa

        pa.array([0])
    finally:
        sys.meta_path.remove(refuses)
