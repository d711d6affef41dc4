"""The options of a recording, and where each value came from."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from gtrace_rec.settings import SETTINGS, TARGETS, Setting, Settings, check

_PLACES = "gtrace_rec.places"  # in ctx.meta: by field, where in the file a value stands


class _SettingOption(click.Option):
    """An option that says where a bad value of it came from."""

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """The option, or the environment variable."""
        if ctx and self.name and ctx.get_parameter_source(self.name) == ParameterSource.ENVIRONMENT:
            return f"environment variable {self.envvar}"
        return super().get_error_hint(ctx)


_F = TypeVar("_F", bound=Callable[..., Any])


def settings_options(command: _F) -> _F:
    """Give a command all settings as options, and --config and --print-config."""
    command = click.option(
        "--print-config", is_flag=True, help="Print the settings in force, and end."
    )(command)
    command = click.option(
        "--config",
        "-c",
        type=click.Path(path_type=Path),
        envvar="GTRACE_CONFIG",
        is_eager=True,
        expose_value=False,
        callback=_read_config,
        help="Take settings from this YAML file; options and environment override it.",
    )(command)
    for setting in reversed(SETTINGS):
        command = _option(setting)(command)
    return command


def _option(s: Setting) -> Callable[[_F], _F]:
    if s.option is None:
        return click.argument(
            s.field, nargs=-1, type=s.type, envvar=s.env, metavar="[-- PROGRAM ARGS...]"
        )
    names = [n for n in (s.option, s.short, s.field) if n]
    default = None if s.repeated or s.default is None else s.default
    return click.option(
        *names,
        cls=_SettingOption,
        type=None if s.is_flag else s.type,
        is_flag=s.is_flag,
        multiple=s.repeated,
        default=s.type.convert(default, None, None) if s.is_flag else default,
        show_default=default is not None and not s.is_flag,
        envvar=s.env,
        help=s.help,
    )


def _read_config(ctx: click.Context, param: click.Parameter, path: Path | None) -> None:
    if path is None or ctx.resilient_parsing:
        return
    from gtrace_rec.configfile import read_config

    found = read_config(path, os.environ)
    fields = {s.key: s.field for s in SETTINGS}
    ctx.default_map = {fields[key]: c.value for key, c in found.items()}
    ctx.meta[_PLACES] = {fields[key]: c.place for key, c in found.items()}


def settings_of(ctx: click.Context) -> Settings:
    """The settings of a command that has them as its options.

    Raises UsageError where they contradict each other.
    """
    overruled = _overruled_targets(ctx)
    values: dict[str, Any] = {s.field: ctx.params[s.field] for s in SETTINGS}
    settings = Settings(**values | dict.fromkeys(overruled, ()))
    check(settings)
    return settings


def _overruled_targets(ctx: click.Context) -> list[str]:
    """Targets that a stronger source replaces: with --pid, the file's command is not started."""
    sources = {f: s for f in TARGETS if ctx.params[f] and (s := ctx.get_parameter_source(f))}
    return [f for f, source in sources.items() if source > min(sources.values())]


def source_of(ctx: click.Context, setting: Setting) -> str:
    """Where the value in force came from."""
    match ctx.get_parameter_source(setting.field):
        case ParameterSource.COMMANDLINE:
            return "command line"
        case ParameterSource.ENVIRONMENT:
            return f"environment {setting.env}"
        case ParameterSource.DEFAULT_MAP:
            return str(ctx.meta[_PLACES][setting.field])
    return "default"


def show_config(ctx: click.Context) -> None:
    """Print all settings in force as a configuration file, each with where it came from."""
    import yaml

    overruled = _overruled_targets(ctx)
    group = ""
    for s in SETTINGS:
        prefix, _, name = s.key.rpartition(".")
        if prefix and prefix != group:
            click.echo(f"{prefix}:")
        group = prefix
        value = _text(s, () if s.field in overruled else ctx.params[s.field])
        dumped = yaml.safe_dump(value, default_flow_style=True, width=1 << 20).splitlines()[0]
        line = f"{'  ' if prefix else ''}{name}: {dumped}"
        click.echo(f"{line:<40}  # {source_of(ctx, s)}")


def _text(s: Setting, value: Any) -> Any:
    """A value as one would write it into a file; a dollar sign is no reference there."""
    if s.repeated and isinstance(value, tuple):
        return [_text(s, v) for v in value]
    if hasattr(s.type, "text") and value is not None:
        return s.type.text(value)
    return str(value).replace("$", "$$") if isinstance(value, str | Path) else value
