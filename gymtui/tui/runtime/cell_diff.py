"""What of a frame the terminal does not show yet: only cells that differ are written.

The framework sends every line of a refreshed region from its left edge on, each piece with all its
colours said anew: for ten changed rows some 25 times what their changed cells need. Which lines
are worth comparing stays the framework's decision; writing is the driver's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Final, TypeAlias

from msgspec import Struct
from rich.cells import cell_len, get_character_cell_size
from rich.color import Color, ColorSystem
from rich.console import Console
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

_NEAR: Final = 5
"""Unchanged cells that are cheaper to write again than to move over, colours staying the same."""


class PenState(Struct, frozen=True):
    """How a cell is drawn, as parameters of the terminal's own sequence, SGR."""

    attributes: str = ""  # bold and the like
    front: str = ""  # the colour of the text
    back: str = ""  # the colour behind it


PLAIN: Final = PenState()
Cell: TypeAlias = tuple[str, PenState]
"""What a cell shows; of a text wider than one cell the first holds it all, the others ""."""
Row: TypeAlias = list[Cell | None]
"""A line of the terminal; None where it is not known what it shows."""


class Frames:
    """What the terminal shows, as it was last told.

    Addresses of links are left out: they are the one thing in a style that is no look.
    """

    def __init__(self, *, colour: bool = True) -> None:
        self._rows: dict[int, Row] = {}
        self._colour = colour

    def forget(self) -> None:
        """Take nothing for shown: the terminal was resized, or another program had it."""
        self._rows.clear()

    def diff(self, update: CompositorUpdate) -> CompositorUpdate:
        """An update that, when it is written, leaves out what the terminal shows already.

        If it is rendered it must be written. A whole screen is written whole: it heals whatever
        went wrong before.
        """
        return _DiffedUpdate(self, update)

    def written(self, update: CompositorUpdate, console: Console) -> str:
        """What to write for an update, in a console's colours; from then on it counts as shown."""
        system = console._color_system or ColorSystem.TRUECOLOR if self._colour else None
        pen = _Pen()
        if isinstance(update, LayoutUpdate):
            self.forget()
            for y, strips in enumerate(update.strips, update.region.y):
                self._draw(pen, y, update.region.x, [c for s in strips for c in cells(s, system)])
        elif isinstance(update, ChopsUpdate):
            for y, x, drawn in _fragments(update, system):
                self._draw(pen, y, x, drawn)
        else:
            self.forget()
            return update.render_segments(console)
        return pen.finish()

    def _draw(self, pen: _Pen, y: int, x: int, drawn: list[Cell]) -> None:
        row = self._rows.setdefault(y, [])
        end = x + len(drawn)
        row += [None] * (end - len(row))
        if row[x:end] == drawn:
            return
        for first, stop in _changed_spans(row[x:end], drawn):
            pen.write(y, x + first, drawn[first:stop])
        row[x:end] = drawn


class _DiffedUpdate(CompositorUpdate):
    """Rendered only when it is really written, so that what counts as shown is shown."""

    def __init__(self, frames: Frames, update: CompositorUpdate) -> None:
        self._frames = frames
        self._update = update

    def render_segments(self, console: Console) -> str:
        return self._frames.written(self._update, console)


class _Pen:
    """Writes cells, and says of place and colours only what is not so already."""

    def __init__(self) -> None:
        self._output: list[str] = []
        self._look = PLAIN
        self._y: int | None = None

    def write(self, y: int, x: int, run: list[Cell]) -> None:
        """Write neighbouring cells."""
        self._output.append(f"\x1b[{x + 1}G" if y == self._y else f"\x1b[{y + 1};{x + 1}H")
        self._y = y
        for look, several in groupby(run, key=itemgetter(1)):
            if look != self._look:
                self._output.append(_transition(self._look, look))
                self._look = look
            self._output.append("".join(text for text, _ in several))

    def finish(self) -> str:
        """All that was written, the colours put back."""
        if self._look != PLAIN:
            self._output.append("\x1b[0m")
        return "".join(self._output)


def cells(strip: Strip, system: ColorSystem | None) -> list[Cell]:
    """The cells of a strip, in the colours that the terminal has; None for none that may be."""
    found: list[Cell] = []
    for text, style, _control in strip:
        look = PLAIN if style is None else pen_state_of(style, system)
        if text.isascii():
            found += [(character, look) for character in text]
        else:
            found += [(part, look) for part in _cell_parts(text)]
    return found


@lru_cache(4096)
def _cell_parts(text: str) -> tuple[str, ...]:
    """A text cell by cell. Marks stay with what they stand on.

    Where a sequence is drawn narrower or wider than its characters add up to, it is one part.
    """
    parts: list[str] = []
    for character in text:
        size = get_character_cell_size(character)
        if size:
            parts += [character, *[""] * (size - 1)]
        elif parts:
            base = max(at for at, part in enumerate(parts) if part)
            parts[base] += character
    width = cell_len(text)
    return tuple(parts) if len(parts) == width else (text, *[""] * (width - 1))


@lru_cache(4096)
def pen_state_of(style: Style, system: ColorSystem | None) -> PenState:
    """How a style looks on a terminal with such colours."""
    attributes = style.without_color.update_link(None).render(
        "x", color_system=system or ColorSystem.STANDARD
    )
    ink, paper = style.color, style.bgcolor
    return PenState(
        attributes.partition("m")[0].removeprefix("\x1b[") if len(attributes) > 1 else "",
        _code(ink, system, front=True),
        _code(paper, system, front=False),
    )


def _code(colour: Color | None, system: ColorSystem | None, *, front: bool) -> str:
    if colour is None or system is None:
        return ""
    return ";".join(colour.downgrade(system).get_ansi_codes(foreground=front))


@lru_cache(4096)
def _transition(before: PenState, now: PenState) -> str:
    """The sequence that makes one look another."""
    resets = (
        before.attributes not in ("", now.attributes)
        or (before.front and not now.front)
        or (before.back and not now.back)
    )
    if resets:
        before = PLAIN
    pairs = (
        (before.attributes, now.attributes),
        (before.front, now.front),
        (before.back, now.back),
    )
    codes = [new for old, new in pairs if new and new != old]
    return f"\x1b[{';'.join(['0', *codes] if resets else codes)}m"


def _changed_spans(before: Row, now: list[Cell]) -> Iterable[tuple[int, int]]:
    """The stretches to write: all cells that differ, joined over what is cheaper written too."""
    first = stop = None
    for at, (old, new) in enumerate(zip(before, now, strict=True)):
        if old == new:
            continue
        if first is None or stop is None:
            first = at
        elif at - stop > _NEAR or any(cell[1] != new[1] for cell in now[stop - 1 : at]):
            yield _with_wide_start(now, first, stop)
            first = at
        stop = at + 1
    if first is not None and stop is not None:
        yield _with_wide_start(now, first, stop)


def _with_wide_start(now: list[Cell], first: int, stop: int) -> tuple[int, int]:
    """The stretch with the first cell of a wide text that it begins in."""
    while first and not now[first][0]:
        first -= 1
    return first, stop


def _fragments(
    update: ChopsUpdate, system: ColorSystem | None
) -> Iterable[tuple[int, int, list[Cell]]]:
    """The parts of lines that are to be drawn: row, column, cells.

    A part that is refreshed only to some column is taken whole: it was rendered whole.
    """
    done: set[tuple[int, int]] = set()
    for y, x1, x2 in update.spans:
        line: Mapping[int, Strip | None] = update.chops[y]
        for end, (x, strip) in zip(update.chop_ends[y], line.items(), strict=False):
            if strip is None or x >= x2 or end <= x1 or (y, x) in done:
                continue
            done.add((y, x))
            yield y, x, cells(strip, system)[: end - x]
