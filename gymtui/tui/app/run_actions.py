"""Cancelling and deleting from the screens: asked, done by the session, told in one notice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from typing import Final, Protocol

from gymtui.core.text import clean
from gymtui.session.actions import ActionResult, Verb, describe_results
from gymtui.session.confirmation import Question, Target, targets_among, why_none
from gymtui.session.host import Work
from gymtui.session.run_actions import Action
from gymtui.session.session import Session
from gymtui.store.formats import join_names
from gymtui.tui.context.services import Services

GROUP: Final = "acting"
"""The group of workers that change the gym, until it has answered."""

_READ_S = 15.0
"""How long it is shown that something did not go well: there is more to read, and to decide."""


class Host(Services, Protocol):
    """The app, as far as it is needed here."""

    session: Session

    def confirm(self, question: Question, answered: Callable[[bool | None], None]) -> None:
        """Ask before something is destroyed; `answered` is told whether to do it."""

    def begin(self, work: Coroutine[None, None, None], group: str) -> Work:
        """Carry work out."""

    def unmark(self, run_ids: Collection[str]) -> None:
        """Take the marks from runs, wherever they are listed."""


def ask(app: Host, verb: Verb, run_ids: Sequence[str], hidden: frozenset[str]) -> None:
    """Ask whether to cancel or delete runs, and do it if so.

    Args:
        hidden: Those of them that the filter hides.
    """
    if app.read_only:
        why = app.session.settings.why_read_only
        app.notify(f"{why}: cancel and delete are disabled", severity="warning")
        return
    targets = _targets(app, verb, run_ids, hidden)
    if not targets:
        return

    def answered(do_it: bool | None) -> None:
        if do_it:
            _begin(app, verb, [target.run_id for target in targets])

    app.confirm(Question(verb, targets), answered)


def _targets(
    app: Host, verb: Verb, run_ids: Sequence[str], hidden: frozenset[str] = frozenset()
) -> tuple[Target, ...]:
    """Those of these runs to which it can be done now; where it is none, say why."""
    rows = [app.session.store.runs[i] for i in run_ids if i in app.session.store.runs]
    targets = targets_among(verb, rows, hidden=hidden)
    if not targets:
        app.notify(why_none(verb, rows), timeout=3)
    return targets


def _begin(app: Host, verb: Verb, run_ids: Sequence[str]) -> None:
    """Do it to those to which it can still be done: time has passed since it was asked."""
    if targets := _targets(app, verb, run_ids):
        action = app.session.run_actions.act(verb, [target.run_id for target in targets])
        app.begin(_tell(app, action), GROUP)


async def _tell(app: Host, action_finished: Awaitable[Action]) -> None:
    """Say what became of it, once that is known."""
    action = await action_finished
    report_results(app, [action.results[run_id] for run_id in action.run_ids])


def report_results(app: Host, results: Sequence[ActionResult]) -> None:
    """Say what became of some runs, and unmark those that are settled."""
    settled = frozenset(result.run_id for result in results if result.is_settled)
    app.unmark(settled)
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
