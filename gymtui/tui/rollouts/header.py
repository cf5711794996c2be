"""A run's numbers in three lines, by the definitions of DESIGN.md's *Numbers*. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gymtui.core.text import ABSENT
from gymtui.poll.time_spent import TimeSpent
from gymtui.store import formats
from gymtui.store.formats import STRETCH
from gymtui.store.lists.columns import RunView
from gymtui.store.outcome import ERRORS, Outcome
from gymtui.store.phases import PHASES
from gymtui.store.records import RolloutRow
from gymtui.store.running_rollouts import Running, StepPace
from gymtui.store.stats.formulas import Rate, quantile
from gymtui.store.stats.run_stats import RATE_WINDOW_S, RunStats
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.line_parts import BETWEEN, LinePart, join_fitting
from gymtui.tui.kit.sparkline import sparkline
from gymtui.tui.kit.styled_text import Cell, StyledText, width_of
from gymtui.tui.rollouts.timeline_bar import FILLS, PLAIN_FILLS

_NARROW = 100
"""With fewer cells, words go without the blanks that are only beautiful."""
LAST_FEW = 64
"""No more running rollouts than these are looked through for stuck ones with each poll."""
_MOST_SPARKS = 30
_LEAST_BAR = 6
_UNKNOWN = StyledText(ABSENT, "muted")


def run_header(
    run: RunView,
    numbers: RunStats | None,
    spent: TimeSpent | None,
    now_s: float,
    cells: Sequence[int],
    *,
    plain: bool = False,
    colour: bool = True,
) -> tuple[Cell, Cell, Cell]:
    """The run's numbers in three lines, with so many cells of room in each.

    Those over its rollouts, and where its time went, are None while they are not known; the time
    is the server's, UNIX seconds.
    """
    narrow = cells[2] < _NARROW
    first = [
        LinePart(_done(run)),
        LinePart(_pass(numbers, active=run.row.active, narrow=narrow)),
        LinePart(_with_errors(numbers), 3),
        LinePart(_errors(numbers), 1),
        LinePart(_counter(run, "running", Outcome.RUNNING), 2),
        LinePart(_counter(run, "pending", Outcome.WAITING), 2),
        LinePart(_not_run(numbers), 2),
    ]
    second = [
        LinePart(_eta(run, numbers, now_s)),
        LinePart(_times(numbers)),
        LinePart(_at_k(numbers, "pass@"), 1),
        LinePart(_at_k(numbers, "pass^"), 3),
        LinePart(_steps(numbers), 2),
        LinePart(_scores(numbers), 3),
        LinePart(_kinds(numbers), 4),
    ]
    goes = _phase_shares(spent, plain=plain, narrow=narrow)
    pace = _throughput(run, numbers, now_s)
    left = cells[2] - width_of(goes) - width_of(pace) - len(BETWEEN) - 1
    third = [
        LinePart((*_sparks(numbers, now_s, min(left, _MOST_SPARKS), plain=plain), *pace)),
        LinePart(goes),
    ]
    counts = join_fitting(first, cells[0] - _LEAST_BAR - 2)
    bar = max(_LEAST_BAR, min(cells[0] // 5, cells[0] - width_of(counts) - 2))
    return (
        (*outcome_text.outcome_bar(run, bar, plain=plain or not colour), StyledText("  "), *counts),
        join_fitting(second, cells[1]),
        join_fitting(third, cells[2]),
    )


def final_bounds(run: RunView, numbers: RunStats | None) -> Cell:
    """Where an unfinished run's pass rate can still end, for the details."""
    if numbers is None or not run.row.active or numbers.final_bounds is None:
        return ()
    words = f"pass@1 will end within {formats.interval_words(numbers.final_bounds)}%"
    return (StyledText(words, "muted"),)


def _done(run: RunView) -> Cell:
    total = run.row.run.total if run.row.run is not None else None
    return (StyledText(f"{formats.count(run.finished)}/{formats.count(total)} done", "strong"),)


def _pass(numbers: RunStats | None, *, active: bool, narrow: bool) -> Cell:
    if numbers is None or numbers.pass_rate is None:
        return (StyledText("pass@1 "), _UNKNOWN)
    known = numbers.interval is not None
    interval = f" {formats.interval_words(numbers.interval)}" if known else ""
    verdicts = str(numbers.verdicts) if narrow else formats.of_many(numbers.verdicts, "verdict")
    return (
        StyledText("pass@1 ", "muted" if active else ""),
        # An unfinished run's rate flatters: slow rollouts fail more often.
        StyledText(formats.percent(numbers.pass_rate), "muted" if active else "strong"),
        StyledText(f"{interval} of {verdicts}", "muted"),
    )


def _with_errors(numbers: RunStats | None) -> Cell:
    """The pass rate with errors counted as fails, where that differs."""
    if numbers is None or not numbers.errors or numbers.rate_with_errors is None:
        return ()
    rate = formats.percent(numbers.rate_with_errors)
    return (StyledText(f"{rate} counting errors as failures", "muted"),)


def _not_run(numbers: RunStats | None) -> Cell:
    count = numbers.counts.get(Outcome.NOT_RUN, 0) if numbers is not None else 0
    return (StyledText(f"{formats.count(count)} not run", "waiting"),) if count else ()


def _errors(numbers: RunStats | None) -> Cell:
    if numbers is None or not numbers.errors:
        return ()
    counts = numbers.counts
    causes = [f"{counts[c]} {formats.WORD[c]}" for c in ERRORS if counts.get(c)]
    return (StyledText(f"{formats.GLYPH[Outcome.AGENT]} {', '.join(causes)}", "error"),)


def _counter(run: RunView, name: str, outcome: Outcome) -> Cell:
    number = getattr(run.row.run, name, None)
    if not number:
        return ()
    return (StyledText(f"{number} {formats.WORD[outcome]}", outcome_text.OUTCOME_STYLES[outcome]),)


def _eta(run: RunView, numbers: RunStats | None, now_s: float) -> Cell:
    """When it will be done; of a finished run, how long it took."""
    if not run.row.active:
        began_s = numbers.first_start_s if numbers is not None else None
        ended_s = numbers.last_end_s if numbers is not None else None
        if began_s is None or ended_s is None or ended_s < began_s:
            return (StyledText("took "), _UNKNOWN)
        return (StyledText("took "), StyledText(formats.duration(ended_s - began_s)))
    left = numbers.eta(now_s, stuck=run.stuck) if numbers is not None else None
    if isinstance(left, str):
        return (StyledText(left, "warning"),)
    known = StyledText(formats.eta_words(left)) if left is not None else _UNKNOWN
    return (StyledText("ETA "), known)


def _times(numbers: RunStats | None) -> Cell:
    if numbers is None or not numbers.durations_s:
        return (StyledText("time "), _UNKNOWN)
    p50, p95 = (formats.duration(quantile(numbers.durations_s, q)) for q in (0.5, 0.95))
    return _percentiles("p50 ", p50, p95)


def _steps(numbers: RunStats | None) -> Cell:
    if numbers is None or not numbers.steps:
        return (StyledText("steps "), _UNKNOWN)
    p50, p95 = (f"{quantile(numbers.steps, q):g}" for q in (0.5, 0.95))
    known = len(numbers.steps)
    of = "" if known == numbers.verdicts else f" (from {known} of {numbers.verdicts})"
    return _percentiles("steps p50 ", p50, p95 + of)


def _percentiles(name: str, p50: str, p95: str) -> Cell:
    between = StyledText(" p95 ", "muted")
    return (StyledText(name, "muted"), StyledText(p50), between, StyledText(p95))


def _at_k(numbers: RunStats | None, name: str) -> Cell:
    """pass@k or pass^k for the most attempts that any task has; nothing where tasks have one."""
    if numbers is None or numbers.attempts < 2:
        return ()
    k = numbers.attempts
    found = numbers.pass_at(k) if name == "pass@" else numbers.pass_hat(k)
    return (
        StyledText(f"{name}{k} ", "muted"),
        StyledText(formats.percent(found.rate)),
        StyledText(f" ({found.tasks}/{found.of_tasks} tasks)", "muted"),
    )


def _scores(numbers: RunStats | None) -> Cell:
    scores = numbers.scores if numbers is not None else None
    if scores is None:
        return ()
    spread = "" if scores.deviation is None else f" ±{scores.deviation:.2f}"
    words = StyledText(f"{scores.mean:.2f}{spread} of {scores.count}")
    return (StyledText("score ", "muted"), words)


def _kinds(numbers: RunStats | None) -> Cell:
    if numbers is None or numbers.attempts < 2:
        return ()
    kinds = numbers.task_kinds
    words = f"{kinds.all_pass} all-pass, {kinds.mixed} mixed, {kinds.all_fail} all-fail"
    return (StyledText(f"tasks {words}", "muted"),)


def _sparks(numbers: RunStats | None, now_s: float, cells: int, *, plain: bool) -> Cell:
    """Verdicts over time, from the first start to now or the end."""
    counts = numbers.throughput(now_s, max(cells, 0)) if numbers is not None else ()
    if not any(counts):
        return ()
    return (StyledText(sparkline(counts, plain=plain), "accent"), StyledText(" "))


def _throughput(run: RunView, numbers: RunStats | None, now_s: float) -> Cell:
    """Verdicts a minute, and the window in which they were counted."""
    rate: Rate | None = None
    if numbers is not None:
        # Of a finished run: over all of its time.
        whole_s = now_s if run.row.active else numbers.last_end_s
        window_s = RATE_WINDOW_S if run.row.active else float("inf")
        rate = numbers.rate(whole_s, window_s) if whole_s is not None else None
    if numbers is None or rate is None:
        return (_UNKNOWN, StyledText("/min", "muted"))
    per_minute = f"{rate.per_minute:.{1 if rate.per_minute < 100 else 0}f}/min"
    window = StyledText(f" ({formats.duration(rate.window_s)})", "muted")
    return (StyledText(per_minute), window)


def _phase_shares(spent: TimeSpent | None, *, plain: bool, narrow: bool) -> Cell:
    """Where time goes, which is the timeline's legend too."""
    shares = spent.shares if spent is not None and spent.complete else None
    of = shares.of if shares is not None else {}
    pieces: list[StyledText] = []
    for kind in PHASES:
        fill = PLAIN_FILLS[kind][0] if plain else FILLS[kind]
        pieces += [
            StyledText(fill, str(kind) if plain else f"bar {kind}"),
            StyledText(f"{'' if narrow else ' '}{STRETCH[kind]} ", "muted"),
            StyledText(formats.percent(of.get(kind.value)), "" if of else "muted"),
            StyledText(" " if narrow else "  "),
        ]
    if shares is None or not shares.counted:
        return tuple(pieces[:-1])
    counted = f"{shares.counted}/{shares.of_all}"
    wide = f"from {shares.counted} of {shares.of_all}"
    return (*pieces, StyledText(f"({counted if narrow else wide})", "muted"))


def count_stuck(
    rows: Mapping[str, RolloutRow],
    numbers: RunStats | None,
    running: Running,
    watched: StepPace,
    now: datetime,
) -> int:
    """How many of a run's last few are stuck; of more, or while others wait, it tells nothing.

    What counts as stuck is known to `running`, which is empty.
    """
    counts = numbers.counts if numbers is not None else {}
    if counts.get(Outcome.WAITING) or not 0 < counts.get(Outcome.RUNNING, 0) <= LAST_FEW:
        return 0
    last = {row_id: row for row_id, row in rows.items() if row.outcome is Outcome.RUNNING}
    running.update(last, last.keys(), watched)
    return sum(running.stuck_in(run_id, now) for run_id in {row.run_id for row in last.values()})
