"""The commands, as scripts and people call them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.calling import gymtui, in_shell
from tests.cli.in_process import Shell
from tests.gym.running_gym import launch_body, serving_gym
from tests.helpers import patient_http
from tests.helpers.environment import isolated
from tests.helpers.odd_fields import RUN, OddGym

KEY = "ck_live_fedcba9876543210"
PIPE_BYTES = 65_536
"""What a pipe holds that nobody reads (pipe(7))."""


def test_the_version_is_told_without_loading_anything_heavy(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from gymtui.cli.entry import main\n"
        "try:\n"
        "    main(['--version'])\n"
        "except SystemExit as end:\n"
        "    assert not end.code\n"
        "heavy = {'textual', 'httpx', 'pydantic', 'starlette', 'msgspec'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=isolated(tmp_path), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("gymtui, version ")


def test_runs_are_listed_as_one_document_as_lines_and_as_a_table(tmp_path: Path) -> None:
    with serving_gym(tmp_path, key=KEY) as gym:
        for number in range(3):
            body = launch_body(run_name=f"日本 {number}\x1b[31m", rollout_count=2)
            patient_http.post(
                f"{gym.url}/runs", json=body, headers={"API-Key": KEY}
            ).raise_for_status()

        def ask(*form: str) -> str:
            done = gymtui(tmp_path, "runs", "--base-url", gym.url, *form, GYMTUI_API_KEY=KEY)
            assert done.returncode == 0, done.stderr
            assert not done.stderr
            return done.stdout

        document = json.loads(ask("--json"))
        assert document["total"] == 3
        assert {run["run_id"] for run in document["runs"]} == {
            f"日本 {number}\x1b[31m" for number in range(3)
        }
        lines = ask("--jsonl").splitlines()
        assert [json.loads(line)["total"] for line in lines] == [2, 2, 2]
        table = ask()
        assert table.splitlines()[0].split()[:2] == ["RUN", "STATUS"]
        assert "日本 0" in table
        assert "\x1b" not in table


def test_more_runs_than_a_page_holds_are_all_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gym = OddGym([{**RUN, "run_id": f"run-{number}"} for number in range(205)])
    done = Shell(tmp_path, gym.answer, monkeypatch)("runs", "--json", "--no-numbers")
    names = [run["run_id"] for run in json.loads(done.stdout)["runs"]]
    assert sorted(names) == sorted([*(f"run-{number}" for number in range(205)), "odd", "sound"])


def test_options_before_the_command_count_too(tmp_path: Path) -> None:
    with serving_gym(tmp_path) as gym:
        done = gymtui(tmp_path, "--base-url", gym.url, "runs", "--json")
        assert json.loads(done.stdout) == {"total": 0, "runs": []}


@pytest.mark.parametrize(
    ("key", "status", "words"),
    [
        ("wrong", 4, "the key was ck_…6789 from gymtui_api_key"),
        (None, 4, "no api key found: set gymtui_api_key"),
    ],
)
def test_a_refused_key_ends_with_4_and_is_not_shown(
    tmp_path: Path, key: str | None, status: int, words: str
) -> None:
    with serving_gym(tmp_path, key=KEY) as gym:
        env = {"GYMTUI_API_KEY": f"ck_secret_{key}_0123456789"} if key else {}
        done = gymtui(tmp_path, "runs", "--base-url", gym.url, **env)
    assert done.returncode == status
    assert words in done.stderr.lower()
    assert "ck_secret_wrong" not in done.stdout + done.stderr
    assert not done.stdout


def test_no_answer_ends_with_3(tmp_path: Path) -> None:
    done = gymtui(tmp_path, "runs", "--base-url", "http://127.0.0.1:1")
    assert done.returncode == 3
    assert "refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_plain_http_to_another_machine_is_refused(tmp_path: Path) -> None:
    done = gymtui(tmp_path, "runs", "--base-url", "http://gym.example", GYMTUI_API_KEY=KEY)
    assert done.returncode == 2
    assert "insecure" in done.stderr
    assert KEY not in done.stderr


def test_an_interval_of_nothing_is_told(tmp_path: Path) -> None:
    done = gymtui(tmp_path, "--interval", "0", "runs", "--base-url", "http://127.0.0.1:1")
    assert "interval" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_not_an_error(tmp_path: Path) -> None:
    with serving_gym(tmp_path, held=True) as gym:
        body = launch_body(run_name="large", rollout_count=250)
        patient_http.post(f"{gym.url}/runs", json=body).raise_for_status()
        whole = gymtui(tmp_path, "rollouts", "large", "--json", "--base-url", gym.url)
        assert len(whole.stdout) > 2 * PIPE_BYTES
        asked = f"rollouts large --json --base-url {gym.url}"
        command = f"{sys.executable} -m gymtui {asked} | head -c 10"
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            env=isolated(tmp_path),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert not done.stderr
    assert done.returncode in (0, 141), "a pipe that closes ends the writer, quietly"


@pytest.mark.parametrize("asked", ["--help", "--version", "runs --help", "completion bash"])
def test_help_into_a_closed_pipe_is_not_an_error_either(tmp_path: Path, asked: str) -> None:
    done = in_shell(tmp_path, f"gymtui {asked} | true; echo ${{PIPESTATUS[0]}}")
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-"])
def test_streams_that_the_shell_closed_are_no_defect(tmp_path: Path, closed: str) -> None:
    script = f"gymtui runs --base-url http://127.0.0.1:1 {closed}"
    done = in_shell(tmp_path, script, fork=False)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_the_gym_says_where_it_listens_and_refuses_the_world_without_a_key(tmp_path: Path) -> None:
    done = gymtui(tmp_path, "gym", "--host", "0.0.0.0", "--port", "0", "--db", str(tmp_path / "g"))
    assert done.returncode == 2
    assert "key" in done.stderr
    assert "Traceback" not in done.stderr
