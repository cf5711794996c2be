"""The pane of what went wrong: a row a criterion, a tool or a message, with how often it happened.

What the rows are is `failure_groups`, what their cells show `failure_columns`.
"""

from __future__ import annotations

from textual.containers import Vertical

from gymtui.core.text import clean
from gymtui.store import formats
from gymtui.store.formats import of_many, p_words
from gymtui.store.outcome import Outcome
from gymtui.store.stats.failure_changes import FailureRow, RateChange
from gymtui.store.stats.tool_errors import ToolTally
from gymtui.tui.context.key_bindings import KeyBindings
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.line_parts import LinePart, join_fitting, part
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.rollout_details import wrap_words
from gymtui.tui.kit.styled_text import Cell, StyledText, width_of
from gymtui.tui.matrix.failure_columns import change_words, failure_columns
from gymtui.tui.matrix.failure_groups import PaneContent, PaneRow, PaneView, rollouts_of, row_id_of

NOT_KNOWN = "not known yet"
"""What is said of runs whose rollouts were not read."""
_FULL_LINES = 3
"""Lines in which a failure is shown in full, on a terminal of some height."""
_COUNTED = "a rollout counts under each of its criteria"


_COLUMNS = {
    PaneView.CRITERION: frozenset({"attempts", "rollouts", "tasks", "runs", "change", "with"}),
    PaneView.MESSAGE: frozenset({"attempts", "rollouts", "tasks", "runs", "change"}),
    PaneView.TOOL: frozenset({"calls", "errors", "share", "in-rollouts", "answer"}),
}


class FailuresGrid(Grid[PaneRow]):
    """The rows, largest first; `enter` chooses one."""

    unmarkable = "failures cannot be marked: open one, then mark its rollouts"

    def __init__(self, palette: Palette) -> None:
        self.shown: dict[str, PaneRow] = {}
        self._content = PaneContent(PaneView.CRITERION, (), lambda _row: ())
        columns = failure_columns(lambda: self._content)
        super().__init__(columns, self.shown.get, palette, empty=NOT_KNOWN, id="reasons")

    def show_content(self, content: PaneContent, read_key: str) -> None:
        """Show this, the cursor staying on its row."""
        before, self._content = self._content, content
        none = "no tool calls" if content.view is PaneView.TOOL else "no failures"
        if content.view is PaneView.TOOL and not content.read[0]:
            none = f"no transcripts read yet: {read_key} reads them"
        self.empty = none if content.known else NOT_KNOWN
        self.shown.clear()
        self.shown.update({row_id_of(row): row for row in content.rows})
        self.set_rows(tuple(self.shown))
        wanted = _COLUMNS[content.view] - (frozenset() if content.several else {"runs"})
        wanted -= frozenset() if content.compared is not None else {"change"}
        hidden = frozenset(column.key for column in self.columns) - wanted
        if before.view is not content.view or hidden != self._hidden:
            self._hidden = hidden
            self.hide_columns(hidden)

    _hidden: frozenset[str] = frozenset()

    @property
    def cursor_row(self) -> PaneRow | None:
        """The cursor's row."""
        return self.shown.get(self.cursor_id or "")

    def action_open(self) -> None:
        row = self.cursor_row
        if row is not None and rollouts_of(row):
            super().action_open()
        else:
            refuse(self, f"{self.empty}: nothing to open" if row is None else "no failed call")


class FailuresPane(Vertical):
    """What went wrong, under a line that says how it is counted."""

    DEFAULT_CSS = "FailuresPane Lines { height: 1; }"

    def __init__(self, palette: Palette) -> None:
        self.title = Lines(palette, id="failures-title")
        self.grid = FailuresGrid(palette)
        super().__init__(self.title, self.grid, id="failures")

    def show_content(self, content: PaneContent, keys: KeyBindings, cells: int) -> None:
        """Show this."""
        read_key = keys.key_for("read-transcripts")
        self.grid.show_content(content, read_key)
        key = StyledText(f"{keys.key_for('failures-view')} ", "key")
        right = (key, StyledText(f"by {content.view.next} ", "muted"))
        parts = [part(f"failures by {content.view}", "heading")]
        if content.view is PaneView.TOOL:
            read, of = content.read
            parts.append(part(f"known for {read} of {of}", "muted"))
            if read < of:
                key = StyledText(f"{read_key} ", "key")
                parts.append(LinePart((key, StyledText("reads the others", "muted")), 1))
        elif content.compared is not None:
            vs = (StyledText("vs ", "muted"), StyledText(content.compared))
            parts.append(LinePart(vs, 1))
        if content.view is PaneView.CRITERION:
            if any(isinstance(row, FailureRow) and row.group.guessed for row in content.rows):
                parts.append(part("~ guessed from the message", "muted", 2))
            parts.append(part(_COUNTED, "muted", 3))
        left = join_fitting(parts, cells - width_of(right) - 4)
        self.title.show([Line(left, right)])


# -- in words ------------------------------------------------------------------------------


def describe_row(content: PaneContent, row: PaneRow, cells: int) -> tuple[Cell, Cell, Cell]:
    """A row in words: what comes before its text, the text, and its numbers."""
    if isinstance(row, ToolTally):
        head: Cell = (StyledText(f"{row.tool}  ", "strong"),)
        answer = () if row.commonest is None else (StyledText(row.commonest),)
        calls = of_many(row.calls, "call")
        failed = f"{of_many(row.errors, 'error')} in {of_many(len(row.rollout_ids), 'rollout')}"
        parts = [part(f"{calls} · {failed}", "muted")]
        if row.commonest_count:
            parts.append(part(f"this answer {row.commonest_count}×", "muted"))
        return head, answer, join_fitting(parts, cells)
    group = row.group
    style = outcome_text.OUTCOME_STYLES[group.outcome]
    number = of_many(len(group.rollout_ids), "rollout")
    tasks = of_many(len(group.task_row_ids), "task")
    head = (
        StyledText(f"{formats.GLYPH[group.outcome]} {formats.WORD[group.outcome]} ", style),
        StyledText(f" {number} of {tasks}  ", "muted"),
    )
    parts = []
    if row.change is not None:
        parts += _change_parts(row.change)
    parts += [
        part(text, "muted", 2 + place) for place, text in enumerate(_together_texts(content, row))
    ]
    example = f" – such as: {group.example}" if group.example != group.text else ""
    return head, (StyledText(f"{group.text}{example}"),), join_fitting(parts, cells)


def _change_parts(change: RateChange) -> tuple[LinePart, LinePart]:
    now, before = change.now, change.before
    style = "warning" if change.clear else "muted"
    adjusted = "adjusted " if change.comparisons > 1 else ""
    counts = f"{now.passes} of {now.verdicts}, before {before.passes} of {before.verdicts}"
    words = f"{change_words(change)} pp, {adjusted}{p_words(change.adjusted)}"
    return part(counts, priority=1), part(words, style)


def _together_texts(content: PaneContent, row: FailureRow) -> list[str]:
    if content.view is not PaneView.CRITERION or row.group.outcome is not Outcome.FAILED:
        return []
    found = content.together.with_group(row.group)
    return [f"with {clean(other.text)} {number}×" for other, number in found]


def detail_lines(content: PaneContent, row: PaneRow, width: int, screen_height: int) -> list[Cell]:
    """A failure in all its words: always so many lines, or the panes would jump."""
    height = min(_FULL_LINES, max(1, screen_height // 10))
    cells = max(width - 2, 8)
    head, text, numbers = describe_row(content, row, cells)
    words = " ".join(clean(piece.text) for piece in text)
    first, *rest = wrap_words(words, cells - width_of(head), cells, max(1, height - 1))
    lines: list[Cell] = [(*head, StyledText(first)), *((StyledText(line),) for line in rest)]
    if height > 1:
        lines.append(numbers)
    return [*lines, *[()] * (height - len(lines))]
