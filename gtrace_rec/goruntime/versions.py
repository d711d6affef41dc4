"""The Go versions whose layout is known.

Adding a Go release is: one more entry in TOOLCHAINS, run `python -m tools.generate_tables`, commit.
Code, tests, continuous integration and the README's table all read this module.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Go release -> the toolchain its table is generated from and the tests build with;
# None: no toolchain to be had, the table is from the source of that release.
TOOLCHAINS: dict[str, str | None] = {
    "1.19": "1.19",
    "1.20": None,
    "1.21": "1.21.13",
    "1.22": "1.22.10",
    "1.23": "1.23.9",
    "1.24": "1.24.11",
    "1.25": "1.25.5",
    "1.26": "1.26.6",
    "1.27": "1.27.3",
}

SUPPORTED = tuple(TOOLCHAINS)

_RELEASE = re.compile(r"(devel )?go1\.(\d{1,4})(?:\.(\d{1,4}))?(rc\d+|beta\d+)?")


@dataclass(frozen=True)
class GoVersion:
    """A Go version as a binary states it: "go1.27.3", "go1.24.1 X:boringcrypto", "devel go1.28-…".

    `development` is true of everything before a release candidate: its layout may be that of
    neither the release before nor the one after.
    """

    text: str
    minor: int
    development: bool

    @property
    def release(self) -> str:
        """The release it belongs to: "1.27"."""
        return f"1.{self.minor}"

    @property
    def table(self) -> str | None:
        """The release whose table holds for this version; None: not known."""
        return None if self.development or self.release not in TOOLCHAINS else self.release


def parse_version(text: str) -> GoVersion | None:
    """The version that a Go version string names; None for what is no such string."""
    m = _RELEASE.match(text)
    if m is None:
        return None
    development = bool(m[1]) or (m[4] or "").startswith("beta")
    return GoVersion(text, int(m[2]), development)


def supported_text() -> str:
    """The supported versions in words, for messages."""
    return f"Go {SUPPORTED[0]} to {SUPPORTED[-1]}"
