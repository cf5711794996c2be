"""What runs fail in, for reports and for `gymtui failures`: groups, counts and changes. Pure.

The figures are those on screen: `store.stats.failure_changes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gymtui.cli.reporting.blocks import (
    Block,
    Heading,
    Line,
    Name,
    OutcomeMarks,
    Paragraph,
    Strong,
    Table,
)
from gymtui.cli.reporting.numbers import NOTHING
from gymtui.core.pieces import result_of
from gymtui.store.formats import WORD, of_many, points
from gymtui.store.outcome import Outcome
from gymtui.store.stats.failure_changes import (
    CoFailures,
    FailureRow,
    RateChange,
    RunPair,
    attempts_of,
    failure_rows,
)
from gymtui.store.stats.failures import Failures, FailureView
from gymtui.store.stats.matrix import Matrix
from gymtui.store.store import Store

MOST_CAUSES = 25  # causes of failure that are listed; how many more there are is told
MOST_ATTEMPTS = 40  # attempts that are drawn of one; likewise


def count_failures(store: Store, run_ids: Iterable[str]) -> tuple[Failures, Matrix]:
    """The failures of some runs, and the tasks and attempts they are of."""
    failures, matrix = Failures(), Matrix()
    for run_id in dict.fromkeys(run_ids):
        for row in store.rollouts_of(run_id):
            failures.take(row)
            matrix.take(row)
    result_of(matrix.refresh_in_pieces(last_steps={}))
    return failures, matrix


def rows_of(
    failures: Failures,
    together: Matrix,
    names: Sequence[str],
    by: FailureView = FailureView.CRITERION,
    against: str | None = None,
) -> tuple[FailureRow, ...]:
    """The failures of some runs, compared with one, by default with the first."""
    before = names[0] if against is None else against
    pairs = [RunPair(name, before) for name in names if name != before]
    return result_of(failure_rows(failures, together, by, names, pairs))


def failures_part(names: Sequence[str], failures: Failures, together: Matrix) -> Iterator[Block]:
    """Criteria that failed, and what else went wrong: the largest over all runs first."""
    yield Heading(2, ("Failures by criterion",))
    rows = rows_of(failures, together, names)
    if not rows:
        yield Paragraph(("No finished rollout failed.",))
        return
    several = len(names) > 1
    tasks = [together.tasks(name) for name in names]
    shared = CoFailures(row.group for row in rows)
    headings: list[Line] = [("rollouts",)]
    headings += [(Name(name),) for name in names] if several else []
    headings += [(word,) for word in ("tasks", "outcome", "criterion", "attempts")]
    headings += [("fails with",), ("first rollout",)]
    lines: list[tuple[Line, ...]] = []
    for row in rows[:MOST_CAUSES]:
        group = row.group
        guessed = ("guessed: ",) if group.guessed else ()
        lines.append(
            (
                (str(len(group.rollout_ids)),),
                *(_in_runs(row, names, together) if several else ()),
                (str(len(group.task_row_ids)),),
                (WORD.get(group.outcome, group.outcome.value),),
                (*guessed, Name(group.text)),
                _attempts(row, tasks),
                _together(row, shared),
                (Name(group.rollout_ids[0]),),
            )
        )
    numbers = 2 + (len(names) if several else 0)
    yield Table(tuple(headings), tuple(lines), frozenset(range(numbers)))
    rest = rows[MOST_CAUSES:]
    if rest:
        yield Paragraph((f"And {of_many(len(rest), 'further cause')}.",))
    yield Paragraph(
        (
            "A rollout counts under each of its criteria. Attempts are those of the tasks "
            "concerned: ✗ failed so, ! broke so, · otherwise.",
        )
    )


def _in_runs(row: FailureRow, names: Sequence[str], together: Matrix) -> Iterator[Line]:
    changes = iter(row.changes)
    for place, name in enumerate(names):
        own = together.of_run(name)
        count = str(sum(rollout_id in own for rollout_id in row.group.rollout_ids))
        change = next(changes) if place else None
        yield (count,) if change is None else (f"{count} ", *_change(change))


def _change(change: RateChange) -> Line:
    words = f"{points(change.difference)} ({points(change.interval.low)} to "
    words += f"{points(change.interval.high)})"
    return (Strong(words) if change.clear else words,)


def _attempts(row: FailureRow, tasks: Sequence[Mapping[str, Any]]) -> Line:
    hit = frozenset(row.group.rollout_ids)
    marks: list[Outcome] = [
        attempt.outcome if attempt.rollout_id in hit and attempt.outcome else Outcome.WAITING
        for attempts in attempts_of(row.group, tasks)
        for attempt in attempts
    ]
    more = len(marks) - MOST_ATTEMPTS
    shown = OutcomeMarks(tuple(marks[:MOST_ATTEMPTS]))
    return (shown, f" and {more} more") if more > 0 else (shown,)


def _together(row: FailureRow, shared: CoFailures) -> Line:
    found = shared.with_group(row.group, 1)
    if not found or row.group.outcome is not Outcome.FAILED:
        return NOTHING
    other, number = found[0]
    return (Name(other.text), f" {number}×")


def failure_document(
    row: FailureRow, shared: CoFailures, names: Sequence[str], together: Matrix
) -> dict[str, Any]:
    """A row as JSON.

    Args:
        names: The runs, in the order of its changes: those that are compared with another.
    """
    group = row.group
    # A row of rollouts that name no task has an id of another kind.
    ids = (i.removeprefix("=") if i.startswith("=") else None for i in group.task_row_ids)
    tasks = dict.fromkeys(ids)
    with_ = shared.with_group(group)
    return {
        "outcome": group.outcome.value,
        "criterion": group.text,
        "folded": group.folded,
        "guessed": group.guessed,
        "rollouts": len(group.rollout_ids),
        "tasks": list(tasks),
        "rollout_ids": list(group.rollout_ids),
        "runs": {
            name: sum(rollout_id in together.of_run(name) for rollout_id in group.rollout_ids)
            for name in group.run_ids
        },
        "changes": [
            {"run_id": name, **change_document(change)}
            for name, change in zip(names, row.changes, strict=True)
            if change is not None
        ],
        "fails_with": [{"criterion": other.text, "rollouts": number} for other, number in with_],
    }


def change_document(change: RateChange) -> dict[str, Any]:
    """A change as JSON: shares 0..1."""
    return {
        "failed": change.now.passes,
        "of": change.now.verdicts,
        "failed_before": change.before.passes,
        "of_before": change.before.verdicts,
        "difference": change.difference,
        "low": change.interval.low,
        "high": change.interval.high,
        "p": change.p,
        "adjusted": change.adjusted,
        "comparisons": change.comparisons,
        "adjustment": "holm",
    }
