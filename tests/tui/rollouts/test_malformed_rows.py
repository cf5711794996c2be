"""Runs and rollouts that could not be read: they say why, and no made-up id is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from gymtui.tui.describe.screen import DescribeScreen
from gymtui.tui.matrix.screen import MatrixScreen
from gymtui.tui.rollouts.screen import RolloutsScreen
from gymtui.tui.runs.screen import RunsScreen
from gymtui.tui.transcript.screen import TranscriptScreen
from tests.cli.in_process import Shell
from tests.tui.person import Person
from tests.tui.scripted import ScriptedGym, scripted_dashboard

UNREAD = {"status": "completed", "task_id": "enrol", "note": "it has no id"}
NO_ID = "its id is unknown"


@dataclass
class UnreadGym(ScriptedGym):
    """A gym that leaves an id out.

    Attributes:
        no_runs: The runs whose status has no id.
        urls: What was asked of it, in turn.
    """

    no_runs: Sequence[str] = ()
    urls: list[str] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What it says to a request."""
        self.urls.append(str(request.url))
        return super().answer(request)

    def _status(self, run_id: str) -> dict[str, object]:
        status = super()._status(run_id)
        return {"total": status["total"]} if run_id in self.no_runs else status


def unread_gym() -> UnreadGym:
    gym = UnreadGym()
    gym.add("good", "enrol", "pass")
    gym.runs["good"].append(dict(UNREAD))
    gym.add("good", "enrol", "fail")
    gym.artifacts = {name: {"messages": []} for name in ("good.001", "good.003")}
    return gym


def asked_by_made_up_id(gym: UnreadGym) -> list[str]:
    return [url for url in gym.urls if "malformed" in url]


async def stand_on_the_unread(person: Person) -> str:
    row_id = next(
        i for i, row in person.app.session.store.rollouts.items() if row.malformed is not None
    )
    person.app.screen._grid.select(row_id)
    return row_id


@pytest.mark.parametrize("width", [60, 80, 120, 200])
async def test_a_rollout_that_could_not_be_read_says_why_in_its_whole_row(
    width: int, tmp_path: Path
) -> None:
    async with scripted_dashboard(unread_gym(), tmp_path, size=(width, 24)) as person:
        await person.sees("good")
        await person.press("enter")
        await person.sees("malformed: rollout_id: Field required")


async def test_keys_on_a_rollout_that_could_not_be_read_say_why_and_ask_for_nothing(
    tmp_path: Path,
) -> None:
    gym = unread_gym()
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("good")
        await person.press("enter")
        await person.sees("malformed: rollout_id")
        await stand_on_the_unread(person)
        for key in ("enter", "d"):
            await person.press(key)
            assert isinstance(person.app.screen, DescribeScreen)
            await person.sees("could not be read", "it has no id")
            await person.press("escape")
        assert isinstance(person.app.screen, RolloutsScreen)
        for key in ("C", "c"):
            person.app.clear_notifications()
            await person.press(key)
            await person.sees(NO_ID)
        assert person.app.session.compared_first is None
        await person.press("space", "R")
        await person.sees("have no task to rerun")
        await person.press("u")
        person.app.screen._grid.select("good.001")
        await person.press("enter")
        await person.sees("1 of 2")
        await person.press("]")
        await person.sees("2 of 2", "good.003")
        assert isinstance(person.app.screen, TranscriptScreen)
    assert not asked_by_made_up_id(gym)


async def test_they_have_no_place_in_the_matrix_and_what_has_no_task_is_not_run_again(
    tmp_path: Path,
) -> None:
    gym = unread_gym()
    gym.add("good", None, "fail")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("good")
        await person.press("m")
        await person.until(lambda: len(person.app.screen._grid.rows) == 2)
        screen = person.app.screen
        assert isinstance(screen, MatrixScreen)
        assert set(screen.rollout_ids()) == {"good.001", "good.003", "good.004"}
        row = next(i for i in screen._rows if screen._rows.records[i].task_id is None)
        screen._grid.select(row)
        await person.press("space", "R")
        await person.sees("have no task to rerun")


@pytest.mark.parametrize("width", [60, 80, 120, 200])
async def test_a_run_that_could_not_be_read_says_why_in_its_whole_row(
    width: int, tmp_path: Path
) -> None:
    gym = UnreadGym(no_runs=["gamma"])
    gym.add("gamma", "enrol", "pass")
    async with scripted_dashboard(gym, tmp_path, size=(width, 24)) as person:
        await person.sees("malformed: run_id: Field required")


async def test_keys_on_a_run_that_could_not_be_read_say_why_and_ask_for_nothing(
    tmp_path: Path,
) -> None:
    gym = UnreadGym(no_runs=["beta", "gamma"])
    gym.add("beta", "enrol", "running")
    gym.add("gamma", "enrol", "pass", "pass")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("malformed: run_id")
        await person.until(lambda: len(person.app.session.store.runs) == 2)
        for key in ("enter", "d"):
            await person.press(key)
            assert isinstance(person.app.screen, DescribeScreen)
            await person.press("escape")
        for key, said in {
            **dict.fromkeys(("x", "ctrl+d"), "this run cannot be read"),
            **dict.fromkeys(("c", "N", "R"), NO_ID),
            "m": "a run that could not be read has no matrix",
            "w": "could not be read: nothing to watch",
        }.items():
            person.app.clear_notifications()
            await person.press(key)
            await person.sees(said)
            assert isinstance(person.app.screen, RunsScreen)
        person.app.screen._grid.marks = set(person.app.session.store.runs)
        await person.press("C")
        await person.sees("runs that could not be read cannot be compared")
    assert not asked_by_made_up_id(gym)


def test_no_command_asks_for_them_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gym = unread_gym()
    gym.add("gamma", "enrol", "running")
    gym.no_runs = ["gamma"]
    shell = Shell(tmp_path, gym.answer, monkeypatch)
    for command in (
        ("runs", "--numbers", "--json"),
        ("rollouts", "--all", "--json"),
        ("report", "good", "--usage"),
    ):
        assert shell(*command).returncode == 0, command
    done = shell("export", "good", "--to", str(tmp_path / "out"))
    assert "2 written, 1 malformed of 3" in done.stderr
    assert not asked_by_made_up_id(gym)
