"""`report`, as scripts and people call it: its figures are those of the other commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gymtui.store.formats import cost, interval_words, p_value, percent, points, thousands
from gymtui.store.stats.formulas import Interval
from tests.cli.calling import finish, gymtui, launch
from tests.gym.running_gym import RunningGym, launch_body, serving_gym
from tests.helpers import patient_http

KEY = "ck_live_fedcba9876543210"
TASKS = ["schedule_phone_screen", "onboard_new_hire", "offer_negotiation"]


@pytest.fixture(scope="module")
def gym(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGym]:
    """A gym with two finished runs."""
    with serving_gym(tmp_path_factory.mktemp("gym"), failure_share=0.2) as gym:
        launch(gym, "hasty", task_ids=TASKS, model="scripted/hasty", rollout_count=6)
        launch(gym, "care<b>ful", task_ids=TASKS, rollout_count=6)
        for name in ("hasty", "care<b>ful"):
            finish(gym, name)
        yield gym


def test_its_figures_are_those_of_the_run_list(gym: RunningGym, tmp_path: Path) -> None:
    at = ("--base-url", gym.url)
    listed = gymtui(tmp_path, "runs", "run:hasty", "--numbers", "--jsonl", *at)
    numbers = json.loads(listed.stdout)["numbers"]
    done = gymtui(tmp_path, "report", "hasty", *at)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    between = interval_words(Interval(numbers["pass_low"], numbers["pass_high"]))
    said = f"**{percent(numbers['pass_rate'])}** {between} of {numbers['verdicts']} verdicts"
    assert f"| pass@1 | {said} |" in done.stdout
    assert f"from the gym at `{gym.url}`" in done.stdout
    for task in TASKS:
        assert f"| `{task}` |" in done.stdout


def test_html_goes_to_a_file_that_is_never_written_over(gym: RunningGym, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    command = ("report", "hasty", "care<b>ful", "--html", "--to", str(file), "--base-url", gym.url)
    done = gymtui(tmp_path, *command)
    assert (done.returncode, done.stdout) == (0, "")
    text = file.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "care&lt;b&gt;ful" in text
    assert "<b>" not in text
    again = gymtui(tmp_path, *command)
    assert again.returncode == 2
    assert "exists" in again.stderr
    assert file.read_text(encoding="utf-8") == text


def test_as_json_its_figures_are_those_it_writes(gym: RunningGym, tmp_path: Path) -> None:
    at = ("report", "hasty", "care<b>ful", "--base-url", gym.url)
    told = json.loads(gymtui(tmp_path, *at, "--json").stdout)
    text = gymtui(tmp_path, *at).stdout
    assert [run["run_id"] for run in told["runs"]] == ["hasty", "care<b>ful"]
    (found,) = told["differences"]
    assert (found["run_id"], found["against"], found["tasks"]) == ("care<b>ful", "hasty", 3)
    assert (found["comparisons"], found["adjustment"]) == (1, "holm")
    assert found["adjusted"] == found["p"]
    # Three tasks: at best two of the eight ways to turn them round go as far.
    assert found["p"] >= 0.25
    line = f"| 3 | {points(found['mean'])} points |"
    assert line in text
    assert f"| {p_value(found['p'])} |" in text
    assert [task["task_id"] for task in told["tasks"]] == sorted(TASKS)
    for task in told["tasks"]:
        for run in task["runs"]:
            assert f"{percent(run['pass_rate'])} of {run['verdicts']} |" in text


def test_tokens_and_cost_are_known_where_artifacts_were_read(
    gym: RunningGym, tmp_path: Path
) -> None:
    at = ("report", "hasty", "--base-url", gym.url)
    assert "tokens" not in gymtui(tmp_path, *at).stdout
    unread = json.loads(gymtui(tmp_path, *at, "--json").stdout)["runs"][0]["usage"]
    assert (unread["tokens"], unread["tokens_known_for"], unread["cost_usd"]) == (None, 0, None)
    assert unread["of_rollouts"] == 18
    told = json.loads(gymtui(tmp_path, *at, "--json", "--usage").stdout)["runs"][0]["usage"]
    rollouts = patient_http.get(f"{gym.url}/rollouts", params={"run_id": "hasty"}).json()[
        "rollouts"
    ]
    metrics = [
        patient_http.get(f"{gym.url}/rollouts/{rollout['rollout_id']}/artifacts").json()[
            "artifacts"
        ]["metadata"]["rollout_metrics"]
        for rollout in rollouts
    ]
    known = [metric["token_usage"]["total_tokens_total"] for metric in metrics if "cost" in metric]
    # Rollouts whose workspace was never built used nothing that anybody counted.
    assert 0 < len(known) < 18
    assert (told["tokens"], told["tokens_known_for"]) == (sum(known), len(known))
    assert told["cost_known_for"] == len(known)
    text = gymtui(tmp_path, *at, "--usage").stdout
    assert f"{thousands(sum(known))} total (known for {len(known)} of 18) |" in text
    assert f"{cost(told['cost_usd'])} total (known for {len(known)} of 18) |" in text


def test_stdout_is_utf_8_whatever_the_terminal_speaks(gym: RunningGym, tmp_path: Path) -> None:
    done = gymtui(
        tmp_path, "report", "hasty", "--base-url", gym.url, PYTHONIOENCODING="utf-8", LC_ALL="C"
    )
    assert "✓" in done.stdout


def test_a_run_that_is_not_there_leaves_no_file(gym: RunningGym, tmp_path: Path) -> None:
    file = tmp_path / "r.md"
    done = gymtui(tmp_path, "report", "nobody", "--to", str(file), "--base-url", gym.url)
    assert done.returncode == 4
    assert not file.exists()
    done = gymtui(tmp_path, "report", "hasty", "--to", f"{tmp_path}/no/r.md", "--base-url", gym.url)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_no_key_is_in_it(tmp_path: Path) -> None:
    with serving_gym(tmp_path, key=KEY) as gym:
        headers = {"API-Key": KEY}
        patient_http.post(f"{gym.url}/runs", json=launch_body(run_name="r"), headers=headers)
        for form in ("--markdown", "--html", "--json"):
            done = gymtui(tmp_path, "report", "r", form, "--base-url", gym.url, GYMTUI_API_KEY=KEY)
            assert done.returncode == 0, done.stderr
            assert KEY not in done.stdout + done.stderr
            assert "not-needed" not in done.stdout
