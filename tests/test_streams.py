"""Streams turn into Parquet files with all their rows, in row groups that are worth reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gtrace_rec import streams

SCHEMA = pa.schema([("ts", pa.int64())])


@pytest.mark.parametrize(
    ("batches", "groups"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([3], [3], id="little"),
        pytest.param([40, 40, 30], [110], id="a batch across the size of a group"),
        pytest.param([100, 20], [100, 20], id="a rest"),
        pytest.param([200, 100], [100, 100, 100], id="a batch of two groups"),
        pytest.param([190], [95, 95], id="a batch of almost two groups"),
    ],
)
def test_row_groups_are_about_as_large_as_wanted_and_none_is_empty(
    batches: list[int], groups: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_ROW_GROUP", 100)
    stream = streams.Stream(tmp_path / "stream", SCHEMA)
    numbers = np.arange(sum(batches))
    for batch in np.split(numbers, np.cumsum(batches)[:-1]) if batches else []:
        stream.append(pa.record_batch([pa.array(batch)], schema=SCHEMA))
    stream.close()
    file = tmp_path / "file.parquet"
    streams.to_parquet(tmp_path / "stream", file, SCHEMA)
    metadata = pq.read_metadata(file)
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == groups
    assert pq.read_table(file)["ts"].to_pylist() == numbers.tolist()
