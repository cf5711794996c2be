"""What the person arranged is there the next time, apart from the configuration."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from gymtui.core.atomic_write import locked
from gymtui.launching.draft import Draft
from gymtui.launching.launch_history import LaunchHistory
from gymtui.session import saved_layout
from gymtui.session.saved_layout import FILE, FILTERS_KEPT, ListLayout, SavedLayout
from gymtui.tui.rollouts.screen import RolloutsScreen
from gymtui.tui.runs.screen import RunsScreen
from tests.gym.running_gym import running_gym
from tests.tui.person import Person, dashboard


def rollouts(person: Person) -> RolloutsScreen:
    return cast("RolloutsScreen", person.app.screen)


async def opened(person: Person) -> None:
    await person.until(lambda: person.app.screen.focused is not None)
    await person.until(lambda: cast("RunsScreen", person.app.screen)._grid.cursor_id == "kept")
    await person.press("enter")
    await person.sees("runs › kept", "2/2 done")


async def test_order_filter_columns_zoom_and_grouping_are_as_they_were_left(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with running_gym(tmp_path, speed=20.0) as gym:
        async with dashboard(gym, tmp_path, saved_layout=SavedLayout.read(state)) as person:
            person.launch("kept", rollout_count=2)
            person.launch("other")
            await person.sees("kept", "other", "DONE")
            await person.press("o", "down", "down", "down", "space", "enter")
            await person.press("O")
            await person.press("slash", *"kept", "enter")
            await person.sees_no("other")
            ordered = cast("RunsScreen", person.app.screen)._rows
            order = (ordered.order.name, ordered.reverse)
            await opened(person)
            await person.press("b", "T", "plus")
            await person.until(lambda: rollouts(person)._timeline.zoom_level == 1)

        kept = SavedLayout.read(state)
        async with dashboard(gym, tmp_path, saved_layout=kept) as person:
            await person.sees("kept", "filter: kept")
            assert "other" not in person.screen()
            ordered = cast("RunsScreen", person.app.screen)._rows
            assert (ordered.order.name, ordered.reverse) == order
            assert kept.of("runs").hidden
            await opened(person)
            chart = rollouts(person)._timeline
            assert (chart.zoom_level, chart.wall) == (1, True)
            assert rollouts(person)._grouped


def test_a_run_too_short_for_the_zoom_that_was_kept_is_shown_as_close_as_it_may(
    tmp_path: Path,
) -> None:
    document = {"lists": {"rollouts": {"zoom": 3, "wall": True}, "runs": {"zoom": -1}}}
    (tmp_path / FILE).write_text(json.dumps(document))
    kept = SavedLayout.read(tmp_path)
    assert kept.of("rollouts") == ListLayout(zoom=3, wall=True)
    assert kept.of("runs").zoom == 0


async def test_a_key_that_arranges_waits_for_no_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written_by: list[threading.Thread] = []
    replace_text = saved_layout.replace_text

    def replacing(*args: Any, **options: Any) -> None:
        written_by.append(threading.current_thread())
        replace_text(*args, **options)

    monkeypatch.setattr(saved_layout, "replace_text", replacing)
    state = tmp_path / "state"
    async with running_gym(tmp_path) as gym:
        async with dashboard(gym, tmp_path, saved_layout=SavedLayout.read(state)) as person:
            await person.press("O", "f", "O", "f")
            await person.until((state / FILE).exists)
            assert threading.main_thread() not in written_by
            await person.press("O")
        assert SavedLayout.read(state).of("runs").reverse


def test_without_an_app_it_is_kept_at_once(tmp_path: Path) -> None:
    SavedLayout.read(tmp_path).pick("lab")
    assert SavedLayout.read(tmp_path).profile == "lab"


def test_what_two_programs_arrange_is_both_kept(tmp_path: Path) -> None:
    first, second = SavedLayout.read(tmp_path), SavedLayout.read(tmp_path)
    first.change("runs", order="done")
    first.keep_filter("gym a", "alpha")
    second.change("runs", reverse=True)
    second.change("rollouts", zoom=2)
    second.keep_filter("gym b", "beta")
    second.choose_theme("day")
    first.pick("lab")
    kept = SavedLayout.read(tmp_path)
    assert kept.of("runs") == ListLayout(order="done", reverse=True)
    assert kept.of("rollouts").zoom == 2
    assert kept.filters == {"gym a": "alpha", "gym b": "beta"}
    assert (kept.theme, kept.profile) == ("day", "lab")
    first.keep_filter("gym a", "")
    assert SavedLayout.read(tmp_path).filters == {"gym b": "beta"}


def test_only_the_latest_filters_are_kept(tmp_path: Path) -> None:
    kept = SavedLayout.read(tmp_path)
    for number in range(FILTERS_KEPT + 2):
        kept.keep_filter(f"gym {number}", "x")
    kept.keep_filter("gym 2", "y")
    again = SavedLayout.read(tmp_path).filters
    assert len(again) == FILTERS_KEPT
    assert "gym 1" not in again
    assert again["gym 2"] == "y"


@pytest.mark.parametrize("what", ["arrangement", "launches"])
def test_who_writes_into_the_state_directory_waits_for_the_other(tmp_path: Path, what: str) -> None:
    path = tmp_path / "launches.json"

    def write(name: str) -> None:
        if what == "arrangement":
            SavedLayout.read(tmp_path).keep_filter(name, "x")
        else:
            LaunchHistory.read(path).remember(name, Draft({"scenario_id": "hr"}))

    def known() -> set[str]:
        return set(SavedLayout.read(tmp_path).filters) | set(LaunchHistory.read(path).drafts)

    write("before")
    file = tmp_path / FILE if what == "arrangement" else path
    with locked(tmp_path):
        other = threading.Thread(target=write, args=["other"])
        other.start()
        other.join(0.2)  # nothing is lost by it if the machine is slow, but the proof
        assert other.is_alive()
        file.write_text(file.read_text().replace("before", "meanwhile"))
    other.join()
    assert known() == {"meanwhile", "other"}
