"""Reads a configuration file: YAML whose keys are those of settings.py.

Every value is taken as the text that stands in the file, and understood as the same text on the
command line would be. `${NAME}` in a value is the environment's NAME, `${NAME:-text}` that or
`text`, and `$$` a dollar sign.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

from gtrace_rec._errors import UsageError
from gtrace_rec.settings import BY_KEY, Setting

_REFERENCE = re.compile(r"\$(?:(\$)|\{([A-Za-z_]\w*)(?::-([^}]*))?\}|)")
_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True)
class Configured:
    """What a file says of one setting."""

    value: str | list[str]
    place: str  # "gtrace.yaml:3"


def read_config(path: Path, environment: Mapping[str, str]) -> dict[str, Configured]:
    """The settings that a file gives, by their keys; each is known to be valid.

    Raises UsageError, with the line, for what is not YAML, not a setting, or not a value of it.
    """
    try:
        loader = yaml.SafeLoader(path.read_text())
        root = loader.get_single_node()
    except OSError as e:
        raise UsageError(f"--config {path}: {e.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--config {path}: is not text; it should be YAML") from None
    except yaml.YAMLError as e:
        raise UsageError(f"--config {path}: not valid YAML: {_yaml_problem(e)}") from None
    found: dict[str, Configured] = {}
    if root is None or root.tag == _NULL:
        return found
    for key, node in _leaves(root, "", path):
        place = f"{path}:{node.start_mark.line + 1}"
        if key in found:
            raise UsageError(f"{place}: {key}: given twice, first at {found[key].place}")
        value = _value(node, BY_KEY[key], place, environment)
        if value is not None:
            found[key] = Configured(value, place)
    return found


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{problem}, line {mark.line + 1}" if mark else problem


def _leaves(node: yaml.Node, prefix: str, path: Path) -> Iterator[tuple[str, yaml.Node]]:
    """The settings below a mapping, with their whole keys. Raises UsageError."""
    if not isinstance(node, yaml.MappingNode):
        place = f"{path}:{node.start_mark.line + 1}"
        names = [k.removeprefix(prefix).split(".")[0] for k in BY_KEY if k.startswith(prefix)]
        what = prefix.rstrip(".") or "a configuration"
        raise UsageError(
            f"{place}: {what}: wants settings by name ({', '.join(dict.fromkeys(names))}), "
            "not a value"
        )
    for name, child in node.value:
        key = f"{prefix}{name.value}"
        if key in BY_KEY:
            yield key, child
        elif any(k.startswith(f"{key}.") for k in BY_KEY):
            if child.tag != _NULL:
                yield from _leaves(child, f"{key}.", path)
        else:
            raise UsageError(
                f"{path}:{name.start_mark.line + 1}: {key}: no such setting{_nearest(key)}"
            )


def _nearest(key: str) -> str:
    groups = {k.rpartition(".")[0] for k in BY_KEY} - {""}
    near = difflib.get_close_matches(key, [*BY_KEY, *groups], n=1)
    if not near:  # the right name in the wrong group
        near = [k for k in BY_KEY if k.rpartition(".")[2] == key.rpartition(".")[2]][:1]
    return f"; did you mean {near[0]}?" if near else "; see docs/configuration.md for all of them"


def _value(
    node: yaml.Node, setting: Setting, place: str, environment: Mapping[str, str]
) -> str | list[str] | None:
    where = f"{place}: {setting.key}"
    if node.tag == _NULL:
        return None
    if isinstance(node, yaml.MappingNode):
        raise UsageError(f"{where}: wants a value, not settings by name")
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    if isinstance(node, yaml.SequenceNode) and not setting.is_list:
        raise UsageError(f"{where}: wants one value, not a list")
    if not all(isinstance(item, yaml.ScalarNode) for item in items):
        raise UsageError(f"{where}: wants a list of plain values")
    texts = [_expand(item.value, where, environment) for item in items]
    for text in texts if setting.repeated else [",".join(texts)]:
        _check(text, setting, where)
    return texts if setting.repeated else ",".join(texts)


def _check(text: str, setting: Setting, where: str) -> Any:
    try:
        return setting.type.convert(text, None, None)
    except click.BadParameter as e:
        raise UsageError(f"{where}: {e.message}") from None


def _expand(text: str, where: str, environment: Mapping[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        dollar, name, default = match.groups()
        if dollar:
            return "$"
        if not name:
            raise UsageError(f"{where}: {text!r}: write ${{NAME}}, or $$ for a dollar sign")
        if name in environment:
            return environment[name]
        if default is None:
            raise UsageError(
                f"{where}: the environment has no {name}; set it, or write ${{{name}:-DEFAULT}}"
            )
        return str(default)

    return _REFERENCE.sub(replace, text)
