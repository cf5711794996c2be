"""The rules on runs: what they wait for, how that stood at the last look, and what they did."""

from __future__ import annotations

from gymtui.core.text import ABSENT
from gymtui.session.rules import Rule
from gymtui.store.column_def import Field, Schema, Since, ValueKind, natural
from gymtui.store.delta import Delta
from gymtui.store.formats import duration, of_many
from gymtui.tui.context.keymap import Scope
from gymtui.tui.context.routes import OpenRun
from gymtui.tui.kit.breadcrumb import runs_crumb
from gymtui.tui.kit.column import Column, name_column, number_column, text_cell
from gymtui.tui.kit.lines import Line
from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.styled_text import Cell, StyledText, value_cell

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


class RulesScreen(ListScreen[Rule], scope=Scope.RULES):
    """All rules at this gym."""

    empty = "no rules: w on a run arms one"
    layout_name = "rules"
    lines_around = (1, 2)
    prompt = "words, or state:armed run:nightly*"

    def __init__(self) -> None:
        super().__init__(RULES, "age")

    def columns(self) -> tuple[Column[Rule], ...]:
        now = self.services.now

        def state(rule: Rule, cells: int) -> Cell:
            done = rule.outcome is not None
            return (StyledText("done" if done else "armed", "muted" if done else "accent"),)

        def found(rule: Rule, cells: int) -> Cell:
            result = rule.outcome or rule.evaluation or "not evaluated yet"
            return value_cell(result, "" if rule.outcome else "muted")

        def age(rule: Rule) -> str:
            return duration(max(0.0, now().timestamp() - rule.armed_s))

        return (
            name_column("run", 12, lambda rule: rule.run_id, ideal=20),
            Column("state", "STATE", 5, state),
            Column("rule", "RULE", 16, text_cell(lambda r: r.words), ideal=24, whole=True),
            Column("evaluation", "LAST EVALUATION", 16, found, 1, whole=True, flex=1),
            number_column("age", "AGE", 6, age, "muted", priority=2),
        )

    def breadcrumb(self) -> Cell:
        return (*runs_crumb(), StyledText("rules", "strong"))

    def changed(self, delta: Delta) -> None:
        rules = {rule.key: rule for rule in self.session.rules}
        known = self._rows.records
        changed = {key: rule for key, rule in rules.items() if known.get(key) != rule}
        removed = [key for key in known if key not in rules]
        self._rows.apply(changed, removed, self.services.now().timestamp())
        self.show_rows()
        self.summarise()

    def summarise(self) -> None:
        armed = f"{len(self.session.rules)} armed"
        self.lines("summary").show([Line((StyledText(armed, "strong"),), self.remarks())])
        rule, words = self.cursor_record, ""
        if rule is not None:
            words = f"{rule.run_id}: {rule.words} – {rule.outcome or rule.evaluation or ABSENT}"
        self.describe_cursor(words)

    def open_row(self, row_id: str) -> None:
        rule = self._rows.records.get(row_id)
        if rule is None or rule.run_id not in self.session.store.runs:
            refuse(self, "this run is not listed")
        else:
            self.services.navigate(OpenRun(rule.run_id))

    def action_disarm(self) -> None:
        chosen = self.chosen_rows()
        if not chosen:
            refuse(self, "no rule to remove")
            return
        records = self._rows.records
        self.session.disarm(records[key] for key in chosen if key in records)
        self.services.notify(f"{of_many(len(chosen), 'rule')} removed", timeout=3)
        self.changed(Delta())

    def copy_text(self) -> str | None:
        return self.cursor_record.run_id if self.cursor_record is not None else None
