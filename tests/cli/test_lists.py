"""`runs` and `rollouts`, as scripts and people call them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gymtui.api.errors import Forbidden
from gymtui.cli import document_keys, gym_access, list_commands
from gymtui.cli.gym_access import with_gym
from gymtui.cli.list_filters import COMMAND_RUNS
from gymtui.config.settings import Settings
from gymtui.core.text import width
from gymtui.store.history.journal import Journal
from gymtui.store.history.journal_place import file_name
from gymtui.store.history.observer import StateObservation
from gymtui.store.lists.columns import ROLLOUTS
from tests.cli.calling import OnTerminal, fault, finish, gymtui, in_shell, launch
from tests.cli.in_process import Shell
from tests.gym.running_gym import RunningGym, serving_gym
from tests.helpers import patient_http
from tests.tui.scripted import ScriptedGym

TASKS = ["schedule_phone_screen", "onboard_new_hire"]


@pytest.fixture(scope="module")
def gym(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGym]:
    """A gym with three finished runs, one of a name that does not line up by itself."""
    with serving_gym(tmp_path_factory.mktemp("gym"), faults=True) as gym:
        launch(gym, "careful", task_ids=TASKS, rollout_count=2)
        launch(gym, "lost", model="scripted/lost", rollout_count=2)
        launch(gym, "日本 \x1b[31m語", rollout_count=1)
        for name in ("careful", "lost", "日本 \x1b[31m語"):
            finish(gym, name)
        yield gym


def listed(home: Path, gym: RunningGym, *arguments: str, **env: str) -> str:
    command, *others = arguments
    done = gymtui(home, command, "--base-url", gym.url, *others, **env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def names(home: Path, gym: RunningGym, *arguments: str) -> list[str]:
    document = json.loads(listed(home, gym, *arguments, "--json"))
    key = {"runs": "run_id", "rollouts": "rollout_id"}[arguments[0]]
    return [item[key] for item in document[arguments[0]]]


def test_documents_have_the_keys_that_help_tells(gym: RunningGym, tmp_path: Path) -> None:
    run = json.loads(listed(tmp_path, gym, "runs", "--numbers", "--jsonl", "run:careful"))
    assert tuple(run) == tuple(document_keys.RUN)
    assert tuple(run["numbers"]) == tuple(document_keys.NUMBERS)
    assert (run["total"], run["done"], run["status"]) == (4, 4, "finished")
    assert run["numbers"]["passes"] <= run["numbers"]["verdicts"] == 4
    assert run["numbers"]["pass_low"] < run["numbers"]["pass_rate"] <= run["numbers"]["pass_high"]
    rollout = json.loads(listed(tmp_path, gym, "rollouts", "lost", "--limit", "1", "--jsonl"))
    assert tuple(rollout) == tuple(document_keys.ROLLOUT)
    assert rollout["run_id"] == "lost"
    assert rollout["model_config"]["model"] == "scripted/lost"
    assert "not-needed" not in json.dumps(rollout), "no key, not even a harmless one"


def test_help_names_the_columns_there_are() -> None:
    assert list_commands.RUN_COLUMNS.split() == [field.name for field in COMMAND_RUNS]
    assert list_commands.ROLLOUT_COLUMNS.split() == [field.name for field in ROLLOUTS]


def test_json_has_numbers_only_where_they_were_asked_for(gym: RunningGym, tmp_path: Path) -> None:
    def numbers(*arguments: str) -> list[object]:
        document = json.loads(listed(tmp_path, gym, "runs", "--json", *arguments))
        return [run["numbers"] for run in document["runs"]]

    assert numbers() == [None] * 3
    assert None not in numbers("--numbers")
    assert None not in numbers("pass>=0%")
    assert None not in numbers("--order", "age")


def test_a_filter_on_what_is_unknown_everywhere_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gym = ScriptedGym()
    gym.add("one", "t1", "pass", "fail", current_step=None)
    shell = Shell(tmp_path, gym.answer, monkeypatch)
    done = shell("rollouts", "one", "-f", "steps>=2 max_steps>=1")
    assert done.returncode == 0
    told = "steps is unknown for every rollout: the gym does not list it"
    assert done.stderr == f"gymtui: {told}\n"
    gym.rollout("one.001")["current_step"] = 1
    assert shell("rollouts", "one", "-f", "steps>=2").stderr == ""


def test_csv_has_the_numbers_of_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gym = ScriptedGym()
    gym.add("one", "t1", "pass", "fail")
    shell = Shell(tmp_path, gym.answer, monkeypatch)
    [row] = csv.DictReader(io.StringIO(shell("runs", "--csv").stdout))
    assert (row["numbers.passes"], row["numbers.verdicts"]) == ("1", "2")
    [row] = csv.DictReader(io.StringIO(shell("runs", "--csv", "--no-numbers").stdout))
    assert row["numbers"] == ""


def test_filters_narrow_and_numbers_count_in_them(gym: RunningGym, tmp_path: Path) -> None:
    assert names(tmp_path, gym, "runs", "pass<50%") == ["lost"]
    assert names(tmp_path, gym, "runs", "done>=3") == ["careful"]
    assert len(names(tmp_path, gym, "runs", "done>=100%")) == 3
    assert names(tmp_path, gym, "runs", "scenario:hr", "model:*careful", "run:c*") == ["careful"]
    assert names(tmp_path, gym, "runs", "status:running") == []
    assert len(names(tmp_path, gym, "rollouts", "careful", "-f", f"task:{TASKS[0]}")) == 2
    assert len(names(tmp_path, gym, "rollouts", "--all", "-f", "outcome:failed")) >= 2


def test_order_and_limit(gym: RunningGym, tmp_path: Path) -> None:
    by_total = names(tmp_path, gym, "runs", "--order", "total")
    assert by_total == ["日本 \x1b[31m語", "lost", "careful"]
    assert names(tmp_path, gym, "runs", "--order", "total", "--reverse") == by_total[::-1]
    document = json.loads(listed(tmp_path, gym, "runs", "--limit", "2", "--json"))
    assert (document["total"], len(document["runs"])) == (3, 2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["runs", "stauts:running"], "did you mean status?\n  stauts:running\n  ^^^^^^\n"),
        (["runs", "--order", "agee"], "did you mean age?"),
        (["runs", "stuck:"], "it takes observation over time\n  stuck:\n  ^^^^^\n"),
        (["runs", "--order", "stuck"], "only the dashboard has it"),
        (["rollouts", "-f", "stuck:"], "run list and active rollouts have it"),
        (["rollouts", "-f", "steps>=many"], "^^^^"),
    ],
)
def test_a_mistake_in_a_filter_is_shown_at_its_place(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = gymtui(tmp_path, *arguments, "--base-url", "http://127.0.0.1:1")
    assert done.returncode == 2, "before anything is asked"
    assert words in done.stderr
    assert not done.stdout


def test_tables_line_up_in_cells_and_are_never_cut_off_a_terminal(
    gym: RunningGym, tmp_path: Path
) -> None:
    long = "x" * 150
    launch(gym, long)
    finish(gym, long)
    try:
        heading, *rows = listed(tmp_path, gym, "runs", COLUMNS="60").splitlines()
        assert "\x1b" not in heading + "".join(rows)
        assert any(long in row for row in rows)
        place = heading.index("STATUS")
        assert {width(row.split("finished")[0]) for row in rows} == {place}
    finally:
        patient_http.delete(f"{gym.url}/runs/{long}").raise_for_status()


def test_on_a_terminal_a_table_fits_and_has_colour_unless_told(
    gym: RunningGym, tmp_path: Path
) -> None:
    arguments = ("rollouts", "careful", "--base-url", gym.url)
    with OnTerminal(tmp_path, *arguments, columns=60) as terminal:
        seen = terminal.end()
    assert seen.status == 0
    assert "\x1b[32m✓ pass" in seen.text
    with OnTerminal(tmp_path, *arguments, columns=60, NO_COLOR="1") as terminal:
        plain = terminal.end().text
    assert "\x1b" not in plain
    assert "✓ pass" in plain
    assert all(width(line) <= 60 for line in plain.splitlines())


def test_a_reader_that_has_enough_is_no_error(gym: RunningGym, tmp_path: Path) -> None:
    script = f"gymtui rollouts --all --jsonl --base-url {gym.url} | head -1; echo $?"
    done = in_shell(tmp_path, script)
    first, status = done.stdout.splitlines()
    assert json.loads(first)["rollout_id"]
    assert status == "0"
    assert not done.stderr


def test_a_run_that_is_not_there_is_named(gym: RunningGym, tmp_path: Path) -> None:
    done = gymtui(tmp_path, "rollouts", "careful", "nobody\x1b[2J", "--base-url", gym.url)
    assert done.returncode == 4
    assert "no such run: nobody" in done.stderr
    assert "\x1b" not in done.stderr
    assert not done.stdout


def test_with_nothing_under_way_rollouts_says_what_to_do(gym: RunningGym, tmp_path: Path) -> None:
    done = gymtui(tmp_path, "rollouts", "--jsonl", "--base-url", gym.url)
    assert (done.returncode, done.stdout) == (0, "")
    assert "--all" in done.stderr


def test_a_busy_gym_is_asked_again(gym: RunningGym, tmp_path: Path) -> None:
    fault(gym, "/runs", kind="status", status=503)
    assert len(names(tmp_path, gym, "runs")) == 3


def test_one_broken_item_costs_the_others_nothing(gym: RunningGym, tmp_path: Path) -> None:
    fault(
        gym,
        "/runs",
        kind="drift",
        put={"runs.0.total": "many", "runs.0.new": [1]},
        drop=["runs.1.run_id"],
    )
    runs = json.loads(listed(tmp_path, gym, "runs", "--json"))["runs"]
    assert all(tuple(run) == tuple(document_keys.RUN) for run in runs)
    assert (runs[0]["total"], runs[0]["extra"]) == (None, {"total": "many", "new": [1]})
    assert (runs[1]["run_id"], runs[1]["status"]) == (None, "malformed")
    assert "run_id" in runs[1]["malformed"]


def test_steps_that_a_dashboard_saw_are_shown(gym: RunningGym, tmp_path: Path) -> None:
    rollout_id = names(tmp_path, gym, "rollouts", "careful", "-f", "passed:")[0]
    at = datetime(2026, 3, 20, tzinfo=UTC)
    journal = Journal(tmp_path / "state" / "gymtui" / file_name(gym.url))
    over = at + timedelta(seconds=40)
    journal.record(
        [
            StateObservation(
                rollout_id, "careful", "running", "agent_running", at, at, None, step=1
            ),
            StateObservation(
                *(rollout_id, "careful", "completed", None, over, over),
                last_otherwise_at=over - timedelta(seconds=2),
                step=23,
            ),
        ]
    )
    journal.close()
    table = listed(tmp_path, gym, "rollouts", "careful")
    [line] = [line for line in table.splitlines() if line.startswith(rollout_id)]
    assert "23/30" in line


def test_a_full_disk_is_told_in_a_line(gym: RunningGym, tmp_path: Path) -> None:
    done = in_shell(tmp_path, f"gymtui runs --base-url {gym.url} > /dev/full")
    assert done.returncode == 2
    assert done.stderr == "gymtui: cannot write the output: No space left on device\n"


def test_the_numbers_of_a_run_that_is_forbidden_are_told_to_be(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("ours", "t1", "pass")
    gym.add("theirs", "t1", "pass")
    gym.forbidden.add("theirs")
    with pytest.MonkeyPatch.context() as patch:
        shell = Shell(tmp_path, gym.answer, patch, {"GYMTUI_BASE_URL": gym.url})
        done = shell("runs", "--json", "--numbers")
        with pytest.raises(Forbidden) as caught:
            settings = Settings(base_url=gym.url)
            with_gym(
                settings, lambda client: gym_access.GymReader(client).list_rollouts_of(["theirs"])
            )
    runs = {run["run_id"]: run for run in json.loads(done.stdout)["runs"]}
    assert runs["ours"]["numbers"]["passes"] == 1
    assert runs["theirs"]["numbers"] is None
    assert done.stderr == "gymtui: forbidden (403): the numbers of theirs\n"
    assert caught.value.line == "forbidden (403): the rollouts of theirs: not yours"
