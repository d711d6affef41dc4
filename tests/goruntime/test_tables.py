"""The committed tables are what the toolchains say, and are read as they must be."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from goruntime.support import shapes
from gtrace_rec.goruntime.offsets import M_TRUSTED_BELOW, dwarf_offsets, load_table
from gtrace_rec.goruntime.versions import SUPPORTED, TOOLCHAINS, parse_version
from tools import generate_tables

WITH_TOOLCHAIN = [(release, version) for release, version in TOOLCHAINS.items() if version]


@pytest.mark.go
@pytest.mark.parametrize(("release", "version"), WITH_TOOLCHAIN)
def test_a_table_is_what_its_generator_writes(release: str, version: str) -> None:
    written = (generate_tables.TABLES / f"go{release}.json").read_text()
    assert written == generate_tables.render(release, version), (
        "run: python -m tools.generate_tables"
    )


@pytest.mark.go
@pytest.mark.parametrize(("release", "version"), WITH_TOOLCHAIN)
def test_a_table_agrees_with_the_debug_information_of_another_program(
    release: str, version: str
) -> None:
    table = load_table(release)["offsets"]
    for mode in ("plain", "pie", "cgo", "arm64"):
        found = dwarf_offsets(shapes(version, mode).image)
        assert found.items() >= {k: v for k, v in table.items() if k in found}.items()
        assert {"g.goid", "g.waiting", "m.curg", "hchan.lock", "moduledata.gofunc"} <= found.keys()
    stripped = shapes(version, "stripped").offsets
    assert stripped.source == f"table go{release}"
    assert stripped.items() <= table.items()
    dropped = table.keys() - stripped.keys()
    assert all(f.startswith("m.") and table[f] >= M_TRUSTED_BELOW for f in dropped)
    assert "m.waitlock" in dropped
    assert "m.procid" in stripped


@pytest.mark.parametrize("release", SUPPORTED)
def test_every_supported_release_has_a_table_that_says_where_it_comes_from(release: str) -> None:
    text = (files("gtrace_rec.goruntime") / "tables" / f"go{release}.json").read_text()
    first = text.splitlines()[0]
    origin = "the source of go1.20.6" if TOOLCHAINS[release] is None else f"DWARF of go{release}."
    assert "generated" in first
    assert origin in first
    table = json.loads(text)
    assert {"offsets", "wait_reasons"} < table.keys()
    assert table["offsets"]["g.goid"] == (160 if release in ("1.23", "1.24") else 152)


def test_tables_of_one_release_name_the_fields_of_the_next() -> None:
    """A field may come or go with a release; most stay, and 1.20, made by hand, has them all.

    All but those of the heap: without them it is not searched, which is no loss but of an answer.
    """
    before, by_hand, after = (load_table(r)["offsets"].keys() for r in ("1.19", "1.20", "1.21"))
    of_heap = ("mheap.", "mspan.", "special.", "wbBuf.", "p.gcw", "p.wbBuf")
    heap = {f for f in before if f.startswith(of_heap)}
    assert (before & after) - heap <= by_hand <= before | after


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("go1.27", "1.27"),
        ("go1.27.3", "1.27"),
        ("go1.27rc1", "1.27"),
        ("go1.24.1 X:boringcrypto", "1.24"),
        ("go1.22.1-bigcorp", "1.22"),
        ("go1.21.0 (Red Hat 1.21.0-2.el9)", "1.21"),
        ("go1.27beta1", None),
        ("devel go1.27-4b7d2ad Mon", None),
        ("go1.18.3", None),
        ("go1.28", None),
        ("go1.99.1", None),
    ],
)
def test_the_table_for_a_version(text: str, table: str | None) -> None:
    version = parse_version(text)
    assert version is not None
    assert version.table == table


@pytest.mark.parametrize("text", ["", "unknown", "go2.1", "gopher", "v1.27.3"])
def test_what_is_no_version(text: str) -> None:
    assert parse_version(text) is None
