"""Several runs beside each other: settings that differ, pass rates, and which tasks flipped.

What a difference is worth is decided in `store.stats.comparison`; the tasks themselves are the
matrix's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from textual.widget import Widget

from gymtui.core.text import ABSENT, clean, fit, width
from gymtui.session.rollout_ref import RolloutRef
from gymtui.store import formats
from gymtui.store.column_def import Field, Schema, ValueKind
from gymtui.store.outcome import Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.stats import comparison
from gymtui.store.stats.comparison import Difference, Evidence, Setting, Significance, evidence_of
from gymtui.store.stats.significance import SOME
from gymtui.store.stats.task_rows import TaskAcrossRuns, TaskRow, across_schema
from gymtui.transcript import diff
from gymtui.tui.context.keymap import Key
from gymtui.tui.context.routes import CompareRollouts, CompareRuns, Route
from gymtui.tui.kit.breadcrumb import runs_crumb
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.line_parts import LinePart, join_fitting, part
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.styled_text import Cell, StyledText, value_cell, width_of
from gymtui.tui.matrix.failure_groups import PaneView
from gymtui.tui.matrix.runs_screen import RunsMatrixScreen

_NAME = 28
"""Cells of a run's name, at most."""
_WORDS: Mapping[Significance, tuple[str, str]] = {
    Significance.STRONG: ("strong", "warning"),
    Significance.SOME: ("weak", ""),
    Significance.CHANCE: ("n.s.", "muted"),
    Significance.ONE_ATTEMPT: ("1 attempt", "muted"),
}
"""Where there is little room, and the style."""
_LEGEND = "p of a task: one exact test over all runs, unadjusted"
_SHARE = 3
"""One line in so many is for the runs and their settings; the rest stays for the tasks."""


def _schema(runs: int) -> Schema[TaskAcrossRuns]:
    """What tasks are filtered and ordered by: as in the matrix, and by evidence."""

    def p(row: TaskAcrossRuns) -> float | None:
        found = evidence_of(row)
        return found.p if found is not None else None

    def order(row: TaskAcrossRuns) -> float | None:
        # Of what chance explains as well, the larger difference first.
        found = p(row)
        return None if found is None else found - (row.difference or 0.0) / 1e6

    return Schema(
        [*across_schema(runs), Field("evidence", ValueKind.NUMBER, p, ("p",), order=order)]
    )


class CompareRunsScreen(RunsMatrixScreen):
    """A comparison of two or more runs, the others with the first."""

    layout_name = "comparison of runs"
    prompt = "words, or p<0.05 diff>=50% run1<50%"
    DEFAULT_CSS = """
    CompareRunsScreen #panes FailuresPane { display: none; }
    CompareRunsScreen.failures #panes FailuresPane { display: block; }
    """

    def __init__(self, run_ids: Sequence[str]) -> None:
        super().__init__(run_ids, _schema(len(run_ids)))
        self._rows.set_order("evidence", reverse=False)
        self._settings_of_run: dict[str, tuple[int, dict[str, str]]] = {}
        self._settings: Sequence[Setting] = ()
        self._differences: Sequence[Difference | None] = ()

    def columns(self) -> tuple[Column[TaskAcrossRuns], ...]:
        task, difference, *runs = super().columns()
        # On a narrow screen two runs go before what is said of the cursor's task anyway.
        last = 2 if len(runs) == 2 else 0
        evidence = Column("evidence", "EVIDENCE", 9, self._evidence, last, 18, most=26, flex=1)
        return (task, difference, evidence, *runs)

    def body(self) -> Iterable[Widget]:
        parts = iter(super().body())
        yield next(parts)
        yield Lines(self.services.palette, id="against")
        yield from parts

    def breadcrumb(self) -> Cell:
        runs = formats.of_many(len(self.run_ids), "run")
        return (*runs_crumb(), StyledText(f"compare {runs}", "strong"))

    # -- what it shows ---------------------------------------------------------------------

    def tasks(self) -> Mapping[str, TaskAcrossRuns]:
        """The tasks, over all the runs; and what the runs differ in."""
        found = super().tasks()
        self._differences = comparison.differences(found.values(), len(self.run_ids))
        self._settings = comparison.differing_settings(
            [self._settings_at_launch(run_id) for run_id in self.run_ids]
        )
        return found

    def _settings_at_launch(self, run_id: str) -> dict[str, str]:
        """What a run was launched with; looked for anew only when rollouts came."""
        store = self.session.store
        if run_id not in store.runs:
            return {}
        known = self._settings_of_run.get(run_id)
        if known is not None and not store.knows_rollouts_of(run_id):
            return known[1]
        rows = store.rollouts_of(run_id)
        if known is None or known[0] != len(rows):
            row = store.runs.get(run_id)
            rollouts = (row.rollout for row in rows if row.rollout is not None)
            settings = comparison.settings_of(row.run if row is not None else None, rollouts)
            known = self._settings_of_run[run_id] = (len(rows), settings)
        return known[1]

    def summary_lines(self) -> Sequence[Cell]:
        found = [evidence_of(row) for row in self._rows.records.values()]
        differ = [item for item in found if item is not None]
        noise = sum(item.significance is Significance.ONE_ATTEMPT for item in differ)
        sure = sum(item.sure for item in differ)
        things = [
            part(formats.of_many(len(found), "task"), "muted"),
            part(self.how_many_differ(), "strong"),
        ]
        if differ:
            style = "warning" if sure else "muted"
            things.append(part(f"{sure} significant", style))
            alone = f"≤ {len(found) * SOME:.1f} false positives expected"
            things.append(part(alone, "muted", 2))
        if noise:
            things.append(part(f"{noise} by one attempt only", "muted", 1))
        names = ", ".join(setting.name for setting in self._settings)
        second = StyledText(f"different settings: {names}" if names else "no known settings differ")
        legend = [part(_LEGEND, "muted", 1)] if differ else []
        room = self.size.width - 2
        compared = max((item.comparisons for item in self._differences if item), default=0)
        for_many = f"p vs 1 adjusted for {compared} comparisons (Holm)" if compared > 1 else ""
        first = part(for_many, "muted")
        return join_fitting(things, room), join_fitting([first, LinePart((second,)), *legend], room)

    def summarise(self) -> None:
        if not self.ready:
            return
        super().summarise()
        lines = [Line(self._run_line(place)) for place in range(len(self.run_ids))]
        lines += [Line(self._setting_line(setting)) for setting in self._settings]
        most = max(2, self.size.height // _SHARE)
        if len(lines) > most:
            left = formats.of_many(len(lines) - most + 1, "more line")
            lines[most - 1 :] = [Line((StyledText(f"  {left}", "muted"),))]
        self.lines("against").show(lines)

    def _run_line(self, place: int) -> Cell:
        """A run's number, name and pass rate, and how far it is from the first one's."""
        sums = self._sums[place] if place < len(self._sums) else None
        room = self.size.width - 2
        most = min(_NAME, room // 4, max(width(clean(run_id)) for run_id in self.run_ids))
        name = StyledText(fit(self.run_ids[place], most, cut="middle", pad=True), "strong")
        begin = [*self._run_cell(place, None)[:1], name, StyledText("  ")]
        parts = [LinePart((*begin, *self._run_cell(place, sums)[1:]))]
        if sums is not None and sums.errors:
            parts.append(part(formats.of_many(sums.errors, "error"), "error", 2))
        if sums is not None and sums.unfinished:
            parts.append(part(f"{sums.unfinished} unfinished", "muted", 1))
        if sums is not None and sums.not_run:
            parts.append(part(f"{sums.not_run} not run", "muted", 1))
        found = self._differences[place] if place < len(self._differences) else None
        parts += _difference_parts(found) if found is not None else ()
        return join_fitting(parts, room)

    def _setting_line(self, setting: Setting) -> Cell:
        """A setting's value in each run, from shortly before they part."""
        begin = (StyledText("≠ ", "warning"), StyledText(f"{setting.name}  "))
        room = (self.size.width - 2 - width_of(begin)) // len(setting.values) - 5
        first = setting.values[0]
        pieces: list[StyledText] = []
        for place, value in enumerate(setting.values):
            other = setting.values[1] if place == 0 else value
            shown = diff.fit_difference(first, other, max(3, room))[0 if place == 0 else 1]
            value_piece = StyledText(f"{shown}  ", "" if value else "muted")
            pieces += [StyledText(f"{place + 1}: ", "key"), value_piece]
        return (*begin, *pieces)

    def _evidence(self, row: TaskAcrossRuns, cells: int) -> Cell:
        found = evidence_of(row)
        if found is None:
            return value_cell("=" if row.difference == 0 else ABSENT, "muted")
        return _evidence_cell(found, cells)

    def describe_significance(self, row: TaskAcrossRuns) -> Cell:
        found = evidence_of(row)
        if found is None:
            return ()
        between = f"{found.best + 1} over {found.worst + 1}"
        if found.runs > 2:
            between = f"best {found.best + 1}, worst {found.worst + 1} of {found.runs}"
        return (StyledText(f"{between}: ", "muted"), *_evidence_cell(found, _NAME))

    def open_row(self, row_id: str) -> None:
        """Compare a pass of the run that does best with a fail of the one that does worst.

        Where there are no such two, the task opens in the run under the cursor.
        """
        row = self._rows.records.get(row_id)
        found = evidence_of(row) if row is not None else None
        best = worst = None
        if row is not None and found is not None:
            best = _first_attempt(row.cells[found.best], Outcome.PASSED)
            worst = _first_attempt(row.cells[found.worst], Outcome.FAILED)
        if best is None or worst is None:
            super().open_row(row_id)
        else:
            pair = tuple(RolloutRef(side.run_id, side.rollout_id) for side in (best, worst))
            self.services.navigate(CompareRollouts(pair))

    def route_with(self, run_ids: tuple[str, ...]) -> Route:
        return CompareRuns(run_ids, replace=True)

    def action_failures_view(self) -> None:
        """Show what failed, too: by criterion, then by the next thing, then no more."""
        shown = self.has_class("failures")
        self.set_class(not shown or self._groups.view is not PaneView.MESSAGE, "failures")
        if shown:
            super().action_failures_view()
        else:
            self._show_failures()
        if not self.has_class("failures"):
            self._grid.focus()

    def footer_keys(self) -> list[Key]:
        return [key for key in super().footer_keys() if key.name != "compare-attempts"]

    def action_compare(self) -> None:
        refuse(self, "these runs are already being compared")


def _evidence_cell(found: Evidence, cells: int) -> Cell:
    """What evidence is worth, in so many cells: no number is ever cut."""
    full, (brief, style) = found.significance.value, _WORDS[found.significance]
    p = "" if found.significance is Significance.ONE_ATTEMPT else f", {formats.p_words(found.p)}"
    tight = p.replace(" = ", "=").replace(" < ", "<")
    for words, number in ((full, p), (brief, p), (brief, tight), (full, ""), (brief, "")):
        if len(words) + len(number) <= cells:
            return (StyledText(words, style), StyledText(number, "muted"))
    return (StyledText(brief, style),)


def _difference_parts(found: Difference) -> list[LinePart]:
    """`by task -12pp · -25 to +1 · p 0.04 · 18 tasks vs 1`: how far a run is from the first."""
    style = "warning" if found.clear else "muted"
    adjusted = "adjusted " if found.comparisons > 1 else ""
    parts = [
        part(f"by task {formats.points(found.mean)}pp", style),
        part(f"{adjusted}{formats.p_words(found.adjusted)}", style, 2),
        part(f"{formats.of_many(found.tasks, 'task')} vs 1", "muted", 4),
    ]
    if found.low is not None and found.high is not None:
        between = f"{formats.points(found.low)} to {formats.points(found.high)}"
        parts.insert(1, part(between, "muted", 3))
    return parts


def _first_attempt(cell: TaskRow | None, outcome: Outcome) -> RolloutRow | None:
    """The first attempt that came out so."""
    attempts = cell.attempts if cell is not None else ()
    return next((row for row in attempts if row.outcome is outcome), None)
