"""The app: it owns the session with one gym and carries what was observed to the screens."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, TypeVar
from urllib.parse import urlsplit

from textual import events
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widgets import Input

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import Forbidden
from gymtui.clock import ServerClock, Window
from gymtui.poll.actions import Done, Verb, act, told
from gymtui.poll.plan import View
from gymtui.poll.poller import Link, LinkState, Poller, Update
from gymtui.poll.question import Question, targets_among, why_none
from gymtui.poll.watch import Watch
from gymtui.settings import Offered, Problem, Settings
from gymtui.store.delta import NOTHING, Delta, Query
from gymtui.store.journal import Journal, Notice
from gymtui.store.outlook import Outlook
from gymtui.store.progress import StuckRules
from gymtui.store.records import Intent
from gymtui.store.store import Applied, Store
from gymtui.store.summary import RunSummary
from gymtui.store.telling import Teller
from gymtui.store.words import listed
from gymtui.tui import doors, switching
from gymtui.tui.arrangement import Arrangement
from gymtui.tui.commands import KeyCommands, ProfileCommands, ThemeCommands
from gymtui.tui.crash import Reporter
from gymtui.tui.garbage import Housekeeping
from gymtui.tui.ink import Cell, Ink
from gymtui.tui.keys import Scope
from gymtui.tui.listed import Listed
from gymtui.tui.rebinding import PROGRAMS_OWN, Bound, put_in_force, tell_problems
from gymtui.tui.screens.base import GymScreen
from gymtui.tui.screens.runs import RunsScreen
from gymtui.tui.switching import Gyms
from gymtui.tui.themed import Looks, ThemedApp
from gymtui.tui.turns import Turns
from gymtui.tui.widgets.status_line import link_cell, ticking

if TYPE_CHECKING:
    from gymtui.poll.artifacts import ArtifactDesk
    from gymtui.tui.launches import Launches

log = logging.getLogger(__name__)

T = TypeVar("T")

GONE_SHOWN_S = 5.0
"""How long a run that is gone stays on screen, struck through."""
UNLOCK_S = 0.5
"""How long after the first frame the other screens are read in: the first answer comes before."""
MIB = 1024 * 1024
ACTING = "acting"
"""The group of workers that cancel and delete, until the gym has answered."""
AGES_S = 10.0
"""How often what changes by the passing of time alone is looked at."""


class GymtuiApp(ThemedApp[None]):
    """The dashboard.

    Args:
        settings: What it was started with.
        client: The gym.
        reporter: Where reports of defects go.
        looks: How it is to look; by default as the settings say, on a terminal that can all.
        wall: UNIX seconds.
        arrangement: What the person arranged on screen; by default nothing, kept nowhere.
        journal: Where what is observed of this gym is kept; None keeps nothing.
        bound: The keys in force.
        problems: What was wrong with the settings, to be told at the start.
        notes: What is told once the screen is there.
        gyms: What other profiles lead to; None where there are none.
        guided: Whether each screen says what there is to try.
        model_env: The environment that model keys may come from.
        monotonic: Seconds that only go forward.
        rng: Where jitter comes from.
    """

    TITLE = "gymtui"
    CSS_PATH = "app.tcss"
    COMMANDS = {KeyCommands, ProfileCommands, ThemeCommands}  # noqa: RUF012  (the framework's own)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", show=False, priority=True, id="quit"),
        Binding("ctrl+z", "suspend_process", show=False, priority=True, id="suspend"),
    ]

    def __init__(
        self,
        settings: Settings,
        client: Endpoints,
        reporter: Reporter,
        *,
        looks: Looks | None = None,
        arrangement: Arrangement | None = None,
        journal: Path | None = None,
        bound: Bound = PROGRAMS_OWN,
        problems: Sequence[Problem] = (),
        notes: Sequence[str] = (),
        gyms: Gyms | None = None,
        guided: bool = False,
        model_env: Mapping[str, str] = MappingProxyType({}),
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        super().__init__(
            reporter=reporter,
            looks=looks or Looks(settings.theme, ascii=settings.ascii),
            arrangement=arrangement,
        )
        self.settings = settings
        self.hint: str | None = None
        self.bound = replace(bound, plain=self.looks.ascii)
        self.gyms = gyms
        self.guided = guided
        self._problems = tuple(problems)
        self.compared_first: Listed | None = None
        self._client = client
        self._wall = wall
        self._monotonic = monotonic
        self._rng = rng or random.Random()  # noqa: S311  (jitter)
        self._clock = ServerClock(wall, monotonic)
        self._seconds: Timer | None = None
        self._news = asyncio.Event()
        self.turns = Turns(monotonic)
        self.housekeeping = Housekeeping(monotonic())
        self._journal_path = journal
        self._notes = notes
        self._model_env = model_env
        self._journal: Journal | None = None
        self._left: list[tuple[Endpoints, Journal | None]] = []
        self._begin()

    def _begin(self) -> None:
        """Know nothing yet, and have a poller for what the settings name."""
        settings = self.settings
        self._untold = NOTHING
        self.compared_first = None
        store = self.store = Store()

        def heard(take: Callable[[T], object]) -> Callable[[T], None]:
            # What still comes in of where one was before is nobody's business here.
            def hear(news: T) -> None:
                if self.store is store:
                    take(news)

            return hear

        self.outlook = Outlook()
        self.teller = Teller(everything=settings.watch_all, fail_share=settings.fail_share)
        self.__dict__.pop("launches", None)
        self._view = View(
            interval_s=settings.interval_s, source=settings.source, scenario_id=settings.scenario
        )
        self.watched = Watch(
            store,
            self._journal,
            remembered=heard(self._remembered),
            recalled=heard(self._recalled),
        )
        self._poller = Poller(
            self._client,
            store,
            self._clock,
            heard(self._observed),
            view=self._view,
            monotonic=self._monotonic,
            rng=self._rng,
            heard=self._heard,
            breathe=self.turns.give,
        )

    # -- for the screens -------------------------------------------------------------------

    def now(self) -> datetime:
        """The server's time."""
        return self._clock.now(self._monotonic())

    def lead(self) -> timedelta:
        """How far the server's clock is ahead of ours, as far as that is worth telling."""
        offset_s = self._clock.offset_s
        # Less is the estimate's own error, and would move every label of an axis.
        return timedelta(seconds=round(offset_s) if abs(offset_s) > 2 else 0)

    @cached_property
    def desk(self) -> ArtifactDesk:
        """Where artifacts are asked for."""
        from gymtui.poll.artifacts import ArtifactDesk

        return ArtifactDesk(self._client, cap_bytes=self.settings.artifact_limit_mib * MIB)

    @cached_property
    def launches(self) -> Launches:
        """What is known and done about launching."""
        from gymtui.tui.launches import launches_of

        return launches_of(self, self._client, self._model_env, self._journal_path, self._rng)

    @property
    def stuck_rules(self) -> StuckRules:
        """From when on a rollout counts as stuck."""
        stuck = self.settings.stuck
        return StuckRules(
            step_floor_s=stuck.floor_s,
            step_factor=stuck.step_factor,
            build_factor=stuck.build_factor,
            verify_factor=stuck.verify_factor,
        )

    @property
    def link(self) -> Link:
        """How polling goes."""
        return self._poller.link

    @property
    def host(self) -> str:
        """The gym's host, with its port where it has one."""
        return urlsplit(self.settings.base_url).netloc.rpartition("@")[2]

    def link_cell(self, room: int) -> Cell:
        """The status line's right end.

        Args:
            room: Cells that the left end leaves.
        """
        clock = datetime.fromtimestamp(self._wall()).astimezone().strftime("%H:%M")
        return link_cell(self.link, self._monotonic(), clock, room)

    def banner(self) -> tuple[Cell, ...]:
        """What the person must know before anything else, or nothing."""
        stopped = self.link.stopped
        if stopped is None:
            return ()
        key = self.settings.key
        what = f"{key.hint} from {self.settings.key_origin}" if key else "no key was found"
        may_not = isinstance(stopped, Forbidden)
        verb = "may not do this (403)" if may_not else "was refused (401)"
        first = f"The key {verb}: {what}" + (f" · {stopped.detail}" if stopped.detail else "")
        again = f"{self.bound.spelt('refresh')} tries again"
        second = f"Set GYMTUI_API_KEY, or api_key in the profile; {again}."
        return ((Ink(first, "failed"),), (Ink(second, "muted"),))

    def everything(self) -> Delta:
        """All that is known as one delta, for a screen that has to catch up."""
        return Delta(
            runs_added=frozenset(self.store.runs), rollouts_added=frozenset(self.store.rollouts)
        )

    def looked(self) -> None:
        """Another part of what is known is on screen: poll for that."""
        screen = self.top
        if screen is not None:
            self._poller.look(screen.look(self._view))

    @property
    def top(self) -> GymScreen | None:
        """The full screen that is seen, under whatever asks on top of it, once it is there."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, GymScreen):
                return screen if screen.ready and screen.is_attached else None
        return None

    # -- life ------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Show the runs and begin to poll."""
        self.wear()
        if self._journal_path is not None:
            self._open_journal(self._journal_path)
            self._begin()
        put_in_force(self, self.bound)
        self.push_screen(RunsScreen())
        tell_problems(self, (*self._problems, *self.theme_problems))
        for note in self._notes:
            self.notify(note, severity="warning")
        self.set_interval(AGES_S, self._time_passed)
        self.call_after_refresh(self._seen)

    def _seen(self) -> None:
        """The first frame is on screen: begin with what it did not need."""
        self.housekeeping.begin()
        self._poll()
        self.set_timer(UNLOCK_S, self._unlock)

    def _unlock(self) -> None:
        self.run_worker(asyncio.to_thread(doors.unlock), group="doors", exit_on_error=True)

    def _poll(self) -> None:
        self.run_worker(self._poller.run(), group="poller", exclusive=True, exit_on_error=True)
        self.run_worker(self.watched.run(), group="watch", exclusive=True, exit_on_error=True)
        self.run_worker(self._show_news(), group="news", exclusive=True, exit_on_error=True)

    def switch_source(self, source: str | None) -> None:
        """List another source's runs, from nothing: what is known is of the one before.

        Args:
            source: Which, or None to stay.
        """
        if source is None or source == self.settings.source:
            return
        self.settings = self.settings.model_copy(update={"source": source})
        self.watched.close()
        self._begin()
        self.switch_screen(RunsScreen())
        self._poll()

    def switch_profile(self, profile: Offered) -> None:
        """Go to the gym of another profile.

        Args:
            profile: Which.
        """
        if any(worker.group == ACTING and not worker.is_finished for worker in self.workers):
            # Its answer belongs here, and its connection must not be taken from it.
            self.notify("what was sent to this gym is still under way", severity="warning")
            return
        self.run_worker(
            self._switch_profile(profile), group="switch", exclusive=True, exit_on_error=True
        )

    async def _switch_profile(self, profile: Offered) -> None:
        gyms = self.gyms
        if gyms is None:
            return
        loaded = await switching.load(self, gyms, profile)
        tell_problems(self, loaded.problems)
        if loaded.fatal:
            return
        settings = loaded.settings
        self.enter(settings, gyms.client(settings), gyms.journal(settings))
        log.debug("switched to profile %s, %s", settings.profile_name, settings.base_url)
        if settings.theme is not None and settings.theme != self.palette.name:
            self.wear_named(settings.theme)
        usual = settings.profile_name == loaded.usual_profile
        self.arrangement.pick(None if usual else settings.profile_name)
        await self._leave()

    def enter(self, settings: Settings, client: Endpoints, journal: Path | None) -> None:
        """Go to another gym, from nothing: no row, question or key of the one before is left.

        Args:
            settings: What leads there.
            client: The gym.
            journal: Where what is observed of it is kept; None keeps nothing.
        """
        while len(self.screen_stack) > 2:
            self.pop_screen()
        self.watched.close()
        self._left.append((self._client, self._journal))
        self.settings, self._client, self.hint = settings, client, None
        if settings.key is not None:
            self.reporter.hide(settings.key.reveal())
        self.__dict__.pop("desk", None)
        self._clock = ServerClock(self._wall, self._monotonic)
        self._open_journal(journal)
        if "launches" in self.__dict__:
            self.launches.close()
        self._begin()
        self.switch_screen(RunsScreen())
        self._poll()

    def _open_journal(self, path: Path | None) -> None:
        self._journal, self._journal_path = None, path
        if path is not None:
            self._journal = Journal.open(path, on_notice=self._journal_in_trouble)

    async def _leave(self) -> None:
        """Close what belongs to the gyms that were left."""
        for client, journal in tuple(self._left):
            if journal is not None:
                await asyncio.to_thread(journal.close)
            await client.aclose()
            self._left.remove((client, journal))

    async def on_unmount(self) -> None:
        """Write down what was watched, and close the connections."""
        self.watched.close()
        self._left.append((self._client, self._journal))
        await self._leave()
        self.housekeeping.end()

    def _journal_in_trouble(self, notice: Notice) -> None:
        """Say so once; called on the journal's thread."""
        self.call_later(self.notify, notice.text, severity="warning")

    def _remembered(self, summaries: Mapping[str, RunSummary]) -> None:
        """What the journal kept of finished runs came in."""
        self._changed_here(self._poller.remember(summaries))

    def _recalled(self, run_id: str) -> None:
        """What the journal kept of a run's rollouts came in."""
        rows = self.store.rollouts_of(run_id)
        self._changed_here(Delta(rollouts_changed=frozenset(row.rollout_id for row in rows)))

    def _heard(self, query: Query, applied: Applied, window: Window) -> Iterable[None]:
        """Called by the poller right after each answer: what passes quickly is seen here alone."""
        self._tell_of_runs()
        return self.watched.answering(query, applied, window)

    def _observed(self, update: Update) -> None:
        """Called by the poller with every change; what comes together is shown together."""
        self.watched.dropped(update.delta.rollouts_removed)
        self._look_out(update.delta.rollouts)
        self._bury(update.delta.runs_changed)
        self._tell_of_runs()
        self._untold = self._untold.then(update.delta)
        self._news.set()

    async def _show_news(self) -> None:
        """Show what was observed, in turns of its own: taking the answer in took long enough."""
        while True:
            await self._news.wait()
            self._news.clear()
            delta, self._untold = self._untold, NOTHING
            screen = self.top
            if screen is not None:
                if delta:
                    screen.changed(delta)
                self._show_link()
            while self._look_out():
                await self.turns.give()
            self.housekeeping.came(len(delta.rollouts))

    def _look_out(self, touched: Iterable[str] = ()) -> bool:
        """Take what changed into the outlook; of much only a part, and whether some is left."""
        now_s = self.now().timestamp()
        return self.outlook.take(touched, self.store.rollouts, self.store.runs, now_s)

    def _tell_of_runs(self) -> None:
        """Tell what happened to watched runs, while what is known of them is fresh."""
        if self.link.state(self._monotonic()) is not LinkState.LIVE:
            return
        tidings = self.teller.notice(self.store, self.outlook, self.now().timestamp())
        if tidings:
            from gymtui.tui.telling import tell

            tell(self, self.settings, tidings)
            self._changed_here(Delta(runs_changed=frozenset(t.run.row.run_id for t in tidings)))

    def watch_for(self, run_ids: Sequence[str]) -> None:
        """Tell when these runs end, or no longer.

        Args:
            run_ids: Which; those that ended already are only named.
        """
        rows = [self.store.runs[i] for i in run_ids if i in self.store.runs]
        rows = [row for row in rows if row.malformed is None and not row.gone]
        if not rows:
            return
        watched, over = self.teller.switch(rows)
        self._changed_here(Delta(runs_changed=frozenset(row.run_id for row in rows)))
        if watched:
            self.notify(f"you will be told when {listed(watched)} ends, stalls or fails", timeout=3)
        elif len(over) < len(rows):
            self.notify("you will not be told", timeout=3)
        if over:
            self.notify(f"{listed(over)} ended already", severity="warning", timeout=3)

    def _show_link(self) -> None:
        screen = self.top
        if screen is None:
            return
        now_s = self._monotonic()
        state = self.link.state(now_s)
        screen.dim(state in (LinkState.STALE, LinkState.STOPPED))
        screen.show_frame()
        if ticking(self.link, now_s):
            if self._seconds is None:
                self._seconds = self.set_interval(1.0, self._show_link)
        elif self._seconds is not None:
            self._seconds.stop()
            self._seconds = None

    async def on_event(self, event: events.Event) -> None:
        """See that somebody is there, whoever handles the key."""
        if isinstance(event, events.InputEvent):
            self.housekeeping.key(self._monotonic())
            self.turns.key()
            if isinstance(event, events.Key) and self._opens_filter(event):
                return
        await super().on_event(event)

    def post_display_hook(self) -> None:
        """Called by the framework after each frame."""
        self.turns.drawn()

    def _opens_filter(self, event: events.Key) -> bool:
        """Open the filter's line before the next key is looked at, if that is what the key does.

        A key's binding runs when the key has been handed from widget to widget, by which time
        the rest of what was typed in a burst (over a slow line, or pasted) has been handed to
        the list, and would be lost.
        """
        screen = self.screen
        if event.is_forwarded or not isinstance(screen, GymScreen):
            return False
        if isinstance(screen.focused, Input):  # there it is a character
            return False
        bound = screen.active_bindings.get(event.key)
        if bound is None or not bound.enabled or bound.binding.action != "filter":
            return False
        screen.action_filter()
        return True

    def _time_passed(self) -> None:
        self.housekeeping.idle(self._monotonic())
        self._tell_of_runs()
        screen = self.top
        if screen is not None:
            screen.changed(Delta())
            screen.show_frame()

    def _bury(self, run_ids: Iterable[str]) -> None:
        """Let runs that are gone be seen as such for a while, then drop them."""
        runs = self.store.runs
        gone = frozenset(run_id for run_id in run_ids if run_id in runs and runs[run_id].gone)
        if gone:
            self.set_timer(GONE_SHOWN_S, lambda: self._drop(gone))

    def _drop(self, run_ids: frozenset[str]) -> None:
        runs = self.store.runs
        still = frozenset(run_id for run_id in run_ids if run_id in runs and runs[run_id].gone)
        delta = self._poller.forget(still)
        self.watched.forget(still)
        self.watched.dropped(delta.rollouts_removed)
        if self._look_out(delta.rollouts):
            self._news.set()
        screen = self.top
        if delta and screen is not None:
            screen.changed(delta)

    def terminal_resumed(self, gap_s: float) -> None:
        """Say that nobody saw what happened meanwhile."""
        self.notify(f"the terminal did not read for {gap_s:.0f} s; polling went on")

    # -- what keys do ----------------------------------------------------------------------

    def go_back(self, *, quit_at_end: bool) -> None:
        """Leave the top screen; at the first one quit, if that is meant."""
        if len(self.screen_stack) > 2:
            self.pop_screen()
        elif quit_at_end:
            self.exit()

    def refresh_now(self) -> None:
        """Ask the gym now, and draw everything, should the terminal show something else."""
        self._poller.refresh()
        self.redraw()

    def toggle_pause(self) -> None:
        """Stop asking, or go on."""
        self._poller.pause(not self.link.paused)

    def show_help(self, scopes: Sequence[Scope]) -> None:
        """Show the keys."""
        doors.help_(self, scopes)

    # -- what changes the gym --------------------------------------------------------------

    def ask_to(
        self, verb: Verb, run_ids: Sequence[str], *, hidden: frozenset[str] = frozenset()
    ) -> None:
        """Ask whether to cancel or delete runs, and do it if so.

        Args:
            verb: What to do.
            run_ids: To which runs.
            hidden: Those of them that the filter hides.
        """
        if self.settings.read_only:
            self.notify("read-only: nothing is cancelled or deleted", severity="warning")
            return
        rows = [self.store.runs[i] for i in run_ids if i in self.store.runs]
        targets = targets_among(verb, rows, hidden=hidden)
        if not targets:
            self.notify(why_none(verb, rows), timeout=3)
            return

        def answered(do_it: bool | None) -> None:
            if do_it:
                self.run_worker(
                    self._act(verb, [target.run_id for target in targets]),
                    group=ACTING,
                    exit_on_error=True,
                )

        doors.confirmation(self, Question(verb, targets), answered)

    async def _act(self, verb: Verb, run_ids: Sequence[str]) -> None:
        intent = Intent.CANCEL if verb is Verb.CANCEL else Intent.DELETE
        self._changed_here(self.store.intend(run_ids, intent))
        done = await act(self._client, verb, run_ids)
        undone = [
            item.run_id
            for item in done
            if item.error is not None or (verb is Verb.CANCEL and item.rollouts == 0)
        ]
        self._changed_here(self.store.intend(undone, None))
        gone = [
            item.run_id
            for item in done
            if item.gone or (verb is Verb.DELETE and item.error is None)
        ]
        if gone:
            self._changed_here(self.store.mark_gone(gone, self._monotonic()))
            self._bury(gone)
        self._tell(verb, done)
        self._poller.refresh()

    def _tell(self, verb: Verb, done: Sequence[Done]) -> None:
        failed = any(item.error is not None for item in done)
        self.notify("\n".join(told(verb, done)), severity="warning" if failed else "information")

    def _changed_here(self, delta: Delta) -> None:
        if self._look_out(delta.rollouts):
            self._news.set()
        screen = self.top
        if delta and screen is not None:
            screen.changed(delta)
