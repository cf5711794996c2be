"""A rollout's workspace: a small database of its own that tools read and write.

It lives in memory, so that nothing is left behind however the gym ends, and it notes every change
that goes through it, for the `[STATE DIFF]` of the observation.
"""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Self

Row = dict[str, Any]


class Workspace:
    """One workspace database; `close` throws it away."""

    def __init__(self, schema: str) -> None:
        """Make an empty workspace.

        Args:
            schema: `CREATE TABLE` statements. The first column of each table is its key.
        """
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(schema)
        self._changes: list[str] = []

    def close(self) -> None:
        """Throw the workspace away; closing twice does nothing."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def rows(self, query: str, *values: object) -> list[Row]:
        """Return every row that `query` finds."""
        return [dict(row) for row in self._connection.execute(query, values)]

    def row(self, query: str, *values: object) -> Row | None:
        """Return the first row that `query` finds, or None."""
        found = self._connection.execute(query, values).fetchone()
        return None if found is None else dict(found)

    # Table and column names come from the scenarios' own code, values are always bound.
    def insert(self, table: str, row: Mapping[str, object]) -> None:
        """Add a row and note it."""
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        self._connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608
            list(row.values()),
        )
        key = next(iter(row.values()))
        self._changes.append(f"+ {table}/{key} {json.dumps(row, ensure_ascii=False)}")

    def update(self, table: str, key: str, changes: Mapping[str, object]) -> None:
        """Change columns of the row whose key is `key` and note those that became different."""
        column = self._key_column(table)
        before = self.row(f"SELECT * FROM {table} WHERE {column} = ?", key)  # noqa: S608
        if before is None:
            raise KeyError(f"no row {key} in {table}")
        for name, value in changes.items():
            if before[name] == value:
                continue
            self._connection.execute(
                f"UPDATE {table} SET {name} = ? WHERE {column} = ?",  # noqa: S608
                (value, key),
            )
            old, new = (json.dumps(side, ensure_ascii=False) for side in (before[name], value))
            self._changes += [f"- {table}/{key}.{name}: {old}", f"+ {table}/{key}.{name}: {new}"]

    def delete(self, table: str, key: str) -> None:
        """Remove the row whose key is `key` and note it."""
        column = self._key_column(table)
        self._connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (key,))  # noqa: S608
        self._changes.append(f"- {table}/{key}")

    def _key_column(self, table: str) -> str:
        row = self._connection.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608
        return str(row.description[0][0])

    def next_id(self, table: str, prefix: str) -> str:
        """Return an id for a new row of `table`, such as `evt_07`."""
        count = self._connection.execute(f"SELECT count(*) FROM {table}")  # noqa: S608
        number = int(count.fetchone()[0]) + 1
        column = self._key_column(table)
        while self.row(
            f"SELECT 1 FROM {table} WHERE {column} = ?",  # noqa: S608
            identifier := f"{prefix}_{number:02}",
        ):
            number += 1
        return identifier

    def take_changes(self) -> list[str]:
        """Return what changed since the last call, one line a change, and forget it."""
        changes, self._changes = self._changes, []
        return changes
