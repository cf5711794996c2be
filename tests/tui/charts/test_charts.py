"""Charts as they are drawn, in words, and entered."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from gymtui.store.stats.comparison import Difference
from gymtui.store.stats.formulas import Interval, Tally
from gymtui.store.stats.histograms import Bin, Histogram, Measure, bin_label
from gymtui.store.stats.trend import Checkpoint, Trend
from gymtui.tui.charts.bars import axis, outcome_bar, rate_line
from gymtui.tui.charts.rows import bin_rows, describe_counts, rate_rows, time_rows
from gymtui.tui.charts.screen import ChartsScreen
from gymtui.tui.kit.styled_text import Cell
from tests.tui.staged import StillGym, staged_dashboard

FALL = Difference(8, -0.57, -0.8, -0.3, 0.002, 0.006, 3)
WORSE = Checkpoint("p-s3000", "3000", Tally(7, 31), Interval(0.1, 0.4), False, "p-s2000", FALL)
BEFORE = Checkpoint("p-s2000", "2000", Tally(24, 30), Interval(0.6, 0.9), False)


def text(cell: Cell) -> str:
    return "".join(piece.text for piece in cell)


def test_a_rate_stands_between_the_ends_of_its_interval_beside_its_baseline() -> None:
    assert text(rate_line(WORSE, 0.8, 21, plain=False)) == "  ───●───       ┊    "
    assert text(rate_line(WORSE, 0.8, 21, plain=True)) == "  ---o---       |    "
    assert text(rate_line(BEFORE, 0.7, 21, plain=False)) == "            ──┼─●──  "
    assert rate_line(WORSE, 0.8, 21, plain=False)[0].style == "failed"
    assert text(axis(21)) == "0%       50%     100%"


@pytest.mark.parametrize("rate", [0, 1])
@pytest.mark.parametrize("cells", [2, 3, 12, 80, 500])
def test_no_rate_leaves_its_cells(rate: int, cells: int) -> None:
    point = Checkpoint("r", "1", Tally(9 * rate, 9), Interval(0.0, 1.0), True)
    assert len(text(rate_line(point, float(rate), cells, plain=False))) == cells
    assert len(text(axis(cells))) == max(cells, 6)


def test_every_outcome_that_exists_has_a_cell() -> None:
    drawn = text(outcome_bar({"passed": 500, "failed": 1, "error": 1}, 1000, 20, plain=True))
    assert drawn.count("✗") == drawn.count("!") == 1 and len(drawn) == 10
    assert outcome_bar({"passed": 0, "failed": 0, "error": 0}, 9, 20, plain=False) == ()


def test_the_numbers_are_said_in_words() -> None:
    row = rate_rows(Trend((BEFORE, WORSE)))[1]
    assert row.words == (
        "p-s3000: pass@1 23% (10–40) of 31 verdicts · -57pp (-80 to -30) against p-s2000 over "
        "8 tasks, p = 0.006 adjusted for 3 comparisons"
    )
    assert (row.numbers, row.base) == ("23% 10–40 of 31", 0.8)
    assert rate_rows(Trend((Checkpoint("p", "1", Tally(0, 0), None, True),)))[0].numbers == "–"
    measure = Measure("steps", lambda _row, _seen: 1, whole=True)
    bins = Histogram((Bin(10, 20, {"passed": 9, "failed": 5, "error": 0}, ("a", 'b"')),), 14, 14)
    [bar] = bin_rows(bins, measure)
    assert bar.words == "steps 10–19: 14 rollouts: 9 passed, 5 failed"
    assert bar.filter == 'rollout:"a","b\\""'
    assert describe_counts({"passed": 0, "failed": 0, "error": 1}) == "1 rollout: 1 error"
    noon = 1_774_008_000.0
    for width_s, labels in ((3600, ["12:00", "13:00"]), (30, ["12:00:00", "12:00:30"])):
        ends = [(noon + n * width_s, noon + (n + 1) * width_s) for n in range(2)]
        times = Histogram(tuple(Bin(*end, {}) for end in ends), 0, 0)
        assert [row.label for row in time_rows(times, UTC)] == labels
    assert bin_label(Bin(60, 120, {}), Measure("elapsed", measure.value, clock=True)) == (
        "1m00s–2m00s"
    )
    score = Measure("score", measure.value, most=1.0)
    ends = (0.2, 0.4), (0.9, 1.0), (1.0, 1.1), (0.8, 1.2)
    labels = [bin_label(Bin(low, high, {}), score) for low, high in ends]
    assert labels == ["0.2–0.4", "0.9–1", "1", "0.8–1"], "no score is above 1"


async def test_from_a_run_to_its_series_to_the_rollouts_of_a_bin(tmp_path: Path) -> None:
    gym = StillGym()
    for number, outcomes in ((1000, ("pass", "pass")), (2000, ("pass", "fail", "env"))):
        gym.add(f"p-s{number}", "book_room", *outcomes)
    gym.add("other", "book_room", "pass")
    async with staged_dashboard(gym, tmp_path, (100, 24)) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 6)
        await person.press("slash", *"s2000", "enter", "P")
        shown = await person.sees("charts of 2 runs", "1000", "2000", "100%", "50% ")
        assert "other" not in shown
        await person.press("right", "right")
        await person.sees("elapsed known for 5 of 5 rollouts", "5 rollouts: 3 passed, 1 failed")
        screen = person.app.screen
        assert isinstance(screen, ChartsScreen)
        await person.press("enter")
        await person.sees("p-s1000.001", "p-s2000.003")
        assert "other" not in person.screen()
        await person.press("escape", "escape", "left", "left", "down", "enter")
        await person.sees("runs › p-s2000")


@pytest.mark.parametrize("checkpoints", [1, 2])
async def test_points_are_turned_round_where_there_is_more_than_one(
    checkpoints: int, tmp_path: Path
) -> None:
    gym = StillGym()
    for number in range(1, checkpoints + 1):
        gym.add(f"p-s{number}000", "book_room", "pass", "fail")
    async with staged_dashboard(gym, tmp_path, (100, 24)) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 2 * checkpoints)
        await person.press("P")
        await person.sees("checkpoint", "1000" if checkpoints > 1 else "50%")
        await person.press("O")
        if checkpoints == 1:
            await person.sees("nothing to sort")
        else:
            shown = person.screen()
            assert shown.index("2000 ") < shown.index("1000 ")
            assert "nothing to sort" not in shown
