"""Reading text: paragraphs of any length, wrapped to the width and drawn by line; a screen of them.

It knows paragraphs and places to jump to, not what they mean.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from gymtui.core.text import clean, clusters
from gymtui.tui.context.keymap import Scope, bindings
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.kit.styled_text import Cell, StyledText, join_alike, make_strip
from gymtui.tui.kit.themed_widget import Wheel


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A logical line of text."""

    cell: Cell = ()
    indent: int = 0  # cells left of it, kept when it wraps
    hanging: int = 0  # cells left of its further lines besides


def wrap_paragraph(paragraph: Paragraph, cells: int) -> list[tuple[StyledText, ...]]:
    """Break a paragraph into lines no wider than `cells`, at spaces where there are any.

    Returns:
        At least one line; pieces put together again hold every character but the spaces
        at which it was broken.
    """
    room = max(4, cells - paragraph.indent)
    # Where that would leave a column of a few letters, further lines begin where the first does.
    hanging = paragraph.hanging if room >= 2 * paragraph.hanging else 0
    cell = tuple(StyledText(clean(piece.text), piece.style) for piece in paragraph.cell)
    margin = (StyledText(" " * paragraph.indent),) if paragraph.indent else ()
    plain = "".join(piece.text for piece in cell)
    if plain.isascii() and len(plain) <= room:
        return [(*margin, *cell)]
    lines: list[tuple[StyledText, ...]] = []
    line: list[tuple[str, str, int]] = []
    used, space = 0, -1
    for piece in cell:
        for cluster, size in clusters(piece.text):
            if used + size > room and line:
                keep = space + 1 if space >= 0 else len(line)
                lines.append((*margin, *_joined(line[:keep])))
                line = line[keep:]
                if len(lines) == 1 and hanging:
                    margin = (StyledText(" " * (paragraph.indent + hanging)),)
                    room -= hanging
                used, space = sum(part[2] for part in line), -1
            if cluster == " ":
                space = len(line)
            line.append((cluster, piece.style, size))
            used += size
    lines.append((*margin, *_joined(line)))
    return lines


def _joined(parts: list[tuple[str, str, int]]) -> Cell:
    """Neighbours of one style as one piece, without the spaces at the line's end."""
    pieces = join_alike((text, style) for text, style, _ in parts)
    return (*pieces[:-1], *(StyledText(p.text.rstrip(" "), p.style) for p in pieces[-1:]))


class TextView(Wheel, ScrollView, can_focus=True):
    """Text to read."""

    DEFAULT_CSS = """
    TextView { height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size: 1 1; }
    """
    ALLOW_SELECT = False
    BINDINGS = bindings(Scope.TEXT)

    def __init__(self, palette: Palette) -> None:
        super().__init__(id="text", classes="main")
        self._palette = palette
        self._paragraphs: tuple[Paragraph, ...] = ()
        self._lines: list[tuple[StyledText, ...]] = []
        self._starts: list[int] = []

    def show(self, paragraphs: Sequence[Paragraph]) -> None:
        """Show these paragraphs from their start."""
        self._paragraphs = tuple(paragraphs)
        self._wrap()
        self.scroll_to(y=0, animate=False, force=True)

    def _wrap(self) -> None:
        cells = max(1, self.size.width - 1)
        self._lines, self._starts = [], []
        for paragraph in self._paragraphs:
            self._starts.append(len(self._lines))
            self._lines.extend(wrap_paragraph(paragraph, cells))
        self.virtual_size = Size(self.size.width, len(self._lines))
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Wrap anew; the paragraph at the top stays there."""
        top = max(0, bisect_right(self._starts, self.scroll_offset.y) - 1)
        self._wrap()
        if top < len(self._starts):
            self.scroll_to(y=self._starts[top], animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        index = self.scroll_offset.y + y
        pieces = self._lines[index] if index < len(self._lines) else ()
        drawn = make_strip((StyledText(" "), *pieces), self._palette.styles, self._palette.base)
        return drawn.adjust_cell_length(self.size.width, self._palette.base)

    def action_move(self, lines: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False, force=True)

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self.size.height - 1))

    def action_top(self) -> None:
        self.scroll_to(y=0, animate=False, force=True)

    def action_bottom(self) -> None:
        self.scroll_to(y=self.virtual_size.height, animate=False, force=True)


class TextScreen(GymScreen, scope=Scope.TEXT):
    """A screen of one text."""

    can_filter = False

    def body(self) -> Iterable[Widget]:
        self._text = TextView(self.services.palette)
        yield self._text

    def action_move(self, lines: int) -> None:
        """Scroll by lines, whether or not the text has the focus."""
        self._text.action_move(lines)

    def action_page(self, pages: int) -> None:
        self._text.action_page(pages)
