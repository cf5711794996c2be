"""What armed rules do once they hold: a run is cancelled, or something is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from gymtui.session.actions import Verb, describe_result
from gymtui.session.alerts import AlertKind, RunAlert
from gymtui.session.rules import HeldRule, RuleBook
from gymtui.session.run_actions import Action
from gymtui.store.store import Store


class RuleActions:
    """Carries out the rules of one gym.

    Args:
        tell: Called with what is to be told later than at once.
        shows_alerts: Whether anybody sees alerts; else what tells is left to where somebody does.
    """

    def __init__(
        self,
        rules: RuleBook,
        act: Callable[[Verb, Sequence[str]], Awaitable[Action]],
        tell: Callable[[Sequence[RunAlert]], None],
        *,
        shows_alerts: bool,
    ) -> None:
        self._rules = rules
        self._shows_alerts = shows_alerts
        self._act = act
        self._tell = tell
        self._cancelling: set[asyncio.Future[None]] = set()

    def due(self, store: Store, now_s: float, *, read_only: bool) -> Iterator[RunAlert]:
        """Do what armed rules say that hold now, at the server's UNIX seconds, and tell it."""
        for held in self._rules.evaluate(store, now_s, tells=self._shows_alerts):
            if held.cancels and not read_only:
                cancelling = asyncio.ensure_future(self._cancel_by(held))
                self._cancelling.add(cancelling)
                cancelling.add_done_callback(self._cancelling.discard)
                yield RunAlert(AlertKind.RULE, held.run, f"cancelling: {held.reason}")
            elif held.cancels:
                self._rules.note(held.rule.key, f"nothing: read-only; {held.reason}")
            else:
                yield RunAlert(AlertKind.RULE, held.run, held.reason)

    async def _cancel_by(self, held: HeldRule) -> None:
        """Cancel a run by a rule, and keep what came of that."""
        run_id = held.rule.run_id
        result = (await self._act(Verb.CANCEL, [run_id])).results[run_id]
        outcome = f"{describe_result(result)}: {held.reason}"
        self._rules.note(held.rule.key, outcome)
        if not result.is_well:
            self._tell([RunAlert(AlertKind.RULE, held.run, outcome)])
