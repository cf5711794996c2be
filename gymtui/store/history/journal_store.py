"""What a journal is given and what it answers, whatever keeps it, and what ails it.

It is kept by `journal_file`, in SQLite, or `journal_database`, in PostgreSQL; the thread that
writes to either is `journal`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from msgspec import Struct

from gymtui.core.instants import from_micros
from gymtui.store.history.observer import StateObservation, StepTimes, UnchangedPoll

STEPS_KEPT = timedelta(days=2)
"""A rollout that took no step for so long has ended long ago, or is stuck anyhow."""


class SavedSummary(Struct, frozen=True):
    """The numbers of one run, so that its row has them before its rollouts are asked for."""

    run_id: str  # exactly as the server has it
    final: bool  # whether every rollout has ended
    known: int
    counts: Mapping[str, int]  # of them, by `Outcome` value; absent ones are 0
    at_limit: int = 0  # fails that reached the step limit
    interval_low: float | None = None  # lower end of the pass rate's 95 % interval, 0..1
    interval_high: float | None = None  # its upper end
    model: str | None = None
    provider: str | None = None
    created_at: datetime | None = None  # when the first rollout was created
    started_at: datetime | None = None  # when the first one started
    ended_at: datetime | None = None  # when the last one ended, once all have
    # Passes and verdicts of each task that has a verdict; None in what was kept before this was.
    tasks: Mapping[str, tuple[int, int]] | None = None
    loose: tuple[int, int] = (0, 0)  # passes and verdicts of rollouts that name no task
    scored: int = 0  # how many rollouts have a score
    score: float | None = None  # their mean score, 0..1


_SUMMARY = msgspec.json.Decoder(SavedSummary)


def summaries_in(rows: Iterable[tuple[str]]) -> tuple[SavedSummary, ...]:
    """The summaries of rows that hold nothing else; one that does not read as such is left out."""
    found = (_summary_in(body) for (body,) in rows)
    return tuple(summary for summary in found if summary is not None)


def _summary_in(body: str) -> SavedSummary | None:
    try:
        return _SUMMARY.decode(body)
    except (ValueError, msgspec.MsgspecError):
        pass  # a name with half a character in it, say, which the patient way reads
    try:
        return msgspec.convert(json.loads(body), SavedSummary)
    except (ValueError, msgspec.ValidationError):
        return None


class Batch(Struct, frozen=True):
    """What is to be written together."""

    observations: tuple[StateObservation, ...] = ()
    looks: tuple[UnchangedPoll, ...] = ()  # to replace earlier ones at the same runs
    steps: tuple[StepTimes, ...] = ()  # to replace those of rollouts that were at another step
    # To add or replace; a final one stays, unless the run is a newer one.
    summaries: tuple[SavedSummary, ...] = ()
    forgotten: tuple[str, ...] = ()  # runs of which everything goes, before the rest is written

    @property
    def size(self) -> int:
        """How much it is to keep, in observations or about so."""
        return sum(map(len, (self.observations, self.looks, self.steps, self.summaries))) + 1

    @property
    def can_wait(self) -> bool:
        """Whether it only tells that what runs still does."""
        return not (self.observations or self.summaries or self.forgotten)


class TeamNews(Struct, frozen=True):
    """What others wrote since it was asked for last."""

    observations: tuple[StateObservation, ...] = ()
    summaries: tuple[SavedSummary, ...] = ()


class Limits(Struct, frozen=True):
    """How much is kept."""

    age: timedelta = timedelta(days=30)  # rows older than this go
    size_bytes: int = 200 * 1024 * 1024  # the file stays below this


class Trouble(StrEnum):
    """Why there is no journal."""

    AWAY = "away"
    LOCKED = "locked"
    FULL = "full"
    READ_ONLY = "read-only"
    CORRUPT = "corrupt"
    NEWER = "newer"
    UNUSABLE = "unusable"


class NewerJournalError(Exception):
    """It was written by a newer version of this program."""


class ForeignFileError(Exception):
    """It is a database, but no journal."""


class UnusableJournalError(Exception):
    """There is no way to open it here, in words for the person."""


def summary_text(summary: SavedSummary) -> str:
    """Its JSON, escaped to ASCII, so that whatever the server called its model fits."""
    return json.dumps(msgspec.to_builtins(summary))


def steps_in(
    run_id: str,
    rows: Iterable[tuple[str, int, int, int, str]],
    read_text: Callable[[str], str | None],
) -> tuple[StepTimes, ...]:
    """The steps of a run's rows, in which names are stored as `read_text` undoes."""
    return tuple(
        StepTimes(
            run_id,
            read_text(rollout_id) or "",
            step,
            from_micros(seen_from),
            from_micros(seen_at),
            tuple(map(float, gaps.split())),
        )
        for rollout_id, step, seen_from, seen_at, gaps in rows
    )


def gaps_text(times: StepTimes) -> str:
    """The times between steps as `steps_in` reads them."""
    return " ".join(f"{gap_s:g}" for gap_s in times.gaps_s)
