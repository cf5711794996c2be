"""Where a running rollout's phases begin and end, as sure as the watching of it.

Pure. What the server itself dates, and the picture made of both, is `store.history.timeline`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

from msgspec import Struct

from gymtui.api.models import Rollout
from gymtui.core.instants import unix_s
from gymtui.store.history.observer import StateObservation
from gymtui.store.phases import FINISHED_STATUSES, KIND_OF_PHASE, PHASES, SegmentKind


class Edge(Struct, frozen=True):
    """An instant, UNIX seconds, and how far it may be off."""

    at_s: float
    slack_s: float = 0.0


class Cut(Struct, frozen=True):
    """Where something begins; it goes on until the next cut."""

    kind: SegmentKind
    start: Edge
    phase: str | None = None


class Stay(Struct, frozen=True):
    """A phase that was seen, after `low_s` if that is known, by `high_s`, still at `until_s`."""

    kind: SegmentKind
    phase: str | None
    low_s: float | None
    high_s: float
    until_s: float

    @property
    def rank(self) -> int | None:
        """Its place among the phases; None for one that is none of API.md's."""
        return PHASES.index(self.kind) if self.kind in PHASES else None


def stays_of(observed: Iterable[StateObservation], end: Edge) -> list[Stay]:
    """Sightings of a running rollout, those of one phase after another taken together."""
    stays: list[Stay] = []
    for (kind, phase), together in groupby(_in_order(observed), key=_kind_and_phase):
        observations = list(together)
        finders = _finders(observations)
        high_s = unix_s(finders[0].seen_at)
        if stays and finders[0].last_otherwise_at is None:
            # Another session's first look, which may have known the time differently.
            high_s = max(high_s, stays[-1].high_s)
        high_s = min(high_s, end.at_s)
        # Two dashboards: the one that looked last before the change knows best.
        lows_s = [
            low_s
            for observation in finders
            if observation.last_otherwise_at is not None
            and (low_s := unix_s(observation.last_otherwise_at)) <= high_s
        ]
        until_s = min(max(unix_s(observation.seen_from) for observation in observations), end.at_s)
        stays.append(Stay(kind, phase, max(lows_s, default=None), high_s, until_s))
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


def phase_cuts(start: Edge, stays: Sequence[Stay], blind_after_s: float) -> list[Cut]:
    """The phases from a rollout's start to the last one that was seen."""
    if not stays:
        return [Cut(SegmentKind.UNSEEN, start)]
    first = stays[0]
    # Whatever the first phase seen, the first phase of all began with the run.
    skipped = PHASES[: first.rank] if first.rank else ()
    low_s = start.at_s - start.slack_s
    high_s = max(first.high_s, low_s)
    if first.rank != 0 and high_s - low_s > blind_after_s:
        cuts = [Cut(SegmentKind.UNSEEN, start), Cut(first.kind, Edge(high_s), first.phase)]
    else:
        passed = [(kind, None) for kind in skipped]
        names = [*passed, (first.kind, first.phase)]
        edges = [start, *_share_edges(low_s, high_s, len(skipped))]
        cuts = [Cut(kind, edge, phase) for (kind, phase), edge in zip(names, edges, strict=True)]
    for before, stay in pairwise(stays):
        low_s = min(before.until_s if stay.low_s is None else stay.low_s, stay.high_s)
        if stay.high_s - low_s > blind_after_s:
            cuts += [
                _blind_from(low_s, before),
                Cut(stay.kind, Edge(stay.high_s), stay.phase),
            ]
            continue
        between = (
            () if before.rank is None or stay.rank is None else PHASES[before.rank + 1 : stay.rank]
        )
        names = [*((kind, None) for kind in between), (stay.kind, stay.phase)]
        edges = _share_edges(low_s, stay.high_s, len(names), after_s=cuts[-1].start.at_s)
        cuts += [Cut(kind, edge, phase) for (kind, phase), edge in zip(names, edges, strict=True)]
    return cuts


def tail_cuts(
    rollout: Rollout, stays: Sequence[Stay], look_s: float, end: Edge, blind_after_s: float
) -> tuple[list[Cut], float]:
    """What came between the last look and the end, and how far before that it may end, s."""
    if not stays or stays[-1].kind is PHASES[-1]:
        return [], 0.0
    if end.at_s - look_s > blind_after_s:
        return [_blind_from(look_s, stays[-1])], 0.0
    last = stays[-1]
    if rollout.status != "completed" or last.rank is None:
        # It may have got further before it failed.
        return [], end.at_s - look_s
    rest = PHASES[last.rank + 1 :]
    edges = _share_edges(look_s, end.at_s, len(rest))
    return [Cut(kind, edge) for kind, edge in zip(rest, edges, strict=True)], 0.0


def _blind_from(low_s: float, last: Stay) -> Cut:
    """Where watching stopped: not before the last phase was seen, in doubt from `low_s` on."""
    at_s = max(low_s, last.high_s)
    return Cut(SegmentKind.UNSEEN, Edge(at_s, at_s - low_s))


def last_look_s(
    observed: Iterable[StateObservation], stays: Sequence[Stay], start: Edge, end: Edge
) -> float:
    """When a finished rollout was last seen running."""
    looks_s = [start.at_s, *(stay.until_s for stay in stays[-1:])]
    looks_s += [
        unix_s(observation.last_otherwise_at)
        for observation in observed
        if observation.status in FINISHED_STATUSES and observation.last_otherwise_at is not None
    ]
    return min(max(looks_s), end.at_s)


def _share_edges(
    low_s: float, high_s: float, count: int, after_s: float = float("-inf")
) -> list[Edge]:
    """`count` edges in one gap: each where its order statistic of uniform draws is expected.

    All are after `after_s`, where a phase that was seen before them is drawn to begin.
    """
    from_s = min(max(low_s, after_s), high_s)
    ats_s = [from_s + (high_s - from_s) * n / (count + 1) for n in range(1, count + 1)]
    return [Edge(at_s, max(at_s - low_s, high_s - at_s)) for at_s in ats_s]
