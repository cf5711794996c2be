"""A rollout's life as segments: exact where the server dates it, else as sure as the watching.

Pure. How polls become observations is `store.history.observer`; how they are kept is
`store.history.journal`; where phases begin and end is `store.history.phase_edges`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from msgspec import Struct

from gymtui.api.models import Rollout
from gymtui.core.instants import from_unix_s, unix_s
from gymtui.store.history.observer import BLIND_AFTER_S, StateObservation
from gymtui.store.history.phase_edges import (
    Cut,
    Edge,
    Stay,
    last_look_s,
    phase_cuts,
    stays_of,
    tail_cuts,
)
from gymtui.store.outcome import NOT_RUN_STATUSES
from gymtui.store.phases import ACTIVE_STATUSES, PHASES, SegmentKind, is_finished

__all__ = ["BLIND_AFTER_S", "PHASES", "Segment", "SegmentKind", "segments"]

_AT_ONCE = {"pending": 0, "running": 1}
"""The order of statuses dated to the same instant; those that end a rollout come last."""


class Segment(Struct, frozen=True):
    """A stretch of a rollout's life.

    The true edge lies within the slack of the stated one. Where `UNSEEN` begins or ends, that is
    said of when watching stopped or began; the phase's own edge lies somewhere inside it.
    """

    # What it was doing; `UNSEEN` when nobody looked, or the phase is none of API.md's.
    kind: SegmentKind
    start: datetime  # on the server's clock
    end: datetime  # likewise; of `ENDED` the same as `start`, of what still goes on `now`
    start_slack: timedelta = timedelta(0)  # how far the true start may be from `start`, either way
    end_slack: timedelta = timedelta(0)  # how far the true end may be from `end`, either way
    phase: str | None = None  # the phase as the server spelt it, when it is none of API.md's

    @property
    def duration(self) -> timedelta:
        """How long it lasted, by the stated edges."""
        return self.end - self.start


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
        now: The server's time of the last look, where an unfinished rollout's picture ends.

    Returns:
        Segments in order of time, each beginning where the one before ends, none beyond `now`;
        a finished rollout's last is `ENDED`. Where nothing tells when a rollout was created or
        began to run, the picture begins when it was first seen running. Empty when there is
        nothing to draw.
    """
    if rollout.status in NOT_RUN_STATUSES:
        return ()
    now_s = unix_s(now)
    finished = is_finished(rollout)
    events = _events(rollout, now_s)
    end = _end(rollout, events, observed, now_s) if finished else Edge(now_s)
    if end is None:
        return ()
    created_s = _created_s(rollout, events, end)
    stays = stays_of(observed, end)
    start = _start(rollout, events, stays, created_s, end)
    cuts: list[Cut] = []
    if created_s is not None and (start is None or created_s < start.at_s):
        cuts.append(Cut(SegmentKind.QUEUED, Edge(created_s)))
    blur_s = 0.0
    if start is not None:
        cuts += phase_cuts(start, stays, blind_after_s)
        if finished:
            look_s = last_look_s(observed, stays, start, end)
            tail, blur_s = tail_cuts(rollout, stays, look_s, end, blind_after_s)
            cuts += tail
    return _join_cuts(cuts, end, blur_s, finished=finished)


# -- changes of status ---------------------------------------------------------------------------


def _events(rollout: Rollout, now_s: float) -> list[tuple[float, str]]:
    """Status events that have both status and time, by time, none after now, none doubled."""
    dated = sorted(
        (min(unix_s(event.timestamp), now_s), _AT_ONCE.get(event.status, 2), event.status)
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
) -> Edge | None:
    """When a finished rollout ended; None if nothing tells."""
    ends_s = [at_s for at_s, status in events if status == rollout.status]
    if ends_s:
        return Edge(ends_s[-1])
    if rollout.completed_at is not None:
        return Edge(min(unix_s(rollout.completed_at), now_s))
    known_s = [at_s for at_s, _ in events]
    known_s += [unix_s(at) for at in (rollout.created_at, rollout.started_at) if at is not None]
    seen = [observation for observation in observed if observation.status not in ACTIVE_STATUSES]
    known_s += [unix_s(s.last_otherwise_at) for s in seen if s.last_otherwise_at is not None]
    high_s = min([now_s, *(unix_s(observation.seen_at) for observation in seen)])
    if not known_s:
        return Edge(high_s) if seen else None
    low_s = min(max(known_s), high_s)
    return Edge((low_s + high_s) / 2, (high_s - low_s) / 2)


def _created_s(rollout: Rollout, events: Sequence[tuple[float, str]], end: Edge) -> float | None:
    """When a rollout was queued."""
    known_s = [at_s for at_s, status in events if status == "pending"]
    if rollout.created_at is not None:
        known_s.append(unix_s(rollout.created_at))
    return min([*known_s, end.at_s]) if known_s else None


def _start(
    rollout: Rollout,
    events: Sequence[tuple[float, str]],
    stays: Sequence[Stay],
    created_s: float | None,
    end: Edge,
) -> Edge | None:
    """When a rollout first began to run; None if it did not, as far as is known."""
    if rollout.status == "pending":
        return None
    ran_s = [at_s for at_s, status in events if status == "running"]
    if not ran_s and rollout.started_at is not None:
        ran_s = [unix_s(rollout.started_at)]
    if ran_s:
        return Edge(min(ran_s[0], end.at_s))
    if not stays and rollout.status not in ("running", "completed"):
        return None
    high_s = stays[0].high_s if stays else end.at_s
    lows_s = [at_s for at_s in (created_s, stays[0].low_s if stays else None) if at_s is not None]
    low_s = min(max(lows_s, default=high_s), high_s)
    return Edge((low_s + high_s) / 2, (high_s - low_s) / 2)


# -- joining -------------------------------------------------------------------------------------


def _join_cuts(
    cuts: Iterable[Cut], end: Edge, blur_s: float, *, finished: bool
) -> tuple[Segment, ...]:
    """Segments from cut to cut; what has no length is left out, what is alike is one."""
    kept: list[Cut] = []
    for cut in cuts:
        at_s = min(max([cut.start.at_s, *(before.start.at_s for before in kept[-1:])]), end.at_s)
        # An edge moved to keep the order may be further from the truth by as much.
        slack_s = cut.start.slack_s + abs(at_s - cut.start.at_s)
        if kept and kept[-1].start.at_s == at_s:
            slack_s = max(slack_s, kept.pop().start.slack_s)
        if kept and (kept[-1].kind, kept[-1].phase) == (cut.kind, cut.phase):
            continue
        if at_s < end.at_s:
            kept.append(Cut(cut.kind, Edge(at_s, slack_s), cut.phase))
    edges = [cut.start for cut in kept] + [Edge(end.at_s, end.slack_s + blur_s)]
    drawn = [
        _segment(cut.kind, first, last, cut.phase)
        for cut, (first, last) in zip(kept, pairwise(edges), strict=True)
    ]
    if finished:
        drawn.append(_segment(SegmentKind.ENDED, end, end))
    return tuple(drawn)


def _segment(kind: SegmentKind, start: Edge, end: Edge, phase: str | None = None) -> Segment:
    return Segment(
        kind,
        from_unix_s(start.at_s),
        from_unix_s(end.at_s),
        timedelta(seconds=start.slack_s),
        timedelta(seconds=end.slack_s),
        phase,
    )
