"""A run's numbers as they are written, and how they give way where there is little room."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gymtui.api.models import Rollout, RunStatus
from gymtui.core.replacement import replace
from gymtui.poll.time_spent import TimeSpent
from gymtui.store.formats import eta_words
from gymtui.store.lists.columns import RunView
from gymtui.store.records import RunRow
from gymtui.store.stats.eta import Eta, UsualTimes
from gymtui.store.stats.formulas import Shares
from gymtui.store.stats.run_stats import RunStats
from gymtui.store.stats.run_stats_builder import run_numbers
from gymtui.tui.kit.rollout_details import wrap_words
from gymtui.tui.kit.sparkline import sparkline
from gymtui.tui.kit.styled_text import Cell, width_of
from gymtui.tui.rollouts.header import final_bounds, run_header

T0 = datetime(2026, 3, 20, 10, tzinfo=UTC)
NOW_S = T0.timestamp() + 600
SPENT = TimeSpent(
    Shares({"building": 0.12, "seeding": 0.03, "agent": 0.78, "verifying": 0.07}, 41, 62),
    UsualTimes(),
    complete=True,
)


def rollouts(*words: str, tasks: int = 3) -> list[Rollout]:
    """One rollout a word, started every ten seconds, each taking two minutes."""
    made = []
    for number, word in enumerate(words):
        began = T0 + timedelta(seconds=10 * number)
        fields: dict[str, Any] = {
            "rollout_id": f"rol_{number}",
            "task_id": f"task_{number % tasks}",
            "created_at": T0.isoformat(),
            "started_at": None if word == "waiting" else began.isoformat(),
            "status": {"running": "running", "waiting": "pending", "env": "workspace_error"}.get(
                word, "completed"
            ),
        }
        if word in ("pass", "fail"):
            fields["result"] = {"success": word == "pass"}
        if word in ("pass", "fail", "env"):
            fields["completed_at"] = (began + timedelta(minutes=2)).isoformat()
        made.append(Rollout.model_validate(fields))
    return made


def a_run(*words: str) -> tuple[RunView, RunStats]:
    counts = Counter(words)
    ended = len(words) - counts["running"] - counts["waiting"]
    status = RunStatus(
        run_id="run_1",
        total=len(words),
        completed=ended,
        failed=0,
        running=counts["running"],
        pending=counts["waiting"],
    )
    numbers = run_numbers(rollouts(*words), total=len(words))
    return RunView(RunRow("run_1", b"", 0.0, status)), numbers


def header(cells: int, *words: str, spent: TimeSpent | None = SPENT) -> list[str]:
    lines = run_header(*a_run(*words), spent, NOW_S, (cells, cells, cells))
    assert all(width_of(line) <= cells for line in lines)
    return [text(line) for line in lines]


def text(cell: Cell) -> str:
    return "".join(piece.text for piece in cell)


WORDS = ("pass",) * 9 + ("fail",) * 3 + ("env", "running", "running", "waiting")


@pytest.mark.parametrize("cells", [78, 118, 198])
def test_what_decides_is_said_at_any_width(cells: int) -> None:
    first, second, third = header(cells, *WORDS)
    assert "13/16 done" in first
    assert "pass@1 75% 47–91 of 12" in first
    assert "! 1 env" in first
    assert "ETA " in second and "p50 2m00s p95 2m00s" in second
    assert "pass@4 100% (3/3 tasks)" in second
    assert "/min (5m00s)" in third
    assert all(word in third for word in ("build 12%", "seed 3%", "agent 78%", "verify 7%"))
    assert "41" in third and "62" in third, "with its coverage"


def test_errors_counted_as_fails_stand_beside_it_where_that_differs() -> None:
    assert "69% counting errors as failures" in header(130, *WORDS)[0]
    assert "counting errors" not in header(130, "pass", "fail")[0]


def test_what_is_not_known_is_no_number() -> None:
    run, _ = a_run("pass", "pass")
    lines = run_header(run, None, None, NOW_S, (118, 118, 118))
    first, second, third = map(text, lines)
    assert "pass@1 –" in first and "%" not in first
    assert "time –" in second and "steps –" in second
    assert "–/min" in third and "build –" in third and "from" not in third


@pytest.mark.parametrize("words", [("pass",) * 3, ()])
def test_of_a_run_of_which_only_the_stuck_are_left_that_stands_for_its_end(
    words: tuple[str, ...],
) -> None:
    run, numbers = a_run(*words, "running", "running")

    def second(stuck: int) -> str:
        lines = run_header(replace(run, stuck=stuck), numbers, SPENT, NOW_S, (118, 118, 118))
        return text(lines[1])

    assert second(2).startswith("stuck") and "ETA" not in second(2)
    assert second(1).startswith("ETA")


def test_where_time_goes_waits_until_all_was_looked_through() -> None:
    partly = TimeSpent(SPENT.shares, UsualTimes(), complete=False)
    assert "build –" in header(118, *WORDS, spent=partly)[2]


def test_a_finished_run_says_how_long_it_took_and_its_rate_over_all_of_it() -> None:
    first, second, third = header(118, "pass", "fail", "pass")
    assert "ETA" not in second and "took 2m20s" in second
    assert "1.3/min (2m20s)" in third
    assert "running" not in first


def test_an_unfinished_runs_rate_is_dimmed_and_its_bounds_are_told() -> None:
    run, numbers = a_run("pass", "fail", "running", "waiting")
    (first, *_) = run_header(run, numbers, SPENT, NOW_S, (118, 118, 118))
    rate = next(piece for piece in first if piece.text == "50%")
    assert rate.style == "muted"
    assert text(final_bounds(run, numbers)) == "pass@1 will end within 25–75%"
    done, all_numbers = a_run("pass", "fail")
    assert final_bounds(done, all_numbers) == ()
    (first, *_) = run_header(done, all_numbers, SPENT, NOW_S, (118, 118, 118))
    assert next(piece for piece in first if piece.text == "50%").style == "strong"


@pytest.mark.parametrize(
    ("low_s", "high_s", "words"),
    [
        (40, 80, "40–80s"),
        (300, 480, "5–8m"),
        (10, 130, "<2m"),
        (290, 310, "~5m"),
        (5400, 10800, "1.5–3.0h"),
    ],
)
def test_an_eta_is_a_range_in_one_unit(low_s: float, high_s: float, words: str) -> None:
    assert eta_words(Eta(low_s, high_s)) == words


def test_a_sparkline_shows_none_as_nothing_and_the_most_as_full() -> None:
    assert sparkline([0, 1, 4, 8]) == " ▁▄█"
    assert sparkline([0, 0]) == "  "
    assert sparkline([0, 1, 8], plain=True).isascii()


def test_a_long_message_takes_its_lines_and_leaves_the_rest_to_the_last() -> None:
    assert wrap_words("one two three four five", 7, 9, 2) == ["one two", "three four five"]
    assert wrap_words("one two three", 20, 20, 3) == ["one two three"]
    assert wrap_words("unbreakable", 4, 4, 3) == ["unbreakable"]
    assert wrap_words("", 4, 4, 3) == [""]
