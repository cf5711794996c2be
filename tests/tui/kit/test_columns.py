"""Which columns each list has at which width, and what their cells say. No screen is started."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from gymtui.api.models import Rollout, RunStatus
from gymtui.core.replacement import replace
from gymtui.store.lists.columns import RunView
from gymtui.store.outcome import Outcome, outcome_of
from gymtui.store.records import Intent, RolloutRow, RunRow
from gymtui.store.running_rollouts import RunningRow
from gymtui.store.stats.eta import Eta
from gymtui.store.stats.formulas import AtK, Interval, Tally
from gymtui.store.stats.run_summary import RunSummary
from gymtui.store.stats.task_rows import TaskAcrossRuns, TaskRow
from gymtui.transcript.usage import Usage
from gymtui.tui.active.columns import active_columns
from gymtui.tui.kit.column import Column, place_columns
from gymtui.tui.kit.styled_text import Cell
from gymtui.tui.matrix.columns import (
    across_columns,
    at_k_cells,
    attempt_at,
    attempts_cell,
    rate_cell,
    task_columns,
)
from gymtui.tui.rollouts.columns import message_column, rollout_columns, timeline_column
from gymtui.tui.rollouts.time_window import TimeWindow
from gymtui.tui.runs.columns import run_columns
from tests.tui.transcript.test_pictures import assert_pictured

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


class NoChart:
    """A timeline of which only the place matters."""

    def cell(self, row: RolloutRow, cells: int) -> Cell:
        return ()

    def heading(self, cells: int) -> Cell:
        return ()


def of_runs(
    members: Callable[[str], int | None] = lambda name: None,
) -> tuple[Column[RunView], ...]:
    return run_columns(lambda: NOW, lambda: "RUN", members, plain=False)


def of_rollouts(
    heads: Mapping[str, tuple[str, str]] | None = None, **seen: int
) -> tuple[Column[RolloutRow], ...]:
    chart = cast("TimeWindow", NoChart())
    columns = rollout_columns(lambda: NOW, lambda: seen, heads or {})
    return (*columns, timeline_column(chart), message_column())


def of_tasks() -> tuple[Column[TaskRow], ...]:
    return task_columns(lambda row, cells: (), 8, lambda: 4)


def of_three_runs() -> tuple[Column[TaskAcrossRuns], ...]:
    names = ["nightly-4000", "nightly-5000", "nightly-6000"]
    return across_columns(names, lambda row, run: run == 1)


# -- which columns there are -----------------------------------------------------------------

LISTS: dict[str, tuple[Sequence[Column[Any]], dict[str, int]]] = {
    "runs": (of_runs(), {"run": 30, "scenario": 6, "model": 20}),
    "rollouts": (of_rollouts(), {"task": 30, "rollout": 34, "message": 60}),
    "active": (active_columns(lambda: NOW), {"run": 30, "task": 30, "rollout": 34}),
    "matrix": (of_tasks(), {"task": 30}),
    "matrix-of-runs": (of_three_runs(), {"task": 30}),
}
"""The columns of each list, and how long the longest names in it are."""


def headings(columns: Sequence[Column[Any]], cells: int, longest: Mapping[str, int]) -> str:
    """The headings on a terminal so wide, each filled with dots to its column's width."""
    line = ""
    for at in place_columns(columns, cells, longest):
        title = at.column.heading_text.strip()[: at.width]
        filled = title.rjust if at.column.align == "right" else title.ljust
        line = line.ljust(at.x - 2) + filled(at.width, "·")
    return f"{cells:>3} {line}"


@pytest.mark.parametrize("name", LISTS)
def test_what_each_list_shows_at_which_width(name: str) -> None:
    columns, longest = LISTS[name]
    lines = [headings(columns, cells, longest) for cells in (40, 60, 80, 100, 120, 160, 200)]
    assert_pictured(f"columns-{name}", "\n".join(lines) + "\n")


# -- what the cells of a run say -------------------------------------------------------------


def drawn(columns: Sequence[Column[Any]], key: str, row: object, cells: int = 12) -> Cell:
    (column,) = (column for column in columns if column.key == key)
    return column.cell(row, cells)


def words(cell: Cell) -> str:
    return "".join(piece.text for piece in cell)


def styles(cell: Cell) -> list[str]:
    return [piece.style for piece in cell]


def run(**counters: int | None) -> RunRow:
    said = {"total": 20, "completed": 5, "failed": 1, "running": 4, "pending": 10} | counters
    return RunRow("nightly-s4000", b"", 0.0, RunStatus.model_validate({"run_id": "n"} | said))


DONE = run(total=6, running=0, pending=0)
SUMMARY = RunSummary(
    6,
    Counter({Outcome.PASSED: 3, Outcome.FAILED: 2, Outcome.AGENT: 1}),
    "small",
    "hub",
    NOW - timedelta(hours=4),
    NOW - timedelta(hours=3),
    None,
    interval=Interval(0.23, 0.88),
)


def run_says(key: str, view: RunView, cells: int = 12) -> str:
    return words(drawn(of_runs(), key, view, cells))


def test_a_run_is_known_by_its_name_and_what_is_done_to_it() -> None:
    def name(row: RunRow, cells: int = 30, **said: Any) -> Cell:
        return drawn(of_runs(), "run", RunView(row, **said), cells)

    assert words(name(run())) == "nightly-s4000"
    assert styles(name(run())) == ["strong"]
    assert styles(name(DONE)) == [""]
    assert words(name(DONE, watched=True)) == "◉ nightly-s4000"
    assert styles(name(replace(run(), is_deleted=True))) == ["deleted"]
    leaving = replace(run(), intent=Intent.CANCEL)
    assert words(name(leaving)) == "cancelling … nightly-s4000"
    # Where there is little room, the name stays what tells it from others.
    assert words(name(leaving, 24)) == "cancelling … night…s4000"
    assert words(name(leaving, 23)) == "cancel… nightly-s4000"
    assert words(name(replace(run(), intent=Intent.DELETE), 12)) == "delete… n…00"
    assert words(name(replace(run(), run_id="ab", intent=Intent.CHECK), 13)) == "checking … ab"


def test_a_group_says_how_many_runs_it_has_if_not_one() -> None:
    view = RunView(run())
    twelve = drawn(of_runs(lambda name: 12), "run", view, 30)
    assert (words(twelve), styles(twelve)) == ("nightly-s4000 ×12", ["strong", "muted"])
    assert styles(drawn(of_runs(lambda name: 12), "run", RunView(DONE), 30)) == ["", "muted"]
    assert words(drawn(of_runs(lambda name: 1200), "run", view, 14)) == "nig…000 ×1,200"
    assert words(drawn(of_runs(lambda name: 1), "run", view, 13)) == "nightly-s4000"


def test_of_a_run_that_could_not_be_read_there_is_only_why() -> None:
    view = RunView(RunRow("x", b"", 0.0, None, malformed="total: not a number"))
    assert run_says("progress", view, 40) == "malformed: total: not a number"
    for key in ("done", "pass", "errors", "waiting", "running", "age", "eta", "scenario"):
        assert run_says(key, view).strip() == "–"


def test_done_is_exact_where_it_fits_and_else_rounded() -> None:
    assert run_says("done", RunView(run()), 4) == "6/20"
    many = RunView(run(total=20_000, completed=16_970, failed=0))
    assert run_says("done", many, 11) == "16970/20000"
    assert run_says("done", many, 10) == "17k/20k"


def test_a_pass_rate_has_its_verdicts_and_where_there_is_room_its_interval() -> None:
    view = RunView(run(), SUMMARY)
    assert run_says("pass", view, 11) == " 60% of 5"
    assert run_says("pass", view, 15) == " 60% of 5"
    assert run_says("pass", view, 16) == " 60% 23–88 of 5"
    assert run_says("pass", RunView(run())) == "   –"
    none = replace(SUMMARY, counts=Counter({Outcome.AGENT: 1}))
    assert run_says("pass", RunView(run(), none)) == "   –"
    # While slow rollouts are missing the rate flatters.
    assert styles(drawn(of_runs(), "pass", view))[0] == "muted"
    assert styles(drawn(of_runs(), "pass", RunView(DONE, SUMMARY)))[0] == ""


def test_what_the_key_may_not_see_is_said_in_place_of_a_rate_that_is_not_final() -> None:
    assert run_says("pass", RunView(run(), SUMMARY, forbidden=True)) == "forbidden"
    assert run_says("pass", RunView(DONE, forbidden=True)) == "forbidden"
    assert run_says("pass", RunView(DONE, SUMMARY, forbidden=True)) == " 60% of 5"


def test_counts_of_a_run() -> None:
    view = RunView(run(), SUMMARY)
    said = {"errors": "1", "waiting": "10", "running": "4", "age": "3h ago", "model": "small"}
    assert {key: run_says(key, view) for key in said} == said
    assert styles(drawn(of_runs(), "errors", view)) == ["error"]
    assert styles(drawn(of_runs(), "waiting", view)) == ["waiting"]
    assert styles(drawn(of_runs(), "running", view)) == ["running"]
    # Nothing runs and nothing waits: there is no number to be read.
    assert run_says("waiting", RunView(DONE)) == run_says("running", RunView(DONE)) == "–"
    clean = replace(SUMMARY, counts=Counter({Outcome.PASSED: 3}), started_at=None)
    assert run_says("errors", RunView(DONE, clean)) == "0"
    assert styles(drawn(of_runs(), "errors", RunView(DONE, clean))) == ["muted"]
    # One that has not started is as old as its first rollout.
    assert run_says("age", RunView(run(), clean)) == "4h ago"
    assert run_says("score", RunView(run(), replace(SUMMARY, score=0.754))) == "0.75"
    assert run_says("score", view) == run_says("score", RunView(run())) == "–"


def test_when_a_run_is_done() -> None:
    assert run_says("eta", RunView(run())) == "–"
    assert run_says("eta", RunView(run(), left=Eta(300.0, 480.0))) == "5–8m"
    assert styles(drawn(of_runs(), "eta", RunView(run(), left=Eta(300.0, 480.0)))) == [""]
    assert run_says("eta", RunView(run(), left="stalled")) == "stalled"
    assert styles(drawn(of_runs(), "eta", RunView(run(), left="stalled"))) == ["warning"]
    assert run_says("eta", RunView(DONE, SUMMARY)) == "done"
    ended = replace(SUMMARY, counts=Counter({Outcome.CANCELLED: 6}))
    assert run_says("eta", RunView(DONE, ended), 9) == "cancelled"
    assert run_says("eta", RunView(DONE, ended), 8) == "cancel"


# -- what the cells of a rollout say ---------------------------------------------------------


def rollout(name: str = "r1", **fields: Any) -> RolloutRow:
    said: dict[str, Any] = {"status": "running", "task_id": "book_room", "max_steps": 30}
    said |= {"rollout_id": name, "run_id": "nightly"} | fields
    parsed = Rollout.model_validate(said)
    return RolloutRow(name, "nightly", b"", 0.0, 0.0, parsed, outcome=outcome_of(parsed))


def verdict(passed: bool, name: str = "r1", **fields: Any) -> RolloutRow:
    return rollout(name, status="completed", result={"success": passed, **fields})


def rollout_says(key: str, row: RolloutRow, cells: int = 30) -> str:
    return words(drawn(of_rollouts(r1=14), key, row, cells))


def test_cells_of_a_rollout() -> None:
    row = rollout(current_step=3, started_at=NOW - timedelta(seconds=90))
    assert rollout_says("rollout", row) == "r1"
    assert rollout_says("task", row) == "book_room"
    assert rollout_says("steps", row) == "3/30"
    assert rollout_says("elapsed", row) == "1m30s"
    for key in ("score", "tokens", "cost"):
        assert rollout_says(key, row) == "–"
    assert rollout_says("message", row) == "", "there is no result yet, not an unknown one"
    used = replace(row, usage=Usage(16_000, 970, cost_usd=0.5))
    assert rollout_says("tokens", used) == "17k"
    assert rollout_says("cost", used) == "$0.5"
    assert rollout_says("score", verdict(True, score=0.75)) == "0.75"
    assert rollout_says("message", verdict(False, message="no event")) == "no event"


def test_the_step_of_a_rollout_that_ended_is_the_one_it_was_last_seen_at() -> None:
    assert rollout_says("steps", verdict(True)) == "14/30"
    assert styles(drawn(of_rollouts(r1=14), "steps", verdict(True))) == ["muted"]
    assert styles(drawn(of_rollouts(r1=14), "steps", rollout(current_step=3))) == [""]
    assert words(drawn(of_rollouts(), "steps", verdict(True))) == "–"


def test_while_grouped_a_task_is_named_once_with_its_passes() -> None:
    columns = of_rollouts({"r1": ("book_room", "2/3")})
    assert words(drawn(columns, "task", rollout("r1"), 30)) == "book_room 2/3"
    assert words(drawn(columns, "task", rollout("r1"), 11)) == "boo…oom 2/3"
    assert words(drawn(columns, "task", rollout("r2"), 30)).strip() == "″"


def test_of_a_rollout_that_could_not_be_read_there_is_only_why() -> None:
    row = RolloutRow("x", "nightly", b"", 0.0, 0.0, None, malformed="status: not a word")
    assert rollout_says("state", row) == "malformed"
    assert rollout_says("message", row) == "status: not a word"
    assert rollout_says("steps", row) == rollout_says("task", row) == "–"


def test_cells_of_the_active_list() -> None:
    columns = active_columns(lambda: NOW)
    row = rollout(current_step=3, started_at=NOW - timedelta(seconds=90), phase="verifying")
    still = RunningRow(row, NOW - timedelta(seconds=75), NOW - timedelta(seconds=15), 60.0)
    said = {"run": "nightly", "task": "book_room", "steps": "3/30", "idle": "1m15s"}
    said |= {"stuck": "stuck", "elapsed": "1m30s", "rollout": "r1", "state": "▸ verifying"}
    assert {key: words(drawn(columns, key, still)) for key in said} == said
    assert styles(drawn(columns, "idle", still)) == ["warning"]
    moving = RunningRow(row, NOW + timedelta(seconds=2), NOW + timedelta(seconds=60), 60.0)
    assert words(drawn(columns, "idle", moving)) == "0s", "clocks differ; nothing idles backwards"
    assert words(drawn(columns, "stuck", moving)) == ""
    assert styles(drawn(columns, "idle", moving)) == [""]
    assert words(drawn(columns, "idle", RunningRow(row))) == "–"


# -- what the cells of the matrix say --------------------------------------------------------


def task(passes: int, verdicts: int, *attempts: RolloutRow, **said: Any) -> TaskRow:
    return TaskRow("book_room", attempts, Tally(passes, verdicts), 12.0, 90.0, **said)


def test_cells_of_a_task() -> None:
    def says(key: str, row: TaskRow) -> str:
        return words(drawn(of_tasks(), key, row))

    row = task(1, 4, verdict(True), rollout(status="failed"), k=2)
    said = {"task": "book_room", "pass": " 25% of 4", "pass@k": "50%", "pass^k": "0%"}
    said |= {"kind": "mixed", "steps": "12", "time": "1m30s", "errors": "1"}
    assert {key: says(key, row) for key in said} == said
    assert styles(drawn(of_tasks(), "errors", row)) == ["error"]
    nothing = TaskRow(None, (), Tally(0, 0), None, None)
    assert says("task", nothing) == "no task"
    for key in ("pass", "pass@k", "pass^k", "kind", "steps", "time"):
        assert says(key, nothing).strip() == "–"


@pytest.mark.parametrize(
    ("passes", "verdicts", "said", "style"),
    [(4, 4, "100% of 4", "passed"), (0, 4, "  0% of 4", "failed"), (1, 4, " 25% of 4", "")],
)
def test_a_rate_that_is_certain_has_the_colour_of_its_outcome(
    passes: int, verdicts: int, said: str, style: str
) -> None:
    assert words(rate_cell(task(passes, verdicts))) == said
    assert styles(rate_cell(task(passes, verdicts)))[0] == style
    open_still = task(passes, verdicts, rollout())
    assert styles(rate_cell(open_still))[0] == "muted", "what is open may still turn it"
    kind = drawn(of_tasks(), "kind", task(passes, verdicts))
    assert styles(kind) == [style]
    assert styles(drawn(of_tasks(), "kind", open_still)) == ["muted"]


def test_pass_at_k_says_of_how_many_tasks_it_is() -> None:
    assert words(at_k_cells("pass@", AtK(3, 0.94, 31, 34))) == "pass@3 94% (31/34 tasks)"
    assert words(at_k_cells("pass^", AtK(2, None, 0, 1))) == "pass^2 – (0/1 task)"


def test_a_difference_is_marked_where_it_may_be_chance() -> None:
    def says(*cells: TaskRow | None) -> str:
        return words(drawn(of_three_runs(), "difference", TaskAcrossRuns("t", cells)))

    assert says(task(4, 4), task(0, 4), None) == "100pp"
    assert says(task(3, 4), task(1, 4), None) == "~50pp"
    assert says(task(3, 4), task(3, 4), None) == "="
    assert says(task(3, 4), None, None) == "–"


def test_the_run_under_the_cursor_stands_in_brackets() -> None:
    row = TaskAcrossRuns("t", (task(4, 4), task(0, 4), None))
    said = [words(drawn(of_three_runs(), f"run{number}", row)) for number in (1, 2, 3)]
    assert said == [" 100% of 4", "[  0% of 4]", "    –"]


def attempts(outcomes: str, cells: int, at: int, *, here: bool = True, most: int = 0) -> str:
    made = {
        "✓": verdict(True),
        "✗": verdict(False),
        "▸": rollout(),
        "–": RolloutRow("x", "nightly", b"", 0.0, 0.0, None),
    }
    rows = [made[outcome] for outcome in outcomes]
    return words(attempts_cell(rows, cells, at=at, here=here, most=max(most, len(rows))))


@pytest.mark.parametrize(
    ("cells", "at", "shown"),
    [
        (13, 0, "[✓]✗ ✓ ✗ ▸ –"),
        (13, 5, " ✓ ✗ ✓ ✗ ▸[–]"),
        (7, 0, "[✓]✗ ✓›"),
        (7, 1, " ✓[✗]✓›"),
        (7, 2, "‹✗[✓]✗›"),
        (7, 4, "‹✗[▸]–"),
        (7, 5, "‹✗ ▸[–]"),
    ],
)
def test_of_more_attempts_than_fit_those_around_the_cursor_are_seen(
    cells: int, at: int, shown: str
) -> None:
    assert attempts("✓✗✓✗▸–", cells, at) == shown
    assert attempts("", cells, at, most=6).strip() == "", "a task without any has no cursor"


def test_a_click_goes_to_the_attempt_that_is_drawn_there() -> None:
    for cells, at in ((13, 0), (7, 0), (7, 2), (7, 5), (8, 3)):
        row = "✓✗✓✗▸–"
        shown = attempts(row, cells, at, here=False)
        for offset, glyph in enumerate(shown):
            if glyph in row:
                assert row[attempt_at(offset, cells, at=at, most=6)] == glyph
        assert row[attempt_at(len(shown) + 3, cells, at=at, most=6)] == shown.rstrip("›")[-1]
