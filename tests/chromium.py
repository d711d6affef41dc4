"""Debian's Chromium, headless, spoken to in its own protocol over a pipe.

https://chromedevtools.github.io/devtools-protocol/: JSON messages, each ended by a NUL; Chromium
reads them at file descriptor 3 and writes at 4 (--remote-debugging-pipe).
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

needs_chromium = pytest.mark.skipif(not shutil.which("chromium"), reason="apt-get install chromium")
_PATIENCE_S = 60.0
# --no-sandbox: tests run as root, and the page is ours.
_OPTIONS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
    "--remote-debugging-pipe",
]  # fmt: skip


@dataclass
class Seen:
    """What a page did while it was shown: console messages and errors, requests beyond itself."""

    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    picture: bytes = b""  # PNG of the whole page
    width: int = 0  # of what the page lays out, in CSS pixels; more than asked for: it overflows


class Chromium:
    """One browser with one page."""

    def __init__(self, send: IO[bytes], receive: IO[bytes]) -> None:
        self._send = send
        self._receive = receive
        self._last = 0
        self._events: list[dict[str, Any]] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = ""
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def show(self, page: Path, scheme: str = "light", width: int = 1200) -> Seen:
        """Load a file, wait until it has settled, and say what it did."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._call("Emulation.setEmulatedMedia", features=features)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        self._events.clear()
        self._call("Page.navigate", url=page.as_uri())
        self._until("Page.loadEventFired")
        self._call("Runtime.evaluate", expression="document.fonts.ready", awaitPromise=True)
        seen = Seen()
        layout = self._call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": width, "height": layout["height"], "scale": 1}
        shot = self._call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        seen.picture = base64.b64decode(shot["data"])
        seen.width = layout["width"]
        for event in self._events:
            self._note(event, page, seen)
        return seen

    def _note(self, event: dict[str, Any], page: Path, seen: Seen) -> None:
        method, values = event["method"], event.get("params", {})
        if method == "Network.requestWillBeSent":
            if values["request"]["url"] != page.as_uri():
                seen.requests.append(values["request"]["url"])
        elif method == "Runtime.consoleAPICalled":
            seen.problems.append(json.dumps(values["args"]))
        elif method == "Runtime.exceptionThrown":
            seen.problems.append(json.dumps(values["exceptionDetails"]))
        elif method == "Log.entryAdded":
            seen.problems.append(values["entry"]["text"])
        elif method == "Page.javascriptDialogOpening":
            seen.problems.append(values["message"])

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if getattr(self, "_session", ""):
            message["sessionId"] = self._session
        self._send.write(json.dumps(message).encode() + b"\0")
        self._send.flush()
        while True:
            answer = self._next()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def _until(self, method: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not any(event["method"] == method for event in self._events):
            assert time.monotonic() < deadline, f"no {method}"
            self._next()

    def _next(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self._receive.read(1)) != b"\0":
            assert byte, "Chromium is gone"
            text += byte
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self._events.append(message)
            if message["method"] == "Page.javascriptDialogOpening":
                raise AssertionError(f"the page opens a dialog: {message['params']['message']}")
        return message


@contextlib.contextmanager
def chromium(profile: Path) -> Iterator[Chromium]:
    """A browser that is gone when the block ends, with a fresh profile in an own directory."""
    to_read, to_send = os.pipe()
    to_receive, to_write = os.pipe()
    command = ["chromium", *_OPTIONS, f"--user-data-dir={profile}", "about:blank"]
    # The descriptors 3 and 4, by a shell that was given others.
    wrapped = ["bash", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "chromium", *command]
    process = subprocess.Popen(
        wrapped,
        pass_fds=(to_read, to_write),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(profile)},
    )
    os.close(to_read)
    os.close(to_write)
    try:
        with os.fdopen(to_send, "wb") as send, os.fdopen(to_receive, "rb") as receive:
            yield Chromium(send, receive)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
