"""What all tests share: Go programs, and the rule that live tests must not be skipped quietly."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

import toolchains
from live_support import obstacle

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "tests" / "programs"


@pytest.fixture(scope="session")
def go_binary() -> Callable[..., Path]:
    """``go_binary(name, version=NEWEST, mode="plain")``: a program of tests/programs, built."""

    def build(name: str, version: str = toolchains.NEWEST, mode: str = "plain") -> Path:
        return toolchains.build(version, PROGRAMS / name, mode)

    return build


@pytest.fixture(scope="session")
def repo() -> Path:
    """The root of the repository."""
    return ROOT


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-live",
        action="store_true",
        default=os.environ.get("CI") == "true",
        help="fail live tests that are skipped although the kernel could run them (default if CI)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    found = obstacle()
    for item in items:
        if item.get_closest_marker("live") is None:
            continue
        if found and not (found.setup and config.getoption("require_live")):
            item.add_marker(pytest.mark.skip(reason=f"live: {found.reason}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.get_closest_marker("live") is None or not item.config.getoption("require_live"):
        return report
    found = obstacle()
    if report.skipped and not hasattr(report, "wasxfail") and (found is None or found.setup):
        report.outcome = "failed"
        report.longrepr = f"{report.longrepr}\nskipped, but this kernel can run live tests"
    return report
