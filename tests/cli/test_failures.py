"""`gymtui failures`, for people and for programs; and lists as CSV."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.in_process import Shell
from tests.tui.scripted import ScriptedGym


@pytest.fixture
def gym() -> ScriptedGym:
    """A run that tells nobody, and one before it that did."""
    gym = ScriptedGym()

    def failed(*criteria: str) -> dict[str, object]:
        return {"success": False, "message": "no", "output": {"failed_criteria": criteria}}

    gym.add("s2000", "call", *["pass"] * 4)
    gym.add("s3000", "call", "fail", result=failed("Ruth Abara told", "moved"))
    gym.add("s3000", "call", "fail", result=failed("Ali Can told", "moved"))
    gym.add("s3000", "call", "fail", result=failed("Ali Can told"))
    gym.add("s3000", "call", "fail", result={"success": False, "message": "=cmd\x1b[2J|x"})
    gym.add("s3000", "call", "env")
    return gym


@pytest.fixture
def shell(gym: ScriptedGym, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(tmp_path, gym.answer, monkeypatch)


def test_criteria_are_listed_with_their_change_and_company(shell: Shell) -> None:
    done = shell("failures", "s3000", "--against", "s2000")
    assert (done.returncode, "against s2000" in done.stderr) == (0, True)
    head, told, *_ = done.stdout.splitlines()
    assert head.split() == ["OUTCOME", "CRITERION", "ROLLOUTS", "TASKS", "CHANGE", "FAILS", "WITH"]
    assert told.split() == [
        *("✗", "fail", "*", "told", "3", "1"),
        *("+75", "(+9", "to", "+95)", "2×", "moved"),
    ]
    assert "~ =cmd|x" in done.stdout, "guessed from the message, and cleaned"
    assert "image pull failed" in done.stdout


def test_json_has_all_of_it(shell: Shell) -> None:
    document = json.loads(shell("failures", "s2000", "s3000", "--json").stdout)
    assert document["against"] == "s2000"
    told = document["failures"][0]
    assert (told["criterion"], told["rollouts"], told["tasks"]) == ("* told", 3, ["call"])
    assert (told["runs"], told["guessed"]) == ({"s3000": 3}, False)
    (change,) = told["changes"]
    assert (change["run_id"], change["failed"], change["of"]) == ("s3000", 3, 4)
    assert change["adjusted"] >= change["p"]
    assert told["fails_with"] == [{"criterion": "moved", "rollouts": 2}]
    by_message = json.loads(shell("failures", "s3000", "--by", "message", "--json").stdout)
    assert {group["criterion"] for group in by_message["failures"]} >= {"no", "image pull failed"}


def test_tools_are_counted_over_the_artifacts_that_are_there(
    shell: Shell, gym: ScriptedGym
) -> None:
    calls = [{"tool_server": "mail", "tool_name": "send"}] * 2
    results = [{"observation": "sent"}, {"observation": "Error: full", "is_error": True}]
    read = {"artifacts": {"messages": [], "tool_calls": calls, "tool_results": results}}
    gym.artifacts["s3000.001"] = read
    document = json.loads(shell("failures", "s3000", "--by", "tool", "--json").stdout)
    assert (document["known"], document["of_rollouts"]) == (1, 5)
    (send,) = document["tools"]
    assert (send["tool"], send["calls"], send["errors"]) == ("mail.send", 2, 1)
    assert (send["commonest_error"], send["rollout_ids"]) == ("Error: full", ["s3000.001"])
    assert "known for 1 of 5 finished rollouts" in shell("failures", "s3000", "--by", "tool").stderr


def test_csv_has_a_column_a_field_and_nothing_in_it_acts(shell: Shell) -> None:
    printed = shell("failures", "s3000", "--csv").stdout
    assert "\x1b" not in printed
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert rows[0]["criterion"] == "* told"
    assert rows[0]["runs.s3000"] == "3"
    assert json.loads(rows[0]["tasks"]) == ["call"]
    odd = next(row for row in rows if "cmd" in row["criterion"])
    assert odd["criterion"] == "'=cmd\\x1b[2J|x"


@pytest.mark.parametrize(("command", "key"), [("runs", "run_id"), ("rollouts", "rollout_id")])
def test_lists_are_printed_as_csv(shell: Shell, command: str, key: str) -> None:
    asked = [command, "--csv"] + (
        ["s3000", "-f", "outcome:failed"] if command == "rollouts" else []
    )
    rows = list(csv.DictReader(io.StringIO(shell(*asked).stdout)))
    assert {row[key] for row in rows} == (
        {"s2000", "s3000"} if command == "runs" else {f"s3000.00{n}" for n in range(1, 5)}
    )
    empty = shell(*asked, *(["-f"] if command == "rollouts" else []), "nothing-like-this").stdout
    assert empty.splitlines()[0].startswith(key) and len(empty.splitlines()) == 1


def test_rollouts_are_filtered_by_criterion(shell: Shell) -> None:
    found = shell("rollouts", "s3000", "-f", 'criterion:"* told"', "--jsonl").stdout
    assert len(found.splitlines()) == 3
    assert (
        len(shell("rollouts", "s3000", "-f", "criterion:moved", "--jsonl").stdout.split("\n")) == 3
    )
