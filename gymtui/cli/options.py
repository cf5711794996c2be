"""What every command shares: options, settings, exit codes, and how a failure ends. Light.

Nothing heavy is imported before it is needed: `gymtui --version` must not wait for it.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from gymtui.cli import suggestions

if TYPE_CHECKING:
    from gymtui.api.errors import GymError
    from gymtui.config.settings import LoadedSettings, Settings
    from gymtui.store.history.journal_place import Place

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3
EXIT_REFUSED = 4
EXIT_DEFECT = 70

_SETTINGS = "gymtui.settings"

_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What writing to a file on a disk can end in."""

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

Option = Callable[[F], F]


def with_options(*options: Option[Any]) -> Option[Any]:
    """Several options as one decorator; `--help` lists them in this order."""

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


gym_options = with_options(
    click.option(
        "--profile",
        metavar="P",
        help="Profile in the configuration file.",
        shell_complete=suggestions.profiles,
    ),
    click.option("--base-url", metavar="U", help="URL of the gym."),
    click.option("--config", metavar="F", type=click.Path(), help="Another configuration file."),
)

gym_or_directory_options = with_options(
    gym_options,
    click.option(
        "--as",
        "as_",
        metavar="SOURCE",
        help="Read directories as this source (default: found out).",
    ),
)
"""The same for commands that read directories in the place of a gym, too."""

scope_options = with_options(
    click.option(
        "--source",
        metavar="S",
        help="Source of the runs to list (default rl-gym).",
        shell_complete=suggestions.sources,
    ),
    click.option("--scenario", metavar="ID", help="List only runs of this scenario."),
)
"""The options that choose which runs are listed: of no use to commands that name their runs."""

appearance_options = with_options(
    click.option(
        "--theme",
        metavar="T",
        help="Theme: night, day, … or your own.",
        shell_complete=suggestions.themes,
    ),
    click.option("--ascii", "ascii_", is_flag=True, help="Draw with ASCII only."),
)

interval_option = click.option("--interval", type=float, metavar="S", help="Seconds between polls.")


def runs_argument(metavar: str = "[DIR/]… RUN…", *, required: bool = True) -> Option[Any]:
    """Runs as an argument, as `run_ids`, of which TAB offers those that were seen before."""
    return click.argument(
        "run_ids", nargs=-1, required=required, metavar=metavar, shell_complete=suggestions.runs
    )


def read_duration(text: str) -> float:
    """A length of time, `90s`, `5m`, `1h30m` or a number of seconds, in seconds.

    Raises:
        click.BadParameter: It is none.
    """
    from gymtui.store.column_def import MICROS, ValueKind
    from gymtui.store.lists.amounts import read_amount

    if text.isdecimal():
        return float(text)
    try:
        return read_amount(text, ValueKind.DURATION).at / MICROS
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def form_options(default: str | None, **forms: str) -> Option[Any]:
    """Options that choose the form of what is printed, as `form`: one at most.

    Args:
        forms: What `--help` says of each, by its name.
    """
    return with_options(*(_form_option(name, words, default) for name, words in forms.items()))


def _form_option(name: str, words: str, default: str | None) -> Option[Any]:

    def choose(context: click.Context, _option: click.Parameter, chosen: bool) -> None:
        # Options that were given come before those that were not.
        if not chosen:
            context.params.setdefault("form", default)
            return
        before = context.params.setdefault("form", name)
        if before != name:
            raise click.UsageError(f"--{before} and --{name} exclude each other")

    return click.option(
        f"--{name}", f"as_{name}", is_flag=True, expose_value=False, callback=choose, help=words
    )


_JSON = "Print one JSON document."
_CSV = "Print CSV, control characters escaped."
JSON_LINES = "Print one JSON object per line."

json_option = form_options(None, json=_JSON)
table_or_csv_options = form_options("table", json=_JSON, csv=_CSV)
list_options = form_options("table", json=_JSON, jsonl=JSON_LINES, csv=_CSV)


def given_options(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, by the settings' names; 0 is a value, though not a good one.

    Those before a command count for it too: `gymtui --profile lab runs`.
    """
    context = click.get_current_context(silent=True)
    before: Mapping[str, Any] = (context.obj if context is not None else None) or {}
    here = {
        name.rstrip("_"): value
        for name, value in flags.items()
        if value is not None and value is not False
    }
    return {**before, **here}


def load_settings(flags: Mapping[str, Any], **options: Any) -> LoadedSettings:
    """The settings as they come out, with all that is wrong with them."""
    from pathlib import Path

    from gymtui.config.settings import load
    from gymtui.core import paths

    env = dict(os.environ)
    config = Path(flags["config"]) if "config" in flags else paths.config_file(env)
    return load(flags, env, config, paths.vendor_config_file(env), **options)


def settings_of(flags: Mapping[str, Any]) -> Settings:
    """Settle the settings; what is wrong with them is told, and ends where it would mislead."""
    return report_problems(load_settings(given_options(flags))).settings


def report_problems(found: LoadedSettings) -> LoadedSettings:
    """Say what is wrong with settings; end where they would mislead.

    Should a call to their gym fail, it is told which key it was made with.
    """
    for problem in found.problems:
        tell(str(problem))
    if found.fatal:
        sys.exit(EXIT_USAGE)
    click.get_current_context().meta[_SETTINGS] = found.settings
    return found


def read_only_origin(settings: Settings) -> str:
    """Where it is said that nothing may be changed, cleaned."""
    from gymtui.core.text import clean

    return clean(settings.origins.get("read_only", "the settings"))


def journal_of(settings: Settings) -> Place:
    """Where a dashboard keeps what it sees of this gym, there or not."""
    from gymtui.store.history.journal_place import place_of

    return place_of(settings, os.environ)


def exit_with_error(settings: Settings | None, error: GymError) -> NoReturn:
    tell(error_line(error))
    if settings is not None:
        report_key(settings, error)
    sys.exit(exit_code(error))


def report_key(settings: Settings, error: GymError) -> None:
    """Say which key a failed call was made with, where that may be why it failed."""
    from gymtui.api.errors import Forbidden, Unauthorized, Unreachable
    from gymtui.config.api_key import fix_advice
    from gymtui.core import urls
    from gymtui.core.text import clean

    refused = isinstance(error, Unauthorized | Forbidden)
    if settings.key is not None:
        if refused:
            origin = settings.key_origin
            tell(f"the key was {settings.key.hint} from {clean(origin)}: {fix_advice(origin)}")
        return
    elsewhere = not urls.is_loopback(urls.origin_of(settings.base_url).host)
    if refused or (isinstance(error, Unreachable) and elsewhere):
        tell("no API key found: set GYMTUI_API_KEY; `gymtui doctor` lists the places searched")


def error_line(error: GymError) -> str:
    """A failed call in a line, cleaned."""
    from gymtui.api.errors import Unreachable
    from gymtui.core.text import clean

    if isinstance(error, Unreachable):
        return f"no answer from the gym: {clean(error.brief)}"
    return clean(error.line)


def exit_code(error: GymError) -> int:
    """3 where nothing answered, 4 where something did and it was no, 2 where nothing was asked."""
    from gymtui.api.errors import NOT_THE_GYM, UnsafeUrl

    if isinstance(error, UnsafeUrl):
        return EXIT_USAGE
    return EXIT_UNREACHABLE if isinstance(error, NOT_THE_GYM) else EXIT_REFUSED


def tell(words: str) -> None:
    """Say something beside the data."""
    click.echo(f"gymtui: {words}", err=True)


def fail(words: str, status: int = EXIT_USAGE) -> NoReturn:
    tell(words)
    sys.exit(status)


def fail_on_file(path: object, error: OSError) -> NoReturn:
    """Say that a file or directory cannot be used, and why, and end."""
    from gymtui.core.text import clean

    if isinstance(error, FileExistsError):
        fail(f"{clean(path)} already exists")
    fail(f"{clean(path)}: {clean(error.strerror or error)}")


def require_terminal() -> None:
    """The screen is drawn on standard error, keys come from standard input."""
    for stream, name in ((sys.stdin, "standard input"), (sys.stderr, "standard error")):
        if not stream.isatty():
            fail(f"{name} is not a terminal; `gymtui runs` prints a list")
    from gymtui.core.terminal_caps import abilities

    if not abilities(os.environ, None).screen:
        term = os.environ["TERM"]
        fail(f"TERM is {term}: no screen to draw on; `gymtui runs` prints a list")


def open_standard_streams() -> None:
    """Put nothing in the place of standard streams that the shell has closed (`>&-`).

    Else what is opened next would stand there, and be written to. What their encoding does not
    have becomes `?`, whatever prints it: help, errors and tables never end in a traceback.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123  (for good)
        stream = getattr(sys, name)
        if name != "stdin" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _forget_output() -> None:
    """Let what is still buffered go nowhere, or the interpreter would complain as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def exit_quietly(context: click.Context | None, act: Callable[[], T]) -> T:
    """Do something; a reader that has read enough (`| head`) and a `^C` end it without a word.

    A call to a gym that failed is told, and ends with its exit code.
    """
    try:
        done = act()
        sys.stdout.flush()
        return done
    except BrokenPipeError:
        _forget_output()
        sys.exit(0)
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except KeyboardInterrupt:
        # By the signal itself, so that a shell's loop around this ends too; `$?` is 130.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        sys.exit(128 + signal.SIGINT)
    except Exception as error:  # noqa: BLE001  (the last resort: told, and no result of a command)
        from gymtui.api.errors import GymError

        if isinstance(error, GymError):
            exit_with_error(context.meta.get(_SETTINGS) if context else None, error)
        if isinstance(error, OSError) and error.errno in _DISK:
            _forget_output()
            fail(f"cannot write the output: {error.strerror}")
        # Python's own exit code is 1, by which `wait` says that a run failed.
        traceback.print_exc()
        fail("this is a bug in gymtui", EXIT_DEFECT)
