"""The SQL objects of the package, with their documentation.

One object per file under ``sql/``, whose name is the file's. The file begins with a comment: what
it is, then ``Grain:`` and ``Cost:``. The column list carries a comment per column, which says the
unit and when it is NULL. The same text makes ``gtrace-analyze docs``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Set
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

__all__ = ["SqlObject", "digest", "load"]

_HEAD = re.compile(
    r"^CREATE (?P<kind>TABLE|TEMP VIEW|TEMP MACRO) (?P<name>\w+) ?\((?P<columns>.*?)\) AS\s",
    re.MULTILINE | re.DOTALL,
)
_USE = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)|\b(\w+)\(")
_COLUMN = re.compile(r"^\s+(?:(?P<name>\w+),?\s+)?-- (?P<doc>.*)$")


@dataclass(frozen=True)
class SqlObject:
    """One view, stored table or macro."""

    name: str
    kind: str  # "view", "table" or "macro"
    layer: str  # the folder it lies in
    doc: str
    columns: dict[str, str]  # in order, each with its comment; of a macro: empty
    sql: str  # the statement that creates it
    uses: frozenset[str]  # the other objects that it mentions

    @property
    def query(self) -> str:
        """The query whose rows the statement keeps."""
        return _HEAD.sub("", self.sql, count=1)


@cache
def load() -> tuple[SqlObject, ...]:
    """All objects, each after those that it uses."""
    texts = {file.name.removesuffix(".sql"): (layer, file.read_text()) for layer, file in _files()}
    objects = {name: _parse(name, *found, texts.keys()) for name, found in texts.items()}
    ordered: dict[str, SqlObject] = {}

    def add(name: str, chain: tuple[str, ...]) -> None:
        if name in chain:
            raise ValueError(f"SQL objects use each other in a circle: {' → '.join(chain)}")
        if name not in ordered:
            for used in sorted(objects[name].uses):
                add(used, (*chain, name))
            ordered[name] = objects[name]

    for name in sorted(objects):
        add(name, ())
    return tuple(ordered.values())


@cache
def digest() -> str:
    """A fingerprint of all SQL, so that an index built by other SQL is known to be stale."""
    text = "\0".join(o.sql for o in load())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _files() -> list[tuple[str, Traversable]]:
    root = resources.files("gtrace_analyze") / "sql"
    return [
        (layer.name, file)
        for layer in root.iterdir()
        if layer.is_dir()
        for file in layer.iterdir()
        if file.name.endswith(".sql")
    ]


def _parse(name: str, layer: str, text: str, names: Set[str]) -> SqlObject:
    head = _HEAD.search(text)
    if head is None or head["name"] != name:
        raise ValueError(
            f"sql/{layer}/{name}.sql: does not create {name}, or not in the known form"
        )
    kind = head["kind"].removeprefix("TEMP ").lower()
    statement = text[head.start() :]
    words = {word for match in _USE.findall(re.sub(r"--.*", "", statement)) for word in match}
    return SqlObject(
        name=name,
        kind=kind,
        layer=layer,
        doc=re.sub(r"^-- ?", "", text[: head.start()], flags=re.MULTILINE).strip(),
        columns={} if kind == "macro" else _columns(head["columns"]),
        sql=statement.rstrip().rstrip(";"),
        uses=frozenset(words & names - {name}),
    )


def _columns(text: str) -> dict[str, str]:
    columns: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if match := _COLUMN.match(line):
            name = match["name"] or name
            columns[name] = f"{columns.get(name, '')} {match['doc']}".strip()
    return columns
