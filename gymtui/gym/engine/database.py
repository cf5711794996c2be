"""The gym's memory: runs, rollouts and artifacts in one SQLite file that survives a restart.

Only plain reads and short transactions live here; what they mean is the engine's business, and how
the file is opened that of `gym.engine.database_file`.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gymtui.gym.engine.database_file import DatabaseFile
from gymtui.gym.engine.records import (
    Ending,
    NewRollout,
    NewRun,
    PhaseSpan,
    RunNameTakenError,
    WaitingRun,
    dump_phases,
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


class Database(DatabaseFile):
    """What the gym remembers, read and written."""

    # -- runs ------------------------------------------------------------------------------

    def add_run(self, run: NewRun, rollouts: Iterable[NewRollout]) -> int:
        """Write a run and its pending rollouts, all or nothing.

        Returns:
            The run's number: how many runs this file has ever seen, it included.

        Raises:
            RunNameTakenError: A run of that id exists.
        """
        events = json.dumps([{"status": "pending", "timestamp": run.created_at}])
        with self._transaction():
            try:
                cursor = self._connection.execute(
                    "INSERT INTO runs (run_id, scenario_id, source, created_at, settings,"
                    " user_settings, max_parallel, task_overrides) VALUES (?,?,?,?,?,?,?,?)",
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
                )
            except sqlite3.IntegrityError as error:
                raise RunNameTakenError(run.run_id) from error
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
        return int(cursor.lastrowid or 0)

    def count_from(self, number: int) -> None:
        """Have the next run of a new file be of the number after this one."""
        self._connection.execute("INSERT INTO sqlite_sequence VALUES ('runs', ?)", (number,))

    def take_in(self, other: "Database") -> None:
        """Write everything that another file holds into this one, all or nothing.

        Raises:
            RunNameTakenError: A run of one of its ids exists.
        """
        with self._transaction():
            for table in ("runs", "rollouts", "artifacts"):
                rows = other._connection.execute(f"SELECT * FROM {table} ORDER BY rowid")  # noqa: S608  (our own names)
                for row in rows:
                    # Numbers are each file's own.
                    names = [name for name in row.keys() if name != "number"]  # noqa: SIM118  (a row is its values)
                    places = ",".join("?" * len(names))
                    columns = ",".join(names)
                    try:
                        self._connection.execute(
                            f"INSERT INTO {table} ({columns}) VALUES ({places})",  # noqa: S608
                            [row[name] for name in names],
                        )
                    except sqlite3.IntegrityError as error:
                        raise RunNameTakenError(row["run_id"]) from error

    def has_run(self, run_id: str) -> bool:
        """Return whether a run of this id exists."""
        found = self._connection.execute("SELECT 1 FROM runs WHERE run_id = ?", (run_id,))
        return found.fetchone() is not None

    def run(self, run_id: str) -> RunStatus | None:
        """Return a run with its counters and rollout ids, or None."""
        row = self._connection.execute("SELECT * FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        return None if row is None else self._status(row, with_ids=True)

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
        total = self._connection.execute(f"SELECT count(*) FROM runs{where}", values)  # noqa: S608
        rows = self._connection.execute(
            f"SELECT * FROM runs{where} ORDER BY number DESC LIMIT ? OFFSET ?",  # noqa: S608
            [*values, limit, offset],
        ).fetchall()
        return int(total.fetchone()[0]), [self._status(row, with_ids=with_ids) for row in rows]

    def _status(self, row: sqlite3.Row, *, with_ids: bool) -> RunStatus:
        run_id = row["run_id"]
        counters = self._connection.execute(
            f"SELECT {COUNTERS} FROM rollouts WHERE run_id = ?",  # noqa: S608
            (run_id,),
        ).fetchone()
        ids = self.rollout_ids(run_id) if with_ids else []
        return RunStatus(
            run_id=run_id,
            scenario_id=row["scenario_id"],
            source=row["source"],
            rollout_ids=ids,
            **dict(counters),
        )

    def rollout_ids(self, run_id: str) -> list[str]:
        """Return the ids of a run's rollouts, in the order they were made."""
        rows = self._connection.execute(
            "SELECT rollout_id FROM rollouts WHERE run_id = ? ORDER BY number", (run_id,)
        )
        return [row[0] for row in rows]

    @property
    def runs_ever(self) -> int:
        """How many runs this file has ever seen, deleted ones included."""
        seen = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'runs'")
        row = seen.fetchone()
        return 0 if row is None else int(row[0])

    def finished_runs(self, *, but_newest: int) -> list[str]:
        """Return the runs in which nothing waits or runs, newest first, without the first few."""
        rows = self._connection.execute(
            "SELECT run_id FROM runs WHERE run_id NOT IN (SELECT run_id FROM rollouts WHERE"
            " status IN (SELECT value FROM json_each(?))) ORDER BY number DESC LIMIT -1 OFFSET ?",
            (json.dumps(ACTIVE), but_newest),
        )
        return [row[0] for row in rows]

    def waiting_runs(self) -> list[WaitingRun]:
        """Return the runs in which rollouts wait, oldest first, with those rollouts."""
        rows = self._connection.execute(
            "SELECT * FROM runs WHERE run_id IN"
            " (SELECT run_id FROM rollouts WHERE status = 'pending') ORDER BY number"
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
                self._waiting(row["run_id"]),
            )
            for row in rows
        ]

    def _waiting(self, run_id: str) -> list[NewRollout]:
        rows = self._connection.execute(
            "SELECT rollout_id, task_id, attempt, max_steps FROM rollouts"
            " WHERE run_id = ? AND status = 'pending' ORDER BY number",
            (run_id,),
        )
        return [NewRollout(*row) for row in rows]

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
        return {} if row is None else json.loads(row[0])

    # -- rollouts --------------------------------------------------------------------------

    def rollouts(self, **filters: str | None) -> list[Rollout]:
        """Return the rollouts that match, oldest first.

        Args:
            filters: Column to value: scenario_id, task_id, status, run_id; None matches all.
        """
        where, values = _where({f"rollouts.{name}": value for name, value in filters.items()})
        rows = self._connection.execute(
            f"SELECT {ROLLOUT_COLUMNS} FROM rollouts JOIN runs USING (run_id){where}"  # noqa: S608
            " ORDER BY rollouts.number",
            values,
        )
        return [read_rollout(row) for row in rows]

    def rollout(self, rollout_id: str) -> Rollout | None:
        """Return one rollout, or None."""
        return next(iter(self.rollouts(rollout_id=rollout_id)), None)

    def begin(self, rollout_id: str, stamp: str) -> bool:
        """Turn a pending rollout into a running one; False when it is not pending any more."""
        changed = self._connection.execute(
            "UPDATE rollouts SET status = 'running', started_at = ?, status_events ="
            " json_insert(status_events, '$[#]', json_object('status', 'running', 'timestamp', ?))"
            " WHERE rollout_id = ? AND status = 'pending'",
            (stamp, stamp, rollout_id),
        )
        return changed.rowcount == 1

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
                " phase = iif(? = 'completed', 'completed', phase), result = ?,"
                " termination_reason = ?, phases = ?, status_events = json_insert(status_events,"
                " '$[#]', json_object('status', ?, 'timestamp', ?)) WHERE rollout_id = ?",
                (
                    ending.status,
                    ending.stamp,
                    ending.status,
                    None if ending.result is None else ending.result.model_dump_json(),
                    ending.termination_reason,
                    dump_phases(ending.phases),
                    ending.status,
                    ending.stamp,
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
            " termination_reason = ?, status_events = json_insert(status_events, '$[#]',"
            " json_object('status', 'failed', 'timestamp', ?))"
            " WHERE status IN (SELECT value FROM json_each(?)) AND run_id = coalesce(?, run_id)",
            (stamp, reason, stamp, json.dumps(statuses), run_id),
        )
        return changed.rowcount

    def count_active(self, run_id: str) -> int:
        """Return how many of a run's rollouts have not finished."""
        row = self._connection.execute(
            "SELECT count(*) FROM rollouts WHERE run_id = ?"
            " AND status IN (SELECT value FROM json_each(?))",
            (run_id, json.dumps(ACTIVE)),
        ).fetchone()
        return int(row[0])

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
        return [json.loads(row[0]) for row in rows]

    def artifacts(self, rollout_id: str) -> Artifacts | None:
        """Return what was recorded of a finished rollout, or None."""
        row = self._connection.execute(
            "SELECT body FROM artifacts WHERE rollout_id = ?", (rollout_id,)
        ).fetchone()
        return None if row is None else Artifacts.model_validate_json(row[0])

    def phases(self, rollout_id: str) -> list[PhaseSpan] | None:
        """Return when each phase really began and ended, or None for an unknown rollout."""
        row = self._connection.execute(
            "SELECT phases FROM rollouts WHERE rollout_id = ?", (rollout_id,)
        ).fetchone()
        return None if row is None else [PhaseSpan(**span) for span in json.loads(row[0])]


def _where(filters: Mapping[str, str | None]) -> tuple[str, list[Any]]:
    named = {name: value for name, value in filters.items() if value is not None}
    if not named:
        return "", []
    return " WHERE " + " AND ".join(f"{name} = ?" for name in named), list(named.values())
