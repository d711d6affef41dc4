"""The real `go tool pprof`."""

from __future__ import annotations

import contextlib
import functools
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import toolchains

_TIMEOUT = 300  # the first call builds it


@functools.cache
def _tool() -> str:
    """The program that `go tool` runs; itself, it would stay in between as a parent."""
    go = toolchains.toolchain(toolchains.NEWEST)
    command = [go, "tool", "-n", "pprof"]
    return subprocess.run(
        command, env=_env(), capture_output=True, text=True, timeout=_TIMEOUT, check=True
    ).stdout.strip()


def _env() -> dict[str, str]:
    return toolchains.go_env(toolchains.MODES["plain"])


def pprof(*arguments: str | Path) -> str:
    """What pprof prints."""
    command = [_tool(), *map(str, arguments)]
    done = subprocess.run(command, env=_env(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def top(profile: Path, *options: str | Path) -> dict[str, tuple[int, int]]:
    """`-top` of everything: function to its flat and cumulative value, a count or µs."""
    text = pprof("-top", "-nodecount=100000", "-nodefraction=0", "-unit=us", *options, profile)
    rows = re.findall(r"^ *(\d+)(?:us)? .* (\d+)(?:us)? +\S+%  (.+)$", text, re.MULTILINE)
    return {name.removesuffix(" (inline)"): (int(flat), int(total)) for flat, total, name in rows}


@contextlib.contextmanager
def served(profile: Path, *options: str) -> Iterator[str]:
    """`-http` on a free port of the loopback; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [_tool(), "-http", f"127.0.0.1:{port}", "-no_browser", *options, str(profile)]
    server = subprocess.Popen(command, env=_env(), stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and server.poll() is None:
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"{address}/ui/top", timeout=10),
            ):
                break
            time.sleep(0.1)
        yield address
    finally:
        server.kill()
        server.wait()
