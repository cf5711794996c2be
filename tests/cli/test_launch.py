"""`gymtui launch`, as scripts and people call it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.calling import gymtui
from tests.gym.running_gym import launch_body, serving_gym
from tests.helpers import patient_http

KEY = "ck_live_fedcba9876543210"
MODEL_KEY = "sk_model_0123456789abcdef"


def body(**changes: Any) -> dict[str, Any]:
    made = launch_body(**changes)
    del made["model_config"]["api_key"]
    return made


def launch(
    home: Path, gym_url: str, *arguments: str, text: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    return gymtui(home, "launch", "--base-url", gym_url, *arguments, given=text, **env)


def test_a_run_is_launched_and_its_id_printed_alone(tmp_path: Path) -> None:
    with serving_gym(tmp_path, key=KEY) as gym:
        text = json.dumps(body(run_name="nightly", rollout_count=2))
        done = launch(tmp_path, gym.url, "-", text=text, GYMTUI_API_KEY=KEY)
        assert done.returncode == 0, done.stderr
        assert done.stdout == "nightly\n"
        assert "launched nightly" in done.stderr
        seen = patient_http.get(f"{gym.url}/runs/nightly", headers={"API-Key": KEY}).json()
        assert seen["total"] == 2


def test_a_source_is_recorded_so_that_the_filter_can_be_tried(tmp_path: Path) -> None:
    with serving_gym(tmp_path) as gym:
        text = json.dumps(body(run_name="edited"))
        done = launch(tmp_path, gym.url, "-", "--source", "task-editor", text=text)
        assert done.returncode == 0, done.stderr
        shown = {
            source: [
                run["run_id"]
                for run in patient_http.get(f"{gym.url}/runs?source={source}").json()["runs"]
            ]
            for source in ("rl-gym", "task-editor")
        }
    assert shown == {"rl-gym": [], "task-editor": ["edited"]}


def test_a_file_in_toml_with_several_models_is_several_runs(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text(
        'scenario_id = "hr"\ntask_ids = ["schedule_phone_screen"]\nrun_name = "c"\n'
        '[model_config]\nmodel = ["scripted/careful", "scripted/hasty"]\n'
    )
    with serving_gym(tmp_path) as gym:
        done = launch(tmp_path, gym.url, str(file), "--json")
        assert done.returncode == 0, done.stderr
        runs = json.loads(done.stdout)["runs"]
        assert [run["run_id"] for run in runs] == ["c-scripted-careful", "c-scripted-hasty"]
        assert [run["model"] for run in runs] == ["scripted/careful", "scripted/hasty"]
        assert all(len(run["rollout_ids"]) == 1 for run in runs)
        assert patient_http.get(f"{gym.url}/runs").json()["total"] == 2


def test_a_dry_run_prints_what_would_be_sent_with_keys_masked_and_sends_nothing(
    tmp_path: Path,
) -> None:
    with serving_gym(tmp_path) as gym:
        text = json.dumps(body(run_name="n", provider="openai"))
        done = launch(tmp_path, gym.url, "-", "--dry-run", text=text, OPENAI_API_KEY=MODEL_KEY)
        assert done.returncode == 0, done.stderr
        shown = json.loads(done.stdout)
        assert shown["model_config"]["api_key"] == "sk_…cdef"
        assert shown["run_name"] == "n"
        assert MODEL_KEY not in done.stdout + done.stderr
        assert patient_http.get(f"{gym.url}/runs").json()["total"] == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rollout_count": 0}, "standard input:1: rollout_count: should be at least 1"),
        ({"provider": "openai"}, "model_config.provider: no key: set OPENAI_API_KEY"),
        ({"temprature": 1}, "temprature: unknown field"),
    ],
)
def test_a_mistake_ends_with_2_and_its_place(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    done = launch(tmp_path, "http://127.0.0.1:1", "-", text=json.dumps(body(**changes)))
    assert done.returncode == 2
    assert words in done.stderr
    assert not done.stdout
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    done = launch(tmp_path, "http://127.0.0.1:1", str(tmp_path / "none.toml"))
    assert done.returncode == 2
    assert "No such file" in done.stderr


def test_a_key_in_a_file_is_refused_without_being_shown(tmp_path: Path) -> None:
    text = json.dumps(launch_body(run_name="n") | {"model_config": {"api_key": MODEL_KEY}})
    done = launch(tmp_path, "http://127.0.0.1:1", "-", text=text)
    assert done.returncode == 2
    assert "keys are not taken from files" in done.stderr
    assert MODEL_KEY not in done.stderr


def test_what_the_gym_refuses_ends_with_4_at_its_field(tmp_path: Path) -> None:
    with serving_gym(tmp_path) as gym:
        taken = json.dumps(body(run_name="n"))
        assert launch(tmp_path, gym.url, "-", text=taken).returncode == 0
        done = launch(tmp_path, gym.url, "-", text=taken)
        assert done.returncode == 4
        assert "exists already" in done.stderr
        assert not done.stdout
        unknown = json.dumps(body(run_name="m", task_ids=["nothing"]))
        done = launch(tmp_path, gym.url, "-", text=unknown)
        assert done.returncode == 4
        assert "m was not launched: task_ids" in done.stderr


def test_of_a_scenario_that_the_gym_has_not_those_it_has_are_named(tmp_path: Path) -> None:
    with serving_gym(tmp_path) as gym:
        done = launch(tmp_path, gym.url, "-", text=json.dumps(body(scenario_id="sales")))
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1] == "gymtui: scenarios of this gym: hr"


def test_no_answer_at_all_ends_with_3(tmp_path: Path) -> None:
    done = launch(tmp_path, "http://127.0.0.1:1", "-", text=json.dumps(body(run_name="n")))
    assert done.returncode == 3
    assert "n was not launched: no answer from the gym: connection refused" in done.stderr


def test_a_lost_answer_is_looked_up_and_the_run_launched_once(tmp_path: Path) -> None:
    with serving_gym(tmp_path, faults=True) as gym:
        order = {"method": "POST", "path": "/runs$", "fault": {"kind": "drop", "when": "after"}}
        patient_http.post(f"{gym.url}/__faults__", json=order).raise_for_status()
        done = launch(tmp_path, gym.url, "-", text=json.dumps(body(run_name="n")))
        assert done.returncode == 0, done.stderr
        assert done.stdout == "n\n"
        assert "sent, no answer (dropped): looking for n" in done.stderr
        assert patient_http.get(f"{gym.url}/runs").json()["total"] == 1


def test_read_only_launches_nothing(tmp_path: Path) -> None:
    with serving_gym(tmp_path) as gym:
        text = json.dumps(body(run_name="n"))
        done = launch(tmp_path, gym.url, "-", text=text, GYMTUI_READ_ONLY="true")
        assert done.returncode == 2
        assert "read-only" in done.stderr
        assert patient_http.get(f"{gym.url}/runs").json()["total"] == 0
