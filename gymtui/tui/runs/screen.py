"""The first screen: every run, how far it is and how well it goes."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from textual.widget import Widget

from gymtui.core.replacement import replace
from gymtui.core.urls import without_login
from gymtui.poll.view import View
from gymtui.session.actions import Verb
from gymtui.store.column_def import ValueKind, natural
from gymtui.store.delta import NOTHING, Delta
from gymtui.store.lists.columns import LISTED, RUNS, RunView
from gymtui.store.lists.groups import Grouping, Groups
from gymtui.store.lists.ordering import OrderedView
from gymtui.store.lists.query import quote_value
from gymtui.tui.context.keymap import Scope
from gymtui.tui.context.routes import OpenLaunch, OpenRun, Route
from gymtui.tui.context.selection import Selection
from gymtui.tui.kit.column import Column
from gymtui.tui.kit.line_parts import join_fitting, room_beside
from gymtui.tui.kit.lines import Line
from gymtui.tui.kit.list_screen import READING, ListScreen
from gymtui.tui.kit.refusal import UNREAD_RUN, refuse
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.runs import destinations
from gymtui.tui.runs.columns import run_columns
from gymtui.tui.runs.digest_menu import open_digest_menu
from gymtui.tui.runs.rule_menu import open_rule_menu
from gymtui.tui.runs.run_views import ORDER_WAIT_S, RunViews
from gymtui.tui.runs.totals import total_parts

_GROUPINGS: tuple[Grouping | None, ...] = (None, *Grouping)


class RunsScreen(ListScreen[RunView], scope=Scope.RUNS):
    """The list of runs, or of groups of runs."""

    empty = "no runs"
    unread = UNREAD_RUN
    prompt = "words, or status:running model:gpt* pass<50% age<2h stuck:"
    layout_name = "runs"
    is_first = True

    def __init__(self) -> None:
        super().__init__(RUNS, "age")
        self.empty_columns = frozenset({"score", "note"})
        self._runs = self._rows
        self._groups: Groups | None = None
        self._filter = ""
        self._only_active = False
        self._views: RunViews

    def columns(self) -> tuple[Column[RunView], ...]:
        plain = self.services.appearance.ascii or not self.services.appearance.colour
        return run_columns(self.services.now, self._title, self._members, plain=plain)

    def _title(self) -> str:
        return "RUN" if self._groups is None else self._groups.by.upper()

    def _members(self, group: str) -> int | None:
        return None if self._groups is None else len(self._groups.members(group))

    def body(self) -> Iterable[Widget]:
        self._views = RunViews(self.session)
        return super().body()

    def on_mount(self) -> None:
        kept = self.services.saved_layout.of(self.layout_name)
        self._only_active = kept.only_active
        if kept.group in tuple(Grouping):
            self._group_by(Grouping(kept.group))
        self.apply_filter(self.services.saved_layout.filters.get(self._gym_key, ""))

    @property
    def _gym_key(self) -> str:
        """Whose filter it is: another gym, or source, starts without."""
        settings = self.session.settings
        return f"{without_login(settings.base_url)} {settings.source}"

    def breadcrumb(self) -> Cell:
        settings = self.session.settings
        profile = "" if settings.profile_name == "default" else f"{settings.profile_name} "
        shown = "from disk" if settings.directories else f"source {settings.source}"
        gym = (StyledText(profile, "accent"), StyledText(f"{settings.host}  "))
        return (StyledText("gymtui  ", "strong"), *gym, StyledText(shown, "muted"))

    def poll_target(self, view: View) -> View:
        """The rows on screen come first; of a group, its runs."""
        return replace(view, runs_in_view=tuple(self._runs_of(self._grid.in_view)))

    def changed(self, delta: Delta) -> None:
        store = self.session.store
        self._views.running.update(store.rollouts, delta.rollouts, self.session.tracker)
        waited = self._views.is_waiting
        if not self._views.order_is_known(self._rows.order):
            if not waited:
                self.set_timer(ORDER_WAIT_S, lambda: self.changed(NOTHING))
            self.summarise()
            return
        at = self.services.now()
        now = at.timestamp()
        touched = self._views.changed(delta, self._runs.records, self._grid.in_view, at)
        if any(run.summary is not None and run.summary.scored for run in touched.values()):
            self.show_if_filled("score", filled=True)
        if any(run.note for run in touched.values()):
            self.show_if_filled("note", filled=True)
        # Not what the delta says went: runs go while another screen is on top of this one, too.
        gone = self._runs.records.keys() - store.runs.keys()
        moved = bool(self._runs.apply(touched, gone, now)) | self._stand_in()
        if self._groups is not None:
            moved |= bool(self._rows.apply(*self._groups.apply(touched, gone), now))
        if moved or not delta or gone:
            self._rows.tick(now)
            self.show_rows()
        self._select_launched()
        self.summarise()

    def _stand_in(self) -> bool:
        """Order by the gym's own list while results are read; whether anything moved."""
        column = LISTED if self.session.link.reading else None
        moved = self._runs.stand_in(column)
        return bool(self._rows.stand_in(column) if self._groups is not None else moved)

    def _select_launched(self) -> None:
        """Put the cursor on the run that was just launched, once it is there."""
        if self._groups is not None:
            return  # no run to stand on
        run_id = self.session.take_launched(self._runs.records)
        if run_id is None:
            return
        self._grid.select(run_id)
        if run_id not in self._rows:
            self.services.notify(f"{run_id} is hidden by the filter", timeout=4)

    def summarise(self) -> None:
        now = self.services.now()
        by = None if self._groups is None else self._groups.by
        parts = total_parts(self.session, self._views.running.stuck(now), now, by)
        remarks = self.remarks()
        words = join_fitting(parts, room_beside(remarks, self.size.width))
        self.lines("summary").show([Line(words, remarks)])

    @property
    def is_reading(self) -> bool:
        """Whether another order stands in for the chosen one; for age the gym's own is as good."""
        return self._rows.is_provisional and self._rows.order.kind is not ValueKind.TIME

    def remarks(self) -> Cell:
        pieces = super().remarks()
        if (chosen := self.session.baseline.chosen) is not None:
            lost = self.session.link.synced and self.session.baseline.run_id is None
            remark = StyledText(" (not listed)" if lost else "", "warning")
            baseline = (StyledText("baseline: ", "muted"), StyledText(chosen), remark)
            pieces = (*baseline, StyledText("  "), *pieces)
        if self._only_active and not self.hint:
            return (StyledText("active only  ", "accent"), *pieces)
        return pieces

    def empty_text(self) -> str:
        """Why there are no runs; "active only" is no filter that `esc` clears."""
        if self._views.is_waiting:
            return READING
        if not self._only_active or self._filter.strip():
            return super().empty_text()
        if not self._runs.records:
            return self.empty if self.session.link.synced else READING
        return f"no active runs; {self.services.keys.label('only-active')} shows all"

    # -- what is shown ---------------------------------------------------------------------

    def apply_filter(self, text: str) -> str | None:
        """Narrow the list; "active only" goes on top of what is typed."""
        wrong = super().apply_filter(f"{text} active:" if self._only_active else text)
        if wrong is None:
            self._filter = text
            self.services.saved_layout.keep_filter(self._gym_key, text)
        return wrong

    def filter_text(self) -> str:
        return self._filter

    def action_only_active(self) -> None:
        self._only_active = not self._only_active
        self.services.saved_layout.change(self.layout_name, only_active=self._only_active)
        self.apply_filter(self._filter)

    def action_group(self) -> None:
        now = self._groups.by if self._groups is not None else None
        following = _GROUPINGS[(_GROUPINGS.index(now) + 1) % len(_GROUPINGS)]
        self._group_by(following)
        self.services.saved_layout.change(self.layout_name, group=following and str(following))
        self.apply_filter("")

    def _group_by(self, by: Grouping | None) -> None:
        self._grid.keep_marks(())
        before = self._rows
        if by is None:
            self._groups, self._rows = None, self._runs
        else:
            self._groups = Groups(by)
            self._rows = OrderedView(RUNS, "age")
            now = self.services.now().timestamp()
            self._rows.apply(*self._groups.apply(self._runs.records, ()), now)
        self._rows.set_order(before.order.name, reverse=before.reverse)
        self._grid.set_rows(self._rows)

    def action_source(self) -> None:
        destinations.choose_source(self)

    def open_row(self, row_id: str) -> None:
        if self._groups is not None:
            by = self._groups.by
            column = {Grouping.NAME: "run"}.get(by, str(by))
            wild = "*" if by is Grouping.NAME else ""
            self._group_by(None)
            self.services.saved_layout.change(self.layout_name, group=None)
            self.apply_filter(f"{column}:{quote_value(row_id)}{wild}")
            return
        if row_id not in self._runs.records or self.is_malformed(row_id):
            self.action_describe()
            return
        self.services.navigate(OpenRun(row_id))

    def malformed(self, record: RunView) -> str | None:
        """Why a run could not be read: its id is none of the gym's."""
        return record.row.malformed if self._groups is None else None

    def chosen_rows(self) -> list[str]:
        """The chosen runs; nothing is done to whole groups."""
        return [] if self._groups is not None else super().chosen_rows()

    def action_describe(self) -> None:
        """Show every field as received; of a group there is none."""
        if self._groups is not None and self._grid.cursor_id is not None:
            key = self.services.keys.label("open")
            refuse(self, f"a group has no fields · {key} shows its runs")
        else:
            super().action_describe()

    def action_matrix(self) -> None:
        destinations.open_matrix(self, self._chosen_runs())

    def _navigate_or_refuse(self, where: Route | str) -> None:
        """Go somewhere, or say why not."""
        if isinstance(where, str):
            refuse(self, where)
        else:
            self.services.navigate(where)

    def _chosen_runs(self) -> list[str]:
        """The chosen runs; of chosen groups all their runs, by age, those counted alike by name."""
        if self._groups is None:
            return self.chosen_rows()
        views, runs = self._runs.records, self._runs_of(super().chosen_rows())
        return sorted(runs, key=lambda run: (_created_s(views[run]), natural(run)))

    def _runs_of(self, row_ids: Iterable[str]) -> list[str]:
        """The runs that rows stand for."""
        if self._groups is None:
            return list(row_ids)
        return [run for group in row_ids for run in self._groups.members(group)]

    def selection(self) -> Selection:
        return Selection(tuple(self._chosen_runs()))

    def action_charts(self) -> None:
        self._navigate_or_refuse(destinations.charts_route(self.session, self._chosen_runs()))

    def action_search(self) -> None:
        if self._grid.marks:
            run_ids, what = self._chosen_runs(), "marked run"
        else:
            run_ids, what = self._runs_of(self._rows), "run"
        self._navigate_or_refuse(destinations.search_route(self.session, run_ids, what))

    def action_digest(self) -> None:
        open_digest_menu(self)

    def action_replay(self) -> None:
        grouped = self._groups is not None
        self.services.show_replay(None if grouped else self._grid.cursor_id)

    def action_watch(self) -> None:
        if self._groups is not None:
            key = self.services.keys.label("open")
            refuse(self, f"groups cannot be watched · {key} shows its runs")
        else:
            open_rule_menu(self, self.chosen_rows())

    def action_launch_like(self) -> None:
        if (run_id := self._cursor_run()) is not None:
            self.services.navigate(OpenLaunch(run_id))

    def action_launch_again(self) -> None:
        if (run_id := self._cursor_run()) is not None:
            self.services.navigate(OpenLaunch(run_id, rerun=True))

    def _cursor_run(self) -> str | None:
        """The run under the cursor, which stays with it; where there is none, that is told."""
        run_id = self._grid.cursor_id
        if self._groups is not None or run_id is None or self.is_malformed(run_id):
            refuse(self, self.unread if self.is_malformed(run_id) else "move the cursor to a run")
            return None
        self._grid.pin_cursor()
        return run_id

    def action_baseline(self) -> None:
        if (run_id := self._cursor_run()) is not None:
            self.toggle_baseline(run_id)
            self.summarise()

    def action_compare(self) -> None:
        """Compare the marked runs, the oldest first: the others are measured against it.

        Against the baseline where one was chosen; a run alone is compared with that, else with the
        checkpoint before it.
        """
        key = self.services.keys.label("baseline")
        self._navigate_or_refuse(
            destinations.comparison_route(self.session, self.chosen_rows(), key)
        )

    def unmark(self, run_ids: Collection[str]) -> None:
        self._grid.keep_marks(self._grid.marks - set(run_ids))

    def action_cancel(self) -> None:
        self.services.ask_to(Verb.CANCEL, self.chosen_rows(), hidden=self.hidden_marks())

    def action_delete(self) -> None:
        self.services.ask_to(Verb.DELETE, self.chosen_rows(), hidden=self.hidden_marks())


def _created_s(run: RunView) -> float:
    """When a run was created, UNIX seconds; one not known comes first."""
    created = run.summary.created_at if run.summary is not None else None
    return created.timestamp() if created is not None else 0.0
