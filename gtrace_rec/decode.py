"""From blocks of ring records to Arrow: whole columns at a time, no Python per event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gtrace_rec.loader import K_GAP
from gtrace_rec.plan import KIND_CODES
from gtrace_rec.ring import Block, creations
from gtrace_rec.schema import EVENT_KINDS, EVENTS

_PARK = KIND_CODES["park"]
_KINDS = pa.array([k.name for k in EVENT_KINDS])


class Decoder:
    """Turns the records of one binary's ring into batches of schema.EVENTS."""

    def __init__(self, wait_reasons: Sequence[str]) -> None:
        """`wait_reasons` are the names the binary's Go version has for its numbers."""
        # Reason 0 has no name; Arrow wants one for each code, and none is ever used unless seen.
        self._reasons = pa.array([name or "unspecified" for name in wait_reasons])

    def batch(
        self, block: Block, stack_ids: NDArray[np.int32], load_bias: Mapping[int, int | None]
    ) -> pa.RecordBatch:
        """The events of `block` (no gaps among them).

        `stack_ids` are the recording's numbers of their stacks, -1 for none; `load_bias` is, by
        pid, what was added to the binary's addresses at load; None where that is not known.
        """
        kind = block["kind"]
        pc = block["pc"].astype(np.int64)
        obj = block["obj"].astype(np.int64)
        created = creations(block)
        for pid, bias in load_bias.items():
            if bias == 0:
                continue
            here = block["pid"] == pid
            for column, rows in ((pc, here), (obj, here & created)):
                if bias is None:
                    column[rows] = 0
                else:
                    column[rows & (column != 0)] -= bias
        columns = [
            pa.array(block["ts"].astype(np.int64)),
            pa.DictionaryArray.from_arrays(pa.array(kind.astype(np.int8)), _KINDS),
            pa.array(block["goid"].astype(np.int64)),
            pa.array(block["pid"].astype(np.int32)),
            pa.array(block["tid"].astype(np.int32)),
            pa.array(block["cpu"].astype(np.int16)),
            _nullable(block["other_goid"].astype(np.int64)),
            pa.DictionaryArray.from_arrays(
                pa.array(block["reason"].astype(np.int8), mask=kind != _PARK), self._reasons
            ),
            pa.array(stack_ids, mask=stack_ids < 0),
            _nullable(pc),
            _nullable(obj),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=EVENTS)


def _nullable(values: NDArray[np.int64]) -> pa.Array:
    return pa.array(values, mask=values == 0)


def split_gaps(block: Block) -> tuple[Block, Block]:
    """The events of a block, and the records that tell of losses."""
    is_gap = block["kind"] == K_GAP
    if not is_gap.any():
        return block, block[:0]
    return block[~is_gap], block[is_gap]
