"""Text on its way to the screen: pieces with a style's name, laid out in cells and made strips.

Every piece goes through `text.fit` here: what widgets hand over may be wire text as received.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Literal

from msgspec import Struct
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from gymtui.core.text import ABSENT, clean, fit, width
from gymtui.tui.kit.cached_strip import CachedStrip


class StyledText(Struct, frozen=True):
    """A piece of text in a named style; the text may be anything."""

    text: str
    style: str = ""
    # What a click on it asks for: `key:` and an action, or `run:` and a run's id, or `runs`;
    # empty for nothing.
    target: str = ""


Cell = tuple[StyledText, ...]
Align = Literal["left", "right"]
Cut = Literal["middle", "end"]


def value_cell(value: object, style: str = "") -> Cell:
    """A cell of one piece; None, and what leaves nothing to see, is drawn as "not known"."""
    return (StyledText(clean(value) or (ABSENT if value else ""), style),)


def join_alike(parts: Iterable[tuple[str, str]]) -> Cell:
    """Texts with their styles as pieces: neighbours of one style as one."""
    together = groupby(parts, key=itemgetter(1))
    return tuple(StyledText("".join(text for text, _ in run), style) for style, run in together)


def fit_cells(
    cell: Cell, cells: int, *, align: Align = "left", cut: Cut = "end"
) -> tuple[StyledText, ...]:
    """Fit a cell into exactly so many terminal cells.

    Args:
        cut: Where a single piece that is too long loses its middle or its end; a cell of
            several pieces always loses its end.

    Returns:
        Clean pieces whose widths add up to `cells`.
    """
    placed: list[StyledText] = []
    left = cells
    for piece in cell:
        if left <= 0:
            break
        shown = fit(piece.text, left, cut=cut if len(cell) == 1 else "end")
        placed.append(StyledText(shown, piece.style, piece.target))
        left -= width(shown)
    if left > 0:
        # In no style: a bar of one piece must not go on to the edge of its column.
        blank = StyledText(" " * left)
        placed = [blank, *placed] if align == "right" else [*placed, blank]
    return tuple(placed)


def width_of(cell: Cell) -> int:
    """How many terminal cells a cell takes when nothing is cut."""
    return sum(width(clean(piece.text)) for piece in cell)


def make_strip(
    pieces: tuple[StyledText, ...],
    styles: Mapping[str, Style],
    base: Style,
    over: Style | None = None,
) -> Strip:
    """Make laid out pieces a line of the screen; `over` it a cursor or a stale picture.

    A piece that has a background of its own keeps that.
    """
    return CachedStrip(
        Segment(piece.text, _style(base, styles.get(piece.style), over)) for piece in pieces
    )


@lru_cache(1024)
def _style(base: Style, own: Style | None, over: Style | None) -> Style:
    """One style of three: adding them anew for every piece was a tenth of drawing a page."""
    style = base if own is None else base + own
    if over is not None:
        reverse = style.reverse and over.reverse
        style += over
        if own is not None and own.bgcolor is not None:
            style += Style(bgcolor=own.bgcolor)
        if reverse:
            # What stands out by being reversed still does so on a line that is.
            style += Style(reverse=False)
    return style
