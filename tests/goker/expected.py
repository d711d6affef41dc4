"""The leaks that Go's own test of its profile expects of each program."""

from __future__ import annotations

import re

from goker import harness
from goker.harness import Outcome, Stack
from gtrace_analyze.analyses.leaks import LeakGroup

_TEST = "goroutineleakprofile_test.go"
_CASE = re.compile(r'make(?:Flaky)?Test\("(\w+)",\n((?:\t+(?://.*|`.*`.*)\n)+)')


def expected() -> dict[str, list[re.Pattern[str]]]:
    """By program, a pattern for each kind of leak: the outermost function, and the wait reason."""
    text = (harness.sources().parent.parent.parent / _TEST).read_text()
    return {
        name: [re.compile(pattern) for pattern in re.findall(r"`(.*)`", lines)]
        for name, lines in _CASE.findall(text)
    }


def kinds_in(
    outcome: Outcome, patterns: list[re.Pattern[str]]
) -> list[tuple[re.Pattern[str], set[int]]]:
    """For each kind, the goroutines of it that the profiles name."""
    words = {goid: _words(stack) for goid, stack in outcome.named.items()}
    return [(p, {goid for goid, text in words.items() if p.search(text)}) for p in patterns]


def expects(patterns: list[re.Pattern[str]], group: LeakGroup) -> bool:
    """One of the kinds is that of a group that gtrace reports."""
    texts = [_text(frame["function"], group.reason) for frame in group.stack]
    return any(pattern.search(text) for pattern in patterns for text in texts)


def _words(stack: Stack) -> str:
    return _text(stack.functions[-1], stack.reason)


def _text(function: str, reason: str | None) -> str:
    return f"{function.removeprefix('main.')}(...) [{reason}]"
