"""Every option of every command does something: with it there is what is not there without it."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, Self

import click
import httpx
import pytest

from gymtui.cli import demo
from gymtui.cli.entry import main
from gymtui.config.settings import LoadedSettings
from gymtui.gym.http import server
from gymtui.gym.http.server import GymOptions
from tests.cli.in_process import Shell
from tests.gym.running_gym import launch_body
from tests.tui.scripted import ScriptedGym

CONFIG = """\
base_url = "http://127.0.0.1:9"
[profiles.lab]
base_url = "http://127.0.0.1:7"
"""
OTHER = 'base_url = "http://127.0.0.1:6"\n'


@dataclass(frozen=True)
class Trial:
    """A call without an option and with it.

    Attributes:
        without: The command line without it.
        given: What is added to try it.
        sign: A pattern for what is there only with it, in what the command said, asked and made.
    """

    without: str
    given: str
    sign: str


GYM_OPTIONS = {
    "--profile": ("--profile lab", "127.0.0.1:7"),
    "--base-url": ("--base-url http://127.0.0.1:8", "127.0.0.1:8"),
    "--config": ("--config other.toml", "127.0.0.1:6"),
}
LIST_OPTIONS = {
    "--source": ("--source all", r"source\W+all"),
    "--scenario": ("--scenario sales", r"scenario(_id)?\W+sales"),
}
SCREEN_OPTIONS = {
    "--interval": ("--interval 7", "interval_s=7.0"),
    "--read-only": ("--read-only", "read_only=True"),
    "--theme": ("--theme day", "theme='day'"),
    "--ascii": ("--ascii", "ascii=True"),
    "--debug": ("--debug", "debug=True"),
}
"""What comes of them on the screen is tested there; here, that they reach it."""

CALLS = {
    "": "",
    "show": "show one.001",
    "export": "export one --to out",
    "runs": "runs",
    "rollouts": "rollouts --all",
    "report": "report one",
    "failures": "failures one",
    "compare": "compare one two",
    "search": "search one words",
    "cancel": "cancel two --yes",
    "delete": "delete two --yes",
    "wait": "wait one",
    "doctor": "doctor",
    "config show": "config show",
    "config list": "config list",
    "launch": "launch run.json",
    "record start": "record --for 0",
    "digest": "digest",
    "record export": "record export",
}
"""A call of each command that has the options of a gym."""
LISTING = ("", "digest", "runs", "rollouts", "doctor", "config show", "config list")
"""Those that list runs, or tell how they would be."""

OWN = {
    " --version": Trial("", "--version", "gymtui, version"),
    "demo --speed": Trial("demo", "--speed 5", "--speed 5"),
    "demo --seed": Trial("demo", "--seed 5", "--seed 5"),
    "demo --fresh": Trial("demo", "--fresh", "--fresh"),
    "gym --port": Trial("gym --port 0", "--port TAKEN", "cannot serve on"),
    "gym --db": Trial("gym --port 0", "--db other", "db other"),
    "gym --host": Trial("gym --port 0", "--host 0.0.0.0", "exit 2.*key"),
    "gym --speed": Trial("gym --port 0", "--speed 5", "speed=5.0"),
    "gym --seed": Trial("gym --port 0", "--seed 5", "seed=5"),
    "gym --faults": Trial("gym --port 0", "--faults", "faults=True"),
    "gym --max-parallel": Trial("gym --port 0", "--max-parallel 9", "max_parallel=9"),
    "gym --max-requests": Trial("gym --port 0", "--max-requests 9", "at_once=9"),
    "gym --judge-model": Trial(
        "gym --port 0 --judge-url http://127.0.0.1:9", "--judge-model j", "model='j'"
    ),
    "gym --judge-url": Trial(
        "gym --port 0 --judge-model j", "--judge-url http://j:9", "http://j:9"
    ),
    "gym --scenarios": Trial("gym --port 0", "--scenarios here", r"scenarios=\(\w+\('here'\)"),
    "gym --model-timeout": Trial("gym --port 0", "--model-timeout 9", "timeout_s=9.0"),
    "gym --no-worker": Trial("gym --port 0", "--no-worker", "exit 2.*PostgreSQL"),
    "gym --clock-offset": Trial("gym --port 0", "--clock-offset 60", "offset_s=60.0"),
    "show --json": Trial("show one.001", "--json", '"artifacts"'),
    "show --markdown": Trial("show one.001", "--markdown", "# "),
    "show --redact": Trial("show one.001", "--redact", "redact"),
    "export --to": Trial("export one", "--to out", "made out/"),
    "export --markdown": Trial("export one --to out", "--markdown", r"made \S+\.md"),
    "export --text": Trial("export one --to out", "--text", r"made \S+\.txt"),
    "open --as": Trial("open run.json", "--as nonsense", "there are harbor"),
    **{
        f"{command} --as": Trial(call, "--as simlab", "no directory is named")
        for command, call in (
            ("show", "show one.001"),
            ("export", "export one --to out"),
            ("runs", "runs"),
            ("rollouts", "rollouts one"),
            ("report", "report one"),
            ("wait", "wait one"),
            ("failures", "failures one"),
            ("compare", "compare one two"),
            ("search", "search one words"),
        )
    },
    "open --markdown": Trial("open run.json", "--markdown", "# "),
    "open --text": Trial("open saved.json", "--text", "words"),
    "open --theme": Trial("open saved.json", "--theme day", "theme='day'"),
    "open --ascii": Trial("open saved.json", "--ascii", "ascii=True"),
    "runs --json": Trial("runs", "--json", r'"total": 2, *\s*"runs"'),
    "runs --jsonl": Trial("runs", "--jsonl", r'^\{"run_id": "two".*^\{"run_id"'),
    "runs --order": Trial("runs --json", "--order run", '"one".*"two".*GET'),
    "runs --reverse": Trial("runs --json --order run", "--reverse", '"two".*"one".*GET'),
    "runs --limit": Trial("runs", "--limit 1", r"\A(?!.*one.*two)(?!.*two.*one)"),
    "runs --numbers": Trial("runs --json", "--numbers", '"numbers": {'),
    "runs --no-numbers": Trial("runs", "--no-numbers", r"\A(?!.*/rollouts)"),
    "rollouts --filter": Trial("rollouts one", "--filter passed:", r"\A(?!.*one\.002)"),
    "rollouts --all": Trial("rollouts", "--all", r"one\.001"),
    "rollouts --json": Trial("rollouts one", "--json", r'"rollouts": \['),
    "rollouts --jsonl": Trial("rollouts one", "--jsonl", r'^\{"rollout_id": "one.*^\{"rollout_id"'),
    "rollouts --order": Trial("rollouts one", "--order outcome", r"one\.002.*one\.001"),
    "rollouts --reverse": Trial("rollouts one", "--reverse", r"one\.002.*one\.001"),
    "rollouts --limit": Trial("rollouts one", "--limit 1", r"\A(?!.*one\.001.*one\.002)"),
    "report --html": Trial("report one", "--html", "<html"),
    "report --json": Trial("report one", "--json", '"runs": '),
    "report --usage": Trial("report one", "--usage", "/artifacts"),
    "report --baseline": Trial("report one --json", "--baseline two", '"baseline": "two"'),
    "compare --csv": Trial("compare one two", "--csv", r"^run_id,passes,"),
    "compare --json": Trial("compare one two", "--json", '"differences": '),
    "failures --by": Trial("failures one", "--by message", "MESSAGE"),
    "failures --against": Trial("failures two", "--against one", "against one"),
    "failures --json": Trial("failures one", "--json", '"failures": '),
    "failures --jsonl": Trial("failures one", "--jsonl", r'^\{"outcome": '),
    "failures --csv": Trial("failures one", "--csv", r"^outcome,criterion,"),
    "runs --csv": Trial("runs", "--csv", r"^run_id,scenario_id,"),
    "rollouts --csv": Trial("rollouts --all", "--csv", r"^rollout_id,run_id,"),
    "report --to": Trial("report one", "--to report.md", "made report.md"),
    "search --tool": Trial("search one words", "--tool nobody", r"\A(?!.*one\.001 +1 )"),
    "search --error": Trial("search one words", "--error", r"\A(?!.*one\.001 +1 )"),
    "search --role": Trial("search one words", "--role tool", r"\A(?!.*one\.001 +1 )"),
    "search --re": Trial("search one w.rds", "--re", r"one\.001 +1 "),
    "search --max-download": Trial("search one words", "--max-download 0", "2 not downloaded"),
    "search --json": Trial("search one words", "--json", r'"hits": \['),
    "search --jsonl": Trial("search one words", "--jsonl", r'^\{"run_id": "one".*^\{"run_id"'),
    "search --csv": Trial("search one words", "--csv", "^run_id,rollout_id,task_id"),
    "cancel --yes": Trial("cancel two", "--yes", "POST .*/cancel"),
    "cancel --json": Trial("cancel two --yes", "--json", '"outcome": '),
    "delete --yes": Trial("delete two", "--yes", "DELETE .*/two"),
    "delete --json": Trial("delete two --yes", "--json", '"outcome": '),
    "wait --fail-under": Trial("wait one", "--fail-under 0.9", "exit 1"),
    "wait --json": Trial("wait one", "--json", '"timed_out": '),
    "doctor --json": Trial("doctor", "--json", '"worst": '),
    "config init --config": Trial("config init", "--config new.toml", "made new.toml"),
    "config path --config": Trial("config path", "--config new.toml", "new.toml"),
    "config set --config": Trial("config set theme day", "--config new.toml", "made new.toml"),
    "config set --profile": Trial("config set theme day", "--profile x", "profiles.x|x.*day"),
    "config show --json": Trial("config show", "--json", r"\{.*\}"),
    "config list --json": Trial("config list", "--json", r"\{.*\}"),
    "launch --dry-run": Trial("launch run.json", "--dry-run", r"\A(?!.*POST)"),
    "launch --source": Trial("launch run.json --dry-run", "--source task-editor", "task-editor"),
    "launch --json": Trial("launch run.json", "--json", '"run_name": "new"'),
    "digest --since": Trial("digest", "--since 2020-01-02T03:04", "2020-01-02 03:04"),
    "digest --markdown": Trial("digest", "--markdown", r"\*\*Since"),
    "digest --json": Trial("digest", "--json", '"finished": '),
    "record start --json": Trial("record --status", "--json", '"running": '),
}

ELSEWHERE = {
    "show --text": "test_forms.test_the_form_that_is_printed_anyway_may_be_named",
    "report --markdown": "test_forms.test_the_form_that_is_printed_anyway_may_be_named",
    "export --json": "test_forms.test_the_form_that_is_printed_anyway_may_be_named",
    "gym --scenarios": (
        "terminal.test_readme.test_a_scenario_of_ones_own_is_written_served_and_rolled_out"
    ),
    "launch --source": ("test_launch.test_a_source_is_recorded_so_that_the_filter_can_be_tried"),
    "wait --timeout": "test_wait.test_a_timeout_ends_with_124_and_leaves_the_runs_alone",
    "gym --db-password-command": (
        "gym.test_database_server.test_the_password_comes_from_a_command"
    ),
    **{
        f"gym-worker --{option}": (
            "gym.test_worker.test_the_command_lines_options_reach_the_worker"
        )
        for option in ("db", "at-once", "scenarios")
    },
    "gym-worker --db-password-command": (
        "gym.test_database_server.test_the_password_comes_from_a_command"
    ),
    "wait --patience": "test_wait.test_a_gym_that_never_answers_ends_with_3_after_its_time",
    "wait --interval": "test_every_option.test_wait_looks_as_often_as_it_is_told",
    "replay --profile": "test_replay.test_every_option_counts",
    "replay --base-url": "test_replay.test_every_option_counts",
    "replay --config": "test_replay.test_every_option_counts",
    "replay --at": "test_replay.test_every_option_counts",
    "replay --run": "test_replay.test_every_option_counts",
    "replay --theme": "test_replay.test_every_option_counts",
    "replay --ascii": "test_replay.test_every_option_counts",
    "watch --profile": "test_watch.test_options_choose_the_gym",
    "watch --base-url": "test_watch.test_options_choose_the_gym",
    "watch --config": "test_watch.test_options_choose_the_gym",
    "watch --source": "test_watch.test_options_choose_what_is_watched",
    "watch --scenario": "test_watch.test_options_choose_what_is_watched",
    "watch --interval": "test_watch.test_options_choose_what_is_watched",
    "watch --jsonl": "test_watch.test_each_change_is_a_document",
    "watch --after": "test_watch.test_a_cursor_goes_on_without_loss",
    "record start --force": "test_record.test_a_second_recorder_is_refused",
    **{
        f"mcp --{option}": "test_mcp.test_options_choose_the_gym_and_what_is_allowed"
        for option in ("profile", "base-url", "config", "source", "scenario", "allow-cancel")
    },
    "record start --interval": "test_record.test_it_asks_for_what_it_is_told",
    "record start --source": "test_record.test_it_asks_for_what_it_is_told",
    "record start --scenario": "test_record.test_it_asks_for_what_it_is_told",
    "record start --for": "test_record.test_it_ends_after_its_time",
    "record start --until-done": "test_record.test_it_ends_when_all_is_done_and_is_whole",
    "record start --status": "test_record.test_nothing_recorded_is_said",
    "record start --keep": "test_record.test_it_asks_for_what_it_is_told",
    "record export --jsonl": "test_record.test_it_ends_when_all_is_done_and_is_whole",
    "record export --parquet": "test_record.test_parquet_has_the_same_rows",
    "record export --to": "test_record.test_parquet_has_the_same_rows",
    "wait --cancel-if": "test_wait.test_cancel_if_cancels_once_and_counts_as_failed",
}
"""Options of what takes its time, by their tests."""


def commands(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """All commands with their names."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from commands(found, f"{name} {inner}".strip())


def options() -> Iterator[tuple[str, str]]:
    """Each option with its command; of several names, the long one, and both of a pair."""
    for name, command in commands(main):
        for option in command.params:
            if isinstance(option, click.Option):
                long = [o for o in option.opts if o.startswith("--")]
                for which in (*long, *option.secondary_opts):
                    yield name, which


def trials() -> dict[str, Trial]:
    """Each trial by command and option."""
    found = dict(OWN)
    for name, call in CALLS.items():
        for option, (given, sign) in (
            GYM_OPTIONS | (LIST_OPTIONS if name in LISTING else {})
        ).items():
            found[f"{name} {option}"] = Trial(call, given, sign)
    for name in ("", "demo"):
        for option, (given, sign) in SCREEN_OPTIONS.items():
            found[f"{name} {option}"] = Trial(name, given, sign)
    return found


TRIALS = trials()


def test_each_option_is_tried() -> None:
    assert {f"{name} {option}" for name, option in options()} == {*TRIALS, *ELSEWHERE}
    for test in ELSEWHERE.values():
        module, _, name = test.rpartition(".")
        place = module if "." in module else f"cli.{module}"
        assert callable(getattr(import_module(f"tests.{place}"), name))


class Observer:
    """Calls commands in a directory of their own and tells all that came of it."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._home = home
        self._asked: list[str] = []
        self._gym = ScriptedGym()
        self._gym.add("two", "t2", "running", "waiting", "waiting")
        for name in self._gym.add("one", "t1", "pass", "fail"):
            document = {"messages": [{"role": "user", "content": "words"}]}
            self._gym.artifacts[name] = {"rollout_id": name, "artifacts": document}
        saved = json.dumps(self._gym.artifacts["one.001"])
        launch = launch_body(run_name="new")
        launched = json.dumps({**launch, "model_config": {"model": "m"}})
        config = home / "config" / "gymtui"
        config.mkdir(parents=True)
        for path, text in (
            (config / "config.toml", CONFIG),
            (home / "other.toml", OTHER),
            (home / "saved.json", saved),
            (home / "run.json", launched),
        ):
            path.write_text(text)
            path.chmod(0o600)
        monkeypatch.chdir(home)
        self._shell = Shell(home, self._answer, monkeypatch, {})

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self._asked.append(f"{request.method} {request.url}")
        if request.method == "POST" and request.url.path == "/runs":
            return httpx.Response(201, json={"run_id": "new", "rollout_ids": []})
        return self._gym.answer(request)

    def __call__(self, line: str) -> str:
        """What a call said, asked for and left behind."""
        done = self._shell(*line.split())
        made = sorted(
            str(path.relative_to(self._home)) for path in self._home.rglob("*") if path.is_file()
        )
        return "\n".join(
            [f"exit {done.returncode}", done.stdout, done.stderr, *self._asked]
            + [f"made {path}" for path in made]
        )


@pytest.fixture
def observe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Tells all that comes of a command line; what would take the terminal is told instead."""

    def shown(loaded: LoadedSettings, *_: Any, **__: Any) -> int:
        click.echo(repr(loaded.settings))
        return 0

    def viewed(_: object, loaded: LoadedSettings, env: Mapping[str, str]) -> int:
        return shown(loaded, env)

    class Started(demo.LocalGym):
        def __enter__(self) -> Self:
            click.echo(" ".join(self._command))
            return self

    async def served(
        _: object, listener: socket.socket, db: Path, options: GymOptions, *__: Any
    ) -> None:
        with listener:
            click.echo(f"db {db} {options}")

    monkeypatch.setattr("gymtui.cli.options.require_terminal", lambda: None)
    for place in ("gymtui.cli.dashboard", "gymtui.cli.demo"):
        monkeypatch.setattr(f"{place}.open_dashboard", shown)
    monkeypatch.setattr("gymtui.cli.open.view_files", viewed)
    monkeypatch.setattr(demo, "LocalGym", Started)
    monkeypatch.setattr(server, "serve_until", served)
    homes = (tmp_path / str(number) for number in count())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        yield lambda line: Observer(next(homes), monkeypatch)(line.replace("TAKEN", port))


@pytest.mark.parametrize("name", TRIALS)
def test_an_option_does_what_is_not_done_without_it(
    name: str, observe: Callable[[str], str]
) -> None:
    trial = TRIALS[name]
    sign = re.compile(trial.sign, re.DOTALL | re.MULTILINE)
    without = observe(trial.without)
    assert not sign.search(without), without
    with_it = observe(f"{trial.without} {trial.given}")
    assert sign.search(with_it), with_it


def test_wait_looks_as_often_as_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gym = ScriptedGym()
    gym.add("live", "t", "running")

    def answer(request: httpx.Request) -> httpx.Response:
        said = gym.answer(request)
        if request.url.path == "/runs/live":  # by the next look, it has ended
            gym.runs["live"].clear()
            gym.add("live", "t", "pass")
        return said

    shell = Shell(tmp_path, answer, monkeypatch, {"GYMTUI_INTERVAL": "3600"})
    at = ("--base-url", gym.url, "--timeout", "60s")
    assert shell("wait", "live", "--interval", "0.1", *at).returncode == 0
