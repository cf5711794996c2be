"""How things are written on screen: durations, ages, rates, outcomes with their glyph and colour.

Pure; what the numbers mean is decided in `store`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gymtui.api.models import Rollout
from gymtui.store.outcome import Outcome, at_step_limit, outcome_of
from gymtui.store.records import RolloutRow
from gymtui.store.schemas import RunView
from gymtui.text import ABSENT
from gymtui.tui.ink import Cell, Ink

GLYPH: Mapping[Outcome, str] = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✗",
    Outcome.DONE: "•",
    Outcome.ENVIRONMENT: "!",
    Outcome.AGENT: "!",
    Outcome.CANCELLED: "!",
    Outcome.RUNNING: "▸",
    Outcome.WAITING: "·",
    Outcome.UNKNOWN: "?",
}
STYLE: Mapping[Outcome, str] = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.DONE: "done",
    Outcome.ENVIRONMENT: "error",
    Outcome.AGENT: "error",
    Outcome.CANCELLED: "error",
    Outcome.RUNNING: "running",
    Outcome.WAITING: "waiting",
    Outcome.UNKNOWN: "warning",
}
WORD: Mapping[Outcome, str] = {
    Outcome.PASSED: "pass",
    Outcome.FAILED: "fail",
    Outcome.DONE: "done",
    Outcome.ENVIRONMENT: "env",
    Outcome.AGENT: "agent",
    Outcome.CANCELLED: "cancelled",
    Outcome.RUNNING: "running",
    Outcome.WAITING: "waiting",
}
PHASES: Mapping[str, tuple[str, str]] = {
    "building_environment": ("building", "building"),
    "seeding": ("seeding", "seeding"),
    "agent_running": ("agent", "agent"),
    "verifying": ("verifying", "verifying"),
}
"""By the API's phase: the word for it, and its style."""


def duration(seconds: float | None) -> str:
    """A length of time in at most six characters: `9s`, `2m25s`, `3h07m`, `4d06h`.

    Args:
        seconds: The length, or None.
    """
    if seconds is None:
        return ABSENT
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def age(then: datetime | None, now: datetime) -> str:
    """How long ago, in one unit, so that it moves rarely: `12s ago`, `18m ago`."""
    if then is None:
        return ABSENT
    seconds = max(0, int((now - then).total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size * (2 if unit != "m" else 1):
            return f"{seconds // size}{unit} ago"
    # Below a minute in steps of ten, since a figure that ticks would be sent every second.
    return f"{seconds // 10 * 10}s ago" if seconds >= 10 else "now"


def percent(share: float | None) -> str:
    """A share of 1 in whole percent; only all is 100 %, and only none is 0 %."""
    if share is None:
        return ABSENT
    whole = round(share * 100)
    if share > 0:
        whole = max(1, whole)
    if share < 1:
        whole = min(99, whole)
    return f"{whole}%"


def count(number: int | None) -> str:
    """A count, in full."""
    return ABSENT if number is None else str(number)


def thousands(number: int | None) -> str:
    """A count where there is little room: `12k`; numbers are rounded rather than cut."""
    return count(number) if number is None or number < 1000 else f"{number // 1000}k"


def few(number: int | None) -> str:
    """A count of which 0 is not worth reading."""
    return str(number) if number else ABSENT


def of_many(number: int, thing: str, things: str | None = None) -> str:
    """`1 run`, `5 runs`."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def state(rollout: Rollout) -> Cell:
    """How a rollout stands: glyph and word; while it runs, its phase."""
    outcome = outcome_of(rollout)
    style = STYLE[outcome]
    if outcome is Outcome.UNKNOWN:
        return (Ink(f"{GLYPH[outcome]} {rollout.status or ABSENT}", style),)
    if outcome is Outcome.RUNNING and rollout.phase is not None:
        word, named = PHASES.get(rollout.phase, (rollout.phase, ""))
        return (Ink(f"{GLYPH[outcome]} ", style), Ink(word, named))
    mark = " ⊣" if outcome is Outcome.FAILED and at_step_limit(rollout) else ""
    return (Ink(f"{GLYPH[outcome]} {WORD[outcome]}{mark}", style),)


def elapsed_s(rollout: Rollout, now: datetime) -> float | None:
    """How long a rollout has run, or ran, in seconds; None before it started."""
    if rollout.started_at is None:
        return None
    if rollout.completed_at is not None:
        return (rollout.completed_at - rollout.started_at).total_seconds()
    if rollout.status != "running":
        return None
    return (now - rollout.started_at).total_seconds()


def steps(rollout: Rollout, seen: int | None = None) -> str:
    """`14/30`: the step it is at, of so many.

    Args:
        rollout: The rollout.
        seen: The last step it was seen at, for one that no longer says it.
    """
    step = seen if rollout.current_step is None else rollout.current_step
    if step is None:
        return ABSENT
    limit = ABSENT if rollout.max_steps is None else str(rollout.max_steps)
    return f"{step}/{limit}"


def why(row: RolloutRow) -> str:
    """What there is to say about how a rollout ended, or an empty string."""
    if row.rollout is None:
        return row.malformed or ""
    result = row.rollout.result
    told = [
        result.message if result is not None else None,
        result.error if result is not None else None,
        row.rollout.termination_reason,
    ]
    return " · ".join(text for text in told if text)


# -- outcome bar ---------------------------------------------------------------------------

_SHOWN_ORDER = (
    (("passed",), "✓", "█"),
    (("failed",), "✗", "█"),
    (("error",), "!", "█"),
    (("done",), "•", "▓"),
    (("running",), "▸", "▒"),
    (("waiting",), "·", "░"),
)


def outcome_counts(run: RunView) -> list[int]:
    """Passed, failed, errors, done without a known verdict, running, waiting: of one run.

    What the run's own counters say is authoritative for what is over, running and waiting;
    rollouts, where seen, say how what is over ended.
    """
    status, summary = run.row.run, run.summary
    if status is None:
        return [0] * len(_SHOWN_ORDER)
    if summary is not None and summary.known and summary.known >= (status.total or 0):
        counts = summary.counts
        errors = summary.errors + counts[Outcome.UNKNOWN]
        return [
            *(counts[Outcome.PASSED], counts[Outcome.FAILED], errors, counts[Outcome.DONE]),
            *(counts[Outcome.RUNNING], counts[Outcome.WAITING]),
        ]
    running, waiting = status.running or 0, status.pending or 0
    return [0, 0, 0, run.row.finished, running, waiting]


def apportion(counts: Sequence[int], cells: int) -> list[int]:
    """Share cells out by counts; what exists gets one cell at least, the rest by largest remainder.

    Args:
        counts: How much there is of each.
        cells: How many cells there are.

    Returns:
        Cells for each, adding up to `cells` unless there is nothing to show; where there are
        fewer cells than kinds, the first kinds get one each.
    """
    total = sum(counts)
    if not total or cells <= 0:
        return [0] * len(counts)
    present = [index for index, number in enumerate(counts) if number > 0]
    if len(present) >= cells:
        return [1 if index in present[:cells] else 0 for index in range(len(counts))]
    given = [max(1, number * cells // total) if number > 0 else 0 for number in counts]
    while sum(given) < cells:
        index = max(present, key=lambda i: counts[i] * cells / total - given[i])
        given[index] += 1
    while sum(given) > cells:
        index = max(
            (i for i in present if given[i] > 1), key=lambda i: given[i] - counts[i] * cells / total
        )
        given[index] -= 1
    return given


def outcome_bar(run: RunView, cells: int, *, plain: bool = False) -> Cell:
    """The run's outcomes as a bar.

    Args:
        run: The run.
        cells: The bar's width.
        plain: Draw the outcomes' glyphs, for terminals without colour.
    """
    shares = apportion(outcome_counts(run), cells)
    return tuple(
        Ink((glyph if plain else block) * share, names[0])
        for share, (names, glyph, block) in zip(shares, _SHOWN_ORDER, strict=True)
        if share
    )
