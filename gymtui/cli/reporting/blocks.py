"""What a report is made of: blocks of lines, lines of pieces. Data only; no form of it is known.

Everything that came off the wire is a `Name`, so that each form escapes it in one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gymtui.store.outcome import Outcome
from gymtui.store.stats.formulas import Interval
from gymtui.store.stats.histograms import Bin
from gymtui.store.stats.trend import Trend

NAME_CELLS = 300  # longer names lose their middle


@dataclass(frozen=True, slots=True)
class Name:
    """Text off the wire, as received; shown as one cleaned line, cut in its middle if very long."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """Words of ours that matter."""

    text: str


@dataclass(frozen=True, slots=True)
class OutcomeMarks:
    """Rollouts, one glyph each, in their order."""

    outcomes: tuple[Outcome | None, ...]


@dataclass(frozen=True, slots=True)
class RateBar:
    """A rate and its interval, for forms that draw; others leave it out."""

    rate: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class OutcomeBar:
    """How many rollouts came to which end, for forms that draw; others leave it out."""

    counts: tuple[tuple[Outcome, int], ...]


Piece = str | Name | Strong | OutcomeMarks | RateBar | OutcomeBar
Line = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the report's own."""

    level: int
    line: Line


@dataclass(frozen=True, slots=True)
class Paragraph:
    line: Line
    notice: bool = False  # whether nobody should miss it


@dataclass(frozen=True, slots=True)
class BulletList:
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Table:
    headings: tuple[Line, ...]
    rows: tuple[tuple[Line, ...], ...]  # each as long as the headings
    right: frozenset[int] = frozenset()  # columns whose cells are numbers, by their place


@dataclass(frozen=True, slots=True)
class TrendChart:
    """Pass rates along checkpoints, for forms that draw; others leave it out."""

    trend: Trend


@dataclass(frozen=True, slots=True)
class HistogramChart:
    """How something is distributed by outcome, for forms that draw; others leave it out."""

    title: str  # what is counted
    labels: tuple[str, ...]  # of the bins, in their order
    bins: tuple[Bin, ...]


Block = Heading | Paragraph | BulletList | Table | TrendChart | HistogramChart


@dataclass(frozen=True, slots=True)
class Report:
    title: str  # in a line, for a window; its names as received
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class ReportOrigin:
    at: datetime  # when, aware, in UTC
    gym: str  # the base URL of the gym it is from
    version: str
