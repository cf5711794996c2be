"""Rollouts as jobs on PostgreSQL: who works them, until when, and who may write how they end.

A worker has a row in `workers` and renews it; a rollout that runs has the worker's id, by which
alone it is written. A worker whose row is too old is removed and its rollouts wait again, once: so
whoever was taken for dead writes nothing any more, and no rollout is run twice to its end. Whatever
moves rollouts between workers does so under one lock, by which limits hold over all of them.

procrastinate (3.10) was looked at: its jobs would have a state beside the rollouts' own, it limits
a worker and not a run or a model, and what a job writes is not fenced. All that is here would be
needed as well, besides its 9,000 lines, 600 of SQL and seven packages.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

from gymtui.gym.clock import Clock
from gymtui.gym.engine.allotment import Limits, RunLoad, allot
from gymtui.gym.engine.database import Database
from gymtui.gym.engine.database_server import LOCK, DatabaseServer
from gymtui.gym.engine.records import EVENT, NewRollout, NewRun, WaitingRun, event
from gymtui.gym.engine.rollout import CANCELLED

CHANNEL: Final = "gymtui_gym"
DEFAULT_PARALLEL: Final = 4
LEASE_S: Final = 30.0  # how long a worker may say nothing until its rollouts are given to others
BEAT_S: Final = 5.0  # how often it says that it is alive, and looks for what it was not told
MOST_COUNTED: Final = 1000  # of a run's rollouts that wait; no worker takes as many at once
LOST_TWICE: Final = "interrupted: two workers were lost while they ran this rollout"

_CANCELLED = "run_id IN (SELECT run_id FROM runs WHERE cancelled)"
_NOT_HELD = "NOT EXISTS (SELECT FROM workers WHERE workers.worker_id = rollouts.worker_id)"


@dataclass(frozen=True)
class GymSettings:
    """What a gym says to its workers."""

    seed: int
    speed: float
    failure_share: float
    max_parallel: int
    max_requests: int
    model_timeout_s: float
    judge: Mapping[str, Any] | None = None  # the judge's settings without its key


@dataclass(frozen=True)
class Claim:
    waiting: WaitingRun
    secrets: Mapping[str, Mapping[str, Any]]  # what was kept apart of the run's settings
    gym: GymSettings


@dataclass(frozen=True)
class QueuedWrite:
    rollout_id: str
    carry_out: Callable[[Database], object]
    ends: bool = False


class LostWorkerError(Exception):
    """The worker was taken for dead: its rollouts are not its own any more."""


class RolloutQueue:
    """The queue in one database; not shared between threads.

    Args:
        database: Closed by whoever opened it.
    """

    def __init__(
        self,
        database: DatabaseServer,
        clock: Clock,
        *,
        lease_s: float = LEASE_S,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.database = database
        self._clock = clock
        self._lease_s = lease_s
        self._now_s = now_s
        self._looked_s: float | None = None
        self._sql = database.connection

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Have a transaction in which nobody else moves rollouts."""
        with self._sql.transaction():
            self._sql.execute("SELECT pg_advisory_xact_lock(?, 2)", (LOCK,))
            yield

    def _tell(self, **news: int) -> None:
        self._sql.execute("SELECT pg_notify(?, ?)", (CHANNEL, json.dumps(news)))

    # -- the gym's side ------------------------------------------------------------------------

    def describe(self, settings: GymSettings) -> None:
        """Say how rollouts are run from now on."""
        with self._alone():
            self._sql.execute("DELETE FROM gym")
            self._sql.execute("INSERT INTO gym VALUES (?)", (json.dumps(asdict(settings)),))
            self._tell(work=1)

    def add(
        self,
        run: NewRun,
        rollouts: Sequence[NewRollout],
        places: Sequence[str],
        secrets: Mapping[str, Any],
    ) -> None:
        """Write a run and have its rollouts worked.

        Args:
            secrets: Of its settings; kept until it is over.

        Raises:
            RunNameTakenError: A run of that id exists.
        """
        with self._sql.transaction():
            self.database.add_run(run, rollouts)
            self._sql.execute(
                "UPDATE runs SET places = ? WHERE run_id = ?", (json.dumps(places), run.run_id)
            )
            self._sql.execute(
                "INSERT INTO run_secrets (run_id, body) VALUES (?, ?)",
                (run.run_id, json.dumps(secrets)),
            )
            self._tell(work=1)

    def cancel(self, run_id: str) -> int | None:
        """Cancel a run: what waits has ended, what runs is told.

        Returns:
            How many rollouts that is, or None when there is no such run.
        """
        with self._alone():
            found = self._sql.execute(
                "UPDATE runs SET cancelled = true WHERE run_id = ? RETURNING number", (run_id,)
            ).fetchone()
            if found is None:
                return None
            active = self.database.count_active(run_id)
            stamp = self._clock.stamp()
            self.database.fail(stamp, CANCELLED, statuses=("pending",), run_id=run_id)
            self._tell(cancelled=found["number"])
        return active

    def delete(self, run_id: str) -> int | None:
        """Delete a run; who runs some of it is told.

        Returns:
            How many rollouts went with it, or None when there is no such run.
        """
        with self._alone():
            found = self._sql.execute("SELECT number FROM runs WHERE run_id = ?", (run_id,))
            row = found.fetchone()
            self._lock("run_id = ?", run_id)
            gone = self.database.delete_run(run_id)
            if row is not None:
                self._tell(deleted=row["number"])
        return gone

    # -- a worker's side -----------------------------------------------------------------------

    def settings(self) -> GymSettings | None:
        """Return how rollouts are run, or None as long as no gym was served here."""
        row = self._sql.execute("SELECT settings FROM gym").fetchone()
        return None if row is None else GymSettings(**json.loads(row["settings"]))

    def join(self, worker_id: str) -> None:
        self._sql.execute("INSERT INTO workers (worker_id) VALUES (?)", (worker_id,))

    def beat(self, worker_id: str, known: Sequence[str]) -> tuple[set[str], set[int]]:
        """Say that a worker is alive; what it does not know that it has, waits again.

        Args:
            known: The rollouts that it has.

        Returns:
            Which of these it may go on with, and the numbers of their runs that were cancelled.

        Raises:
            LostWorkerError: It was taken for dead.
        """
        with self._alone():
            renewed = self._sql.execute(
                "UPDATE workers SET seen_at = clock_timestamp() WHERE worker_id = ?", (worker_id,)
            )
            if not renewed.rowcount:
                raise LostWorkerError
            rows = self._sql.execute(
                "SELECT rollout_id, runs.number, cancelled FROM rollouts JOIN runs USING (run_id)"
                " WHERE worker_id = ?",
                (worker_id,),
            ).fetchall()
            held = {row["rollout_id"] for row in rows}
            for rollout_id in held.difference(known):
                self._give_back("rollout_id = ?", rollout_id)
            return held, {row["number"] for row in rows if row["cancelled"]}

    def reap(self) -> int:
        """Have what dead workers ran wait again, and forget the secrets of runs that are over.

        Returns:
            How many rollouts that is.
        """
        with self._alone():
            looked_s, self._looked_s = self._looked_s, self._now_s()
            # Who could not look for a while knows nothing of others, who may be back in a moment.
            if looked_s is not None and self._looked_s - looked_s < self._lease_s / 2:
                self._sql.execute(
                    "DELETE FROM workers WHERE"
                    " seen_at < clock_timestamp() - ? * interval '1 second'",
                    (self._lease_s,),
                )
            count = self._give_back(_NOT_HELD, is_death=True)
            self._sql.execute(
                "UPDATE runs SET is_open = false WHERE is_open AND NOT EXISTS (SELECT FROM rollouts"
                " WHERE rollouts.run_id = runs.run_id AND status IN ('pending', 'running'))"
            )
            self._sql.execute(
                "DELETE FROM run_secrets WHERE run_id IN"
                " (SELECT run_id FROM runs WHERE NOT is_open)"
            )
        return count

    def claim(
        self, worker_id: str, scenario_ids: Sequence[str], most: int, *, is_last: bool
    ) -> list[Claim]:
        """Give rollouts to a worker: they run from now on.

        Args:
            scenario_ids: What it can run.
            most: How many it can have besides those it has.
            is_last: Whether it takes what others did not want, rather than its share.

        Raises:
            LostWorkerError: It was taken for dead.
        """
        with self._alone():
            rows = self._sql.execute("SELECT worker_id FROM workers").fetchall()
            if worker_id not in {row["worker_id"] for row in rows}:
                raise LostWorkerError
            gym = self.settings()
            if gym is None or most <= 0:
                return []
            loads, own = self._loads(worker_id, scenario_ids)
            limits = Limits(gym.max_parallel, gym.max_requests)
            workers = None if is_last else len(rows)
            taken = allot(loads, limits, most=most, own=own, workers=workers)
            return [self._take(worker_id, gym, run_id, count) for run_id, count in taken.items()]

    def _loads(self, worker_id: str, scenario_ids: Sequence[str]) -> tuple[list[RunLoad], int]:
        rows = self._sql.execute(
            "SELECT run_id, scenario_id, max_parallel, places, waiting, running, own FROM runs,"
            " LATERAL (SELECT count(*) AS waiting FROM (SELECT FROM rollouts WHERE"
            " rollouts.run_id = runs.run_id AND status = 'pending' LIMIT ?) AS counted) AS w,"
            " LATERAL (SELECT count(*) AS running, count(*) FILTER (WHERE worker_id = ?) AS own"
            " FROM rollouts WHERE rollouts.run_id = runs.run_id AND status = 'running') AS r"
            " WHERE is_open ORDER BY number",
            (MOST_COUNTED, worker_id),
        ).fetchall()
        loads = [
            RunLoad(
                row["run_id"],
                row["waiting"] if row["scenario_id"] in scenario_ids else 0,
                row["running"],
                row["max_parallel"] or DEFAULT_PARALLEL,
                frozenset(json.loads(row["places"])),
            )
            for row in rows
        ]
        return loads, sum(row["own"] for row in rows)

    def _take(self, worker_id: str, gym: GymSettings, run_id: str, count: int) -> Claim:
        stamp = self._clock.stamp()
        found = self._sql.execute("SELECT body FROM run_secrets WHERE run_id = ?", (run_id,))
        secrets = json.loads((found.fetchone() or {"body": "{}"})["body"])
        [waiting] = self.database.waiting_runs(run_id, count)
        ids = [rollout.rollout_id for rollout in waiting.rollouts]
        self._sql.execute(
            f"UPDATE rollouts SET status = 'running', started_at = ?, worker_id = ?, {EVENT}"
            " WHERE rollout_id = ANY (?)",
            (stamp, worker_id, event("running", stamp), ids),
        )
        return Claim(waiting, secrets, gym)

    def write(self, worker_id: str, writes: Sequence[QueuedWrite]) -> None:
        """Write what happened in rollouts, all or nothing, but not of those that are another's."""
        ids = sorted({write.rollout_id for write in writes})
        with self._sql.transaction():
            rows = self._sql.execute(
                "SELECT rollout_id FROM rollouts WHERE worker_id = ? AND rollout_id = ANY (?)"
                " ORDER BY rollout_id FOR UPDATE",
                (worker_id, ids),
            )
            held = {row["rollout_id"] for row in rows}
            mine = [write for write in writes if write.rollout_id in held]
            for write in mine:
                write.carry_out(self.database)
            ended = [write.rollout_id for write in mine if write.ends]
            self._sql.execute(
                "UPDATE rollouts SET worker_id = NULL WHERE rollout_id = ANY (?)", (ended,)
            )

    def leave(self, worker_id: str) -> None:
        """Stop being there: what the worker has waits again, as if it had not begun."""
        with self._alone():
            self._give_back("worker_id = ?", worker_id)
            self._sql.execute("DELETE FROM workers WHERE worker_id = ?", (worker_id,))

    def offer(self) -> None:
        """Tell everyone that there is work."""
        self._tell(work=1)

    def _give_back(self, which: str, *values: str, is_death: bool = False) -> int:
        """Have rollouts that run wait again, but those that were cancelled or lost twice."""
        stamp = self._clock.stamp()
        which = f"status = 'running' AND {which}"
        self._lock(which, *values)
        count = self._end(stamp, CANCELLED, f"{which} AND {_CANCELLED}", values)
        if is_death:
            count += self._end(stamp, LOST_TWICE, f"{which} AND deaths > 0", values)
        self._sql.execute(
            "DELETE FROM progress WHERE rollout_id IN"
            f" (SELECT rollout_id FROM rollouts WHERE {which})",
            values,
        )
        given = self._sql.execute(
            "UPDATE rollouts SET status = 'pending', phase = NULL, current_step = NULL,"
            " started_at = NULL, phases = '[]', worker_id = NULL, deaths = deaths + ?,"
            f" {EVENT} WHERE {which}",
            (int(is_death), event("pending", stamp), *values),
        )
        if given.rowcount:
            self._tell(work=1)
        return count + int(given.rowcount)

    def _lock(self, which: str, *values: str) -> None:
        """Lock rollouts in the order in which `write` does, so that neither waits for the other."""
        self._sql.execute(
            f"SELECT rollout_id FROM rollouts WHERE {which} ORDER BY rollout_id FOR UPDATE",
            values,
        )

    def _end(self, stamp: str, reason: str, which: str, values: Sequence[str]) -> int:
        ended = self._sql.execute(
            "UPDATE rollouts SET status = 'failed', completed_at = ?, current_step = NULL,"
            f" termination_reason = ?, worker_id = NULL, {EVENT} WHERE {which}",
            (stamp, reason, event("failed", stamp), *values),
        )
        return int(ended.rowcount)
