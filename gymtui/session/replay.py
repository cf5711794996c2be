"""A session with a recording in place of a gym: it has a clock of its own, and nothing is asked.

How a recording becomes what is known is `session.playback`; keys and the time line are the app's.
"""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, time

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import Refused
from gymtui.api.request import Call
from gymtui.api.response import Answer
from gymtui.config.settings import Settings
from gymtui.core.instants import from_micros
from gymtui.core.secret import ApiKey
from gymtui.core.server_clock import ServerClock
from gymtui.poll.connection import Link, Update
from gymtui.poll.view import View
from gymtui.session.host import SessionHost
from gymtui.session.input_priority import InputPriority
from gymtui.session.playback import Player
from gymtui.session.session import Session
from gymtui.session.update_source import UpdateSource
from gymtui.store.delta import NOTHING, Delta
from gymtui.store.history.recording_reader import Gap, Recording
from gymtui.store.history.recording_rows import Mark
from gymtui.store.stats.forecast import RunForecast

SPEEDS = (1, 2, 5, 10, 30, 60, 120, 300, 600)
FIRST_SPEED = 60
TICK_S = 0.1
FRESH_US = 95_000_000
"""So long after an answer the picture counts as fresh: a quiet gym is asked twice a minute."""
LATE_US = 10_000_000
"""Who follows what is recorded goes to its end if that is further on by this."""
AT_ONCE = 200  # answers played before keys get their turn


class OfflineClient(Endpoints):
    """Nobody is asked."""

    async def _ask(self, call: Call) -> Answer:
        raise Refused(409, "a recording is played: no request is sent, and it has no transcripts")

    def use_key(self, key: ApiKey) -> None:
        """There is nobody to send it to."""

    async def aclose(self) -> None:
        """There is nothing to close."""


class Playback(UpdateSource):
    """A recording that is played, and not empty: a feed of a session.

    Args:
        monotonic: Real seconds that only go forward.
    """

    def __init__(
        self,
        recording: Recording,
        *,
        input_priority: InputPriority,
        monotonic: Callable[[], float],
    ) -> None:
        self.recording = recording
        self.speed = FIRST_SPEED
        self.playing = False
        # The moment that is shown, by the gym's clock, microseconds since 1970.
        self.position_us = recording.from_us
        self.marks: tuple[Mark, ...] = tuple(recording.marks)
        self.gaps: tuple[Gap, ...] = tuple(recording.gaps())
        self._input_priority = input_priority
        self._monotonic = monotonic
        self._session: ReplaySession
        self._player: Player
        self._follows = False
        self._joined: set[str] = set()
        self._wake = asyncio.Event()

    def attach(self, session: ReplaySession) -> None:
        """Play into this session from now on; the first thing that is done with it."""
        self._session = session
        self._player = Player(self.recording, session.store, session.tracker)

    def lead_us(self) -> int:
        """How far the gym's clock was ahead of the recorder's."""
        return self._player.lead_us

    # -- as a feed -------------------------------------------------------------------------

    @property
    def link(self) -> Link:
        """How fresh the picture was then."""
        at_us = self._player.at_us
        fresh = self.gap is None and self.position_us - at_us < FRESH_US
        since_s = (self.position_us if fresh else at_us) / 1_000_000
        return Link(since_s=since_s, synced=True, reading=False)

    def set_view(self, view: View) -> None:
        """Have what was observed of the run on screen looked up."""
        run_id, session = view.open_run, self._session
        if run_id is not None and run_id not in self._joined:
            self._joined.add(run_id)
            session.tracker.join(self._player.lives_of(run_id))
            session.recalled(run_id)

    def pause(self, paused: bool) -> None:
        self.playing, self._follows = not paused, False
        self._wake.set()
        self._tell(NOTHING)

    async def run(self) -> None:
        self._show(self.position_us)
        last_s = self._monotonic()
        while True:
            self._wake.clear()
            if not self.playing:
                await self._wake.wait()
                last_s = self._monotonic()
                continue
            await asyncio.sleep(TICK_S)
            now_s = self._monotonic()
            to_us = self.position_us + round((now_s - last_s) * self.speed * 1_000_000)
            last_s = now_s
            await self._play(to_us)

    async def _play(self, to_us: int) -> None:
        player = self._player
        played_us = self.recording.to_us
        if to_us >= played_us:
            self._refresh()  # a recorder may be at work
        end_us = self.recording.to_us
        self.playing = to_us < end_us or not self.recording.is_over
        if self._follows and end_us > to_us + LATE_US:
            self._show(end_us)
            return
        if end_us > played_us and player.next_us is None:
            # What was written since goes on where the player saw the end.
            self._show(to_us)
            return
        self.position_us = min(to_us, end_us)
        delta, count = NOTHING, 0
        while (at_us := player.next_us) is not None and at_us <= self.position_us:
            delta = delta.then(player.step())
            count += 1
            if count % AT_ONCE == 0:
                await self._input_priority.yield_to_input()
        self._tell(delta)

    def _refresh(self) -> None:
        known_us = self.recording.to_us
        self.recording.refresh()
        if self.recording.to_us > known_us:
            self.marks = tuple(self.recording.marks)
            self.gaps = tuple(self.recording.gaps())

    # -- keys ------------------------------------------------------------------------------

    @property
    def gap(self) -> Gap | None:
        """The stretch without a record that the moment lies in."""
        inside = (gap for gap in self.gaps if gap.from_us < self.position_us < gap.to_us)
        return next(inside, None)

    def jump(self, to_us: int) -> None:
        """Show another moment, and follow what is recorded no more."""
        self._follows = False
        self._show(to_us)

    def _show(self, to_us: int) -> None:
        player, session = self._player, self._session
        to_us = min(max(to_us, self.recording.from_us), self.recording.to_us)
        self.position_us = to_us
        delta = player.jump(to_us, self._joined)
        for run_id in self._joined:
            session.tracker.join(player.lives_of(run_id))
        session.forget_pace()
        self._tell(delta.then(session.everything()))

    def skip(self, seconds: float) -> None:
        self.jump(self.position_us + round(seconds * 1_000_000))

    def step(self, by: int) -> None:
        """Go back or on by one change, and stop there."""
        player = self._player
        self.playing = self._follows = False
        if by < 0:
            self.jump(player.change_before(min(self.position_us, player.at_us)))
            return
        delta = NOTHING
        while (at_us := player.next_us) is not None and (not delta or at_us <= player.at_us):
            delta = delta.then(player.step())
        self.position_us = max(self.position_us, player.at_us)
        self._tell(delta)

    def change_speed(self, by: int) -> None:
        """Play faster or slower by one of the speeds."""
        self._follows = False
        at = SPEEDS.index(self.speed) + by
        self.speed = SPEEDS[min(max(at, 0), len(SPEEDS) - 1)]
        self._tell(NOTHING)

    def go_to_mark(self, by: int) -> Mark | None:
        """Go to the mark before or after the moment; None where there is none."""
        times = [mark.at_us for mark in self.marks]
        if by > 0:
            at = bisect_right(times, self.position_us)
        else:
            at = bisect_left(times, self.position_us) - 1
        if not 0 <= at < len(times):
            return None
        self.jump(times[at])
        return self.marks[at]

    def go_to_end(self) -> None:
        """Go to the last that was recorded, and on as it comes."""
        self._refresh()
        self.speed, self.playing = 1, True
        self.jump(self.recording.to_us)
        self._follows = True
        self._wake.set()

    def _tell(self, delta: Delta) -> None:
        self._session.take_update(Update(delta, self.link))


class _RecordedClock(ServerClock):
    """The gym's time at the moment that is shown."""

    def __init__(self, playback: Playback) -> None:
        super().__init__(lambda: 0.0, lambda: 0.0)
        self._playback = playback
        self.lead_us: Callable[[], int] = lambda: 0

    def sample(self, sent_mono_s: float, received_mono_s: float, date: datetime) -> None:
        """Nothing is learnt."""

    def now(self, mono_s: float | None = None) -> datetime:
        return from_micros(self._playback.position_us)

    @property
    def offset_s(self) -> float:
        """How far the gym's clock was ahead of the recorder's."""
        return self.lead_us() / 1_000_000


class ReplaySession(Session):
    """A session whose store is filled by a recording."""

    def __init__(
        self,
        settings: Settings,
        playback: Playback,
        host: SessionHost,
        *,
        input_priority: InputPriority,
        rng: random.Random,
    ) -> None:
        clock = _RecordedClock(playback)
        super().__init__(
            settings,
            OfflineClient(),
            clock,
            None,
            host,
            input_priority=input_priority,
            monotonic=lambda: playback.position_us / 1_000_000,
            rng=rng,
            feed=playback,
        )
        self.playback = playback  # what is played
        playback.attach(self)
        clock.lead_us = playback.lead_us

    def forget_pace(self) -> None:
        """After a jump nothing is known of how verdicts came in but what the rows say."""
        self.forecast = RunForecast()

    def local_s(self) -> float:
        """What the recorder's clock said at the moment that is shown, UNIX seconds."""
        return (self.playback.position_us - self.playback.lead_us()) / 1_000_000

    def tell_alerts(self) -> None:
        """What happened then was told then."""

    def _forget(self, run_ids: frozenset[str]) -> None:
        """What was deleted goes when it went then."""


def describe_position(playback: Playback) -> str:
    """Where one is: `replay 02:14:07 of 09:30:00 · 60×`."""
    begin = playback.recording.from_us
    done, whole = (_clock(us - begin) for us in (playback.position_us, playback.recording.to_us))
    words = f"replay {done} of {whole} · {playback.speed}×"
    if not playback.playing:
        words += " ‖"
    return words + (" · not recorded" if playback.gap is not None else "")


def _clock(micros: int) -> str:
    seconds = max(0, micros // 1_000_000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def read_moment(text: str, recording: Recording) -> int:
    """A moment of a recording: `18:02`, `18:02:30`, a date with a time, or `+2h` after its begin.

    In microseconds since 1970, by the gym's clock.

    Raises:
        ValueError: It is none.
    """
    from gymtui.store.column_def import MICROS, ValueKind
    from gymtui.store.lists.amounts import read_amount

    if text.startswith("+"):
        amount = read_amount(text[1:], ValueKind.DURATION).at
        return recording.from_us + round(amount / MICROS * 1_000_000)
    begin = from_micros(recording.from_us).astimezone()
    try:
        if "T" in text or " " in text:
            at = datetime.fromisoformat(text)
        else:
            of_day = time.fromisoformat(text)
            at = begin.replace(hour=of_day.hour, minute=of_day.minute, second=of_day.second)
            next_day = datetime.fromtimestamp(at.timestamp() + 86_400).astimezone()
            # Of a recording that began within that minute, its begin.
            if at < begin and next_day <= from_micros(recording.to_us):
                at = next_day
    except ValueError:
        raise ValueError(f"no time: {text}; such as 18:02, 2026-11-29T18:02 or +2h") from None
    return round(at.astimezone(UTC).timestamp() * 1_000_000)
