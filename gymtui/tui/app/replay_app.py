"""The dashboard on a recording: the same screens at any moment of it, and no request is sent."""

from __future__ import annotations

import random
from collections.abc import Sequence

from gymtui.config.settings import Settings
from gymtui.core.text import clean
from gymtui.session.replay import OfflineClient, Playback, ReplaySession
from gymtui.store.delta import Delta
from gymtui.store.history.recording_reader import Recording
from gymtui.tui.app.app import GymtuiApp
from gymtui.tui.context.keymap import Scope, bindings
from gymtui.tui.context.preferences import Preferences
from gymtui.tui.context.routes import OpenRun
from gymtui.tui.runtime.crash_report import Reporter

REDRAWN_S = 0.5
"""How often what changes by the passing of time alone is looked at while it is played."""


class ReplayApp(GymtuiApp):
    """Plays a recording that is not empty, with read-only settings of what led to its gym.

    Args:
        at_us: Where it begins, by the gym's clock; None for the recording's begin.
        run_id: The run that is opened at once.
    """

    BINDINGS = bindings(Scope.REPLAY)
    quit_remark = ""

    def __init__(
        self,
        recording: Recording,
        settings: Settings,
        reporter: Reporter,
        *,
        at_us: int | None = None,
        run_id: str | None = None,
        preferences: Preferences | None = None,
    ) -> None:
        replayed: list[ReplaySession] = []
        super().__init__(
            settings,
            OfflineClient(),
            reporter,
            preferences=preferences,
            wall=lambda: replayed[0].local_s() if replayed else 0.0,
        )
        self.playback = Playback(
            recording, input_priority=self.input_priority, monotonic=self._monotonic
        )
        if at_us is not None:
            self.playback.position_us = at_us
        self.session = ReplaySession(
            settings,
            self.playback,
            self,
            input_priority=self.input_priority,
            rng=random.Random(),  # noqa: S311  (no key, no secret)
        )
        replayed.append(self.session)
        self._run_id = run_id

    def on_mount(self) -> None:
        """Begin to play, once the base class has put the first screen there."""
        self.set_interval(REDRAWN_S, self._time_played)
        self.call_after_refresh(self._opened)

    def _opened(self) -> None:
        if self._run_id is not None:
            self.navigate(OpenRun(self._run_id))
        play, help_ = self.keys.label("replay-play"), self.keys.label("help")
        self.notify(f"{play} plays and pauses · {help_} shows the keys")

    def _time_played(self) -> None:
        if self.playback.playing:
            self.changed(Delta())

    def show_help(self, scopes: Sequence[Scope]) -> None:
        super().show_help((Scope.REPLAY, *scopes))

    def show_replay(self, run_id: str | None) -> None:
        self.notify("this is the replay", timeout=2)

    def action_replay_play(self) -> None:
        self.playback.pause(self.playback.playing)

    def action_replay_step(self, by: int) -> None:
        self.playback.step(by)

    def action_replay_skip(self, seconds: int) -> None:
        self.playback.skip(seconds)

    def action_replay_speed(self, by: int) -> None:
        self.playback.change_speed(by)

    def action_replay_mark(self, by: int) -> None:
        mark = self.playback.go_to_mark(by)
        if mark is None:
            self.notify(f"no {'later' if by > 0 else 'earlier'} mark", timeout=2)
        else:
            name = f"rollout {mark.rollout_id}" if mark.rollout_id is not None else mark.run_id
            self.notify(clean(f"{mark.what}: {name}"), timeout=3)

    def action_replay_live(self) -> None:
        self.playback.go_to_end()
