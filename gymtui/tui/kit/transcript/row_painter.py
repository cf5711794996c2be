"""Draws the rows of a transcript: text in its styles, with matches and what is selected over them.

What stands where is decided by who asks; the styles of a row's text by `sections`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter

from rich.style import Style
from textual.strip import Strip

from gymtui.core.text import clusters
from gymtui.transcript.search import Match
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit.styled_text import StyledText, make_strip
from gymtui.tui.kit.transcript.highlight import StyleSpan, overlay
from gymtui.tui.kit.transcript.line_index import Row

_MOST_STYLES = 4000
_end = attrgetter("end")


class RowPainter:
    """Draws rows in one palette's colours."""

    def __init__(self, palette: Palette) -> None:
        self._palette = palette
        self._styles: dict[str, Style] = dict(palette.styles)

    def line(self, pieces: tuple[StyledText, ...], cells: int, over: Style | None = None) -> Strip:
        """Draw a line that is no row of the text."""
        base = self._palette.base
        drawn = make_strip((StyledText(" "), *pieces), self._styles, base, over)
        return drawn.adjust_cell_length(cells, base + over if over is not None else base)

    def row(
        self, row: Row, shown: tuple[int, int], marks: Sequence[StyleSpan], here: bool
    ) -> Strip:
        """Draw a row with its left margin, as long as its text; on the one `here` keys act.

        The marks that lie over it are in its line's characters.
        """
        line, base = row.line, self._palette.base
        pieces = tuple(
            StyledText(line.text[span.start : span.end], self._style(span.style, line.style))
            for span in overlay(line.spans, marks, *shown)
        )
        margin = StyledText("▌" if here else " ", "mark")
        indent = line.indent + row.hang
        blank = (StyledText(" " * indent),) if indent else ()
        return make_strip((margin, *blank, *pieces), self._styles, base)

    def _style(self, name: str, base: str) -> str:
        """The name of a style, which is made when it is first asked for."""
        full = f"{base}+{name}" if name else base
        if full not in self._styles:
            made = Style.null()
            for part in full.split("+"):
                made += self._style_named(part)
            self._styles[full] = made
            if len(self._styles) > _MOST_STYLES:
                self._styles = {**self._palette.styles, full: made}
        return full

    def _style_named(self, name: str) -> Style:
        if name.startswith("="):
            return Style.parse(name[1:])
        return self._palette.styles.get(name, Style.null())


def visible_range(row: Row, *, wrap: bool, pan: int, cells: int) -> tuple[int, int]:
    """Which characters of a row's line are seen; one not wrapped was moved left by `pan` cells."""
    text = row.line.text
    if not wrap:
        return _panned_range(text, pan, cells - row.line.indent)
    if row.end == len(text):
        return (row.start, row.end)
    return (row.start, row.start + len(text[row.start : row.end].rstrip(" ")))


def marks_of(
    row: Row, matches: Sequence[Match], here: Match | None, selected: tuple[int, int]
) -> list[StyleSpan]:
    """What lies over a row: matches, else what is selected; in its line's characters.

    On the match `here` the reader stands.
    """
    base = row.line.start
    if base < 0:
        return []
    left, right = (at - base for at in selected)
    if left < min(right, row.end) and right > row.start:
        return [StyleSpan(left, right, "selected")]
    if row.line.below:
        return []
    found: list[StyleSpan] = []
    # They do not overlap, so their ends are in order too.
    for place in range(bisect_right(matches, base + row.start, key=_end), len(matches)):
        at = matches[place]
        if at.start - base >= row.end:
            break
        style = "match-here" if at == here else "match"
        found.append(StyleSpan(at.start - base, at.end - base, style))
    return found


def _panned_range(text: str, pan: int, cells: int) -> tuple[int, int]:
    """The characters of a line that show when it is moved left by `pan` cells."""
    if text.isascii():
        return min(pan, len(text)), min(len(text), pan + max(0, cells))
    used = place = 0
    start = end = -1
    for cluster, size in clusters(text):
        if start < 0 and used >= pan:
            start = place
        if used + size > pan + cells:
            end = place
            break
        used += size
        place += len(cluster)
    start = place if start < 0 else start
    return start, max(start, place if end < 0 else end)
