"""What went wrong in some runs, grouped by criterion, by tool or by message, for the pane of it.

How the rows are drawn is `failures_pane`; what they are, `store.stats.failure_changes` and
`tool_errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gymtui.store.lists.query import quote_value
from gymtui.store.phases import is_finished
from gymtui.store.records import RolloutRow
from gymtui.store.stats.failure_changes import (
    CoFailures,
    FailureRow,
    RunPair,
    attempts_of,
    failure_rows,
)
from gymtui.store.stats.failures import FailureView
from gymtui.store.stats.matrix import AT_ONCE
from gymtui.store.stats.tool_errors import ToolTally, tool_tallies
from gymtui.store.store import Store
from gymtui.tui.matrix.counted_rollouts import CountedRollouts

_SHOWN_AT_ONCE = 60
"""Rows of what went wrong that a screen may have room for."""


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


@dataclass(frozen=True, slots=True)
class PaneContent:
    """What the pane shows."""

    view: PaneView
    rows: Sequence[PaneRow]
    # All attempts of a group's tasks, task by task.
    attempts: Callable[[FailureRow], Iterable[Sequence[RolloutRow]]]
    compared_run: str | None = None  # the run compared with, or None
    # Of how many rollouts tools are known, and of how many that ended.
    read_counts: tuple[int, int] = (0, 0)
    has_several_runs: bool = False
    is_known: bool = (
        False  # whether the rollouts of every run are: else that no failures is not known
    )
    co_failures: CoFailures = field(default_factory=lambda: CoFailures(()))  # what fails together


def row_id_of(row: PaneRow) -> str:
    """What names a row while others come and go."""
    return row.tool if isinstance(row, ToolTally) else "\n".join(row.group.key)


def rollouts_of(row: PaneRow) -> tuple[str, ...]:
    """The rollouts that a row stands for."""
    return row.rollout_ids if isinstance(row, ToolTally) else row.group.rollout_ids


def filter_of(row: PaneRow, rows: Sequence[PaneRow], view: PaneView) -> str:
    """The filter of rollouts that lets just those of a row through."""
    if isinstance(row, ToolTally):
        return f"failed_tool:{quote_value(row.tool)}"
    column = "criterion" if view is PaneView.CRITERION else "failure"
    key = row.group.key[1]
    alike = sum(isinstance(r, FailureRow) and r.group.key[1] == key for r in rows)
    outcome = f" outcome:{row.group.outcome}" if alike > 1 else ""
    return f"{column}:{quote_value(row.group.folded)}{outcome}"


class FailureGroups:
    """What went wrong in some runs, as the pane shows it, among the rollouts that are counted.

    These are of the runs, and of the one that they are compared with.
    """

    def __init__(self, run_ids: Sequence[str], counted: CountedRollouts) -> None:
        self._run_ids = run_ids
        self._counted = counted
        self.view = PaneView.CRITERION
        self.content = PaneContent(self.view, (), lambda _row: ())
        self.unread: list[str] = []
        """Rollouts that ended and whose tool calls are not known."""

    def group(self, store: Store, pair: tuple[str, str] | None) -> Iterator[None]:
        """Group what is counted now, stopping now and then so that keys are answered.

        The failures of a run are compared with those of another; `pair` is None for none.
        """
        view = self.view
        if pair is not None and pair[1] not in self._counted.counted_runs:
            pair = None
        ended, rows = yield from self._tools(store)
        if view is not PaneView.TOOL:
            rows = yield from failure_rows(
                self._counted.failures,
                self._counted.matrix,
                FailureView(view),
                self._run_ids,
                [RunPair(*pair)] if pair is not None and pair[0] != pair[1] else (),
            )
        together = CoFailures(row.group for row in rows if isinstance(row, FailureRow))
        for row in rows[:_SHOWN_AT_ONCE]:
            if isinstance(row, FailureRow):
                together.with_group(row.group)  # which is drawn, of thousands of rollouts each
                yield
        tasks = [self._counted.matrix.tasks(run_id) for run_id in self._run_ids]
        self.content = PaneContent(
            view,
            rows,
            lambda row: attempts_of(row.group, tasks),
            compared_run=pair[1] if pair is not None else None,
            read_counts=(ended - len(self.unread), ended),
            has_several_runs=len(self._run_ids) > 1,
            is_known=self._counted.counted_runs.issuperset(self._run_ids),
            co_failures=together,
        )

    def _tools(self, store: Store) -> Generator[None, None, tuple[int, Sequence[PaneRow]]]:
        """How many rollouts ended, and the tools that those whose artifacts were read called."""
        if self.view is not PaneView.TOOL:
            return 0, ()
        unread, called = [], {}
        for run_id in self._run_ids:
            for number, row in enumerate(store.rollouts_of(run_id), 1):
                if not number % AT_ONCE:
                    yield
                if row.rollout is None or not is_finished(row.rollout):
                    continue
                if row.tools is None:
                    unread.append(row.rollout_id)
                else:
                    called[row.rollout_id] = row.tools
        self.unread = unread
        tallies = yield from tool_tallies(called)
        return len(unread) + len(called), tallies
