"""One run: its numbers and its rollouts."""

from __future__ import annotations

from collections.abc import Iterator

from gymtui.core.replacement import replace
from gymtui.poll.time_spent import TimeSpent
from gymtui.poll.view import View
from gymtui.session.actions import Verb
from gymtui.store.delta import Delta
from gymtui.store.formats import of_many
from gymtui.store.history.notes import NoteOf
from gymtui.store.lists.columns import READ_ROLLOUTS, RunView
from gymtui.store.records import RolloutRow, RunRow
from gymtui.store.run_rows import RunRows
from gymtui.store.running_rollouts import Running
from gymtui.store.stats.run_stats import RunStats
from gymtui.tui.context.keymap import Scope
from gymtui.tui.context.routes import OpenCharts, OpenLaunch, OpenMatrix, OpenSearch
from gymtui.tui.context.selection import Selection
from gymtui.tui.kit.breadcrumb import runs_crumb
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.line_parts import room_beside
from gymtui.tui.kit.lines import Line
from gymtui.tui.kit.list_screen import ListScreen
from gymtui.tui.kit.refusal import UNREAD_ROLLOUT, refuse
from gymtui.tui.kit.rollout_details import details_height, watched_details
from gymtui.tui.kit.run_marks import run_marks, why_empty
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.kit.work_in_pieces import WorkInPieces
from gymtui.tui.rollouts.columns import message_column, rollout_columns, task_heads, timeline_column
from gymtui.tui.rollouts.header import count_stuck, final_bounds, run_header
from gymtui.tui.rollouts.time_window import TimeWindow

TAKEN_AT_ONCE = 50
"""Rollouts that came or changed and are shown without a pause: some 5 ms with their lines."""

_BY_TASK = "task"
_WHOLE = "the whole timeline is shown"


class RolloutsScreen(ListScreen[RolloutRow], scope=Scope.ROLLOUTS):
    """The rollouts of one run, by a filter at first if one is wanted."""

    empty = "no rollouts yet"
    unread = UNREAD_ROLLOUT
    layout_name = "rollouts"
    lines_around = (3, 2)
    prompt = "words, or status:running task:*phone* steps>=20"

    def __init__(self, run_id: str, wanted: str = "") -> None:
        super().__init__(READ_ROLLOUTS, "task")
        self.start_with_filter(wanted)
        self.empty_columns = frozenset({"score", "tokens", "cost", "note"})
        self.run_id = self.shows_run = run_id
        self._run_rows = RunRows(self._rows)
        self._intake = WorkInPieces(self, self._take_due_rows)
        self._is_adding = False
        self._header: tuple[object, tuple[Cell, ...]] | None = None
        self._numbers: RunStats | None = None
        self._time_spent: TimeSpent | None = None
        self._grouped = False
        self._task_heads: dict[str, tuple[str, str]] = {}

    def columns(self) -> tuple[Column[RolloutRow], ...]:
        watched = self.session.tracker
        plain = self.services.appearance.ascii
        kept = self.services.saved_layout.of(self.layout_name)
        self._timeline = TimeWindow(watched, self.session.clock_lead, plain=plain)
        self._timeline.restore(kept.zoom, wall=kept.wall)
        self._grouped = kept.group == _BY_TASK
        return (
            *rollout_columns(self.services.now, lambda: watched.last_steps, self._task_heads),
            timeline_column(self._timeline),
            message_column(),
        )

    def on_mount(self) -> None:
        self.session.tracker.recall(self.run_id)

    @property
    def _run(self) -> RunRow | None:
        return self.session.store.runs.get(self.run_id)

    def breadcrumb(self) -> Cell:
        summary = self.session.store.summary(self.run_id)
        row = self._run
        pieces = [*runs_crumb(), StyledText(self.fit_name(self.run_id), "strong")]
        scenario = row.run.scenario_id if row and row.run else None
        facts = [scenario, summary.model if summary else None]
        words = " · ".join(text for text in facts if text)
        pieces += run_marks(self.session, self.run_id)
        if words:
            pieces.append(StyledText(f"   {words}", "muted"))
        kept = row.kept_note if row else None
        if note := self.session.notes.all(NoteOf.RUN).get(self.run_id) or kept:
            pieces.append(StyledText(f"   {note}", "accent"))
        return tuple(pieces)

    def poll_target(self, view: View) -> View:
        return replace(view, open_run=self.run_id)

    def listed_runs(self) -> tuple[str, ...]:
        """This one: some of its rollouts may be known before, since they run."""
        return (self.run_id,)

    # -- what changed ----------------------------------------------------------------------

    def changed(self, delta: Delta) -> None:
        """Take this run's changed rollouts in: few at once, thousands in pieces between keys."""
        self.hold_rows()
        rows, rollouts = self._run_rows, self.session.store.rollouts
        touched = delta.rollouts
        own = {
            rollout_id: row
            for rollout_id in touched
            if (row := rollouts.get(rollout_id)) is not None and row.run_id == self.run_id
        }
        rows.put(own, touched - own.keys())
        for usage in filter(None, (row.usage for row in own.values())):
            self.show_if_filled(
                "tokens", filled="tokens" not in self.empty_columns or usage.tokens is not None
            )
            self.show_if_filled(
                "cost", filled="cost" not in self.empty_columns or usage.cost_usd is not None
            )
        if any(row.note for row in own.values()):
            self.show_if_filled("note", filled=True)
        # Not what the delta says went: rollouts go while another screen is on top, too.
        rows.keep_only(rollouts)
        if self.run_id in delta.runs:
            self.show_frame()
        self._intake.begin(at_once=rows.due <= TAKEN_AT_ONCE)

    def _take_due_rows(self) -> Iterator[None]:
        store, now = self.session.store, self.services.now().timestamp()
        last_steps = self.session.tracker.last_steps
        yield from self._run_rows.take_due(now, store.we_cancelled, last_steps)
        yield
        self._show_rows()
        yield
        self._add_up_time()

    def _show_rows(self) -> None:
        """Show the rows, and know what they add up to."""
        self._rows.tick(self.services.now().timestamp())
        row = self._run
        total = row.run.total if row is not None and row.run is not None else None
        known = self.session.store.knows_rollouts_of(self.run_id)
        self._numbers = self._run_rows.numbers(total) if known else None
        listed_at = self.session.tracker.listed_at(self.run_id)
        self._timeline.extent = self._run_rows.extent(listed_at)
        self._find_heads()
        if self._numbers is not None:
            self.show_if_filled("score", filled=self._numbers.scores is not None)
        self.show_rows()

    def _add_up_time(self) -> None:
        """See where time goes, of a large run a part at a time, and write the numbers."""
        spent = self.session.tracker.time_spent(self.run_id)
        if spent.complete:
            self._time_spent = spent
        elif not self._is_adding:
            self._is_adding = True
            self.set_timer(0.01, self._continue_adding)
        self._header = None
        self.summarise()

    def _continue_adding(self) -> None:
        self._is_adding = False
        self._add_up_time()

    # -- around the list -------------------------------------------------------------------

    def empty_text(self) -> str:
        why = None if self._wanted.text.strip() else why_empty(self.session, self.run_id)
        return why or super().empty_text()

    def summarise(self) -> None:
        self._detail()
        row = self._run
        remarks = self.remarks()
        if row is None or row.run is None:
            self._header = None
            self.lines("summary").show([Line((), remarks)])  # what it said is true no longer
            return
        width = self.size.width
        cells = (room_beside(remarks, width), width - 2, width - 2)
        # Where the cursor stands changes nothing in it.
        if self._header is None or self._header[0] != cells:
            now = self.services.now()
            watched, limits = self.session.tracker, self.session.settings.stuck
            stuck = count_stuck(self._rows.records, self._numbers, Running(limits), watched, now)
            run = RunView(row, self.session.store.summary(self.run_id), stuck=stuck)
            known = (run, self._numbers, self._time_spent, now.timestamp())
            plain, colour = self.services.appearance.ascii, self.services.appearance.colour
            self._header = (cells, run_header(*known, cells, plain=plain, colour=colour))
        first, *others = self._header[1]
        why = why_empty(self.session, self.run_id)
        if why is not None and not row.is_deleted and self._rows.records:
            others[0] = (StyledText(why, "warning"),)  # what is there moves on no more
        self.lines("summary").show([Line(first, remarks), *map(Line, others)])

    def _detail(self) -> None:
        row, run = self.cursor_record, self._run
        height, plain = details_height(self.app.size.height), self.services.appearance.ascii
        details = watched_details(self.session, row, self.size.width - 2, height, plain=plain)
        ends = final_bounds(RunView(run), self._numbers) if run is not None else ()
        self.show_details(details, ends)

    def _find_heads(self) -> None:
        """While grouped, find where each task begins in the list as it is ordered."""
        self._task_heads.clear()
        if self._grouped:
            self._task_heads.update(task_heads(self._rows, self._rows.records))

    def show_filtered(self) -> None:
        self._find_heads()
        super().show_filtered()

    def order_by(self, name: str, *, reverse: bool) -> None:
        super().order_by(name, reverse=reverse)
        self._find_heads()
        self._grid.sync()

    # -- the timeline ----------------------------------------------------------------------

    def action_timeline(self) -> None:
        before, layout = self._timeline_is_seen, self.services.saved_layout
        hidden = set(layout.of(self.layout_name).hidden) ^ {"timeline"}
        layout.change(self.layout_name, hidden=tuple(sorted(hidden)))
        self._grid.hide_columns(self.hidden_columns())
        if self._timeline_is_seen is before:
            refuse(self, "no room for the timeline")

    def action_zoom(self, steps: int) -> None:
        if self._require_timeline():
            whole = "cannot zoom in further" if steps > 0 else _WHOLE
            self._show_timeline(whole, moved=self._timeline.zoom(steps))

    def action_pan(self, steps: int) -> None:
        if self._require_timeline():
            end = f"the timeline {'ends' if steps > 0 else 'starts'} here"
            whole = f"{_WHOLE} · {self.services.keys.label('zoom-in')} zooms in"
            why = end if self._timeline.zoom_level else whole
            self._show_timeline(why, moved=self._timeline.pan(steps))

    def action_fit(self) -> None:
        if self._require_timeline():
            self._show_timeline(_WHOLE, moved=self._timeline.fit())

    def action_wall_clock(self) -> None:
        if self._require_timeline():
            self._timeline.toggle_clock()
            self._show_timeline("", moved=True)

    @property
    def _timeline_is_seen(self) -> bool:
        return any(at.column.key == "timeline" for at in self._grid.placed_columns)

    def _require_timeline(self) -> bool:
        """Whether there is a timeline to look at; where not, that is told."""
        if not self._timeline_is_seen:
            why = f"the timeline is hidden · {self.services.keys.label('timeline')} shows it"
            hidden = "timeline" in self.services.saved_layout.of(self.layout_name).hidden
            refuse(self, why if hidden else "no room for the timeline")
        return self._timeline_is_seen

    def _show_timeline(self, why_not: str, *, moved: bool) -> None:
        """Show the timeline as it is looked at now, and remember that; or say why it stays."""
        if not moved:
            refuse(self, why_not)
        zoom, wall = self._timeline.zoom_level, self._timeline.wall
        self.services.saved_layout.change(self.layout_name, zoom=zoom, wall=wall)
        self._grid.sync()

    def action_group(self) -> None:
        self._grouped = not self._grouped
        group = _BY_TASK if self._grouped else None
        self.services.saved_layout.change(self.layout_name, group=group)
        self.order_by("task", reverse=False)
        if not self._rows:
            refuse(self, "no rollouts to group")

    def malformed(self, record: RolloutRow) -> str | None:
        """Why a rollout could not be read: its id is none of the gym's."""
        return record.malformed

    def action_matrix(self) -> None:
        self.services.navigate(OpenMatrix((self.run_id,)))

    def selection(self) -> Selection:
        return Selection((self.run_id,), tuple(self.chosen_rows()))

    def action_charts(self) -> None:
        if not self._rows.records:
            refuse(self, "no rollouts to chart")
        else:
            self.services.navigate(OpenCharts((self.run_id,), "steps"))

    def action_search(self) -> None:
        marked = self.chosen_rows() if self._grid.marks else None
        listed = self.rollout_ids() if self._rows.filter.text else None
        if not self._rows.records or listed == ():
            refuse(self, "no rollouts to search")
            return
        wanted = marked if marked is not None else listed
        of = "" if wanted is None else f"{of_many(len(wanted), 'rollout')} of "
        only = None if wanted is None else tuple(wanted)
        self.services.navigate(OpenSearch((self.run_id,), only, f"{of}{self.run_id}"))

    def action_launch_again(self) -> None:
        rollouts = self.session.store.rollouts
        marked = [rollouts[i].rollout for i in self._grid.marks if i in rollouts]
        tasks = {rollout.task_id for rollout in marked if rollout and rollout.task_id}
        if marked and not tasks:
            refuse(self, "the marked rows have no task to rerun")
        else:
            wanted = tuple(sorted(tasks)) or None
            self.services.navigate(OpenLaunch(self.run_id, rerun=True, tasks=wanted))

    def action_cancel(self) -> None:
        self.services.ask_to(Verb.CANCEL, [self.run_id])
