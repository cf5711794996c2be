"""The journal's tables in PostgreSQL, and how older ones are brought to this version, step by step.

A step is never changed once it was released: what it should have done is done by the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

from psycopg import Connection

from gymtui.store.history.database_text import to_stored
from gymtui.store.history.journal_store import NewerJournalError

LOCK = 0x67796D74
"""The first half of the advisory locks that are taken ("gymt"); the second is the gym, or 0."""

STEPS: Sequence[Sequence[LiteralString]] = (
    (
        "CREATE SCHEMA IF NOT EXISTS gymtui",
        "CREATE TABLE gymtui.journal (version integer NOT NULL)",
        "INSERT INTO gymtui.journal VALUES (0)",
        """CREATE TABLE gymtui.gyms (gym_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
           base_url text NOT NULL UNIQUE)""",
        # Ids may be of any length, which those of an index may not: keys are hashes of them.
        "CREATE SEQUENCE gymtui.writes",
        """CREATE TABLE gymtui.sightings (
           row_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
           gym_id integer NOT NULL REFERENCES gymtui.gyms,
           run_key bigint NOT NULL, rollout_key bigint NOT NULL,
           run_id text NOT NULL, rollout_id text NOT NULL, status text, phase text,
           seen_from bigint NOT NULL, seen_at bigint NOT NULL, last_otherwise_at bigint,
           step bigint, still_from bigint, still_at bigint, still_step bigint,
           writer text NOT NULL, written bigint NOT NULL DEFAULT nextval('gymtui.writes'))""",
        """CREATE INDEX sightings_by_rollout
           ON gymtui.sightings (gym_id, run_key, rollout_key, seen_at)""",
        "CREATE INDEX sightings_by_age ON gymtui.sightings (gym_id, seen_at)",
        "CREATE INDEX sightings_by_write ON gymtui.sightings (gym_id, written)",
        """CREATE TABLE gymtui.summaries (
           gym_id integer NOT NULL REFERENCES gymtui.gyms, run_key bigint NOT NULL,
           run_id text NOT NULL, kept_at bigint NOT NULL, final boolean NOT NULL,
           created_at bigint, body text NOT NULL, writer text NOT NULL,
           written bigint NOT NULL DEFAULT nextval('gymtui.writes'),
           PRIMARY KEY (gym_id, run_key))""",
        "CREATE INDEX summaries_by_write ON gymtui.summaries (gym_id, written)",
        """CREATE TABLE gymtui.looks (
           gym_id integer NOT NULL REFERENCES gymtui.gyms, run_key bigint NOT NULL,
           seen_from bigint NOT NULL, seen_at bigint NOT NULL, PRIMARY KEY (gym_id, run_key))""",
        """CREATE TABLE gymtui.steps (
           gym_id integer NOT NULL REFERENCES gymtui.gyms, rollout_key bigint NOT NULL,
           run_key bigint NOT NULL, rollout_id text NOT NULL, step bigint NOT NULL,
           seen_from bigint NOT NULL, seen_at bigint NOT NULL, gaps text NOT NULL,
           PRIMARY KEY (gym_id, rollout_key))""",
        "CREATE INDEX steps_by_run ON gymtui.steps (gym_id, run_key)",
    ),
    (
        # `gone`: too old, or too much; the row stays, so that no copy brings it back.
        """CREATE TABLE gymtui.segments (
           segment_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
           gym_id integer NOT NULL REFERENCES gymtui.gyms, name text NOT NULL,
           size bigint NOT NULL, kept boolean NOT NULL, gone boolean NOT NULL DEFAULT false,
           written_at timestamptz NOT NULL DEFAULT clock_timestamp(), UNIQUE (gym_id, name))""",
        """CREATE TABLE gymtui.segment_parts (
           segment_id bigint NOT NULL REFERENCES gymtui.segments, begins bigint NOT NULL,
           bytes bytea NOT NULL, PRIMARY KEY (segment_id, begins))""",
        # They are compressed as they are.
        "ALTER TABLE gymtui.segment_parts ALTER COLUMN bytes SET STORAGE EXTERNAL",
        """CREATE TABLE gymtui.recorders (
           gym_id integer NOT NULL REFERENCES gymtui.gyms, name text NOT NULL,
           seen_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (gym_id, name))""",
    ),
)
"""What makes version 1 of an empty database, version 2 of version 1, and so on."""

SCHEMA_VERSION = len(STEPS)  # what this program writes, kept in `gymtui.journal`


def version_of(connection: Connection) -> int:
    """The version of the journal in a database, 0 where there is none."""
    # Not by `to_regclass`: what that did not find once it does not find in this transaction.
    there = connection.execute(
        "SELECT FROM pg_tables WHERE schemaname = 'gymtui' AND tablename = 'journal'"
    )
    if not there.rowcount:
        return 0
    row = connection.execute("SELECT version FROM gymtui.journal").fetchone()
    version = int(row[0]) if row else 0
    if version > SCHEMA_VERSION:
        raise NewerJournalError(version)
    return version


def migrate(connection: Connection) -> None:
    """Bring a database to this version, whole or not at all; of several at once, one does it."""
    if version_of(connection) == SCHEMA_VERSION:
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s, 0)", (LOCK,))
        for step in STEPS[version_of(connection) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute("UPDATE gymtui.journal SET version = %s", (SCHEMA_VERSION,))


def gym_number(connection: Connection, gym: str, *, make: bool) -> int:
    """The number of the gym of a base URL; if it has none, one that is made, or -1."""
    name = (to_stored(gym.rstrip("/")),)
    find = "SELECT gym_id FROM gymtui.gyms WHERE base_url = %s"
    found = connection.execute(find, name).fetchone()
    if found is None and make:
        connection.execute(
            "INSERT INTO gymtui.gyms (base_url) VALUES (%s) ON CONFLICT DO NOTHING", name
        )
        found = connection.execute(find, name).fetchone()
    return int(found[0]) if found else -1
