"""Choosing ids from a list of the gym's: what is typed filters it at once; marked, taken."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from textual import events
from textual.widgets import Input

from gymtui.core.replacement import replace
from gymtui.store.column_def import Field, Schema, ValueKind, natural
from gymtui.store.delta import Delta
from gymtui.store.formats import of_many
from gymtui.tui.context.key_bindings import types_text
from gymtui.tui.context.keymap import Key, Scope
from gymtui.tui.context.services import services_of
from gymtui.tui.kit.column import Column, text_cell
from gymtui.tui.kit.footer import typing_keys
from gymtui.tui.kit.lines import Line
from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.styled_text import Cell, StyledText, value_cell


@dataclass(frozen=True, slots=True)
class PickOption:
    """One thing to choose."""

    key: str  # what is taken: an id as received
    kind: str = ""  # A word or two to group by: a category, an outcome
    size: str = ""  # how many there are of it, or how hard it is; as received
    about: str = ""
    style: str = "muted"  # how `kind` is drawn
    name: str = ""  # what it is called, where that is not its key
    position: int = 0  # its place in the list as given


@dataclass(frozen=True, slots=True)
class Titles:
    """What the columns are called; one without title is not there."""

    key: str
    kind: str = ""
    size: str = ""
    about: str = ""


def _name(option: PickOption) -> str:
    return option.name or option.key


def _field(title: str, else_: str) -> str:
    """What a column is called in a filter: as its heading."""
    return title.lower().replace(" ", "_") or else_


def _schema(titles: Titles) -> Schema[PickOption]:
    """What is offered, by what the columns are called."""
    return Schema(
        [
            Field(
                _field(titles.key, "name"), ValueKind.TEXT, _name, order=lambda o: natural(_name(o))
            ),
            Field(_field(titles.kind, "kind"), ValueKind.TEXT, lambda option: option.kind or None),
            Field(_field(titles.size, "size"), ValueKind.TEXT, lambda option: option.size or None),
            Field(_field(titles.about, "about"), ValueKind.TEXT, lambda o: o.about or None),
            Field("given", ValueKind.NUMBER, lambda option: option.position),
        ]
    )


def _example(titles: Titles, options: Sequence[PickOption]) -> str:
    """A filter that some of these match."""
    for title, name in ((titles.size, "size"), (titles.kind, "kind")):
        values = (getattr(option, name) for option in options)
        plain = next((value for value in values if re.fullmatch(r"\w+", value, re.ASCII)), None)
        if title and plain:
            return f", or {_field(title, name)}:{plain}"
    return ""


class PickInput(Input):
    """The line that is typed into. The screen's keys act here and at once.

    By a binding they would act only after what was typed behind them in the same burst.
    """

    async def _on_key(self, event: events.Key) -> None:
        """Do what the screen does with a key, or type it."""
        table = services_of(self).keys.table
        for key in table:
            ours = key.scope is Scope.PICK or key.name == "back"
            if ours and event.key in key.keys and not types_text(event.key):
                event.stop()
                event.prevent_default()
                await self.screen.run_action(key.action)
                return


class PickScreen(ListScreen[PickOption], scope=Scope.PICK):
    """A list to choose from. Every letter filters, so that none does anything else.

    Args:
        on_chosen: Called with what was chosen, in that order.
        behind: The screens behind it, as the way back says.
    """

    AUTO_FOCUS = "#prompt Input"
    DEFAULT_CSS = """
    PickScreen.filtering #footer { display: block; }
    """
    layout_name = "pick"
    empty = "nothing to choose from"

    def __init__(
        self,
        what: str,
        titles: Titles,
        options: Sequence[PickOption],
        on_chosen: Callable[[tuple[str, ...]], None],
        *,
        marked: Collection[str] = (),
        several: bool = True,
        behind: str = "runs › launch",
    ) -> None:
        super().__init__(_schema(titles), "given")
        self._noun = what
        self._titles = titles
        self._options = tuple(
            replace(option, position=position) for position, option in enumerate(options)
        )
        self._on_chosen = on_chosen
        self._marked = frozenset(marked)
        self._several = several
        self._behind = behind
        self._typed = ""
        prompt = f"type to filter: words{_example(titles, options)}"
        self._field = PickInput(compact=True, select_on_focus=False, placeholder=prompt)

    def columns(self) -> tuple[Column[PickOption], ...]:
        def kind(option: PickOption, cells: int) -> Cell:
            return value_cell(option.kind or None, option.style)

        def muted(value: Callable[[PickOption], str]) -> Callable[[PickOption, int], Cell]:
            return text_cell(lambda option: value(option) or None, "muted")

        size, about = muted(lambda option: option.size), muted(lambda option: option.about)
        titles = self._titles
        column: Callable[..., Column[PickOption]] = partial(Column, whole=True)
        name = _field(titles.key, "name")
        every = (
            column(name, titles.key, 20, text_cell(_name), ideal=24, cut="middle"),
            column(_field(titles.kind, "kind"), titles.kind, 10, kind, ideal=12),
            column(_field(titles.size, "size"), titles.size, 10, size, priority=1),
            column(_field(titles.about, "about"), titles.about, 20, about, priority=1),
        )
        return tuple(column for column in every if column.title)

    def on_mount(self) -> None:
        self._rows.set_order("given", reverse=False)
        now = self.services.now().timestamp()
        self._rows.apply({option.key: option for option in self._options}, (), now)
        self._grid.order = None
        if self._several:
            self._grid.marks = {o.key for o in self._options if o.key in self._marked}
        self._grid.set_rows(self._rows)
        first = next((o.key for o in self._options if o.key in self._marked), None)
        if first is not None:
            self._grid.select(first)
        # A click must not take the letters away from the filter.
        self._grid.can_focus = False
        self.action_filter()
        self.summarise()

    def prompt_input(self) -> Input:
        """One that leaves the screen's keys to the screen."""
        return self._field

    def breadcrumb(self) -> Cell:
        plural = "s" if self._several else ""
        here = f"{self._noun}{plural}"
        back = StyledText(self._behind, "muted", "key:back")
        return (back, StyledText(" › ", "muted"), StyledText(here, "strong"))

    def changed(self, delta: Delta) -> None:
        """Nothing here comes in by polling."""

    def summarise(self) -> None:
        if not self.ready:
            return
        pieces = [StyledText(of_many(len(self._options), self._noun), "strong")]
        if self._several:
            many = len(self._grid.marks)
            one = f" · none marked: {self.services.keys.key_for('pick-take')} chooses this one"
            hidden = len(self.hidden_marks())
            marked = f" · {many} marked" + (f", {hidden} of them hidden" if hidden else "")
            pieces.append(StyledText(marked if many else one))
        self.lines("summary").show([Line(tuple(pieces), self.remarks())])

    def remarks(self) -> Cell:
        """The filter; marks are counted already."""
        pieces = super().remarks()
        return tuple(piece for piece in pieces if piece.style != "mark")

    # -- typing ----------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._catch_up()

    def _catch_up(self) -> None:
        """Go by what is typed so far: in a burst, messages of keys may be under way still."""
        typed = self._field.value
        blanks = len(typed) - len(typed.lstrip(" "))
        if blanks:  # no filter begins with one: it is meant for the row, as in every list
            self._field.value = typed = typed[blanks:]
            for _ in range(blanks):
                self._mark()
        if typed != self._typed:
            self._typed = typed
            self.hint = self.apply_filter(typed)
            self.summarise()

    def _mark(self) -> None:
        if self._several:
            self._grid.action_mark()
            self.summarise()
        else:
            refuse(self, f"choose one {self._noun}; marking is not needed")

    def close_prompt(self) -> None:
        """Stay where letters can be typed."""

    def footer_keys(self) -> list[Key]:
        left_out = set() if self._several else {"pick-mark", "mark-all"}
        shown = typing_keys(super().footer_keys(), self.services.keys, "pick-help")
        return [key for key in shown if key.name not in left_out]

    def action_back(self) -> None:
        self._catch_up()
        if self._typed:
            self._field.value = ""
            self._catch_up()
        else:
            self.hint = None
            self.services.go_back(quit_at_end=False)

    def action_move(self, rows: int) -> None:
        self._catch_up()
        self._grid.action_move(rows)

    def action_page(self, pages: int) -> None:
        self._catch_up()
        self._grid.action_page(pages)

    def action_mark(self) -> None:
        self._catch_up()
        self._mark()

    def action_mark_all(self) -> None:
        """Mark all that the filter shows; once more, none of them."""
        self._catch_up()
        if not self._several or not self._rows:
            self._mark()  # which says why not
        else:
            shown = set(self._rows)
            marks = self._grid.marks
            self._grid.marks = marks - shown if shown <= marks else marks | shown
            self._grid.sync()
            self.summarise()

    def action_take(self) -> None:
        self._catch_up()
        if self._grid.cursor_id is not None:
            self._finish(self._grid.cursor_id)
        else:
            refuse(self, "nothing to choose")

    def open_row(self, row_id: str) -> None:
        """A second click takes, as the key does."""
        self._finish(row_id)

    def _finish(self, here: str) -> None:
        wanted = self._grid.marks if self._several and self._grid.marks else {here}
        self.hint = None
        self.app.pop_screen()
        self._on_chosen(tuple(option.key for option in self._options if option.key in wanted))

    def order_by(self, name: str, *, reverse: bool) -> None:
        """Order by a column; it is the gym's own order again next time."""
        self._rows.set_order(name, reverse=reverse)
        self._grid.set_rows(self._rows)
        self._grid.show_order(name, reverse=reverse)
