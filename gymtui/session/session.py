"""The session with one gym: what is asked of it, what is known of it, what is told of it.

Whoever goes to another gym, or to another source, has another session: nothing of the one before
is left in it. What is on screen, and which key does what, is the app's.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from gymtui.api.endpoints import Endpoints
from gymtui.config.settings import Settings
from gymtui.core.secret import ApiKey
from gymtui.core.server_clock import ServerClock, Window
from gymtui.poll.poller import Link, LinkState, Poller, Update
from gymtui.poll.recorder import Recorder
from gymtui.poll.tracker import RolloutTracker
from gymtui.poll.view import View
from gymtui.session.actions import ActionResult, Verb, describe_result
from gymtui.session.alerts import AlertKind, AlertMonitor, RunAlert
from gymtui.session.feed import Feed
from gymtui.session.input_priority import InputPriority
from gymtui.session.rollout_ref import RolloutRef
from gymtui.session.rules import Firing, RuleBook
from gymtui.session.run_actions import Action, RunActions
from gymtui.session.step_pace import ObservedStepPace
from gymtui.session.surroundings import Surroundings
from gymtui.store.delta import NOTHING, Delta, Query
from gymtui.store.digest import Digest, digest
from gymtui.store.history.journal import Journal
from gymtui.store.history.notes import NoteOf, Notes
from gymtui.store.lists.columns import RunView
from gymtui.store.records import RolloutRow
from gymtui.store.stats.checkpoints import checkpoint_before
from gymtui.store.stats.forecast import RunForecast
from gymtui.store.stats.run_summary import RunSummary
from gymtui.store.store import Applied, Store

if TYPE_CHECKING:
    from gymtui.session.archive import Archive
    from gymtui.session.artifacts import ArtifactLoader, Artifacts
    from gymtui.session.launches import Launches

log = logging.getLogger(__name__)

FindKey = Callable[[Settings], tuple[ApiKey, str] | None]
"""Looks for the key of the gym that settings led to, anew: the key and where it came from."""

MIB = 1024 * 1024
GONE_SHOWN_S = 5.0
"""How long a run that is gone stays on screen, struck through."""


class Audience(Surroundings, Protocol):
    """Who is told what a session comes to know, on the event loop."""

    def changed(self, delta: Delta) -> None:
        """Something of this moment changed: what a key did, or what the journal knew."""

    def on_alerts(self, alerts: Sequence[RunAlert]) -> None:
        """Something happened to watched runs."""

    def action_finished(self, results: Sequence[ActionResult]) -> None:
        """What was done to runs turned out otherwise than was told."""


class Session:
    """One gym, under one source and scenario, from the moment one went there.

    Args:
        settings: What led there.
        clock: Its time, as far as that is known.
        journal: Where what is observed is kept; None keeps nothing.
        turns: Whose turn it is on the event loop.
        monotonic: Seconds that only go forward.
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
        audience: Audience,
        *,
        turns: InputPriority,
        monotonic: Callable[[], float],
        rng: random.Random,
        find_key: FindKey = lambda _settings: None,
        model_env: Mapping[str, str] = MappingProxyType({}),
        journal_path: Path | None = None,
        archive: Callable[[], Archive] | None = None,
        feed: Feed | None = None,
    ) -> None:
        self.settings = settings
        self._archive = archive
        self.client = client
        self.clock = clock
        self.journal = journal
        self.store = Store()
        self.notes = Notes.beside(journal_path)
        self.store.note(dict(self.notes.all(NoteOf.ROLLOUT)))
        self.forecast = RunForecast()
        self.alerts = AlertMonitor(everything=settings.watch_all, fail_share=settings.fail_share)
        self.tracker = RolloutTracker(
            self.store, journal, remembered=self._remembered, recalled=self._recalled
        )
        self.over = False
        """Whether one went elsewhere: what still comes in is nobody's business then."""
        self._audience = audience
        self._turns = turns
        self.monotonic = monotonic
        self._find_key = find_key
        self._model_env = model_env
        self._journal_path = journal_path
        self._rng = rng
        self.recorder: Recorder | None = None
        """What keeps all that comes in, for `record`."""
        self._launches: Launches | None = None
        self.listed_elsewhere: dict[str, RolloutRow] = {}
        """Rollouts of runs that the store does not hold, as a search listed them."""
        self.compared_first: RolloutRef | None = None
        """The first of two rollouts to compare, until the second is chosen."""
        kept = journal_path.with_suffix(".rules.json") if journal_path is not None else None
        self.rules = RuleBook(kept)
        self.baseline: str | None = None
        """The run that others are compared with, where one was chosen."""
        self._cancelling: set[asyncio.Future[None]] = set()
        self._untold = NOTHING
        self._news = asyncio.Event()
        self._knew_all_s: float | None = None
        self._view = View(
            interval_s=settings.interval_s, source=settings.source, scenario_id=settings.scenario
        )
        self.poller: Feed = feed or Poller(
            client,
            self.store,
            clock,
            self._observed,
            view=self._view,
            monotonic=monotonic,
            rng=rng,
            heard=self._answered,
            renew=self._renew_key,
            breathe=turns.yield_to_input,
            max_requests_per_s=settings.max_requests_per_s,
        )
        self._run_actions = RunActions(
            client,
            self.store,
            refresh=self.poller.refresh,
            is_live=self._is_live,
            show=self._show,
            deleted=self._bury,
            not_carried_out=audience.action_finished,
            look_again_s=settings.interval_s,
            monotonic=monotonic,
        )
        if journal is None:
            self.poller.begin_catch_up()

    def close(self) -> None:
        """One goes elsewhere: write down what was watched, and hear nothing more."""
        self.over = True
        self._run_actions.close()
        self.tracker.close()

    def leave_launches(self) -> None:
        """Another gym is gone to: end what is sent to this one, and say what is left open."""
        if self._launches is not None:
            self._launches.close()

    # -- what is known ---------------------------------------------------------------------

    def now(self) -> datetime:
        """The server's time."""
        return self.clock.now(self.monotonic())

    def lead(self) -> timedelta:
        """How far the server's clock is ahead of ours, as far as that is worth telling."""
        offset_s = self.clock.offset_s
        # Less is the estimate's own error, and would move every label of an axis.
        return timedelta(seconds=round(offset_s) if abs(offset_s) > 2 else 0)

    def forbidden_s(self, run_id: str) -> float | None:
        """Seconds until a run's rollouts are asked for again; None unless they are forbidden."""
        return self.poller.forbidden_s(run_id)

    def compared_with(self, run_id: str) -> str | None:
        """The run that a run is compared with: the baseline, else the checkpoint before it.

        Returns:
            None where there is neither, and for the baseline itself.
        """
        baseline = self.baseline
        if baseline is not None and baseline in self.store.runs:
            return baseline if baseline != run_id else None
        scenarios = {
            name: row.run.scenario_id
            for name, row in self.store.runs.items()
            if row.run is not None and not row.is_deleted
        }
        own = scenarios.get(run_id)
        return checkpoint_before(
            run_id, [i for i, scenario in scenarios.items() if scenario == own]
        )

    def baseline_first(self, run_ids: Sequence[str]) -> tuple[str, ...]:
        """Some runs in their order, the baseline before the others if it is one of them."""
        return tuple(sorted(run_ids, key=lambda run_id: run_id != self.baseline))

    @property
    def link(self) -> Link:
        """How polling goes."""
        return self.poller.link

    @cached_property
    def artifact_loader(self) -> ArtifactLoader:
        """Where artifacts are asked for."""
        from gymtui.session.archive_key import key_of
        from gymtui.session.artifacts import ArtifactLoader

        cap_bytes = self.settings.artifact_limit_mib * MIB
        return ArtifactLoader(
            self.client,
            cap_bytes=cap_bytes,
            on_read=self._read,
            archive=self.archive,
            key_of=lambda rollout_id, redacted: key_of(
                self.gym_name, self._row(rollout_id), redacted=redacted
            ),
        )

    def _row(self, rollout_id: str) -> RolloutRow | None:
        return self.store.rollouts.get(rollout_id) or self.listed_elsewhere.get(rollout_id)

    @cached_property
    def archive(self) -> Archive:
        """Where transcripts are kept."""
        from gymtui.session.archive import Archive

        archive = Archive(None) if self._archive is None else self._archive()
        if self.settings.key is not None:
            archive.keep_out(self.settings.key.reveal())
        return archive

    @cached_property
    def gym_name(self) -> str:
        """What the gym is called in the archive."""
        from gymtui.session.archive_key import gym_name

        return gym_name(self.settings.base_url)

    @property
    def host(self) -> str:
        """The gym's host, with its port where it has one; of directories their names."""
        if self.settings.directories:
            first, *others = self.settings.directories
            more = f" +{len(others)}" if others else ""
            return f"{first.name or first}{more}"
        return urlsplit(self.settings.base_url).netloc.rpartition("@")[2]

    @property
    def launches(self) -> Launches:
        """What is known and done about launching."""
        if self._launches is None:
            from gymtui.session.launches import launches_of

            self._launches = launches_of(
                self.client,
                self.store,
                self._audience,
                self.poller.refresh,
                settings=self.settings,
                env=self._model_env,
                journal=self._journal_path,
                rng=self._rng,
            )
        return self._launches

    def take_launched(self, run_ids: Mapping[str, object]) -> str | None:
        """The run that was just launched, once it is among these; each is told once."""
        return self._launches.seen(run_ids) if self._launches is not None else None

    @property
    def actions(self) -> Sequence[Action]:
        """What was done to runs from here, the latest first."""
        return self._run_actions.recent

    @property
    def pace(self) -> ObservedStepPace:
        """How fast rollouts move, as far as this session watched them."""
        return ObservedStepPace(self.tracker)

    def everything(self) -> Delta:
        """All that is known as one delta, for a screen that has to catch up."""
        return Delta(
            runs_added=frozenset(self.store.runs), rollouts_added=frozenset(self.store.rollouts)
        )

    def digest(self, since: datetime) -> Digest:
        """What happened since a time, as far as it is known.

        Args:
            since: On our clock.
        """
        store = self.store
        views = [RunView(row, store.summary(run_id)) for run_id, row in store.runs.items()]
        known = {i: store.rollouts_of(i) for i in store.runs if store.knows_rollouts_of(i)}
        return digest(views, known, since + timedelta(seconds=self.clock.offset_s))

    # -- what is asked ---------------------------------------------------------------------

    def look(self, at: Callable[[View], View]) -> None:
        """Poll for another part of what can be known.

        Args:
            at: Makes the view of it from that of nothing in particular.
        """
        self.poller.look(at(self._view))

    @property
    def has_news(self) -> bool:
        """Whether something was observed that is not on screen yet."""
        return self._news.is_set()

    async def news(self) -> Delta:
        """Wait for what was observed; what came together is told together."""
        await self._news.wait()
        self._news.clear()
        delta, self._untold = self._untold, NOTHING
        return delta

    async def look_out(self) -> None:
        """Take the rest of what changed into the outlook, in pieces."""
        while self._look_out():
            await self._turns.yield_to_input()

    def time_passed(self) -> None:
        """See whether something is to be told that only took time."""
        self._tell_of_runs()

    def act(self, verb: Verb, run_ids: Sequence[str]) -> Awaitable[Action]:
        """Cancel or delete runs, and show them so, from now on, until the gym agrees.

        Returns:
            What became of each, when all are through.
        """
        return self._run_actions.act(verb, run_ids)

    async def _renew_key(self) -> None:
        """Use the key that is found now, where there is one; else that of before may work again."""
        found = await asyncio.to_thread(self._find_key, self.settings)
        if found is None or self.over or found == (self.settings.key, self.settings.key_origin):
            return
        key, origin = found
        log.warning("the key is taken anew, from %s", origin)
        origins = {**self.settings.origins, "key": origin}
        update = {"key": key, "key_origin": origin, "origins": origins}
        self.settings = self.settings.model_copy(update=update)
        self.archive.keep_out(key.reveal())
        self.client.use_key(key)

    def note(self, kind: NoteOf, ids: Sequence[str], text: str) -> None:
        """Put a note on runs or rollouts; an empty one removes it.

        Raises:
            OSError: It could not be kept; until the program ends it stands all the same.
        """
        try:
            self.notes.write(kind, ids, text)
        finally:
            if kind is NoteOf.RUN:
                self._show(Delta(runs_changed=frozenset(ids) & self.store.runs.keys()))
            else:
                self._show(self.store.note(dict(self.notes.all(kind))))

    def watch_for(self, run_ids: Iterable[str]) -> tuple[list[str], list[str]] | None:
        """Tell when these runs end, or no longer if all of them are watched.

        Returns:
            Which are watched now, and which cannot be since they ended; None for no runs.
        """
        rows = [self.store.runs[i] for i in run_ids if i in self.store.runs]
        rows = [row for row in rows if row.malformed is None and not row.is_deleted]
        if not rows:
            return None
        watched, over = self.alerts.switch(rows)
        self._show(Delta(runs_changed=frozenset(row.run_id for row in rows)))
        return watched, over

    # -- what comes in ---------------------------------------------------------------------

    def _show(self, delta: Delta) -> None:
        if self._look_out(delta.rollouts):
            self._news.set()
        if delta and not self.over:
            self._audience.changed(delta)

    def _read(self, rollout_id: str, artifacts: Artifacts) -> None:
        """Artifacts were read: what they say of their rollout holds for the lists, too."""
        from gymtui.store.stats.tool_errors import tool_uses

        taken = artifacts.transcript.steps_taken
        if taken is not None:
            self.tracker.took(rollout_id, taken)
        transcript = artifacts.transcript
        tools = None if artifacts.redacted else tool_uses(transcript)
        self._show(self.store.note_artifacts(rollout_id, transcript.usage, tools))

    def _remembered(self, summaries: Mapping[str, RunSummary]) -> None:
        """What the journal kept of finished runs came in."""
        if not self.over:
            self._show(self.poller.remember(summaries))
            self.poller.begin_catch_up()
            if self.recorder is not None:
                self.recorder.remembered(summaries)

    def _recalled(self, run_id: str) -> None:
        """What the journal kept of a run's rollouts came in: of many runs at once, at the start."""
        rows = self.store.rollouts_of(run_id)
        delta = Delta(rollouts_changed=frozenset(row.rollout_id for row in rows))
        self._untold = self._untold.then(delta)
        self._look_out(delta.rollouts)
        self._news.set()
        if self.recorder is not None:
            self.recorder.recalled(run_id)

    def _answered(self, query: Query, applied: Applied, window: Window) -> Iterable[None]:
        """Called by the poller right after each answer: what passes quickly is seen here alone."""
        self._tell_of_runs()
        work = self.tracker.answering(query, applied, window)
        if self.recorder is not None:
            return self.recorder.answering(query, applied, window, work)
        return work

    def _observed(self, update: Update) -> None:
        """Called by the poller with every change."""
        if self.over:
            return
        self.tracker.dropped(update.delta.rollouts_removed)
        self._look_out(update.delta.rollouts)
        self._bury(update.delta.runs_changed)
        self._notice_arrivals(update)
        self._tell_of_runs()
        self._untold = self._untold.then(update.delta)
        self._news.set()

    def _look_out(self, touched: Iterable[str] = ()) -> bool:
        """Take what changed into the outlook; of much only a part, and whether some is left."""
        now_s = self.now().timestamp()
        return self.forecast.take(touched, self.store.rollouts, self.store.active_runs, now_s)

    def _notice_arrivals(self, update: Update) -> None:
        """Have it known which runs turned up since the whole list was known."""
        if self._knew_all_s is not None:
            runs = self.store.runs
            added = [runs[run_id] for run_id in update.delta.runs_added if run_id in runs]
            self.alerts.arrived(added, self._knew_all_s)
        elif update.link.synced:
            self._knew_all_s = self.now().timestamp()

    def _is_live(self) -> bool:
        return self.link.state(self.monotonic()) is LinkState.LIVE

    def _tell_of_runs(self) -> None:
        """Tell what happened to watched runs, while what is known of them is fresh."""
        if self.over or not self._is_live():
            return
        now_s = self.now().timestamp()
        alerts = [*self.alerts.notice(self.store, self.forecast, now_s), *self._apply_rules(now_s)]
        if alerts:
            self._audience.on_alerts(alerts)
            self._show(Delta(runs_changed=frozenset(t.run.row.run_id for t in alerts)))

    def _apply_rules(self, now_s: float) -> Iterable[RunAlert]:
        """Do what armed rules say that hold now, and tell it."""
        for firing in self.rules.look(self.store, now_s):
            if firing.cancels and not self.settings.read_only:
                cancelling = asyncio.ensure_future(self._cancel_by(firing))
                self._cancelling.add(cancelling)
                cancelling.add_done_callback(self._cancelling.discard)
                yield RunAlert(AlertKind.RULE, firing.run, f"cancelling: {firing.reason}")
            elif firing.cancels:
                self.rules.note(firing.rule.key, f"nothing: read-only; {firing.reason}")
            else:
                yield RunAlert(AlertKind.RULE, firing.run, firing.reason)

    async def _cancel_by(self, firing: Firing) -> None:
        """Cancel a run by a rule, and keep what came of that."""
        run_id = firing.rule.run_id
        result = (await self.act(Verb.CANCEL, [run_id])).results[run_id]
        outcome = f"{describe_result(result)}: {firing.reason}"
        self.rules.note(firing.rule.key, outcome)
        if not result.is_well:
            alert = RunAlert(AlertKind.RULE, firing.run, outcome)
            self._audience.on_alerts([alert])

    def _bury(self, run_ids: Iterable[str]) -> None:
        """Let runs that are gone be seen as such for a while, then drop them."""
        runs = self.store.runs
        gone = frozenset(run_id for run_id in run_ids if run_id in runs and runs[run_id].is_deleted)
        if gone:
            asyncio.get_running_loop().call_later(GONE_SHOWN_S, self._drop, gone)

    def _drop(self, run_ids: frozenset[str]) -> None:
        if self.over:
            return
        runs = self.store.runs
        still = frozenset(
            run_id for run_id in run_ids if run_id in runs and runs[run_id].is_deleted
        )
        self._run_actions.forget(still)
        delta = self.poller.forget(still)
        self.tracker.forget(still)
        self.tracker.dropped(delta.rollouts_removed)
        if self.recorder is not None:
            self.recorder.dropped(still)
        self._show(delta)
