"""The report of recordings whose content is known, and of such with hostile names."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

import gtrace_analyze as ga
from export.scene import LOCK, RECEIVE, scene
from live.recording import analyze
from synth import Recording, alive

SECOND = 10**9
# What a binary's symbol table, a path or an argument can hold, and a page must not be changed by.
HOSTILE = [
    "main.<script>alert(1)</script>",
    "main.\"><img/src=x/onerror='alert(2)'>",
    "main.{{report.health}}{%block%}{#x#}",
    "main.</style></title><svg/onload=alert(3)>&amp;&lt;",
    "javascript:alert(4)//main.x",
]


HARMLESS = ["main.a", "main.b", "main.c", "main.d", "main.e"]


class _Page(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def leaky(names: Sequence[str] = HOSTILE, folder: str = "/src/<i>&'\"") -> Recording:
    """Goroutines 1000 to 1030 come one by one and never go."""
    b = Recording(duration=40 * SECOND)
    for number in range(31):
        name, ts = names[number % len(names)], (number + 1) * SECOND
        frames = ["runtime.chanrecv1 runtime/chan.go:509", f"{name} {folder}.go:7"]
        origin = {"at": f"{name} {folder}.go:3", "start": f"{name} {folder}.go:9"}
        goroutine = b.go(1000 + number, parent=1, ts=ts, **origin)
        goroutine.run(ts + 10).park(ts + 20, "chan receive", frames, obj=0xC0 + number)
    return b


def written(trace: Recording, path: Path, names: Sequence[str], text: str) -> Path:
    """On disk, with a text in everything of the manifest that a page shows."""
    manifest = trace.manifest()
    process = dataclasses.replace(manifest.processes[0], argv=["/srv/app", *names])
    host = dict.fromkeys(manifest.host, text)
    return trace.write(path, processes=[process], host=host, notes=[text], stop_reason=text)


def test_a_span_of_time_is_told_as_if_no_more_were_recorded(tmp_path: Path) -> None:
    """Of 31 goroutines that come one a second and never go, 10 come from 5 s to 15 s."""
    trace = ga.open(leaky(HARMLESS).write(tmp_path / "t.parquet"))
    text = " ".join(_Page(trace.report("5.5s", "15.5s")).text.split())
    assert "10.0sof 40.0s recorded: all figures and verdicts are of this span alone" in text
    assert "from 2023-11-14 22:13:25" in text
    assert "5 at the start, 10 created, 0 ended, 15 at the end" in text
    assert "30: 10 create, 10 park, 10 run" in text
    assert "93 recorded, 0 lost" in text
    whole = " ".join(_Page(trace.report()).text.split())
    assert "0 at the start, 31 created, 0 ended, 31 at the end" in whole
    assert "of this span" not in whole


def test_hostile_names_are_text_and_nothing_else(tmp_path: Path) -> None:
    bad = "</title><h1>x<script>y</script>&\"'"
    directory = "<h1>&\"'.parquet"
    hostile = _Page(ga.open(written(leaky(), tmp_path / directory, HOSTILE, bad)).report())
    calm = leaky(HARMLESS, "/src/main")
    harmless = _Page(ga.open(written(calm, tmp_path / "t.parquet", HARMLESS, "text")).report())
    assert hostile.elements == harmless.elements
    assert [k for k, _ in hostile.attributes] == [k for k, _ in harmless.attributes]
    for name in HOSTILE:
        assert name.rpartition("/")[2] in hostile.text, name
        assert any(value == name for _, value in hostile.attributes), name
    assert hostile.text.count(directory) == 2  # and quoted for a shell, at the end
    assert hostile.text.count(bad) == 6  # four of the host, a note, why it stopped


def test_nothing_is_loaded_from_anywhere(tmp_path: Path) -> None:
    page = _Page(ga.open(leaky().write(tmp_path / "t.parquet")).report())
    assert {"link", "script", "img", "iframe", "base", "form"} & set(page.elements) == set()
    links = [value for name, value in page.attributes if name in ("href", "src", "xlink:href")]
    assert links
    assert [link for link in links if not (link or "").startswith("#")] == []
    targets = {value for name, value in page.attributes if name == "id"}
    assert {(link or "").removeprefix("#") for link in links} <= targets


def test_it_says_what_the_other_commands_say(tmp_path: Path) -> None:
    path = leaky().write(tmp_path / "t.parquet")
    trace = ga.open(path)
    text = " ".join(_Page(trace.report()).text.split())
    groups = trace.leaks()
    assert len(groups) == len(HOSTILE)
    for group in groups.itertuples():
        assert f"{group.verdict}{group.count} × {group.function.rpartition('/')[2]}" in text
        for sentence in group.evidence:
            assert " ".join(sentence.split()) in text
    assert f"{int(groups['count'].sum())}goroutines" in text.replace(" goroutines", "goroutines")
    assert all(f"goroutine {row.goid}" in text for row in trace.latency_worst(3).itertuples())
    assert "93 events, nothing lost, nothing uncertain" in text


def test_open_waits_are_in_the_estimates_only(tmp_path: Path) -> None:
    """Goroutine 8 waits for a lock and never gets it: no quantile, but an estimate from below."""
    page = ga.open(scene().write(tmp_path / "t.parquet")).report()
    row = page[page.index("sync.Mutex.Lock at line") :]
    cells = row[row.index("</table>") : row.index("</tr>", row.index("</table>"))]
    row = " ".join(_Page(cells).text.split())
    assert row == "▸ 9.68ms0->9.68ms->9.68ms-1", row


def test_what_was_lost_or_not_watched_is_told(tmp_path: Path) -> None:
    b = scene(plan="park").gap(200_000, 300_000, lost=17)
    manifest = b.manifest()
    totals = manifest.totals.__class__(events=len(b.rows), lost_ring=17)
    page = ga.open(
        b.write(tmp_path / "t.parquet", totals=totals, options={"sample": 0.25})
    ).report()
    text = " ".join(_Page(page).text.split())
    assert "17 events lost because the ring was full" in text
    assert "17 lost (" in text
    assert "nothing lost" not in text
    assert "The plan park does not watch the scheduler" in text
    assert "Of all goroutines, 0.25 were recorded" in text
    assert 'class="gap"' in page


def test_windows_without_probes_are_a_blind_spot(tmp_path: Path) -> None:
    b = scene().gap(500_000, 700_000, "probes off").gap(800_000, 1_100_000, "probes off")
    text = " ".join(_Page(ga.open(b.write(tmp_path / "t.parquet")).report()).text.split())
    assert "recorded in windows: 2 times, 500µs in all" in text


def test_a_whole_recording_with_all_events_has_no_blind_spot(tmp_path: Path) -> None:
    b = scene(plan="full")
    process = b.manifest().processes[0]
    whole = process.__class__(**{**vars(process), "from_start": True})
    text = _Page(ga.open(b.write(tmp_path / "t.parquet", processes=[whole])).report()).text
    assert "Nothing was left out" in text


def test_snapshots_alone_make_a_report_that_says_so(tmp_path: Path) -> None:
    b = Recording(plan="snapshot", duration=60 * SECOND)
    for ts in range(0, 60, 5):
        found = [alive(g, reason="chan receive", stack=RECEIVE) for g in range(7, 9 + ts)]
        b.snapshot(ts * SECOND, *found, alive(6, reason="sync.Mutex.Lock", stack=LOCK))
    text = " ".join(_Page(ga.open(b.write(tmp_path / "t.parquet")).report()).text.split())
    assert "The plan snapshot attaches no probe" in text
    assert "main.next" in text


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["none.parquet"], 1, "none.parquet: no such recording"),
        (["t.parquet", "-o", "/dev/full"], 1, "/dev/full: cannot be written: No space"),
        (["t.parquet", "-o", "no/such/x.html"], 1, "no/such/x.html: cannot be written: No such"),
        (["t.parquet", "-o", "."], 2, ".: is a directory"),
        (["?.parquet"], 2, "?.parquet are 2 recordings; this takes one at a time"),
        (["empty.parquet"], 1, "empty.parquet: an empty recording"),
    ],
)
def test_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    scene().write(tmp_path / "t.parquet")
    scene().write(tmp_path / "u.parquet")
    Recording().write(tmp_path / "empty.parquet")
    before = sorted(tmp_path.rglob("*"))
    done = analyze("report", *arguments)
    assert said in done.stderr
    assert (done.returncode, done.stdout) == (status, "")
    assert len(done.stderr.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_it_is_written_where_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scene().write(tmp_path / "t.parquet")
    done = analyze("report", "t.parquet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "wrote report.html\n")
    shown = analyze("report", "t.parquet", "-o", "-")
    assert shown.stdout == (tmp_path / "report.html").read_text()


def test_one_is_spoken_of_as_one(tmp_path: Path) -> None:
    b = Recording(duration=10**10)
    stuck = b.go(7, parent=1, ts=3, at="main.main main.go:3", start="main.push main.go:4").run(4)
    stuck.park(5, "chan send (nil chan)", ["main.push main.go:7"])
    text = " ".join(_Page(ga.open(b.write(tmp_path / "t.parquet")).report()).text.split())
    assert "1 goroutine leaks, in 1 group" in text
    assert "goroutine alive at the end; 1 was created, 0 ended" in text
