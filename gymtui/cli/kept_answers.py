"""What is kept of a gym on this machine: the end of its recording, in place of the gym's answers.

For commands that work while the gym is away, and those that need not ask what a recorder knows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gymtui.config.settings import Settings
from gymtui.core.instants import from_micros
from gymtui.poll.plan import IDLE_INTERVAL_S
from gymtui.poll.recording_intake import LATE_INTERVALS, NEWEST
from gymtui.store.delta import PAGE_LIMIT, Query, RunsPage
from gymtui.store.history.recording_copy import fetch_recording
from gymtui.store.history.recording_items import ChangeList
from gymtui.store.history.recording_place import RecordingPlace
from gymtui.store.history.recording_reader import Recording
from gymtui.store.history.recording_writer import is_recorded


@dataclass(frozen=True, slots=True)
class KeptAnswers:
    """What the gym said last, as far as it was recorded."""

    answers: dict[Query, bytes]
    at: datetime  # until when that was so, by our clock
    lead_s: float  # how far the gym's clock was ahead of ours
    is_fresh: bool  # whether a recorder is at work that knows all the gym would say


def read_kept(
    settings: Settings,
    place: RecordingPlace,
    since: datetime | None = None,
    *,
    wall: Callable[[], float] = time.time,
) -> KeptAnswers | None:
    """Read the end of a recording; None where there is none of this source and scenario.

    Args:
        since: Rollouts listed since then are wanted, too; by our clock.
    """
    fetched = fetch_recording(place)
    recording = Recording(place.directory, NEWEST if since is None else None)
    head = recording.last_head
    if head is None or (head.source, head.scenario) != (settings.source, settings.scenario):
        return None
    changes = ChangeList(recording)
    end = recording.at(recording.to_us)
    lead_s = 0.0 if end is None else end.snapshot.lead_us / 1_000_000
    from_us = recording.to_us
    if since is not None:
        from_us = min(from_us, round((since.timestamp() + lead_s) * 1_000_000))
    changes.read_from(from_us)
    at_s = recording.to_us / 1_000_000 - lead_s
    late_s = LATE_INTERVALS * max(head.interval_s, IDLE_INTERVAL_S)
    works = is_recorded(place.directory) or bool(fetched.recorders)
    page = RunsPage(0, PAGE_LIMIT, settings.source, settings.scenario)
    return KeptAnswers(
        changes.answers(page),
        from_micros(round(at_s * 1_000_000)),
        lead_s,
        works and head.whole and not recording.is_over and wall() - at_s < late_s,
    )
