"""The same rows in our grid and in the framework's DataTable, in process and on a terminal.

`python -m tests.bench.tables grid|datatable` shows them; `t` lets ten rows in view change, `g` and
page down move. What is measured of them is `bench_grid`'s and `bench_tick`'s business.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import DataTable

from gymtui.core.replacement import replace
from gymtui.store.column_def import Field, Schema, ValueKind
from gymtui.store.lists.ordering import OrderedView
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.kit.styled_text import Cell, value_cell
from gymtui.tui.runtime.crash_report import Reporter
from gymtui.tui.runtime.guard import GuardedApp, run_guarded
from tests.tui.palettes import NIGHT

ROWS = 10_000
IN_VIEW = 10
"""Rows that change with a tick."""
KEYS: list[BindingType] = [
    Binding("t", "tick", show=False),
    Binding("q", "quit", show=False),
    Binding("ctrl+q", "quit", show=False),
]
STATES = (("▸ building", "building"), ("▸ acting", "agent"), ("✓ pass", "passed"))


@dataclass(frozen=True, slots=True)
class Record:
    """A row of ten columns, as the list of runs has."""

    row_id: str
    task: str
    state: int
    step: int
    elapsed_s: int
    note: str


def record(number: int) -> Record:
    """The record of a number."""
    return Record(
        f"rol_{number:06d}",
        ("schedule_phone_screen", "flag_biased_adjustment", "offer_negotiation")[number % 3],
        number % 3,
        number * 7919 % 20,
        60 + number % 40,
        f"message {number % 97}",
    )


def records(count: int) -> dict[str, Record]:
    """So many records by id."""
    made = (record(number) for number in range(count))
    return {one.row_id: one for one in made}


def moved(one: Record) -> Record:
    """The record a moment later."""
    state = (one.state + 1) % 3 if one.step % 10 == 9 else one.state
    return replace(one, state=state, step=(one.step + 1) % 31, elapsed_s=(one.elapsed_s + 2) % 3600)


CELLS: tuple[Callable[[Record], str], ...] = (
    lambda one: one.row_id,
    lambda one: one.task,
    lambda one: STATES[one.state][0],
    lambda one: f"{one.step}/30",
    lambda one: f"{one.elapsed_s // 60}m{one.elapsed_s % 60:02d}s",
    lambda one: f"{one.step * 3}%",
    lambda one: str(one.step % 5),
    lambda one: "hr",
    lambda one: "gpt-4o",
    lambda one: one.note,
)
"""What each column says."""


def cells(one: Record) -> tuple[str, ...]:
    """What all columns say."""
    return tuple([said(one) for said in CELLS])


SCHEMA: Schema[Record] = Schema(
    [
        Field("row", ValueKind.TEXT, lambda one: one.row_id),
        Field("step", ValueKind.NUMBER, lambda one: one.step),
    ]
)
TITLES = ("RUN", "TASK", "STATE", "STEP", "TIME", "PASS", "ERR", "WHERE", "MODEL", "RESULT")
WIDTHS = (12, 24, 11, 6, 6, 5, 4, 6, 8, 14)
MOVING = (2, 3, 4, 5, 6)
"""The columns of which a tick may change cells."""


def _column(place: int) -> Column[Record]:
    said = CELLS[place]

    def cell(one: Record, _cells: int) -> Cell:
        style = STATES[one.state][1] if place == 2 else "muted" if place in (0, 9) else ""
        return value_cell(said(one), style)

    align: Any = "right" if place in range(3, 7) else "left"
    return Column(TITLES[place].lower(), TITLES[place], WIDTHS[place], cell, align=align)


COLUMNS = tuple(_column(place) for place in range(len(TITLES)))


class Covered(Screen[None]):
    """A screen as the dashboard's are: its widgets cover it."""

    BLANK: ClassVar[bool] = GymScreen.BLANK


class Ours(GuardedApp):
    """The grid.

    Args:
        order: The column it is ordered by.
        directory: Where reports would go.
    """

    BINDINGS = KEYS

    def __init__(self, order: str, directory: Path) -> None:
        super().__init__(reporter=Reporter(directory))
        self.view: OrderedView[Record] = OrderedView(SCHEMA, order)
        self.on_painted: Callable[[], None] = lambda: None
        self.grid = Grid(COLUMNS, self.view.records.get, NIGHT, id="grid")

    def get_default_screen(self) -> Covered:
        return Covered(id="_default")

    def compose(self) -> ComposeResult:
        yield self.grid

    def post_display_hook(self) -> None:
        """Called by the framework after each frame."""
        self.on_painted()

    def load(self, several: dict[str, Record]) -> None:
        """Show these."""
        self.update(several)
        self.grid.focus()

    def update(self, changed: dict[str, Record]) -> None:
        """Take changed records in."""
        self.view.apply(changed, (), 0.0)
        self.grid.set_rows(self.view)

    def action_tick(self) -> None:
        """Let ten rows change that are in view."""
        ids = self.grid.in_view[2 : 2 + IN_VIEW]
        self.update({row_id: moved(self.view.records[row_id]) for row_id in ids})


class Theirs(App[None]):
    """The framework's table."""

    BINDINGS = KEYS

    def __init__(self) -> None:
        super().__init__()
        self.on_painted: Callable[[], None] = lambda: None
        self.table: DataTable[str] = DataTable(cursor_type="row")
        self.known: dict[str, Record] = {}

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        """Make the columns."""
        for title, width in zip(TITLES, WIDTHS, strict=True):
            self.table.add_column(title, key=title, width=width)

    def post_display_hook(self) -> None:
        """Called by the framework after each frame."""
        self.on_painted()

    def load(
        self, several: dict[str, Record], order: Callable[[Record], Any] | None = None
    ) -> None:
        """Show these, ordered."""
        self.known = dict(several)
        for one in sorted(several.values(), key=order) if order else several.values():
            self.table.add_row(*cells(one), key=one.row_id)
        self.table.focus()

    def update(self, changed: dict[str, Record]) -> None:
        """Take changed records in, cell by changed cell."""
        for row_id, one in changed.items():
            before, now = cells(self.known[row_id]), cells(one)
            for place in MOVING:
                if before[place] != now[place]:
                    self.table.update_cell(row_id, TITLES[place], now[place])
            self.known[row_id] = one

    def action_tick(self) -> None:
        """Let ten rows change that are in view."""
        ids = [f"rol_{number:06d}" for number in range(2, 2 + IN_VIEW)]
        self.update({row_id: moved(self.known[row_id]) for row_id in ids})


def cpu_of(app: Ours | Theirs, what: Callable[[], object]) -> Callable[[], Any]:
    """Make an awaitable that does something and tells the CPU seconds until it was painted.

    Args:
        app: The app, running.
        what: What to do; at least one frame must follow.
    """
    import asyncio

    async def run() -> float:
        painted: list[float] = []
        app.on_painted = lambda: painted.append(time.process_time())
        began = time.process_time()
        what()
        seen = -1
        while not painted or seen != len(painted):
            seen = len(painted)
            await asyncio.sleep(0.05)
        return painted[-1] - began

    return run


def main(arguments: Iterable[str] | None = None) -> None:
    """Show one of them on the terminal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["grid", "datatable"])
    kind = parser.parse_args(list(arguments) if arguments is not None else None).kind
    rows = records(ROWS)
    if kind == "grid":
        with tempfile.TemporaryDirectory() as directory:
            ours = Ours("row", Path(directory))
            ours.call_later(ours.load, rows)
            run_guarded(ours)
    else:
        theirs = Theirs()
        theirs.call_later(theirs.load, rows)
        theirs.run()


if __name__ == "__main__":
    main()
