"""Charts as cells of a list: a rate with its interval, a bar of outcomes. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from gymtui.store.formats import GLYPH
from gymtui.store.outcome import Outcome
from gymtui.store.stats.histograms import KINDS
from gymtui.store.stats.trend import Checkpoint
from gymtui.tui.kit.outcome_text import apportion
from gymtui.tui.kit.styled_text import Cell, StyledText

STYLES: Mapping[str, str] = {"passed": "passed", "failed": "failed", "error": "error"}
_GLYPHS = {"passed": GLYPH[Outcome.PASSED], "failed": GLYPH[Outcome.FAILED], "error": "!"}


def axis(cells: int) -> Cell:
    """The scale over rates: 0 to 100 %, with its middle where there is room."""
    end = "100%"
    if cells < 16:
        return (StyledText("0%" + end.rjust(max(cells - 2, 4)), "muted"),)
    middle = cells // 2 - 1
    return (StyledText("0%".ljust(middle) + "50%" + end.rjust(cells - middle - 3), "muted"),)


def rate_line(point: Checkpoint, base: float | None, cells: int, *, plain: bool) -> Cell:
    """A pass rate between the ends of its interval, on a scale from 0 to 100 %.

    Where it is compared with another run, that one's rate is marked.
    """
    if point.rate is None or cells < 2:
        return ()
    at = [_cell_of(point.rate, cells)] * 2
    if point.interval is not None:
        at = [_cell_of(point.interval.low, cells), _cell_of(point.interval.high, cells)]
    line, mark, bar = ("-", "o", "|") if plain else ("─", "●", "┊")
    drawn = [" "] * cells
    if base is not None:
        drawn[_cell_of(base, cells)] = bar
    for place in range(at[0], at[1] + 1):
        drawn[place] = line
    if base is not None and drawn[_cell_of(base, cells)] == line:
        drawn[_cell_of(base, cells)] = "+" if plain else "┼"
    drawn[_cell_of(point.rate, cells)] = mark
    style = "failed" if point.worse else "passed" if point.better else ""
    if point.unfinished and not style:
        style = "muted"
    return (StyledText("".join(drawn), style),)


def outcome_bar(counts: Mapping[str, int], most: int, cells: int, *, plain: bool) -> Cell:
    """How many came to which end, in proportion to the largest bar, which counts `most`."""
    total = sum(counts.values())
    if not total or not most:
        return ()
    kinds = [kind for kind in KINDS if counts.get(kind)]
    length = max(round(total / most * cells), min(len(kinds), cells))
    shares = apportion([counts[kind] for kind in kinds], length)
    return tuple(
        StyledText((_GLYPHS[kind] if plain else "█") * share, STYLES[kind])
        for kind, share in zip(kinds, shares, strict=True)
        if share
    )


def _cell_of(share: float, cells: int) -> int:
    return min(max(round(share * (cells - 1)), 0), cells - 1)
