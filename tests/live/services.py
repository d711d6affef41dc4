"""Servers that others built, as the live tests start them."""

from __future__ import annotations

import contextlib
import socket
import time
import urllib.request
from pathlib import Path

import others
from live.recording import READY_S

_PROMETHEUS = """
global: {scrape_interval: 1s}
scrape_configs: [{job_name: self, static_configs: [{targets: [%s]}]}]
"""
_CADDY = """
{
	admin %s
}
http://%s {
	respond /hello "hello"
	file_server
}
"""


def free_address() -> str:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def wait_for(address: str) -> None:
    """Returns once something listens there."""
    host, _, port = address.partition(":")
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection((host, int(port))).close()
            return
        time.sleep(0.1)
    raise AssertionError(f"nothing listens on {address}")


def wait_for_page(url: str) -> None:
    """Returns once it is served: who listens may still be getting ready."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url):
            return
        time.sleep(0.1)
    raise AssertionError(f"{url} is not served")


def prometheus(folder: Path, address: str, target: str = "") -> list[str | Path]:
    """The command of a Prometheus at `address`, which scrapes `target` every second."""
    config = folder / "prometheus.yml"
    config.write_text(_PROMETHEUS % (f'"{target}"' if target else ""))
    return [
        others.prometheus(),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]


def caddy(folder: Path, address: str, admin: str = "off") -> list[str | Path]:
    """The command of a Caddy that serves files at `address`, and tells of itself at `admin`."""
    config = folder / "Caddyfile"
    config.write_text(_CADDY % (admin, address))
    return [others.caddy(), "run", "--adapter", "caddyfile", "--config", config]


def etcd(folder: Path, address: str) -> list[str | Path]:
    """The command of an etcd of its own at `address`."""
    peers = f"http://{free_address()}"
    return [
        others.etcd(),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls=http://{address}",
        f"--advertise-client-urls=http://{address}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
    ]


def esbuild(folder: Path, address: str) -> list[str | Path]:
    """The command of an esbuild that serves a page at `address`, while its input is open."""
    (folder / "index.html").write_text("hello")
    return [others.esbuild("amd64"), f"--servedir={folder}", f"--serve={address}"]
