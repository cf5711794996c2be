"""What a recorder of the same gym writes, taken in while it is written.

Who looks at a gym beside a recorder asks for what is on screen alone (`poll.plan`): the rest is
brought from here. What is in the files is `store.history.recording_reader`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gymtui.api.errors import GymError
from gymtui.core.instants import from_micros, micros
from gymtui.core.replacement import replace
from gymtui.core.server_clock import ServerClock, Window
from gymtui.poll.intake import Intake
from gymtui.poll.plan import IDLE_INTERVAL_S
from gymtui.poll.recorded_state import read_summaries, state_of
from gymtui.poll.tracker import RolloutTracker
from gymtui.store.delta import Observation, OneRun, RolloutsOf, RunsPage
from gymtui.store.history.observer import ObserverState, Watched
from gymtui.store.history.recorded_answers import (
    RecordedAnswer,
    RecordedAnswers,
    body_of,
)
from gymtui.store.history.recording_reader import Moment, Piece, Recording
from gymtui.store.history.recording_rows import (
    Answer,
    Head,
    KeptRollout,
    Snapshot,
    unpack_query,
)
from gymtui.store.history.recording_writer import is_recorded
from gymtui.store.stats.run_summary import RunSummary
from gymtui.store.store import Store

LOOK_S, FIRST_LOOK_S = 1.0, 0.1  # how often it is looked for more, and for the gym's first answer
LATE_INTERVALS = 3
"""A recorder whose last answer is older than so many of its intervals is not relied upon."""
LEAST_INTERVAL_S = 2.0  # however often it asks, it writes no more often than this
NEWEST = 2  # of a recording's files so many are read: the last one, and the one it goes on from
FETCHED_S = 2.0  # by so much later comes what is recorded elsewhere


@dataclass(frozen=True, slots=True)
class _News:
    to_us: int  # when the last answer came in, by the server's clock
    interval_s: float  # how often the recorder asks
    moment: Moment | None  # where reading begins, or begins anew after a gap
    pieces: list[Piece]


class RecordingIntake:
    """Takes a recording, there or not, in while a recorder writes it.

    A recorder of another source or scenario is of no use.

    Args:
        remember: Takes in numbers of runs whose rollouts are not held.
        is_recorded_elsewhere: Whether a colleague's recorder, whose files are fetched, is at work;
            None for a recording of one's own.
    """

    def __init__(
        self,
        directory: Path,
        source: str | None,
        scenario_id: str | None,
        *,
        store: Store,
        tracker: RolloutTracker,
        intake: Intake,
        clock: ServerClock,
        monotonic: Callable[[], float],
        remember: Callable[[dict[str, RunSummary]], object],
        is_recorded_elsewhere: Callable[[], bool] | None = None,
    ) -> None:
        self._directory = directory
        self._scope = (source, scenario_id)
        self._store = store
        self._tracker = tracker
        self._intake = intake
        self._clock = clock
        self._monotonic = monotonic
        self._remember = remember
        self._is_recorded_elsewhere = is_recorded_elsewhere
        self._answers = RecordedAnswers()
        self._recording: Recording | None = None
        self._events: Iterator[Piece | None] | None = None

    async def run(self) -> None:
        """Look again and again until cancelled."""
        if await asyncio.to_thread(self._is_recorded):
            # Until it is read, nothing is asked that it probably has.
            late_s = LATE_INTERVALS * LEAST_INTERVAL_S
            self._intake.recorder_seen(self._monotonic() + late_s)
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S if self._store.runs else FIRST_LOOK_S)

    async def look(self) -> None:
        """Take in what was written since, and say how fresh that is."""
        if not self._store.runs:
            return  # before the gym answered here, its clock is not known
        news = await asyncio.to_thread(self._read, self._now_us())
        if news is None:
            self._intake.recorder_seen(-math.inf)
            return
        if news.moment is not None:
            await self._begin(news.moment.snapshot)
        for piece in news.pieces:
            for row in piece.rows:
                answer = self._answers.read(row) if isinstance(row, Answer) else None
                if answer is not None:
                    await self._take(answer)
        self._intake.tell()
        late_s = self._late_s(news.interval_s)
        age_s = (self._now_us() - news.to_us) / 1_000_000
        # Of a team many look: what all of them ask is asked once.
        spares_s = 0.0 if self._is_recorded_elsewhere is None else late_s - LOOK_S
        self._intake.recorder_seen(self._monotonic() + late_s - age_s, spares_s)

    # -- reading, in a thread ----------------------------------------------------------------

    def _read(self, now_us: int) -> _News | None:
        """What was written since; None where there is no recorder to rely upon."""
        if not self._is_recorded():
            self._recording = self._events = None
            return None
        if self._recording is None:
            self._recording = Recording(self._directory, NEWEST)
        else:
            self._recording.refresh()
        recording, head = self._recording, self._recording.last_head
        if head is None or recording.is_over or not self._is_usable(head):
            self._events = None
            return None
        moment, to_us = None, recording.to_us
        if self._events is None:
            # What an earlier recorder left is no news.
            if now_us - to_us < self._late_s(head.interval_s) * 1_000_000:
                moment = recording.at(to_us, goes_on=True)
            if moment is None:
                return None
            self._events = moment.events
        pieces = []
        for piece in self._events:
            if piece is None:
                break
            pieces.append(piece)
        else:
            self._events = None  # after a gap it is begun anew
        recording.forget_snapshots()
        return _News(to_us, head.interval_s, moment, pieces)

    def _is_usable(self, head: Head) -> bool:
        return head.whole and (head.source, head.scenario) == self._scope

    def _late_s(self, interval_s: float) -> float:
        """How old what a recorder wrote last may be."""
        active = bool(self._store.active_runs)
        every_s = max(interval_s, LEAST_INTERVAL_S if active else IDLE_INTERVAL_S)
        lag_s = 0.0 if self._is_recorded_elsewhere is None else FETCHED_S
        return LATE_INTERVALS * every_s + lag_s

    def _is_recorded(self) -> bool:
        """Whether a recorder is at work, here or elsewhere."""
        elsewhere = self._is_recorded_elsewhere
        return is_recorded(self._directory) or (elsewhere is not None and elsewhere())

    # -- taking in ---------------------------------------------------------------------------

    async def _begin(self, snapshot: Snapshot) -> None:
        """Know what was known at a snapshot, as old as it is."""
        self._answers.begin(snapshot)
        runs = self._answers.runs
        pages = []
        for page in snapshot.listed:
            try:
                pages.append((unpack_query(page.asked), page))
            except ValueError:
                continue
        of_runs = [(query, page) for query, page in pages if isinstance(query, RunsPage)]
        listed: set[str] = set()
        for query, page in sorted(of_runs, key=lambda found: found[0].offset):
            listed.update(page.ids)
            body = body_of(query, page.total, (runs[i] for i in page.ids if i in runs))
            at_us = page.early_us
            await self._take(RecordedAnswer(query, body, at_us, at_us, at_us))
        early_us = {query: page.early_us for query, page in pages}
        first_us = min(early_us.values(), default=0)
        for run_id, run in snapshot.runs.items():
            if run_id not in listed and not run.deleted:
                at_us = early_us.get(OneRun(run_id), first_us)
                one = RecordedAnswer(OneRun(run_id), run.raw, at_us, at_us, at_us)
                await self._take(one)
        state = state_of(snapshot.watching, self._store.active_runs.__contains__)
        own = frozenset(self._tracker.observer.state.watched)
        for seen in state.lives.values():
            self._tracker.join(seen)
        self._know_watched(state.observer, own)
        for run_id, items in snapshot.rollouts.items():
            if run_id in self._store.runs:
                about = RolloutsOf(run_id)
                raws = [item.raw for item in items if item.raw]
                at_us = early_us.get(about, first_us)
                body = body_of(about, len(raws), raws)
                await self._take(RecordedAnswer(about, body, at_us, at_us, at_us))
                self._date(items)
        # Some were looked at later than with all of their run.
        self._know_watched(state.observer, own)
        self._remember(read_summaries(snapshot.summaries.values()))

    def _know_watched(self, state: ObserverState, own: Container[str]) -> None:
        """Know what the recorder remembers of active rollouts but those that were watched here."""
        observer = self._tracker.observer
        turn = observer.state.turn
        of_runs: dict[str, dict[str, Watched]] = {i: {} for i in self._store.active_runs}
        for rollout_id, known in state.watched.items():
            run_id = known.observation.run_id
            if rollout_id not in own and run_id in of_runs:
                look = state.lists.get(run_id)
                last = look.window if look and look.turn > known.turn else known.last
                of_runs[run_id][rollout_id] = replace(known, last=last, turn=turn)
        for run_id, watched in of_runs.items():
            gaps_s = observer.step_gaps_s(run_id) or state.step_gaps_s.get(run_id, ())
            observer.remember(watched, run_id, gaps_s)

    def _date(self, items: Iterable[KeptRollout]) -> None:
        """Say when the recorder first saw these, as far as they are still so."""
        rows = self._store.rollouts
        self._store.date(
            {
                item.rollout_id: item.at_us / 1_000_000
                for item in items
                if item.rollout_id in rows and rows[item.rollout_id].raw == item.raw
            }
        )

    async def _take(self, answer: RecordedAnswer) -> None:
        # What both clocks are not sure of makes it older, never newer than what was asked here.
        ago_s = (self._now_us() - answer.early_us) / 1_000_000 + (self._clock.error_s or 0.0)
        sent_s = self._monotonic() - max(0.0, ago_s)
        seen = Observation(answer.query, answer.body, sent_s, answer.at_us / 1_000_000)
        window = Window(from_micros(answer.early_us), from_micros(answer.late_us))
        try:
            await self._intake.take_recorded(seen, window)
        except GymError:
            return  # what the gym said there could not be read then either

    def _now_us(self) -> int:
        return micros(self._clock.now(self._monotonic()))
