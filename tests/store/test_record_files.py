"""Records of rollouts beside their artifacts."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from gymtui.store.record_files import read
from gymtui.transcript.artifact_files import record_of


@pytest.mark.parametrize("packed", [b"\x1f\x8bbroken", gzip.compress(b"{")], ids=["broken", "cut"])
def test_a_record_that_cannot_be_read_is_told_as_damaged(tmp_path: Path, packed: bytes) -> None:
    beside = record_of(tmp_path / "r.json")
    beside.with_name(f"{beside.name}.gz").write_bytes(packed)
    record = read(tmp_path / "r.json")
    assert record.damaged and record.problem and record.row is None


def test_a_packed_record_is_read(tmp_path: Path) -> None:
    beside = record_of(tmp_path / "r.json")
    item = b'{"rollout_id": "r", "status": "completed", "result": {"success": true}}'
    beside.with_name(f"{beside.name}.gz").write_bytes(gzip.compress(item))
    record = read(tmp_path / "r.json", "r")
    assert record.row is not None and record.row.outcome == "passed"
    assert read(tmp_path / "r.json", "other").damaged
