"""The app: it owns the session with one gym and carries what was observed to the screens."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from textual import events
from textual.worker import Worker

from gymtui.api.endpoints import Endpoints
from gymtui.config.settings import ProfileInfo, Settings
from gymtui.core.replacement import replace
from gymtui.core.secret import ApiKey
from gymtui.session.actions import ActionResult, Verb
from gymtui.session.alerts import RunAlert
from gymtui.session.recording_follower import follow_recorder
from gymtui.session.session import Session
from gymtui.store.delta import Delta
from gymtui.store.history.journal import Notice
from gymtui.store.history.journal_place import Place
from gymtui.tui.app import router, run_actions
from gymtui.tui.app.absence import Absence
from gymtui.tui.app.host import HostApp
from gymtui.tui.app.news import News
from gymtui.tui.app.profile_switch import ProfileConnections, load_profile
from gymtui.tui.app.rollout_pair import choose_pair
from gymtui.tui.app.sessions import SessionFactory
from gymtui.tui.context.preferences import Appearance, Preferences
from gymtui.tui.context.routes import (
    CompareRollouts,
    CompareRuns,
    OpenLaunch,
    OpenMatrix,
    OpenRun,
    Route,
)
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.runs.screen import RunsScreen
from gymtui.tui.runtime.crash_report import Reporter

log = logging.getLogger(__name__)

PRELOAD_S = 0.5
"""How long after the first frame the other screens are read in: the first answer comes before."""
AGES_S = 10.0
"""How often what changes by the passing of time alone is looked at."""


class GymtuiApp(HostApp):
    """The dashboard.

    Args:
        journal: Where what is observed of this gym is kept; None keeps nothing.
        archive: Where transcripts are kept; None keeps them in memory.
        notes: What is told once the screen is there.
        gyms: What other profiles lead to; None where there are none.
        model_env: The environment that model keys may come from.
    """

    session: Session
    shows_alerts = True

    def __init__(
        self,
        settings: Settings,
        client: Endpoints,
        reporter: Reporter,
        *,
        preferences: Preferences | None = None,
        journal: Place | None = None,
        archive: Path | None = None,
        notes: Sequence[str] = (),
        gyms: ProfileConnections | None = None,
        guided: bool = False,
        model_env: Mapping[str, str] = MappingProxyType({}),
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        wanted = preferences or Preferences()
        looks = wanted.appearance or Appearance(settings.theme, ascii=settings.ascii)
        wanted = replace(wanted, appearance=looks)
        super().__init__(reporter=reporter, preferences=wanted, guided=guided, monotonic=monotonic)
        self.gyms = gyms
        self._wall = wall
        self._news = News(self)
        self._notes = notes
        kept = self.saved_layout.path
        self._absence = Absence(kept.parent if kept is not None else None, wall)
        self.sessions = SessionFactory(
            self,
            input_priority=self.input_priority,
            wall=wall,
            monotonic=monotonic,
            find_key=self._find_key,
            model_env=model_env,
            on_notice=self._journal_in_trouble,
            journal_place=journal,
            archive_path=archive,
        )
        self.session = self.sessions.first(settings, client)

    def _find_key(self, settings: Settings) -> tuple[ApiKey, str] | None:
        """Look for the key anew, in a thread; what is found is kept out of all that is written."""
        found = self.gyms.find_key(settings) if self.gyms is not None else None
        if found is not None:
            self.reporter.hide(found[0].reveal())
        return found

    # -- for the screens -------------------------------------------------------------------

    @property
    def read_only(self) -> bool:
        return self.session.settings.read_only

    @property
    def away_since(self) -> datetime | None:
        return self._absence.since(self.session)

    def now(self) -> datetime:
        return self.session.now()

    def wall_clock(self) -> str:
        return datetime.fromtimestamp(self._wall()).astimezone().strftime("%H:%M")

    def begin(self, work: Coroutine[None, None, None], group: str) -> Worker[None]:
        """Carry work out; a defect in it ends the program."""
        return self.run_worker(work, group=group, exit_on_error=True)

    def notify_later(self, words: str, severity: Literal["information", "warning"]) -> None:
        """Tell something, on the screen that comes next if one is about to."""
        self.call_after_refresh(self.notify, words, severity=severity)

    def hide(self, secret: str) -> None:
        """Keep a secret out of reports of defects."""
        self.reporter.hide(secret)

    def view_changed(self) -> None:
        if (screen := self.top) is not None:
            self.session.update_view(screen.poll_target)

    def on_mount(self) -> None:
        self.session = self.sessions.with_journal(self.session)
        self.start_with(RunsScreen())
        for note in self._notes:
            self.notify(note, severity="warning")
        self.set_interval(AGES_S, self._time_passed)
        self.call_after_refresh(self._after_first_frame)

    def _after_first_frame(self) -> None:
        """The first frame is on screen: begin with what it did not need."""
        self.gc_control.begin()
        self._poll()
        self.set_timer(PRELOAD_S, self._preload)

    def _preload(self) -> None:
        # Begun by its worker: one that is cancelled before leaves no coroutine behind.
        reading = partial(asyncio.to_thread, router.preload_screens)
        _: Worker[None] = self.run_worker(reading, group="preload", exit_on_error=True)

    def _poll(self) -> None:
        session = self.session
        works = {
            "poller": session.poller.run(),
            "watch": session.tracker.run(),
            "recorder": follow_recorder(session),
            "news": self._news.show(session),
        }
        for group, work in works.items():
            self.run_worker(work, group=group, exclusive=True, exit_on_error=True)

    def switch_source(self, source: str | None) -> None:
        """List another source's runs, from nothing: what is known is of the one before."""
        if source is None or source == self.session.settings.source or self._is_busy():
            return
        self._enter_session(self.sessions.of_source(self.session, source))

    @property
    def other_profiles(self) -> Sequence[ProfileInfo]:
        now = self.session.settings.profile_name
        offered = self.gyms.profiles if self.gyms is not None else ()
        return [profile for profile in offered if profile.name != now]

    def switch_profile(self, profile: ProfileInfo) -> None:
        if self.gyms is not None and not self._is_busy():
            going = self._switch_to(self.gyms, profile)
            self.run_worker(going, group="switch", exclusive=True, exit_on_error=True)

    async def _switch_to(self, gyms: ProfileConnections, profile: ProfileInfo) -> None:
        """Go to the gym of another profile, and remember that one did."""
        loaded = await load_profile(self, gyms, profile)
        self.clear_notifications()  # those were about the gym that is left
        self.notify_problems(loaded.problems)
        if loaded.fatal:
            return
        settings = loaded.settings
        self.enter(settings, gyms.client(settings), gyms.journal(settings))
        log.debug("switched to profile %s, %s", settings.profile_name, settings.base_url)
        if settings.theme is not None and settings.theme != self.palette.name:
            self.apply_named_theme(settings.theme)
        usual = settings.profile_name == loaded.default_profile
        self.saved_layout.pick(None if usual else settings.profile_name)
        await self.sessions.close_pending()

    def _is_busy(self) -> bool:
        """Whether a cancel or delete is under way, which is said: its answer belongs here."""
        busy = any(w.group == run_actions.GROUP and not w.is_finished for w in self.workers)
        if busy:
            self.notify("a request to this gym is still in progress", severity="warning")
        return busy

    def enter(self, settings: Settings, client: Endpoints, journal: Place | None) -> None:
        """Go to another gym, from nothing: no row, question or key of the one before is left."""
        self.go_to_runs()
        if settings.key is not None:
            self.reporter.hide(settings.key.reveal())
        self._enter_session(self.sessions.at_gym(self.session, settings, client, journal))

    def _enter_session(self, session: Session) -> None:
        """Know nothing but what this session learns."""
        self.session = session
        self.switch_screen(RunsScreen())
        self._poll()

    def exit(self, result: None = None, return_code: int = 0, message: str | None = None) -> None:  # type: ignore[override]
        """Leave the program, and say what nobody will know of what was sent."""
        if message is None and not self._exit:
            message = run_actions.describe_unanswered(self.session)
        super().exit(result, return_code, message)

    async def on_unmount(self) -> None:
        self._absence.keep()
        await self.sessions.close(self.session)

    def _journal_in_trouble(self, notice: Notice) -> None:
        """Say so once; called on the journal's thread."""
        self.call_later(self.notify, notice.text, severity="warning")

    def on_alerts(self, alerts: Sequence[RunAlert]) -> None:
        """Tell what happened to watched runs."""
        from gymtui.tui.app.notifier import notify_alert

        notify_alert(self, self.session.settings, alerts)

    def action_finished(self, results: Sequence[ActionResult]) -> None:
        """Tell that runs go on although they were cancelled."""
        run_actions.report_results(self, results)

    async def on_event(self, event: events.Event) -> None:
        """See when the person waits for a frame."""
        if isinstance(event, events.InputEvent):
            self.input_priority.key_pressed()
            self._absence.key_pressed()
        await super().on_event(event)

    def post_display_hook(self) -> None:
        """Called by the framework after each frame."""
        self.input_priority.frame_drawn()

    def _time_passed(self) -> None:
        self.gc_control.idle(self._monotonic())
        self.session.tell_alerts()
        digest = self._absence.due(self.session)
        if digest is not None:
            self.notify(f"{digest.line} · {self.keys.label('digest')} lists it", timeout=AGES_S)
        if (screen := self.top) is not None:
            screen.changed(Delta())
            screen.show_frame()

    def terminal_resumed(self, gap_s: float) -> None:
        self.notify(f"the terminal was blocked for {gap_s:.0f} s; polling continued")

    def refresh_now(self) -> None:
        """Ask the gym now, and draw everything, should the terminal show something else."""
        self.session.poller.refresh()
        self.redraw()

    def navigate(self, route: Route) -> None:
        match route:
            case OpenLaunch() if self.read_only:
                why = self.session.settings.why_read_only
                self.notify(f"{why}: launch is disabled", severity="warning")
            case OpenRun(run_id):
                self._go_to_run(run_id, route)
            case CompareRollouts(chosen):
                choose_pair(self, self.session, chosen)
            case OpenMatrix(replace=True) | CompareRuns(replace=True):
                self.switch_screen(router.screen_of(route))
            case _:
                super().navigate(route)

    def show_replay(self, run_id: str | None) -> None:
        from gymtui.tui.app.replay_process import open_replay

        open_replay(self, self.session, run_id, self.gyms)

    def _go_to_run(self, run_id: str, route: OpenRun) -> None:
        """Show a run's rollouts: the screen that is there already, or else a new one."""

        def there(screen: object) -> bool:
            return isinstance(screen, GymScreen) and screen.shows_run == run_id

        if not any(map(there, self.screen_stack)):
            self.go_to_runs()
            super().navigate(route)
        while not there(self.screen_stack[-1]):
            self.pop_screen()

    # -- what changes the gym --------------------------------------------------------------

    def ask_to(
        self, verb: Verb, run_ids: Sequence[str], *, hidden: frozenset[str] = frozenset()
    ) -> None:
        run_actions.confirm(self, self.session, verb, run_ids, hidden)
