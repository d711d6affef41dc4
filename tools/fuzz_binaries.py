"""Fuzz the readers of binaries, guided by coverage, with atheris.

    pip install -e '.[fuzz]'
    python -m tools.fuzz_binaries CORPUS [libFuzzer's options, such as -max_total_time=600]

An input is a list of edits of a sound binary (tests/goruntime/damage.py), not a binary: so it is
small, and hits what is read. Anything but an answer or gtrace's own error is a finding.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

# The readers are imported here, first, so that all of their code is instrumented.
with atheris.instrument_imports(include=["gtrace_rec.goruntime", "elftools"]):
    sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))
    from goruntime.damage import KINDS, Edit, damaged, exercise, sound

_PATH = Path(tempfile.mkdtemp(dir="/dev/shm")) / "binary"
_MAX_EDITS = 6


def one_input(data: bytes) -> None:
    """Damage a binary as this input says, and ask everything of it."""
    provider = atheris.FuzzedDataProvider(data)
    whole = sound(*KINDS[provider.ConsumeIntInRange(0, len(KINDS) - 1)])
    names = sorted(whole.regions)
    edits = []
    for _ in range(provider.ConsumeIntInRange(0, _MAX_EDITS)):
        region = names[provider.ConsumeIntInRange(0, len(names) - 1)]
        near = provider.ConsumeBool()
        at = provider.ConsumeIntInRange(0, 127 if near else whole.regions[region][1])
        edits.append(Edit(region, at, provider.ConsumeBytes(provider.ConsumeIntInRange(1, 16))))
    cut = None
    if provider.ConsumeIntInRange(0, 15) == 15:
        cut = provider.ConsumeIntInRange(0, len(whole.data))
    _PATH.write_bytes(damaged(whole, edits, cut))
    exercise(_PATH, sample=8)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
