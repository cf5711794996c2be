"""Where every line of a long text stands, though most of it was never wrapped.

What is looked at is wrapped exactly; the heights of other sections are estimated, and corrected
when somebody has time (`measure`). Places are (section, row) and never move when heights above
them are corrected. Nothing here draws.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from rich.cells import get_character_cell_size

from gymtui.core.text import clusters
from gymtui.tui.kit.transcript.sections import Section, SectionLayout, TextLine, lay_out

_KEPT = 1_000_000
"""Characters of sections that stay laid out."""
_LEAST_ROOM = 8
_MOST_HANG = 40
_SIGNS = (",", ";", "(", "/", "&", "|")
"""After which a word may be broken that is too long for a row."""
_REGIONAL = ("\U0001f1e6", "\U0001f1ff")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A row: of which section, and which of its rows."""

    section: int
    row: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the screen."""

    line: TextLine
    start: int  # from which character of the line
    end: int  # to which
    hang: int = 0  # cells left of it besides the line's own indent


@dataclass(frozen=True, slots=True)
class WrappedSection:
    """A section, laid out and wrapped."""

    layout: SectionLayout
    rows: tuple[Row, ...]


def break_points(text: str, room: int, hang: int = 0) -> list[int]:
    """Break a line: between words, within a long one after a comma or the like, else anywhere.

    Args:
        room: Cells of its first row.
        hang: Cells by which the others are narrower.

    Returns:
        Where each row ends; the last is the text's length. A letter stays with its marks.
    """
    if text.isascii():
        return _ascii_breaks(text, room, hang)
    sizes = {character: get_character_cell_size(character) for character in set(text)}
    if any(_REGIONAL[0] <= character <= _REGIONAL[1] for character in sizes):
        return _wide_breaks(list(clusters(text)), room, hang)
    if min(sizes.values()) == 1 == max(sizes.values()):
        return _ascii_breaks(text, room, hang)
    return _wide_breaks([(character, sizes[character]) for character in text], room, hang)


def _ascii_breaks(text: str, room: int, hang: int) -> list[int]:
    """The same for text of which every character takes one cell."""
    ends: list[int] = []
    start, size, length = 0, room, len(text)
    body = length - len(text.lstrip(" "))
    later = max(_LEAST_ROOM, room - hang)
    while length - start > size:
        begin, end = max(start, body) + 1, start + size
        space = text.rfind(" ", begin, end + 1)
        # What is too long for a row of its own goes on in this one.
        fits = length - space - 1 <= later or text.find(" ", space + 1, space + later + 2) > 0
        if space > 0 and fits:
            start = space + 1
        else:
            sign = max(text.rfind(sign, max(begin, space), end) for sign in _SIGNS)
            least = start + size // 2
            start = sign + 1 if sign >= least else space + 1 if space >= least else end
        ends.append(start)
        size = later
    ends.append(length)
    return ends


def _wide_breaks(pieces: list[tuple[str, int]], room: int, hang: int) -> list[int]:
    """The same for pieces that are not torn apart, with their cells."""
    ends: list[int] = []
    later = max(_LEAST_ROOM, room - hang)
    size = room
    used = place = start = 0
    space, since = -1, 0  # where the row may end, and the cells that came after that
    sign, left = -1, 0  # where it may if what comes after the space is too long for a row
    indented = True
    for number, (text, cells) in enumerate(pieces):
        blank = text == " "
        # Spaces at a row's end stay there, unseen.
        while cells and not blank and used + cells > size and place > start:
            if space > start and _fits(pieces, number, later - since):
                start, used = space, since
            elif sign > start and used - left >= size // 2:
                start, used = sign, left
            elif space > start and used - since >= size // 2:
                start, used = space, since
            else:
                start, used = place, 0
            ends.append(start)
            size = later
            space = sign = -1
        place += len(text)
        used += cells
        since += cells
        left += cells
        indented = indented and blank
        if blank and not indented:
            space, since = place, 0
        elif cells > 1 or text in _SIGNS:
            sign, left = place, 0
    ends.append(place)
    return ends


def _fits(pieces: list[tuple[str, int]], number: int, cells: int) -> bool:
    """Whether what a word has from a piece on takes no more cells than these."""
    for text, size in islice(pieces, number, None):
        if text == " ":
            return True
        cells -= size
        if cells < 0:
            return False
    return True


def rows_of(line: TextLine, cells: int, *, wrap: bool) -> Iterator[Row]:
    """Make a line's rows: one, where it is not wrapped."""
    if not wrap:
        yield Row(line, 0, len(line.text))
        return
    room = max(_LEAST_ROOM, cells - line.indent)
    if len(line.text) <= room and line.text.isascii():
        yield Row(line, 0, len(line.text))
        return
    hang = min(len(line.text) - len(line.text.lstrip(" ")), _MOST_HANG, room // 2)
    start = 0
    for end in break_points(line.text, room, hang):
        yield Row(line, start, end, hang if start else 0)
        start = end


class LineIndex:
    """Sections, at least one, below each other."""

    def __init__(self, sections: Sequence[Section], cells: int, *, wrap: bool = True) -> None:
        self.sections = sections
        self.cells = max(1, cells)
        self.wrap = wrap
        self._wrapped: OrderedDict[int, WrappedSection] = OrderedDict()
        self._weight = 0
        self._heights = [self._estimate(section) for section in sections]
        self._is_exact = bytearray(len(sections))
        self._unknown = len(sections)
        self._next = 0
        self._sums = _Sums(self._heights)

    # -- heights ---------------------------------------------------------------------------

    @property
    def total(self) -> int:
        """Rows of everything, as far as is known."""
        return self._sums.before(len(self._heights))

    @property
    def is_measured(self) -> bool:
        """Whether every height is exact."""
        return self._unknown == 0

    def y_of(self, place: Place) -> int:
        """How many rows are above a place, as far as is known."""
        return self._sums.before(place.section) + place.row

    def place_at(self, y: int) -> Place:
        """The place that so many rows are above, as far as is known; clamped to what there is."""
        section = self._sums.find(min(max(0, y), max(0, self.total - 1)))
        row = max(0, y - self._sums.before(section))
        return Place(section, min(row, self.height(section) - 1))

    def height(self, section: int) -> int:
        """A section's exact height."""
        if not self._is_exact[section]:
            self.wrapped_section(section)
        return self._heights[section]

    def measure(self, enough: Callable[[], bool]) -> None:
        """Make heights exact, in order from where it was left, until it is enough."""
        count = len(self.sections)
        while self._unknown and not enough():
            while self._is_exact[self._next % count]:
                self._next += 1
            section = self._next % count
            lines = lay_out(self.sections[section], styled=False).lines
            rows = (rows_of(line, self.cells, wrap=self.wrap) for line in lines)
            self._set(section, sum(1 for _ in chain.from_iterable(rows)))

    def measure_from(self, section: int) -> None:
        """Go on measuring at a section: what is near is wanted first."""
        self._next = section

    def _set(self, section: int, rows: int) -> None:
        self._sums.add(section, rows - self._heights[section])
        self._heights[section] = rows
        if not self._is_exact[section]:
            self._is_exact[section] = 1
            self._unknown -= 1

    def _estimate(self, section: Section) -> int:
        lines, characters = section.size
        if not self.wrap:
            return lines + section.last
        return max(lines, characters * 10 // (9 * max(_LEAST_ROOM, self.cells - 3))) + section.last

    # -- rows ------------------------------------------------------------------------------

    def wrapped_section(self, section: int) -> WrappedSection:
        """A section's lines and rows."""
        found = self._wrapped.get(section)
        if found is not None:
            self._wrapped.move_to_end(section)
            return found
        layout = lay_out(self.sections[section])
        rows = tuple(
            row for line in layout.lines for row in rows_of(line, self.cells, wrap=self.wrap)
        )
        found = self._wrapped[section] = WrappedSection(layout, rows)
        self._set(section, len(rows))
        self._weight += len(layout.text)
        while self._weight > _KEPT and len(self._wrapped) > 1:
            _, old = self._wrapped.popitem(last=False)
            self._weight -= len(old.layout.text)
        return found

    def place_beyond(self, place: Place, rows: int) -> Place:
        """The place so many rows below (or above) another; the first or last if there are fewer."""
        section, row = place.section, place.row + rows
        while row < 0:
            if section == 0:
                return Place(0, 0)
            section -= 1
            row += self.height(section)
        while row >= (height := self.height(section)):
            if section == len(self.sections) - 1:
                return Place(section, height - 1)
            section += 1
            row -= height
        return Place(section, row)

    def end(self) -> Place:
        """The last row."""
        last = len(self.sections) - 1
        return Place(last, self.height(last) - 1)

    def window(self, top: Place, rows: int) -> list[tuple[Place, Row]]:
        """The rows from a place on, as many as there are."""
        found: list[tuple[Place, Row]] = []
        section, row = top.section, top.row
        while len(found) < rows and section < len(self.sections):
            wrapped = self.wrapped_section(section).rows
            for number in range(row, min(len(wrapped), row + rows - len(found))):
                found.append((Place(section, number), wrapped[number]))
            section, row = section + 1, 0
        return found

    def place_of(self, section: int, character: int) -> Place:
        """The row of a section that shows a character of its text."""
        best = 0
        for number, row in enumerate(self.wrapped_section(section).rows):
            if row.line.start < 0:
                continue
            if row.line.start + row.start > character:
                break
            best = number
        return Place(section, best)

    def character_at(self, place: Place) -> int:
        """The first character, in its section's text, of the row at a place."""
        rows = self.wrapped_section(place.section).rows
        row = rows[min(place.row, len(rows) - 1)]
        if row.line.start < 0:
            return len(self.wrapped_section(place.section).layout.text)
        return row.line.start + row.start


class _Sums:
    """Running sums that are cheap to change (P. Fenwick, 1994)."""

    def __init__(self, values: Sequence[int]) -> None:
        self._tree = [0, *values]
        for index in range(1, len(self._tree)):
            parent = index + (index & -index)
            if parent < len(self._tree):
                self._tree[parent] += self._tree[index]
        self._top = 1 << (len(values).bit_length() - 1) if values else 0

    def add(self, index: int, change: int) -> None:
        index += 1
        while change and index < len(self._tree):
            self._tree[index] += change
            index += index & -index

    def before(self, index: int) -> int:
        """The sum of the values before an index."""
        total = 0
        while index:
            total += self._tree[index]
            index -= index & -index
        return total

    def find(self, amount: int) -> int:
        """The index whose value the amount falls into."""
        index, step = 0, self._top
        while step:
            if index + step < len(self._tree) and self._tree[index + step] <= amount:
                index += step
                amount -= self._tree[index]
            step >>= 1
        return min(index, len(self._tree) - 2)
