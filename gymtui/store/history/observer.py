"""From successive looks at rollouts to what is worth keeping: observations, and the pace of steps.

No clock and no network: each look comes with the window in which the server answered it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from gymtui.api.models import Rollout
from gymtui.core.replacement import replace
from gymtui.core.server_clock import Window
from gymtui.store.phases import FINISHED_STATUSES

BLIND_AFTER_S = 15.0
"""A longer time between two looks is a stretch not watched, not an edge with slack."""

STEP_GAPS_KEPT = 400
"""Times between steps kept a run: enough for a p95, and recent enough to follow a slow endpoint."""

OWN_GAPS_KEPT = 20  # the same of one rollout: what its cadence is drawn from

_NOT_RUNNING = FINISHED_STATUSES | {"pending"}
"""Statuses whose times the server tells exactly: when they were seen last adds nothing."""


class StateObservation(Struct, frozen=True):
    """A rollout was seen in a status and phase other than those it was last seen in.

    All times are the server's. Where the answer's own time is uncertain (its round trip, the
    estimate of the server's clock), each is the end of that window which claims less.
    """

    rollout_id: str
    run_id: str
    status: str | None  # as the server spells it
    phase: str | None  # as the server spells it; it tells something while the status is `running`
    seen_from: datetime  # the earliest instant at which this look may have been
    seen_at: datetime  # the latest instant at which this look may have been
    # The earliest instant at which the state before may have been seen last; None if none was.
    # The change lies between this and `seen_at`.
    last_otherwise_at: datetime | None
    # The last step it was seen at until now: an ended rollout no longer says it.
    step: int | None = None


class UnchangedPoll(Struct, frozen=True):
    """All running rollouts of a run were seen as they were: not a change, but no gap either."""

    run_id: str
    seen_from: datetime  # the earliest instant at which this may have been, on the server's clock
    seen_at: datetime  # the latest instant


class StepTimes(Struct, frozen=True):
    """When a running rollout took its last steps."""

    run_id: str
    rollout_id: str
    step: int  # the last one
    seen_from: datetime  # the earliest instant at which it was first seen there
    seen_at: datetime  # the latest
    gaps_s: tuple[float, ...] = ()  # the latest times between steps, in seconds, the oldest first


def extend_observations(
    observations: Sequence[StateObservation], look: UnchangedPoll
) -> tuple[StateObservation, ...]:
    """Repeat in a run's observations, at its last look, who was still in the same phase."""
    last = {observation.rollout_id: observation for observation in observations}
    still = tuple(
        replace(observation, seen_from=look.seen_from, seen_at=look.seen_at)
        for observation in last.values()
        if observation.phase is not None
        and observation.status not in _NOT_RUNNING
        and observation.seen_at < look.seen_at
    )
    return (*observations, *still)


class Watched(Struct):
    """What the observer remembers of one rollout."""

    observation: StateObservation  # how it was seen last
    first: Window  # when it was first seen so
    last: Window  # when it was last looked at by itself
    # How many lists had been taken in by then: a later one that lists all of its run looked at it
    # again.
    turn: int
    step: int | None
    last_step: int | None  # the last step that it said
    moved: Window  # when it was last seen to move
    gaps_s: tuple[float, ...] = ()  # its latest times between steps, the oldest first


class ListLook(Struct, frozen=True):
    """A list of all rollouts of a run: which one of all lists it was, and when it was answered."""

    turn: int
    window: Window


class ObserverState(Struct, frozen=True):
    """All that an observer remembers."""

    watched: Mapping[str, Watched]  # by rollout
    lists: Mapping[str, ListLook]  # by run, the last list of all its rollouts
    turn: int  # how many such lists there were
    step_gaps_s: Mapping[str, Iterable[float]]  # by run, the latest times between steps


class Observer:
    """Watches rollouts from poll to poll.

    A pause or a stalled terminal needs no telling: the time of the last look at a rollout is
    remembered, so the change found afterwards is as uncertain as the time without a look.
    """

    def __init__(self) -> None:
        self._watched: dict[str, Watched] = {}
        self._lists: dict[str, ListLook] = {}
        self._turn = 0
        self._step_gaps: dict[str, deque[float]] = {}

    @property
    def state(self) -> ObserverState:
        """What is remembered; not to be changed, and good until the next look."""
        return ObserverState(self._watched, self._lists, self._turn, self._step_gaps)

    def restore(self, state: ObserverState) -> None:
        """Remember that, and nothing else."""
        self._watched, self._lists = dict(state.watched), dict(state.lists)
        self._turn = state.turn
        self._step_gaps = {
            run_id: deque(gaps_s, maxlen=STEP_GAPS_KEPT)
            for run_id, gaps_s in state.step_gaps_s.items()
        }

    def observe(self, rollout: Rollout, window: Window) -> StateObservation | None:
        """Take in a rollout of an answer: what is to be kept if its state was not known before."""
        known = self._watched.get(rollout.rollout_id)
        if known is not None:
            before, last = known.observation, self._last(known)
            if (before.status, before.phase) == (rollout.status, rollout.phase):
                known.last, known.turn = window, self._turn
                self._step(known, rollout, window)
                return None
        # A server whose clock was set back cannot have been seen before it was seen now.
        otherwise = None if known is None else min(last.earliest, window.earliest)
        step = rollout.current_step
        last_step = step if step is not None or known is None else known.last_step
        observation = StateObservation(
            *(rollout.rollout_id, rollout.run_id or "", rollout.status, rollout.phase),
            *(window.earliest, window.latest, otherwise, last_step),
        )
        if known is not None and known.observation.seen_from <= window.latest:
            # The clock may be known better now than at the change before. This one came later
            # all the same, and whoever reads both must find them in their order.
            after = max(observation.seen_at, known.observation.seen_at)
            observation = replace(observation, seen_at=after)
        self._watched[rollout.rollout_id] = Watched(
            *(observation, window, window, self._turn, step, last_step, window),
            gaps_s=known.gaps_s if known is not None else (),
        )
        return observation

    def remember(
        self, watched: Mapping[str, Watched], run_id: str, gaps_s: Iterable[float]
    ) -> None:
        """Remember that of a run's rollouts, in place of what is remembered of them."""
        self._watched.update(watched)
        self._step_gaps[run_id] = deque(gaps_s, maxlen=STEP_GAPS_KEPT)

    def note_unchanged(self, rollout_ids: Iterable[str], window: Window) -> None:
        """Take in that rollouts, if watched, were listed with the very bytes they had before."""
        watched = self._watched
        for rollout_id in rollout_ids:
            known = watched.get(rollout_id)
            if known is not None:
                known.last, known.turn = window, self._turn

    def note_list(self, run_id: str, window: Window) -> None:
        """Take in that all rollouts of a run were listed: one look at each, whatever their number.

        Args:
            window: When the server answered. Those of which something is another now are to be
                looked at before, or their change would seem to be later than this list.
        """
        self._turn += 1
        self._lists[run_id] = ListLook(self._turn, window)

    def _last(self, known: Watched) -> Window:
        """When a rollout was last looked at, by itself or with all of its run."""
        whole = self._lists.get(known.observation.run_id)
        return whole.window if whole is not None and whole.turn > known.turn else known.last

    def last_looks(self) -> tuple[StateObservation, ...]:
        """What is known beyond the observations given out: that rollouts were later seen unchanged.

        Returns:
            One repeated observation for each rollout that was; to be kept on quitting, so that the
            time until the next start is all that was not watched.
        """
        later = []
        for known in self._watched.values():
            last = self._last(known)
            if last.latest > known.observation.seen_at:
                known.observation = replace(
                    known.observation,
                    seen_from=last.earliest,
                    seen_at=last.latest,
                    step=known.last_step,
                )
                later.append(known.observation)
        return tuple(later)

    def unchanged_polls(self) -> tuple[UnchangedPoll, ...]:
        """By run, until when each of its running rollouts is known to have been as it was."""
        last: dict[str, Window] = {}
        for known in self._watched.values():
            observation = known.observation
            if observation.phase is None or observation.status in _NOT_RUNNING:
                continue
            window, before = self._last(known), last.get(observation.run_id)
            if before is None or window.latest < before.latest:
                last[observation.run_id] = window
        return tuple(
            UnchangedPoll(run, window.earliest, window.latest) for run, window in last.items()
        )

    def forget(self, rollout_ids: Iterable[str]) -> None:
        """Drop rollouts that are gone or ended; seen again, they are new."""
        for rollout_id in rollout_ids:
            self._watched.pop(rollout_id, None)

    def forget_run(self, run_id: str) -> None:
        """Drop the pace of a run, and whatever of its rollouts is still watched."""
        self._step_gaps.pop(run_id, None)
        self._lists.pop(run_id, None)
        self.forget(self.watched_of(run_id))

    def moved_at(self, rollout_id: str) -> datetime | None:
        """When a rollout was last seen to have moved: a step, a phase or a status.

        Returns:
            The server's time, the latest it may have been; None if it is not watched. Of one
            first seen at rest it is when it was first seen, which is later than the truth.
        """
        known = self._watched.get(rollout_id)
        return None if known is None else known.moved.latest

    def phase_seen_at(self, rollout_id: str) -> datetime | None:
        """By when a rollout had surely reached the phase it is in; None if it is not watched."""
        known = self._watched.get(rollout_id)
        return None if known is None else known.first.latest

    def last_seen_at(self, rollout_id: str) -> datetime | None:
        """When a rollout was last looked at, the latest it may have been; None if not watched."""
        known = self._watched.get(rollout_id)
        return None if known is None else self._last(known).latest

    def watched_of(self, run_id: str) -> Mapping[str, Watched]:
        """What is remembered of a run's rollouts; not to be changed."""
        watched = self._watched.items()
        return {i: known for i, known in watched if known.observation.run_id == run_id}

    def step_times(self, rollout_ids: Iterable[str]) -> Iterator[StepTimes]:
        """When these took their last steps, as far as they are watched and take any."""
        for rollout_id in rollout_ids:
            known = self._watched.get(rollout_id)
            if known is not None and known.step is not None:
                run_id, moved = known.observation.run_id, known.moved
                yield StepTimes(
                    *(run_id, rollout_id, known.step, moved.earliest, moved.latest), known.gaps_s
                )

    def own_gaps_s(self, rollout_id: str) -> Sequence[float]:
        """The latest times between a rollout's steps, in seconds, the oldest first."""
        known = self._watched.get(rollout_id)
        return () if known is None else known.gaps_s

    def step_gaps_s(self, run_id: str) -> Sequence[float]:
        """The latest times between steps seen in a run, in seconds."""
        return tuple(self._step_gaps.get(run_id, ()))

    def _step(self, known: Watched, rollout: Rollout, window: Window) -> None:
        """Note a step; several between two looks share the time."""
        if rollout.current_step == known.step:
            return
        if known.step is not None and rollout.current_step is not None:
            steps = min(rollout.current_step - known.step, STEP_GAPS_KEPT)
            gap_s = (window.latest - known.moved.latest).total_seconds()
            if steps > 0 and gap_s > 0:
                gaps = self._step_gaps.setdefault(
                    known.observation.run_id, deque(maxlen=STEP_GAPS_KEPT)
                )
                # In tenths of a second: nobody looks more often than that.
                own = [round(max(gap_s / steps, 0.1), 1)] * steps
                gaps.extend(own)
                known.gaps_s = (*known.gaps_s, *own)[-OWN_GAPS_KEPT:]
        known.step, known.moved = rollout.current_step, window
        if known.step is not None:
            known.last_step = known.step
