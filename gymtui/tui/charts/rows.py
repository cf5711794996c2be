"""What the rows of each chart stand for: their labels, their numbers, and those in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from math import isinf

from gymtui.core.replacement import replace
from gymtui.core.text import ABSENT
from gymtui.store.column_def import Field, Schema, ValueKind
from gymtui.store.formats import duration, interval_words, of_many, p_words, percent, points
from gymtui.store.lists.query import quote_value
from gymtui.store.stats.histograms import KINDS, Bin, Histogram, Measure, bin_label
from gymtui.store.stats.trend import Checkpoint, Trend

RATE, OVER_TIME = "pass@1", "over time"


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A point or a bin."""

    place: int  # which it is, from the start of the chart
    label: str  # what it is called
    numbers: str  # its numbers, as short as can be
    words: str  # they in words
    point: Checkpoint | None = None  # the checkpoint; None for a bin
    base: float | None = None  # the rate of the run that a checkpoint is compared with
    counts: Mapping[str, int] | None = None  # how many rollouts of a bin came to which end
    rollout_ids: tuple[str, ...] = ()  # the rollouts of a bin

    @property
    def filter(self) -> str:
        """What finds the rollouts of a bin, and no others."""
        return f"rollout:{','.join(map(quote_value, self.rollout_ids))}"

    @property
    def total(self) -> int:
        """How many rollouts it stands for."""
        return sum(self.counts.values()) if self.counts is not None else 0


ROWS: Schema[ChartRow] = Schema(
    (
        Field("place", ValueKind.NUMBER, lambda row: row.place),
        Field("label", ValueKind.TEXT, lambda row: row.label),
        Field("rate", ValueKind.PERCENT, lambda row: row.point.rate if row.point else None),
        Field("rollouts", ValueKind.NUMBER, lambda row: row.total or None),
    )
)


def rate_rows(along: Trend) -> list[ChartRow]:
    """The rows of checkpoints."""
    rates = {point.run_id: point.rate for point in along.points}
    if along.baseline is not None:
        rates[along.baseline] = along.base
    rows = []
    for place, point in enumerate(along.points):
        verdicts, base = point.tally.verdicts, rates.get(point.against or "")
        figures = f"{percent(point.rate)} {interval_words(point.interval)} of {verdicts}"
        shown = figures if verdicts else ABSENT
        row = ChartRow(place, point.label, shown, point_words(point), point=point, base=base)
        rows.append(row)
    return rows


def point_words(point: Checkpoint) -> str:
    """A checkpoint's numbers, and how it compares."""
    if point.rate is None:
        return f"{point.run_id}: no verdict yet"
    words = f"{point.run_id}: pass@1 {percent(point.rate)} ({interval_words(point.interval)}) of "
    words += of_many(point.tally.verdicts, "verdict")
    if point.unfinished:
        words += ", unfinished"
    found = point.difference
    if found is None or point.against is None:
        return words
    between = "" if found.low is None else f" ({points(found.low)} to {points(found.high or 0)})"
    words += f" · {points(found.mean)}pp{between} against {point.against}"
    words += f" over {of_many(found.tasks, 'task')}, {p_words(found.adjusted)}"
    if found.comparisons > 1:
        words += f" adjusted for {found.comparisons} comparisons"
    return words if found.clear else f"{words}: not significant"


def bin_rows(found: Histogram, measure: Measure) -> list[ChartRow]:
    """The rows of a distribution."""

    def named(one: Bin) -> tuple[str, str]:
        label = bin_label(one, measure)
        return label, f"{measure.name} {label}"

    return _rows_of(found, named)


def time_rows(found: Histogram, zone: tzinfo | None = None) -> list[ChartRow]:
    """The rows of what ended over time, by the clock of a zone; None for this machine's."""
    many_days = bool(found.bins) and found.bins[-1].low - found.bins[0].low > 86400
    whole_minutes = all(one.low % 60 == 0 for one in found.bins)
    form = "%d %b %H:%M" if many_days else "%H:%M" if whole_minutes else "%H:%M:%S"

    def named(one: Bin) -> tuple[str, str]:
        label = datetime.fromtimestamp(one.low, UTC).astimezone(zone).strftime(form)
        within = "" if isinf(one.high) else f" within {duration(one.high - one.low)}"
        return label, f"ended from {label}{within}"

    return _rows_of(found, named)


def _rows_of(found: Histogram, named: Callable[[Bin], tuple[str, str]]) -> list[ChartRow]:
    """A row a bin, each with its label and what that means."""
    rows = []
    for place, one in enumerate(found.bins):
        label, means = named(one)
        words = f"{means}: {describe_counts(one.counts)}"
        row = ChartRow(place, label, f"{one.total:,}", words, counts=one.counts)
        rows.append(replace(row, rollout_ids=one.rollout_ids))
    return rows


def describe_counts(counts: Mapping[str, int]) -> str:
    """`14 rollouts: 9 passed, 5 failed`."""
    parts = [
        of_many(counts[kind], kind) if kind == "error" else f"{counts[kind]:,} {kind}"
        for kind in KINDS
        if counts.get(kind)
    ]
    total = of_many(sum(counts.values()), "rollout")
    return f"{total}: {', '.join(parts)}" if parts else total
