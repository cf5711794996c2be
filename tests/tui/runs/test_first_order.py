"""Where rows stand while what is known of them still comes in: where they will stand afterwards."""

from __future__ import annotations

import random
from pathlib import Path

import httpx
import pytest

from gymtui.store.lists.ordering import OrderedView
from gymtui.tui.context.routes import OpenActive, OpenRollouts, OpenRun, Route
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.runs.screen import RunsScreen
from tests.tui.person import Person
from tests.tui.scripted import ScriptedGym, at, scripted_dashboard

RUNS = 40


class SlowGym(ScriptedGym):
    """Tells results of past runs only as far as a test lets it."""

    def __init__(self, allowed: int, *, oldest_first: bool) -> None:
        super().__init__()
        self.allowed = allowed
        chance = random.Random(5)
        # Names say nothing of their age.
        names = [f"run-{chance.randrange(10**6):06d}" for _ in range(RUNS)]
        for age, name in enumerate(reversed(names) if oldest_first else names):
            hours = (RUNS - 1 - age if oldest_first else age) + 1
            when = {"created_at": at(3600 * hours), "started_at": at(3600 * hours - 5)}
            self.add(name, "book_room", chance.choice(("pass", "fail")), **when)
        self.newest_first = names

    def answer(self, request: httpx.Request) -> httpx.Response:
        if "scenario_id" in request.url.params:
            return httpx.Response(400, content=b'{"detail":"ask for one run"}')
        if "run_id" in request.url.params:
            if self.allowed <= 0:
                return httpx.Response(503, content=b'{"detail":"later"}')
            self.allowed -= 1
        return super().answer(request)


def rows(person: Person) -> list[str]:
    """What is drawn, top to bottom."""
    screen = person.app.screen
    assert isinstance(screen, RunsScreen)
    return list(screen.query_one(Grid).rows)


@pytest.mark.parametrize("oldest_first", [False, True])
async def test_rows_stand_where_they_belong_before_their_times_are_known(
    oldest_first: bool, tmp_path: Path
) -> None:
    gym = SlowGym(2, oldest_first=oldest_first)
    async with scripted_dashboard(gym, tmp_path, size=(120, 60)) as person:
        await person.until(lambda: len(rows(person)) == RUNS)
        seen = {tuple(rows(person))}
        gym.allowed = RUNS
        person.app.session.poller.refresh()

        def all_read() -> bool:
            seen.add(tuple(rows(person)))
            return not person.app.session.link.reading

        await person.until(all_read)
        await person.pilot.pause()
        seen.add(tuple(rows(person)))
        assert seen == {tuple(gym.newest_first)}


async def test_a_column_that_history_fills_is_ordered_once_when_all_is_read(
    tmp_path: Path,
) -> None:
    gym = SlowGym(2, oldest_first=False)
    async with scripted_dashboard(gym, tmp_path, size=(120, 60)) as person:
        await person.until(lambda: len(rows(person)) == RUNS)
        screen = person.app.screen
        assert isinstance(screen, RunsScreen)
        screen.order_by("pass", reverse=True)
        await person.sees("reading")
        assert rows(person) == gym.newest_first
        screen.order_by("run", reverse=False)
        assert rows(person) == sorted(gym.newest_first), "names are known at once"
        screen.order_by("age", reverse=True)
        assert rows(person) == gym.newest_first[::-1]
        screen.order_by("pass", reverse=True)
        gym.allowed = RUNS
        person.app.session.poller.refresh()
        await person.until(lambda: not person.app.session.link.reading)
        await person.sees_no("reading")
        passed = [gym.runs[run][0]["result"]["success"] for run in rows(person)]
        assert passed == sorted(passed, reverse=True)


@pytest.mark.parametrize("fresh", ["fresh", "zz-whatever-its-name"])
async def test_a_run_that_is_launched_stands_on_top_before_anything_is_known_of_it(
    fresh: str, tmp_path: Path
) -> None:
    gym = SlowGym(10**6, oldest_first=False)
    async with scripted_dashboard(gym, tmp_path, size=(120, 60)) as person:
        await person.until(lambda: not person.app.session.link.reading)
        await person.until(lambda: rows(person) == gym.newest_first)
        gym.hidden.add(fresh)
        older = dict(gym.runs)
        gym.runs.clear()
        gym.add(fresh, "book_room", "waiting")
        gym.runs.update(older)
        await person.until(lambda: fresh in rows(person))
        assert rows(person) == [fresh, *gym.newest_first]


async def test_how_far_the_past_is_read_is_said_and_what_could_not_be(tmp_path: Path) -> None:
    gym = SlowGym(10, oldest_first=False)
    async with scripted_dashboard(gym, tmp_path, size=(120, 60)) as person:
        await person.sees("results of past runs 10/40")
        gym.allowed = 10**6
        person.app.session.poller.refresh()
        await person.sees_no("results of past runs")
        assert isinstance(person.app.screen._rows, OrderedView)  # type: ignore[attr-defined]


@pytest.mark.parametrize("route", [OpenRollouts(("a", "b"), ""), OpenRun("a"), OpenActive()])
async def test_a_list_of_rollouts_says_that_more_is_read_and_marks_what_is_old(
    route: Route, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gym = ScriptedGym()
    gym.add("a", "book_room", "running")
    gym.add("b", "book_room", "running")
    async with scripted_dashboard(gym, tmp_path, size=(120, 36)) as person:
        session = person.app.session
        await person.until(lambda: len(session.store.rollouts) == 2 and not session.link.reading)
        reading = [True]
        monkeypatch.setattr(session.poller, "awaits", lambda _run_id: reading[0])
        monkeypatch.setattr(session.poller, "behind_s", lambda _run_id: 60.0)
        person.app.navigate(route)
        await person.sees("reading")
        screen = person.app.screen
        assert isinstance(screen, ListScreen)
        await person.until(lambda: len(screen._rows) > 0)
        assert screen._rows.is_held
        grid = screen.query_one("#grid", Grid)
        assert all(map(grid._is_old, grid.rows))
        reading[0] = False
        session.poller.refresh()
        await person.sees_no("reading")
        assert not screen._rows.is_held
