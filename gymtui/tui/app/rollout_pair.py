"""What `C` does on a rollout: two that are marked, or one after the other, from wherever they are.

Of one that failed, passes of the same task are offered. The first of two that are not in one list
is remembered by the session until the second is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence

from gymtui.session.rollout_ref import RolloutRef
from gymtui.session.session import Session
from gymtui.store.formats import duration, of_many
from gymtui.store.outcome import Outcome, steps_of
from gymtui.store.records import RolloutRow
from gymtui.store.rollout_times import duration_s
from gymtui.tui.app import router
from gymtui.tui.app.host import HostApp
from gymtui.tui.context.routes import CompareRollouts
from gymtui.tui.kit.menu import Choice, MenuScreen
from gymtui.tui.kit.refusal import UNREAD_ROLLOUT

MOST_OFFERED = 12
"""Passes that are offered: those of the same run first, then of the latest runs."""
_ANOTHER = "another"


def choose_pair(app: HostApp, session: Session, chosen: Sequence[RolloutRef]) -> None:
    """Show two rollouts beside each other; of one alone, find the other or remember it."""
    rows = (session.store.rollouts.get(listed.rollout_id) for listed in chosen)
    if any(row is not None and row.malformed is not None for row in rows):
        app.notify(f"cannot compare: {UNREAD_ROLLOUT}", timeout=3)
        return
    if not 1 <= len(chosen) <= 2:
        words = "compare needs two rollouts: mark two, or mark none and press it on each"
        app.notify(words, timeout=3)
        return
    first, session.compared_first = session.compared_first, None
    if len(chosen) == 2:
        _show(app, chosen[0], chosen[1])
    elif first == chosen[0]:
        app.notify(f"{first.rollout_id} no longer chosen to compare", timeout=3)
    elif first is not None:
        _show(app, first, chosen[0])
    elif passes := _passes_of_its_task(session, chosen[0]):
        _offer(app, session, chosen[0], passes)
    else:
        _remember(app, session, chosen[0])


def _show(app: HostApp, left: RolloutRef, right: RolloutRef) -> None:
    app.push_screen(router.screen_of(CompareRollouts((left, right))))


def _remember(app: HostApp, session: Session, one: RolloutRef) -> None:
    session.compared_first = one
    key = app.keys.label("compare-rollouts")
    words = f"{one.rollout_id} chosen to compare: press {key} on another rollout, of any run"
    app.notify(words, timeout=4)


def _passes_of_its_task(session: Session, one: RolloutRef) -> list[RolloutRow]:
    """Passing attempts of the task that a rollout failed; none of one that did not fail."""
    row = session.store.rollouts.get(one.rollout_id)
    if row is None or row.outcome is not Outcome.FAILED or _task_of(row)[0] is None:
        return []
    found = [
        other
        for other in session.store.rollouts.values()
        if other.outcome is Outcome.PASSED and _task_of(other) == _task_of(row)
    ]
    found.sort(key=_ended_s, reverse=True)
    found.sort(key=lambda other: other.run_id != one.run_id)
    return found[:MOST_OFFERED]


def _task_of(row: RolloutRow) -> tuple[str | None, str | None]:
    """A rollout's task and the scenario that it is of."""
    return (row.rollout.task_id, row.rollout.scenario_id) if row.rollout else (None, None)


def _ended_s(row: RolloutRow) -> float:
    ended = row.rollout.completed_at if row.rollout is not None else None
    return ended.timestamp() if ended is not None else 0.0


def _offer(app: HostApp, session: Session, one: RolloutRef, passes: Sequence[RolloutRow]) -> None:
    """Ask which pass of its task a rollout is compared with."""
    steps = session.tracker.last_steps
    choices = [Choice(row.rollout_id, _words(row, steps.get(row.rollout_id))) for row in passes]
    by_id = {row.rollout_id: row for row in passes}

    def answered(key: str | None) -> None:
        if key == _ANOTHER:
            _remember(app, session, one)
        elif key is not None:
            # The pass stands left, as what is compared with does everywhere.
            _show(app, RolloutRef(by_id[key].run_id, key), one)

    choices.append(Choice(_ANOTHER, "another rollout …"))
    app.push_screen(MenuScreen("compare with a pass", choices), answered)


def _words(row: RolloutRow, seen: int | None) -> str:
    """A pass in a line: its run, how many steps it took, and how long."""
    steps = steps_of(row.rollout, seen) if row.rollout is not None else None
    took = duration_s(row.rollout) if row.rollout is not None else None
    words = [row.run_id, "" if steps is None else of_many(steps, "step")]
    words.append("" if took is None else duration(took))
    return " · ".join(filter(None, words))
