"""Commands on a machine that is set up oddly: one line and an exit code, never a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gymtui.config.settings import load
from tests.cli.calling import gymtui
from tests.gym.running_gym import launch_body, serving_gym
from tests.helpers import patient_http
from tests.helpers.environment import isolated

ODD = [
    {"ALL_PROXY": "socks4://proxy.invalid:1"},
    {"HTTPS_PROXY": "foo:bar"},
    {"SSLKEYLOGFILE": "/nowhere/keys"},
]
DEAD = [
    {"NO_PROXY": "fd00::/8,[::1]", "HTTPS_PROXY": "http://127.0.0.1:9"},
    {"ALL_PROXY": "socks5://127.0.0.1:9"},
]


@pytest.mark.parametrize("env", ODD, ids=lambda env: next(iter(env)))
@pytest.mark.parametrize("command", [["runs"], ["wait", "x"], ["doctor"]], ids=" ".join)
def test_a_variable_that_cannot_be_used_is_named(
    tmp_path: Path, command: list[str], env: dict[str, str]
) -> None:
    done = gymtui(tmp_path, *command, "--base-url", "https://gym.invalid", **env)
    said = done.stdout + done.stderr
    assert done.returncode in (2, 3, 4)
    assert next(iter(env)) in said
    assert "Traceback" not in said
    if command != ["doctor"]:
        assert done.returncode == 2
        assert len([line for line in done.stderr.splitlines() if "no key" not in line]) == 1


@pytest.mark.parametrize("env", DEAD, ids=lambda env: next(iter(env)))
def test_a_proxy_that_does_not_answer_is_no_answer(tmp_path: Path, env: dict[str, str]) -> None:
    done = gymtui(tmp_path, "runs", "--base-url", "https://gym.invalid", **env)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_a_defect_does_not_look_like_a_run_that_failed(tmp_path: Path) -> None:
    broken = (
        "import gymtui.cli.wait as wait\n"
        "def fail(*_args): raise KeyError('staged')\n"
        "wait.wait_for = fail\n"
        "import sys; from gymtui.cli.entry import main\n"
        "sys.argv = ['gymtui', 'wait', 'x', '--base-url', 'http://127.0.0.1:9']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", broken], env=isolated(tmp_path, {}), capture_output=True, text=True
    )
    assert done.returncode == 70
    assert "bug" in done.stderr


def test_a_run_is_found_by_the_other_spelling_of_its_letters(tmp_path: Path) -> None:
    composed, typed = "caf\u00e9", "cafe\u0301"
    with serving_gym(tmp_path) as gym:
        assert patient_http.post(f"{gym.url}/runs", json=launch_body(run_name=composed)).is_success
        env = {"GYMTUI_BASE_URL": gym.url}
        for command in (["wait", typed], ["rollouts", typed], ["report", typed]):
            done = gymtui(tmp_path, *command, **env)
            assert done.returncode == 0, done.stderr
        listed = gymtui(tmp_path, "runs", typed, "--jsonl", **env)
        assert listed.stdout.count("\n") == 1
        exported = gymtui(tmp_path, "export", typed, "--to", str(tmp_path / "there"), **env)
        assert exported.returncode == 0, exported.stderr
        assert gymtui(tmp_path, "delete", typed, "--yes", **env).returncode == 0
        assert patient_http.get(f"{gym.url}/runs").json()["total"] == 0


@pytest.mark.fair_part(2)
@pytest.mark.parametrize(
    ("encoding", "command"),
    [
        ("ascii", ["--help"]),
        ("ascii", ["runs", "\u2713:\u2717"]),
        ("latin-1", ["config", "list"]),
        ("utf-8:strict", ["rollouts", "--help"]),
    ],
)
def test_output_in_any_encoding_never_raises(
    tmp_path: Path, encoding: str, command: list[str]
) -> None:
    env = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "gymtui", *command],
        env=isolated(tmp_path, {**env, "GYMTUI_BASE_URL": "http://127.0.0.1:9"}),
        capture_output=True,
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 2, 3)


def test_settings_written_at_once_are_all_written(tmp_path: Path) -> None:
    names = {
        "interval": "5",
        "bell": "false",
        "theme": "day",
    }
    path = tmp_path / "config.toml"
    env = isolated(tmp_path, {})
    setting = [sys.executable, "-m", "gymtui", "config", "set", "--config", str(path)]
    started = [
        subprocess.Popen([*setting, name, value], env=env, stderr=subprocess.PIPE)
        for name, value in names.items()
    ]
    for process in started:
        _, said = process.communicate()
        assert process.returncode == 0, said
    found = load({}, {}, path, None)
    assert found.problems == ()
    assert (found.settings.theme, found.settings.interval_s) == ("day", 5)
    written = path.read_text()
    assert [name for name in names if f"{name} =" not in written] == []
    assert sorted(tmp_path.glob("*config*")) == [path]
