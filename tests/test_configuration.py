"""Settings of a recording: from options, environment and file, in this order of strength."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from gtrace_rec._errors import GtraceError
from gtrace_rec.commands import cli
from gtrace_rec.settings import SETTINGS, Setting

# By type of setting: a value that is nowhere the default.
SAMPLES = {
    "address": "[::1]:9000",
    "boolean": "yes",
    "duration": "1500ms",
    "durations": "1us,3ms,90s",
    "integer": "41",
    "integer range": "9",
    "names": "run,stacks",
    "path": "a$b",
    "share": "1/16",
    "size": "32M",
    "text": "a$b",
}


def _print_config(*arguments: str | Path, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(cli, ["record", *map(str, arguments), "--print-config"], env=env)


def _in_force(*arguments: str | Path, env: dict[str, str] | None = None) -> dict[str, str]:
    """By key: the value and, behind a #, where it came from."""
    result = _print_config(*arguments, env=env)
    assert result.exit_code == 0, result.output
    found, group = {}, ""
    for line in result.stdout.splitlines():
        match = re.fullmatch(r"( *)(\w+):(?: (.*?) +# (.*))?", line)
        assert match, line
        indent, name, value, source = match.groups()
        if value is None:
            group = f"{name}."
        else:
            found[f"{group if indent else ''}{name}"] = f"{value} # {source}"
    return found


def _refused(tmp_path: Path, text: str, env: dict[str, str] | None = None) -> str:
    """What is said about a file, without its place."""
    file = tmp_path / "c.yaml"
    file.write_text(text)
    result = _print_config("--config", file, env=env)
    assert isinstance(result.exception, GtraceError), result.output
    assert result.exception.exit_code == 2
    message = str(result.exception)
    assert "\n" not in message
    return message.replace(str(file), "c.yaml")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "gtrace.yaml"
    file.write_text("plan: park\nring:\n  size: 1M\nstack: {depth: 5}\n")
    return file


def test_every_setting_has_a_default_and_a_place(config: Path) -> None:
    assert set(_in_force()) == {s.key for s in SETTINGS}
    assert _in_force()["ring.size"] == "64M # default"


def test_a_file_overrides_defaults(config: Path) -> None:
    found = _in_force("--config", config)
    assert found["ring.size"] == f"1M # {config}:3"
    assert found["stack.depth"] == f"5 # {config}:4"
    assert found["rotate.size"] == "64M # default"


def test_the_environment_overrides_the_file_and_options_override_both(config: Path) -> None:
    env = {"GTRACE_CONFIG": str(config), "GTRACE_RING_SIZE": "2M", "GTRACE_STACK_DEPTH": "6"}
    found = _in_force("--stack-depth", "7", env=env)
    assert found["plan"] == f"park # {config}:1"
    assert found["ring.size"] == "2M # environment GTRACE_RING_SIZE"
    assert found["stack.depth"] == "7 # command line"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.key)
def test_what_is_printed_is_a_file_that_means_the_same(tmp_path: Path, setting: Setting) -> None:
    choice = isinstance(setting.type, click.Choice)
    value = setting.type.choices[-1] if choice else SAMPLES[setting.type.name]
    env = {setting.env: value, "GTRACE_OUT": "x"} if setting.key != "out" else {setting.env: value}
    first = _print_config(env=env)
    assert f"# environment {setting.env}" in first.stdout, first.output
    file = tmp_path / "again.yaml"
    file.write_text(first.stdout)
    second = _print_config("--config", file)
    values = [re.sub(r" *#.*", "", r.stdout) for r in (first, second)]
    assert values[0] == values[1]


def test_variables_are_replaced_in_values(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("out: '${DIR}/a-$${x}-${NONE:-b}'\ntarget: {pid: ['${PID}', 7]}\n")
    found = _in_force("--config", file, env={"DIR": "/tmp: {", "PID": "42"})
    assert found["out"] == f"'/tmp: {{/a-$${{x}}-b' # {file}:1"
    assert found["target.pid"] == f"[42, 7] # {file}:2"


def test_a_target_on_the_command_line_replaces_the_one_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("target: {command: [./server, --flag]}\n")
    assert _in_force("--config", file)["target.command"].startswith("[./server, --flag] #")
    found = _in_force("--config", file, "--pid", "3")
    assert found["target.pid"] == "[3] # command line"
    assert found["target.command"].startswith("[] #")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ring: {sze: 1M}", "c.yaml:1: ring.sze: no such setting; did you mean ring.size?"),
        ("\nrotat:\n  size: 1", "c.yaml:2: rotat: no such setting; did you mean rotate?"),
        ("stack: {every: 3s}", "c.yaml:1: stack.every: no such setting; did you mean"),
        ("zzz: 1", "c.yaml:1: zzz: no such setting; see docs/configuration.md"),
        ("plan: fast", "c.yaml:1: plan: 'fast' is not one of"),
        ("plan: [park]", "c.yaml:1: plan: wants one value, not a list"),
        ("plan: {a: b}", "c.yaml:1: plan: wants a value, not settings by name"),
        ("ring: 64M", "c.yaml:1: ring: wants settings by name (size), not a value"),
        ("- plan", "c.yaml:1: a configuration: wants settings by name (out, target,"),
        ("stack:\n  depth: deep", "c.yaml:2: stack.depth: 'deep' is not a valid"),
        ("stack: {depth: 500}", "c.yaml:1: stack.depth: 500 is not in the range"),
        ("ring: {size: big}", "c.yaml:1: ring.size: 'big' is not a size such as"),
        ("rotate: {every: soon}", "c.yaml:1: rotate.every: 'soon' is not a duration such as"),
        ("metrics: {address: here}", "c.yaml:1: metrics.address: 'here' is not an address such"),
        ("metrics: {latency_buckets: [2ms, 1ms]}", "metrics.latency_buckets: '2ms,1ms': durations"),
        ("limits: {drop_first: [run, run]}", "limits.drop_first: 'run,run' is not a list of stac"),
        ("filter: {max_events: 0}", "c.yaml:1: filter.max_events: 0 is not in the range"),
        ("sample: 2", "c.yaml:1: sample: '2' is not a share such as"),
        ("force: perhaps", "c.yaml:1: force: 'perhaps' is not a valid boolean"),
        ("target: {pid: [1, x]}", "c.yaml:1: target.pid: 'x' is not a valid integer"),
        ("target: {pid: [[1]]}", "c.yaml:1: target.pid: wants a list of plain values"),
        ("plan: park\nplan: full", "c.yaml:2: plan: given twice, first at c.yaml:1"),
        ("out: ${NOPE}", "c.yaml:1: out: the environment has no NOPE; set it, or write ${NOPE:-"),
        ("out: a$b", "c.yaml:1: out: 'a$b': write ${NAME}, or $$ for a dollar sign"),
        ("a: [", "--config c.yaml: not valid YAML: expected the node content"),
        ("a: b: c", "--config c.yaml: not valid YAML: mapping values are not allowed here, line 1"),
    ],
)
def test_a_bad_file_gets_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    assert message in _refused(tmp_path, text)


def test_files_that_cannot_be_read_get_one_clear_line(tmp_path: Path) -> None:
    for path, reason in (tmp_path / "no", "No such file"), (tmp_path, "Is a directory"):
        result = _print_config("--config", path)
        assert f"--config {path}: {reason}" in str(result.exception)
    binary = tmp_path / "b"
    binary.write_bytes(b"\xff\x00\xfe")
    assert "is not text" in str(_print_config("--config", binary).exception)


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("# nothing\n")
    assert _in_force("--config", tmp_path / "c") == _in_force()


def test_a_bad_variable_is_named(config: Path) -> None:
    result = _print_config(env={"GTRACE_RING_SIZE": "big"})
    assert result.exit_code == 2
    assert "environment variable GTRACE_RING_SIZE: 'big' is not a size such as" in result.stderr


def test_the_example_of_the_page_is_valid(tmp_path: Path, repo: Path) -> None:
    page = (repo / "docs" / "configuration.md").read_text()
    file = tmp_path / "example.yaml"
    file.write_text(page.split("```yaml\n")[1].split("```")[0])
    found = _in_force("--config", file, env={"HOSTNAME": "h1"})
    assert found["out"].startswith("/var/lib/gtrace/h1.parquet #")
