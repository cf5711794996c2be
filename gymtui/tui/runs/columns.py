"""The columns of the run list: what each cell of a run shows.

What moves while a run is under way stands left: a terminal line is sent up to its last change.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from gymtui.core.column_widths import EXTRA
from gymtui.core.replacement import replace
from gymtui.core.text import ABSENT, clean, fit, width
from gymtui.store import formats
from gymtui.store.lists.columns import RunView, pass_rate
from gymtui.store.records import Intent
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.column import Column, name_column, note_column, number_column
from gymtui.tui.kit.styled_text import Cell, StyledText, value_cell

_LEAST_NAME = 11
"""Cells of a run's name that tell it from others, beside what is done to it."""
_BRIEFLY = {Intent.CANCEL: "cancel…", Intent.DELETE: "delete…", Intent.CHECK: "check…"}


def run_columns(
    now: Callable[[], datetime],
    title: Callable[[], str],
    members: Callable[[str], int | None],
    *,
    plain: bool,
) -> tuple[Column[RunView], ...]:
    """The columns of the run list.

    Args:
        title: What the rows are: runs, or groups of runs by something.
        members: How many runs a group has; None while rows are runs.
    """

    def age(run: RunView) -> str | None:
        return formats.age(run.began_at, now()) if run.began_at else None

    columns: tuple[Column[RunView], ...] = (
        Column("run", title, 12, partial(_name, members), ideal=20, whole=True, cut="middle"),
        Column(
            "progress", "PROGRESS", 10, partial(_progress, plain=plain), flex=2, most=32, priority=2
        ),
        Column("done", "DONE", 7, _done, ideal=9, align="right"),
        Column("pass", "PASS@1", 11, _passes, ideal=18),
        Column("errors", "ERR", 4, _errors, align="right"),
        Column("running", "▸", 4, _running, align="right", priority=1),
        Column("waiting", "·", 4, _waiting, align="right", priority=4),
        Column("eta", "ETA", 7, _eta, align="right", priority=1),
        number_column("age", "AGE", 8, age, "muted", priority=EXTRA),
        Column("score", "SCORE", 5, _score, align="right", priority=5),
        note_column(lambda run: run.note, priority=5),
        name_column("scenario", 8, _scenario, "muted", priority=5),
        name_column("model", 12, _model, "muted", priority=EXTRA, ideal=16),
    )
    # A group's name says how many there are, an age moves by itself.
    by_more = {"run", "age"}
    return tuple(replace(column, of_record=column.key not in by_more) for column in columns)


def _name(members: Callable[[str], int | None], run: RunView, cells: int) -> Cell:
    row = run.row
    if (runs := members(run.name)) is not None:
        # Short, since on a narrow terminal it is the name that gives way; one alone is plain.
        counted = f" ×{runs:,}" if runs > 1 else ""
        shown = fit(run.name, max(cells - len(counted), 1), cut="middle")
        return (StyledText(shown, "strong" if row.active else ""), StyledText(counted, "muted"))
    if row.is_deleted:
        return (StyledText(run.name, "deleted"),)
    if row.intent is not None:
        doing = row.intent.under_way
        if cells - len(doing) - 1 < min(width(clean(run.name)), _LEAST_NAME):
            doing = _BRIEFLY[row.intent]
        shown = fit(run.name, max(cells - len(doing) - 1, 1), cut="middle")
        return (StyledText(f"{doing} ", "warning"), StyledText(shown))
    name = value_cell(run.name, "strong" if row.active else "")
    return (StyledText("◉ ", "accent"), *name) if run.watched else name


def _progress(run: RunView, cells: int, *, plain: bool) -> Cell:
    if run.row.malformed is not None:
        return value_cell(f"malformed: {run.row.malformed}", "warning")
    return outcome_text.outcome_bar(run, cells, plain=plain) or value_cell(None, "muted")


def _done(run: RunView, cells: int) -> Cell:
    if run.row.run is None:
        return value_cell(None, "muted")
    exact = f"{formats.count(run.finished)}/{formats.count(run.row.run.total)}"
    if len(exact) <= cells:
        return value_cell(exact)
    return value_cell(f"{formats.thousands(run.finished)}/{formats.thousands(run.row.run.total)}")


def _passes(run: RunView, cells: int) -> Cell:
    rate = pass_rate(run)
    if run.forbidden and (rate is None or run.row.active):
        return value_cell("forbidden", "warning")  # what is known is old, unless it was final
    if rate is None or run.summary is None:
        return value_cell(f"{ABSENT:>4}", "muted")
    # An unfinished run's rate flatters: slow rollouts fail more often.
    style = "muted" if run.row.active else ""
    verdicts = f" of {run.summary.verdicts}"
    between = run.summary.interval
    room = cells - 4 - len(verdicts)
    if between is not None and room >= 7:
        verdicts = f" {formats.interval_words(between)}{verdicts}"
    shown = f"{'~' if run.behind else ''}{formats.percent(rate)}"
    return (StyledText(f"{shown:>4}", style), StyledText(verdicts, "muted"))


def _score(run: RunView, cells: int) -> Cell:
    return outcome_text.score_cell(run.summary.score if run.summary is not None else None)


def _errors(run: RunView, cells: int) -> Cell:
    if run.summary is None:
        return value_cell(None, "muted")
    number = run.summary.errors
    return value_cell(formats.thousands(number), "error" if number else "muted")


def _waiting(run: RunView, cells: int) -> Cell:
    number = getattr(run.row.run, "pending", None)
    return value_cell(formats.thousands(number or None), "waiting" if number else "muted")


def _running(run: RunView, cells: int) -> Cell:
    number = getattr(run.row.run, "running", None)
    if not run.stuck:
        shown = formats.thousands(number or None)
        return value_cell(shown, "running" if number else "muted")
    marked = f"!{formats.thousands(run.stuck)}"
    beside = f"{formats.thousands(number)} {marked}" if number else marked
    return value_cell(beside if len(beside) <= cells else marked, "warning")


def _eta(run: RunView, cells: int) -> Cell:
    if run.row.run is None:
        return value_cell(None, "muted")
    if not run.row.active:
        if run.cancelled:
            return value_cell("cancelled" if cells >= 9 else "cancel", "warning")
        return value_cell("done", "muted")
    if run.left is None:
        return value_cell(None, "muted")
    return value_cell(formats.eta_words(run.left), "warning" if isinstance(run.left, str) else "")


def _scenario(run: RunView) -> str | None:
    return run.row.run.scenario_id if run.row.run else None


def _model(run: RunView) -> str | None:
    return run.summary.model if run.summary else None
