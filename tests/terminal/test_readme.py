"""Everything that the README shows to be typed is typed, in its order, by a shell."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from gymtui.cli.checkup.local import screen_problems
from gymtui.cli.entry import main
from gymtui.config.settings import load
from tests.gym.running_gym import launch_body, serving_gym
from tests.helpers import forked, patient_http
from tests.helpers.environment import isolated
from tests.helpers.places import ROOT
from tests.terminal.harness import Terminal, until
from tests.terminal.processes import alive

README = (ROOT / "README.md").read_text()
SCRIPTS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
CONFIG_FILE, LAUNCH_FILE, TEAM_FILE = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
OLDER, NEWER = "policy-8b-s2000", "policy-8b-s3000"

BASH = ["bash", "-e", "-o", "pipefail", "-c"]


def script_with(words: str) -> str:
    """The one block of commands in which these words stand."""
    [found] = [script for script in SCRIPTS if words in script]
    return found


def in_shell(script: str, home: Path, **env: str) -> str:
    """Run a block, `gymtui` being this one; every line must succeed.

    Returns:
        What it printed.
    """
    place = home / "bin"
    place.mkdir(exist_ok=True)
    gymtui = place / "gymtui"
    gymtui.write_text(f'#!/bin/sh\nexec {forked.in_shell()} "$@"\n')
    gymtui.chmod(0o755)
    surroundings = isolated(home, env)
    done = subprocess.run(
        [*BASH, script],
        env={**surroundings, "PATH": f"{place}:{surroundings['PATH']}"},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,  # eleven commands, on a busy machine
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def dashboard(terminal: Terminal, script: str, **env: str) -> Terminal:
    """Type a block at a terminal."""
    function = f'gymtui() {{ "{sys.executable}" -m gymtui "$@"; }}; '
    return terminal.start(["bash", "-c", function + script], env=env)


def test_the_configuration_of_a_team_is_one(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(TEAM_FILE)
    file.chmod(0o600)
    loaded = load({}, {}, file, None)
    assert loaded.problems == ()
    assert loaded.settings.journal.url and loaded.settings.journal.password_command


def test_every_block_of_commands_is_tried_here() -> None:
    tried = (
        *UNDERSTOOD,
        *("make demo", "export GYMTUI_API_KEY", "gym.sqlite3", "gymtui launch launch.toml"),
        *("gymtui report policy", "gymtui runs 'status", "gymtui config"),
        *("gymtui gym new shop", "gymtui launch shop/launch.toml"),
    )
    assert {script_with(words) for words in tried} == set(SCRIPTS)


UNDERSTOOD = (
    *("gymtui open jobs/", "gymtui record ", "gymtui digest", "gymtui replay --at"),
    *("gymtui watch nightly-1 --jsonl --after", "gymtui gym-worker"),
)
"""Commands that take a night, a database, or results of others: their words are looked at."""


@pytest.mark.parametrize("words", UNDERSTOOD)
def test_the_commands_that_take_long_are_understood(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jobs").mkdir()
    (tmp_path / "logs").mkdir()
    (tmp_path / "night.gymrec").touch()
    for line in script_with(words).splitlines():
        _, *arguments = shlex.split(line.partition(" | ")[0], comments=True)
        command: click.Command = main
        context = main.make_context("gymtui", list(arguments))
        while isinstance(command, click.Group):
            left = [*context._protected_args, *context.args]
            if not left and command.invoke_without_command:
                break
            name, found, arguments = command.resolve_command(context, left)
            assert found is not None, line
            command = found
            context = command.make_context(name, list(arguments), parent=context)


def test_the_targets_of_make_are_there() -> None:
    for line in script_with("make demo").splitlines():
        words = line.partition("#")[0].split()
        done = subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_with_a_key_in_the_environment_the_dashboard_opens(
    terminal: Terminal, tmp_path: Path
) -> None:
    with serving_gym(tmp_path, key="k-readme-1234") as gym:
        script = script_with("export GYMTUI_API_KEY").replace("…", "k-readme-1234")
        dashboard(terminal, script, GYMTUI_BASE_URL=gym.url)
        terminal.wait_for(r"no runs")
        terminal.wait_for(r"● live")
        terminal.keys("q")
        assert terminal.wait_exit() == 0


def test_a_gym_of_ones_own_is_served_and_watched(terminal: Terminal, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = script_with("gym.sqlite3").replace("8765", str(port))
    script = script.replace("gym.sqlite3", str(tmp_path / "gym.sqlite3"))
    dashboard(terminal, script)
    terminal.wait_for(r"● live")
    terminal.wait_for(r"no runs")
    started = terminal.pids()
    terminal.keys("q")
    assert terminal.wait_exit() == 0
    for pid in filter(alive, started):  # the gym, which the shell left in the background
        os.kill(pid, signal.SIGTERM)
    until(lambda: not any(map(alive, started)), "the gym ends")


def test_a_run_is_launched_from_the_file_and_waited_for(tmp_path: Path) -> None:
    (tmp_path / "launch.toml").write_text(LAUNCH_FILE)
    with serving_gym(tmp_path) as gym:
        script = script_with("gymtui launch launch.toml")
        printed = in_shell(script.replace("http://127.0.0.1:8765", gym.url), tmp_path)
        assert patient_http.get(f"{gym.url}/runs/first").json()["completed"] == 8
    assert printed.startswith("first\n")


def test_a_scenario_of_ones_own_is_written_served_and_rolled_out(tmp_path: Path) -> None:
    write, serve = script_with("gymtui gym new shop").splitlines()
    in_shell(write, tmp_path)
    gym = subprocess.Popen(
        [sys.executable, "-m", *serve.replace("8765", "0").split()],
        env=isolated(tmp_path, {}),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert gym.stderr is not None
    with gym, gym.stderr as said:
        try:
            url = said.readline().rpartition(" ")[2].strip()
            script = script_with("gymtui launch shop/launch.toml")
            printed = in_shell(script.replace("http://127.0.0.1:8765", url), tmp_path)
        finally:
            gym.terminate()
    assert printed.startswith("refunds\n")
    assert "The teapot was refunded" in printed


def test_the_commands_read_from_each_other(tmp_path: Path) -> None:
    (tmp_path / "launch.toml").write_text(LAUNCH_FILE)
    with serving_gym(tmp_path, failure_share=0.2) as gym:
        for name in (OLDER, NEWER):
            body = launch_body(run_name=name, rollout_count=24, model="scripted/hasty")
            assert patient_http.post(f"{gym.url}/runs", json=body).status_code == 200
        in_shell(f"gymtui wait {OLDER} {NEWER}", tmp_path, GYMTUI_BASE_URL=gym.url)
        in_shell(script_with("gymtui report policy"), tmp_path, GYMTUI_BASE_URL=gym.url)
        left = [run["run_id"] for run in patient_http.get(f"{gym.url}/runs").json()["runs"]]
    assert left == ["first"]
    assert "<html" in (tmp_path / "report.html").read_text()
    assert len(list((tmp_path / "artifacts").rglob("*.json"))) >= 20


def test_its_filters_are_taken_by_the_lists_they_are_shown_for(tmp_path: Path) -> None:
    with serving_gym(tmp_path) as gym:
        assert (
            patient_http.post(f"{gym.url}/runs", json=launch_body(run_name=NEWER)).status_code
            == 200
        )
        in_shell(script_with("gymtui runs 'status"), tmp_path, GYMTUI_BASE_URL=gym.url)


def test_the_configuration_is_begun_changed_and_shown(tmp_path: Path) -> None:
    shown = in_shell(script_with("gymtui config"), tmp_path)
    assert re.search(r"interval\s+5", shown)


def test_the_example_of_a_configuration_is_a_good_one(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG_FILE)
    path.chmod(0o600)
    for profile in tomllib.loads(CONFIG_FILE)["profiles"]:
        found = load({"profile": profile}, {}, path, None, run=lambda _argv, _env: "k-1")
        assert found.problems == ()
        assert screen_problems(found.settings, {}) == []


@pytest.mark.parametrize("what", [r"\]\((screenshots/[^)]+)\)", r"\]\((themes)\)"])
def test_what_it_points_at_is_there(what: str) -> None:
    named = re.findall(what, README)
    exists: Callable[[str], bool] = lambda name: (ROOT / name).exists()  # noqa: E731
    assert named and [name for name in named if not exists(name)] == []
