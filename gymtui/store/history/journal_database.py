"""The journal of one gym in a PostgreSQL database that a team shares: rows, merging, pruning.

A change of a rollout is one row, whoever saw it: of several looks at it, what each knows best is
kept. How the database is reached, and what its errors mean, is `database_engine`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from psycopg import Connection

from gymtui.core.instants import from_micros, micros
from gymtui.store.history.database_batches import join_batches, split_rounds
from gymtui.store.history.database_schema import LOCK, gym_number
from gymtui.store.history.database_text import from_stored, is_odd, key_of, to_stored
from gymtui.store.history.journal_store import (
    STEPS_KEPT,
    Batch,
    Limits,
    SavedSummary,
    TeamNews,
    gaps_text,
    steps_in,
    summaries_in,
    summary_text,
)
from gymtui.store.history.observer import (
    StateObservation,
    StepTimes,
    UnchangedPoll,
    extend_observations,
)

PRUNE_ROWS = 2_000  # rows deleted in one transaction, so that nobody else waits long for the lock

_SUM_UP = """
WITH new AS (
    SELECT * FROM unnest(%(run_key)s::bigint[], %(rollout_key)s::bigint[], %(run_id)s::text[],
        %(rollout_id)s::text[], %(status)s::text[], %(phase)s::text[], %(seen_from)s::bigint[],
        %(seen_at)s::bigint[], %(otherwise)s::bigint[], %(step)s::bigint[])
    AS n (run_key, rollout_key, run_id, rollout_id, status, phase, seen_from, seen_at, otherwise,
        step)
), same AS (
    SELECT DISTINCT ON (n.run_key, n.rollout_key) n.*, s.row_id
    FROM new n JOIN gymtui.sightings s ON s.gym_id = %(gym)s AND s.run_key = n.run_key
        AND s.rollout_key = n.rollout_key
        AND s.status IS NOT DISTINCT FROM n.status AND s.phase IS NOT DISTINCT FROM n.phase
        AND (n.otherwise IS NULL OR n.otherwise <= s.seen_at)
        AND (s.last_otherwise_at IS NULL OR s.last_otherwise_at <= n.seen_at)
    WHERE NOT EXISTS (
        SELECT FROM gymtui.sightings d WHERE d.gym_id = %(gym)s AND d.run_key = n.run_key
            AND d.rollout_key = n.rollout_key
            AND (d.status IS DISTINCT FROM n.status OR d.phase IS DISTINCT FROM n.phase)
            AND d.seen_at BETWEEN least(s.seen_at, n.seen_at) AND greatest(s.seen_at, n.seen_at))
    ORDER BY n.run_key, n.rollout_key, s.seen_at DESC
), merged AS (
    UPDATE gymtui.sightings s SET
        seen_from = CASE WHEN n.seen_at < s.seen_at THEN n.seen_from ELSE s.seen_from END,
        seen_at = least(s.seen_at, n.seen_at),
        step = CASE WHEN n.seen_at < s.seen_at THEN n.step ELSE s.step END,
        last_otherwise_at = greatest(s.last_otherwise_at, n.otherwise),
        still_from = CASE WHEN n.seen_at <> s.seen_at THEN greatest(s.still_from,
            CASE WHEN n.seen_at < s.seen_at THEN s.seen_from ELSE n.seen_from END)
            ELSE s.still_from END,
        still_at = CASE WHEN n.seen_at <> s.seen_at
            THEN greatest(s.still_at, s.seen_at, n.seen_at) ELSE s.still_at END,
        still_step = CASE WHEN n.seen_at > coalesce(s.still_at, s.seen_at) THEN n.step
            WHEN s.still_at IS NULL AND n.seen_at < s.seen_at THEN s.step ELSE s.still_step END,
        writer = %(writer)s, written = nextval('gymtui.writes')
    FROM same n WHERE s.row_id = n.row_id AND (
        n.seen_at < s.seen_at OR n.seen_at > coalesce(s.still_at, s.seen_at)
        OR n.otherwise > s.last_otherwise_at
        OR (n.otherwise IS NOT NULL AND s.last_otherwise_at IS NULL))
)
INSERT INTO gymtui.sightings (gym_id, run_key, rollout_key, run_id, rollout_id, status, phase,
    seen_from, seen_at, last_otherwise_at, step, writer)
SELECT %(gym)s, n.*, %(writer)s FROM new n WHERE NOT EXISTS (
    SELECT FROM same m WHERE m.run_key = n.run_key AND m.rollout_key = n.rollout_key)
"""

# Of two dashboards on a run, the one that looked last knows best.
_KEEP_LOOKS = """
INSERT INTO gymtui.looks AS l (gym_id, run_key, seen_from, seen_at)
SELECT %(gym)s, * FROM unnest(%(run_key)s::bigint[], %(seen_from)s::bigint[], %(seen_at)s::bigint[])
ON CONFLICT (gym_id, run_key) DO UPDATE
    SET seen_from = excluded.seen_from, seen_at = excluded.seen_at
WHERE excluded.seen_at > l.seen_at
"""

# The step that was seen last counts; since when, whoever saw it there first knows best.
_KEEP_STEPS = """
INSERT INTO gymtui.steps AS s
    (gym_id, rollout_key, run_key, rollout_id, step, seen_from, seen_at, gaps)
SELECT %(gym)s, * FROM unnest(%(rollout_key)s::bigint[], %(run_key)s::bigint[],
    %(rollout_id)s::text[], %(step)s::bigint[], %(seen_from)s::bigint[], %(seen_at)s::bigint[],
    %(gaps)s::text[])
ON CONFLICT (gym_id, rollout_key) DO UPDATE SET run_key = excluded.run_key, step = excluded.step,
    seen_from = excluded.seen_from, seen_at = excluded.seen_at, gaps = excluded.gaps
WHERE (excluded.step <> s.step AND excluded.seen_at > s.seen_at)
    OR (excluded.step = s.step AND excluded.seen_at < s.seen_at)
"""

# A run deleted and launched again under its name is another: its summary replaces a final one.
_KEEP_SUMMARY = """
INSERT INTO gymtui.summaries AS s
    (gym_id, run_key, run_id, kept_at, final, created_at, body, writer)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (gym_id, run_key) DO UPDATE SET kept_at = excluded.kept_at, final = excluded.final,
    created_at = excluded.created_at, body = excluded.body, writer = excluded.writer,
    written = excluded.written
WHERE excluded.final >= s.final OR excluded.created_at > s.created_at
"""

_COLUMNS = """
SELECT run_id, rollout_id, status, phase, seen_from, seen_at, last_otherwise_at, step, still_from,
    still_at, still_step
FROM gymtui.sightings
"""

_FORGET = (
    "DELETE FROM gymtui.sightings WHERE gym_id = %s AND run_key = ANY(%s)",
    "DELETE FROM gymtui.summaries WHERE gym_id = %s AND run_key = ANY(%s)",
    "DELETE FROM gymtui.looks WHERE gym_id = %s AND run_key = ANY(%s)",
    "DELETE FROM gymtui.steps WHERE gym_id = %s AND run_key = ANY(%s)",
)

_SUMMARIES = "SELECT body FROM gymtui.summaries "

_NEW = "WHERE gym_id = %s AND written > %s AND written <= %s AND writer <> %s"

_LAST = """
SELECT greatest(
    (SELECT max(written) FROM gymtui.sightings WHERE gym_id = %(gym)s),
    (SELECT max(written) FROM gymtui.summaries WHERE gym_id = %(gym)s))
"""

_RECENT_SIGHTINGS = 2_000

_RECENT_RUNS = """
SELECT run_id, kept_at AS at FROM gymtui.summaries WHERE gym_id = %(gym)s
UNION ALL
SELECT run_id, seen_at FROM (SELECT run_id, seen_at FROM gymtui.sightings
    WHERE gym_id = %(gym)s ORDER BY seen_at DESC LIMIT %(most)s) AS latest
ORDER BY at DESC
"""

_Row = tuple[
    str, str, str | None, str | None, int, int, int | None, int | None, *tuple[int | None, ...]
]


class JournalDatabase:
    """An open journal of the gym with a base URL. Every method may raise `psycopg.Error`."""

    def __init__(self, connection: Connection, gym: str) -> None:
        self._connection = connection
        self._writer = secrets.token_hex(8)
        may = connection.execute(
            "SELECT has_table_privilege('gymtui.sightings', 'INSERT')"
            " AND current_setting('transaction_read_only') = 'off'"
        ).fetchone()
        # Such a role may read what others wrote, and no more: nothing is written then.
        self.read_only = not (may and may[0])
        self._gym = gym_number(connection, gym, make=not self.read_only)
        self._told = self._last_written()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def write(self, batches: Iterable[Batch], now: datetime) -> None:
        """Write batches in their order, all or nothing.

        What was written already, as when the connection broke before that was said, changes
        nothing.
        """
        if self.read_only:
            return
        with self._connection.transaction():
            # One writer of a gym at a time: rows are merged, and numbered as they are seen.
            self._connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCK, self._gym))
            for batch in join_batches(batches):
                self._forget(batch.forgotten)
                for some in split_rounds(batch.observations):
                    self._connection.execute(_SUM_UP, self._arrays(some))
                self._keep_looks(batch.looks)
                self._keep_steps(batch.steps)
                for summary in batch.summaries:
                    self._connection.execute(_KEEP_SUMMARY, self._summary_row(summary, now))

    def observations(self, run_id: str) -> tuple[StateObservation, ...]:
        """A run's sightings, by time; with those that the last look at the run adds to them."""
        where = (self._gym, key_of(run_id))
        kept = _observations(
            self._connection.execute(_COLUMNS + "WHERE gym_id = %s AND run_key = %s", where)
        )
        row = self._connection.execute(
            "SELECT seen_from, seen_at FROM gymtui.looks WHERE gym_id = %s AND run_key = %s", where
        ).fetchone()
        if row is None:
            return kept
        return extend_observations(kept, UnchangedPoll(run_id, *map(from_micros, row)))

    def steps(self, run_id: str) -> tuple[StepTimes, ...]:
        """When a run's rollouts took their last steps."""
        rows = self._connection.execute(
            "SELECT rollout_id, step, seen_from, seen_at, gaps FROM gymtui.steps"
            " WHERE gym_id = %s AND run_key = %s",
            (self._gym, key_of(run_id)),
        )
        return steps_in(run_id, rows, from_stored)

    def summaries(self) -> tuple[SavedSummary, ...]:
        """All summaries; a row that does not read as one is left out."""
        all_of_gym = _SUMMARIES + "WHERE gym_id = %s ORDER BY kept_at"
        return summaries_in(self._connection.execute(all_of_gym, (self._gym,)))

    def news(self) -> TeamNews:
        """What others wrote since the last call, or since it was opened."""
        after, until = self._told, self._last_written()
        if until <= after:
            return TeamNews()
        self._told = until
        where = (self._gym, after, until, self._writer)
        return TeamNews(
            _observations(self._connection.execute(_COLUMNS + _NEW, where)),
            summaries_in(self._connection.execute(_SUMMARIES + _NEW, where)),
        )

    def _last_written(self) -> int:
        """The number of the last row; all of lower numbers are there, since writers take turns."""
        row = self._connection.execute(_LAST, {"gym": self._gym}).fetchone()
        return int(row[0]) if row and row[0] is not None else 0

    def recent_runs(self) -> list[str]:
        """Runs whose names are text, the last kept or seen first."""
        rows = self._connection.execute(_RECENT_RUNS, {"gym": self._gym, "most": _RECENT_SIGHTINGS})
        names = (run_id for run_id, _ in rows if not is_odd(run_id))
        return list(dict.fromkeys(names))

    def is_over(self, limits: Limits) -> bool:
        """How large a database may be is for those who run it to say."""
        return False

    def prune(self, limits: Limits, now: datetime) -> Iterator[None]:
        """Delete what is too old, in short transactions: other work can be done in between."""
        if self.read_only:
            return
        too_old = (self._gym, micros(now - limits.age))
        while self._connection.execute(
            "DELETE FROM gymtui.sightings WHERE row_id IN (SELECT row_id FROM gymtui.sightings"
            " WHERE gym_id = %s AND seen_at < %s ORDER BY seen_at LIMIT %s FOR UPDATE SKIP LOCKED)",
            (*too_old, PRUNE_ROWS),
        ).rowcount:
            yield
        self._connection.execute(
            "DELETE FROM gymtui.summaries WHERE gym_id = %s AND kept_at < %s", too_old
        )
        self._connection.execute(
            "DELETE FROM gymtui.looks WHERE gym_id = %s AND seen_at < %s", too_old
        )
        self._connection.execute(
            "DELETE FROM gymtui.steps WHERE gym_id = %s AND seen_at < %s",
            (self._gym, micros(now - min(limits.age, STEPS_KEPT))),
        )

    def _forget(self, run_ids: Sequence[str]) -> None:
        if run_ids:
            gone = (self._gym, [key_of(run_id) for run_id in run_ids])
            for statement in _FORGET:
                self._connection.execute(statement, gone)

    def _arrays(self, some: Sequence[StateObservation]) -> dict[str, object]:
        """Observations column by column: one statement for all of them."""
        return {
            "gym": self._gym,
            "writer": self._writer,
            "run_key": [key_of(seen.run_id) for seen in some],
            "rollout_key": [key_of(seen.rollout_id) for seen in some],
            "run_id": [to_stored(seen.run_id) for seen in some],
            "rollout_id": [to_stored(seen.rollout_id) for seen in some],
            "status": [to_stored(seen.status) for seen in some],
            "phase": [to_stored(seen.phase) for seen in some],
            "seen_from": [micros(seen.seen_from) for seen in some],
            "seen_at": [micros(seen.seen_at) for seen in some],
            "otherwise": [micros(seen.last_otherwise_at) for seen in some],
            "step": [seen.step for seen in some],
        }

    def _keep_looks(self, looks: Iterable[UnchangedPoll]) -> None:
        latest: dict[int, UnchangedPoll] = {}
        for look in looks:
            key = key_of(look.run_id)
            if key not in latest or look.seen_at > latest[key].seen_at:
                latest[key] = look
        if latest:
            arrays = {
                "gym": self._gym,
                "run_key": list(latest),
                "seen_from": [micros(look.seen_from) for look in latest.values()],
                "seen_at": [micros(look.seen_at) for look in latest.values()],
            }
            self._connection.execute(_KEEP_LOOKS, arrays)

    def _keep_steps(self, steps: Iterable[StepTimes]) -> None:
        latest: dict[int, StepTimes] = {}
        for times in steps:
            key = key_of(times.rollout_id)
            if key not in latest or times.step != latest[key].step:
                latest[key] = times
        if latest:
            arrays = {
                "gym": self._gym,
                "rollout_key": list(latest),
                "run_key": [key_of(times.run_id) for times in latest.values()],
                "rollout_id": [to_stored(times.rollout_id) for times in latest.values()],
                "step": [times.step for times in latest.values()],
                "seen_from": [micros(times.seen_from) for times in latest.values()],
                "seen_at": [micros(times.seen_at) for times in latest.values()],
                "gaps": [gaps_text(times) for times in latest.values()],
            }
            self._connection.execute(_KEEP_STEPS, arrays)

    def _summary_row(self, summary: SavedSummary, now: datetime) -> tuple[object, ...]:
        return (
            *(self._gym, key_of(summary.run_id), to_stored(summary.run_id), micros(now)),
            *(summary.final, micros(summary.created_at), summary_text(summary), self._writer),
        )


def _observations(rows: Iterable[_Row]) -> tuple[StateObservation, ...]:
    """What rows tell, by time: that a state was found, and until when it was seen so."""
    found: list[StateObservation] = []
    for run_id, rollout_id, status, phase, seen_from, seen_at, otherwise, step, *still in rows:
        names = (
            from_stored(rollout_id) or "",
            from_stored(run_id) or "",
            from_stored(status),
            from_stored(phase),
        )
        since = None if otherwise is None else from_micros(otherwise)
        found.append(
            StateObservation(*names, from_micros(seen_from), from_micros(seen_at), since, step)
        )
        still_from, still_at, still_step = still
        if still_from is not None and still_at is not None:
            window = (from_micros(still_from), from_micros(still_at))
            found.append(StateObservation(*names, *window, since, still_step))
    return tuple(sorted(found, key=lambda seen: seen.seen_at))
