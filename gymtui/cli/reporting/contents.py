"""What stands in a report, in which order and in which words. How it looks is each form's. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gymtui.cli.reporting.blocks import (
    Block,
    Heading,
    HistogramChart,
    Items,
    Line,
    Marks,
    Name,
    Paragraph,
    Report,
    ReportOrigin,
    Table,
    TrendChart,
)
from gymtui.cli.reporting.comparison import meanings, side_by_side
from gymtui.cli.reporting.failures import failures_part
from gymtui.cli.reporting.numbers import (
    NOTHING,
    common_k,
    numbers_of,
    rate_of,
    task_name,
    when,
)
from gymtui.cli.reporting.run_facts import RunFacts
from gymtui.core.text import ABSENT
from gymtui.core.urls import directories_of
from gymtui.store.column_def import natural
from gymtui.store.formats import duration, interval_words, of_many, percent
from gymtui.store.outcome import Outcome
from gymtui.store.stats.failures import Failures
from gymtui.store.stats.histograms import bin_label
from gymtui.store.stats.matrix import Matrix
from gymtui.store.stats.task_rows import TaskRow
from gymtui.store.stats.trend import Trend

MOST_ATTEMPTS = 80
"""Attempts of a task that are drawn; likewise."""


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
        blocks += side_by_side(runs, together)
    for run in runs:
        blocks += _matrix(run, several=several)
        blocks += _distributions(run)
    blocks += failures_part([run.run_id for run in runs], failures, together)
    blocks += _settings(runs)
    blocks += [Heading(2, ("What the numbers mean",)), Items(tuple(_meanings(runs)))]
    return Report(f"Report on {name}", tuple(blocks))


def _origin_line(made: ReportOrigin) -> Line:
    where, name = directories_of(made.gym) or ("the gym at", made.gym)
    return (
        f"Generated {when(made.at)} from {where} ",
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
        yield Items(tuple(lines))


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
    return (Marks(shown), f" and {more} more") if more else (Marks(shown),)


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
        yield from meanings()
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
