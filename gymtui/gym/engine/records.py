"""What the gym's database holds: its tables, and the records that are written to them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gymtui.gym.wire import Artifacts, Phase, Result, Rollout, Source, Status

_TABLES = """
CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL UNIQUE,
    scenario_id TEXT NOT NULL,
    source TEXT NOT NULL,
    created_at TEXT NOT NULL,
    settings TEXT NOT NULL,
    user_settings TEXT,
    max_parallel INTEGER,
    task_overrides TEXT NOT NULL
);
CREATE TABLE rollouts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    rollout_id TEXT NOT NULL UNIQUE,
    run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
    scenario_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    status TEXT NOT NULL,
    phase TEXT,
    current_step INTEGER,
    max_steps INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    started_at TEXT,
    completed_at TEXT,
    result TEXT,
    termination_reason TEXT,
    status_events TEXT NOT NULL,
    phases TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX rollouts_by_run ON rollouts (run_id, status);
CREATE INDEX rollouts_by_status ON rollouts (status);
CREATE TABLE artifacts (
    rollout_id TEXT PRIMARY KEY REFERENCES rollouts (rollout_id) ON DELETE CASCADE,
    body TEXT NOT NULL
);
"""

_PROGRESS = """
CREATE TABLE progress (
    number INTEGER PRIMARY KEY,
    rollout_id TEXT NOT NULL REFERENCES rollouts (rollout_id) ON DELETE CASCADE,
    body TEXT NOT NULL
);
CREATE INDEX progress_by_rollout ON progress (rollout_id)
"""
"""What a rollout has recorded so far, piece by piece, until it has artifacts."""

STEPS = (_TABLES, _PROGRESS)
"""What makes version 1 of an empty database, version 2 of version 1, and so on.

In the words of SQLite. A step is never changed once it was released.
"""

VERSION = len(STEPS)  # of the tables that this gym writes


EVENT = "status_events = substr(status_events, 1, length(status_events) - 1) || ?"
"""Adds to a rollout's status events, a list as JSON that is never empty, what `event` returns."""


def event(status: Status, stamp: str) -> str:
    """Return a change of status as `EVENT` takes it."""
    return f", {json.dumps({'status': status, 'timestamp': stamp})}]"


class DatabaseRefusedError(Exception):
    """It cannot be this gym's memory: in use, not a database, or of another version."""


class DatabaseInUseError(DatabaseRefusedError):
    """Another gym has it open."""


class StorageError(Exception):
    """The database cannot be written or read: most often because the disk is full."""


class DatabaseAwayError(StorageError):
    """The database does not answer, and may do so soon."""


class RunNameTakenError(Exception):
    """A run of this id exists already."""


@dataclass(frozen=True)
class NewRun:
    """A run as it is first written."""

    run_id: str
    scenario_id: str
    created_at: str
    settings: Mapping[str, Any]  # the model settings without their key
    max_parallel: int | None = None
    user_settings: Mapping[str, Any] | None = None  # the simulated user's, likewise without a key
    task_overrides: Mapping[str, Mapping[str, Any]] | None = None  # by task id, as they came
    source: Source = "rl-gym"


@dataclass(frozen=True)
class NewRollout:
    """A rollout as it is first written; `attempt` counts from 0 within its task."""

    rollout_id: str
    task_id: str
    attempt: int
    max_steps: int


@dataclass(frozen=True)
class WaitingRun:
    """A run that an earlier gym left with rollouts that had not begun; its key was not kept."""

    number: int
    run: NewRun
    rollouts: Sequence[NewRollout]


@dataclass(frozen=True)
class PhaseSpan:
    """When a phase really began and ended: the truth that observed timelines are tested against."""

    phase: Phase
    start: str  # ISO 8601
    end: str | None = None  # ISO 8601, or None while it lasts


@dataclass(frozen=True)
class Ending:
    status: Status
    stamp: str
    result: Result | None = None
    termination_reason: str | None = None
    artifacts: Artifacts | None = None
    phases: Sequence[PhaseSpan] = ()


def read_rollout(row: Any) -> Rollout:
    """Return a rollout as it travels, from its row."""
    fields = dict(row)
    for name in ("result", "status_events", "model_config"):
        if fields[name] is not None:
            fields[name] = json.loads(fields[name])
    return Rollout.model_validate(fields)


def dump_phases(phases: Sequence[PhaseSpan]) -> str:
    return json.dumps([asdict(span) for span in phases])
