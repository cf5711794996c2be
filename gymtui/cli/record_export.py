"""`gymtui record export`: a recording for other tools, as JSON lines or Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from gymtui.api.lenient import loads
from gymtui.core.json_output import json_text
from gymtui.store.history.recording_items import ChangeList, ItemChange
from gymtui.store.history.recording_reader import Recording

AT_ONCE = 10_000  # rows of a group in a Parquet file


class NoParquetError(Exception):
    """The library that writes Parquet is not installed."""


def documents(recording: Recording) -> Iterator[dict[str, Any]]:
    """A document a version of a run or rollout, or its end, in the order of time."""
    return map(_document, ChangeList(recording).every())


def json_lines(recording: Recording) -> Iterator[str]:
    return map(json_text, documents(recording))


def write_parquet(recording: Recording, path: Path) -> int:
    """Write a Parquet file, which must not exist; how many rows it has.

    Raises:
        NoParquetError: pyarrow is not installed.
        OSError: It cannot be written, or there is such a file.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise NoParquetError("Parquet needs pyarrow: pip install 'gymtui[parquet]'") from None
    instant = pa.timestamp("us", tz="UTC")
    schema = pa.schema(
        [
            ("kind", pa.string()),
            ("id", pa.string()),
            ("run_id", pa.string()),
            ("seen_from", instant),
            ("seen_at", instant),
            ("ours_at", instant),
            ("first", pa.bool_()),
            ("deleted", pa.bool_()),
            ("item", pa.string()),
        ]
    )
    count = 0
    with path.open("xb") as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        versions = ChangeList(recording).every()
        while rows := list(islice(versions, AT_ONCE)):
            count += len(rows)
            writer.write_table(pa.Table.from_pylist([_row(seen) for seen in rows], schema))
    return count


def _document(seen: ItemChange) -> dict[str, Any]:
    return {
        "kind": seen.kind,
        "id": seen.item_id,
        "seen_from": seen.seen_from.isoformat(),
        "seen_at": seen.seen_at.isoformat(),
        "ours_at": seen.ours_at.isoformat(),
        "first": seen.first,
        "deleted": seen.after is None,
        "item": _item(seen.after),
    }


def _row(seen: ItemChange) -> dict[str, Any]:
    item = _item(seen.before if seen.after is None else seen.after)
    run_id = item.get("run_id") if isinstance(item, dict) else None
    return {
        "kind": seen.kind,
        # Parquet's text is UTF-8: what that cannot hold is escaped as in JSON.
        "id": _text(seen.item_id),
        "run_id": _text(run_id) if isinstance(run_id, str) else None,
        "seen_from": seen.seen_from,
        "seen_at": seen.seen_at,
        "ours_at": seen.ours_at,
        "first": seen.first,
        "deleted": seen.after is None,
        "item": None if seen.after is None else seen.after.decode("utf-8", "replace"),
    }


def _item(raw: bytes | None) -> Any:
    try:
        return loads(raw or b"")
    except (ValueError, RecursionError):
        return None


def _text(text: str) -> str:
    return text if text.encode("utf-8", "ignore").decode() == text else json_text(text)[1:-1]
