"""Cancelling and deleting from the screens: asked, done by the session, told in one notice."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Final

from gymtui.core.text import clean
from gymtui.session.actions import ActionResult, Verb, describe_results
from gymtui.session.confirmation import Question, Target, describe_no_targets, targets_among
from gymtui.session.run_actions import Action
from gymtui.session.session import Session
from gymtui.store.formats import join_names
from gymtui.tui.app.host import HostApp
from gymtui.tui.kit.list_screen import ListScreen

GROUP: Final = "run actions"
"""The group of workers that change the gym, until it has answered."""

_READ_S = 15.0
"""How long it is shown that something did not go well: there is more to read, and to decide."""


def confirm(
    app: HostApp, session: Session, verb: Verb, run_ids: Sequence[str], hidden: frozenset[str]
) -> None:
    """Ask whether to cancel or delete runs, some `hidden` by the filter, and do it if so."""
    if app.read_only:
        why = session.settings.why_read_only
        app.notify(f"{why}: cancel and delete are disabled", severity="warning")
        return
    targets = _targets(app, session, verb, run_ids, hidden)
    if not targets:
        return

    def answered(do_it: bool | None) -> None:
        if do_it:
            _begin(app, session, verb, [target.run_id for target in targets])

    from gymtui.tui.app.confirm import ConfirmScreen

    app.push_screen(ConfirmScreen(Question(verb, targets)), answered)


def _targets(
    app: HostApp,
    session: Session,
    verb: Verb,
    run_ids: Sequence[str],
    hidden: frozenset[str] = frozenset(),
) -> tuple[Target, ...]:
    """Those of these runs to which it can be done now; where it is none, say why."""
    rows = [session.store.runs[i] for i in run_ids if i in session.store.runs]
    targets = targets_among(verb, rows, hidden=hidden)
    if not targets:
        app.notify(describe_no_targets(verb, rows), timeout=3)
    return targets


def _begin(app: HostApp, session: Session, verb: Verb, run_ids: Sequence[str]) -> None:
    """Do it to those to which it can still be done: time has passed since it was asked."""
    if targets := _targets(app, session, verb, run_ids):
        action = session.run_actions.act(verb, [target.run_id for target in targets])
        app.run_worker(_report_when_done(app, action), group=GROUP, exit_on_error=True)


async def _report_when_done(app: HostApp, action_finished: Awaitable[Action]) -> None:
    """Say what became of it, once that is known."""
    action = await action_finished
    report_results(app, [action.results[run_id] for run_id in action.run_ids])


def report_results(app: HostApp, results: Sequence[ActionResult]) -> None:
    """Say what became of some runs, and unmark those that are settled."""
    settled = frozenset(result.run_id for result in results if result.is_settled)
    for screen in app.screen_stack:
        if isinstance(screen, ListScreen) and screen.ready:
            screen.unmark(settled)
    words = describe_results(results)
    well = all(result.is_well for result in results)
    if len(results) > 1 and not well:
        words = f"{words}\n{app.keys.label('actions')} shows each run"
    if well:
        app.notify(words)
    else:
        app.notify(words, severity="warning", timeout=_READ_S)


def describe_unanswered(session: Session) -> str | None:
    """What to say of cancels and deletes that one leaves behind without an answer, if any."""
    lines = []
    for action in session.run_actions.recent:
        left = [clean(run_id) for run_id in action.run_ids if run_id not in action.results]
        if left:
            were = "was" if len(left) == 1 else "were"
            unknown = f"whether {join_names(left)} {were} {action.verb.past} is unknown"
            lines.append(f"{unknown}: gymtui quit before the gym answered")
    return "\n".join(lines) or None
