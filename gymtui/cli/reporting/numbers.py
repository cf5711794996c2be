"""A report's table of numbers: a measure a row, a run a column. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from math import fsum

from gymtui.cli.reporting.blocks import Line, Name, OutcomeBar, RateBar, Strong, Table
from gymtui.cli.reporting.run_facts import RunFacts, datetime_of
from gymtui.core.text import ABSENT
from gymtui.store.formats import (
    STRETCH,
    WORD,
    cost,
    count,
    duration,
    interval_words,
    of_many,
    percent,
    score,
    thousands,
)
from gymtui.store.outcome import ERRORS, Outcome
from gymtui.store.phases import PHASES
from gymtui.store.stats.formulas import AtK, quantile, spread
from gymtui.store.stats.task_rows import TaskAcrossRuns, TaskRow

NOTHING: Line = (ABSENT,)


def numbers_of(runs: Sequence[RunFacts]) -> Table:
    """Their numbers side by side, a measure a row; one that no run has is left out."""
    k = common_k(runs)
    measures: list[tuple[str, Callable[[RunFacts], Line]]] = [
        ("scenario", _scenario),
        ("rollouts finished", _finished_count),
        ("pass@1", _pass),
        (
            "pass@1, counting errors as failures",
            lambda run: (percent(run.numbers.rate_with_errors),),
        ),
        ("passed", lambda run: (str(run.numbers.passes),)),
        ("failed", _failed),
        ("errors", _errors),
        ("not run", _not_run),
    ]
    if k > 1:
        measures += [
            (f"pass@{k}", lambda run: _at_k(run.numbers.pass_at(k))),
            (f"pass^{k}", lambda run: _at_k(run.numbers.pass_hat(k))),
            ("tasks", _task_kinds),
        ]
    measures += [
        ("time per rollout", _times),
        ("steps per rollout", _steps),
        ("score", _score),
        ("tokens per rollout", _tokens),
        ("cost per rollout", _cost),
        ("started", lambda run: (utc_minute(datetime_of(run.numbers.first_start_s)),)),
        ("took", _wall_time),
        ("time per phase", _phase_shares),
    ]
    headings: tuple[Line, ...] = (("",), *((Name(run.run_id),) for run in runs))
    rows = tuple(((label,), *(tell(run) for run in runs)) for label, tell in measures)
    known = tuple(row for row in rows if any(cell != NOTHING for cell in row[1:]))
    return Table(headings, known)


def common_k(runs: Sequence[RunFacts]) -> int:
    """The largest k that every run can be asked for; one that has verdicts, that is."""
    return min((run.numbers.attempts for run in runs if run.numbers.verdicts), default=1)


def _scenario(run: RunFacts) -> Line:
    status = run.view.row.run
    named = status.scenario_id if status is not None else None
    return NOTHING if named is None else (Name(named),)


def _finished_count(run: RunFacts) -> Line:
    total = run.view.row.run.total if run.view.row.run is not None else None
    bar = tuple((o, run.numbers.counts[o]) for o in Outcome if run.numbers.counts.get(o))
    return (OutcomeBar(bar), f"{count(run.view.finished)} of {count(total)}")


def _pass(run: RunFacts) -> Line:
    numbers = run.numbers
    if numbers.pass_rate is None:
        return NOTHING
    of = f" {interval_words(numbers.interval)} of {of_many(numbers.verdicts, 'verdict')}"
    so_far = "" if numbers.finished else " so far"
    bar = RateBar(numbers.pass_rate, numbers.interval)
    return (bar, Strong(percent(numbers.pass_rate)), f"{of}{so_far}")


def _failed(run: RunFacts) -> Line:
    failed = run.numbers.counts.get(Outcome.FAILED, 0)
    at_limit = f", {run.numbers.at_limit} at the step limit" if run.numbers.at_limit else ""
    return (f"{failed}{at_limit}",)


def _not_run(run: RunFacts) -> Line:
    number = run.numbers.counts.get(Outcome.NOT_RUN, 0)
    return (str(number),) if number else NOTHING


def _errors(run: RunFacts) -> Line:
    counts = run.numbers.counts
    causes = ", ".join(f"{counts[cause]} {WORD[cause]}" for cause in ERRORS if counts.get(cause))
    return (causes or "0",)


def _at_k(found: AtK) -> Line:
    if found.rate is None:
        return NOTHING
    return (f"{percent(found.rate)} ({found.tasks}/{of_many(found.of_tasks, 'task')})",)


def _task_kinds(run: RunFacts) -> Line:
    kinds = run.numbers.task_kinds
    none = f", {kinds.none} without a verdict" if kinds.none else ""
    words = f"{kinds.all_pass} all-pass, {kinds.mixed} mixed, {kinds.all_fail} all-fail{none}"
    return (words,)


def _times(run: RunFacts) -> Line:
    if not run.numbers.durations_s:
        return NOTHING
    p50, p95 = (duration(quantile(run.numbers.durations_s, q)) for q in (0.5, 0.95))
    return (f"p50 {p50}, p95 {p95}",)


def _steps(run: RunFacts) -> Line:
    steps, verdicts = run.numbers.steps, run.numbers.verdicts
    if not steps:
        return NOTHING
    p50, p95 = (f"{quantile(steps, q):g}" for q in (0.5, 0.95))
    known = "" if len(steps) == verdicts else f" (known for {len(steps)} of {verdicts})"
    return (f"p50 {p50}, p95 {p95}{known}",)


def _score(run: RunFacts) -> Line:
    scores, judged = run.numbers.scores, run.numbers.judged
    if scores is None:
        return NOTHING
    apart = "" if scores.deviation is None else f" ±{scores.deviation:.2f}"
    known = "" if scores.count == judged else f" (known for {scores.count} of {judged})"
    return (f"{score(scores.mean)}{apart}{known}",)


def _tokens(run: RunFacts) -> Line:
    known = [usage.tokens for usage in run.usage if usage.tokens is not None]
    return _used(run, known, lambda number: thousands(round(number)))


def _cost(run: RunFacts) -> Line:
    return _used(run, [u.cost_usd for u in run.usage if u.cost_usd is not None], cost)


def _used(run: RunFacts, known: Sequence[float], write: Callable[[float], str]) -> Line:
    found = spread(known)
    if found is None:
        return NOTHING
    apart = "" if found.deviation is None else f" ±{write(found.deviation)}"
    of = "" if found.count == run.ended else f" (known for {found.count} of {run.ended})"
    return (f"{write(found.mean)}{apart}, {write(fsum(known))} total{of}",)


def _wall_time(run: RunFacts) -> Line:
    numbers = run.numbers
    if numbers.first_start_s is None or numbers.last_end_s is None or not numbers.finished:
        return NOTHING
    return (duration(numbers.last_end_s - numbers.first_start_s),)


def _phase_shares(run: RunFacts) -> Line:
    spent = run.spent
    if not spent.counted:
        return NOTHING
    of = ", ".join(
        f"{STRETCH[phase]} {percent(spent.of.get(phase.value, 0.0))}" for phase in PHASES
    )
    return (f"{of} (from {spent.counted} of {spent.of_all})",)


def utc_minute(moment: datetime | None) -> str:
    """A time to the minute, in UTC."""
    return ABSENT if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


def task_name(row: TaskRow | TaskAcrossRuns) -> str | Name:
    """A task's id, or our words for the rollouts that name none."""
    return row.name if row.task_id is None else Name(row.task_id)


def rate_of(row: TaskRow | None) -> Line:
    """A task's pass@1 in one run."""
    if row is None or row.pass_rate is None:
        return NOTHING
    so_far = " so far" if row.unfinished else ""
    return (f"{percent(row.pass_rate)} of {row.tally.verdicts}{so_far}",)
