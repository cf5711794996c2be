"""How numbers are written: rounded, with their unit, in the room there is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gymtui.api.models import RunStatus
from gymtui.store.records import RunRow
from gymtui.store.schemas import RunView
from gymtui.store.words import thousands
from gymtui.tui.columns import run_columns


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (None, "–"),
        (0, "0"),
        (999, "999"),
        (9_999, "9999"),
        (10_000, "10k"),
        (16_970, "17k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (1_274_216, "1.3M"),
        (9_949_999, "9.9M"),
        (9_960_000, "10M"),
        (999_600_000, "1.0G"),
        (12_400_000_000, "12G"),
        (2**63, "9e18"),
    ],
)
def test_large_counts_are_rounded_to_their_unit(number: int | None, written: str) -> None:
    assert thousands(number) == written
    assert len(written) <= 4


@pytest.mark.parametrize(
    ("running", "stuck", "cells", "shown"),
    [
        (66, 0, 4, "66"),
        (66, 2, 4, "!2"),
        (66, 2, 8, "66 !2"),
        (None, 3, 8, "!3"),
        (16_970, 0, 4, "17k"),
        (16_970, 12, 4, "!12"),
        (16_970, 12, 7, "17k !12"),
    ],
)
def test_the_mark_of_stuck_rollouts_tells_how_many_are(
    running: int | None, stuck: int, cells: int, shown: str
) -> None:
    run = RunStatus(run_id="a", total=99, running=running)
    view = RunView(RunRow("a", b"", 0.0, run), stuck=stuck)
    now = datetime(2026, 11, 29, tzinfo=UTC)
    columns = run_columns(lambda: now, lambda: "RUN", lambda _name: None, plain=False)
    (column,) = (column for column in columns if column.key == "running")
    assert "".join(piece.text for piece in column.cell(view, cells)) == shown
