"""Choosing ids from a list of the gym's: filtered by typing, marked, taken."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from gymtui.store.delta import Delta
from gymtui.store.fields import Field, Kind, Schema, natural
from gymtui.store.words import of_many
from gymtui.tui.ink import Cell, Ink, ink
from gymtui.tui.keys import Key, Scope, bindings
from gymtui.tui.screens.lists import ListScreen
from gymtui.tui.widgets.column import Column
from gymtui.tui.widgets.grid import Grid
from gymtui.tui.widgets.lines import Line, Lines


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing to choose.

    Attributes:
        key: What is taken: an id as received.
        kind: A word or two to group by: a category, an outcome.
        size: How many there are of it, or how hard it is; as received.
        about: What it is, as received.
        style: How `kind` is drawn.
        name: What it is called, where that is not its key.
        at: Its place in the list as given.
    """

    key: str
    kind: str = ""
    size: str = ""
    about: str = ""
    style: str = "muted"
    name: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True)
class Titles:
    """What the columns are called; one without title is not there."""

    key: str
    kind: str = ""
    size: str = ""
    about: str = ""


def _name(offer: Offer) -> str:
    return offer.name or offer.key


OFFERS: Schema[Offer] = Schema(
    [
        Field("name", Kind.TEXT, _name, order=lambda offer: natural(_name(offer))),
        Field("kind", Kind.TEXT, lambda offer: offer.kind or None),
        Field("size", Kind.TEXT, lambda offer: offer.size or None),
        Field("about", Kind.TEXT, lambda offer: offer.about or None),
        Field("given", Kind.NUMBER, lambda offer: offer.at),
    ]
)


class PickScreen(ListScreen[Offer]):
    """A list to choose from.

    Args:
        what: What is chosen: `task`.
        titles: What the columns are called.
        offers: What there is, in the order to show it.
        taken: Called with what was chosen, in that order.
        marked: What is chosen already.
        several: Whether more than one may be chosen.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.PICK)
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.PICK, Scope.LIST, Scope.EVERYWHERE)
    arranged_as: ClassVar[str] = "pick"
    empty: ClassVar[str] = "there is nothing to choose from"
    prompt: ClassVar[str] = "words, or kind:hard !about:*email*"

    def __init__(
        self,
        what: str,
        titles: Titles,
        offers: Sequence[Offer],
        taken: Callable[[tuple[str, ...]], None],
        *,
        marked: Collection[str] = (),
        several: bool = True,
    ) -> None:
        super().__init__(OFFERS, "given")
        self._what = what
        self._titles = titles
        self._offers = tuple(replace(offer, at=at) for at, offer in enumerate(offers))
        self._taken = taken
        self._marked = frozenset(marked)
        self._several = several

    def columns(self) -> tuple[Column[Offer], ...]:
        """The columns that have a title."""

        def cell(name: str) -> Callable[[Offer, int], Cell]:
            def drawn(offer: Offer, cells: int) -> Cell:
                style = {"key": "", "kind": offer.style}.get(name, "muted")
                said = _name(offer) if name == "key" else getattr(offer, name)
                return ink(said or None, style)

            return drawn

        titles = self._titles
        every = (
            Column("name", titles.key, 24, cell("key"), flex=2, most=44, cut="middle"),
            Column("kind", titles.kind, 12, cell("kind"), flex=1, most=22),
            Column("size", titles.size, 10, cell("size"), priority=1, most=12),
            Column("about", titles.about, 20, cell("about"), priority=1, flex=5, most=150),
        )
        return tuple(column for column in every if column.title)

    def body(self) -> Iterable[Widget]:
        """How many are chosen, and the list."""
        yield Lines(self.gym.palette, id="summary")
        yield self.grid()

    def on_mount(self) -> None:
        """Show what there is, with the marks on what is chosen already."""
        self._rows.set_order("given", reverse=False)
        now = self.gym.now().timestamp()
        self._rows.apply({offer.key: offer for offer in self._offers}, (), now)
        self._grid.order = None
        if self._several:
            self._grid.marks = {o.key for o in self._offers if o.key in self._marked}
        self._grid.set_rows(self._rows)
        first = next((o.key for o in self._offers if o.key in self._marked), None)
        if first is not None:
            self._grid.select(first)
        self.summarise()

    def where(self) -> Cell:
        """What is chosen."""
        plural = "s" if self._several else ""
        return (Ink("runs › launch › ", "muted"), Ink(f"{self._what}{plural}", "strong"))

    def changed(self, delta: Delta) -> None:
        """Nothing here comes in by polling."""

    def summarise(self) -> None:
        """Say how many there are and how many are chosen."""
        if not self.ready:
            return
        said = [Ink(of_many(len(self._offers), self._what), "strong")]
        if self._several:
            many = len(self._grid.marks)
            key = next(key.keys[0] for key in self.gym.bound.table if key.name == "open")
            one = f" · none marked: {self.gym.bound.written(key)} takes this one"
            said.append(Ink(f" · {many} marked" if many else one))
        self.lines("summary").show([Line(tuple(said), self.remarks())])

    def remarks(self) -> Cell:
        """The filter; marks are counted already."""
        said = super().remarks()
        return tuple(piece for piece in said if piece.style != "mark")

    # -- keys ------------------------------------------------------------------------------

    def footer_keys(self) -> list[Key]:
        """What there is to do here."""
        left_out = {"pause", "describe", "order"}
        if not self._several:
            left_out |= {"mark", "mark-all", "unmark"}
        keys = [key for key in super().footer_keys() if key.name not in left_out]
        return [replace(key, short="take") if key.name == "open" else key for key in keys]

    def undo(self) -> bool:
        """Drop the filter; marks are left as they were before by going back."""
        if self._rows.filter.text:
            self.filtered("")
            return True
        return False

    def action_mark_all(self) -> None:
        """Mark all that the filter shows; once more, none of them."""
        if self._several:
            shown = set(self._rows)
            marks = self._grid.marks
            self._grid.marks = marks - shown if shown <= marks else marks | shown
            self._grid.sync()
            self.summarise()

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Take what is marked, else the row under the cursor."""
        wanted = self._grid.marks if self._several and self._grid.marks else {event.row_id}
        self.gym.pop_screen()
        self._taken(tuple(offer.key for offer in self._offers if offer.key in wanted))

    def order_by(self, name: str, *, reverse: bool) -> None:
        """Order by a column; it is the gym's own order again next time."""
        self._rows.set_order(name, reverse=reverse)
        self._grid.set_rows(self._rows)
        self._grid.ordered(name, reverse=reverse)

    def action_order(self) -> None:
        """Columns are few enough to be there always; headings order."""

    def received(self, row_id: str) -> tuple[bytes, str | None] | None:
        """What is offered is shown whole."""
        return None
