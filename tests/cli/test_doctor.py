"""`doctor`, as a person calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.calling import OnTerminal, gymtui
from tests.gym.running_gym import RunningGym, launch_body, serving_gym, unfinished, until_now
from tests.helpers import patient_http

KEY = "ck_live_fedcba9876543210"


@pytest.fixture(scope="module")
def gym(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGym]:
    """A gym that wants a key, with a finished run."""
    with serving_gym(tmp_path_factory.mktemp("gym"), key=KEY) as gym:
        with patient_http.Client(base_url=gym.url, headers={"API-Key": KEY}) as http:
            http.post("/runs", json=launch_body(run_name="r", rollout_count=2)).raise_for_status()
            until_now(lambda: not unfinished(http.get("/runs/r").json()))
        yield gym


def test_all_is_looked_at_and_the_key_is_not_told(gym: RunningGym, tmp_path: Path) -> None:
    done = gymtui(tmp_path, "doctor", "--json", "--base-url", gym.url, GYMTUI_API_KEY=KEY)
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    assert KEY not in done.stdout
    found = json.loads(done.stdout)
    assert (found["worst"], found["exit"]) == ("ok", 0)
    checks = {(check["subject"], check["name"]): check for check in found["checks"]}
    assert checks["settings", "key"]["message"] == "ck_…3210  from GYMTUI_API_KEY"
    assert checks["settings", "base_url"]["message"] == f"{gym.url}  from --base-url"
    calls = {name for subject, name in checks if subject == "gym"}
    assert calls == {
        *("name", "connection", "latency", "clock", "GET /runs", "GET /runs/…", "GET /rollouts"),
        *("GET /rollouts/…", "GET …/artifacts", "GET /scenarios", "GET /scenarios/…/tasks"),
        "GET …/rubric",
    }
    assert not (tmp_path / "state").exists(), "looking leaves nothing behind"


def test_without_key_it_says_what_the_gym_said_and_ends_with_4(
    gym: RunningGym, tmp_path: Path
) -> None:
    done = gymtui(tmp_path, "doctor", "--base-url", gym.url)
    assert done.returncode == 4
    assert "✗ GET /runs" in done.stdout
    assert "401 with no key" in done.stdout
    assert "→ set GYMTUI_API_KEY" in done.stdout


def test_without_network_the_rest_is_looked_at_all_the_same(tmp_path: Path) -> None:
    done = gymtui(tmp_path, "doctor", "--base-url", "http://127.0.0.1:1")
    assert done.returncode == 3
    assert "✗ connection" in done.stdout
    for subject in ("versions", "paths", "settings", "gym", "terminal"):
        assert f"{subject}\n" in done.stdout


def test_wrong_settings_are_told_and_no_gym_is_asked(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('intervall = 3\n[profiles.lab]\nsource = "x"\n')
    done = gymtui(tmp_path, "doctor", "--config", str(config), "--profile", "lap")
    assert done.returncode == 2
    assert "did you mean lab?" in done.stdout
    assert "did you mean interval?" in done.stdout
    assert "not checked" in done.stdout


def test_on_a_terminal_it_knows_the_terminal(gym: RunningGym, tmp_path: Path) -> None:
    command = ("doctor", "--base-url", gym.url)
    with OnTerminal(tmp_path, *command, columns=100, GYMTUI_API_KEY=KEY) as terminal:
        seen = terminal.end()
    assert seen.status == 0
    assert "100x24" in seen.text
    assert "All checks passed." in seen.text
    assert KEY not in seen.text
