"""`gymtui compare`: what runs differ in, with the figures of the screen and of reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from gymtui.api.endpoints import Endpoints
from gymtui.cli.documents import run_document
from gymtui.cli.failures import change_columns
from gymtui.cli.gym_access import GymReader, load_runs_and_rollouts, with_gym
from gymtui.cli.options import tell
from gymtui.cli.output import Cell, Column, Printer
from gymtui.cli.reporting.document import comparison_document
from gymtui.cli.reporting.failures import count_failures, rows_of
from gymtui.config.settings import Settings
from gymtui.core.text import ABSENT
from gymtui.store.column_def import natural
from gymtui.store.formats import GLYPH, interval_words, p_value, p_words, percent, points
from gymtui.store.lists.columns import pass_rate
from gymtui.store.stats.comparison import (
    Difference,
    Setting,
    Significance,
    differences,
    differing_settings,
    evidence_of,
    settings_of,
)
from gymtui.store.stats.failure_changes import FailureRow
from gymtui.store.stats.task_rows import TaskAcrossRuns

MOST_FAILURES = 10  # criteria whose change is printed: those that chance explains least


def print_comparison(settings: Settings, run_ids: Sequence[str], form: str) -> None:
    """Print how runs differ from the first."""

    async def fetch(client: Endpoints) -> tuple[GymReader, list[str]]:
        reader = GymReader(client)
        return reader, await load_runs_and_rollouts(reader, settings, run_ids)

    reader, names = with_gym(settings, fetch)
    failures, matrix = count_failures(reader.store, names)
    launched = []
    for run_id in names:
        rows = reader.store.rollouts_of(run_id)
        rollouts = [row.rollout for row in rows if row.rollout is not None]
        launched.append(settings_of(reader.store.runs[run_id].run, rollouts))
    parted, printer = differing_settings(launched), Printer.standard()
    if form == "json":
        document = {
            "runs": [run_document(reader.view(run_id)) for run_id in names],
            "settings": [
                {"name": setting.name, "values": dict(zip(names, setting.values, strict=True))}
                for setting in parted
            ],
            **comparison_document(names, matrix, failures),
        }
        printer.document(document)
        return
    tasks = list(matrix.across(names).values())
    found = differences(tasks, len(names))
    runs = [_ComparedRun(reader, *pair) for pair in zip(names, found, strict=True)]
    if form == "csv":
        printer.comma_separated([_run_line(run, names[0]) for run in runs], ())
        return
    printer.table(_RUN_COLUMNS, runs)
    if parted:
        printer.lines([""])
        printer.table(_setting_columns(names), parted)
    differ = [row for row in tasks if row.difference]
    if differ:
        printer.lines([""])
        printer.table(_task_columns(names), sorted(differ, key=_rank))
    changed = [row for row in rows_of(failures, matrix, names) if any(row.changes)]
    if changed:
        printer.lines([""])
        changed.sort(key=lambda row: min(c.p for c in row.changes if c is not None))
        printer.table(_failure_columns(names[1:]), changed[:MOST_FAILURES])
    tell(f"compared with {names[0]}; {len(differ)} of {len(tasks)} tasks differ")


class _ComparedRun:
    def __init__(self, reader: GymReader, name: str, found: Difference | None) -> None:
        self.view = reader.view(name)
        self.found = found


def _run_line(run: _ComparedRun, first: str) -> dict[str, Any]:
    summary, found = run.view.summary, run.found
    interval = summary.interval if summary is not None else None
    return {
        "run_id": run.view.name,
        "passes": summary and summary.passes,
        "verdicts": summary and summary.verdicts,
        "pass_rate": pass_rate(run.view),
        "pass_rate_low": interval and interval.low,
        "pass_rate_high": interval and interval.high,
        "against": None if found is None else first,
        **{field.name: found and getattr(found, field.name) for field in fields(Difference)},
    }


def _pass(run: _ComparedRun) -> Cell:
    rate, summary = pass_rate(run.view), run.view.summary
    if rate is None or summary is None:
        return Cell(ABSENT, "dim")
    return Cell(f"{percent(rate)} {interval_words(summary.interval)} of {summary.verdicts}")


def _difference(run: _ComparedRun) -> Cell:
    if run.found is None:
        return Cell(ABSENT, "dim")
    return Cell(f"{points(run.found.mean)}pp", "yellow" if run.found.clear else "")


def _interval(run: _ComparedRun) -> Cell:
    found = run.found
    if found is None or found.low is None or found.high is None:
        return Cell(ABSENT, "dim")
    return Cell(f"{points(found.low)} to {points(found.high)}")


_RUN_COLUMNS: tuple[Column[_ComparedRun], ...] = (
    Column("RUN", lambda run: Cell(run.view.name), least=20),
    Column("PASS@1", _pass),
    Column("BY TASK", _difference, right=True),
    Column("95 %", _interval, right=True, priority=1),
    Column("P ADJUSTED", lambda run: Cell(p_value(run.found.adjusted) if run.found else ABSENT)),
    Column("TASKS", lambda run: Cell(run.found.tasks if run.found else ABSENT), right=True),
)


def _setting_columns(names: Sequence[str]) -> tuple[Column[Setting], ...]:
    def value(place: int) -> Callable[[Setting], Cell]:
        return lambda setting: Cell(setting.values[place] or ABSENT)

    values = [Column(name, value(place), least=10) for place, name in enumerate(names)]
    return (Column("SETTING", lambda setting: Cell(setting.name)), *values)


def _rank(row: TaskAcrossRuns) -> tuple[float, float, str]:
    return (row.p, -(row.difference or 0.0), natural(row.name))


def _task_columns(names: Sequence[str]) -> tuple[Column[TaskAcrossRuns], ...]:
    def rate(place: int) -> Callable[[TaskAcrossRuns], Cell]:
        def cell(row: TaskAcrossRuns) -> Cell:
            own = row.cells[place]
            if own is None or own.pass_rate is None:
                return Cell(ABSENT, "dim")
            return Cell(f"{percent(own.pass_rate)} of {own.tally.verdicts}")

        return cell

    def evidence(row: TaskAcrossRuns) -> Cell:
        found = evidence_of(row)
        if found is None:
            return Cell(ABSENT, "dim")
        p = "" if found.significance is Significance.ONE_ATTEMPT else f", {p_words(found.p)}"
        return Cell(f"{found.significance.value}{p}", "yellow" if found.sure else "dim")

    rates = [Column(name, rate(place), right=True) for place, name in enumerate(names)]
    return (
        Column("TASK", lambda row: Cell(row.name), least=20),
        *rates,
        Column("EVIDENCE", evidence, priority=1),
    )


def _failure_columns(others: Sequence[str]) -> tuple[Column[FailureRow], ...]:
    def name(row: FailureRow) -> Cell:
        return Cell(f"{GLYPH[row.group.outcome]} {row.group.text}")

    return (
        Column("CRITERION", name, least=24),
        Column("ROLLOUTS", lambda row: Cell(len(row.group.rollout_ids)), right=True),
        *change_columns("CHANGE, PP", others),
    )
