"""The commands: the dashboard's own and the few beside it; the others are modules beside it.

Anything heavy is imported inside the command that needs it.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from gymtui import __version__
from gymtui.cli import options
from gymtui.cli.directories import FILES, settings_and_names

if TYPE_CHECKING:
    from gymtui.config.settings import LoadedSettings

DEMO_SPEED, DEMO_SEED = 3.0, 7
_DEMO_INTERVAL_S = 0.5  # the demo's gym hurries: asked this often, its short phases are seen

_ELSEWHERE: Mapping[str, str] = {
    "runs": "list_commands",
    "rollouts": "list_commands",
    "search": "list_commands",
    "report": "analysis_commands",
    "failures": "analysis_commands",
    "compare": "analysis_commands",
    "cancel": "run_commands",
    "delete": "run_commands",
    "wait": "run_commands",
    "doctor": "setup_commands",
    "config": "setup_commands",
    "completion": "setup_commands",
    "launch": "launch_command",
    "gym": "gym_commands",
    "gym-worker": "gym_commands",
    "digest": "analysis_commands",
    "record": "recording_commands",
    "replay": "recording_commands",
    "watch": "recording_commands",
    "mcp": "analysis_commands",
}
"""Commands that are imported when they are named, by their module."""

_dashboard_options = options.with_options(
    options.interval_option,
    click.option("--read-only", is_flag=True, help="Disable launch, cancel and delete."),
    options.appearance_options,
    click.option("--debug", is_flag=True, help="Write a debug log."),
)


class Commands(click.Group):
    """The commands, in the order of their use; a closed pipe or a `^C` ends any of them quietly."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.commands, *_ELSEWHERE]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module = import_module(f"gymtui.cli.{_ELSEWHERE[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def main(self, *args: Any, **others: Any) -> Any:
        options.open_standard_streams()
        return super().main(*args, **others)

    def make_context(self, *args: Any, **others: Any) -> click.Context:
        """Read the command line; help and version are printed on the way."""
        return options.exit_quietly(
            None, lambda: super(Commands, self).make_context(*args, **others)
        )

    def invoke(self, ctx: click.Context) -> Any:
        return options.exit_quietly(ctx, lambda: super(Commands, self).invoke(ctx))


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="gymtui")
@options.gym_options
@options.scope_options
@_dashboard_options
@click.pass_context
def main(context: click.Context, /, **flags: Any) -> None:
    """Watch live runs of an RL gym. Without a command, opens the dashboard."""
    if context.invoked_subcommand is None:
        gc.disable()  # until the first frame: nothing that is imported is garbage
        _own_gym(options.given_options(flags))
    context.obj = options.given_options(flags)


@main.command()
@_dashboard_options
@click.option(
    "--speed",
    type=float,
    default=DEMO_SPEED,
    show_default=True,
    help="Speed of time (1 is real time).",
)
@click.option("--seed", type=int, default=DEMO_SEED, show_default=True, help="Random seed.")
@click.option("--fresh", is_flag=True, help="Discard the last demo and start anew.")
def demo(speed: float, seed: int, fresh: bool, **flags: Any) -> None:
    """The dashboard on a local gym with runs in progress; it all ends with it.

    The next demo continues where the last one stopped. Its state is separate from your gyms'.
    """
    options.require_terminal()
    gc.disable()  # as for the dashboard
    _demo(options.given_options(flags), speed=speed, seed=seed, fresh=fresh)


def _demo(flags: Mapping[str, Any], *, speed: float, seed: int, fresh: bool) -> NoReturn:
    from gymtui.cli.demo import DemoError, open_demo
    from gymtui.config.settings import load

    flags = {"interval": _DEMO_INTERVAL_S, **flags}
    # Nothing of the person's own configuration belongs to the demo, their key least of all.
    wanted = {name: flags[name] for name in flags if name not in ("profile", "config")}

    def settle(url: str) -> LoadedSettings:
        return load({**wanted, "base_url": url}, {}, None, None)

    try:
        sys.exit(open_demo(settle, os.environ, speed=speed, seed=seed, fresh=fresh))
    except DemoError as error:
        options.fail(str(error), options.EXIT_UNREACHABLE)


@main.command()
@click.argument("names", nargs=-1, required=True, metavar="[DIR/]… ROLLOUT")
@options.gym_or_directory_options
@options.form_options(
    "text", json="JSON as received.", markdown="Markdown.", text="Plain text (default)."
)
@click.option("--redact", is_flag=True, help="Have the gym redact tool calls.")
def show(names: tuple[str, ...], form: str, redact: bool, **flags: Any) -> None:
    """Print a rollout's transcript."""
    from gymtui.cli.show import print_rollout

    settings, rest = settings_and_names(flags, names)
    print_rollout(settings, _only("ROLLOUT", rest), form, redacted=redact)


@main.command()
@click.argument("names", nargs=-1, required=True, metavar="[DIR/]… RUN")
@click.option(
    "--to", "directory", required=True, metavar="DIR", help="Target directory, created if missing."
)
@options.gym_or_directory_options
@options.form_options(
    "json", json="JSON as received (default).", markdown="Markdown.", text="Plain text."
)
def export(names: tuple[str, ...], directory: str, form: str, **flags: Any) -> None:
    """Save the artifacts of a run's finished rollouts; a second run adds only what is new."""
    from pathlib import Path

    from gymtui.cli.export import export_run

    settings, rest = settings_and_names(flags, names)
    run, journal = _only("RUN", rest), options.journal_of(settings)
    try:
        tally = export_run(settings, run, Path(directory), form, journal=journal)
    except OSError as error:
        options.fail_on_file(directory, error)
    click.echo(tally.words, err=True)
    sys.exit(options.EXIT_REFUSED if tally.failed else 0)


def _only(what: str, names: tuple[str, ...]) -> str:
    if len(names) != 1:
        raise click.UsageError(f"name one {what}")
    return names[0]


@main.command("open")
@click.argument("files", nargs=-1, required=True, metavar="FILE|DIR…")
@click.option(
    "--as",
    "read_as",
    metavar="SOURCE",
    help="Read it as this source (default: found out); `files` opens transcripts one by one.",
)
@options.form_options(
    None,
    markdown="Print Markdown, without the viewer.",
    text="Print plain text, without the viewer.",
)
@options.appearance_options
def open_(files: tuple[str, ...], read_as: str | None, form: str | None, **flags: Any) -> None:
    """Open what is on disk as runs (directories of results) or transcripts (files), without a gym.

    Sources: this API's artifacts and exports, simlab, or another program's results.
    """
    from pathlib import Path

    from gymtui.core.text import clean
    from gymtui.transcript.artifact_files import FileProblem, find

    paths = [Path(name) for name in files]
    if read_as != FILES:
        from gymtui.cli.open import settings_of_files

        settings = settings_of_files(paths, read_as, form, options.given_options(flags))
        if settings is not None:
            _open_gym(settings, form)
    try:
        found = find(paths)
        if form is not None:
            from gymtui.cli.open import print_files

            sys.exit(0 if print_files(found, form) else options.EXIT_USAGE)
    except FileProblem as problem:
        options.fail(clean(problem))
    options.require_terminal()
    from gymtui.cli.open import view_files

    # What is wrong with where a gym is, is no matter here.
    settings = options.load_settings(options.given_options(flags), want_key=False)
    sys.exit(view_files(found, settings, os.environ))


def _open_gym(found: LoadedSettings, form: str | None) -> NoReturn:
    """Open directories as a gym, or print the transcripts in them, and end."""
    if form is not None:
        from gymtui.cli.show import print_all

        print_all(found.settings, form)
        sys.exit(0)
    options.require_terminal()
    gc.disable()  # as for the dashboard
    from gymtui.cli.dashboard import Storage, open_dashboard
    from gymtui.core import paths

    storage = Storage(paths.state_dir(os.environ))  # the files themselves are the journal
    sys.exit(open_dashboard(found, os.environ, storage=storage))


def _own_gym(flags: Mapping[str, Any]) -> NoReturn:
    options.require_terminal()
    from gymtui.core import paths
    from gymtui.session.saved_layout import SavedLayout

    env = os.environ
    picked = SavedLayout.read(paths.state_dir(env)).profile
    found = options.report_problems(options.load_settings(flags, remembered=picked))
    if found.settings.key is None:
        from gymtui.cli.first_start import is_unconfigured, offer_demo

        if is_unconfigured(found):
            if offer_demo(found, env):
                _demo(flags, speed=DEMO_SPEED, seed=DEMO_SEED, fresh=False)
            sys.exit(0)
    from gymtui.cli.dashboard import open_dashboard, storage_of
    from gymtui.cli.profiles import gyms_of

    storage, gyms = storage_of(found.settings, env), gyms_of(found, flags, env)
    sys.exit(open_dashboard(found, env, storage=storage, gyms=gyms, model_env=env))
