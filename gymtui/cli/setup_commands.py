"""The command lines of what is set up here: `doctor`, `config`, `completion`.

What they do is in `doctor`, `config_edit` and `config_show`; what TAB offers is `suggestions`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

from gymtui.cli import options
from gymtui.core import paths


@click.command(
    epilog="Checks versions, files, settings (with their origin; the key as ck_…1234), the "
    "connection to the gym (DNS, TLS, clock, latency, one read-only call per endpoint) and the "
    "terminal. --json is {worst, exit, checks: [{subject, name, message, state, advice}]}; state "
    "is ok, warning or bad. Exit codes: 0 the gym answers, 2 invalid settings, 3 no answer, 4 "
    "refused. It takes 40 s at most."
)
@options.gym_options
@options.scope_options
@options.json_option
def doctor(form: str | None, **flags: Any) -> None:
    """Diagnose settings, network, key and terminal, with advice."""
    from gymtui.cli.doctor import checks_document, checks_lines, run_checks
    from gymtui.cli.output import Printer

    wanted = options.given_options(flags)
    env = dict(os.environ)
    config = Path(wanted["config"]) if "config" in wanted else paths.config_file(env)
    waiting = options.tell if sys.stderr.isatty() else (lambda _words: None)
    checks, status, hangs = run_checks(options.load_settings(wanted), env, config, tell=waiting)
    printer = Printer.standard()
    if form == "json":
        printer.document(checks_document(checks, status))
    else:
        printer.lines(checks_lines(checks, printer))
    if hangs:
        # A resolver that hangs would be waited for at the end of the program.
        os._exit(status)
    sys.exit(status)


_NO_ARGUMENT = (
    "a key never comes in as an argument, where everyone on this machine could see it: "
    "`gymtui config set api_key -` asks for it, or reads it from a pipe"
)


_file_option = click.option(
    "--config", "file", type=click.Path(), metavar="F", help="Another configuration file."
)


@click.group()
def config() -> None:
    """See, begin and change the configuration file."""


@config.command()
@_file_option
def path(file: str | None) -> None:
    """Print where the configuration file is, or would be."""
    click.echo(str(_path(file)))


@config.command()
@_file_option
def init(file: str | None) -> None:
    """Write a first file: every setting with its meaning, none in force. Never over another."""
    from gymtui.cli.config_edit import ConfigError, write_first

    where = _path(file)
    try:
        write_first(where)
    except ConfigError as problem:
        options.fail(str(problem))
    except OSError as error:
        options.fail_on_file(where, error)
    options.tell(f"wrote {where}, readable only by you")


@config.command("set")
@click.argument("name")
@click.argument("words", nargs=-1, metavar="VALUE…")
@click.option("--profile", metavar="P", help="Profile to set it in, created if missing.")
@_file_option
def set_(
    name: str,
    words: tuple[str, ...],
    profile: str | None,
    file: str | None,
) -> None:
    """Set one thing; comments and layout stay as they are.

    Several words make a list: `set keys.cancel x delete`, `set api_key_command pass show gym`.
    A command with dashes comes after `--`. A key is asked for: `set api_key -`.
    """
    from gymtui.cli.config_edit import ConfigError, find_setting, value_of, write_setting
    from gymtui.config.schema import read_file

    where = _path(file)
    try:
        setting = find_setting(name, profile or options.given_options({}).get("profile"))
        if setting.is_key:
            if words not in ((), ("-",)):
                raise ConfigError(_NO_ARGUMENT)
            words = (_ask_key(),)
        elif not words:
            raise ConfigError(f"{name}: no value given")
        value = value_of(setting, words, read_file(where, [], must_exist=False), os.environ)
        write_setting(where, setting, value)
    except ConfigError as problem:
        options.fail(str(problem))
    except OSError as error:
        options.fail_on_file(where, error)
    options.tell(f"set {'.'.join(setting.where)} in {where}")
    chosen = {"config": str(where)} | ({"profile": profile} if profile else {})
    for left in options.load_settings(chosen, want_key=False).problems:
        options.tell(str(left))


@config.command()
@options.gym_options
@options.scope_options
@options.json_option
def show(form: str | None, **flags: Any) -> None:
    """Every setting, what it is and where that comes from; of the key, its ends."""
    from gymtui.cli.checkup.local import with_screen_problems
    from gymtui.cli.config_show import as_document, as_table

    found = with_screen_problems(options.load_settings(options.given_options(flags)), os.environ)
    for problem in found.problems:
        options.tell(str(problem))
    click.echo(as_document(found) if form == "json" else as_table(found))


config.add_command(show, "list")


def _path(file: str | None) -> Path:
    named = file or options.given_options({}).get("config")
    return Path(named).expanduser() if named else paths.config_file(os.environ)


def _ask_key() -> str:
    """A key, typed without being shown, or the first line of what is piped in."""
    if sys.stdin.isatty():
        return str(click.prompt("API key (not shown)", hide_input=True, err=True))
    return sys.stdin.readline().strip()


SHELLS = ("bash", "zsh", "fish")


@click.command(
    epilog="""\
\b
bash:  gymtui completion bash > ~/.local/share/bash-completion/completions/gymtui
zsh:   gymtui completion zsh > DIR/_gymtui, with DIR in $fpath
fish:  gymtui completion fish > ~/.config/fish/completions/gymtui.fish

For this session only: eval "$(gymtui completion bash)". TAB completes commands, options,
profiles, sources, and runs that a dashboard has observed; the gym is not contacted.
"""
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, /, shell: str) -> None:
    """Print what makes a shell complete this program's command lines."""
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101  (click has all three)
    root = context.find_root()
    script = found(root.command, {}, "gymtui", "_GYMTUI_COMPLETE").source()
    # click's own would end a description, or a run's name, at its first comma.
    click.echo(script.replace('string split ","', 'string split --max 1 ","'))
