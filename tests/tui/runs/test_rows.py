"""Rows that no longer exist: whatever happened while another screen was on top, none is left."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gymtui.store.delta import OneRun
from gymtui.tui.active.screen import ActiveScreen
from gymtui.tui.context.routes import Describe, OpenLaunch
from gymtui.tui.describe.screen import DescribeScreen
from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.launch.screen import LaunchScreen
from gymtui.tui.matrix.comparison_screen import CompareRunsScreen
from gymtui.tui.matrix.panes import MatrixPanes
from gymtui.tui.matrix.runs_screen import RunsMatrixScreen
from gymtui.tui.matrix.screen import MatrixScreen
from gymtui.tui.rollouts.screen import RolloutsScreen
from gymtui.tui.runs.screen import RunsScreen
from tests.conftest import examples
from tests.tui.person import Person
from tests.tui.staged import StillGym, staged_dashboard

RUNS = ("a-1", "a-2", "b-1", "b-2")


async def settle(person: Person) -> None:
    """Let the poller ask about everything, as it would in the course of time, and show it."""
    gym, app = person.gym, person.app
    assert isinstance(gym, StillGym)
    session = app.session
    store, monotonic = session.store, gym.clock
    monotonic.seconds += 120.0
    for run_id in [*gym.runs, *(run for run in store.runs if run not in gym.runs)]:
        monotonic.seconds += 1.0
        await _learn(person, OneRun(run_id))
    app._time_passed()
    await person.pilot.pause()


async def _learn(person: Person, query: OneRun) -> None:
    """One question and its answer, as the poller takes them in."""
    from gymtui.poll.connection import Update
    from gymtui.store.delta import RolloutsOf

    session = person.app.session
    poller = session.poller
    await poller.intake.take(query, await _answer(person, query), person.gym.clock.seconds)  # type: ignore[attr-defined]
    if query.run_id in person.gym.runs:  # type: ignore[attr-defined]
        listed = RolloutsOf(query.run_id)
        await poller.intake.take(listed, await _answer(person, listed), person.gym.clock.seconds)  # type: ignore[attr-defined]
    else:
        session._forget(frozenset({query.run_id}))
    session.take_update(Update(session._pending, session.link))


async def _answer(person: Person, query: Any) -> Any:
    from gymtui.poll.fetch import ask

    return await ask(person.app.session.client, query)


async def told(person: Person, screen: GymScreen) -> tuple[Any, ...]:
    """What a list shows, its cursor on the first row and without marks: its ids, every line."""
    assert isinstance(screen, ListScreen)
    screen._grid.keep_marks(())
    screen._grid.action_top()
    if isinstance(screen, MatrixPanes):
        screen.move_cursor_to(0)
    await person.pilot.pause()
    # How wide columns are is decided when a list opens: they do not move while counts do.
    # How old the picture is, is the poller's own.
    shown = re.sub(r"[●○].*", "", person.screen(), count=1)
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    return (list(screen._rows), set(screen._rows.records), lines)


def fresh_of(screen: GymScreen) -> GymScreen:
    """The same screen, opened anew."""
    if isinstance(screen, RolloutsScreen):
        return RolloutsScreen(screen.run_id)
    if isinstance(screen, CompareRunsScreen):
        return CompareRunsScreen(screen.run_ids)
    if isinstance(screen, RunsMatrixScreen):
        return RunsMatrixScreen(screen.run_ids)
    if isinstance(screen, MatrixScreen):
        return MatrixScreen(screen.run_id)
    return ActiveScreen() if isinstance(screen, ActiveScreen) else RunsScreen()


OPENED = st.sampled_from(
    ["rollouts", "active", "matrix", "across", "comparison", "launch", "again", "details"]
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("open"), OPENED, st.sampled_from(RUNS)),
        st.tuples(st.just("leave"), st.none(), st.none()),
        st.tuples(st.just("mark"), st.none(), st.none()),
        st.tuples(st.just("group"), st.none(), st.none()),
        st.tuples(st.just("filter"), st.sampled_from(["", "a", "b"]), st.none()),
        st.tuples(st.just("add"), st.sampled_from(["pass", "running"]), st.sampled_from(RUNS)),
        st.tuples(st.just("change"), st.none(), st.sampled_from(RUNS)),
        st.tuples(st.just("delete"), st.none(), st.sampled_from(RUNS)),
    ),
    max_size=16,
)


@settings(
    max_examples=examples(16),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
@example(steps=[("mark", None, None), ("open", "rollouts", "a-1"), ("delete", None, "a-1")])
@example(steps=[("open", "matrix", "a-1"), ("open", "active", "b-1"), ("delete", None, "a-1")])
@example(steps=[("group", None, None), ("open", "across", "a-1"), ("delete", None, "b-2")])
@example(steps=[("open", "active", "a-1"), ("open", "details", "a-1"), ("change", None, "a-1")])
@example(steps=[("open", "comparison", "a-1"), ("open", "again", "a-1"), ("delete", None, "a-1")])
async def test_whatever_was_opened_and_left_a_list_ends_as_a_fresh_one_does(
    steps: list[tuple[str, Any, Any]], tmp_path: Path
) -> None:
    gym = StillGym()
    for run_id in RUNS:
        gym.add(run_id, "book_room", "pass", "running")
    async with staged_dashboard(gym, tmp_path, (120, 36)) as person:
        await person.until(lambda: len(person.app.session.store.runs) == len(RUNS))
        await settle(person)
        for what, which, run_id in steps:
            await _do(person, gym, what, which, run_id)
        await settle(person)
        while True:
            screen = person.app.top
            if not isinstance(screen, ListScreen):
                person.app.pop_screen()
                await person.pilot.pause()
                continue
            grouped = isinstance(screen, RunsScreen) and screen._groups is not None
            assert set(screen._grid.marks) <= set(screen._rows.records)
            if isinstance(screen, RunsScreen) and not grouped:
                assert (
                    set(screen._rows.records) == set(gym.runs) == set(person.app.session.store.runs)
                )
            before, filter_text = await told(person, screen), screen.filter_text()
            fresh = fresh_of(screen)
            person.app.push_screen(fresh)
            await person.pilot.pause()
            assert isinstance(fresh, ListScreen)
            if fresh.filter_text() != filter_text:
                fresh.apply_filter(filter_text)
            await person.pilot.pause()
            after = await told(person, fresh)
            assert after[:2] == before[:2], type(screen).__name__
            assert "\n".join(after[2]) == "\n".join(before[2]), type(screen).__name__
            person.app.pop_screen()
            await person.pilot.pause()
            if len(person.app.screen_stack) <= 2:
                return
            person.app.pop_screen()
            await person.pilot.pause()


async def _do(person: Person, gym: StillGym, what: str, which: Any, run_id: Any) -> None:
    app, screen = person.app, person.app.top
    if what == "open":
        opened: dict[str, Callable[[], GymScreen]] = {
            "rollouts": lambda: RolloutsScreen(run_id),
            "active": ActiveScreen,
            "matrix": lambda: MatrixScreen(run_id),
            "across": lambda: RunsMatrixScreen(RUNS),
            "comparison": lambda: CompareRunsScreen(RUNS),
            "launch": LaunchScreen,
            "again": lambda: LaunchScreen(OpenLaunch(run_id, rerun=True)),
            "details": lambda: DescribeScreen(Describe(run_id, b"{}")),
        }
        app.push_screen(opened[which]())
    elif what == "leave" and len(app.screen_stack) > 2:
        app.pop_screen()
    elif what == "mark" and isinstance(screen, ListScreen):
        screen._grid.action_mark()
    elif what == "group" and isinstance(screen, RunsScreen | RolloutsScreen):
        screen.action_group()
    elif what == "filter" and isinstance(screen, ListScreen):
        screen.apply_filter(which)
    elif what == "add":
        gym.add(run_id, "book_room", which)
        await settle(person)
    elif what == "change" and run_id in gym.runs:
        for rollout in gym.runs[run_id]:
            rollout |= {"status": "failed", "termination_reason": "cancelled"}
        await settle(person)
    elif what == "delete":
        gym.runs.pop(run_id, None)
        await settle(person)
    await person.pilot.pause()


async def test_a_run_deleted_behind_its_rollouts_is_not_in_the_list_when_one_comes_back(
    tmp_path: Path,
) -> None:
    gym = StillGym()
    for run_id in RUNS:
        gym.add(run_id, "book_room", "pass", "running")
    async with staged_dashboard(gym, tmp_path, (120, 36)) as person:
        await person.until(lambda: len(person.app.session.store.runs) == len(RUNS))
        await settle(person)
        person.app.push_screen(RolloutsScreen("a-1"))
        person.app.push_screen(RunsMatrixScreen(RUNS))
        await person.pilot.pause()
        del gym.runs["a-1"]
        await settle(person)
        await person.sees("was deleted")
        await person.press("escape")
        await person.sees("this run was deleted")
        await person.press("escape")
        await person.sees("3 runs")
        assert "a-1" not in person.screen()
