"""How things are written, on screens and by commands: durations, rates, intervals, outcomes.

Pure, and without colour; what the numbers mean is decided elsewhere in `store`, what is drawn in
which colour is `tui.kit.outcome_text`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import inf

from gymtui.api.models import Rollout
from gymtui.core.text import ABSENT
from gymtui.store.outcome import Outcome, at_step_limit, steps_of
from gymtui.store.phases import SegmentKind
from gymtui.store.records import RolloutRow
from gymtui.store.rollout_times import CLOCK_OFF_S
from gymtui.store.stats.eta import Eta, TimeLeft
from gymtui.store.stats.formulas import Interval

GLYPH: Mapping[Outcome, str] = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✗",
    Outcome.DONE: "•",
    Outcome.ENVIRONMENT: "!",
    Outcome.AGENT: "!",
    Outcome.CANCELLED: "!",
    Outcome.RUNNING: "▸",
    Outcome.WAITING: "·",
    Outcome.NOT_RUN: "–",
    Outcome.UNKNOWN: "?",
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
    Outcome.NOT_RUN: "not run",
}
PHASE_WORD: Mapping[str, str] = {
    "building_environment": "building",
    "seeding": "seeding",
    "agent_running": "acting",
    "verifying": "verifying",
}
"""By the API's phase: the word for it; none is that of an outcome, such as `agent`."""
STRETCH: Mapping[SegmentKind, str] = {
    SegmentKind.QUEUED: "waited",
    SegmentKind.BUILDING: "build",
    SegmentKind.SEEDING: "seed",
    SegmentKind.AGENT: "agent",
    SegmentKind.VERIFYING: "verify",
    SegmentKind.UNSEEN: "not observed",
}
"""What each stretch of a rollout's life is called."""


def duration(seconds: float | None) -> str:
    """A length of time, rounded: `9s`, `2m25s`, `3h07m`, `4d06h`; below 0 it is not known."""
    if seconds is None or not 0 <= seconds < inf:
        return ABSENT
    # Half a second more is one more, as people round; `round` goes to the even one.
    whole, minutes, hours = (int(seconds / size + 0.5) for size in (1, 60, 3600))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if minutes < 1440:
        return f"{minutes // 60}h{minutes % 60:02d}m"
    return f"{hours // 24}d{hours % 24:02d}h"


def age(then: datetime | None, now: datetime) -> str:
    """How long ago, in one unit, so that it moves rarely: `10s ago`, `18m ago`.

    Ages count the whole units that have passed, as people's do; lengths of time are rounded.

    Args:
        then: When; None is not known.
        now: The server's time, as well as it is known: what is later by more than that is not.
    """
    if then is None or (now - then).total_seconds() < -CLOCK_OFF_S:
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
    """A count in at most four characters, rounded: `9999`, `17k`, `1.3M`, `12G`."""
    if number is None or number < 10_000:
        return count(number)
    for unit, size in (("k", 10**3), ("M", 10**6), ("G", 10**9)):
        # Whether a decimal has room is decided by what is shown: 9.96 is 10, not 10.0.
        if unit != "k" and round(number / size, 1) < 10:
            return f"{number / size:.1f}{unit}"
        if round(number / size) < 1000:
            return f"{round(number / size)}{unit}"
    return f"{number:.0e}".replace("+", "")


def join_names(names: Sequence[str], at_most: int = 3) -> str:
    """`a`, `a and b`, `a, b and 5 more`."""
    named = list(names[:at_most])
    if len(names) > at_most:
        named[-1] = f"{len(names) - at_most + 1} more"
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def nonzero_count(number: int | None) -> str:
    """A count of which 0 is not worth reading."""
    return str(number) if number else ABSENT


def data_size(size: int) -> str:
    """An amount of data: `812 B`, `40 KiB`, `1.5 MiB`."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if amount >= 10 or unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def of_many(number: int, thing: str, things: str | None = None) -> str:
    """`1 run`, `5 runs`."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def eta_words(left: TimeLeft) -> str:
    """An ETA in one unit: `40–80s`, `5–8m`, `1.5–3h`; its two ends alike: `~5m`; soon: `<2m`."""
    if not isinstance(left, Eta):
        return left
    unit, size = ("s", 1) if left.high_s < 90 else ("m", 60) if left.high_s < 5400 else ("h", 3600)
    decimals = 1 if unit == "h" else 0
    low, high = (f"{end_s / size:.{decimals}f}" for end_s in (left.low_s, left.high_s))
    if low == high:
        return f"~{high}{unit}"
    return f"{low}–{high}{unit}" if float(low) else f"<{high}{unit}"


def interval_words(interval: Interval | None) -> str:
    """An interval of a rate in whole percent, without the sign: `74–91`."""
    if interval is None:
        return ABSENT
    return f"{round(interval.low * 100)}–{round(interval.high * 100)}"


def cost(usd: float | None) -> str:
    """What something cost, to three digits: `$0.0123`, `$1.5`, `$1,234`."""
    if usd is None:
        return ABSENT
    if 0 < usd < 0.0001:
        return "<$0.0001"
    return f"${usd:,.0f}" if usd >= 100 else f"${usd:.3g}"


def points(share: float) -> str:
    """A difference of rates in whole percentage points, with its sign: `+12`, `-3`."""
    return f"{round(share * 100):+d}"


def p_words(p: float) -> str:
    """`p = 0.029`, `p < 0.0001`."""
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"


def p_value(p: float) -> str:
    """How often chance alone would bring something about, to two digits."""
    return "<0.0001" if p < 0.0001 else f"{p:.2g}"


def state_word(row: RolloutRow) -> str:
    """How a rollout stands, in a word; while it runs, its phase. As received where unknown."""
    rollout, outcome = row.rollout, row.outcome
    if rollout is None or outcome is None:
        return "malformed"
    if outcome in (Outcome.UNKNOWN, Outcome.NOT_RUN):
        return rollout.status or ABSENT
    if outcome is Outcome.RUNNING and rollout.phase is not None:
        return PHASE_WORD.get(rollout.phase, rollout.phase)
    return str(outcome)


def why_no_artifacts(row: RolloutRow | None, name: str) -> str:
    """Why nothing of a finished rollout can be read."""
    if row is not None and row.outcome is Outcome.NOT_RUN:
        return f"no artifacts of {name}: {state_word(row)}"
    return f"the gym has no artifacts of {name}"


def state_words(row: RolloutRow) -> str:
    """The same as columns have room for: its beginning, and the mark of the step limit."""
    word = state_word(row)
    if row.rollout is None or row.outcome is None or word != row.outcome:
        return word
    limit = row.outcome is Outcome.FAILED and at_step_limit(row.rollout)
    return f"{WORD.get(row.outcome, word)}{' ⊣' if limit else ''}"


def steps(rollout: Rollout, seen: int | None = None) -> str:
    """`14/30`: the step it is at, or was last `seen` at where it no longer says it."""
    step = steps_of(rollout, seen)
    if step is None:
        return ABSENT
    limit = ABSENT if rollout.max_steps is None else str(rollout.max_steps)
    return f"{step}/{limit}"


def score(number: float | None) -> str:
    """A score from 0 to 1, to two decimals; only a full one is 1, and only none is 0."""
    if number is None:
        return ABSENT
    if 0 < number < 1:
        number = min(max(number, 0.01), 0.99)
    return f"{number:.2f}" if number % 1 else f"{number:.0f}"


def why(row: RolloutRow) -> str:
    """What there is to say about how a rollout ended, or an empty string."""
    if row.rollout is None:
        return row.malformed or ""
    result = row.rollout.result
    texts = [
        result.message if result is not None else None,
        result.error if result is not None else None,
        row.rollout.termination_reason,
    ]
    return " · ".join(text for text in texts if text)
