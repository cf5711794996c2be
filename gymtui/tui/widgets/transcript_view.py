"""The transcript itself: sections drawn by line, however many, wrapped when they are looked at.

What stands at its top is a place in the text, which nothing but the reader moves: heights above it
that turn out otherwise move the scroll bar alone.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from gymtui.text import clusters
from gymtui.transcript.blocks import Turn
from gymtui.transcript.search import Match
from gymtui.tui.highlight import Run, overlaid
from gymtui.tui.ink import Ink, strip
from gymtui.tui.keys import Scope, bindings
from gymtui.tui.theme import Palette
from gymtui.tui.transcript_styles import Look
from gymtui.tui.transcript_text import HEADING, Section, heading
from gymtui.tui.widgets.flow import Flow, Place, Row

_SLICE_S = 0.008
"""How long measuring may hold the program at a time."""
_BETWEEN_S = 0.03
_STRIPS = 600
_PAN = 16
_MOST_SELECTED = 2_000_000
"""Characters of a selection: more than any clipboard takes."""
_NOTHING = Section(0, HEADING, 0, Look.NOTE, "")


class TranscriptView(Widget, can_focus=True):
    """A transcript to read.

    Args:
        palette: The colours.
        clock: Monotonic seconds.
        id: The widget's id.
    """

    DEFAULT_CSS = "TranscriptView { height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.TEXT)

    class Moved(Message):
        """Something else stands at the top."""

    class FoldClicked(Message):
        """A line that says what is folded away was clicked.

        Attributes:
            turn: Of which turn.
            block: Of which of its blocks.
        """

        def __init__(self, turn: int, block: int) -> None:
            super().__init__()
            self.turn = turn
            self.block = block

    def __init__(
        self,
        palette: Palette,
        *,
        clock: Callable[[], float] = time.perf_counter,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._palette = palette
        self._clock = clock
        self._styles: dict[str, Style] = dict(palette.styles)
        self._flow = Flow([_NOTHING], 80)
        self._turns: dict[int, int] = {}
        self._blocks: dict[tuple[int, int, int], int] = {}
        self._top = Place(0, 0)
        self._pan = 0
        self._wrap = True
        self._matches: Mapping[tuple[int, int, int], Sequence[Match]] = {}
        self._match: Match | None = None
        self._strips: OrderedDict[tuple[Place, bool], Strip] = OrderedDict()
        self._seen: list[tuple[Place, Row]] | None = None
        self._measuring: Timer | None = None
        self._bar: tuple[int, int] = (0, 0)
        self._dragging = False
        self.current = 0
        """The turn that keys act on: the one jumped to last, else the one at the top."""

    # -- what is shown ---------------------------------------------------------------------

    def show(self, sections: Sequence[Section], *, at_start: bool = False) -> None:
        """Show these sections.

        Args:
            sections: In order, at least one.
            at_start: Whether to start at their start; else what stood at the top stays there, or
                what is nearest to it.
        """
        flow = self._flow
        seen = flow.sections[self._top.section]
        character = flow.character_at(self._top)
        self._flow = Flow(sections, self._cells, wrap=self._wrap)
        self._turns, self._blocks = {}, {}
        for number, section in enumerate(sections):
            self._turns.setdefault(section.turn, number)
            self._blocks[section.turn, section.block, section.part] = number
        if at_start:
            self._top, self.current = Place(0, 0), sections[0].turn
        else:
            self._top = self._again(seen, character)
        self._changed()

    def _again(self, seen: Section, character: int) -> Place:
        """Where a character of a section of before stands now."""
        key = (seen.turn, seen.block, seen.part)
        found = self._blocks.get(key)
        if found is not None:
            return self._flow.place_of(found, character)
        keys = list(self._blocks)
        near = min(bisect_left(keys, key), len(keys) - 1)
        return Place(near, 0)

    @property
    def _cells(self) -> int:
        """The width of the text: a blank column at its left, two with the bar at its right."""
        return max(8, self.size.width - 3)

    @property
    def wrap(self) -> bool:
        """Whether lines are wrapped."""
        return self._wrap

    def set_wrap(self, wrap: bool) -> None:
        """Wrap lines, or cut them at the edge."""
        self._wrap = wrap
        self._pan = 0
        self.show(self._flow.sections)

    def _changed(self) -> None:
        """Draw anew, and begin to measure."""
        self._strips.clear()
        self._seen = None
        self._top = min(self._top, self._last_top())
        self._measure()
        self.refresh()
        self.post_message(self.Moved())

    def on_resize(self, event: events.Resize) -> None:
        """Wrap what is seen to the new width; the text at the top stays there."""
        if self._cells != self._flow.cells:
            self.show(self._flow.sections)
        else:
            self._go(self._top)

    def _measure(self) -> None:
        """Correct the heights of what was never seen, a little at a time."""
        self._flow.measure_from(self._top.section)
        if self._measuring is None and not self._flow.settled and self.is_mounted:
            self._measuring = self.set_interval(_BETWEEN_S, self._measure_some)

    def _measure_some(self) -> None:
        until = self._clock() + _SLICE_S
        self._flow.measure(lambda: self._clock() >= until)
        if self._flow.settled and self._measuring is not None:
            self._measuring.stop()
            self._measuring = None
        if self._thumb() != self._bar:
            self.refresh(Region(self.size.width - 1, 0, 1, self.size.height))

    # -- where the reader is ---------------------------------------------------------------

    @property
    def turn(self) -> int:
        """The turn at the top."""
        return self._flow.sections[self._top.section].turn

    @property
    def place(self) -> tuple[int, int, int, int]:
        """What stands at the top: turn, block, part and the character of that part."""
        section = self._flow.sections[self._top.section]
        return (section.turn, section.block, section.part, self._flow.character_at(self._top))

    @property
    def at_end(self) -> bool:
        """Whether the end can be seen."""
        return self._top >= self._last_top()

    def _last_top(self) -> Place:
        """The lowest place that the top can be at."""
        return self._flow.moved(self._flow.end(), 1 - max(1, self.size.height))

    def _go(self, place: Place, *, current: int | None = None) -> None:
        """Put a place at the top, or as near to it as the end allows."""
        place = max(Place(0, 0), min(place, self._last_top()))
        self.current = self._flow.sections[place.section].turn if current is None else current
        self._top = place
        self._seen = None
        self.refresh()
        self.post_message(self.Moved())

    def has_turn(self, turn: int) -> bool:
        """Whether a turn is shown."""
        return turn in self._turns

    def jump(self, turn: int) -> None:
        """Put a turn's heading at the top."""
        if turn in self._turns:
            self._go(Place(self._turns[turn], 0), current=turn)

    def jump_to(self, match: Match) -> bool:
        """Show a match.

        Returns:
            Whether it can be seen; False when it is folded away, or its turn is hidden.
        """
        section = self._blocks.get((match.turn, match.block, match.part))
        if section is None:
            return False
        flow = self._flow
        if match.start >= len(flow.wrapped(section).laid.text):
            return False
        self._match = match
        self._strips.clear()
        place = flow.place_of(section, match.start)
        if any(place == there for there, _ in self._window()[1:]):
            self.current = match.turn
            self.refresh()
            self.post_message(self.Moved())
        else:
            self._go(flow.moved(place, -(self.size.height // 3)), current=match.turn)
        return True

    def mark(
        self, matches: Mapping[tuple[int, int, int], Sequence[Match]], here: Match | None
    ) -> None:
        """Mark matches.

        Args:
            matches: By turn, block and part, in order.
            here: The one that the reader stands on.
        """
        self._matches, self._match = matches, here
        self._strips.clear()
        self.refresh()

    # -- keys and the mouse ----------------------------------------------------------------

    def action_move(self, lines: int) -> None:
        """Scroll by lines."""
        self._go(self._flow.moved(self._top, lines))

    def action_page(self, pages: int) -> None:
        """Scroll by screenfuls: the last line comes first, under the name of its turn."""
        self.action_move(pages * max(1, self.size.height - 2))

    def action_top(self) -> None:
        """Go to the start."""
        self._go(Place(0, 0))

    def action_bottom(self) -> None:
        """Go to the end."""
        end = self._flow.end()
        self._go(end, current=self._flow.sections[end.section].turn)

    def action_pan(self, steps: int) -> None:
        """Move sideways over lines that are not wrapped."""
        if not self._wrap:
            self._pan = max(0, self._pan + steps * _PAN)
            self._strips.clear()
            self.refresh()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll without animation."""
        event.stop()
        event.prevent_default()
        self.action_move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll without animation."""
        event.stop()
        event.prevent_default()
        self.action_move(-3)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the bar."""
        if event.x >= self.size.width - 1:
            self._dragging = True
            self.capture_mouse()
            self._drag(event.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Pull the bar."""
        if self._dragging:
            self._drag(event.y)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go of the bar."""
        if self._dragging:
            self._dragging = False
            self.release_mouse()

    def _drag(self, y: int) -> None:
        self._go(self._flow.at(y * self._flow.total // max(1, self.size.height - 1)))

    def on_click(self, event: events.Click) -> None:
        """Unfold what is clicked on."""
        rows = self._window()
        if not 0 <= event.y < len(rows) or event.x >= self.size.width - 1:
            return
        place, row = rows[event.y]
        section = self._flow.sections[place.section]
        if section.foldable and row.line.start < 0 and row.line.text:
            self.post_message(self.FoldClicked(section.turn, section.block))

    # -- selection -------------------------------------------------------------------------

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text as it was before it was wrapped."""
        start = (0, 0) if selection.start is None else (selection.start.y, selection.start.x)
        last = len(self._flow.sections) - 1
        end = (last, -1) if selection.end is None else (selection.end.y, selection.end.x)
        found: list[str] = []
        size = 0
        for number in range(start[0], min(end[0], last) + 1):
            text = self._flow.wrapped(number).laid.text
            to = len(text) if number < end[0] or end[1] < 0 else end[1]
            found.append(text[start[1] if number == start[0] else 0 : to])
            size += len(found[-1])
            if size > _MOST_SELECTED:
                break
        return "\n".join(found), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw what is selected."""
        self._strips.clear()
        self.refresh()

    def _selected(self, number: int, length: int) -> tuple[int, int]:
        """Which characters of a section are selected."""
        selection = self.text_selection
        if selection is None:
            return (0, 0)
        start, end = selection.start, selection.end
        if (start is not None and number < start.y) or (end is not None and number > end.y):
            return (0, 0)
        return (
            start.x if start is not None and start.y == number else 0,
            end.x if end is not None and end.y == number else length,
        )

    # -- drawing ---------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        rows = self._window()
        if y >= len(rows):
            return self._with_bar(self._line(()), y)
        place, row = rows[y]
        if y == 0 and (name := self._sticky(place)) is not None:
            return self._with_bar(name, y)
        key = (place, self._flow.sections[place.section].turn == self.current)
        found = self._strips.get(key)
        if found is None:
            found = self._strips[key] = self._drawn(place, row)
            if len(self._strips) > _STRIPS:
                self._strips.popitem(last=False)
        return self._with_bar(found, y)

    def _window(self) -> list[tuple[Place, Row]]:
        """The rows that are seen."""
        if self._seen is None:
            self._seen = self._flow.window(self._top, self.size.height)
        return self._seen

    def _line(self, pieces: tuple[Ink, ...], over: Style | None = None) -> Strip:
        cells = max(0, self.size.width - 1)
        base = self._palette.base
        drawn = strip((Ink(" "), *pieces), self._styles, base, over)
        return drawn.adjust_cell_length(cells, base + over if over is not None else base)

    def _with_bar(self, drawn: Strip, y: int) -> Strip:
        start, size = self._bar = self._thumb()
        on = start <= y < start + size
        edge = strip((Ink("▐" if on else " ", "bar"),), self._styles, self._palette.base)
        return Strip.join([drawn, edge])

    def _thumb(self) -> tuple[int, int]:
        """Where the bar's thumb starts, and how long it is; no thumb when all can be seen."""
        height, total = self.size.height, self._flow.total
        if total <= height or not height:
            return (0, 0)
        size = max(1, height * height // total)
        span = max(1, total - height)
        start = min(self._flow.y_of(self._top), span) * (height - size) // span
        return (start, size)

    def _sticky(self, place: Place) -> Strip | None:
        """The name of the turn at the top, once its heading has left."""
        section = self._flow.sections[place.section]
        if section.block == HEADING or section.turn not in self._turns:
            return None
        source = self._flow.sections[self._turns[section.turn]].source
        if not isinstance(source, Turn):
            return None
        line = heading(source)
        shown = [Ink(line.text[run.start : run.end], run.style) for run in line.runs]
        return self._line(tuple(shown), Style(bgcolor=self._palette.surface))

    def _drawn(self, place: Place, row: Row) -> Strip:
        section = self._flow.sections[place.section]
        line = row.line
        start, end = row.start, row.end
        text = line.text
        if self._wrap:
            end = start + len(text[start:end].rstrip(" ")) if end < len(text) else end
        else:
            start, end = _cut(text, self._pan, self._cells - line.indent)
        marks = self._marks(section, place.section, row)
        pieces = [
            Ink(text[run.start : run.end], self._style(run.style, line.style))
            for run in overlaid(line.runs, marks, start, end)
        ]
        indent = line.indent + row.hang
        here = section.block == HEADING and section.turn == self.current and line.start == 0
        margin = Ink("▌" if here else " ", "mark")
        drawn = [strip((margin, *_blank_of(indent)), self._styles, self._palette.base)]
        if pieces:
            body = strip(tuple(pieces), self._styles, self._palette.base)
            drawn.append(
                body.apply_offsets(line.start + start, place.section) if line.start >= 0 else body
            )
        elif line.start >= 0:
            gap = strip((Ink(" "),), self._styles, self._palette.base)
            drawn.append(gap.apply_offsets(line.start, place.section))
        cells = max(0, self.size.width - 1)
        return Strip.join(drawn).adjust_cell_length(cells, self._palette.base)

    def _marks(self, section: Section, number: int, row: Row) -> list[Run]:
        """What lies over a row's text: matches, else what is selected; in the line's characters."""
        base = row.line.start
        if base < 0:
            return []
        found: list[Run] = []
        key = (section.turn, section.block, section.part)
        for match in self._matches.get(key, ()):
            if match.start - base < row.end and match.end - base > row.start:
                style = "match-here" if match == self._match else "match"
                found.append(Run(match.start - base, match.end - base, style))
        if found:
            return found
        left, right = self._selected(number, len(self._flow.wrapped(number).laid.text))
        return [Run(left - base, right - base, "selected")] if right > left else []

    def _style(self, name: str, base: str) -> str:
        """The name of a style, which is made when it is first asked for."""
        full = f"{base}+{name}" if name else base
        if full not in self._styles:
            made = Style.null()
            for part in full.split("+"):
                made += self._one(part)
            self._styles[full] = made
            if len(self._styles) > 4000:
                self._styles = {**self._palette.styles, full: made}
        return full

    def _one(self, name: str) -> Style:
        if name.startswith("="):
            return Style.parse(name[1:])
        return self._palette.styles.get(name, Style.null())


def _blank_of(cells: int) -> tuple[Ink, ...]:
    return (Ink(" " * cells),) if cells else ()


def _cut(text: str, pan: int, cells: int) -> tuple[int, int]:
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
