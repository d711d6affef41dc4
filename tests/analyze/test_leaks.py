"""Which groups are leaks, on recordings where the answer is known by construction."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gtrace_analyze.analyses import leaks
from gtrace_analyze.analyses.leaks import LeakGroup
from gtrace_analyze.engine import Engine
from synth import Recording, alive

SECOND = 10**9
RECEIVE = ["runtime.chanrecv1 runtime/chan.go:509", "main.await main.go:53"]
WORK = ["runtime.chanrecv2 runtime/chan.go:514", "main.work main.go:72"]
LOCK = [
    "sync.(*Mutex).Lock sync/mutex.go:46",
    "main.(*bank).pay bank.go:10",
    "main.serve main.go:9",
]


def recording() -> Recording:
    return Recording(duration=10 * SECOND)


def forgotten(b: Recording, count: int, until: int = 9 * SECOND) -> Recording:
    """Goroutines that are made evenly over the time, and each wait on their own channel."""
    for i in range(count):
        ts = i * until // count
        go = b.go(100 + i, parent=1, ts=ts, at="main.ask main.go:40", start="main.await main.go:52")
        go.run(ts + 10).park(ts + 20, "chan receive", RECEIVE, obj=0xC000 + 16 * i)
    return b


def verdicts(groups: list[LeakGroup]) -> dict[str | None, str]:
    return {group.function: group.verdict for group in groups}


Analyzed = Callable[..., Engine]


def test_goroutines_that_pile_up_are_a_leak(analyzed: Analyzed) -> None:
    (group,) = leaks.collect(analyzed(forgotten(recording(), 23)))
    assert list(group.to_dict()) == [
        "function", "file", "line", "created_by", "created_at", "reason", "count", "goids",
        "oldest_ns", "newest_ns", "growth_per_s", "verdict", "evidence", "stack",
        "parked",
    ]  # fmt: skip
    assert group.verdict == "leak"
    assert (group.function, group.file, group.line) == ("main.await", "main.go", 53)
    assert (group.created_by, group.created_at) == ("main.ask", "main.go:40")
    assert group.reason == "chan receive"
    assert (group.count, group.goids) == (23, list(range(100, 123)))
    assert group.oldest_ns == 10 * SECOND - 20
    assert group.growth_per_s == 2.3
    assert "23 wait here; 23 of them came within 10.0s" in group.evidence[0]
    assert [frame["function"] for frame in group.stack] == [
        "runtime.gopark", "runtime.chanrecv1", "main.await", "runtime.goexit",
    ]  # fmt: skip


def test_the_same_goroutines_are_none_once_they_come_back(analyzed: Analyzed) -> None:
    b = forgotten(recording(), 23)
    for i in range(23):
        b.go(100 + i).ready(9 * SECOND + 100 + i, by=1).run(9 * SECOND + 200).exit(9 * SECOND + 300)
    assert leaks.collect(analyzed(b), include_idle=True) == []


@pytest.mark.parametrize("woken", [False, True])
def test_a_pool_that_waits_for_work_is_idle(analyzed: Analyzed, woken: bool) -> None:
    b = recording()
    for goid in range(10, 110):
        go = b.go(goid, parent=1, ts=goid, at="main.pool main.go:66", start="main.work main.go:70")
        go.run(500).park(600, "chan receive", WORK, obj=0xB000)
        for turn in range(8 if woken else 0):
            ts = (turn + 1) * SECOND
            go.ready(ts, by=1).run(ts + 5).park(ts + 100, "chan receive", WORK, obj=0xB000)
    engine = analyzed(b)
    assert leaks.collect(engine) == []
    assert verdicts(leaks.collect(engine, include_idle=True)) == {"main.work": "idle"}


@pytest.mark.parametrize(
    ("reason", "stack"),
    [
        ("IO wait", ["internal/poll.(*FD).Read fd.go:1", "net.(*netFD).Read net.go:2"]),
        ("sleep", ["time.Sleep time.go:1", "main.nap main.go:3"]),
    ],
)
def test_waits_that_end_by_themselves_are_idle(
    analyzed: Analyzed, reason: str, stack: list[str]
) -> None:
    b = recording()
    for i in range(20):
        ts = i * SECOND // 3 if reason == "IO wait" else i
        b.go(50 + i, parent=1, ts=ts, at="net/http.(*Server).Serve server.go:3").run(ts + 1).park(
            ts + 2, reason, stack
        )
    assert leaks.collect(analyzed(b)) == []


def test_a_lock_that_is_never_given_back(analyzed: Analyzed) -> None:
    """One goroutine holds the lock and waits for ever, the others wait for the lock."""
    b = recording()
    holder = b.go(7, parent=1, ts=5, at="main.serve main.go:8").run(6)
    holder.park(7, "chan receive", ["main.(*bank).pay bank.go:12", "main.serve main.go:9"])
    for goid, ts in [(8, SECOND), (9, 2 * SECOND), (11, 2 * SECOND + 5)]:
        b.go(goid, parent=1, ts=ts, at="main.serve main.go:8").run(ts + 1).park(
            ts + 2, "sync.Mutex.Lock", LOCK, obj=0xA0
        )
    (group,) = leaks.collect(analyzed(b))
    assert (group.verdict, group.function, group.count) == ("leak", "main.(*bank).pay", 3)
    assert "Goroutine 7 is in main.(*bank).pay too" in group.evidence[0]


def two_places(held: int | None, wanted: int | None) -> Recording:
    """By two ways to the same line: one waits for a lock there, and two that came after it."""
    other = [*LOCK[:2], "main.audit audit.go:3"]
    b = recording()
    for goid, stack, obj in [(7, LOCK, held), (8, other, wanted), (9, other, wanted)]:
        b.go(goid, parent=1, ts=5, at="main.serve main.go:8").run(6).park(
            goid * 1000, "sync.Mutex.Lock", stack, obj=obj
        )
    return b


@pytest.mark.parametrize(
    ("held", "wanted", "more"),
    [(0xA0, 0xA0, " 2 more wait for it elsewhere."), (None, None, ""), (0xA0, None, "")],
)
def test_who_waits_for_a_lock_does_not_hold_it(
    analyzed: Analyzed, held: int | None, wanted: int | None, more: str
) -> None:
    found = {group.count: group for group in leaks.collect(analyzed(two_places(held, wanted)))}
    assert {group.verdict for group in found.values()} == {"suspect"}
    said = "1 waits for a lock that nobody here got in the last 10.0s."
    assert found[1].evidence == [said + more]


def test_who_waits_at_the_same_place_for_another_lock_may_hold_it(analyzed: Analyzed) -> None:
    """As where each locks all of some things, one after the other."""
    *_, group = sorted(leaks.collect(analyzed(two_places(0xA0, 0xB0))), key=lambda g: g.count)
    assert group.verdict == "leak"
    assert "it seems to hold the lock" in group.evidence[0]


def test_a_lock_that_is_taken_twice_is_one_group(analyzed: Analyzed) -> None:
    """The goroutine that waits for itself, deeper in the recursion, is one of those who wait."""
    b = recording()
    twice = [*LOCK[:2], "main.(*bank).pay bank.go:14", LOCK[2]]
    for goid, stack in [(7, twice), (8, LOCK), (9, LOCK)]:
        b.go(goid, parent=1, ts=5, at="main.serve main.go:8").run(6).park(
            goid * 1000, "sync.Mutex.Lock", stack, obj=0xA0
        )
    (group,) = leaks.collect(analyzed(b))
    assert (group.goids, group.verdict) == ([7, 8, 9], "leak")
    assert "a lock that it holds itself" in group.evidence[0]


def test_a_lock_that_goes_round_is_none(analyzed: Analyzed) -> None:
    b = recording()
    for turn in range(90):
        for goid in (8, 9):
            ts = turn * SECOND // 10 + goid
            b.go(goid).run(ts).park(ts + 1, "sync.Mutex.Lock", LOCK, obj=0xA0)
            b.go(goid).ready(ts + 50_000_000, by=17 - goid)
    b.go(8).run(9 * SECOND).park(9 * SECOND + 50, "sync.Mutex.Lock", LOCK, obj=0xA0)
    assert leaks.collect(analyzed(b)) == []


def test_each_lock_is_judged_by_itself(analyzed: Analyzed) -> None:
    """One lock goes round; at the same place, two wait for another that nobody gets."""
    b = recording()
    for turn in range(90):
        for goid in (8, 9):
            ts = turn * SECOND // 10 + goid
            b.go(goid).run(ts).park(ts + 1, "sync.Mutex.Lock", LOCK, obj=0xA0)
            b.go(goid).ready(ts + 50_000_000, by=17 - goid)
    engine = analyzed(b)
    assert leaks.collect(engine) == []
    for goid in (10, 11):
        b.go(goid).run(SECOND).park(2 * SECOND, "sync.Mutex.Lock", LOCK, obj=0xB0)
    (group,) = leaks.collect(analyzed(b))
    assert (group.verdict, group.goids) == ("suspect", [10, 11])
    assert group.evidence[0].startswith("2 wait for a lock that nobody here got in the last 8.00s")


def test_a_wait_that_cannot_end_is_a_leak(analyzed: Analyzed) -> None:
    b = recording()
    b.go(5, parent=1, ts=3, at="main.main main.go:3").run(4)
    b.go(5).park(5, "chan send (nil chan)", ["runtime.chansend1 chan.go:1", "main.push main.go:7"])
    (group,) = leaks.collect(analyzed(b))
    assert (group.verdict, group.function, group.count) == ("leak", "main.push", 1)


def test_main_and_the_runtime_are_left_alone(analyzed: Analyzed) -> None:
    b = recording()
    b.snapshot(
        1,
        alive(
            1,
            reason="select (no cases)",
            start="runtime.main proc.go:1",
            stack=["main.main m.go:1"],
        ),
        alive(2, reason="chan send (nil chan)", start="runtime.forcegchelper proc.go:9"),
    )
    groups = leaks.collect(analyzed(b), include_idle=True)
    assert verdicts(groups) == {"main.main": "idle"}


def test_stacks_of_a_snapshot_and_of_a_probe_are_one_group(analyzed: Analyzed) -> None:
    b = forgotten(recording(), 5)
    b.snapshot(
        1, alive(99, reason="chan receive", at="main.ask main.go:40", stack=RECEIVE, obj=0xF00)
    )
    (group,) = leaks.collect(analyzed(b))
    assert (group.count, group.goids[0]) == (6, 99)
    assert group.growth_per_s == 0.5


def tickers(count: int, end: int | None = None) -> Recording:
    """Goroutines made evenly over the time that tick until the end, or for `end` ns."""
    b = recording()
    stack = ["runtime.chanrecv1 chan.go:5", "main.tick main.go:9"]
    for i in range(count):
        ts = 1 + i * 9 * SECOND // count
        go = b.go(100 + i, parent=1, ts=ts, at="main.watch main.go:4", start="main.tick main.go:8")
        go.run(ts + 1).park(ts + 2, "chan receive", stack, obj=i + 1)
        last = min(10 * SECOND, ts + (end or 10 * SECOND))
        for tick in range(ts + SECOND // 2, last, SECOND // 2):
            go.ready(tick).run(tick + 1).park(tick + 2, "chan receive", stack, obj=i + 1)
        if end and ts + end < 10 * SECOND:
            go.ready(last).run(last + 1).exit(last + 2)
    return b


def test_goroutines_that_are_woken_but_never_end_are_suspect(analyzed: Analyzed) -> None:
    (group,) = leaks.collect(analyzed(tickers(20)))
    assert (group.verdict, group.count) == ("suspect", 20)
    assert "20 made, 0 ended" in group.evidence[-1]


def test_and_are_idle_once_they_end(analyzed: Analyzed) -> None:
    engine = analyzed(tickers(20, end=2 * SECOND))
    assert verdicts(leaks.collect(engine, include_idle=True)) == {"main.tick": "idle"}


def joined_at_the_start() -> Recording:
    """20 that are made, and 30 more that the first snapshot finds, a moment after the start."""
    there = [
        alive(
            10 + i,
            reason="chan receive",
            stack=["main.tick main.go:9"],
            at="main.watch main.go:4",
            start="main.tick main.go:8",
        )
        for i in range(30)
    ]
    return tickers(20).snapshot(SECOND // 100, *there)


def test_those_that_were_there_at_the_start_are_not_made(analyzed: Analyzed) -> None:
    engine = analyzed(joined_at_the_start())
    (trend,) = engine.rows("SELECT created, ended, growth_per_s, rises FROM creation_trends")
    (alone,) = analyzed(tickers(20)).rows(
        "SELECT created, ended, growth_per_s, rises FROM creation_trends"
    )
    assert trend == alone
    assert trend["created"] == 20
    (found,) = (g for g in leaks.collect(engine) if g.verdict == "suspect")
    assert "20 made, 0 ended" in found.evidence[-1]


def pool(wakes: int = 1, gone: int = 0) -> Recording:
    """12 workers that come over time, woken so many times; some more that end after that."""
    b = recording()
    for i in range(12 + gone):
        ts = i * 6 * SECOND // 12
        go = b.go(100 + i, parent=1, ts=ts, at="main.pool main.go:66", start="main.work main.go:70")
        go.run(ts + 1).park(ts + 2, "chan receive", WORK, obj=i + 1)
        for woken in range(ts + 10, ts + 10 + 10 * wakes, 10):
            go.ready(woken, by=1).run(woken + 1)
            go.park(woken + 2, "chan receive", WORK, obj=i + 1)
        if i >= 12:
            go.ready(ts + 900, by=1).run(ts + 901).exit(ts + 902)
    return b


@pytest.mark.parametrize(("wakes", "gone", "returning"), [(1, 0, 12), (3, 0, 12), (3, 2, 14)])
def test_a_pool_that_grows_on_demand_is_no_leak(
    analyzed: Analyzed, wakes: int, gone: int, returning: int
) -> None:
    """Workers that were woken once and came back may be so again."""
    (group,) = leaks.collect(analyzed(pool(wakes, gone)))
    assert (group.count, group.verdict) == (12, "suspect")
    assert f"{returning} were woken here and came back" in group.evidence[0]


def test_a_lock_whose_holder_only_takes_long_is_suspect(analyzed: Analyzed) -> None:
    b = recording()
    holder = b.go(7, parent=1, ts=5, at="main.serve main.go:8").run(6)
    holder.park(7, "IO wait", ["main.(*bank).pay bank.go:12", "main.serve main.go:9"])
    b.go(8, parent=1, ts=9, at="main.serve main.go:8").run(10).park(11, "sync.Mutex.Lock", LOCK)
    (group,) = leaks.collect(analyzed(b))
    assert (group.verdict, group.goids) == ("suspect", [8])


def siblings(lost: int, unproven: int, woken: bool = False) -> Recording:
    """At the same place, some that nothing can wake, and some that something seems to refer to."""
    b = recording()
    rows = []
    for i in range(lost + unproven):
        go = b.go(100 + i, parent=1, ts=i + 1, at="main.ask main.go:40")
        go.run(50).park(60, "chan receive", RECEIVE, obj=i + 1)
        rows.append(
            alive(100 + i, reason="chan receive", stack=RECEIVE, obj=i + 1, reachable=i >= lost)
        )
    if woken:
        go = b.go(99, parent=1, ts=1, at="main.ask main.go:40").run(50)
        go.park(SECOND, "chan receive", RECEIVE, obj=99).ready(SECOND + 9).run(2 * SECOND)
        go.exit(2 * SECOND + 1)
    return b.snapshot(9 * SECOND, *rows)


def test_what_was_lost_once_is_lost_for_good(analyzed: Analyzed) -> None:
    """A later search may find a word that looks like a reference; that does not bring it back."""
    b = siblings(lost=1, unproven=0)
    b.snapshot(9 * SECOND + 5, alive(100, reason="chan receive", obj=1, reachable=True))
    (group,) = leaks.collect(analyzed(b))
    assert (group.verdict, group.goids) == ("leak", [100])


def test_those_who_stand_where_most_are_lost_are_suspect(analyzed: Analyzed) -> None:
    lost, suspect = leaks.collect(analyzed(siblings(lost=4, unproven=3)))
    assert (lost.verdict, lost.count) == ("leak", 4)
    assert (suspect.verdict, suspect.goids) == ("suspect", [104, 105, 106])
    assert "4 others of the same go statement" in suspect.evidence[0]


@pytest.mark.parametrize(("lost", "woken"), [(0, False), (2, False), (4, True)])
def test_but_not_if_few_are_lost_or_somebody_was_woken(
    analyzed: Analyzed, lost: int, woken: bool
) -> None:
    groups = leaks.collect(analyzed(siblings(lost, unproven=3, woken=woken)))
    assert [group.count for group in groups] == ([lost] if lost else [])


def test_no_verdict_rests_on_what_was_lost(analyzed: Analyzed) -> None:
    b = forgotten(recording(), 20).gap(9 * SECOND + 1, 9 * SECOND + 2, lost=1)
    (group,) = leaks.collect(analyzed(b))
    assert group.verdict == "suspect"
    assert "Events were lost while 20 of them waited" in group.evidence[0]


@pytest.mark.parametrize("noted", [True, False], ids=["noted by Go", "not noted"])
def test_snapshots_alone_show_what_piles_up(analyzed: Analyzed, noted: bool) -> None:
    """It is proof of one wait only where Go's garbage collector noted since when it lasts."""
    b = Recording(plan="snapshot", duration=10 * SECOND)
    for second in range(10):
        leaking = [
            alive(
                100 + i,
                reason="chan receive",
                at="main.ask main.go:40",
                stack=RECEIVE,
                obj=i,
                waitsince=i // 2 * SECOND if noted else None,
            )
            for i in range(2 * second)
        ]
        pool = [
            alive(goid, reason="chan receive", at="main.pool main.go:66", stack=WORK, obj=0xB000)
            for goid in range(10, 14)
        ]
        b.snapshot(second * SECOND + 5, *leaking, *pool)
    (group,) = leaks.collect(analyzed(b))
    assert (group.function, group.count) == ("main.await", 18)
    assert group.verdict == ("leak" if noted else "suspect")
    assert ("Only 10 snapshots tell of waits" in group.evidence[0]) != noted


@pytest.mark.parametrize(
    ("came_within", "expected"), [(9 * SECOND, ["leak"]), (SECOND // 2, [])], ids=["ever", "burst"]
)
def test_what_grows_and_what_came_in_a_burst(
    analyzed: Callable[..., Engine], came_within: int, expected: list[str]
) -> None:
    """As many wait in the end. A burst followed by quiet, as when a pool is filled, is no trend."""
    b = Recording(duration=10 * SECOND)
    for n in range(40):
        ts = SECOND // 4 + n * came_within // 40
        b.go(100 + n, parent=1, ts=ts, at="main.ask main.go:10").run(ts + 1)
        b.go(100 + n).park(ts + 2, "chan receive", ["main.wait main.go:30"], obj=n + 1)
    groups = leaks.collect(analyzed(b))
    assert [group.verdict for group in groups] == expected


def one(reason: str = "chan receive", woken_before: bool = False) -> Recording:
    b = recording()
    go = b.go(100, parent=1, ts=1, at="main.ask main.go:40").run(2)
    if woken_before:
        go.park(3, reason, RECEIVE).ready(4 * SECOND, by=1).run(4 * SECOND + 1)
    go.park(5 * SECOND, reason, RECEIVE)
    return b


@pytest.mark.parametrize(
    ("b", "sentence"),
    [
        (
            one(),
            "It waits here since a moment within the recording, for 5.00s; it is the only one.",
        ),
        (
            one(woken_before=True),
            "1 wait here ended, after 4.00s; the one that is open is not much older.",
        ),
        (one("IO wait"), "1 waits for the network or a file, which may speak up at any time."),
        (one("sleep"), "1 waits for a time to pass, as it will."),
        (
            siblings(lost=1, unproven=0),
            "1 can never be woken: by a search of the memory, no global variable and no goroutine "
            "that can still run refers to what it waits on.",
        ),
        (
            siblings(lost=1, unproven=1),
            "1 other of the same go statement stands at the same place and can never be woken, by "
            "a search of the memory. Something seems to refer to what this one waits on, which may "
            "be a word left over; none was woken here since.",
        ),
    ],
)
def test_one_is_spoken_of_as_one(b: Recording, sentence: str, analyzed: Analyzed) -> None:
    *_, group = leaks.collect(analyzed(b), include_idle=True)
    assert (group.count, group.evidence) == (1, [sentence])


def test_who_holds_a_lock_is_said_to_wait_for_so_long(analyzed: Analyzed) -> None:
    b = recording()
    holder = b.go(7, parent=1, ts=5, at="main.serve main.go:8").run(6)
    holder.park(7, "IO wait", ["main.(*bank).pay bank.go:12", "main.serve main.go:9"])
    b.go(8, parent=1, ts=9, at="main.serve main.go:8").run(10).park(11, "sync.Mutex.Lock", LOCK)
    (group,) = leaks.collect(analyzed(b))
    assert group.evidence == [
        "1 waits for a lock that nobody here got in the last 10.0s. Goroutine 7 is in "
        'main.(*bank).pay too, in "IO wait" for 10.0s: it seems to hold the lock.'
    ]


def served(
    kin: str, count: int, clients: int | None = None, apart: int = SECOND // 10
) -> Recording:
    """Goroutines that pile up, and as many that wait for the network, or so many `clients`.

    Each of those made its own `apart` ns later, or was made by it, or both by the same.
    """
    b = recording()
    clients = clients or count
    for i in range(count):
        ts, first = 1 + i * 8 * SECOND // count, 1 + (i % clients) * 8 * SECOND // count
        reader, writer = 1000 + i % clients, 100 + i
        made_by = {"parent": (1, reader), "child": (writer, 1), "sibling": (1, 1)}[kin]
        reads = {"parent": first, "child": ts + apart, "sibling": first + apart}[kin]
        writes = {
            "parent": (first if clients == count else ts) + apart,
            "child": ts,
            "sibling": ts,
        }[kin]
        go = b.go(writer, parent=made_by[1], ts=writes, at="main.ask main.go:40")
        go.run(writes + 10).park(writes + 20, "chan receive", RECEIVE, obj=0xC000 + 16 * i)
        if i < clients:
            go = b.go(reader, parent=made_by[0], ts=reads, at="main.accept main.go:45")
            go.run(reads + 1).park(reads + 2, "IO wait", ["main.read main.go:48"])
    return b


def streams(each: int = 1, ends: bool = False) -> Recording:
    """20 that wait for the network, each made a handler, which made one itself, or `each` many."""
    b = recording()
    for i in range(20):
        ts, reader, handler = 1 + i * SECOND // 4, 1000 + i, 2000 + i
        go = b.go(reader, parent=1, ts=ts, at="main.accept main.go:45").run(ts + 1)
        go.park(ts + 2, "IO wait", ["main.read main.go:48"])
        go = b.go(handler, parent=reader, ts=ts + 3, at="main.read main.go:50").run(ts + 4)
        go.park(ts + 5, "select", ["main.handle main.go:60"])
        for n in range(each):
            b.go(100 + 20 * n + i, parent=handler, ts=ts + 6, at="main.handle main.go:61").run(
                ts + 7
            ).park(ts + 8, "chan receive", RECEIVE, obj=0xC000 + 16 * i)
        if ends:
            b.go(handler).ready(ts + 9, by=reader).run(ts + 10).exit(ts + 11)
    return b


def of_handlers(analyzed: Analyzed, b: Recording) -> LeakGroup:
    """The group of those that the handlers made."""
    (group,) = (
        g for g in leaks.collect(analyzed(b)) if g.created_at and "main.go:61" in g.created_at
    )
    return group


def test_so_are_those_that_handlers_made_for_clients(analyzed: Analyzed) -> None:
    group = of_handlers(analyzed, streams())
    assert (group.verdict, group.count) == ("suspect", 20)
    assert "20 belong to a goroutine each that waits for the network" in group.evidence[0]


@pytest.mark.parametrize(
    "b", [streams(each=2), streams(ends=True)], ids=["two of each", "the handlers are gone"]
)
def test_but_not_if_handlers_do_not_explain_them(analyzed: Analyzed, b: Recording) -> None:
    assert of_handlers(analyzed, b).verdict == "leak"


MAKERS = [
    "net/http.(*http2serverConn).processHeaders h2_bundle.go:6371",
    "net/http/internal/http2.(*serverConn).scheduleHandler server.go:2255",
    "golang.org/x/net/http2.(*serverConn).scheduleHandler server.go:2309",
    "google.golang.org/grpc.(*Server).serveStreams.func2 server.go:1067",
]


def connection(maker: str, ends: bool = False) -> Recording:
    """One that makes a handler every quarter of a second, each of which makes one of its own."""
    b = recording()
    serve = b.go(50, parent=1, ts=1, at="net/http.(*Server).Serve server.go:3500").run(2)
    serve.park(3, "select", ["net/http.serve h2_bundle.go:4900"])
    for i in range(20):
        ts, handler = 10 + i * SECOND // 4, 2000 + i
        go = b.go(handler, parent=50, ts=ts, at=maker).run(ts + 1)
        go.park(ts + 2, "select", ["main.handle main.go:60"])
        go = b.go(3000 + i, parent=handler, ts=ts + 3, at="main.handle main.go:61").run(ts + 4)
        go.park(ts + 5, "chan receive", RECEIVE, obj=0xC000 + 16 * i)
    if ends:
        serve.ready(9 * SECOND, by=1).run(9 * SECOND + 1).exit(9 * SECOND + 2)
    return b


@pytest.mark.parametrize("maker", MAKERS)
def test_streams_of_one_connection_are_suspect(analyzed: Analyzed, maker: str) -> None:
    groups = leaks.collect(analyzed(connection(maker)))
    assert [(g.verdict, g.count) for g in groups] == [("suspect", 20)] * 2
    assert all("or to a stream of HTTP/2" in g.evidence[0] for g in groups)


@pytest.mark.parametrize(
    "b",
    [connection(MAKERS[0], ends=True), connection("main.(*serverConn).accept main.go:9")],
    ids=["the connection is gone", "made for something else"],
)
def test_but_not_if_they_are_no_streams(analyzed: Analyzed, b: Recording) -> None:
    groups = leaks.collect(analyzed(b))
    assert [(g.verdict, g.count) for g in groups] == [("leak", 20)] * 2


@pytest.mark.parametrize("kin", ["parent", "child", "sibling"])
def test_as_many_as_there_are_clients_are_suspect(analyzed: Analyzed, kin: str) -> None:
    (group,) = leaks.collect(analyzed(served(kin, 20)))
    assert (group.verdict, group.count) == ("suspect", 20)
    said = "20 belong to a goroutine each that waits for the network, or to a stream of HTTP/2:"
    assert said in group.evidence[0]


@pytest.mark.parametrize(
    "b",
    [
        served("parent", 20, clients=4),
        served("parent", 20, apart=SECOND + 1),
    ],
    ids=["several of each client", "long after their client"],
)
def test_but_not_if_clients_do_not_explain_them(analyzed: Analyzed, b: Recording) -> None:
    (group,) = leaks.collect(analyzed(b))
    assert (group.verdict, group.count) == ("leak", 20)
