"""A rollout's life as segments: exact where the server dates it, else as sure as the watching.

Pure. How polls become observations is `store.history.observer`; how they are kept is
`store.history.journal`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise

from gymtui.api.models import Rollout
from gymtui.store.history.observer import BLIND_AFTER_S, StateObservation
from gymtui.store.outcome import NOT_RUN_STATUSES
from gymtui.store.phases import (
    ACTIVE_STATUSES,
    FINISHED_STATUSES,
    KIND_OF_PHASE,
    PHASES,
    SegmentKind,
    is_finished,
)

__all__ = ["BLIND_AFTER_S", "PHASES", "Segment", "SegmentKind", "segments"]

_AT_ONCE = {"pending": 0, "running": 1}
"""The order of statuses dated to the same instant; those that end a rollout come last."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a rollout's life.

    The true edge lies within the slack of the stated one. Where `UNSEEN` begins or ends, that is
    said of when watching stopped or began; the phase's own edge lies somewhere inside it.

    Attributes:
        kind: What it was doing; `UNSEEN` when nobody looked, or the phase is none of API.md's.
        start: On the server's clock.
        end: Likewise; of `ENDED` the same as `start`, of what still goes on `now`.
        start_slack: How far the true start may be from `start`, either way.
        end_slack: How far the true end may be from `end`, either way.
        phase: The phase as the server spelt it, when it is none of API.md's.
    """

    kind: SegmentKind
    start: datetime
    end: datetime
    start_slack: timedelta = timedelta(0)
    end_slack: timedelta = timedelta(0)
    phase: str | None = None

    @property
    def duration(self) -> timedelta:
        """How long it lasted, by the stated edges."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class _Edge:
    """An instant, UNIX seconds, and how far it may be off."""

    at_s: float
    slack_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Cut:
    """Where something begins; it goes on until the next cut."""

    kind: SegmentKind
    start: _Edge
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class _Stay:
    """A phase that was seen, after `low_s` if that is known, by `high_s`, still at `until_s`."""

    kind: SegmentKind
    phase: str | None
    low_s: float | None
    high_s: float
    until_s: float

    @property
    def rank(self) -> int | None:
        return PHASES.index(self.kind) if self.kind in PHASES else None


def segments(
    rollout: Rollout,
    observed: Sequence[StateObservation],
    now: datetime,
    *,
    blind_after_s: float = BLIND_AFTER_S,
) -> tuple[Segment, ...]:
    """Draw a rollout's life from what the server dates and what was observed.

    Changes of status come exact from `status_events`, else from the rollout's own times, else
    from observation. Changes of phase come from observation. Phases that passed between two
    looks share the gap: their edges stand where so many uniform draws would be expected, each
    with slack enough for the whole gap. A gap too long to be an edge is `UNSEEN`.

    Args:
        observed: Its observations, in any order, from several dashboards too.
        now: The server's time of the last look, where an unfinished rollout's picture ends.
        blind_after_s: How long between two looks makes a stretch not watched.

    Returns:
        Segments in order of time, each beginning where the one before ends, none beyond `now`;
        a finished rollout's last is `ENDED`. Where nothing tells when a rollout was created or
        began to run, the picture begins when it was first seen running. Empty when there is
        nothing to draw.
    """
    if rollout.status in NOT_RUN_STATUSES:
        return ()
    now_s = _unix_s(now)
    finished = is_finished(rollout)
    events = _events(rollout, now_s)
    end = _end(rollout, events, observed, now_s) if finished else _Edge(now_s)
    if end is None:
        return ()
    created_s = _created_s(rollout, events, end)
    stays = _stays(observed, end)
    start = _start(rollout, events, stays, created_s, end)
    cuts: list[_Cut] = []
    if created_s is not None and (start is None or created_s < start.at_s):
        cuts.append(_Cut(SegmentKind.QUEUED, _Edge(created_s)))
    blur_s = 0.0
    if start is not None:
        cuts += _phase_cuts(start, stays, blind_after_s)
        if finished:
            look_s = _last_look_s(observed, stays, start, end)
            tail, blur_s = _tail_cuts(rollout, stays, look_s, end, blind_after_s)
            cuts += tail
    return _joined(cuts, end, blur_s, finished=finished)


# -- changes of status ---------------------------------------------------------------------------


def _events(rollout: Rollout, now_s: float) -> list[tuple[float, str]]:
    """Status events that have both status and time, by time, none after now, none doubled."""
    dated = sorted(
        (min(_unix_s(event.timestamp), now_s), _AT_ONCE.get(event.status, 2), event.status)
        for event in rollout.status_events or ()
        if event.timestamp is not None and event.status is not None
    )
    return [
        (at_s, status)
        for index, (at_s, _, status) in enumerate(dated)
        if index == 0 or dated[index - 1][2] != status
    ]


def _end(
    rollout: Rollout,
    events: Sequence[tuple[float, str]],
    observed: Iterable[StateObservation],
    now_s: float,
) -> _Edge | None:
    """When a finished rollout ended; None if nothing tells."""
    ends_s = [at_s for at_s, status in events if status == rollout.status]
    if ends_s:
        return _Edge(ends_s[-1])
    if rollout.completed_at is not None:
        return _Edge(min(_unix_s(rollout.completed_at), now_s))
    known_s = [at_s for at_s, _ in events]
    known_s += [_unix_s(at) for at in (rollout.created_at, rollout.started_at) if at is not None]
    seen = [observation for observation in observed if observation.status not in ACTIVE_STATUSES]
    known_s += [_unix_s(s.last_otherwise_at) for s in seen if s.last_otherwise_at is not None]
    high_s = min([now_s, *(_unix_s(observation.seen_at) for observation in seen)])
    if not known_s:
        return _Edge(high_s) if seen else None
    low_s = min(max(known_s), high_s)
    return _Edge((low_s + high_s) / 2, (high_s - low_s) / 2)


def _created_s(rollout: Rollout, events: Sequence[tuple[float, str]], end: _Edge) -> float | None:
    """When a rollout was queued."""
    known_s = [at_s for at_s, status in events if status == "pending"]
    if rollout.created_at is not None:
        known_s.append(_unix_s(rollout.created_at))
    return min([*known_s, end.at_s]) if known_s else None


def _start(
    rollout: Rollout,
    events: Sequence[tuple[float, str]],
    stays: Sequence[_Stay],
    created_s: float | None,
    end: _Edge,
) -> _Edge | None:
    """When a rollout first began to run; None if it did not, as far as is known."""
    if rollout.status == "pending":
        return None
    ran_s = [at_s for at_s, status in events if status == "running"]
    if not ran_s and rollout.started_at is not None:
        ran_s = [_unix_s(rollout.started_at)]
    if ran_s:
        return _Edge(min(ran_s[0], end.at_s))
    if not stays and rollout.status not in ("running", "completed"):
        return None
    high_s = stays[0].high_s if stays else end.at_s
    lows_s = [at_s for at_s in (created_s, stays[0].low_s if stays else None) if at_s is not None]
    low_s = min(max(lows_s, default=high_s), high_s)
    return _Edge((low_s + high_s) / 2, (high_s - low_s) / 2)


# -- changes of phase ----------------------------------------------------------------------------


def _stays(observed: Iterable[StateObservation], end: _Edge) -> list[_Stay]:
    """Sightings of a running rollout, those of one phase after another taken together."""
    stays: list[_Stay] = []
    for (kind, phase), together in groupby(_in_order(observed), key=_kind_and_phase):
        observations = list(together)
        finders = _finders(observations)
        high_s = _unix_s(finders[0].seen_at)
        if stays and finders[0].last_otherwise_at is None:
            # Another session's first look, which may have known the time differently.
            high_s = max(high_s, stays[-1].high_s)
        high_s = min(high_s, end.at_s)
        # Two dashboards: the one that looked last before the change knows best.
        lows_s = [
            low_s
            for observation in finders
            if observation.last_otherwise_at is not None
            and (low_s := _unix_s(observation.last_otherwise_at)) <= high_s
        ]
        until_s = min(max(_unix_s(observation.seen_from) for observation in observations), end.at_s)
        stays.append(_Stay(kind, phase, max(lows_s, default=None), high_s, until_s))
    return stays


def _finders(together: Sequence[StateObservation]) -> list[StateObservation]:
    """Of observations of one phase, those that found its beginning; where none did, the first.

    One that tells the same phase by another word found that word's beginning alone.
    """
    first = together[0]
    state = (first.status, first.phase)
    found = [s for s in together if s.last_otherwise_at and (s.status, s.phase) == state]
    return found if found and found[0].seen_from <= first.seen_at else [first, *found]


def _in_order(observed: Iterable[StateObservation]) -> list[StateObservation]:
    """Sightings of a running rollout by time; where that is in doubt, by the phases' order."""
    ordered: list[StateObservation] = []
    for observation in sorted(observed, key=lambda observation: observation.seen_at):
        if observation.status in FINISHED_STATUSES or observation.status == "pending":
            continue
        kind = _kind_and_phase(observation)[0]
        place = len(ordered)
        while place and kind in PHASES and ordered[place - 1].seen_at >= observation.seen_from:
            before = _kind_and_phase(ordered[place - 1])[0]
            if before not in PHASES or PHASES.index(before) <= PHASES.index(kind):
                break
            place -= 1
        ordered.insert(place, observation)
    return ordered


def _kind_and_phase(observation: StateObservation) -> tuple[SegmentKind, str | None]:
    kind = KIND_OF_PHASE.get(observation.phase or "")
    return (SegmentKind.UNSEEN, observation.phase) if kind is None else (kind, None)


def _phase_cuts(start: _Edge, stays: Sequence[_Stay], blind_after_s: float) -> list[_Cut]:
    """The phases from a rollout's start to the last one that was seen."""
    if not stays:
        return [_Cut(SegmentKind.UNSEEN, start)]
    first = stays[0]
    # Whatever the first phase seen, the first phase of all began with the run.
    skipped = PHASES[: first.rank] if first.rank else ()
    low_s = start.at_s - start.slack_s
    high_s = max(first.high_s, low_s)
    if first.rank != 0 and high_s - low_s > blind_after_s:
        cuts = [_Cut(SegmentKind.UNSEEN, start), _Cut(first.kind, _Edge(high_s), first.phase)]
    else:
        passed = [(kind, None) for kind in skipped]
        names = [*passed, (first.kind, first.phase)]
        edges = [start, *_shared(low_s, high_s, len(skipped))]
        cuts = [_Cut(kind, edge, phase) for (kind, phase), edge in zip(names, edges, strict=True)]
    for before, stay in pairwise(stays):
        low_s = min(before.until_s if stay.low_s is None else stay.low_s, stay.high_s)
        if stay.high_s - low_s > blind_after_s:
            cuts += [
                _blind_from(low_s, before),
                _Cut(stay.kind, _Edge(stay.high_s), stay.phase),
            ]
            continue
        between = (
            () if before.rank is None or stay.rank is None else PHASES[before.rank + 1 : stay.rank]
        )
        names = [*((kind, None) for kind in between), (stay.kind, stay.phase)]
        edges = _shared(low_s, stay.high_s, len(names), after_s=cuts[-1].start.at_s)
        cuts += [_Cut(kind, edge, phase) for (kind, phase), edge in zip(names, edges, strict=True)]
    return cuts


def _tail_cuts(
    rollout: Rollout, stays: Sequence[_Stay], look_s: float, end: _Edge, blind_after_s: float
) -> tuple[list[_Cut], float]:
    """What came between the last look at a running rollout and its end.

    Returns:
        The phases in it, and how far before the end the last one may have ended, seconds.
    """
    if not stays or stays[-1].kind is PHASES[-1]:
        return [], 0.0
    if end.at_s - look_s > blind_after_s:
        return [_blind_from(look_s, stays[-1])], 0.0
    last = stays[-1]
    if rollout.status != "completed" or last.rank is None:
        # It may have got further before it failed.
        return [], end.at_s - look_s
    rest = PHASES[last.rank + 1 :]
    edges = _shared(look_s, end.at_s, len(rest))
    return [_Cut(kind, edge) for kind, edge in zip(rest, edges, strict=True)], 0.0


def _blind_from(low_s: float, last: _Stay) -> _Cut:
    """Where watching stopped: not before the last phase was seen, in doubt from `low_s` on."""
    at_s = max(low_s, last.high_s)
    return _Cut(SegmentKind.UNSEEN, _Edge(at_s, at_s - low_s))


def _last_look_s(
    observed: Iterable[StateObservation], stays: Sequence[_Stay], start: _Edge, end: _Edge
) -> float:
    """When a finished rollout was last seen running."""
    looks_s = [start.at_s, *(stay.until_s for stay in stays[-1:])]
    looks_s += [
        _unix_s(observation.last_otherwise_at)
        for observation in observed
        if observation.status in FINISHED_STATUSES and observation.last_otherwise_at is not None
    ]
    return min(max(looks_s), end.at_s)


def _shared(low_s: float, high_s: float, count: int, after_s: float = float("-inf")) -> list[_Edge]:
    """`count` edges in one gap: each where its order statistic of uniform draws is expected.

    All are after `after_s`, where a phase that was seen before them is drawn to begin.
    """
    from_s = min(max(low_s, after_s), high_s)
    ats_s = [from_s + (high_s - from_s) * n / (count + 1) for n in range(1, count + 1)]
    return [_Edge(at_s, max(at_s - low_s, high_s - at_s)) for at_s in ats_s]


# -- joining -------------------------------------------------------------------------------------


def _joined(
    cuts: Iterable[_Cut], end: _Edge, blur_s: float, *, finished: bool
) -> tuple[Segment, ...]:
    """Segments from cut to cut; what has no length is left out, what is alike is one."""
    kept: list[_Cut] = []
    for cut in cuts:
        at_s = min(max([cut.start.at_s, *(before.start.at_s for before in kept[-1:])]), end.at_s)
        # An edge moved to keep the order may be further from the truth by as much.
        slack_s = cut.start.slack_s + abs(at_s - cut.start.at_s)
        if kept and kept[-1].start.at_s == at_s:
            slack_s = max(slack_s, kept.pop().start.slack_s)
        if kept and (kept[-1].kind, kept[-1].phase) == (cut.kind, cut.phase):
            continue
        if at_s < end.at_s:
            kept.append(_Cut(cut.kind, _Edge(at_s, slack_s), cut.phase))
    edges = [cut.start for cut in kept] + [_Edge(end.at_s, end.slack_s + blur_s)]
    drawn = [
        _segment(cut.kind, first, last, cut.phase)
        for cut, (first, last) in zip(kept, pairwise(edges), strict=True)
    ]
    if finished:
        drawn.append(_segment(SegmentKind.ENDED, end, end))
    return tuple(drawn)


def _segment(kind: SegmentKind, start: _Edge, end: _Edge, phase: str | None = None) -> Segment:
    return Segment(
        kind,
        _when(start.at_s),
        _when(end.at_s),
        timedelta(seconds=start.slack_s),
        timedelta(seconds=end.slack_s),
        phase,
    )


def _unix_s(when: datetime) -> float:
    return (when - _EPOCH).total_seconds()


def _when(unix_s: float) -> datetime:
    return _EPOCH + timedelta(seconds=unix_s)
