"""A report as JSON: the same figures as keys that stay. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import fsum
from typing import Any

from gymtui.cli.documents import run_document
from gymtui.cli.reporting.blocks import ReportOrigin
from gymtui.cli.reporting.failures import failure_document, rows_of
from gymtui.cli.reporting.run_facts import RunFacts
from gymtui.store.column_def import natural
from gymtui.store.stats.comparison import differences, evidence_of
from gymtui.store.stats.failure_changes import CoFailures
from gymtui.store.stats.failures import Failures
from gymtui.store.stats.matrix import Matrix
from gymtui.store.stats.task_rows import TaskAcrossRuns, TaskRow
from gymtui.store.stats.trend import Trend


def report_document(
    runs: Sequence[RunFacts], together: Matrix, failures: Failures, made: ReportOrigin, along: Trend
) -> dict[str, Any]:
    """Put a report's figures together; `along` has the same runs in the order of their training."""
    return {
        "made_at": made.at.isoformat().replace("+00:00", "Z"),
        "gym": made.gym,
        "version": made.version,
        "runs": [
            {**run_document(run.view), "usage": _usage(run), "rollout_notes": run.notes}
            for run in runs
        ],
        **comparison_document([run.run_id for run in runs], together, failures),
        "baseline": along.baseline,
        "trend": [
            {
                "run_id": point.run_id,
                "against": point.against,
                "difference": point.difference and asdict(point.difference),
            }
            for point in along.points
        ],
    }


def comparison_document(
    names: Sequence[str], together: Matrix, failures: Failures
) -> dict[str, Any]:
    """How runs differ: by task, and in what fails. The others are compared with the first."""
    rows = sorted(together.across(names).values(), key=lambda row: natural(row.name))
    failed = rows_of(failures, together, names)
    shared = CoFailures(row.group for row in failed)
    return {
        "differences": [
            {"run_id": name, "against": names[0], **asdict(found), "adjustment": "holm"}
            for name, found in zip(names, differences(rows, len(names)), strict=True)
            if found is not None
        ],
        "tasks": [_task(row, names) for row in rows],
        "failures": [failure_document(row, shared, names[1:], together) for row in failed],
    }


def _usage(run: RunFacts) -> dict[str, Any]:
    tokens = [usage.tokens for usage in run.usage if usage.tokens is not None]
    costs = [usage.cost_usd for usage in run.usage if usage.cost_usd is not None]
    return {
        "of_rollouts": run.ended,
        "tokens": sum(tokens) if tokens else None,
        "tokens_known_for": len(tokens),
        "cost_usd": fsum(costs) if costs else None,
        "cost_known_for": len(costs),
    }


def _task(row: TaskAcrossRuns, names: Sequence[str]) -> dict[str, Any]:
    found = evidence_of(row)
    return {
        "task_id": row.task_id,
        "runs": [_in_run(name, cell) for name, cell in zip(names, row.cells, strict=True) if cell],
        "best_less_worst": row.difference,
        "best": None if found is None else names[found.best],
        "worst": None if found is None else names[found.worst],
        "p": None if found is None else found.p,
        "evidence": None if found is None else found.significance.value,
    }


def _in_run(name: str, cell: TaskRow) -> dict[str, Any]:
    return {
        "run_id": name,
        "passes": cell.tally.passes,
        "verdicts": cell.tally.verdicts,
        "pass_rate": cell.pass_rate,
        "errors": cell.errors,
        "unfinished": cell.unfinished,
        "not_run": cell.not_run,
    }
