"""What is checked of a scenario of one's own before the gym starts: every mistake by its place."""

import json
from pathlib import Path
from typing import Any

import pytest

from gymtui.gym.scenarios.bundle import open_bundles
from gymtui.gym.scenarios.bundle_files import BundleError, read
from gymtui.gym.scenarios.catalog import SCENARIOS
from gymtui.gym.scenarios.code import tool_of
from gymtui.gym.scenarios.example_bundle import write_example
from tests.gym.bundles import SERVER_FILE, TASK_FILE, VERIFIER_FILE, example

SCENARIO = {"scenario_id": "shop"}
MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "not JSON": ({"files": {TASK_FILE: '{\n "meta": {\n'}}, f"{TASK_FILE}:3: not JSON"),
    "a list": ({"files": {TASK_FILE: "[]"}}, f"{TASK_FILE}:1: "),
    "no meta": ({"meta": None}, f"{TASK_FILE}:1: meta is missing"),
    "no id": (
        {"meta": {"display_name": "x"}},
        f"{TASK_FILE}:2: meta.task_id is missing",
    ),
    "a task that is no text": ({"task": 7}, f"{TASK_FILE}:8: task input should be a valid string"),
    "a verifier that is not there": (
        {"files": {VERIFIER_FILE: None}},
        f"{VERIFIER_FILE}:1: cannot be read: No such file",
    ),
    "a verifier that is no Python": (
        {"files": {VERIFIER_FILE: "import os\ndef verify(x:\n"}},
        f"{VERIFIER_FILE}:2: not Python: ",
    ),
    "no verify": ({"files": {VERIFIER_FILE: "x = 1\n"}}, f"{VERIFIER_FILE}:1: verify is missing"),
    "a verifier of another kind": (
        {"verifiers": [{"func": "shell", "module": "x"}]},
        "verifiers.0.func input should be 'python_module'",
    ),
    "a server that is not there": (
        {"tool_servers": [{"name": "desk"}, {"name": "till"}]},
        "servers/till.py:1: cannot be read: No such file",
    ),
    "no tools": ({"files": {SERVER_FILE: "x = 1\n"}}, f"{SERVER_FILE}:1: TOOLS is missing"),
    "somebody unknown": (
        {"npcs": [{"id": "nobody"}]},
        "nobody is not in npcs/profiles.json",
    ),
    "a script for a server that is not there": (
        {"scripted": [{"say": "", "calls": [{"tool_server": "till", "tool_name": "x"}]}]},
        "there is no tool server till",
    ),
    "nothing that verifies": (
        {"verifiers": [], "files": {"rubrics/refund_damaged_order.md": None}},
        "nothing verifies it",
    ),
    "seeds for a server elsewhere": (
        {
            "tool_servers": [{"name": "mail", "tool_server_url": "http://127.0.0.1:1"}],
            "scripted": None,
        },
        "nothing seeds mail",
    ),
    "no time": (
        {"files": {"scenario.json": json.dumps({**SCENARIO, "time_limit_s": 0})}},
        "scenario.json:1: time_limit_s input should be greater than 0",
    ),
    "no world": ({"files": {"world.py": "x = 1\n"}}, "world.py:1: make is missing"),
    "profiles that are none": (
        {"files": {"npcs/profiles.json": "{}"}},
        "npcs/profiles.json:1: not a list of profiles",
    ),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_named_by_file_and_line(tmp_path: Path, kind: str) -> None:
    changes, words = MISTAKES[kind]
    bundle = example(tmp_path, **changes)
    with pytest.raises(BundleError) as refusal:
        read(bundle)
    assert words in str(refusal.value)
    assert str(bundle) in str(refusal.value)


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    bundle = example(tmp_path, {VERIFIER_FILE: "", SERVER_FILE: ""}, npcs=[{"id": "nobody"}])
    with pytest.raises(BundleError) as refusal:
        read(bundle)
    assert len(str(refusal.value).splitlines()) == 3


def takes_all(world: Any, **more: int) -> None: ...
def takes_nothing() -> None: ...


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (takes_all, "takes_all takes *more"),
        (takes_nothing, "takes_nothing takes nothing"),
        (7, "TOOLS holds 7"),
    ],
)
def test_what_cannot_be_a_tool_says_why(function: Any, words: str) -> None:
    with pytest.raises(TypeError) as refusal:
        tool_of("desk", function)
    assert words in str(refusal.value)


def test_python_that_cannot_be_imported_is_named_by_file_and_line(tmp_path: Path) -> None:
    broken = {SERVER_FILE: "TOOLS = []\n\nimport no_such_module\n"}
    bundle = example(tmp_path, broken, scripted=None)
    with pytest.raises(BundleError) as refusal, open_bundles([bundle], SCENARIOS):
        pass
    [mistake] = refusal.value.mistakes
    assert (mistake.file, mistake.line) == (bundle / SERVER_FILE, 3)
    assert mistake.words == "ModuleNotFoundError: No module named 'no_such_module'"


def test_a_directory_of_bundles_is_all_of_them_and_ids_are_their_own(tmp_path: Path) -> None:
    for name in ("one", "hr"):
        write_example(tmp_path / name)
        (tmp_path / name / SERVER_FILE).write_text("TOOLS = []")
    (tmp_path / "one" / SERVER_FILE).write_text("TOOLS = [7]")
    with pytest.raises(BundleError) as refusal, open_bundles([tmp_path], SCENARIOS):
        pass
    assert [str(m.file.relative_to(tmp_path)) for m in refusal.value.mistakes] == [
        "hr/scenario.json",
        f"one/{SERVER_FILE}",
    ]
    assert "there is a scenario hr already" in str(refusal.value)


def test_a_directory_without_bundles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no bundle"), open_bundles([tmp_path], SCENARIOS):
        pass


def test_the_example_is_written_under_its_directorys_name_and_only_there(tmp_path: Path) -> None:
    written = write_example(tmp_path / "my shop")
    assert read(tmp_path / "my shop").scenario.scenario_id == "my shop"
    assert all(path.exists() for path in written)
    assert not [path for path in written if "__pycache__" in str(path)]
    with pytest.raises(FileExistsError):
        write_example(tmp_path / "my shop")
