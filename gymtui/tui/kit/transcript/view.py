"""The transcript itself: sections drawn by line, however many, wrapped when they are looked at.

What stands at its top is a place in the text, which nothing but the reader moves: heights above it
that turn out otherwise move the scroll bar alone.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from gymtui.transcript.blocks import Turn
from gymtui.transcript.search import Match
from gymtui.transcript.stops import TextPlace
from gymtui.tui.context.keymap import Scope, bindings
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit.styled_text import StyledText, make_strip
from gymtui.tui.kit.themed_widget import Wheel
from gymtui.tui.kit.transcript.line_index import LineIndex, Place, Row
from gymtui.tui.kit.transcript.row_painter import RowPainter, marks_of, visible_range
from gymtui.tui.kit.transcript.sections import HEADING, Section, heading
from gymtui.tui.kit.transcript.selection import Key, TextSelection, key_of, selected_text_of
from gymtui.tui.kit.transcript.styles import TextKind

_SLICE_S = 0.008
"""How long measuring may hold the program at a time."""
_BETWEEN_S = 0.03
_STRIPS = 600
_PAN = 16
_NOTHING = Section(0, HEADING, 0, TextKind.NOTE, "")


class TranscriptView(Wheel, Widget, can_focus=True):
    """A transcript to read."""

    DEFAULT_CSS = "TranscriptView { height: 1fr; width: 1fr; }"
    # The framework's own selection knows rows; this one knows the text (`selection`).
    ALLOW_SELECT = False
    BINDINGS = bindings(Scope.TEXT)

    class Moved(Message):
        """Something else stands at the top."""

    class Selected(Message):
        """Something else is selected."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._palette = palette
        self._painter = RowPainter(palette)
        self._selection = TextSelection()
        self._line_index = LineIndex([_NOTHING], 80)
        self._turns: dict[int, int] = {}
        self._numbers: dict[Key, int] = {}
        self._top = Place(0, 0)
        self._pan = 0
        self.wrap = True
        """Whether lines are wrapped."""
        self._matches: Mapping[Key, Sequence[Match]] = {}
        self._match: Match | None = None
        self._strips: OrderedDict[tuple[Place, bool], Strip] = OrderedDict()
        self._visible: list[tuple[Place, Row]] | None = None
        self._measuring: Timer | None = None
        self._bar: tuple[int, int] = (0, 0)
        self.place: TextPlace = (0, HEADING, 0, 0)
        """What keys act on and go on from: what was jumped to last, else what is at the top."""

    # -- what is shown ---------------------------------------------------------------------

    def show(self, sections: Sequence[Section], *, at_start: bool = False) -> None:
        """Show these sections, at least one, from their start if wanted.

        Else what stood at the top stays there, or what is nearest to it.
        """
        line_index = self._line_index
        seen = line_index.sections[self._top.section]
        character = line_index.character_at(self._top)
        self._line_index = LineIndex(sections, self._cells, wrap=self.wrap)
        self._turns, self._numbers = {}, {}
        for number, section in enumerate(sections):
            self._turns.setdefault(section.turn, number)
            self._numbers[key_of(section)] = number
        if at_start:
            self._selection.drop()
            self._top, self.place = Place(0, 0), (sections[0].turn, HEADING, 0, 0)
        else:
            self._top = self._restored_place(seen, character)
        self._redraw_all()

    def _restored_place(self, seen: Section, character: int) -> Place:
        """Where a character of a section of before stands now."""
        key = key_of(seen)
        found = self._numbers.get(key)
        if found is not None:
            return self._line_index.place_of(found, character)
        keys = list(self._numbers)
        near = min(bisect_left(keys, key), len(keys) - 1)
        return Place(near, 0)

    @property
    def _cells(self) -> int:
        """The width of the text: a blank column at its left, two with the bar at its right."""
        return max(8, self.size.width - 3)

    @property
    def _width(self) -> int:
        """The width of a drawn row: all but the bar."""
        return max(0, self.size.width - 1)

    def toggle_wrap(self) -> None:
        """Wrap lines, or cut them at the edge."""
        self.wrap = not self.wrap
        self._pan = 0
        self.show(self._line_index.sections)

    def paint(self, palette: Palette) -> None:
        self._palette = palette
        self._painter = RowPainter(palette)
        self._strips.clear()
        self.refresh()

    def _redraw_all(self) -> None:
        """Draw anew, and begin to measure."""
        self._strips.clear()
        self._visible = None
        self._top = min(self._top, self._last_top())
        self._measure()
        self.refresh()
        self.post_message(self.Moved())

    def on_resize(self, event: events.Resize) -> None:
        """Wrap what is seen to the new width; the text at the top and what keys act on stay."""
        if self._cells != self._line_index.cells:
            self.show(self._line_index.sections)
        else:
            self._go(self._top, here=self.place)

    def _measure(self) -> None:
        """Correct the heights of what was never seen, a little at a time."""
        self._line_index.measure_from(self._top.section)
        if self._measuring is None and not self._line_index.is_measured and self.is_mounted:
            self._measuring = self.set_interval(_BETWEEN_S, self._measure_some)

    def _measure_some(self) -> None:
        until = time.perf_counter() + _SLICE_S
        self._line_index.measure(lambda: time.perf_counter() >= until)
        if self._line_index.is_measured and self._measuring is not None:
            self._measuring.stop()
            self._measuring = None
        if self._thumb() != self._bar:
            self.refresh(Region(self.size.width - 1, 0, 1, self.size.height))

    # -- where the reader is ---------------------------------------------------------------

    @property
    def current(self) -> int:
        """The turn that keys act on."""
        return self.place[0]

    @property
    def top_place(self) -> TextPlace:
        """What stands at the top."""
        return self._text_place(self._top)

    def _text_place(self, place: Place) -> TextPlace:
        section = self._line_index.sections[place.section]
        return (section.turn, section.block, section.part, self._line_index.character_at(place))

    def _last_top(self) -> Place:
        """The lowest place that the top can be at."""
        return self._line_index.place_beyond(self._line_index.end(), 1 - max(1, self.size.height))

    def _go(self, place: Place, *, here: TextPlace | None = None) -> None:
        """Put a place at the top, or as near to it as the end allows."""
        place = max(Place(0, 0), min(place, self._last_top()))
        self.place = self._text_place(place) if here is None else here
        self._top = place
        self._visible = None
        self.refresh()
        self.post_message(self.Moved())

    def has_turn(self, turn: int) -> bool:
        """Whether a turn is shown."""
        return turn in self._turns

    def text_of_turn(self, turn: int) -> str:
        """What stands in a turn, as far as it is not folded away."""
        line_index = self._line_index
        own = (n for n, section in enumerate(line_index.sections) if section.turn == turn)
        return "\n".join(line_index.wrapped_section(number).layout.text for number in own)

    def jump_to_turn(self, turn: int, block: int = HEADING) -> None:
        """Put a turn's heading at the top, or one of its blocks under the turn's name."""
        if turn not in self._turns:
            return
        section = self._numbers.get((turn, block, 0), self._turns[turn])
        above = 0 if block == HEADING else -1
        self._go(self._line_index.place_beyond(Place(section, 0), above), here=(turn, block, 0, 0))

    def jump_to_match(self, match: Match) -> bool:
        """Show a match; False where it is folded away, or its turn is hidden."""
        section = self._numbers.get((match.turn, match.block, match.part))
        if section is None:
            return False
        line_index = self._line_index
        if match.start >= line_index.wrapped_section(section).layout.unfolded_length:
            return False
        self._match = match
        self._strips.clear()
        place, here = line_index.place_of(section, match.start), match[:4]
        if any(place == there for there, _ in self._window()[1:]):
            self.place = here
            self.refresh()
            self.post_message(self.Moved())
        else:
            self._go(line_index.place_beyond(place, -(self.size.height // 3)), here=here)
        return True

    def mark(self, matches: Mapping[Key, Sequence[Match]], here: Match | None) -> None:
        """Mark matches, by turn, block and part in order; the reader stands on the one `here`."""
        self._matches, self._match = matches, here
        self._strips.clear()
        self.refresh()

    def action_move(self, lines: int) -> None:
        self._go(self._line_index.place_beyond(self._top, lines))

    def action_page(self, pages: int) -> None:
        """Scroll by screenfuls: the last line comes first, under the name of its turn."""
        self.action_move(pages * max(1, self.size.height - 2))

    def action_top(self) -> None:
        self._go(Place(0, 0))

    def action_bottom(self) -> None:
        end = self._line_index.end()
        self._go(end, here=self._text_place(end))

    def pan(self, steps: int) -> bool:
        """Move sideways over lines that are not wrapped; whether there was anywhere to go."""
        before, self._pan = self._pan, max(0, self._pan + steps * _PAN)
        self._strips.clear()
        self.refresh()
        return self._pan != before

    # -- what is selected ------------------------------------------------------------------

    def selected_text(self) -> str:
        """What is selected, as it was before it was wrapped; empty for nothing."""
        span = self._selection.span
        return selected_text_of(self._line_index, self._numbers, span) if span is not None else ""

    def drop_selection(self) -> bool:
        """Select nothing; whether anything was selected."""
        anything = self._selection.span is not None
        self._selection.drop()
        self._draw_selected()
        self.post_message(self.Selected())
        return anything

    def _draw_selected(self) -> None:
        """Draw what is selected now."""
        self._strips.clear()
        self.refresh()

    # -- drawing ---------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        rows = self._window()
        if y >= len(rows):
            return self._with_bar(self._painter.line((), self._width), y)
        place, row = rows[y]
        if y == 0 and (name := self._sticky_heading(place)) is not None:
            return self._with_bar(name, y)
        section = self._line_index.sections[place.section]
        key = (place, self._is_at_place(section, row))
        found = self._strips.get(key)
        if found is None:
            found = self._strips[key] = self._draw_row(place, row)
            if len(self._strips) > _STRIPS:
                self._strips.popitem(last=False)
        return self._with_bar(found, y)

    def _is_at_place(self, section: Section, row: Row) -> bool:
        """Whether a row begins where one stands."""
        begin = (*key_of(section), row.line.start + row.start)
        return row.line.start >= 0 and bool(row.line.text) and begin == self.place

    def _window(self) -> list[tuple[Place, Row]]:
        """The rows that are seen."""
        if self._visible is None:
            self._visible = self._line_index.window(self._top, self.size.height)
        return self._visible

    def _with_bar(self, drawn: Strip, y: int) -> Strip:
        start, size = self._bar = self._thumb()
        edge = StyledText("▐" if start <= y < start + size else " ", "bar")
        return Strip.join([drawn, make_strip((edge,), self._palette.styles, self._palette.base)])

    def _thumb(self) -> tuple[int, int]:
        """Where the bar's thumb starts, and how long it is; no thumb when all can be seen."""
        height, total = self.size.height, self._line_index.total
        if total <= height or not height:
            return (0, 0)
        size = max(1, height * height // total)
        span = max(1, total - height)
        start = min(self._line_index.y_of(self._top), span) * (height - size) // span
        return (start, size)

    def _sticky_heading(self, place: Place) -> Strip | None:
        """The name of the turn at the top, once its heading has left."""
        section = self._line_index.sections[place.section]
        if section.block == HEADING or section.turn not in self._turns:
            return None
        source = self._line_index.sections[self._turns[section.turn]].source
        if not isinstance(source, Turn):
            return None
        line = heading(source)
        shown = [StyledText(line.text[span.start : span.end], span.style) for span in line.spans]
        return self._painter.line(tuple(shown), self._width, self._palette.bar)

    def _draw_row(self, place: Place, row: Row) -> Strip:
        section = self._line_index.sections[place.section]
        key = key_of(section)
        length = len(self._line_index.wrapped_section(place.section).layout.text)
        shown = visible_range(row, wrap=self.wrap, pan=self._pan, cells=self._cells)
        marks = marks_of(
            row, self._matches.get(key, ()), self._match, self._selection.within(key, length)
        )
        drawn = self._painter.row(row, shown, marks, self._is_at_place(section, row))
        return drawn.adjust_cell_length(self._width, self._palette.base)
