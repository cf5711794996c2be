"""What is done to runs from here: shown at once, and looked after until it is so."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence

from msgspec import Struct, field

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import GymError
from gymtui.session.actions import (
    CARRIED_OUT_S,
    ActionOutcome,
    ActionResult,
    Verb,
    act,
    still_running_result,
)
from gymtui.store.delta import NOTHING, Delta
from gymtui.store.records import Intent
from gymtui.store.store import Store

SHOWN_S = 5.0  # how long a deleted run stays on screen, struck through
ACTIONS_KEPT = 20
"""Of how many cancels and deletes of some runs is remembered what became of each run."""


class Action(Struct, frozen=True):
    """Some runs that are cancelled or deleted together."""

    verb: Verb
    run_ids: tuple[str, ...]
    # What became of each, by its id, as far as that is known.
    results: dict[str, ActionResult] = field(default_factory=dict)


class RunActions:
    """Cancels and deletes of one session.

    Args:
        is_live: Says whether what is known is fresh.
        drop: Takes runs out of all that is known, once they were seen as deleted.
        not_carried_out: Called with what turned out otherwise than was told.
        look_again_s: How long to wait before another look while what is known is not fresh.
    """

    def __init__(
        self,
        client: Endpoints,
        store: Store,
        *,
        refresh: Callable[[], None],
        is_live: Callable[[], bool],
        show: Callable[[Delta], None],
        drop: Callable[[frozenset[str]], None],
        not_carried_out: Callable[[Sequence[ActionResult]], None],
        look_again_s: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._client = client
        self._store = store
        self._refresh = refresh
        self._is_live = is_live
        self._show = show
        self._drop = drop
        self._not_carried_out = not_carried_out
        self._look_again_s = look_again_s
        self._monotonic = monotonic
        self._intents: dict[str, dict[Verb, Intent]] = {}
        self._is_closed = False
        # What was done to runs from here, the latest first.
        self.recent: deque[Action] = deque(maxlen=ACTIONS_KEPT)

    def act(self, verb: Verb, run_ids: Sequence[str]) -> Awaitable[Action]:
        """Cancel or delete runs, and show them so, from now on, until the gym agrees.

        The action is whole when all are through.
        """
        action = Action(verb, tuple(run_ids))
        self.recent.appendleft(action)
        self._intend(verb, run_ids, verb.intent)
        return self._see_through(action)

    def close(self) -> None:
        """Nobody is told any more what became of what was done."""
        self._is_closed = True

    def forget(self, run_ids: Iterable[str]) -> None:
        """Runs are gone: nothing is intended with them any more."""
        for run_id in run_ids:
            self._intents.pop(run_id, None)

    def drop_later(self, run_ids: Iterable[str]) -> None:
        """Let those of these runs that are deleted be seen as such, then drop them."""
        if deleted := self._deleted(run_ids):
            asyncio.get_running_loop().call_later(SHOWN_S, self._drop_deleted, deleted)

    def _drop_deleted(self, run_ids: Iterable[str]) -> None:
        self._drop(self._deleted(run_ids))

    def _deleted(self, run_ids: Iterable[str]) -> frozenset[str]:
        runs = self._store.runs
        return frozenset(i for i in run_ids if i in runs and runs[i].is_deleted)

    async def _see_through(self, action: Action) -> Action:
        def checking(run_id: str, _error: GymError) -> None:
            self._intend(action.verb, [run_id], Intent.CHECK)

        def done(result: ActionResult) -> None:
            action.results[result.run_id] = result
            self._take_result(result)

        await act(self._client, action.verb, action.run_ids, checking=checking, done=done)
        outcomes = {result.outcome for result in action.results.values()}
        if outcomes != {ActionOutcome.RATE_LIMITED}:
            self._refresh()
        self._expect_the_end(action, CARRIED_OUT_S)
        return action

    def _expect_the_end(self, action: Action, after_s: float) -> None:
        """Look later whether what the gym agreed to cancel has come to its end."""
        if any(result.is_begun for result in action.results.values()):
            asyncio.get_running_loop().call_later(after_s, self._check_ended, action)

    def _check_ended(self, action: Action) -> None:
        """Tell of runs that go on although they are cancelled, so that they may be again."""
        runs = self._store.runs
        begun = [run_id for run_id, result in action.results.items() if result.is_begun]
        left = [run_id for run_id in begun if run_id in runs and runs[run_id].active]
        if self._is_closed or not left:
            return
        if not self._is_live():
            # What is not fresh does not show that it goes on.
            self._expect_the_end(action, self._look_again_s)
            return
        for run_id in left:
            action.results[run_id] = still_running_result(run_id)
        self._intend(Verb.CANCEL, left, None)
        self._not_carried_out([action.results[run_id] for run_id in left])

    def _take_result(self, result: ActionResult) -> None:
        if result.is_deleted:
            self.forget([result.run_id])
            self._show(self._store.mark_deleted([result.run_id], self._monotonic()))
            self.drop_later([result.run_id])
        else:
            # What the gym has agreed to cancel goes on until its rollouts have ended.
            intent = Intent.CANCEL if result.is_begun else None
            self._intend(result.verb, [result.run_id], intent)

    def _intend(self, verb: Verb, run_ids: Iterable[str], intent: Intent | None) -> None:
        """Show how far something is that is done to runs; of a delete and a cancel, the delete."""
        delta = NOTHING
        for run_id in run_ids:
            intents = self._intents.setdefault(run_id, {})
            if intent is None:
                intents.pop(verb, None)
            else:
                intents[verb] = intent
            shown = intents.get(Verb.DELETE) or intents.get(Verb.CANCEL)
            delta = delta.then(self._store.intend([run_id], shown))
        self._show(delta)
