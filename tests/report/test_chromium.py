"""The report as Debian's Chromium shows it."""

from __future__ import annotations

import io
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import gtrace_analyze as ga
from chromium import Chromium, chromium, needs_chromium
from export.scene import scene
from report.test_page import HOSTILE, leaky, written
from synth import Recording

pytestmark = needs_chromium
WIDTH = 1200


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Generator[Chromium]:
    with chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


def _page(recording: Recording, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    page = folder / "report.html"
    page.write_text(ga.open(recording.write(folder / "t.parquet")).report())
    return page


def _pixels(picture: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_quiet_and_shows_something(browser: Chromium, tmp_path: Path, scheme: str) -> None:
    b = leaky().gap(5 * 10**9, 6 * 10**9, lost=3)
    seen = browser.show(_page(b, tmp_path), scheme, WIDTH)
    assert (seen.problems, seen.requests) == ([], [])
    pixels = _pixels(seen.picture)
    assert pixels.shape[1] == WIDTH
    corner = pixels[2, 2].mean()
    assert corner > 240 if scheme == "light" else corner < 40
    # Every colour that a figure must have is there: five sites, waiting, bars of the histogram.
    colors = set(np.unique(pixels @ np.array([1 << 16, 1 << 8, 1])).tolist())
    light = {"#3b6fb6", "#e07b39", "#4c9f70", "#b5539c", "#8a6d3b", "#c3d0e0"}
    dark = {"#6c9fe6", "#f0965a", "#67c08c", "#d27bbd", "#b8965a", "#46566a"}
    wanted = light if scheme == "light" else dark
    assert {color for color in wanted if int(color[1:], 16) not in colors} == set()


def test_hostile_names_do_nothing(browser: Chromium, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    trace = written(leaky(), tmp_path / "<script>alert(9)<", HOSTILE, "<script>alert(8)</script>")
    page.write_text(ga.open(trace).report())
    seen = browser.show(page)
    assert (seen.problems, seen.requests) == ([], [])


def test_it_fits_a_narrow_window(browser: Chromium, tmp_path: Path) -> None:
    for width in (1200, 420):
        assert browser.show(_page(scene(), tmp_path / str(width)), width=width).width == width


def test_the_browser_tells_what_a_page_does(browser: Chromium, tmp_path: Path) -> None:
    """The witness itself: a page that is not quiet is found out."""
    page = tmp_path / "bad.html"
    page.write_text(
        "<body style='margin:0;width:3000px'><img src='http://127.0.0.1:9/x.png'><script>nothing()</script>"
    )
    seen = browser.show(page)
    assert seen.requests == ["http://127.0.0.1:9/x.png"]
    assert any("nothing is not defined" in problem for problem in seen.problems)
    assert seen.width == 3000
    page.write_text("<script>console.log('hello')</script>")
    assert any("hello" in problem for problem in browser.show(page).problems)


def test_a_real_recording_is_quiet(browser: Chromium, repo: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(ga.open(repo / "notebooks" / "leaky.parquet").report())
    for width in (1200, 420):
        seen = browser.show(page, width=width)
        assert (seen.problems, seen.requests, seen.width) == ([], [], width)
