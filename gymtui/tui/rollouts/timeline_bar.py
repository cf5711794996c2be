"""A rollout's life as a bar of one line, in eighths of a cell, and the axis above it. Pure.

What the segments are is `store.history.timeline`; which stretch of time is shown is the screen's
choice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import ceil

from msgspec import Struct

from gymtui.core.replacement import replace
from gymtui.store.history.timeline import Segment
from gymtui.store.phases import PHASES, SegmentKind
from gymtui.tui.kit.styled_text import Cell, StyledText, join_alike

FILLS: Mapping[SegmentKind, str] = {
    SegmentKind.QUEUED: "┈",
    SegmentKind.BUILDING: "▚",
    SegmentKind.SEEDING: "▖",
    SegmentKind.AGENT: "━",
    SegmentKind.VERIFYING: "╳",
    SegmentKind.UNSEEN: "╱",
}
"""What a whole cell of each shows, on the phase's own colour; told apart without colour too."""

PLAIN_FILLS: Mapping[SegmentKind, tuple[str, str]] = {
    SegmentKind.QUEUED: (":", "."),
    SegmentKind.BUILDING: ("B", "b"),
    SegmentKind.SEEDING: ("S", "s"),
    SegmentKind.AGENT: ("=", "-"),
    SegmentKind.VERIFYING: ("V", "v"),
    SegmentKind.UNSEEN: ("/", ","),
}
"""For terminals with ASCII alone: a whole cell, and half of one."""

FRONT, PLAIN_FRONT = StyledText("▸", "running"), StyledText(">", "running")
"""Where a rollout that still runs has got to."""

BEFORE, BEYOND = StyledText("‹", "muted"), StyledText("›", "muted")
"""All of it lies left, or right, of what is shown."""

_EIGHTHS = " ▏▎▍▌▋▊▉"
_SHADES = "▓▒░"
_SOLID = frozenset(PHASES)
"""What is drawn on a colour of its own; all else is a line on the background."""

_STEPS_S = (1, 2, 5, 10, 15, 30, *(60 * n for n in (1, 2, 5, 10, 15, 30)), 3600, 7200, 10800, 21600)
_DAY_S = 86400
_LABEL_GAP = 3
"""Cells between two labels of the axis, at least."""
_LABEL_CELLS, _CLOCK_CELLS = 5, 8


@dataclass(frozen=True, slots=True)
class Scale:
    """Which stretch of time a column shows."""

    start_s: float  # what its left edge stands for: seconds since each start, or UNIX seconds
    span_s: float  # how much time it shows from edge to edge
    wall: bool = False  # whether it is UNIX seconds

    def at(self, instant_s: float, cells: int) -> float:
        """Where an instant stands, in cells from the left edge; may lie outside."""
        return (instant_s - self.start_s) / self.span_s * cells


def round_span_s(longest_s: float) -> float:
    """A round span that holds so many seconds, so that the axis seldom moves while they grow.

    It is at most half as much again, and ten seconds at least.
    """
    span_s = 10.0
    while True:
        for factor in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8):
            if span_s * factor >= longest_s:
                return span_s * factor
        span_s *= 10


# -- the axis ------------------------------------------------------------------------------------


def tick_step_s(scale: Scale, cells: int) -> float:
    """The time between two ticks: round, and far enough apart for their labels."""
    label = _CLOCK_CELLS if scale.wall else _LABEL_CELLS
    least_s = scale.span_s / max(cells, 1) * (label + _LABEL_GAP)
    for step_s in _STEPS_S:
        if step_s >= least_s:
            return float(step_s)
    return float(_DAY_S * max(1, ceil(least_s / _DAY_S)))


def axis(scale: Scale, cells: int, clock: Callable[[float], datetime] | None = None) -> Cell:
    """The heading of a column of bars: a label where each tick's cell is.

    Of a scale of UNIX seconds, the `clock` gives the local time that is meant.
    """
    step_s = tick_step_s(scale, cells)
    # Hours are round by the local clock, whose offset need not be a whole number of them.
    shift_s = 0.0
    if scale.wall and clock is not None:
        offset = clock(scale.start_s).utcoffset()
        shift_s = offset.total_seconds() if offset is not None else 0.0
        shift_s += clock(scale.start_s).timestamp() - scale.start_s
    line = [" "] * cells
    free = 0
    tick = ceil((scale.start_s + shift_s) / step_s - 1e-9)
    while True:
        instant_s = tick * step_s - shift_s
        x = round(scale.at(instant_s, cells))
        if x >= cells:
            break
        label = (
            format_length(instant_s)
            if clock is None
            else clock(instant_s).strftime("%H:%M:%S" if step_s < 60 else "%H:%M")
        )
        if x >= free and x + len(label) <= cells:
            line[x : x + len(label)] = label
            free = x + len(label) + 1
        tick += 1
    return (StyledText("".join(line), "heading"),)


def format_length(seconds: float) -> str:
    """A round length of time, short: `0`, `30s`, `1m`, `1m30`, `2h`, `1h30`."""
    whole = round(seconds)
    if whole == 0:
        return "0"
    for unit, size, part in (("d", _DAY_S, 3600), ("h", 3600, 60), ("m", 60, 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size}{unit}" + (f"{rest:02d}" if rest else "")
    return f"{whole}s"


# -- the bar -------------------------------------------------------------------------------------


class _Part(Struct, frozen=True):
    """A stretch of one kind, in eighths of a cell; None is nothing at all."""

    kind: SegmentKind | None
    start: int
    end: int


def bar(
    life: Sequence[Segment],
    scale: Scale,
    cells: int,
    *,
    end: StyledText | None = None,
    plain: bool = False,
) -> Cell:
    """Draw one rollout.

    Args:
        scale: What is shown; times since the start leave out what came before it.
        end: What marks where it ended or has got to, or None; drawn in the cell after that.
        plain: Whether to draw with ASCII alone, in halves of a cell.

    Returns:
        Pieces of at most that width together; nothing of a life that is not known.
    """
    drawn = [segment for segment in life if segment.kind is not SegmentKind.ENDED]
    if not scale.wall:
        drawn = [segment for segment in drawn if segment.kind is not SegmentKind.QUEUED]
    if not drawn or cells <= 0:
        return ()
    origin_s = 0.0 if scale.wall else drawn[0].start.timestamp()
    edges = [segment.start.timestamp() - origin_s for segment in drawn]
    edges.append(drawn[-1].end.timestamp() - origin_s)
    xs = [scale.at(edge, cells) for edge in edges]
    if xs[-1] < 0:
        return (BEFORE,)
    if xs[0] >= cells:
        return (StyledText(" " * (cells - 1)), BEYOND)
    canvas = [(" ", "")] * cells
    kinds = [segment.kind for segment in drawn]
    parts = _parts(kinds, xs, cells)
    for part in parts:
        first, last = -(-part.start // 8), part.end // 8
        if part.kind is not None and last > first:
            canvas[first:last] = [_whole_cell(part.kind, plain)] * (last - first)
    for cell in {part.start // 8 for part in parts if part.start % 8} | {
        part.end // 8 for part in parts if part.end % 8
    }:
        canvas[cell] = _shared_cell(_parts_in_cell(parts, cell), plain)
    if not plain:
        _shade_edges(canvas, drawn, xs, scale, cells)
    if end is not None and 0 <= xs[-1] <= cells:
        after = -(-parts[-1].end // 8)
        # In halves too little of a last cell is nothing: the mark stands in it, not behind it.
        empty = 0 < after < cells and canvas[after - 1] == (" ", "")
        canvas[after - 1 if empty else min(after, cells - 1)] = (end.text, end.style)
    while canvas and canvas[-1] == (" ", ""):
        canvas.pop()
    return join_alike(canvas)


def _parts(kinds: Sequence[SegmentKind], xs: Sequence[float], cells: int) -> list[_Part]:
    """What lies in view, in whole eighths; what exists has one eighth at least."""
    parts: list[_Part] = []
    for kind, (x0, x1) in zip(kinds, pairwise(xs), strict=True):
        if x1 < 0 or x0 >= cells:
            continue
        start = parts[-1].end if parts else max(round(8 * x0), 0)
        end = min(max(round(8 * x1), start + 1), 8 * cells)
        if end > start:
            parts.append(_Part(kind, start, end))
    return parts


def _parts_in_cell(parts: Sequence[_Part], cell: int) -> list[_Part]:
    """The parts of one cell, from 0 to 8, what is empty included."""
    low, high = 8 * cell, 8 * cell + 8
    found = [
        _Part(part.kind, max(part.start, low) - low, min(part.end, high) - low)
        for part in parts
        if part.start < high and part.end > low
    ]
    if found and found[0].start > 0:
        found.insert(0, _Part(None, 0, found[0].start))
    if found and found[-1].end < 8:
        found.append(_Part(None, found[-1].end, 8))
    return found


def _whole_cell(kind: SegmentKind, plain: bool) -> tuple[str, str]:
    if plain:
        return PLAIN_FILLS[kind][0], _line_style(kind)
    return FILLS[kind], f"bar {kind}" if kind in _SOLID else "muted"


def _line_style(kind: SegmentKind) -> str:
    return str(kind) if kind in _SOLID else "muted"


def _shared_cell(parts: list[_Part], plain: bool) -> tuple[str, str]:
    """The one character that shows several parts of a cell best."""
    if plain:
        widest = max(parts, key=lambda part: (part.end - part.start, part.kind is not None))
        if widest.kind is not None and widest.end - widest.start > 6:
            return _whole_cell(widest.kind, plain)
        seen = [part for part in parts if part.kind is not None]
        widest = max(seen, key=lambda part: part.end - part.start)
        if widest.kind is None or widest.end - widest.start < 2:
            return " ", ""
        half = len(seen) == 1
        return PLAIN_FILLS[widest.kind][half], _line_style(widest.kind)
    solid = [part if part.kind in _SOLID else replace(part, kind=None) for part in parts]
    if all(part.kind is None for part in solid):
        widest = max(
            (part for part in parts if part.kind is not None),
            key=lambda part: part.end - part.start,
        )
        return (FILLS[widest.kind], "muted") if widest.kind is not None else (" ", "")
    merged = _merge_to_two(solid)
    left, right = merged[0], merged[-1]
    if len(merged) == 1:
        return (" ", "") if left.kind is None else _whole_cell(left.kind, plain)
    char = _EIGHTHS[left.end]
    if left.kind is None:
        return char, f"|{right.kind}"
    return char, str(left.kind) if right.kind is None else f"{left.kind}|{right.kind}"


def _merge_to_two(parts: Sequence[_Part]) -> list[_Part]:
    """Neighbours of one kind joined, then the narrowest given to a neighbour until two are left."""
    left = list(parts)
    while True:
        for index, (one, other) in enumerate(pairwise(left)):
            if one.kind is other.kind:
                left[index : index + 2] = [_Part(one.kind, one.start, other.end)]
                break
        else:
            if len(left) <= 2:
                return left
            index = min(range(len(left)), key=lambda i: left[i].end - left[i].start)
            gone = left.pop(index)
            if index < len(left):
                left[index] = replace(left[index], start=gone.start)
            else:
                left[-1] = replace(left[-1], end=gone.end)


def _shade_edges(
    canvas: list[tuple[str, str]],
    drawn: Sequence[Segment],
    xs: Sequence[float],
    scale: Scale,
    cells: int,
) -> None:
    """Shade each edge over the cells in which it may lie, where these are more than one."""
    cell_s = scale.span_s / cells
    for index, segment in enumerate(drawn):
        kind = segment.kind
        after = drawn[index + 1].kind if index + 1 < len(drawn) else None
        slack = segment.end_slack.total_seconds() / cell_s
        if slack <= 1:
            continue
        # No further than the neighbours reach: what is beyond them is theirs to tell.
        low = max(xs[index + 1] - slack, xs[index])
        high = min(xs[index + 1] + slack, xs[index + 2] if after is not None else xs[index + 1])
        style, shades = _shading(kind, after)
        if high <= low or style is None:
            continue
        for cell in range(max(0, ceil(low - 0.5)), min(cells, ceil(high - 0.5))):
            share = (cell + 0.5 - low) / (high - low)
            canvas[cell] = (shades[min(int(share * 3), 2)], style)


def _shading(before: SegmentKind, after: SegmentKind | None) -> tuple[str | None, str]:
    """The style and the shades that lead from one kind to the next; None for two lines."""
    if before in _SOLID:
        return (f"{before}|{after}" if after in _SOLID else str(before)), _SHADES
    if after in _SOLID:
        return str(after), _SHADES[::-1]
    return None, _SHADES
