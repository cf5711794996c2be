"""`gymtui search`: what is printed, in which form, and what it says it searched."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import httpx
import pytest

from tests.cli.in_process import Shell
from tests.session.test_transcript_search import artifacts
from tests.tui.scripted import ScriptedGym


@pytest.fixture
def gym() -> ScriptedGym:
    """Two runs: of `nightly` two have ended, of which one has no artifacts, and one goes on."""
    gym = ScriptedGym()
    gym.add("nightly", "hr/email", "pass", "fail", "running")
    gym.add("other", "hr/email", "fail")
    for rollout_id in ("nightly.001", "other.001"):
        gym.artifacts[rollout_id] = json.loads(artifacts("a \x1b[31mred\x1b[0m kettle, =1+1"))
    return gym


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def shell(
    gym: ScriptedGym, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Shell:
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return gym.answer(request)

    return Shell(tmp_path, answer, monkeypatch)


SAID = "gymtui: 1 of 3 transcripts searched, 1 not finished, 1 without artifacts\n"


def test_a_line_a_hit_and_what_was_searched(shell: Shell, asked: list[str]) -> None:
    done = shell("search", "nightly", "Kettle")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", SAID)
    done = shell("search", "nightly", "red kettle")
    line = "nightly.001     3  shop.lookup               a red kettle, =1+1\n"
    assert (done.stdout, done.stderr) == (line, SAID)
    fetched = [path for path in asked if path.endswith("nightly.001/artifacts")]
    assert len(fetched) == 1
    done = shell("search", "nightly", "other", "red kettle", "--role", "tool")
    assert [line.split()[:3] for line in done.stdout.splitlines()] == [
        ["nightly", "nightly.001", "3"],
        ["other", "other.001", "3"],
    ]


def test_json_a_line_each_and_csv_say_the_same(shell: Shell) -> None:
    hit = {
        **{"run_id": "nightly", "rollout_id": "nightly.001", "task_id": "hr/email", "turn": 3},
        **{"role": "tool", "tool": "shop.lookup", "error": False},
        **{"before": "a ", "match": "red kettle", "after": ", =1+1"},
    }
    document = json.loads(shell("search", "nightly", "red ket+le", "--re", "--json").stdout)
    assert document["hits"] == [{**hit}]
    assert document["transcripts"] == {
        **{"total": 3, "searched": 1, "unfinished": 1, "not_run": 0},
        **{"missing": 1, "failed": 0, "left": 0},
    }
    lines = shell("search", "nightly", "red kettle", "--jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [hit]
    done = shell("search", "nightly", "red kettle", "--csv")
    [row] = csv.DictReader(io.StringIO(done.stdout))
    assert row == {name: str(value) for name, value in hit.items()} | {"error": "false"}


def test_tool_and_error_without_a_phrase(shell: Shell, gym: ScriptedGym) -> None:
    gym.artifacts["nightly.002"] = json.loads(artifacts("no such user", error=True))
    done = shell("search", "nightly", "", "--tool", "lookup", "--error")
    assert done.stdout.split()[:4] == ["nightly.002", "3", "✗", "shop.lookup"]
    assert len(done.stdout.splitlines()) == 1


def test_no_more_is_downloaded_than_is_allowed(shell: Shell, asked: list[str]) -> None:
    done = shell("search", "nightly", "kettle", "--max-download", "0")
    assert done.returncode == 0
    assert done.stderr == (
        "gymtui: 0 of 3 transcripts searched, 1 not finished, 2 not downloaded\n"
    )
    assert not any("artifacts" in path for path in asked)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nightly", "("], "no regular expression"),
        (["nightly", "x", "--role", "nobody"], "role: is one of system, user"),
        (["nightly", ""], "nothing to search for"),
        (["nightly"], "Missing argument"),
    ],
)
def test_a_mistake_is_said(shell: Shell, arguments: list[str], said: str) -> None:
    done = shell("search", *arguments, *(["--re"] if "(" in arguments else []))
    assert done.returncode == 2
    assert said in done.stderr
    assert shell("search", "nobody", "x").returncode == 4
