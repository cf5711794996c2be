"""A run that was exported reopens as it was: rows, numbers, failures, steps and notes."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from gymtui.core.paths import beside
from gymtui.sources.rollout_facts import QUIET_S
from gymtui.store.history.journal import Journal
from gymtui.store.history.journal_place import file_name
from gymtui.store.history.notes import NoteOf, Notes
from gymtui.store.history.observer import StateObservation
from tests.cli.in_process import Shell
from tests.tui.scripted import ScriptedGym

UNKNOWABLE: Final = {
    "elapsed_s": "of what still ran: it counts up to now, and an export knows no now",
    "source": "of a run: a directory says what it is read as",
    "extra": "of a run: its own item is not exported; its counters are those of its rollouts",
    "status": "of a run: it follows from those counters",
}
"""What differs in the rows of a reopened export, each with the reason."""
ACTIVE = {"running", "waiting"}
JUDGED = {"score": 0.25, "failed_criteria": ["event created"], "evidence": ["none"], "novel": [1]}
AT = datetime(2026, 3, 20, tzinfo=UTC)


class Gym(ScriptedGym):
    """A run with rollouts of every outcome, and of every way in which an item may be odd."""

    def __init__(self) -> None:
        super().__init__()
        for number, outcome in enumerate(
            ("pass", "fail", "limit", "env", "agent", "cancelled", "running", "waiting")
        ):
            self.add("night", f"task-{number % 3}", outcome, scenario_id="hr")
        self.add("night", None, "pass", "fail", started_at=None, max_steps=None)
        self.add("night", "odd", "fail", result={"success": False, **JUDGED})
        for number, run_id in ((9, None), (10, "of nobody")):
            self.runs["night"][number]["run_id"] = run_id
        self.add(
            "night",
            "odd",
            "pass",
            result=None,
            novel={"a": [1]},
            status="new",
            phase="odd",
            completed_at=None,
        )
        self.add("night", "odd", "pass", result=None, current_step=7, created_at="never")
        self.add("night", "odd", "pass", result={"score": 0.5}, model_config={"api_key": "k"})
        events = [{"status": "completed", "timestamp": "2026-03-01T00:00:00Z", "by": "x"}]
        self.add("night", "odd", "fail", rollout_id="語/../\x1b[31m", status_events=events)
        self.add("night", "odd", "agent", rollout_id="a.rollout", total=-1)
        for rollout in self.runs["night"]:
            if rollout["status"] not in ("running", "pending", "workspace_error"):
                artifacts = {"messages": [{"role": "user", "content": "hello"}], "steps_taken": 2}
                told = {"rollout_id": rollout["rollout_id"], "artifacts": artifacts}
                self.artifacts[rollout["rollout_id"]] = told

    def answer(self, request: httpx.Request) -> httpx.Response:
        if "%2F" in str(request.url):
            return httpx.Response(200, json=self.artifacts["語/../\x1b[31m"])
        return super().answer(request)


@pytest.fixture
def gym() -> Gym:
    return Gym()


@pytest.fixture
def shell(gym: Gym, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path / "home", gym.answer, monkeypatch)


def observed(home: Path, url: str) -> None:
    """What a dashboard left of the run: the step that one was seen at, and notes."""
    journal_path = home / "state" / "gymtui" / file_name(url)
    journal, over = Journal(journal_path), AT + timedelta(seconds=40)
    work = StateObservation("night.001", "night", "running", "agent_running", AT, AT, None, step=1)
    end = StateObservation(
        *("night.001", "night", "completed", None, over, over), last_otherwise_at=over, step=23
    )
    journal.record([work, end])
    journal.close()
    notes = Notes(beside(journal_path, "notes"))
    notes.write(NoteOf.RUN, ["night"], "the first #good one")
    notes.write(NoteOf.ROLLOUT, ["night.002", "語/../\x1b[31m"], "look at the calendar")


def rows(shell: Shell, *words: str) -> dict[str, dict[str, Any]]:
    """What `--json` lists, by id."""
    done = shell(*words, "--json")
    assert done.returncode == 0, done.stderr
    [key] = {"runs", "rollouts"} & (found := json.loads(done.stdout)).keys()
    return {row[f"{key[:-1]}_id"]: row for row in found[key]}


def steps(shell: Shell, *words: str) -> dict[str, str]:
    """The STEPS of a table, by rollout."""
    head, *lines = shell("rollouts", *words).stdout.splitlines()
    start = head.index("STEPS") - 5
    return {line.split()[0]: line[start : start + 10].strip() for line in lines}


def test_a_reopened_export_has_the_rows_of_the_run(shell: Shell, gym: Gym, tmp_path: Path) -> None:
    observed(tmp_path / "home", gym.url)
    assert shell("export", "night", "--to", "o").returncode == 0
    listed = rows(shell, "rollouts", "night")
    outcomes = {row["outcome"] for row in listed.values()}
    assert len(listed) == 16 and outcomes >= {"passed", "failed", "done", "unknown", *ACTIVE}
    for directory in ("o/", "again/"):  # and so does an export of the export
        reopened = rows(shell, "rollouts", directory)
        assert reopened.keys() == listed.keys()
        for name, row in listed.items():
            left_out = {"elapsed_s"} if row["outcome"] in ACTIVE else set()
            for field in row.keys() - left_out:
                assert reopened[name][field] == row[field], (name, field)
        [run] = rows(shell, "runs", directory).values()
        [before] = rows(shell, "runs", "--numbers").values()
        same = before.keys() - UNKNOWABLE.keys()
        assert {name: run[name] for name in same} == {name: before[name] for name in same}
        assert steps(shell, directory) == (seen := steps(shell, "night"))
        assert seen["night.001"] == "23/30"
        for command in ("failures", "report"):
            told = [json.loads(shell(command, x, "--json").stdout) for x in ("night", directory)]
            assert _comparable(told[0]) == _comparable(told[1])
        assert shell("export", "o/", "night", "--to", "again").returncode == 0


def test_what_ran_when_it_was_exported_is_interrupted_in_the_end(
    shell: Shell, tmp_path: Path
) -> None:
    assert shell("export", "night", "--to", "o").returncode == 0
    then = time.time() - QUIET_S - 60
    os.utime(tmp_path / "o", (then, then))
    found = rows(shell, "rollouts", "o/")
    states = {name: found[name]["status"] for name in ("night.007", "night.008")}
    assert states == {"night.007": "interrupted", "night.008": "not run"}
    [run] = rows(shell, "runs", "o/").values()
    assert (run["in_progress"], run["done"]) == (0, 13)


def test_artifacts_that_could_not_be_had_cost_no_row(shell: Shell, gym: Gym) -> None:
    gym.artifacts["night.001"] = ["a login page"]
    assert shell("export", "night", "--to", "o").returncode == 4
    assert rows(shell, "rollouts", "o/")["night.001"]["outcome"] == "passed"
    # And once they can be had they are.
    gym.artifacts["night.001"] = gym.artifacts["night.002"] | {"rollout_id": "night.001"}
    assert "1 written" in shell("export", "night", "--to", "o").stderr
    assert "hello" in shell("show", "o/", "night.001").stdout


def test_one_s_own_note_comes_before_the_one_that_was_kept(
    shell: Shell, gym: Gym, tmp_path: Path
) -> None:
    observed(tmp_path / "home", gym.url)
    shell("export", "night", "--to", "o")
    place = file_name((tmp_path / "o").as_uri())
    own = Notes(beside(tmp_path / "home" / "state" / "gymtui" / place, "notes"))
    own.write(NoteOf.ROLLOUT, ["night.002"], "seen")
    assert rows(shell, "rollouts", "o/")["night.002"]["note"] == "seen"


def _comparable(document: dict[str, Any]) -> Any:
    """A report without when and of what it was made, and a run's unknowable fields."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(item) for item in value]
        if not isinstance(value, dict):
            return value
        dropped = UNKNOWABLE.keys() if "in_progress" in value else {"made_at", "gym"}
        return {name: plain(item) for name, item in value.items() if name not in dropped}

    return plain(document)
