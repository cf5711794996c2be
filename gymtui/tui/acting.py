"""Cancelling and deleting from the screens: asked, done by the session, told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from gymtui.poll.actions import Verb, told
from gymtui.poll.question import Question, targets_among, why_none
from gymtui.tui import doors

if TYPE_CHECKING:
    from gymtui.tui.app import GymtuiApp

GROUP: Final = "acting"
"""The group of workers that change the gym, until it has answered."""


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
    rows = [app.store.runs[i] for i in run_ids if i in app.store.runs]
    targets = targets_among(verb, rows, hidden=hidden)
    if not targets:
        app.notify(why_none(verb, rows), timeout=3)
        return

    def answered(do_it: bool | None) -> None:
        if do_it:
            doing = _act(app, verb, [target.run_id for target in targets])
            app.run_worker(doing, group=GROUP, exit_on_error=True)

    doors.confirmation(app, Question(verb, targets), answered)


async def _act(app: GymtuiApp, verb: Verb, run_ids: Sequence[str]) -> None:
    done = await app.session.act(verb, run_ids)
    failed = any(item.error is not None for item in done)
    app.notify("\n".join(told(verb, done)), severity="warning" if failed else "information")
