"""The columns of the search screen: what each cell of a hit shows."""

from __future__ import annotations

from dataclasses import dataclass

from gymtui.core.text import clean, width
from gymtui.session.hit_list import FoundHit
from gymtui.store.column_def import Field, Schema, ValueKind, natural
from gymtui.store.formats import state_word
from gymtui.store.records import RolloutRow
from gymtui.transcript.hits import Hit
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.column import Column, name_column, number_column
from gymtui.tui.kit.styled_text import Cell, StyledText


@dataclass(frozen=True, slots=True)
class HitRow:
    """A hit as the list has it."""

    number: int  # which it is, as they were found
    found: FoundHit
    row: RolloutRow  # the rollout that it is of

    @property
    def task_id(self) -> str | None:
        """The rollout's task."""
        return self.row.rollout.task_id if self.row.rollout is not None else None


HITS: Schema[HitRow] = Schema(
    (
        Field("found", ValueKind.NUMBER, lambda hit: hit.number),
        Field(
            "run", ValueKind.TEXT, lambda hit: hit.row.run_id, order=lambda h: natural(h.row.run_id)
        ),
        Field("rollout", ValueKind.TEXT, lambda hit: hit.row.rollout_id),
        Field("task", ValueKind.TEXT, lambda hit: hit.task_id),
        Field("state", ValueKind.TEXT, lambda hit: state_word(hit.row)),
        Field("turn", ValueKind.NUMBER, lambda hit: hit.found.hit.match.turn + 1),
        Field("who", ValueKind.TEXT, lambda hit: hit.found.hit.who),
        Field("text", ValueKind.TEXT, lambda hit: hit.found.hit.text),
    )
)


def hit_columns() -> tuple[Column[HitRow], ...]:
    """The columns of hits."""

    def state(hit: HitRow, cells: int) -> Cell:
        return outcome_text.state_cell(hit.row)

    def speaker(hit: HitRow, cells: int) -> Cell:
        return speaker_cell(hit.found.hit)

    def text(hit: HitRow, cells: int) -> Cell:
        return snippet_cell(hit.found.hit, cells)

    return (
        name_column("rollout", 10, lambda hit: hit.row.rollout_id, "muted", ideal=16, most=32),
        name_column("run", 10, lambda hit: hit.row.run_id or None, ideal=20, most=32, priority=3),
        name_column("task", 10, lambda hit: hit.task_id, ideal=20, most=32, priority=4),
        Column("state", "STATE", 8, state, priority=2),
        number_column("turn", "TURN", 4, lambda hit: hit.found.hit.match.turn + 1, "muted"),
        Column("who", "WHO", 9, speaker, ideal=20, whole=True, most=28, priority=1),
        Column("text", "TEXT", 24, text, ideal=44, flex=1),
    )


def speaker_cell(hit: Hit) -> Cell:
    """Who speaks where something was found: the tool, else the role; with a mark if it failed."""
    name = StyledText(hit.who)
    return (StyledText("✗ ", "failed"), name) if hit.spoken.error else (name,)


def snippet_cell(hit: Hit, cells: int) -> Cell:
    """What was found with as much around it as there is room for, itself whole before all else."""
    text, after = clean(hit.text), hit.after
    left = max(cells - width(text), 0)
    before = _end_of(hit.before, max(left - width(after), left // 3))
    return (StyledText(before, "muted"), StyledText(text, "accent"), StyledText(after, "muted"))


def _end_of(text: str, cells: int) -> str:
    """The end of a clean text, where it has no room."""
    if width(text) <= cells:
        return text
    while text and width(text) > cells - 1:
        text = text[max(1, (width(text) - cells) // 2) :]
    return f"…{text}" if cells else ""
