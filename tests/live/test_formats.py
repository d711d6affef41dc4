"""A recording is plain Parquet: other programs read its events by the directory's name alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.dataset as ds
import pytest

from live.recording import Recording, record

pytestmark = [pytest.mark.live, pytest.mark.go]


@pytest.fixture(scope="module")
def recording(
    tmp_path_factory: pytest.TempPathFactory, go_binary: Callable[..., Path]
) -> Recording:
    out = tmp_path_factory.mktemp("formats") / "trace.parquet"
    done = record(out, "--rotate-size", "64K", "--", go_binary("pulse.go"), "100003")
    assert done.returncode == 0, done.stderr
    return Recording(out)


def test_it_has_several_parts_and_nothing_in_progress(recording: Recording) -> None:
    parts = recording.manifest["parts"]
    assert len(parts) > 1
    assert {p["name"] for p in parts} == {f.name for f in recording.path.glob("*.parquet")} - {
        f.name for f in recording.path.glob("_*")
    }
    assert not list(recording.path.glob("*.arrows"))


def test_all_readers_find_the_same_events(recording: Recording) -> None:
    total = recording.manifest["totals"]["events"]
    frame = pd.read_parquet(recording.path)
    assert len(frame) == total
    counted = duckdb.sql(f"select count(*) from '{recording.path}/*.parquet'").fetchall()
    assert counted == [(total,)]
    assert ds.dataset(recording.path).count_rows() == total
    by_kind = {k: n for k, n in frame["kind"].value_counts().items() if n}
    assert by_kind == recording.manifest["totals"]["by_kind"]
