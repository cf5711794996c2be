"""Cancelling and deleting from the screens: asked, done by the session, told in one notice."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Final

from gymtui.core.text import clean
from gymtui.session.actions import ActionResult, Verb, describe_results
from gymtui.session.confirmation import Question, Target, targets_among, why_none
from gymtui.session.session import Action, Session
from gymtui.store.formats import listed
from gymtui.tui.app import router

if TYPE_CHECKING:
    from gymtui.tui.app.app import GymtuiApp

GROUP: Final = "acting"
"""The group of workers that change the gym, until it has answered."""

_READ_S = 15.0
"""How long it is shown that something did not go well: there is more to read, and to decide."""


def ask(app: GymtuiApp, verb: Verb, run_ids: Sequence[str], hidden: frozenset[str]) -> None:
    """Ask whether to cancel or delete runs, and do it if so.

    Args:
        app: The app.
        verb: What to do.
        run_ids: To which runs.
        hidden: Those of them that the filter hides.
    """
    if app.settings.read_only:
        app.notify("read-only: nothing is cancelled or deleted", severity="warning")
        return
    targets = _targets(app, verb, run_ids, hidden)
    if not targets:
        return

    def answered(do_it: bool | None) -> None:
        if do_it:
            _begin(app, verb, [target.run_id for target in targets])

    router.confirmation(app, Question(verb, targets), answered)


def _targets(
    app: GymtuiApp, verb: Verb, run_ids: Sequence[str], hidden: frozenset[str] = frozenset()
) -> tuple[Target, ...]:
    """Those of these runs to which it can be done now; where it is none, say why."""
    rows = [app.store.runs[i] for i in run_ids if i in app.store.runs]
    targets = targets_among(verb, rows, hidden=hidden)
    if not targets:
        app.notify(why_none(verb, rows), timeout=3)
    return targets


def _begin(app: GymtuiApp, verb: Verb, run_ids: Sequence[str]) -> None:
    """Do it to those to which it can still be done: time has passed since it was asked."""
    if targets := _targets(app, verb, run_ids):
        action = app.session.act(verb, [target.run_id for target in targets])
        app.run_worker(_tell(app, action), group=GROUP, exit_on_error=True)


async def _tell(app: GymtuiApp, acted: Awaitable[Action]) -> None:
    """Say what became of it, once that is known."""
    action = await acted
    tell(app, [action.results[run_id] for run_id in action.run_ids])


def tell(app: GymtuiApp, results: Sequence[ActionResult]) -> None:
    """Say what became of some runs, and unmark those that are settled.

    Args:
        app: The app.
        results: At least one.
    """
    settled = frozenset(result.run_id for result in results if result.is_settled)
    app.unmark(settled)
    words = describe_results(results)
    well = all(result.is_well for result in results)
    if len(results) > 1 and not well:
        words = f"{words}\n{app.bound.spelt('actions')} shows each run"
    if well:
        app.notify(words)
    else:
        app.notify(words, severity="warning", timeout=_READ_S)


def unanswered(session: Session) -> str | None:
    """What to say of cancels and deletes that one leaves behind without an answer, if any."""
    lines = []
    for action in session.actions:
        left = [clean(run_id) for run_id in action.run_ids if run_id not in action.results]
        if left:
            were = "was" if len(left) == 1 else "were"
            unknown = f"whether {listed(left)} {were} {action.verb.past} is unknown"
            lines.append(f"{unknown}: gymtui was left before the gym answered")
    return "\n".join(lines) or None
