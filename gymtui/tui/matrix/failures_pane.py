"""The pane of what went wrong: a row a criterion, a tool or a message, with how often it happened.

What the rows are is `store.stats.failure_changes` and `tool_errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from textual.containers import Vertical
from textual.message import Message

from gymtui.core.text import ABSENT, clean
from gymtui.store.formats import of_many, p_words, percent, points
from gymtui.store.lists.query import quoted
from gymtui.store.outcome import Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.stats.failure_changes import Change, FailureRow, Together
from gymtui.store.stats.tool_errors import ToolTally
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.line_parts import LinePart, join_fitting
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.rollout_details import wrapped
from gymtui.tui.kit.styled_text import Cell, StyledText, styled, width_of

NOT_KNOWN = "not known yet"
"""What is said of runs whose rollouts were not read."""
_FULL_LINES = 3
"""Lines in which a failure is shown in full, on a terminal of some height."""
_COUNTED = "a rollout counts under each of its criteria"


class PaneView(StrEnum):
    """By what the pane groups."""

    CRITERION = "criterion"
    TOOL = "tool"
    MESSAGE = "message"

    @property
    def next(self) -> PaneView:
        """The view that follows."""
        views = list(PaneView)
        return views[(views.index(self) + 1) % len(views)]


PaneRow = FailureRow | ToolTally

_COLUMNS = {
    PaneView.CRITERION: frozenset({"attempts", "rollouts", "tasks", "runs", "change", "with"}),
    PaneView.MESSAGE: frozenset({"attempts", "rollouts", "tasks", "runs", "change"}),
    PaneView.TOOL: frozenset({"calls", "errors", "share", "in-rollouts", "answer"}),
}


@dataclass(frozen=True, slots=True)
class PaneContent:
    """What the pane shows."""

    view: PaneView
    rows: Sequence[PaneRow]
    # All attempts of a group's tasks, task by task.
    attempts: Callable[[FailureRow], Iterable[Sequence[RolloutRow]]]
    compared: str | None = None  # the run compared with, or None
    # Of how many rollouts tools are known, and of how many that ended.
    read: tuple[int, int] = (0, 0)
    several: bool = False
    known: bool = False  # whether the rollouts of every run are: else that no failures is not known
    together: Together = field(default_factory=lambda: Together(()))  # what fails together


def row_id_of(row: PaneRow) -> str:
    """What names a row while others come and go."""
    return row.tool if isinstance(row, ToolTally) else "\n".join(row.group.key)


def rollouts_of(row: PaneRow) -> tuple[str, ...]:
    """The rollouts that a row stands for."""
    return row.rollout_ids if isinstance(row, ToolTally) else row.group.rollout_ids


def filter_of(row: PaneRow, rows: Sequence[PaneRow], view: PaneView) -> str:
    """The filter of rollouts that lets just those of a row through."""
    if isinstance(row, ToolTally):
        return f"failed_tool:{quoted(row.tool)}"
    column = "criterion" if view is PaneView.CRITERION else "failure"
    key = row.group.key[1]
    alike = sum(isinstance(r, FailureRow) and r.group.key[1] == key for r in rows)
    outcome = f" outcome:{row.group.outcome}" if alike > 1 else ""
    return f"{column}:{quoted(row.group.folded)}{outcome}"


class FailuresGrid(Grid[PaneRow]):
    """The rows, largest first; `enter` chooses one."""

    class Chosen(Message):
        """Enter, or a second click, on a row."""

        def __init__(self, row: PaneRow) -> None:
            super().__init__()
            self.row = row

    def __init__(self, palette: Palette) -> None:
        self._shown: dict[str, PaneRow] = {}
        self._content = PaneContent(PaneView.CRITERION, (), lambda _row: ())
        super().__init__(
            _columns(lambda: self._content),
            self._shown.get,
            palette,
            empty=NOT_KNOWN,
            id="reasons",
        )

    def show_content(self, content: PaneContent, read_key: str) -> None:
        """Show this, the cursor staying on its row."""
        before, self._content = self._content, content
        none = "no tool calls" if content.view is PaneView.TOOL else "no failures"
        if content.view is PaneView.TOOL and not content.read[0]:
            none = f"no transcripts read yet: {read_key} reads them"
        self.empty = none if content.known else NOT_KNOWN
        self._shown.clear()
        self._shown.update({row_id_of(row): row for row in content.rows})
        self.set_rows(tuple(self._shown))
        wanted = _COLUMNS[content.view] - (frozenset() if content.several else {"runs"})
        wanted -= frozenset() if content.compared is not None else {"change"}
        hidden = frozenset(column.key for column in self.columns) - wanted
        if before.view is not content.view or hidden != self._hidden:
            self._hidden = hidden
            self.choose(hidden)

    _hidden: frozenset[str] = frozenset()

    @property
    def chosen(self) -> PaneRow | None:
        """The cursor's row."""
        return self._shown.get(self.cursor_id or "")

    def action_open(self) -> None:
        """Choose the cursor's row."""
        row = self.chosen
        if row is not None and rollouts_of(row):
            self.post_message(self.Chosen(row))
        else:
            refuse(self, f"{self.empty}: nothing to open" if row is None else "no failed call")

    def action_mark(self) -> None:
        """What failed is not marked."""
        refuse(self, "failures cannot be marked: open one, then mark its rollouts")

    def action_mark_range(self) -> None:
        """What failed is not marked."""
        self.action_mark()

    def action_unmark(self) -> None:
        """What failed is not marked."""
        self.action_mark()


class FailuresPane(Vertical):
    """What went wrong, under a line that says how it is counted."""

    DEFAULT_CSS = "FailuresPane Lines { height: 1; }"

    def __init__(self, palette: Palette) -> None:
        self.title = Lines(palette, id="failures-title")
        self.grid = FailuresGrid(palette)
        super().__init__(self.title, self.grid, id="failures")

    def show_content(self, content: PaneContent, keys: Mapping[str, str], cells: int) -> None:
        """Show this.

        Args:
            keys: What the keys `failures-view` and `read-transcripts` are.
        """
        self.grid.show_content(content, keys["read-transcripts"])
        right: Cell = (
            StyledText(f"{keys['failures-view']} ", "key"),
            StyledText(f"by {content.view.next} ", "muted"),
        )
        said = [LinePart((StyledText(f"failures by {content.view}", "heading"),))]
        if content.view is PaneView.TOOL:
            read, of = content.read
            said.append(LinePart((StyledText(f"known for {read} of {of}", "muted"),)))
            if read < of:
                key = StyledText(f"{keys['read-transcripts']} ", "key")
                said.append(LinePart((key, StyledText("reads the others", "muted")), 1))
        elif content.compared is not None:
            vs = (StyledText("vs ", "muted"), StyledText(content.compared))
            said.append(LinePart(vs, 1))
        if content.view is PaneView.CRITERION:
            if any(isinstance(row, FailureRow) and row.group.guessed for row in content.rows):
                said.append(LinePart((StyledText("~ guessed from the message", "muted"),), 2))
            said.append(LinePart((StyledText(_COUNTED, "muted"),), 3))
        left = join_fitting(said, cells - width_of(right) - 4)
        self.title.show([Line(left, right)])


# -- in words ------------------------------------------------------------------------------


def described(content: PaneContent, row: PaneRow, cells: int) -> tuple[Cell, Cell, Cell]:
    """A row in words: what comes before its text, the text, and its numbers."""
    if isinstance(row, ToolTally):
        head: Cell = (StyledText(f"{row.tool}  ", "strong"),)
        answer = () if row.commonest is None else (StyledText(row.commonest),)
        calls = of_many(row.calls, "call")
        failed = f"{of_many(row.errors, 'error')} in {of_many(len(row.rollout_ids), 'rollout')}"
        said = [LinePart((StyledText(f"{calls} · {failed}", "muted"),))]
        if row.commonest_count:
            said.append(LinePart((StyledText(f"this answer {row.commonest_count}×", "muted"),)))
        return head, answer, join_fitting(said, cells)
    group = row.group
    style = outcome_text.STYLE[group.outcome]
    number = of_many(len(group.rollout_ids), "rollout")
    tasks = of_many(len(group.task_row_ids), "task")
    head = (
        StyledText(
            f"{outcome_text.GLYPH[group.outcome]} {outcome_text.WORD[group.outcome]} ", style
        ),
        StyledText(f" {number} of {tasks}  ", "muted"),
    )
    said = []
    if row.change is not None:
        said += _change_said(row.change)
    said += [
        LinePart((StyledText(text, "muted"),), 2 + place)
        for place, text in enumerate(_together_said(content, row))
    ]
    example = f" – such as: {group.example}" if group.example != group.text else ""
    return head, (StyledText(f"{group.text}{example}"),), join_fitting(said, cells)


def _change_said(change: Change) -> tuple[LinePart, LinePart]:
    now, before = change.now, change.before
    style = "warning" if change.clear else "muted"
    adjusted = "adjusted " if change.comparisons > 1 else ""
    counts = f"{now.passes} of {now.verdicts}, before {before.passes} of {before.verdicts}"
    words = f"{change_words(change)} pp, {adjusted}{p_words(change.adjusted)}"
    return LinePart((StyledText(counts),), 1), LinePart((StyledText(words, style),))


def change_words(change: Change) -> str:
    """`+13 (+2 to +29)`, in percentage points."""
    low, high = points(change.interval.low), points(change.interval.high)
    return f"{points(change.difference)} ({low} to {high})"


def _together_said(content: PaneContent, row: FailureRow) -> list[str]:
    if content.view is not PaneView.CRITERION or row.group.outcome is not Outcome.FAILED:
        return []
    found = content.together.with_group(row.group)
    return [f"with {clean(other.text)} {number}×" for other, number in found]


# -- columns -------------------------------------------------------------------------------


def _columns(content: Callable[[], PaneContent]) -> tuple[Column[PaneRow], ...]:
    def failure(cell: Callable[[FailureRow, int], Cell]) -> Callable[[PaneRow, int], Cell]:
        return lambda row, cells: cell(row, cells) if isinstance(row, FailureRow) else ()

    def tool(cell: Callable[[ToolTally], Cell]) -> Callable[[PaneRow, int], Cell]:
        return lambda row, _cells: cell(row) if isinstance(row, ToolTally) else ()

    def name(row: PaneRow, cells: int) -> Cell:
        if isinstance(row, ToolTally):
            return styled(row.tool)
        glyph = StyledText(
            f"{outcome_text.GLYPH[row.group.outcome]} ", outcome_text.STYLE[row.group.outcome]
        )
        guess = (StyledText("~ ", "muted"),) if row.group.guessed else ()
        if content().view is not PaneView.CRITERION:
            guess = ()
        return (glyph, *guess, StyledText(row.group.text))

    def attempts(row: FailureRow, cells: int) -> Cell:
        return _attempts_cell(row, content().attempts(row), cells)

    def change(row: FailureRow, cells: int) -> Cell:
        if row.change is None:
            return styled(None, "muted")
        return styled(change_words(row.change), "warning" if row.change.clear else "muted")

    def with_(row: FailureRow, cells: int) -> Cell:
        found = content().together.with_group(row.group, 1)
        if not found or row.group.outcome is not Outcome.FAILED:
            return ()
        other, number = found[0]
        return (StyledText(f"{number}× ", "muted"), StyledText(other.text, "muted"))

    def rollouts(row: FailureRow, cells: int) -> Cell:
        return styled(len(row.group.rollout_ids))

    def tasks(row: FailureRow, cells: int) -> Cell:
        return styled(len(row.group.task_row_ids), "muted")

    def runs(row: FailureRow, cells: int) -> Cell:
        return styled(len(row.group.run_ids), "muted")

    def errors(row: ToolTally) -> Cell:
        return styled(row.errors, "error" if row.errors else "muted")

    def failed_in(row: ToolTally) -> Cell:
        return styled(len(row.rollout_ids), "muted")

    def answer(row: ToolTally) -> Cell:
        return styled(row.commonest or "", "muted")

    heading = partial(_heading, content)
    return (
        Column("name", heading, 16, name, good=34, whole=True, flex=1),
        Column("rollouts", "N", 4, failure(rollouts), align="right"),
        Column("tasks", "TASKS", 5, failure(tasks), 1, align="right"),
        Column("runs", "RUNS", 4, failure(runs), 2, align="right"),
        Column("change", "CHANGE, pp", 18, failure(change), 2),
        Column("attempts", "ATTEMPTS", 8, failure(attempts), 3, flex=2, most=40),
        Column("with", "FAILS WITH", 16, failure(with_), 4, flex=3, most=60),
        Column("calls", "CALLS", 5, tool(lambda row: styled(row.calls)), align="right"),
        Column("errors", "ERRORS", 6, tool(errors), align="right"),
        Column("share", "SHARE", 5, tool(_share), 2, align="right"),
        Column("in-rollouts", "ROLLOUTS", 8, tool(failed_in), 3, align="right"),
        Column("answer", "COMMONEST ERROR", 16, tool(answer), 1, flex=2),
    )


def _heading(content: Callable[[], PaneContent]) -> str:
    return content().view.upper()


def _share(row: ToolTally) -> Cell:
    return styled(percent(row.error_share))


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
            outcome = attempt.outcome
            glyph = outcome_text.GLYPH[outcome] if outcome is not None else ABSENT
            own = attempt.rollout_id in hit and outcome is not None
            style = outcome_text.STYLE[outcome] if own and outcome is not None else "bar"
            pieces.append(StyledText(glyph, style))
            used += 1
    return tuple(pieces)


def in_full(content: PaneContent, row: PaneRow, width: int, screen_height: int) -> list[Cell]:
    """A failure in all its words: always so many lines, or the panes would jump."""
    height = min(_FULL_LINES, max(1, screen_height // 10))
    cells = max(width - 2, 8)
    head, text, numbers = described(content, row, cells)
    words = " ".join(clean(piece.text) for piece in text)
    first, *rest = wrapped(words, cells - width_of(head), cells, max(1, height - 1))
    lines: list[Cell] = [(*head, StyledText(first)), *((StyledText(line),) for line in rest)]
    if height > 1:
        lines.append(numbers)
    return [*lines, *[()] * (height - len(lines))]
