"""`gymtui wait`: until runs are over, with a line that tells how far they are, and a judgement."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import Forbidden, GymError, Unauthorized
from gymtui.cli.documents import run_document
from gymtui.cli.follower import Follower
from gymtui.cli.gym_access import GymReader, with_gym
from gymtui.cli.progress_line import BETWEEN, ProgressLine, describe_progress
from gymtui.config.settings import Settings
from gymtui.core.secret import ApiKey
from gymtui.core.text import clean
from gymtui.session.actions import (
    CARRIED_OUT_S,
    ActionOutcome,
    ActionResult,
    Verb,
    act,
    describe_result,
    still_running_result,
)
from gymtui.store.formats import of_many
from gymtui.store.lists.columns import RunView, pass_rate
from gymtui.store.lists.query import Filter
from gymtui.store.outcome import Outcome
from gymtui.store.records import Intent

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
"""A cancel that did not come about is sent again, ever later and however often: doing it again does
no harm, and a run that was to be stopped costs money."""
_AGAIN = (ActionOutcome.RATE_LIMITED, ActionOutcome.STILL_EXISTS, ActionOutcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class WaitOptions:
    timeout_s: float | None = None
    patience_s: float = 300.0  # for how long the gym may be silent
    fail_under: float | None = None  # the least pass@1, 0..1, or None
    cancel_if: Filter[RunView] | None = None  # A run that this holds for is cancelled, or None


@dataclass(frozen=True, slots=True)
class RunResult:
    view: RunView
    over: bool
    why: str | None  # why it failed; None if it did not, or is not over
    forbidden: bool = False  # whether the key may not see its results, so that they are not known

    @property
    def document(self) -> dict[str, Any]:
        """As JSON: a run of `gymtui runs` with `ended`, `failed`, `reason` and `forbidden`."""
        judged = {"ended": self.over, "failed": self.why is not None, "reason": self.why}
        return {**run_document(self.view), **judged, "forbidden": self.forbidden}

    @property
    def line(self) -> str:
        """In a clean line."""
        words = f"{clean(self.view.name)}: {describe_progress(self.view)}"
        if self.forbidden:
            words += f"{BETWEEN}forbidden: some of it is unknown"
        return words if self.why is None else f"{words} · failed: {self.why}"


@dataclass(frozen=True, slots=True)
class WaitResult:
    runs: tuple[RunResult, ...]  # in the order given; those never seen are not among them
    timed_out: bool = False
    # By run that the key may not see, in part at least, what the gym said.
    forbidden: Mapping[str, Forbidden] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return any(run.why is not None for run in self.runs)


def wait_for(
    settings: Settings,
    run_ids: Sequence[str],
    terms: WaitOptions,
    line: ProgressLine,
    find_key: Callable[[], ApiKey | None] = lambda: None,
) -> WaitResult:
    """Wait until runs are over.

    Args:
        find_key: Called in a thread before a refused key is tried again.

    Raises:
        SilentError: The gym was silent for longer than the terms allow.
    """

    async def wait(client: Endpoints) -> WaitResult:
        async def renew() -> None:
            key = await asyncio.to_thread(find_key)
            if key is not None:
                client.use_key(key)

        names = run_ids or await _all_in(client)
        follower = Follower(
            client,
            tuple([await _find_run(client, typed) for typed in dict.fromkeys(names)]),
            settings.interval_s,
            terms.patience_s,
            closely=terms.cancel_if is not None,
            rng=random.Random(),  # noqa: S311  (jitter)
            renew=renew,
            max_requests_per_s=settings.max_requests_per_s,
        )
        canceller = _Canceller(client, follower, terms.cancel_if, line)

        async def news() -> None:
            await canceller.check()
            line.show(follower)

        timed_out = False
        try:
            async with asyncio.timeout(terms.timeout_s):
                await follower.follow(news)
        except TimeoutError:
            timed_out = True
        denied = {i: error for i in follower.run_ids if (error := follower.forbidden(i))}
        judged = tuple(
            judge_run(
                view,
                terms,
                over=follower.settled(view.name) and not view.row.active,
                cancelled=canceller.has(view.name),
                forbidden=view.name in denied,
            )
            for view in follower.views
        )
        return WaitResult(judged, timed_out, denied)

    try:
        return with_gym(settings, wait)
    finally:
        line.end()


async def _all_in(client: Endpoints) -> Sequence[str]:
    """All runs there are: what is meant where a directory alone is named."""
    reader = GymReader(client)
    await reader.list_every_run(None, None)
    return tuple(reader.store.runs)


async def _find_run(client: Endpoints, typed: str) -> str:
    """The run that a person meant; a gym that does not answer yet is waited for as it was typed."""
    if typed.isascii():
        return typed
    try:
        return await GymReader(client).find_run_id(typed)
    except GymError:
        return typed


def judge_run(
    view: RunView,
    terms: WaitOptions,
    *,
    over: bool,
    cancelled: bool = False,
    forbidden: bool = False,
) -> RunResult:
    """Tell whether a run failed.

    It did if it is gone, was cancelled in part or whole, has no verdict at all, or a pass rate
    below what was asked. Of what the key may not see none fails.
    """

    def because() -> str | None:
        if view.row.is_deleted:
            return "the run was deleted"
        if cancelled:
            return "cancelled by --cancel-if"
        summary = view.summary
        if forbidden:
            return None
        if summary is None or not summary.known:
            return "no rollouts"
        stopped = summary.counts[Outcome.CANCELLED]
        if stopped:
            return f"{stopped} of {of_many(summary.known, 'rollout')} cancelled"
        if summary.not_run:
            return f"{summary.not_run} of {of_many(summary.known, 'rollout')} not run"
        rate = pass_rate(view)
        if rate is None:
            return f"no verdict, {of_many(summary.errors, 'error')}"
        if terms.fail_under is not None and rate < terms.fail_under:
            return f"pass@1 is below {100 * terms.fail_under:g}%"
        return None

    return RunResult(view, over, because() if over else None, forbidden)


class _Canceller:
    """Cancels the runs for which a filter holds, each until that has come about."""

    def __init__(
        self,
        client: Endpoints,
        follower: Follower,
        when: Filter[RunView] | None,
        line: ProgressLine,
    ) -> None:
        self._client = client
        self._follower = follower
        self._when = when
        self._line = line
        self._agreed_s: dict[str, float] = {}
        self._given_up: set[str] = set()
        self._refused_s: dict[str, float] = {}
        self._pauses_s: dict[str, float] = {}
        self._not_before_s: dict[str, float] = {}

    def has(self, run_id: str) -> bool:
        return run_id in self._agreed_s

    async def check(self) -> None:
        when = self._when
        if when is None:
            return
        wanted = []
        for view in self._follower.views:
            run_id = view.name
            if not view.row.active or run_id in self._given_up or not self._is_due(run_id):
                continue
            if run_id in self._agreed_s:
                self._line.say(clean(describe_result(still_running_result(run_id))))
                wanted.append(run_id)
            elif when.matches(view, self._follower.reader.now_s):
                wanted.append(run_id)
        if not self._refused_s.keys().isdisjoint(wanted):
            await self._follower.renew()
        # One look: whoever waits looks at the runs all the time.
        for done in await act(self._client, Verb.CANCEL, wanted, looks_s=(0.0,)):
            again = "; retrying" if self._is_tried_again(done) else ""
            self._line.say(clean(f"{describe_result(done)}: {when.text}{again}"))

    def _is_due(self, run_id: str) -> bool:
        now_s = self._follower.monotonic()
        agreed_s = self._agreed_s.get(run_id)
        if agreed_s is not None and (
            # What is not fresh does not show that it still runs.
            self._follower.trouble is not None or now_s < agreed_s + CARRIED_OUT_S
        ):
            return False
        return now_s >= self._not_before_s.get(run_id, now_s)

    def _is_tried_again(self, done: ActionResult) -> bool:
        """Take in what became of a run, and whether it is to be cancelled once more."""
        run_id, now_s = done.run_id, self._follower.monotonic()
        wait_s: float | None = None
        if done.is_well:
            self._agreed_s[run_id] = now_s
            self._refused_s.pop(run_id, None)
            self._follower.reader.store.intend([run_id], Intent.CANCEL)
        elif done.outcome in _AGAIN:
            after_s = done.error.retry_after_s if done.error is not None else None
            pause_s = self._pauses_s.get(run_id, FIRST_PAUSE_S)
            self._pauses_s[run_id] = min(2 * pause_s, LONGEST_PAUSE_S)
            wait_s = max(pause_s, after_s or 0.0)
        elif isinstance(done.error, Unauthorized | Forbidden):
            since_s = self._refused_s.setdefault(run_id, now_s)
            wait_s = self._follower.refused_wait_s(since_s)
        if wait_s is not None and wait_s > 0:
            self._not_before_s[run_id] = now_s + wait_s
            return True
        if not done.is_well:
            self._given_up.add(run_id)
        return False
