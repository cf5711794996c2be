"""The session with one gym: what is asked of it, what is known of it, what is told of it.

Whoever goes to another gym, or to another source, has another session: nothing of the one before
is left in it. What is on screen, and which key does what, is the app's.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from gymtui.api.endpoints import Endpoints
from gymtui.config.settings import Settings
from gymtui.core.paths import beside
from gymtui.core.secret import ApiKey
from gymtui.core.server_clock import ServerClock, Window
from gymtui.poll.connection import Link, LinkState, Update
from gymtui.poll.poller import Poller
from gymtui.poll.recorder import Recorder
from gymtui.poll.tracker import RolloutTracker
from gymtui.poll.view import View
from gymtui.session.alerts import AlertMonitor, RunAlert
from gymtui.session.baseline import Baseline
from gymtui.session.host import SessionHost
from gymtui.session.input_priority import InputPriority
from gymtui.session.notebook import Notebook
from gymtui.session.rollout_ref import RolloutRef
from gymtui.session.rules import Rule, RuleActions, RuleBook
from gymtui.session.run_actions import RunActions
from gymtui.session.transcripts import Transcripts
from gymtui.session.update_source import UpdateSource
from gymtui.store.delta import NOTHING, Delta, Query
from gymtui.store.history.journal import Journal
from gymtui.store.history.notes import Notes
from gymtui.store.lists.columns import RunView
from gymtui.store.rules import RuleSpec
from gymtui.store.stats.forecast import RunForecast
from gymtui.store.stats.run_summary import RunSummary
from gymtui.store.store import ROLLOUTS_KEPT, Applied, Store

if TYPE_CHECKING:
    from gymtui.session.archive import Archive
    from gymtui.session.artifacts import Artifacts
    from gymtui.session.launches import Launches
    from gymtui.store.digest import Digest
    from gymtui.store.history.recording_place import RecordingPlace

log = logging.getLogger(__name__)

FindKey = Callable[[Settings], tuple[ApiKey, str] | None]
"""Looks for the key of the gym that settings led to, anew: the key and where it came from."""


class Session:
    """One gym, under one source and scenario, from the moment one went there.

    Args:
        find_key: Called in a thread before a refused key is tried again.
        model_env: The environment that model keys may come from.
        feed: What it learns from; by default a poller of its own.
        journal_path: The journal's file, beside which launches are kept; None keeps nothing.
        archive: Makes, or has made, what transcripts are kept in; None keeps them in memory.
    """

    def __init__(
        self,
        settings: Settings,
        client: Endpoints,
        clock: ServerClock,
        journal: Journal | None,
        host: SessionHost,
        *,
        input_priority: InputPriority,
        monotonic: Callable[[], float],
        rng: random.Random,
        find_key: FindKey = lambda _settings: None,
        model_env: Mapping[str, str] = MappingProxyType({}),
        journal_path: Path | None = None,
        archive: Callable[[], Archive] | None = None,
        feed: UpdateSource | None = None,
        rollouts_kept: int = ROLLOUTS_KEPT,
    ) -> None:
        self.settings = settings
        self.client = client
        self.clock = clock
        self.journal = journal
        self.store = Store(rollouts_kept)
        self.notes = Notebook(Notes.beside(journal_path), self.store, self._show)
        self.forecast = RunForecast()
        self.alerts = AlertMonitor(everything=settings.watch_all, fail_share=settings.fail_share)
        self.tracker = RolloutTracker(
            self.store, journal, remembered=self._remembered, recalled=self.recalled
        )
        # Whether one went elsewhere: what still comes in is nobody's business then.
        self.is_closed = False
        self._host = host
        self._input_priority = input_priority
        self.monotonic = monotonic
        self._find_key = find_key
        self._model_env = model_env
        self._journal_path = journal_path
        self._rng = rng
        self.recorder: Recorder | None = None  # what keeps all that comes in, for `record`
        self._launches: Launches | None = None
        # The first of two rollouts to compare, until the second is chosen.
        self.compared_first: RolloutRef | None = None
        self.rules = RuleBook(beside(journal_path, "rules"))
        self.baseline = Baseline(beside(journal_path, "baseline"), self.store)
        self.transcripts = Transcripts(settings, client, self.store, self._read, archive)
        self._pending = NOTHING
        self._arrived = asyncio.Event()
        self._view = View(
            interval_s=settings.interval_s, source=settings.source, scenario_id=settings.scenario
        )
        self.poller: UpdateSource = feed or Poller(
            client,
            self.store,
            clock,
            self.take_update,
            view=self._view,
            monotonic=monotonic,
            rng=rng,
            on_answer=self._answered,
            renew=self._renew_key,
            yield_to_input=input_priority.yield_to_input,
            max_requests_per_s=settings.max_requests_per_s,
        )
        self.run_actions = RunActions(
            client,
            self.store,
            refresh=self.poller.refresh,
            is_live=self._is_live,
            show=self._show,
            drop=self._forget,
            not_carried_out=host.action_finished,
            look_again_s=settings.interval_s,
            monotonic=monotonic,
        )
        self._rule_actions = RuleActions(
            self.rules, self.run_actions.act, host.on_alerts, shows_alerts=host.shows_alerts
        )
        if journal is None:
            self.poller.begin_catch_up()

    def close(self) -> None:
        """One goes elsewhere: write down what was watched, and hear nothing more."""
        self.is_closed = True
        self.run_actions.close()
        self.tracker.close()

    def leave_launches(self) -> None:
        """Another gym is gone to: end what is sent to this one, and say what is left open."""
        if self._launches is not None:
            self._launches.close()

    # -- what is known ---------------------------------------------------------------------

    def now(self) -> datetime:
        """The server's time."""
        return self.clock.now(self.monotonic())

    def clock_lead(self) -> timedelta:
        """How far the server's clock is ahead of ours, as far as that is worth telling."""
        offset_s = self.clock.offset_s
        # Less is the estimate's own error, and would move every label of an axis.
        return timedelta(seconds=round(offset_s) if abs(offset_s) > 2 else 0)

    @property
    def link(self) -> Link:
        """How polling goes."""
        return self.poller.link

    @property
    def recording(self) -> RecordingPlace | None:
        """Where `record` keeps what it sees of this gym, there or not; None keeps nothing."""
        from gymtui.store.history.recording_place import recording_place

        path = self._journal_path
        return None if path is None else recording_place(self.settings, path)

    @property
    def launches(self) -> Launches:
        if self._launches is None:
            from gymtui.session.launches import Launches

            self._launches = Launches(
                self.client,
                self.store,
                self._host,
                self.poller.refresh,
                settings=self.settings,
                env=self._model_env,
                journal=self._journal_path,
                rng=self._rng,
                arm=self._arm,
            )
        return self._launches

    def take_launched(self, run_ids: Mapping[str, object]) -> str | None:
        """The run that was just launched, once it is among these; each is told once."""
        return self._launches.take_launched(run_ids) if self._launches is not None else None

    def everything(self) -> Delta:
        """All that is known as one delta, for a screen that has to catch up."""
        return Delta(
            runs_added=frozenset(self.store.runs), rollouts_added=frozenset(self.store.rollouts)
        )

    def digest(self, since: datetime) -> Digest:
        """What happened since a time on our clock, as far as it is known."""
        from gymtui.store.digest import digest

        store = self.store
        views = [RunView(row, store.summary(run_id)) for run_id, row in store.runs.items()]
        known = {i: store.rollouts_of(i) for i in store.runs if store.knows_rollouts_of(i)}
        return digest(views, known, since + timedelta(seconds=self.clock.offset_s))

    # -- what is asked ---------------------------------------------------------------------

    def update_view(self, at: Callable[[View], View]) -> None:
        """Poll for another part of what can be known, made from the view of nothing."""
        self.poller.set_view(at(self._view))

    @property
    def has_news(self) -> bool:
        """Whether something was observed that is not on screen yet."""
        return self._arrived.is_set()

    async def news(self, wait_s: float = 0.0) -> Delta:
        """Wait for what was observed; what came together is told together.

        Args:
            wait_s: For so long other answers that are under way are waited for, too.
        """
        await self._arrived.wait()
        if wait_s:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self.poller.settled()
        self._arrived.clear()
        delta, self._pending = self._pending, NOTHING
        return delta

    async def update_forecast(self) -> None:
        """Take the rest of what changed into the forecast, in pieces."""
        while self._update_forecast():
            await self._input_priority.yield_to_input()

    async def _renew_key(self) -> None:
        """Use the key that is found now, where there is one; else that of before may work again."""
        found = await asyncio.to_thread(self._find_key, self.settings)
        if (
            found is None
            or self.is_closed
            or found == (self.settings.key, self.settings.key_origin)
        ):
            return
        key, origin = found
        log.warning("the key is taken anew, from %s", origin)
        origins = {**self.settings.origins, "key": origin}
        update = {"key": key, "key_origin": origin, "origins": origins}
        self.settings = self.settings.model_copy(update=update)
        self.transcripts.archive.exclude(key.reveal())
        self.client.use_key(key)

    def watch_for(self, run_ids: Iterable[str]) -> tuple[list[str], list[str]] | None:
        """Tell when these runs end, or no longer if all of them are watched.

        Returns:
            Which are watched now, and which cannot be since they ended; None for no runs.
        """
        rows = [self.store.runs[i] for i in run_ids if i in self.store.runs]
        rows = [row for row in rows if row.malformed is None and not row.is_deleted]
        if not rows:
            return None
        live = [row.run_id for row in rows if row.active]
        watched = self.rules.switch_watch(live, self.now().timestamp())
        self._rules_changed(live)
        return watched, [row.run_id for row in rows if not row.active]

    def disarm(self, rules: Iterable[Rule]) -> None:
        """Remove rules."""
        removed = tuple(rules)
        self.rules.disarm(rule.key for rule in removed)
        self._rules_changed(rule.run_id for rule in removed)

    def _rules_changed(self, run_ids: Iterable[str]) -> None:
        self.alerts.watch(self.rules.watched_runs())
        self._show(Delta(runs_changed=frozenset(run_ids)))

    def _arm(self, run_id: str, rules: Sequence[RuleSpec]) -> None:
        for rule in rules:
            self.rules.arm([run_id], rule.kind, rule.about, self.now().timestamp())

    # -- what comes in ---------------------------------------------------------------------

    def _show(self, delta: Delta) -> None:
        if self._update_forecast(delta.rollouts):
            self._arrived.set()
        if delta and not self.is_closed:
            self._host.changed(delta)

    def _read(self, rollout_id: str, artifacts: Artifacts) -> None:
        """Artifacts were read: what they say of their rollout holds for the lists, too."""
        from gymtui.store.stats.tool_errors import count_tool_uses

        taken = artifacts.transcript.steps_taken
        if taken is not None:
            self.tracker.note_steps(rollout_id, taken)
        transcript = artifacts.transcript
        tools = None if artifacts.redacted else count_tool_uses(transcript)
        self._show(self.store.note_artifacts(rollout_id, transcript.usage, tools))

    def _remembered(self, summaries: Mapping[str, RunSummary]) -> None:
        """What the journal kept of finished runs came in."""
        if not self.is_closed:
            self._show(self.poller.remember(summaries))
            self.poller.begin_catch_up()
            if self.recorder is not None:
                self.recorder.record_summaries(summaries)

    def recalled(self, run_id: str) -> None:
        """What the journal kept of a run's rollouts came in: of many runs at once, at the start."""
        rollout_ids = frozenset(row.rollout_id for row in self.store.rollouts_of(run_id))
        self._pending = self._pending.then(Delta(rollouts_changed=rollout_ids))
        self._update_forecast(rollout_ids)
        self._arrived.set()
        if self.recorder is not None:
            self.recorder.record_recalled(run_id)

    def _answered(self, query: Query, applied: Applied, window: Window) -> Iterable[None]:
        """Called by the poller right after each answer: what passes quickly is seen here alone."""
        self.tell_alerts()
        work = self.tracker.take_answer_in_pieces(query, applied, window)
        if self.recorder is not None:
            return self.recorder.record_answer(query, applied, window, work)
        return work

    def take_update(self, update: Update) -> None:
        if self.is_closed:
            return
        self.tracker.drop(update.delta.rollouts_removed)
        self._update_forecast(update.delta.rollouts)
        self.run_actions.drop_later(update.delta.runs_changed)
        added = [self.store.runs[i] for i in update.delta.runs_added if i in self.store.runs]
        self.alerts.listed(added, self.now().timestamp(), whole=update.link.synced)
        self.tell_alerts()
        self._pending = self._pending.then(update.delta)
        self._arrived.set()

    def _update_forecast(self, touched: Iterable[str] = ()) -> bool:
        """Take what changed into the forecast; of much only a part, and whether some is left."""
        now_s = self.now().timestamp()
        return self.forecast.take(touched, self.store.rollouts, self.store.active_runs, now_s)

    def _is_live(self) -> bool:
        return self.link.state(self.monotonic()) is LinkState.LIVE

    def tell_alerts(self) -> None:
        """Tell what happened to watched runs, while what is known of them is fresh."""
        if self.is_closed or not self._is_live():
            return
        now_s = self.now().timestamp()
        alerts = [
            *(self._watch_alerts(now_s) if self._host.shows_alerts else ()),
            *self._rule_actions.due(self.store, now_s, read_only=self.settings.read_only),
        ]
        if alerts:
            self._host.on_alerts(alerts)
            self._show(Delta(runs_changed=frozenset(t.run.row.run_id for t in alerts)))

    def _watch_alerts(self, now_s: float) -> tuple[RunAlert, ...]:
        self.alerts.watch(self.rules.watched_runs())
        alerts = self.alerts.notice(self.store, self.forecast, now_s)
        self.rules.note_alerts(alerts)
        return alerts

    def _forget(self, run_ids: frozenset[str]) -> None:
        """Runs were deleted, and that was seen: nothing is kept of them."""
        if self.is_closed:
            return
        self.run_actions.forget(run_ids)
        delta = self.poller.forget(run_ids)
        self.tracker.forget(run_ids)
        self.tracker.drop(delta.rollouts_removed)
        if self.recorder is not None:
            self.recorder.record_deleted(run_ids)
        self._show(delta)
