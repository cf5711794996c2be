"""The pane of what went wrong: a row a criterion, a tool or a message, with how often it happened.

What the rows are is `failure_groups`; what their cells show stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.containers import Vertical

from gymtui.core.text import clean
from gymtui.store.formats import GLYPH, WORD, of_many, p_words, percent, points
from gymtui.store.outcome import Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.stats.failure_changes import FailureRow, RateChange
from gymtui.store.stats.tool_errors import ToolTally
from gymtui.tui.context.key_bindings import KeyBindings
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.column import Column, text_cell
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.line_parts import LinePart, join_fitting, part
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.rollout_details import wrap_words
from gymtui.tui.kit.styled_text import Cell, StyledText, value_cell, width_of
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

    why_unmarkable = "failures cannot be marked: open one, then mark its rollouts"

    def __init__(self, palette: Palette) -> None:
        self.rows_by_id: dict[str, PaneRow] = {}
        self._content = PaneContent(PaneView.CRITERION, (), lambda _row: ())
        columns = failure_columns(lambda: self._content)
        super().__init__(columns, self.rows_by_id.get, palette, empty=NOT_KNOWN, id="reasons")

    def show_content(self, content: PaneContent, read_key: str) -> None:
        """Show this, the cursor staying on its row."""
        before, self._content = self._content, content
        none = "no tool calls" if content.view is PaneView.TOOL else "no failures"
        if content.view is PaneView.TOOL and not content.read_counts[0]:
            none = f"no transcripts read yet: {read_key} reads them"
        self.empty = none if content.is_known else NOT_KNOWN
        self.rows_by_id.clear()
        self.rows_by_id.update({row_id_of(row): row for row in content.rows})
        self.set_rows(tuple(self.rows_by_id))
        wanted = _COLUMNS[content.view] - (frozenset() if content.has_several_runs else {"runs"})
        wanted -= frozenset() if content.compared_run is not None else {"change"}
        hidden = frozenset(column.key for column in self.columns) - wanted
        if before.view is not content.view or hidden != self._hidden:
            self._hidden = hidden
            self.hide_columns(hidden)

    _hidden: frozenset[str] = frozenset()

    @property
    def cursor_row(self) -> PaneRow | None:
        """The cursor's row."""
        return self.rows_by_id.get(self.cursor_id or "")

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
            read, of = content.read_counts
            parts.append(part(f"known for {read} of {of}", "muted"))
            if read < of:
                key = StyledText(f"{read_key} ", "key")
                parts.append(LinePart((key, StyledText("reads the others", "muted")), 1))
        elif content.compared_run is not None:
            vs = (StyledText("vs ", "muted"), StyledText(content.compared_run))
            parts.append(LinePart(vs, 1))
        if content.view is PaneView.CRITERION:
            if any(isinstance(row, FailureRow) and row.group.guessed for row in content.rows):
                parts.append(part("~ guessed from the message", "muted", 2))
            parts.append(part(_COUNTED, "muted", 3))
        left = join_fitting(parts, cells - width_of(right) - 4)
        self.title.show([Line(left, right)])


def change_words(change: RateChange) -> str:
    """`+13 (+2 to +29)`, in percentage points."""
    low, high = points(change.interval.low), points(change.interval.high)
    return f"{points(change.difference)} ({low} to {high})"


def failure_columns(content: Callable[[], PaneContent]) -> tuple[Column[PaneRow], ...]:
    """The columns of what went wrong, of every view, for what is shown now."""

    def name(row: PaneRow, cells: int) -> Cell:
        if isinstance(row, ToolTally):
            return value_cell(row.tool)
        glyph = StyledText(
            f"{GLYPH[row.group.outcome]} ", outcome_text.OUTCOME_STYLES[row.group.outcome]
        )
        guessed = row.group.guessed and content().view is PaneView.CRITERION
        guess = (StyledText("~ ", "muted"),) if guessed else ()
        return (glyph, *guess, StyledText(row.group.text))

    def attempts(row: FailureRow, cells: int) -> Cell:
        return _attempts_cell(row, content().attempts(row), cells)

    def fails_with(row: FailureRow, cells: int) -> Cell:
        found = content().co_failures.with_group(row.group, 1)
        if not found or row.group.outcome is not Outcome.FAILED:
            return ()
        other, number = found[0]
        return (StyledText(f"{number}× ", "muted"), StyledText(other.text, "muted"))

    rollouts = _of_failure(text_cell(lambda row: len(row.group.rollout_ids)))
    tasks = _of_failure(text_cell(lambda row: len(row.group.task_row_ids), "muted"))
    runs = _of_failure(text_cell(lambda row: len(row.group.run_ids), "muted"))
    failed_in = _of_tool(text_cell(lambda row: len(row.rollout_ids), "muted"))
    share = _of_tool(text_cell(lambda row: percent(row.error_share)))
    answer = _of_tool(text_cell(lambda row: row.commonest or "", "muted"))
    return (
        Column("name", lambda: content().view.upper(), 16, name, ideal=34, whole=True, flex=1),
        Column("rollouts", "N", 4, rollouts, align="right"),
        Column("tasks", "TASKS", 5, tasks, 1, align="right"),
        Column("runs", "RUNS", 4, runs, 2, align="right"),
        Column("change", "CHANGE, pp", 18, _of_failure(_change), 2),
        Column("attempts", "ATTEMPTS", 8, _of_failure(attempts), 3, flex=2, most=40),
        Column("with", "FAILS WITH", 16, _of_failure(fails_with), 4, flex=3, most=60),
        Column("calls", "CALLS", 5, _of_tool(text_cell(lambda row: row.calls)), align="right"),
        Column("errors", "ERRORS", 6, _of_tool(_errors), align="right"),
        Column("share", "SHARE", 5, share, 2, align="right"),
        Column("in-rollouts", "ROLLOUTS", 8, failed_in, 3, align="right"),
        Column("answer", "COMMONEST ERROR", 16, answer, 1, flex=2),
    )


def _of_failure(cell: Callable[[FailureRow, int], Cell]) -> Callable[[PaneRow, int], Cell]:
    return lambda row, cells: cell(row, cells) if isinstance(row, FailureRow) else ()


def _of_tool(cell: Callable[[ToolTally, int], Cell]) -> Callable[[PaneRow, int], Cell]:
    return lambda row, cells: cell(row, cells) if isinstance(row, ToolTally) else ()


def _change(row: FailureRow, cells: int) -> Cell:
    if row.change is None:
        return value_cell(None, "muted")
    return value_cell(change_words(row.change), "warning" if row.change.clear else "muted")


def _errors(row: ToolTally, cells: int) -> Cell:
    return value_cell(row.errors, "error" if row.errors else "muted")


def _attempts_cell(row: FailureRow, tasks: Iterable[Sequence[RolloutRow]], cells: int) -> Cell:
    """A glyph an attempt of the tasks concerned; those that did not fail so stand back."""
    hit = frozenset(row.group.rollout_ids)
    pieces: list[StyledText] = []
    used = 0
    last = len(row.group.task_row_ids) - 1
    for number, attempts in enumerate(tasks):
        if number:
            pieces.append(StyledText(" "))
            used += 1
        for attempt in attempts:
            if used >= cells - 1 and (attempt is not attempts[-1] or number < last):
                return (*pieces, StyledText("›", "muted"))
            glyph = outcome_text.outcome_glyph(attempt)
            own = attempt.rollout_id in hit
            pieces.append(glyph if own else StyledText(glyph.text, "muted"))
            used += 1
    return tuple(pieces)


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
        StyledText(f"{GLYPH[group.outcome]} {WORD[group.outcome]} ", style),
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
    found = content.co_failures.with_group(row.group)
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
