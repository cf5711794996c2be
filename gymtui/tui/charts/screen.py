"""Charts: is it getting better, and how are steps, times, scores and costs distributed.

Each chart is a list whose rows are drawn: a point or a bin under the cursor says its numbers in
words and can be entered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gymtui.core.replacement import replace
from gymtui.poll.view import View
from gymtui.store import formats
from gymtui.store.delta import Delta
from gymtui.store.lists.ordering import OrderedView
from gymtui.store.records import RolloutRow
from gymtui.store.stats.histograms import ENDED, MEASURES, Histogram, histogram
from gymtui.store.stats.trend import trend
from gymtui.tui.charts.bars import axis, outcome_bar, rate_line
from gymtui.tui.charts.rows import OVER_TIME, RATE, ROWS, ChartRow, bin_rows, rate_rows, time_rows
from gymtui.tui.context.keymap import Scope
from gymtui.tui.context.routes import OpenCharts, OpenRollouts, OpenRun
from gymtui.tui.kit.breadcrumb import runs_crumb
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.lines import Line
from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.styled_text import Cell, StyledText, value_cell

CHARTS = (RATE, *(measure.name for measure in MEASURES), OVER_TIME)


class ChartsScreen(ListScreen[ChartRow], scope=Scope.CHARTS):
    """The charts of some runs."""

    layout_name = "charts"
    lines_around = (2, 2)
    prompt = "words, or rollouts>=5 rate<50%"

    def __init__(self, route: OpenCharts) -> None:
        super().__init__(ROWS, "place")
        self.run_ids = route.run_ids
        self._chart = route.chart if route.chart in CHARTS else CHARTS[0]
        self._histogram = Histogram((), 0, 0)
        self._most = 0

    def columns(self) -> tuple[Column[ChartRow], ...]:
        plain = self.services.appearance.ascii or not self.services.appearance.colour

        def numbers(row: ChartRow, cells: int) -> Cell:
            return value_cell(row.numbers)

        def label(row: ChartRow, cells: int) -> Cell:
            worse = row.point is not None and row.point.worse
            return value_cell(row.label, "failed" if worse else "")

        def drawn(row: ChartRow, cells: int) -> Cell:
            if row.point is not None:
                return rate_line(row.point, row.base, cells, plain=plain)
            return outcome_bar(row.counts or {}, self._most, cells, plain=plain)

        def verdict(row: ChartRow, cells: int) -> Cell:
            point = row.point
            if point is None:
                return ()
            if point.worse:
                return (StyledText("v worse" if plain else "▼ worse", "failed"),)
            if point.run_id == self.session.baseline.run_id:
                return (StyledText("baseline", "accent"),)
            better = StyledText("^ better" if plain else "▲ better", "passed")
            return (better,) if point.better else ()

        return (
            Column("label", self._label_title, 6, label, whole=True, most=28, cut="middle"),
            Column("chart", "", 12, drawn, flex=1, heading=self._heading),
            Column("numbers", self._numbers_title, 8, numbers, whole=True, align="right"),
            Column("verdict", "", 8, verdict, priority=1),
        )

    def _label_title(self) -> str:
        return {RATE: "CHECKPOINT", OVER_TIME: "ENDED"}.get(self._chart, self._chart.upper())

    def _numbers_title(self) -> str:
        return "PASS@1" if self._chart == RATE else "ROLLOUTS"

    def _heading(self, cells: int) -> Cell:
        return axis(cells) if self._chart == RATE else ()

    def breadcrumb(self) -> Cell:
        of = formats.of_many(len(self.run_ids), "run")
        if len(self.run_ids) == 1:
            of = self.fit_name(self.run_ids[0], beside=9)
        return (*runs_crumb(), StyledText(f"charts of {of}", "strong"))

    def poll_target(self, view: View) -> View:
        """All its runs are looked at; the rollouts of those not known are read one by one."""
        opened = next(self._unknown_runs(), self.run_ids[0])
        return replace(view, open_run=opened, runs_in_view=self.run_ids)

    def _unknown_runs(self) -> Iterator[str]:
        """The runs whose rollouts are not known yet, or no more."""
        store = self.session.store
        for run_id in self.run_ids:
            if run_id in store.runs and not store.knows_rollouts_of(run_id):
                yield run_id

    def empty_text(self) -> str:
        if self._wanted.text.strip():
            return super().empty_text()
        if self._chart in ("tokens", "cost") and self._histogram.of:
            return f"{self._chart} is known of transcripts that were read: of none here"
        return "nothing to draw yet"

    def changed(self, delta: Delta) -> None:
        touched = self.session.store.runs_of(delta).intersection(self.run_ids)
        if touched or not self._rows.records:
            self._draw()
            self.services.view_changed()

    def _draw(self) -> None:
        rows = {str(row.place): row for row in self._chart_rows()}
        self._most = max((row.total for row in rows.values()), default=0)
        gone = [row_id for row_id in self._rows.records if row_id not in rows]
        self._rows.apply(rows, gone, self.services.now().timestamp())
        self._grid.empty = self.empty_text()
        self.show_rows()
        self._grid.redraw()
        self.summarise()

    def _chart_rows(self) -> Sequence[ChartRow]:
        store, session = self.session.store, self.session
        if self._chart == RATE:
            known = [run_id for run_id in self.run_ids if run_id in store.runs]
            found = [(run_id, store.summary(run_id)) for run_id in known]
            name = session.baseline.run_id
            compared = (name, store.summary(name)) if name is not None else None
            return rate_rows(trend(found, compared))
        rollouts = self._rollouts()
        if self._chart == OVER_TIME:
            self._histogram = histogram(rollouts, ENDED)
            return time_rows(self._histogram)
        measure = next(one for one in MEASURES if one.name == self._chart)
        self._histogram = histogram(rollouts, measure, session.tracker.last_steps)
        return bin_rows(self._histogram, measure)

    def _rollouts(self) -> list[RolloutRow]:
        store = self.session.store
        return [row for run_id in self.run_ids for row in store.rollouts_of(run_id)]

    def summarise(self) -> None:
        if not self.ready:
            return
        tabs = []
        for name in CHARTS:
            style = "accent" if name == self._chart else "muted"
            tabs.append(StyledText(f" {name} ", style, f"key:chart('{name}')"))
        counts = (StyledText(self._counts(), "muted"),)
        self.lines("summary").show([Line(tuple(tabs)), Line(counts, self.remarks())])
        self.describe_cursor(self.cursor_record.words if self.cursor_record is not None else "")

    def _counts(self) -> str:
        if self._chart == RATE:
            mark = "|" if self.services.appearance.ascii else "┊"
            against = "the baseline" if self.session.baseline.run_id else "the checkpoint before"
            return f"95 % intervals · {mark} compared with {against}"
        known, of = self._histogram.known, formats.of_many(self._histogram.of, "rollout")
        missing = sum(1 for _ in self._unknown_runs())
        more = f" · reading {formats.of_many(missing, 'more run')}" if missing else ""
        return f"{self._chart} known for {known:,} of {of} that ended{more}"

    def action_chart(self, which: int | str) -> None:
        """Show the next chart (1), the one before (-1), or one by its name."""
        if isinstance(which, str):
            self._chart = which
        else:
            self._chart = CHARTS[(CHARTS.index(self._chart) + which) % len(CHARTS)]
        self._rows = OrderedView(ROWS, "place")
        self._grid.order = ("place", False)
        self._grid.keep_marks(())
        self._grid.cursor_id = None
        self.apply_filter("")
        self._draw()
        self._grid.remeasure()

    def open_row(self, row_id: str) -> None:
        row = self._rows.records.get(row_id)
        if row is None:
            return
        if row.point is not None:
            self.services.navigate(OpenRun(row.point.run_id))
        elif not row.total:
            refuse(self, "no rollouts in this bin")
        else:
            self.services.navigate(OpenRollouts(self.run_ids, row.filter))

    def action_baseline(self) -> None:
        row = self.cursor_record
        if row is None or row.point is None:
            refuse(self, "only a checkpoint can be the baseline")
            return
        self.toggle_baseline(row.point.run_id)
        self._draw()

    def action_reverse(self) -> None:
        super().action_reverse()
        if len(self._rows) < 2:
            refuse(self, "nothing to sort")

    def copy_text(self) -> str | None:
        return None if self.cursor_record is None else self.cursor_record.words
