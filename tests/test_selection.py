"""Names of packages in names of functions, and the hash that a sample goes by."""

from __future__ import annotations

import numpy as np
import pytest

from gtrace_rec.selection import Choice, goid_hash, package_of


@pytest.mark.parametrize(
    ("function", "package"),
    [
        ("main.main", "main"),
        ("net/http.(*Server).Serve.gowrap3", "net/http"),
        ("golang.org/x/sync/errgroup.(*Group).Go.func1", "golang.org/x/sync/errgroup"),
        ("gopkg.in/yaml%2ev3.Unmarshal", "gopkg.in/yaml.v3"),
        ("slices.SortFunc[go.shape.[]net/netip.Addr]", "slices"),
    ],
)
def test_package_of(function: str, package: str) -> None:
    assert package_of(function) == package


def test_hash_is_murmurs() -> None:
    """Values of fmix64 as computed by Austin Appleby's own code."""
    hashed = goid_hash(np.array([0, 1, 2, 1 << 40], np.int64))
    assert hashed[0] == 0
    assert hashed[1] == 0xB456BCFC34C2CB2C & 0xFFFFFFFF


@pytest.mark.parametrize("denominator", [2, 16, 100])
def test_a_sample_is_as_large_as_asked_for_whatever_the_stride(denominator: int) -> None:
    from fractions import Fraction

    threshold = Choice(Fraction(1, denominator)).threshold
    for stride in (1, 2, 16, 64, 97):
        goids = np.arange(1, 100_000 * stride, stride, np.int64)
        share = (goid_hash(goids) < threshold).mean()
        assert share == pytest.approx(1 / denominator, rel=0.1)
