"""The journal's tables, and how a file of an older version is brought to this one, step by step.

A step is never changed once it was released: what it should have done is done by the next.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from gymtui.store.history.journal_store import ForeignFileError, NewerJournalError

APPLICATION_ID = 0x67796D74  # marks the file as one of ours ("gymt")

STEPS: Sequence[Sequence[str]] = (
    (
        # Ids are BLOBs where they are no valid UTF-8, which is why columns have no type.
        """CREATE TABLE sightings (run_id NOT NULL, rollout_id NOT NULL, status, phase,
           seen_from INTEGER NOT NULL, seen_at INTEGER NOT NULL, last_otherwise_at INTEGER,
           step INTEGER)""",
        "CREATE INDEX sightings_by_run ON sightings (run_id, seen_at)",
        "CREATE INDEX sightings_by_age ON sightings (seen_at)",
        """CREATE TABLE summaries (run_id PRIMARY KEY, kept_at INTEGER NOT NULL,
           final INTEGER NOT NULL, created_at INTEGER, body TEXT NOT NULL)""",
        "CREATE INDEX summaries_by_age ON summaries (kept_at)",
    ),
    (
        """CREATE TABLE looks (run_id PRIMARY KEY, seen_from INTEGER NOT NULL,
           seen_at INTEGER NOT NULL)""",
        "CREATE INDEX looks_by_age ON looks (seen_at)",
    ),
    (
        """CREATE TABLE steps (rollout_id PRIMARY KEY, run_id NOT NULL, step INTEGER NOT NULL,
           seen_from INTEGER NOT NULL, seen_at INTEGER NOT NULL, gaps TEXT NOT NULL)""",
        "CREATE INDEX steps_by_run ON steps (run_id)",
        "CREATE INDEX steps_by_age ON steps (seen_at)",
    ),
)
"""What makes version 1 of an empty file, version 2 of version 1, and so on."""

SCHEMA_VERSION = len(STEPS)  # what this program writes, kept as the file's `user_version`

LOOKS_SINCE = 2  # the version that began to keep looks; a file that is only read may be older


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the journal in a file, 0 for an empty file.

    Raises:
        NewerJournalError: A newer version of this program wrote it.
        ForeignFileError: It holds something else.
    """
    (mark, version, tables) = connection.execute(
        # One statement, so that a file that is just being made is seen before or after.
        "SELECT (SELECT application_id FROM pragma_application_id),"
        " (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_master)"
    ).fetchone()
    if mark == APPLICATION_ID:
        if version > SCHEMA_VERSION:
            raise NewerJournalError(version)
        return int(version)
    if version or tables:
        raise ForeignFileError("it is a database of another program")
    return 0


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a file to this version, in the caller's transaction; raises as `version_of`."""
    for step in STEPS[version_of(connection) :]:
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
