"""Runs side by side in a report: how far each is from the first, and which tasks differ. Pure.

The figures are those of the comparison on screen: `store.stats.comparison`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gymtui.cli.reporting.blocks import Block, Heading, Line, Name, Paragraph, Strong, Table
from gymtui.cli.reporting.numbers import NOTHING, rate_of, task_name
from gymtui.cli.reporting.run_facts import RunFacts
from gymtui.store.column_def import natural
from gymtui.store.formats import of_many, p_value, p_words, points
from gymtui.store.stats.comparison import (
    Difference,
    Evidence,
    Significance,
    differences,
    evidence_of,
)
from gymtui.store.stats.matrix import Matrix
from gymtui.store.stats.significance import SOME
from gymtui.store.stats.task_rows import TaskAcrossRuns


def side_by_side(runs: Sequence[RunFacts], together: Matrix) -> Iterator[Block]:
    """How far each run is from the first, then tasks by runs: what is no chance first."""
    rows = list(together.across([run.run_id for run in runs]).values())
    yield Heading(2, ("Side by side",))
    yield from _against_the_first(runs, differences(rows, len(runs)))
    yield from _tasks(runs, rows)


def _against_the_first(
    runs: Sequence[RunFacts], found: Sequence[Difference | None]
) -> Iterator[Block]:
    compared = max((item.comparisons for item in found if item is not None), default=0)
    if not compared:
        yield Paragraph(("No run shares a task with verdicts with the first run.",))
        return
    several = compared > 1
    headings: tuple[Line, ...] = (
        ("compared with ", Name(runs[0].run_id)),
        ("shared tasks",),
        ("difference by task",),
        ("95 % interval",),
        ("p",),
        *((("adjusted p",),) if several else ()),
    )

    def cells(run: RunFacts, item: Difference | None) -> tuple[Line, ...]:
        name: Line = (Name(run.run_id),)
        if item is None:
            return (name, ("0",), *[NOTHING] * (len(headings) - 2))
        mean = f"{points(item.mean)} points"
        between = NOTHING
        if item.low is not None and item.high is not None:
            between = (f"{points(item.low)} to {points(item.high)}",)
        return (
            name,
            (str(item.tasks),),
            (Strong(mean) if item.clear else mean,),
            between,
            (p_value(item.p),),
            *(((p_value(item.adjusted),),) if several else ()),
        )

    lines = tuple(cells(*pair) for pair in zip(runs[1:], found[1:], strict=True))
    yield Table(headings, lines, frozenset(range(1, len(headings))))
    clear = sum(item is not None and item.clear for item in found)
    words = f"{clear} of {of_many(compared, 'comparison')} significant (p ≤ {SOME:g}"
    if several:
        words += f", adjusted for {compared} comparisons by Holm's method"
    yield Paragraph((f"{words}).",))


def _tasks(runs: Sequence[RunFacts], rows: Sequence[TaskAcrossRuns]) -> Iterator[Block]:
    found = [(row, evidence_of(row)) for row in rows]

    def order(item: tuple[TaskAcrossRuns, Evidence | None]) -> tuple[float, float, object]:
        row, evidence = item
        rank = 2.0 if evidence is None else evidence.p
        return (rank, -(row.difference or 0.0), natural(row.name))

    differ = [evidence for _, evidence in found if evidence is not None]
    words = f"{of_many(len(rows), 'task')}; {len(differ)} with different pass rates"
    if differ:
        sure = sum(evidence.sure for evidence in differ)
        words += f", {sure} significantly"
        words += f"; ≤ {len(rows) * SOME:.1f} false positives expected"
    yield Paragraph((f"{words}.",))
    headings: tuple[Line, ...] = (
        ("task",),
        *((Name(run.run_id),) for run in runs),
        ("max − min",),
        ("evidence",),
    )
    yield Table(
        headings,
        tuple(
            (
                (task_name(row),),
                *(rate_of(cell) for cell in row.cells),
                _best_less_worst(row, evidence),
                _evidence(evidence),
            )
            for row, evidence in sorted(found, key=order)
        ),
        frozenset(range(1, len(headings) - 1)),
    )


def _best_less_worst(row: TaskAcrossRuns, evidence: Evidence | None) -> Line:
    if row.difference is None:
        return NOTHING
    if evidence is None:
        return ("=",)
    words = f"{round(row.difference * 100)} points"
    return (Strong(words) if evidence.sure else words,)


def _evidence(found: Evidence | None) -> Line:
    if found is None:
        return NOTHING
    if found.worth is Significance.ONE_ATTEMPT:
        return (found.worth.value,)
    return (f"{found.worth.value}, {p_words(found.p)}",)


def meanings() -> Iterator[Line]:
    """What the figures mean."""
    yield (
        "The difference by task is the mean, over the tasks in which both runs have verdicts, of a "
        "run's pass rate minus the first run's (Miller 2024), with its Student's t interval. p is "
        "that of an exact paired sign-flip test over tasks (Fisher 1935), adjusted for the number "
        "of comparisons (Holm 1979).",
    )
    yield (
        "The evidence of a task is one exact test over all its runs (Fisher 1922; Freeman and "
        "Halton 1951). It is not adjusted for the number of tasks: of 20 tasks "
        "without a true difference, 1 is expected to have p ≤ 0.05. One attempt: a single attempt "
        "makes the difference.",
    )
