"""What stands in a report, in which order and in which words. How it looks is each form's. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gymtui.cli.reporting.blocks import (
    Block,
    BulletList,
    Heading,
    HistogramChart,
    Line,
    Name,
    OutcomeMarks,
    Paragraph,
    Report,
    ReportOrigin,
    Strong,
    Table,
    TrendChart,
)
from gymtui.cli.reporting.failures import failures_part
from gymtui.cli.reporting.numbers import (
    NOTHING,
    common_k,
    numbers_of,
    rate_of,
    task_name,
    utc_minute,
)
from gymtui.cli.reporting.run_facts import RunFacts
from gymtui.core.text import ABSENT
from gymtui.core.urls import directories_of
from gymtui.store.column_def import natural
from gymtui.store.formats import (
    duration,
    interval_words,
    of_many,
    p_value,
    p_words,
    percent,
    points,
)
from gymtui.store.outcome import Outcome
from gymtui.store.stats.comparison import (
    Difference,
    Evidence,
    Significance,
    differences,
    evidence_of,
)
from gymtui.store.stats.failures import Failures
from gymtui.store.stats.histograms import bin_label
from gymtui.store.stats.matrix import Matrix
from gymtui.store.stats.significance import SOME
from gymtui.store.stats.task_rows import TaskAcrossRuns, TaskRow
from gymtui.store.stats.trend import Trend

MOST_ATTEMPTS = 80  # attempts of a task that are drawn; likewise


def report_contents(
    runs: Sequence[RunFacts], together: Matrix, failures: Failures, made: ReportOrigin, along: Trend
) -> Report:
    """Put a report together, `along` having the same runs in the order of their training."""
    several = len(runs) > 1
    name = of_many(len(runs), "run") if several else runs[0].run_id
    head: Line = ("Report on ", of_many(len(runs), "run")) if several else (
        "Report on run ",
        Name(name),
    )  # fmt: skip
    blocks: list[Block] = [Heading(1, head), Paragraph(_origin_line(made))]
    blocks += [Paragraph(line, notice=True) for run in runs for line in _notices(run, several)]
    blocks += _notes(runs)
    blocks += [Heading(2, ("Numbers",)), numbers_of(runs)]
    if several or along.baseline not in (None, runs[0].run_id):
        blocks.append(TrendChart(along))
    if several:
        blocks += _side_by_side(runs, together)
    for run in runs:
        blocks += _matrix(run, several=several)
        blocks += _distributions(run)
    blocks += failures_part([run.run_id for run in runs], failures, together)
    blocks += _settings(runs)
    blocks += [Heading(2, ("What the numbers mean",)), BulletList(tuple(_meanings(runs)))]
    return Report(f"Report on {name}", tuple(blocks))


def _origin_line(made: ReportOrigin) -> Line:
    where, name = directories_of(made.gym) or ("the gym at", made.gym)
    return (
        f"Generated {utc_minute(made.at)} from {where} ",
        Name(name),
        f" by gymtui {made.version}.",
    )


def _notices(run: RunFacts, several: bool) -> Iterator[Line]:
    """What nobody should miss: that it goes on, that something is missing."""
    begin: Line = (Name(run.run_id), ": ") if several else ()
    numbers = run.numbers
    if not numbers.known:
        yield (*begin, "The gym lists no rollouts of this run.")
    elif not numbers.finished:
        words = f"Unfinished. {numbers.undecided} of {numbers.known + numbers.unknown} rollouts "
        words += "are still open"
        if numbers.final_bounds is not None:
            words += f"; pass@1 will end within {interval_words(numbers.final_bounds)}%"
        yield (*begin, f"{words}. Early rates are too high: slow rollouts fail more often.")
    if not_run := numbers.counts.get(Outcome.NOT_RUN, 0):
        of = numbers.known + numbers.unknown
        yield (*begin, f"{not_run} of {of_many(of, 'rollout')} were not run, or not to their end.")
    if run.malformed:
        yield (
            *begin,
            f"{of_many(run.malformed, 'rollout')} could not be read and are not counted.",
        )


def _notes(runs: Sequence[RunFacts]) -> Iterator[Block]:
    lines: list[Line] = []
    for run in runs:
        if run.view.note:
            lines.append((Name(run.run_id), ": ", Name(run.view.note)))
        lines += [(Name(rollout), ": ", Name(note)) for rollout, note in sorted(run.notes.items())]
    if lines:
        yield Heading(2, ("Notes",))
        yield BulletList(tuple(lines))


# -- side by side: the figures are those of the comparison on screen ---------------------------


def _side_by_side(runs: Sequence[RunFacts], together: Matrix) -> Iterator[Block]:
    """How far each run is from the first, then tasks by runs: what is no chance first."""
    rows = list(together.across([run.run_id for run in runs]).values())
    yield Heading(2, ("Side by side",))
    yield from _against_the_first(runs, differences(rows, len(runs)))
    yield from _tasks_by_runs(runs, rows)


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


def _tasks_by_runs(runs: Sequence[RunFacts], rows: Sequence[TaskAcrossRuns]) -> Iterator[Block]:
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
    if found.significance is Significance.ONE_ATTEMPT:
        return (found.significance.value,)
    return (f"{found.significance.value}, {p_words(found.p)}",)


def _comparison_meanings() -> Iterator[Line]:
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


# -- one run -------------------------------------------------------------------------------


def _matrix(run: RunFacts, *, several: bool) -> Iterator[Block]:
    k = max(run.numbers.attempts, 1)
    rows = sorted(run.tasks(k), key=lambda row: natural(row.name))
    if not rows:
        return
    yield Heading(2, ("Tasks of ", Name(run.run_id)) if several else ("Tasks",))
    many = k > 1
    headings = ["task", "attempts", "pass@1", *([f"pass@{k}", f"pass^{k}"] if many else [])]
    headings += ["steps", "time", "errors"]

    def cells(row: TaskRow) -> tuple[Line, ...]:
        at_k: tuple[Line, ...] = ((percent(row.at_k),), (percent(row.hat_k),)) if many else ()
        return (
            (task_name(row),),
            _attempts(row),
            rate_of(row),
            *at_k,
            (ABSENT if row.median_steps is None else f"{row.median_steps:g}",),
            (duration(row.median_s),),
            (str(row.errors),),
        )

    numbers = frozenset(range(2, len(headings)))
    yield Table(tuple((name,) for name in headings), tuple(map(cells, rows)), numbers)
    yield Paragraph(
        (
            "Attempts in order of creation: ✓ passed, ✗ failed, ! error, ▸ running, "
            "· waiting, – not run. Steps and time are medians over verdicts.",
        )
    )


def _distributions(run: RunFacts) -> Iterator[Block]:
    for measure, found in run.histograms:
        if len(found.bins) > 1:
            title = f"{measure.name}, known for {found.known} of {of_many(found.of, 'rollout')}"
            labels = tuple(bin_label(one, measure) for one in found.bins)
            yield HistogramChart(title, labels, found.bins)


def _attempts(row: TaskRow) -> Line:
    shown = tuple(attempt.outcome for attempt in row.attempts[:MOST_ATTEMPTS])
    more = len(row.attempts) - len(shown)
    return (OutcomeMarks(shown), f" and {more} more") if more else (OutcomeMarks(shown),)


# -- failures and settings -----------------------------------------------------------------


def _settings(runs: Sequence[RunFacts]) -> Iterator[Block]:
    names = list(dict.fromkeys(name for run in runs for name in run.settings))
    yield Heading(2, ("Settings",))
    if not names:
        yield Paragraph(("The gym reports no model settings.",))
        return
    rows: list[tuple[Line, ...]] = []
    for name in names:
        values = [run.settings.get(name, ()) for run in runs]
        # Of a run without rollouts none is known, which is no difference.
        known = [pairs for pairs, run in zip(values, runs, strict=True) if run.settings]
        differs = len({tuple(value for value, _ in pairs) for pairs in known}) > 1
        label: Line = (Name(name), " ≠") if differs else (Name(name),)
        rows.append((label, *(_values(run, name) for run in runs)))
    yield Table((("",), *((Name(run.run_id),) for run in runs)), tuple(rows))
    if len(runs) > 1:
        yield Paragraph(("Settings marked ≠ differ between the runs.",))


def _values(run: RunFacts, name: str) -> Line:
    """A setting's value; of several, each with how many rollouts have it."""
    values = run.settings.get(name, ())
    if not values:
        return NOTHING
    if len(values) == 1 and values[0][1] == run.numbers.known:
        return (Name(values[0][0]),)
    pieces: list[str | Name] = []
    for value, number in values:
        pieces += [", " if pieces else "", Name(value), f" ({of_many(number, 'rollout')})"]
    return tuple(pieces)


# -- words ---------------------------------------------------------------------------------


def _meanings(runs: Sequence[RunFacts]) -> Iterator[Line]:
    yield (
        "A verdict is a finished rollout that passed or failed. An error is a rollout without "
        "one: its environment failed to build (env), its agent or model endpoint failed (agent), "
        "or it was cancelled. Reaching the step limit is a fail.",
    )
    yield (
        "pass@1 is passes over verdicts; errors count as neither. The range beside it is its "
        "95 % confidence interval (Wilson 1927), clustered by task where tasks have several "
        "attempts (Miller 2024).",
    )
    if common_k(runs) > 1:
        yield (
            "pass@k is the chance that one of k attempts passes, pass^k that all do, both "
            "unbiased (Chen et al. 2021; Yao et al. 2024), over the tasks with at least k "
            "verdicts; their number is shown beside it.",
        )
    yield (
        "p50 and p95 are observed values (nearest rank). Times are those of rollouts with a "
        "verdict, from start to end.",
    )
    if len(runs) > 1:
        yield from _comparison_meanings()
    if any(run.failures for run in runs):
        yield (
            "Criteria are the verifier's own; those marked guessed are parts of its message. They "
            "are one if they differ only in names, ids, times and numbers, which are then shown "
            "as ",
            Name("*"),
            ", ",
            Name("<id>"),
            ", ",
            Name("<time>"),
            " and ",
            Name("#"),
            ".",
        )
    if any(run.spent.counted for run in runs):
        yield ("Time per phase is known for rollouts that a dashboard observed from start to end.",)
    yield (f"{ABSENT} means unknown, never 0.",)
