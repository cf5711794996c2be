"""The gym's memory: runs, rollouts and artifacts, which survive a restart.

Only plain reads and short transactions live here, in the SQL that SQLite and PostgreSQL share; what
they mean is the engine's business. Where it is kept is `gym.engine.database_file`'s, a file, or
`gym.engine.database_server`'s.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol, Self

from gymtui.gym.engine.records import (
    EVENT,
    Ending,
    NewRollout,
    NewRun,
    PhaseSpan,
    RunNameTakenError,
    WaitingRun,
    dump_phases,
    event,
    read_rollout,
)
from gymtui.gym.wire import ACTIVE, Artifacts, Phase, Rollout, RunStatus, Source, Status

COUNTERS = """
    count(*) AS total,
    count(*) FILTER (WHERE status = 'completed') AS completed,
    count(*) FILTER (WHERE status IN ('failed', 'workspace_error')) AS failed,
    count(*) FILTER (WHERE status = 'running') AS in_progress,
    count(*) FILTER (WHERE status = 'pending') AS pending,
    count(*) FILTER (WHERE status = 'running') AS running
"""

ROLLOUT_COLUMNS = """
    rollouts.rollout_id, rollouts.scenario_id, task_id, rollouts.run_id, status, phase,
    current_step, max_steps, rollouts.created_at, started_at, completed_at, result,
    termination_reason, status_events, runs.settings AS model_config
"""


class Connection(Protocol):
    """What carries statements out; values stand where they have question marks.

    Whatever it cannot do it says as a `StorageError`.
    """

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Any:
        """Carry out a statement; its rows are found by the names of columns."""

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Any:
        """Carry out a statement once for each row of values."""


class Database(ABC):
    """What the gym remembers, read and written; not shared between threads."""

    last_written: datetime | None
    """When an earlier gym wrote it last, by the machine's clock; None for a new one."""
    _connection: Connection

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[None]:
        """Have everything in the block happen, or nothing."""

    @abstractmethod
    def close(self) -> None:
        """Close it; closing twice does nothing."""

    @abstractmethod
    def keep_reserve(self) -> None:
        """Keep some room in reserve, where it is the gym's to keep.

        Raises:
            StorageError: There is none.
        """

    @abstractmethod
    def make_room(self) -> None:
        """Give up what was kept in reserve."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # -- runs ------------------------------------------------------------------------------

    def add_run(self, run: NewRun, rollouts: Iterable[NewRollout]) -> int:
        """Write a run and its pending rollouts, all or nothing.

        Returns:
            The run's number: it counts up from 1, those of deleted runs are not used again.

        Raises:
            RunNameTakenError: A run of that id exists.
        """
        events = json.dumps([{"status": "pending", "timestamp": run.created_at}])
        with self._transaction():
            made = self._connection.execute(
                "INSERT INTO runs (run_id, scenario_id, source, created_at, settings,"
                " user_settings, max_parallel, task_overrides) VALUES (?,?,?,?,?,?,?,?)"
                " ON CONFLICT (run_id) DO NOTHING RETURNING number",
                (
                    run.run_id,
                    run.scenario_id,
                    run.source,
                    run.created_at,
                    json.dumps(run.settings),
                    None if run.user_settings is None else json.dumps(run.user_settings),
                    run.max_parallel,
                    json.dumps(run.task_overrides or {}),
                ),
            ).fetchone()
            if made is None:
                raise RunNameTakenError(run.run_id)
            self._connection.executemany(
                "INSERT INTO rollouts (rollout_id, run_id, scenario_id, task_id, attempt, status,"
                " max_steps, created_at, status_events) VALUES (?,?,?,?,?,'pending',?,?,?)",
                (
                    (
                        rollout.rollout_id,
                        run.run_id,
                        run.scenario_id,
                        rollout.task_id,
                        rollout.attempt,
                        rollout.max_steps,
                        run.created_at,
                        events,
                    )
                    for rollout in rollouts
                ),
            )
        return int(made["number"])

    def has_run(self, run_id: str) -> bool:
        found = self._connection.execute("SELECT 1 FROM runs WHERE run_id = ?", (run_id,))
        return found.fetchone() is not None

    def run(self, run_id: str) -> RunStatus | None:
        """Return a run with its counters and rollout ids, or None."""
        rows = self._connection.execute("SELECT * FROM runs WHERE run_id = ?", (run_id,))
        return next(iter(self._statuses(rows.fetchall(), with_ids=True)), None)

    def runs(
        self,
        *,
        scenario_id: str | None,
        source: Source | None,
        limit: int,
        offset: int,
        with_ids: bool,
    ) -> tuple[int, list[RunStatus]]:
        """Return how many runs match and one page of them, newest first; None matches all."""
        where, values = _where({"scenario_id": scenario_id, "source": source})
        # Only the WHERE clause is spliced, from the constant column names above.
        total = self._connection.execute(
            f"SELECT count(*) AS total FROM runs{where}",
            values,
        ).fetchone()
        rows = self._connection.execute(
            f"SELECT * FROM runs{where} ORDER BY number DESC LIMIT ? OFFSET ?",
            [*values, limit, offset],
        ).fetchall()
        return int(total["total"]), self._statuses(rows, with_ids=with_ids)

    def _statuses(self, rows: Sequence[Any], *, with_ids: bool) -> list[RunStatus]:
        run_ids = [row["run_id"] for row in rows]
        found = self._connection.execute(
            f"SELECT run_id, {COUNTERS} FROM rollouts"
            f" WHERE run_id IN ({_marks(run_ids)}) GROUP BY run_id",
            run_ids,
        )
        counters = {row["run_id"]: dict(row) for row in found}
        return [
            RunStatus(
                scenario_id=row["scenario_id"],
                source=row["source"],
                rollout_ids=self.rollout_ids(row["run_id"]) if with_ids else [],
                **counters[row["run_id"]],
            )
            for row in rows
        ]

    def rollout_ids(self, run_id: str) -> list[str]:
        """Return the ids of a run's rollouts, in the order they were made."""
        rows = self._connection.execute(
            "SELECT rollout_id FROM rollouts WHERE run_id = ? ORDER BY number", (run_id,)
        )
        return [row["rollout_id"] for row in rows]

    def finished_runs(self, *, but_newest: int) -> list[str]:
        """Return the runs in which nothing waits or runs, newest first, without the first few."""
        rows = self._connection.execute(
            "SELECT run_id FROM runs WHERE run_id NOT IN (SELECT run_id FROM rollouts WHERE"
            f" status IN ({_marks(ACTIVE)})) ORDER BY number DESC",
            ACTIVE,
        )
        return [row["run_id"] for row in rows][but_newest:]

    def waiting_runs(self, run_id: str | None = None, most: int = 1 << 31) -> list[WaitingRun]:
        """Return the runs in which rollouts wait, oldest first, with those rollouts.

        Args:
            run_id: The only one that is meant; None for all.
            most: How many rollouts of each.
        """
        rows = self._connection.execute(
            "SELECT * FROM runs WHERE run_id = coalesce(?, run_id) AND run_id IN"
            " (SELECT run_id FROM rollouts WHERE status = 'pending') ORDER BY number",
            (run_id,),
        ).fetchall()
        return [
            WaitingRun(
                row["number"],
                NewRun(
                    run_id=row["run_id"],
                    scenario_id=row["scenario_id"],
                    created_at=row["created_at"],
                    settings=json.loads(row["settings"]),
                    max_parallel=row["max_parallel"],
                    user_settings=row["user_settings"] and json.loads(row["user_settings"]),
                    task_overrides=json.loads(row["task_overrides"]),
                ),
                self._waiting(row["run_id"], most),
            )
            for row in rows
        ]

    def _waiting(self, run_id: str, most: int) -> list[NewRollout]:
        rows = self._connection.execute(
            "SELECT rollout_id, task_id, attempt, max_steps FROM rollouts"
            " WHERE run_id = ? AND status = 'pending' ORDER BY number LIMIT ?",
            (run_id, most),
        )
        return [NewRollout(**row) for row in rows]

    def delete_run(self, run_id: str) -> int | None:
        """Delete a run with everything that belongs to it.

        Returns:
            How many rollouts went with it, or None when there is no such run.
        """
        with self._transaction():
            if not self.has_run(run_id):
                return None
            gone = len(self.rollout_ids(run_id))
            self._connection.execute("DELETE FROM runs WHERE run_id = ?", (run_id,))
        return gone

    def task_overrides(self, run_id: str) -> dict[str, dict[str, Any]]:
        """Return what a run changes about its tasks, by task id."""
        row = self._connection.execute(
            "SELECT task_overrides FROM runs WHERE run_id = ?", (run_id,)
        ).fetchone()
        return {} if row is None else json.loads(row["task_overrides"])

    # -- rollouts --------------------------------------------------------------------------

    def rollouts(self, **filters: str | None) -> list[Rollout]:
        """Return the rollouts that match, oldest first.

        Args:
            filters: Column to value: scenario_id, task_id, status, run_id; None matches all.
        """
        where, values = _where({f"rollouts.{name}": value for name, value in filters.items()})
        rows = self._connection.execute(
            f"SELECT {ROLLOUT_COLUMNS} FROM rollouts JOIN runs USING (run_id){where}"
            " ORDER BY rollouts.number",
            values,
        )
        return [read_rollout(row) for row in rows]

    def rollout(self, rollout_id: str) -> Rollout | None:
        return next(iter(self.rollouts(rollout_id=rollout_id)), None)

    def begin(self, rollout_id: str, stamp: str) -> bool:
        """Turn a pending rollout into a running one; False when it is not pending any more."""
        changed = self._connection.execute(
            f"UPDATE rollouts SET status = 'running', started_at = ?, {EVENT}"
            " WHERE rollout_id = ? AND status = 'pending'",
            (stamp, event("running", stamp), rollout_id),
        )
        return bool(changed.rowcount == 1)

    def set_phase(self, rollout_id: str, phase: Phase, phases: Sequence[PhaseSpan]) -> None:
        """Enter a phase; the step is unknown until the agent takes one."""
        self._connection.execute(
            "UPDATE rollouts SET phase = ?, current_step = NULL, phases = ? WHERE rollout_id = ?",
            (phase, dump_phases(phases), rollout_id),
        )

    def set_step(self, rollout_id: str, step: int) -> None:
        """Say how many tool-calling turns the agent has taken."""
        self._connection.execute(
            "UPDATE rollouts SET current_step = ? WHERE rollout_id = ?", (step, rollout_id)
        )

    def finish(self, rollout_id: str, ending: Ending) -> None:
        """Write how a rollout ended, with its artifacts; nothing when it was deleted meanwhile."""
        with self._transaction():
            changed = self._connection.execute(
                "UPDATE rollouts SET status = ?, completed_at = ?, current_step = NULL,"
                " phase = coalesce(?, phase), result = ?, termination_reason = ?, phases = ?,"
                f" {EVENT} WHERE rollout_id = ?",
                (
                    ending.status,
                    ending.stamp,
                    "completed" if ending.status == "completed" else None,
                    None if ending.result is None else ending.result.model_dump_json(),
                    ending.termination_reason,
                    dump_phases(ending.phases),
                    event(ending.status, ending.stamp),
                    rollout_id,
                ),
            )
            if ending.artifacts is not None and changed.rowcount:
                self._connection.execute(
                    "INSERT INTO artifacts (rollout_id, body) VALUES (?, ?)",
                    (rollout_id, ending.artifacts.model_dump_json()),
                )
                self._connection.execute("DELETE FROM progress WHERE rollout_id = ?", (rollout_id,))

    def fail(
        self, stamp: str, reason: str, *, statuses: Sequence[Status], run_id: str | None = None
    ) -> int:
        """End every rollout of the given statuses as failed, of one run or of all.

        Returns:
            How many there were.
        """
        changed = self._connection.execute(
            "UPDATE rollouts SET status = 'failed', completed_at = ?, current_step = NULL,"
            f" termination_reason = ?, {EVENT}"
            f" WHERE status IN ({_marks(statuses)}) AND run_id = coalesce(?, run_id)",
            (stamp, reason, event("failed", stamp), *statuses, run_id),
        )
        return int(changed.rowcount)

    def count_active(self, run_id: str) -> int:
        """Return how many of a run's rollouts have not finished."""
        row = self._connection.execute(
            "SELECT count(*) AS active FROM rollouts WHERE run_id = ?"
            f" AND status IN ({_marks(ACTIVE)})",
            (run_id, *ACTIVE),
        ).fetchone()
        return int(row["active"])

    def add_progress(self, rollout_id: str, body: str) -> None:
        """Keep what a rollout has just recorded; nothing when it was deleted meanwhile."""
        self._connection.execute(
            "INSERT INTO progress (rollout_id, body) SELECT rollout_id, ? FROM rollouts"
            " WHERE rollout_id = ?",
            (body, rollout_id),
        )

    def progress(self, rollout_id: str) -> list[dict[str, Any]]:
        """Return what a rollout without artifacts has recorded, in order."""
        rows = self._connection.execute(
            "SELECT body FROM progress WHERE rollout_id = ? ORDER BY number", (rollout_id,)
        )
        return [json.loads(row["body"]) for row in rows]

    def artifacts(self, rollout_id: str) -> Artifacts | None:
        """Return what was recorded of a finished rollout, or None."""
        row = self._connection.execute(
            "SELECT body FROM artifacts WHERE rollout_id = ?", (rollout_id,)
        ).fetchone()
        return None if row is None else Artifacts.model_validate_json(row["body"])

    def phases(self, rollout_id: str) -> list[PhaseSpan] | None:
        """Return when each phase really began and ended, or None for an unknown rollout."""
        row = self._connection.execute(
            "SELECT phases FROM rollouts WHERE rollout_id = ?", (rollout_id,)
        ).fetchone()
        return None if row is None else [PhaseSpan(**span) for span in json.loads(row["phases"])]


def _where(filters: Mapping[str, str | None]) -> tuple[str, list[Any]]:
    named = {name: value for name, value in filters.items() if value is not None}
    if not named:
        return "", []
    return " WHERE " + " AND ".join(f"{name} = ?" for name in named), list(named.values())


def _marks(values: Sequence[Any]) -> str:
    """Return a question mark for each value; NULL, which nothing is, for none."""
    return ",".join("?" * len(values)) or "NULL"
