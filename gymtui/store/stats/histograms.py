"""How something is distributed over rollouts, by outcome; and verdicts over time. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf, isinf, log10

from gymtui.store.formats import cost, duration, thousands
from gymtui.store.outcome import ERRORS, VERDICTS, Outcome, steps_of
from gymtui.store.records import RolloutRow, score_of
from gymtui.store.rollout_times import duration_s

MOST_BINS = 14  # bins are made as fine as that allows
_CLOCK_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200)
_DAY_S = 86400
_USUAL, _FAR = 0.95, 3
"""What lies so many times as far off as this share of all is put into one bin."""

KINDS: Mapping[str, frozenset[Outcome]] = {
    "passed": frozenset({Outcome.PASSED}),
    "failed": frozenset({Outcome.FAILED}),
    "error": frozenset(ERRORS),
}
"""What rollouts are told apart by, in the order in which they are drawn."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Rollouts whose value lies in a range."""

    low: float  # its lower end, which is in it
    high: float  # its upper end, which is not; infinite for all that lies far off
    counts: Mapping[str, int]  # how many, by the names of `KINDS`
    rollout_ids: tuple[str, ...] = ()  # which

    @property
    def total(self) -> int:
        """How many in all."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Histogram:
    """How a value is distributed."""

    bins: tuple[Bin, ...]  # one beside the other, those between the first and the last without gaps
    known: int  # of how many rollouts it is known
    of: int  # of how many that ended


@dataclass(frozen=True, slots=True)
class Measure:
    """What a rollout can be measured by."""

    name: str  # as a list's column and its filter call it
    # What it is, given the rollout and the last step that it was seen at.
    value: Callable[[RolloutRow, int | None], float | None]
    whole: bool = False  # whether it is counted, so that no bin is narrower than 1
    clock: bool = False  # whether it is seconds, whose bins are round on a clock
    most: float | None = None  # what it can be at most


def _steps(row: RolloutRow, seen: int | None) -> float | None:
    return steps_of(row.rollout, seen) if row.rollout is not None else None


def _elapsed(row: RolloutRow, _seen: int | None) -> float | None:
    return duration_s(row.rollout) if row.rollout is not None else None


MEASURES: tuple[Measure, ...] = (
    Measure("steps", _steps, whole=True),
    Measure("elapsed", _elapsed, clock=True),
    Measure("score", lambda row, _seen: score_of(row), most=1.0),
    Measure(
        "tokens", lambda row, _seen: row.usage.tokens if row.usage is not None else None, whole=True
    ),
    Measure("cost", lambda row, _seen: row.usage.cost_usd if row.usage is not None else None),
)
ENDED = Measure("ended", lambda row, _seen: _ended_s(row), clock=True)
"""When it ended, UNIX seconds."""


def _ended_s(row: RolloutRow) -> float | None:
    ended = row.rollout.completed_at if row.rollout is not None else None
    return None if ended is None else ended.timestamp()


def histogram(
    rows: Iterable[RolloutRow],
    measure: Measure,
    last_steps: Mapping[str, int] = {},
    *,
    most: int = MOST_BINS,
) -> Histogram:
    """Count rollouts that ended with a verdict or an error."""
    found: list[tuple[float, str, str]] = []
    of = 0
    for row in rows:
        if row.outcome not in VERDICTS and row.outcome not in ERRORS:
            continue
        of += 1
        value = measure.value(row, last_steps.get(row.rollout_id))
        if value is not None:
            kind = next(name for name, outcomes in KINDS.items() if row.outcome in outcomes)
            found.append((float(value), kind, row.rollout_id))
    return Histogram(_bins(found, measure, most), len(found), of)


def _bins(found: Sequence[tuple[float, str, str]], measure: Measure, most: int) -> tuple[Bin, ...]:
    if not found:
        return ()
    values = sorted(value for value, _, _ in found)
    least, highest = values[0], values[-1]
    usual = values[ceil(_USUAL * len(values)) - 1]
    if highest - least > _FAR * (usual - least) > 0:
        highest = usual  # a few that lie far off would leave all others in one bin
    width = _clock(highest - least, most) if measure.clock else _round(highest - least, most)
    if measure.whole:
        width = max(width, 1.0)
    first = floor(least / width)
    last = floor(highest / width) - first
    members: dict[int, list[tuple[str, str]]] = {}
    for value, kind, rollout_id in found:
        place = min(floor(value / width) - first, last + 1)
        members.setdefault(place, []).append((kind, rollout_id))
    counts = {place: Counter(kind for kind, _ in inside) for place, inside in members.items()}
    return tuple(
        Bin(
            _edge(first + place, width),
            _edge(first + place + 1, width) if place <= last else inf,
            {kind: counts[place][kind] if place in counts else 0 for kind in KINDS},
            tuple(rollout_id for _, rollout_id in members.get(place, ())),
        )
        for place in range(max(members) + 1)
    )


def _edge(place: int, width: float) -> float:
    return float(f"{place * width:.12g}")  # 3 * 0.1 is 0.3


def _round(extent: float, most: int) -> float:
    """The finest width of 1, 2 or 5 times a power of ten that takes no more bins than that."""
    if extent <= 0:
        return 1.0
    power = 10.0 ** floor(log10(extent / most))
    return next(w for w in (power * n for n in (1, 2, 5, 10, 20, 50)) if extent / w < most - 1)


def _clock(extent_s: float, most: int) -> float:
    """The finest width that is round on a clock."""
    for width in _CLOCK_S:
        if extent_s / width < most - 1:
            return float(width)
    return _DAY_S * max(1.0, _round(extent_s / _DAY_S, most))


def _value(value: float, measure: Measure) -> str:
    if measure.clock:
        return duration(value)
    if measure.name == "cost":
        return cost(value)
    return thousands(round(value)) if measure.whole else f"{value:g}"


def bin_label(one: Bin, measure: Measure) -> str:
    """The range of a bin: one number where it holds only that."""
    if isinf(one.high):
        return f"≥ {_value(one.low, measure)}"
    if measure.clock:
        return f"{duration(one.low)}–{duration(one.high)}"
    if measure.name == "cost":
        return f"{cost(one.low)}–{cost(one.high)}"
    if measure.whole and one.high - one.low == 1:
        return f"{one.low:g}"
    if measure.whole:
        last = one.high - 1
        return f"{thousands(round(one.low))}–{thousands(round(last))}"
    if measure.most is not None and one.high > measure.most:
        return f"{one.low:g}" if one.low >= measure.most else f"{one.low:g}–{measure.most:g}"
    return f"{one.low:g}–{one.high:g}"
