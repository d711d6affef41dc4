"""The examples and pages on running in production say what the programs do."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gtrace_rec.hostcheck import _CAPABILITIES
from live.recording import ENV, RECORDER

UNIT = "examples/systemd/gtrace@.service"
POD = "examples/kubernetes/gtrace.yaml"


def _settings_of_unit(repo: Path) -> dict[str, str]:
    lines = (repo / UNIT).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and line[0] not in "#[")


def _in_force(*arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    """What gtrace-rec would do with these arguments, which it checks first."""
    command = [*RECORDER, *map(str, arguments), "--print-config"]
    return subprocess.run(command, env=ENV | env, capture_output=True, text=True)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="apt-get install systemd")
def test_systemd_takes_the_unit(repo: Path, tmp_path: Path) -> None:
    text = (repo / UNIT).read_text().replace("/opt/gtrace/bin/gtrace-rec", "/bin/true")
    unit = tmp_path / "gtrace@server.service"
    unit.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    unit.write_text(text.replace("DynamicUser", "DynamicUsr"))  # that it would say so
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True
    )
    assert "DynamicUsr" in done.stderr


def test_the_unit_has_the_capabilities_that_recording_takes(repo: Path) -> None:
    settings = _settings_of_unit(repo)
    for name in ("CapabilityBoundingSet", "AmbientCapabilities"):
        assert set(settings[name].split()) == set(_CAPABILITIES)


def test_the_recorder_takes_what_the_unit_gives_it(repo: Path) -> None:
    command = shlex.split(_settings_of_unit(repo)["ExecStart"])
    given = [
        word.replace("/etc/gtrace/%i", str(repo / "examples/systemd/server"))
        .replace("%S", "/var/lib")
        .replace("%i", "server")
        .replace("${INVOCATION_ID}", "1f")
        for word in command[1:]
    ]
    done = _in_force(*given)
    assert done.returncode == 0, done.stderr
    force = yaml.safe_load(done.stdout)
    assert force["out"] == "/var/lib/gtrace/server-1f.parquet"
    assert force["target"]["exe"] == ["/usr/local/bin/server"]
    assert (force["plan"], force["metrics"]["address"]) == ("park", "127.0.0.1:9464")


def test_the_pod_has_the_capabilities_that_recording_takes(repo: Path) -> None:
    pod = yaml.safe_load((repo / POD).read_text())
    assert (pod["apiVersion"], pod["kind"]) == ("v1", "Pod")
    (container,) = pod["spec"]["containers"]
    rights: dict[str, Any] = container["securityContext"]
    assert {f"CAP_{name}" for name in rights["capabilities"]["add"]} == set(_CAPABILITIES)
    assert rights["capabilities"]["drop"] == ["ALL"]
    assert not rights["privileged"]
    volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes


def test_the_recorder_takes_what_the_pod_gives_it(repo: Path) -> None:
    pod = yaml.safe_load((repo / POD).read_text())
    (container,) = pod["spec"]["containers"]
    done = _in_force(*container["args"])
    assert done.returncode == 0, done.stderr
    force = yaml.safe_load(done.stdout)
    assert force["target"]["pid"] == [4242]
    # The recorder leaves things out before the kernel kills it.
    assert force["limits"]["memory"] == "800M"
    assert container["resources"]["limits"]["memory"] == "1Gi"


def test_the_image_has_the_capabilities_that_recording_takes(repo: Path) -> None:
    text = (repo / "examples/container/Dockerfile").read_text()
    assert {f"CAP_{name}" for name in re.findall(r"--cap-add=(\w+)", text)} == set(_CAPABILITIES)


def _said(repo: Path) -> Iterator[str]:
    """Every text in the programs, with an ellipsis for what is filled in."""
    for package in ("gtrace_rec", "gtrace_analyze"):
        for path in (repo / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                yield from _texts(node)
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Check":
                    # As require_host() says it.
                    for name in _texts(node.args[0]):
                        yield from (f"{name}: {found}" for found in _texts(node.args[2]))
        for path in (repo / package).rglob("*.sql"):
            text = re.sub(r"number_of\(.*?, '(\w+)'\) \|\| '", r"'… \1", path.read_text())
            text = re.sub(r"'\s*\|\|\s*'", "", text)
            yield re.sub(r"\{[^}]*\}", "…", text)


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        parts = (v.value if isinstance(v, ast.Constant) else "…" for v in node.values)
        yield "".join(map(str, parts))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


def _symptoms(repo: Path) -> list[str]:
    text = (repo / "docs" / "troubleshooting.md").read_text()
    return re.findall(r"^### `(.+)`$", text, flags=re.MULTILINE)


def test_each_symptom_is_something_that_is_said(repo: Path) -> None:
    said = list(_said(repo))
    symptoms = _symptoms(repo)
    assert len(symptoms) > 20
    assert [s for s in symptoms if not any(s in text for text in said)] == []


def _commands(page: Path) -> list[str]:
    blocks = re.findall(r"^```(?:sh|console)?\n(.*?)^```", page.read_text(), re.M | re.S)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    inline = re.findall(r"`((?:sudo )?gtrace-(?:rec|analyze) [^`]+)`", page.read_text())
    return [line for line in (*lines, *inline) if re.match(r"(sudo )?gtrace-", line)]


@pytest.mark.parametrize("name", ["production.md", "troubleshooting.md"])
def test_the_commands_of_the_pages_parse(repo: Path, name: str) -> None:
    from tools import command_docs

    commands = _commands(repo / "docs" / name)
    assert commands
    for line in commands:
        command_docs.check(line)


@pytest.mark.parametrize("name", ["production.md", "troubleshooting.md"])
def test_the_links_of_the_pages_lead_somewhere(repo: Path, name: str) -> None:
    page = repo / "docs" / name
    links = re.findall(r"\]\(([^)#]+)", page.read_text())
    assert links
    assert [x for x in links if "://" not in x and not (page.parent / x).exists()] == []
