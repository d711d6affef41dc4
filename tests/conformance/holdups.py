"""How often this machine holds a program up without its kernel's knowing."""

from __future__ import annotations

import re
import subprocess

import numpy as np
import pandas as pd

import toolchains
from conformance.observe import PROGRAMS, interludes

_HELD = re.compile(r"held up (\d+) (\d+) (\d+)")


def hold_ups(seconds: int) -> pd.DataFrame | None:
    """What held up a program that does nothing but read the clock, for 20 µs or more each time.

    One row for each: `ns` and `unseen_ns`, the part in which its kernel had its thread run. None
    where the kernel's tracepoints cannot be had.
    """
    program = toolchains.build(toolchains.NEWEST, PROGRAMS / "witness")
    with interludes(program.name) as seen:
        command = [str(program), str(seconds), "-", "clock"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    if seen is None:
        return None
    found = np.array(_HELD.findall(done.stdout), np.int64).reshape(-1, 3)
    tid, ts, ts_end = found.T
    ns = ts_end - ts
    return pd.DataFrame({"ns": ns, "unseen_ns": ns - seen.within(tid, ts, ts_end)})
