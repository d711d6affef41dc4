"""Metrics of a recording as it runs, read by Prometheus's own programs."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from prometheus_client.parser import text_string_to_metric_families

from live.recording import Recording, record, recording_of, running, said

pytestmark = [pytest.mark.live, pytest.mark.go]

needs_prometheus = pytest.mark.skipif(
    not shutil.which("promtool") or not shutil.which("prometheus"),
    reason="apt-get install prometheus",
)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        text: str = answer.read().decode()
        return text


Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def _samples(text: str) -> Samples:
    return {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


T = TypeVar("T")


def _until(get: Callable[[], T], good: Callable[[T], object], seconds: float = 30) -> T:
    deadline = time.monotonic() + seconds
    while not good(value := get()):
        assert time.monotonic() < deadline, value
        time.sleep(0.2)
    return value


@contextlib.contextmanager
def _measured(program: list[str | Path], out: Path, *options: str) -> Iterator[tuple[int, str]]:
    """A recording of a program with metrics: its pid and the URL."""
    address = f"127.0.0.1:{_free_port()}"
    with running(program) as target:
        said(target.stdout, "growing|beating")
        with recording_of(target.pid, out, "--metrics", address, *options):
            yield target.pid, f"http://{address}/metrics"


def test_what_is_served_is_what_is_recorded(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    out = tmp_path / "trace"
    with _measured([go_binary("growing.go")], out) as (_, url):
        samples = _until(
            lambda: _samples(_get(url)),
            lambda s: s.get(("gtrace_goroutine_lifetime_seconds_count", ()), 0) > 500,
        )
    recording = Recording(out)
    rows = sum(v for (name, _), v in samples.items() if name == "gtrace_events_total")
    flushed = recording.sql("select sum(events) over (order by ts) from health")
    assert (rows,) in flushed  # the state as of the end of one second
    seen = f"(select *, row_number() over () as n from events) where n <= {rows}"
    by_kind = dict(recording.sql(f"select kind, count(*) from {seen} group by kind"))
    for kind, count in by_kind.items():
        assert samples["gtrace_events_total", (("kind", kind),)] == count
    lifetimes = [
        ns / 1e9
        for (ns,) in recording.sql(
            "select max(ts) filter (kind = 'exit') - min(ts) filter (kind = 'create') as ns "
            f"from {seen} group by goid having ns is not null"
        )
    ]
    assert len(lifetimes) == samples["gtrace_goroutine_lifetime_seconds_count", ()]
    total = samples["gtrace_goroutine_lifetime_seconds_sum", ()]
    assert total == pytest.approx(sum(lifetimes), rel=1e-6)
    for bound in ("0.001", "0.01"):
        bucket = samples["gtrace_goroutine_lifetime_seconds_bucket", (("le", bound),)]
        assert bucket == sum(life <= float(bound) for life in lifetimes)
    waits = recording.one(
        "select count(*) from (select kind, lag(kind) over (partition by goid order by n) as last "
        f"from {seen} and kind not in ('park', 'park_undone', 'suspend')) "
        "where kind = 'run' and last in ('create', 'ready', 'inject', 'yield', 'syscall_lost_p')"
    )
    assert samples["gtrace_scheduling_latency_seconds_count", ()] == waits
    assert samples["gtrace_probes_attached", ()] == len(recording.manifest["exes"][0]["probes"])
    assert samples["gtrace_recorder_resident_memory_bytes", ()] > 20e6


def test_a_leak_is_suspect_and_busy_goroutines_are_not(
    tmp_path: Path, go_binary: Callable[..., Path]
) -> None:
    options = ("--metrics-leak-window", "4s")
    with _measured([go_binary("growing.go")], tmp_path / "t", *options) as (pid, url):
        samples = _until(
            lambda: _samples(_get(url)), lambda s: s.get(("gtrace_leak_suspects", ())) == 1
        )
    ((labels, live),) = [
        (dict(labels), value)
        for (name, labels), value in samples.items()
        if name == "gtrace_leak_suspect_goroutines"
    ]
    assert labels["pid"] == str(pid)
    assert labels["created_by"] == "main.main"
    assert labels["created_at"].endswith("/tests/programs/growing.go:23")
    assert live > 20


@needs_prometheus
def test_prometheus_takes_metrics_rules_and_dashboard(
    tmp_path: Path, go_binary: Callable[..., Path], repo: Path
) -> None:
    options = ("--metrics-leak-window", "4s")
    with _measured([go_binary("growing.go")], tmp_path / "t", *options) as (_, url):
        _until(lambda: _samples(_get(url)), lambda s: s.get(("gtrace_leak_suspects", ())) == 1)
        lint = subprocess.run(
            ["promtool", "check", "metrics"], input=_get(url), capture_output=True, text=True
        )
        assert (lint.returncode, lint.stderr) == (0, ""), lint.stderr
        with _prometheus(tmp_path, url, repo) as api:
            up = _until(lambda: _query(api, "up"), bool)
            assert [s["value"][1] for s in up] == ["1"]
            for title, expression in _expressions(repo):
                found = _until(lambda e=expression: _query(api, e), bool)  # type: ignore[misc]
                assert all(s["value"][1] != "" for s in found), title
            alerts = _until(
                lambda: json.loads(_get(f"{api}/alerts"))["data"]["alerts"],
                lambda found: (
                    {"GoroutineLeakSuspected"} <= {a["labels"]["alertname"] for a in found}
                ),
            )
            (leak,) = [a for a in alerts if a["labels"]["alertname"] == "GoroutineLeakSuspected"]
            assert leak["labels"]["created_by"] == "main.main"
            assert "Goroutines of main.main only become more" in leak["annotations"]["summary"]


def _expressions(repo: Path) -> list[tuple[str, str]]:
    """The queries of the dashboard, as Grafana would send them."""
    dashboard = json.loads((repo / "examples" / "grafana" / "gtrace.json").read_text())
    return [
        (panel["title"], t["expr"].replace("$instance", ".*").replace("$__rate_interval", "15s"))
        for panel in dashboard["panels"]
        for t in panel["targets"]
    ]


@contextlib.contextmanager
def _prometheus(folder: Path, url: str, repo: Path) -> Iterator[str]:
    """A Prometheus on loopback that scrapes `url` with our rules: the URL of its API."""
    target = urllib.parse.urlsplit(url).netloc
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(repo / "examples" / "prometheus" / "gtrace.rules.yml")],
        "scrape_configs": [{"job_name": "gtrace", "static_configs": [{"targets": [target]}]}],
    }
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(config))  # which is YAML
    address = f"127.0.0.1:{_free_port()}"
    command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"]
    with running([*command, f"--web.listen-address={address}"], subprocess.DEVNULL):
        _until(lambda: _ready(f"http://{address}/-/ready"), bool)
        yield f"http://{address}/api/v1"


def _ready(url: str) -> bool:
    with contextlib.suppress(urllib.error.URLError, ConnectionError):
        return bool(_get(url))
    return False


def _query(api: str, expression: str) -> list[dict[str, Any]]:
    answer = json.loads(_get(f"{api}/query?{urllib.parse.urlencode({'query': expression})}"))
    assert answer["status"] == "success", answer
    result: list[dict[str, Any]] = answer["data"]["result"]
    return result


@needs_prometheus
def test_the_rules_are_valid_and_fire_when_they_should(repo: Path) -> None:
    rules = repo / "examples" / "prometheus" / "gtrace.rules.yml"
    checked = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    cases = repo / "tests" / "prometheus" / "gtrace.rules.test.yml"
    done = subprocess.run(["promtool", "test", "rules", cases], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_bad_address_gets_one_clear_line(tmp_path: Path, go_binary: Callable[..., Path]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = record(tmp_path / "t", "--metrics", address, "--", go_binary("growing.go"))
    assert done.returncode == 2
    assert done.stderr == (
        f"gtrace-rec: --metrics {address}: cannot listen there: Address already in use; "
        "choose another address or port\n"
    )
    assert not (tmp_path / "t").exists()
    for bad in ("localhost", "127.0.0.1:99999", "::1:9464", "1.2.3.4:x"):
        done = record(tmp_path / "t", "--metrics", bad, "--pid", "1")
        assert done.returncode == 2
        assert "is not an address such as 127.0.0.1:9464" in done.stderr
