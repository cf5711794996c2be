"""A rollout's workspace: a small database of its own that tools read and write.

It lives in memory, so that nothing is left behind however the gym ends, and it notes every change
that goes through it, for the `[STATE DIFF]` of the observation.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import cache
from typing import Any, Self

Row = dict[str, Any]

Change = tuple[str, str, str, Any]
"""A sign, what changed, and a value behind some text; written out only when somebody looks."""


class Workspace:
    """One workspace database; `close` throws it away."""

    def __init__(self, schema: str) -> None:
        """Make an empty workspace.

        Args:
            schema: `CREATE TABLE` statements. The first column of each table is its key.
        """
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.deserialize(_empty(schema))
        self._changes: list[Change] = []
        self._keys: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._inserts: dict[tuple[str, ...], str] = {}

    def close(self) -> None:
        """Throw the workspace away; closing twice does nothing."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def rows(self, query: str, *values: object) -> list[Row]:
        return [dict(row) for row in self._connection.execute(query, values)]

    def row(self, query: str, *values: object) -> Row | None:
        found = self._connection.execute(query, values).fetchone()
        return None if found is None else dict(found)

    # Table and column names come from the scenarios' own code, values are always bound.
    def insert(self, table: str, row: Mapping[str, object]) -> None:
        """Add a row and note it."""
        self.insert_all(table, [row])

    def insert_all(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Add rows, which have the same columns, and note them."""
        if not rows:
            return
        shape = (table, *rows[0])
        if shape not in self._inserts:
            names, marks = ", ".join(rows[0]), ", ".join("?" * len(rows[0]))
            self._inserts[shape] = f"INSERT INTO {table} ({names}) VALUES ({marks})"
        self._connection.executemany(self._inserts[shape], [list(row.values()) for row in rows])
        self._changes += [("+", f"{table}/{next(iter(row.values()))}", " ", row) for row in rows]

    def update(self, table: str, key: str, changes: Mapping[str, object]) -> None:
        """Change columns of the row whose key is `key` and note those that became different."""
        column = self._key_column(table)
        before = self.row(f"SELECT * FROM {table} WHERE {column} = ?", key)
        if before is None:
            raise KeyError(f"no row {key} in {table}")
        for name, value in changes.items():
            if before[name] == value:
                continue
            self._connection.execute(
                f"UPDATE {table} SET {name} = ? WHERE {column} = ?",
                (value, key),
            )
            place = f"{table}/{key}.{name}"
            self._changes += [("-", place, ": ", before[name]), ("+", place, ": ", value)]

    def delete(self, table: str, key: str) -> None:
        """Remove the row whose key is `key` and note it."""
        column = self._key_column(table)
        self._connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (key,))
        self._changes.append(("-", f"{table}/{key}", "", None))

    def _key_column(self, table: str) -> str:
        if table not in self._keys:
            row = self._connection.execute(f"SELECT * FROM {table} LIMIT 0")
            self._keys[table] = str(row.description[0][0])
        return self._keys[table]

    def next_id(self, table: str, prefix: str) -> str:
        """Return an id for a new row of `table`, such as `evt_07`."""
        if table not in self._numbers:
            count = self._connection.execute(f"SELECT count(*) FROM {table}")
            self._numbers[table] = int(count.fetchone()[0])
        number = self._numbers[table] + 1
        column = self._key_column(table)
        while self._connection.execute(
            f"SELECT 1 FROM {table} WHERE {column} = ?",
            (identifier := f"{prefix}_{number:02}",),
        ).fetchone():
            number += 1
        self._numbers[table] = number
        return identifier

    def take_changes(self) -> list[str]:
        """Return what changed since the last call, one line a change, and forget it."""
        changes, self._changes = self._changes, []
        return [_line(change) for change in changes]

    def forget_changes(self) -> None:
        """Forget what changed, as after the world was made: nobody is told of that."""
        self._changes.clear()


@cache
def _empty(schema: str) -> bytes:
    """Return a database in which nothing but the tables is, made once for all workspaces."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(schema)
        return connection.serialize()


def _line(change: Change) -> str:
    sign, place, between, value = change
    written = f"{between}{json.dumps(value, ensure_ascii=False)}" if between else ""
    return f"{sign} {place}{written}"
