"""`gymtui watch`: every change once, and none missed by who comes back with a cursor."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from gymtui.cli import output, watch
from gymtui.config.settings import Settings
from gymtui.core.json_output import json_text
from gymtui.poll import recorder
from gymtui.store.history.journal import Journal
from gymtui.store.history.journal_store import SavedSummary
from gymtui.store.history.recording_items import ChangeList, Cursor, UnknownCursorError
from gymtui.store.history.recording_reader import Recording
from gymtui.store.history.recording_writer import RecorderLock
from tests.cli.in_process import URL, Done, Shell
from tests.helpers.model_gym import rollout
from tests.helpers.recorded import Recorded, model_gym
from tests.tui.scripted import ScriptedGym


class EnoughError(BaseException):
    """As many lines as were wanted."""


class Moving(ScriptedGym):
    """Its rollout takes a step each time it is listed."""

    steps = 0
    paths: Sequence[httpx.URL] = ()

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.paths = (*self.paths, request.url)
        if request.url.path == "/rollouts":
            self.steps += 1
            moving = rollout("one.0", "one", status="running", current_step=self.steps)
            self.runs["one"] = [moving]
        return super().answer(request)


@pytest.fixture
def gym() -> Moving:
    made = Moving()
    made.runs = {"one": [rollout("one.0", "one", status="running", current_step=0)]}
    return made


def call(
    gym: Moving, home: Path, patch: pytest.MonkeyPatch, lines: int, *arguments: str, **env: str
) -> list[str]:
    """Call it until so many lines were printed.

    Args:
        env: The variables of gymtui's own, beside the gym's URL.
    """
    said: list[str] = []

    def take(_printer: output.Printer, text: str) -> None:
        said.append(text.rstrip("\n"))
        if len(said) == lines:
            raise EnoughError

    patch.setattr(watch, "LOOK_S", 0.01)
    patch.setattr(output.Printer, "write", take)
    shell = Shell(home, gym.answer, patch, env={"GYMTUI_BASE_URL": URL, **env})
    with pytest.raises(EnoughError):
        shell("watch", *arguments, "--interval", "0.1")
    patch.undo()
    return said


def test_each_change_is_a_document(
    gym: Moving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = call(gym, tmp_path, monkeypatch, 3, "--jsonl")
    documents = [json.loads(line) for line in lines]
    one = documents[-1]
    assert (one["version"], one["kind"], one["id"], one["run_id"]) == (1, "rollout", "one.0", "one")
    assert one["after"]["current_step"] > one["before"]["current_step"]
    assert one["slack_s"] >= 0 and not one["after_gap"]
    text = call(gym, tmp_path, monkeypatch, 1)
    assert f"one.0: current_step {one['after']['current_step']} → " in text[0]


def test_a_cursor_goes_on_without_loss(
    gym: Moving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = json.loads(call(gym, tmp_path, monkeypatch, 2, "one", "--jsonl")[-1])
    more = call(gym, tmp_path, monkeypatch, 3, "one", "--jsonl", "--after", first["cursor"])
    told = [d for d in map(json.loads, more) if d["kind"] == "rollout"]
    assert told[0]["before"] == first["after"] or first["kind"] == "run"
    states = [told[0]["before"], *(d["after"] for d in told)]
    assert [d["before"] for d in told] == states[:-1]  # each begins where the one before ended


def test_what_ended_unwatched_is_told_though_its_numbers_were_kept(
    gym: Moving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = json.loads(call(gym, tmp_path, monkeypatch, 2, "one", "--jsonl")[-1])
    over = ScriptedGym()
    over.runs = {"one": [rollout("one.0", "one", status="completed", result={"success": True})]}
    [path] = (tmp_path / "state" / "gymtui").glob("*.sqlite3")
    journal = Journal(path)
    journal.keep_summaries(SavedSummary("one", final=True, known=1, counts={"passed": 1}))
    journal.close()
    said = call(over, tmp_path, monkeypatch, 2, "one", "--jsonl", "--after", first["cursor"])
    told = {document["kind"]: document for document in map(json.loads, said)}
    run, one = told["run"], told["rollout"]  # in the order in which the answers came
    assert run["after"]["completed"] == 1
    assert (one["id"], one["after"]["status"]) == ("one.0", "completed")
    assert one["before"]["status"] == "running"


def test_behind_another_recorder_a_cursor_goes_on_in_its_recording(
    gym: Moving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(tmp_path, gym.answer, monkeypatch)
    directory = Path(json.loads(shell("record", "--status", "--json").stdout)["directory"])
    rng = random.Random(3)
    watched = Recorded(model_gym(rng), directory, rng, keeps=False)
    lock = RecorderLock(directory)
    for _ in range(6):
        watched.tick()
    watched.recorder.write(at_once=True)
    every = [change for change in ChangeList(Recording(directory)).every() if not change.first]
    left = every[3:]
    cursor = str(every[2].cursor)
    said = call(gym, tmp_path, monkeypatch, len(left), "--jsonl", "--after", cursor)
    documents = [json.loads(line) for line in said]
    assert [(d["id"], d["cursor"]) for d in documents] == [
        (change.item_id, str(change.cursor)) for change in left
    ]
    assert not gym.paths  # the other one asks
    lock.close()


def test_once_the_recorder_that_it_followed_has_ended_it_records_itself(
    gym: Moving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(tmp_path, gym.answer, monkeypatch)
    directory = Path(json.loads(shell("record", "--status", "--json").stdout)["directory"])
    lock, looks = RecorderLock(directory), 0
    read = Recording.refresh

    def refresh(recording: Recording) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            assert not gym.paths  # the other one asks
            lock.close()
        read(recording)

    monkeypatch.setattr(Recording, "refresh", refresh)
    assert len(call(gym, tmp_path, monkeypatch, 2, "--jsonl")) == 2


def failed(home: Path, patch: pytest.MonkeyPatch, *arguments: str) -> Done:
    return Shell(home, ScriptedGym().answer, patch)("watch", *arguments)


def test_a_cursor_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for cursor in ("x", "1-00000001-1-1"):
        assert failed(tmp_path, monkeypatch, "--after", cursor).returncode == 4


def test_a_run_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = failed(tmp_path, monkeypatch, "nosuch", "--jsonl")
    assert (done.returncode, done.stdout) == (4, "")
    assert "no such run: nosuch" in done.stderr


def test_options_choose_the_gym(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recording that a cursor is looked for in is that of the gym."""
    asked: list[str] = []

    def carry_out(settings: Settings, *_arguments: Any, **_options: Any) -> None:
        asked.append(settings.base_url)

    config = tmp_path / "other.toml"
    config.write_text(
        'base_url = "http://127.0.0.1:6"\n[profiles.a]\nbase_url="http://127.0.0.1:5"'
    )
    monkeypatch.setattr(watch, "watch", carry_out)
    monkeypatch.setenv("GYMTUI_BASE_URL", "")
    shell = Shell(tmp_path, ScriptedGym().answer, monkeypatch, env={})
    shell("watch", "--base-url", "http://127.0.0.1:7")
    shell("watch", "--config", str(config))
    shell("watch", "--config", str(config), "--profile", "a")
    assert [url[-1] for url in asked] == ["7", "6", "5"]


def test_options_choose_what_is_watched(
    gym: Moving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(gym, tmp_path, monkeypatch, 1, "--source", "all", "--scenario", "hr")
    listed = [url.params for url in gym.paths if url.path == "/runs"]
    assert {(p["source"], p["scenario_id"]) for p in listed} == {("all", "hr")}


def test_whoever_stops_anywhere_is_told_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "KEY_ITEMS", 5)
    monkeypatch.setattr(recorder, "BASE_ITEMS", 16)
    rng = random.Random(2)
    watched = Recorded(model_gym(rng), tmp_path, rng, keeps=False)
    for tick in range(10):
        if tick == 6:
            watched.gym.delete(next(iter(watched.gym.runs)))
        watched.tick()
    watched.recorder.close()
    recording = Recording(tmp_path)
    every = [change for change in ChangeList(recording).every() if not change.first]
    assert any(change.after is None for change in every)
    for at in range(0, len(every), 3):
        cursor = Cursor.read(str(every[at].cursor))
        assert (
            list(iter(partial(next, ChangeList(recording).after(cursor)), None)) == every[at + 1 :]
        )
    # What a gap hides is told as one change.
    watched.recorder = watched.new_recorder()
    watched.tick()
    watched.recorder.close()
    recording = Recording(tmp_path)
    after = ChangeList(recording).after(every[-1].cursor)
    gap = [change for change in (next(after) for _ in range(3)) if change is not None]
    assert gap and all(change.before for change in gap)
    with pytest.raises(UnknownCursorError):
        ChangeList(recording).after(Cursor(1, 2, 3))
    assert json_text(watch.document_of(gap[0]))
