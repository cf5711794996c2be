"""How numbers are written: rounded, with their unit, in the room there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gymtui.api.models import Rollout, RunStatus
from gymtui.cli.documents import rollout_document
from gymtui.store.formats import age, cost, duration, p_value, thousands
from gymtui.store.history.timeline import segments
from gymtui.store.lists.columns import ROLLOUTS, RunView
from gymtui.store.outcome import outcome_of
from gymtui.store.records import RolloutRow, RunRow
from gymtui.store.rollout_times import elapsed_s
from gymtui.tui.kit.rollout_details import rollout_details
from gymtui.tui.matrix.columns import attempt_at, attempts_cell
from gymtui.tui.runs.columns import run_columns


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


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "–"),
        (-0.1, "–"),
        (-3600, "–"),
        (float("nan"), "–"),
        (float("inf"), "–"),
        (0, "0s"),
        (2.5, "3s"),
        (59.4, "59s"),
        (59.5, "1m00s"),
        (145, "2m25s"),
        (3599.6, "1h00m"),
        (3 * 3600 + 7 * 60 + 31, "3h08m"),
        (86399, "1d00h"),
        (4 * 86400 + 5.6 * 3600, "4d06h"),
    ],
)
def test_durations_are_rounded_and_impossible_ones_not_known(
    seconds: float | None, written: str
) -> None:
    assert duration(seconds) == written


AT = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "–"),
        (0, "now"),
        (9.9, "now"),
        (59.9, "50s ago"),
        (60, "1m ago"),
        (18 * 60 + 59, "18m ago"),
        (2 * 3600 - 1, "119m ago"),
        (2 * 3600, "2h ago"),
        (2 * 86400 - 1, "47h ago"),
        (2 * 86400, "2d ago"),
        (-2, "now"),
        (-60, "–"),
        (-86400, "–"),
    ],
)
def test_ages_count_whole_units_and_the_future_has_none(
    seconds: float | None, written: str
) -> None:
    then = None if seconds is None else AT - timedelta(seconds=seconds)
    assert age(then, AT) == written


def rollout(status: str, began_s: float, ended_s: float | None = None) -> RolloutRow:
    record = Rollout(
        rollout_id="r",
        status=status,
        started_at=AT + timedelta(seconds=began_s),
        completed_at=None if ended_s is None else AT + timedelta(seconds=ended_s),
    )
    return RolloutRow("r", "run", b"", 0.0, 0.0, record, outcome=outcome_of(record))


def test_what_ended_before_it_started_took_no_known_time() -> None:
    backwards = rollout("completed", 0, -5)
    assert elapsed_s(backwards, AT) is None
    assert ROLLOUTS["elapsed"].value(backwards) is None
    assert elapsed_s(rollout("completed", 0, 5), AT) == 5


def test_what_runs_is_timed_as_well_as_the_clocks_agree() -> None:
    assert elapsed_s(rollout("running", -7), AT) == 7
    assert elapsed_s(rollout("running", 2), AT) == 0
    for later_s in (3600, 86400):
        ahead = rollout("running", later_s)
        assert elapsed_s(ahead, AT) is None
        assert rollout_document(ahead, AT)["elapsed_s"] is None


@pytest.mark.parametrize(
    ("created_s", "began_s", "ended_s", "waited"),
    [
        (-60, 0, 30, "1m00s"),
        (-60, 90, 30, "–"),
        (-60, 3600, None, "–"),
        (-60, -30, None, "30s"),
        (-60, None, None, "1m00s"),
    ],
)
def test_a_wait_that_its_own_times_contradict_is_not_known(
    created_s: float, began_s: float | None, ended_s: float | None, waited: str
) -> None:
    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else AT + timedelta(seconds=seconds)

    status = "pending" if began_s is None else "running" if ended_s is None else "completed"
    record = Rollout(
        rollout_id="r",
        status=status,
        created_at=at(created_s),
        started_at=at(began_s),
        completed_at=at(ended_s),
    )
    row = RolloutRow("r", "run", b"", 0.0, 0.0, record, outcome=outcome_of(record))
    now = AT if ended_s is None else AT + timedelta(seconds=60)
    cells = rollout_details(row, segments(record, (), now), 100, 5)
    lines = ["".join(piece.text for piece in cell) for cell in cells]
    assert any(line.startswith(f"waited {waited}") for line in lines), lines


@pytest.mark.parametrize(
    ("cells", "most"), [(9, 4), (9, 12), (10, 12), (21, 40), (2, 3), (1, 3), (24, 3)]
)
def test_an_attempt_is_found_where_it_is_drawn(cells: int, most: int) -> None:
    attempts = [rollout("running", 0.0)] * most
    room = max((cells - 1) // 2, 1)
    for at in range(most):
        drawn = attempts_cell(attempts, cells, at=at, here=True, most=most)
        text = "".join(piece.text for piece in drawn)
        # The one under the cursor stands in brackets, and is found there.
        assert attempt_at(text.index("[") + 1, cells, at=at, most=most) == at
        glyphs = [offset for offset, sign in enumerate(text) if sign not in "[]‹› "]
        found = [attempt_at(offset, cells, at=at, most=most) for offset in glyphs]
        assert found == list(range(found[0], found[0] + min(room, most)))
        assert attempt_at(0, cells, at=at, most=most) == found[0]
        assert attempt_at(cells + 9, cells, at=at, most=most) == found[0] + room - 1


@pytest.mark.parametrize(
    ("usd", "said"),
    [
        (0.0001, "$0.0001"),
        (None, "–"),
        (0.0, "$0"),
        (0.000_01, "<$0.0001"),
        (0.000_45, "$0.00045"),
        (0.01234, "$0.0123"),
        (1.5, "$1.5"),
        (99.96, "$100"),
        (1234.4, "$1,234"),
    ],
)
def test_a_cost_has_three_digits(usd: float | None, said: str) -> None:
    assert cost(usd) == said


@pytest.mark.parametrize(
    ("p", "said"), [(1.0, "1"), (0.0625, "0.062"), (0.0001, "0.0001"), (0.00009, "<0.0001")]
)
def test_p_has_two_digits_and_an_end(p: float, said: str) -> None:
    assert p_value(p) == said
