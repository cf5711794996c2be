"""A form drawn by line: fields with their values and what each allows, one of them being typed.

What the fields are and mean is the screen's business. There is one line of input, which stands on
the field that is being typed: twenty of them would cost a frame each time the form opens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol, cast

from rich.style import Style
from textual import events
from textual.actions import SkipAction, parse
from textual.app import ComposeResult
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from gymtui.core.text import clean
from gymtui.tui.context.keymap import Scope, bindings
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit.styled_text import Cell, StyledText, fit_cells, make_strip, width_of
from gymtui.tui.kit.themed_widget import Wheel

_LABEL = 22
_MOST_VALUE = 90


class RowKind(Enum):
    """How a row is changed."""

    TEXT = auto()  # by typing
    SECRET = auto()  # by typing what nobody sees
    CHOICE = auto()  # by going through what there is, or by first letters
    ACTION = auto()  # not at all: it does something


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the form."""

    key: str
    label: str
    value: Cell = ()  # what stands in it, as drawn while it is not typed
    hint: Cell = ()
    kind: RowKind = RowKind.TEXT
    text: str = ""  # what is typed on from, for rows that are typed; drawn cleaned


class FormListener(Protocol):
    """Who is told what is done in a form."""

    def text_changed(self, key: str, text: str) -> None:
        """Another text stands in a row."""

    def row_changed(self) -> None:
        """Another row is typed."""

    def enter_pressed(self, key: str) -> None:
        """Enter, on a row."""

    def choice_changed(self, key: str, step: int, letter: str) -> None:
        """The next choice of a row is wanted, the one before, or the next with a letter."""


class FieldInput(Input, inherit_bindings=False):
    """One line of input, for whichever row is typed; it has the focus all the time.

    What moves from row to row acts here and at once. By a binding it would act when the key has
    been handed from widget to widget; the rest of a burst (pasted, or over a slow line) would by
    then have been typed into the row before, where a key may be seen.
    """

    # Without those for scrolling, which would hide the form's own: it never scrolls by a key.
    BINDINGS = Input.BINDINGS

    def __init__(self, form: Form) -> None:
        super().__init__(compact=True, select_on_focus=False, classes="main")
        self._form = form
        self.cursor_blink = False
        self.takes_text = False
        """Whether it takes what is typed."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Letters are its own only while it takes them."""
        return self.takes_text and super().check_consume_key(key, character)

    async def _on_key(self, event: events.Key) -> None:
        """Move, choose, or type; what means nothing here goes on to the screen."""
        if self._run_binding(event.key) or self._change_choice(event):
            event.stop()
            event.prevent_default()
        elif not self.takes_text:
            event.prevent_default()

    def _run_binding(self, key: str) -> bool:
        active = self.screen.active_bindings.get(key)
        if active is None or not active.enabled:
            return False
        _, name, arguments = parse(active.binding.action)
        match name:
            case "submit" | "enter":
                self._form.action_enter()
            case "row":
                self._form.action_row(*cast("tuple[int]", arguments))
            case _ if active.node is self and self.takes_text:
                # Its own editing, likewise: a backspace must not come after the next letter.
                try:
                    getattr(self, f"action_{name}")(*arguments)
                except SkipAction:
                    return False
            case _:
                return False
        return True

    def _change_choice(self, event: events.Key) -> bool:
        if self.takes_text:
            return False
        step = {"left": -1, "right": 1, "space": 1}.get(event.key)
        if step is not None:
            return self._form.change_choice(step)
        letter = event.character or ""
        return letter.isalnum() and self._form.change_choice(1, letter.lower())

    def _on_paste(self, event: events.Paste) -> None:
        """Take all of it; the framework's own would drop everything after the first line."""
        event.stop()
        event.prevent_default()
        text = event.text.strip() if self.password else clean(event.text)
        if text and self.takes_text:
            start, end = self.selection
            self.replace(text, start, end)

    def action_copy(self) -> None:
        """Copy what is selected; never of a key."""
        if not self.password:
            super().action_copy()

    def action_cut(self) -> None:
        if not self.password:
            super().action_cut()


class Form(Wheel, Widget):
    """The form. Its listener is told at once what is done in it, and not by messages.

    What was typed must be known before the key after it acts.
    """

    DEFAULT_CSS = """
    Form { height: 1fr; width: 1fr; }
    Form FieldInput {
        height: 1; border: none; padding: 0; background: $surface;
    }
    Form FieldInput:focus { border: none; background-tint: $foreground 0%; }
    """
    ALLOW_SELECT = False
    BINDINGS = bindings(Scope.FORM)
    _value_x = _LABEL + 2

    def __init__(self, palette: Palette, listener: FormListener) -> None:
        super().__init__(id="form")
        self._palette = palette
        self._listener = listener
        self.rows: tuple[Row, ...] = ()
        """What it shows."""
        self._cursor = 0
        self._top = 0
        self._field = FieldInput(self)
        self._edited_key: str | None = None
        self._edited_text = ""

    def compose(self) -> ComposeResult:
        yield self._field

    # -- rows ------------------------------------------------------------------------------

    @property
    def _row(self) -> Row | None:
        """The row that is typed."""
        return self.rows[self._cursor] if self.rows else None

    @property
    def key(self) -> str:
        """The row that is typed; "" while there is none."""
        return self._row.key if self._row is not None else ""

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows; the one that is typed stays it, as long as it is there."""
        here = self.key
        before, self.rows = self.rows, tuple(rows)
        keys = [row.key for row in rows]
        at = keys.index(here) if here in keys else min(self._cursor, max(0, len(rows) - 1))
        moved, self._cursor = at != self._cursor or here != self.key, at
        if len(before) != len(rows) or moved:
            self._keep_in_view()
            self.refresh()
            self._edit_row()
        self._refresh_text()
        if len(before) != len(rows) or moved:
            return
        for y, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old != new:
                self.refresh(Region(0, y - self._top, self.size.width, 1))

    def go(self, key: str) -> None:
        """Type another row, if there is one of that name."""
        keys = [row.key for row in self.rows]
        if key in keys:
            self._move_to(keys.index(key))

    def _set_text(self, text: str) -> None:
        """Put another text into the row that is typed."""
        self._edited_text = self._field.value = clean(text)
        self._field.cursor_position = len(self._field.value)

    def _refresh_text(self) -> None:
        """Show what the row that is typed holds now, should it have changed in another way."""
        row = self._row
        if row is None or row.key != self._edited_key or self._field.value == row.text:
            return
        # What is typed, and not told yet, stays.
        if self._field.value == self._edited_text != clean(row.text):
            self._set_text(row.text)

    def commit(self) -> None:
        """Say what was typed so far: messages of keys may be under way still."""
        if self._edited_key is not None and self._field.value != self._edited_text:
            self._edited_text = self._field.value
            self._listener.text_changed(self._edited_key, self._field.value)

    # -- typing ----------------------------------------------------------------------------

    def _edit_row(self) -> None:
        """Have the line of input stand for the row that is typed, or for none."""
        row = self._row
        self._field.takes_text = row is not None and row.kind in (RowKind.TEXT, RowKind.SECRET)
        if row is None or not self._field.takes_text:
            self._edited_key = None
            self._edited_text = self._field.value = ""
        elif self._edited_key != row.key:
            self._edited_key = row.key
            self._field.password = row.kind is RowKind.SECRET
            self._set_text(row.text)
        self._place()

    def _place(self) -> None:
        # Out of sight it keeps the focus, and with it the order in which keys come.
        y = self._cursor - self._top if self._field.takes_text else self.size.height + 1
        self._field.styles.offset = (self._value_x, y)
        self._field.styles.width = self._value_cells

    @property
    def _value_cells(self) -> int:
        return max(12, min(_MOST_VALUE, (self.size.width - self._value_x - 2) // 2))

    def on_mount(self) -> None:
        self._edit_row()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what is typed: what stands there now, since an earlier row's may come late."""
        event.stop()
        self.commit()

    def action_enter(self) -> None:
        self.commit()
        if self.rows:
            self._listener.enter_pressed(self.key)

    def action_row(self, step: int) -> None:
        if self.rows:
            self._move_to((self._cursor + step) % len(self.rows))

    def change_choice(self, step: int, letter: str = "") -> bool:
        """Take another choice of this row, if it has any."""
        row = self._row
        if row is None or row.kind is not RowKind.CHOICE:
            return False
        self._listener.choice_changed(row.key, step, letter)
        return True

    def action_choice(self, step: int) -> None:
        self.change_choice(step)

    def _move_to(self, at: int) -> None:
        self.commit()
        if at == self._cursor and self._edited_key == self.key:
            return
        before, self._cursor = self._cursor, at
        if not self._keep_in_view():
            for y in (before, at):
                self.refresh(Region(0, y - self._top, self.size.width, 1))
        self._edit_row()
        self._listener.row_changed()

    def _keep_in_view(self) -> bool:
        """Scroll so that the row is seen; whether that moved anything."""
        height = max(1, self.size.height)
        top = min(self._top, max(0, len(self.rows) - height))
        top = max(min(top, self._cursor), self._cursor - height + 1)
        if top == self._top:
            return False
        self._top = top
        self.refresh()
        return True

    def on_click(self, event: events.Click) -> None:
        """Type the row that is clicked; a second click is enter."""
        at = self._top + event.y
        if event.widget is self and at < len(self.rows):
            again = at == self._cursor
            self._move_to(at)
            if again and event.chain > 1:
                self.action_enter()

    def scroll_by_lines(self, lines: int) -> None:
        self._move_to(max(0, min(self._cursor + (1 if lines > 0 else -1), len(self.rows) - 1)))

    def on_resize(self, event: events.Resize) -> None:
        self._keep_in_view()
        self._place()
        self.refresh()

    # -- drawing ---------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        cells = self.size.width
        at = self._top + y
        if at >= len(self.rows):
            return Strip.blank(cells, self._palette.base)
        row, here = self.rows[at], at == self._cursor
        more = (at == self._top > 0) or (y == self.size.height - 1 and at < len(self.rows) - 1)
        room, rest = self._value_cells, cells - self._value_x - 1
        if row.kind is RowKind.ACTION:
            cells_after = fit_cells((*row.value, StyledText("   "), *row.hint), max(0, rest))
        else:
            if not (here and self._field.takes_text):
                # Past its column a value goes only into what the hint leaves.
                room = max(room, min(width_of(row.value), rest - 2 - width_of(row.hint)))
            hint = (StyledText("  "), *fit_cells(row.hint, max(0, rest - room - 2)))
            cells_after = (*fit_cells(row.value, room, cut="middle"), *hint)
        pieces = (
            StyledText("▌" if here else "⋮" if more else " ", "accent" if here else "muted"),
            *fit_cells((StyledText(row.label, "strong" if here else "muted"),), _LABEL),
            StyledText(" "),
            *cells_after,
        )
        over = self._palette.cursor if here else None
        drawn = make_strip(pieces, self._palette.styles, self._palette.base, over)
        return drawn.adjust_cell_length(cells, self._palette.base + (over or Style()))
