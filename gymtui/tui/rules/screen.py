"""The rules on runs: what they wait for, how that stood at the last look, and what they did."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from gymtui.core.text import ABSENT, clean
from gymtui.session.rules import Rule
from gymtui.store.column_def import Field, Schema, Since, ValueKind, natural
from gymtui.store.delta import Delta
from gymtui.store.formats import duration, of_many
from gymtui.tui.context.keymap import Scope, bindings
from gymtui.tui.context.routes import OpenRun
from gymtui.tui.kit.breadcrumb import runs_crumb
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.rollout_details import wrap_words
from gymtui.tui.kit.styled_text import Cell, StyledText, styled

RULES: Schema[Rule] = Schema(
    [
        Field("run", ValueKind.TEXT, lambda rule: rule.run_id, order=lambda r: natural(r.run_id)),
        Field("rule", ValueKind.TEXT, lambda rule: rule.words),
        Field(
            "state",
            ValueKind.TEXT,
            lambda rule: "armed" if rule.outcome is None else "done",
            choices=("armed", "done"),
        ),
        Field("evaluation", ValueKind.TEXT, lambda rule: rule.outcome or rule.evaluation),
        Field("age", ValueKind.TIME, lambda rule: Since(rule.armed_s)),
    ]
)
_LINES = 2
"""Lines in which the rule under the cursor is told in full."""


class RulesScreen(ListScreen[Rule]):
    """All rules at this gym."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.RULES)
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.RULES, Scope.LIST, Scope.EVERYWHERE)
    empty: ClassVar[str] = "no rules: w on a run arms one"
    layout_name: ClassVar[str] = "rules"
    prompt: ClassVar[str] = "words, or state:armed run:nightly*"

    def __init__(self) -> None:
        super().__init__(RULES, "age")

    def columns(self) -> tuple[Column[Rule], ...]:
        """The columns of rules."""
        now = self.services.now

        def run(rule: Rule, cells: int) -> Cell:
            return styled(rule.run_id)

        def state(rule: Rule, cells: int) -> Cell:
            done = rule.outcome is not None
            return (StyledText("done" if done else "armed", "muted" if done else "accent"),)

        def words(rule: Rule, cells: int) -> Cell:
            return styled(rule.words)

        def found(rule: Rule, cells: int) -> Cell:
            result = rule.outcome or rule.evaluation or "not evaluated yet"
            return styled(result, "" if rule.outcome else "muted")

        def age(rule: Rule, cells: int) -> Cell:
            return styled(duration(max(0.0, now().timestamp() - rule.armed_s)), "muted")

        return (
            Column("run", "RUN", 12, run, ideal=20, whole=True, cut="middle"),
            Column("state", "STATE", 5, state),
            Column("rule", "RULE", 16, words, ideal=24, whole=True),
            Column("evaluation", "LAST EVALUATION", 16, found, 1, whole=True, flex=1),
            Column("age", "AGE", 6, age, 2, align="right"),
        )

    def body(self) -> Iterable[Widget]:
        """How many are armed, the list, and the one under the cursor in full."""
        palette = self.services.palette
        yield Lines(palette, id="summary")
        yield self.grid()
        yield Lines(palette, height=_LINES, id="details")

    def breadcrumb(self) -> Cell:
        """The way here."""
        return (*runs_crumb(), StyledText("rules", "strong"))

    def changed(self, delta: Delta) -> None:
        """Show them as they are after the last look."""
        rules = {rule.key: rule for rule in self.session.rules}
        known = self._rows.records
        changed = {key: rule for key, rule in rules.items() if known.get(key) != rule}
        removed = [key for key in known if key not in rules]
        self._rows.apply(changed, removed, self.services.now().timestamp())
        self.show_rows()
        self.summarise()

    def summarise(self) -> None:
        """Write how many are armed, and the one under the cursor in full."""
        armed = f"{len(self.session.rules)} armed"
        self.lines("summary").show([Line((StyledText(armed, "strong"),), self.remarks())])
        rule = self._rows.records.get(self._grid.cursor_id or "")
        cells_shown: list[Cell] = [()] * _LINES
        if rule is not None:
            result = rule.outcome or rule.evaluation or ABSENT
            cells = max(self.size.width - 2, 8)
            lines = wrap_words(
                clean(f"{rule.run_id}: {rule.words} – {result}"), cells, cells, _LINES
            )
            cells_shown = [(StyledText(line),) for line in lines] + [()] * (_LINES - len(lines))
        self.lines("details").show([Line(cell, bar=True) for cell in cells_shown])

    def on_grid_opened(self, event: Grid.Opened) -> None:
        """Open the run of a rule."""
        rule = self._rows.records.get(event.row_id)
        if rule is None or rule.run_id not in self.session.store.runs:
            refuse(self, "this run is not listed")
        else:
            self.services.navigate(OpenRun(rule.run_id))

    def action_disarm(self) -> None:
        """Take the marked rules away, else the one under the cursor."""
        chosen = self.chosen()
        if not chosen:
            refuse(self, "no rule to remove")
            return
        self.session.rules.disarm(chosen)
        self.services.notify(f"{of_many(len(chosen), 'rule')} removed", timeout=3)
        self.changed(Delta())

    def copy_text(self) -> str | None:
        """The run's id."""
        rule = self._rows.records.get(self._grid.cursor_id or "")
        return rule.run_id if rule is not None else None
