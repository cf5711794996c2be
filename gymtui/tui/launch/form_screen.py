"""A form over every field of a launch, judged as it is typed, with the gym's lists to choose from.

What the rows say is `tui.launch.form_rows`. Where it starts, and what becomes of it, is `screen`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import events
from textual.widget import Widget

from gymtui.api.errors import GymError
from gymtui.api.models import Scenario, Task
from gymtui.core.text import clean
from gymtui.launching.draft import USER_KEY, Draft
from gymtui.launching.form_fields import BY_PATH, KEY, SCENARIO, TASKS, FieldKind
from gymtui.launching.rerun import Cause
from gymtui.launching.validation import check
from gymtui.tui.context.keymap import Key, Scope
from gymtui.tui.kit.breadcrumb import runs_crumb
from gymtui.tui.kit.footer import typing_keys
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.pick import PickOption, PickScreen, Titles
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.launch import form as widgets
from gymtui.tui.launch.form_rows import (
    ADVANCED,
    FormState,
    form_rows_of,
    help_cells,
    rerun_words,
    scenario_options,
    task_options,
)

_DETAILS = 4


class FormScreen(GymScreen):
    """The form."""

    # Of the keys that work everywhere only those that are no letters do, and `tab` is the form's.
    scopes = (Scope.FORM,)
    can_filter = False

    def __init__(self) -> None:
        super().__init__()
        self._draft = Draft()
        self._initial = self._draft
        self._row_start = self._draft
        self._filled = True
        self._form: widgets.Form
        self._state: FormState
        self._scenarios: tuple[Scenario, ...] | None = None
        self._tasks: tuple[Task, ...] | None = None
        self._tasks_of = ""
        self._open = False
        self._refusals: dict[str, str] = {}
        self._message: Cell = ()
        self._causes: tuple[Cause, ...] = ()
        self._chosen_causes: frozenset[str] = frozenset()

    def body(self) -> Iterable[Widget]:
        self._form = widgets.Form(self.services.palette, self)
        yield self._form
        yield Lines(self.services.palette, height=_DETAILS, id="details")

    def on_mount(self) -> None:
        wanted = self.session.settings.scenario
        if self._filled and wanted:
            self.begin_with(self._draft.with_text(SCENARIO, wanted))
        self.run_worker(self._load_scenarios(), group="offers", exit_on_error=True)
        self._show()

    def on_resize(self, event: events.Resize) -> None:
        if self.ready:
            self._show()

    def breadcrumb(self) -> Cell:
        return (*runs_crumb("key:back"), StyledText("launch", "strong"))

    def begin_with(self, draft: Draft) -> None:
        """Take a draft for what stands there before anything is typed."""
        untouched = self._draft == self._initial
        self._draft = self._row_start = draft
        if untouched:
            self._initial = draft
        self._load_tasks()

    def footer_keys(self) -> list[Key]:
        return typing_keys(super().footer_keys(), self.services.keys, "form-help")

    async def _load_scenarios(self) -> None:
        try:
            self._scenarios = await self.session.launches.catalog.scenarios()
        except GymError as error:
            self._show_message(StyledText(f"could not list scenarios: {error.brief}", "warning"))
            return
        found = self._scenarios or ()
        if self._filled and len(found) == 1 and not self._draft.text(SCENARIO):
            self.begin_with(self._draft.with_text(SCENARIO, found[0].scenario_id))
        self._show()

    def _load_tasks(self) -> None:
        scenario = self._draft.text(SCENARIO).strip()
        if scenario == self._tasks_of:
            return
        self._tasks_of, self._tasks = scenario, None
        listed = self._scenarios is None or scenario in self._scenario_ids()
        if scenario and listed:
            work = self._read_tasks(scenario)
            self.run_worker(work, group="tasks", exclusive=True, exit_on_error=True)

    async def _read_tasks(self, scenario: str) -> None:
        try:
            tasks = await self.session.launches.catalog.tasks(scenario)
        except GymError as error:
            self._show_message(StyledText(f"could not list tasks: {error.brief}", "warning"))
            return
        if scenario == self._tasks_of:
            self._tasks = tasks
            self._show()

    def _scenario_ids(self) -> tuple[str, ...]:
        return tuple(scenario.scenario_id for scenario in self._scenarios or ())

    # -- what is shown ---------------------------------------------------------------------

    def _show(self) -> None:
        """Judge what is there, and show it."""
        launches = self.session.launches
        found = check(
            self._draft,
            offered=None if self._tasks is None else [task.task_id for task in self._tasks],
            scenarios=None if self._scenarios is None else self._scenario_ids(),
            missing_key_reason=launches.missing_key_reason,
        )
        provider, keys = found.variants[0].model.provider, self.services.keys
        self._state = FormState(
            self._draft,
            found,
            self._refusals,
            self._scenarios,
            self._tasks,
            self._open,
            {
                KEY: launches.key_source(provider),
                USER_KEY: launches.key_source(self._draft.user_provider),
            },
            rerun_words(self._causes, self._chosen_causes) if self._causes else "",
            sum(len(c.reason.rollout_ids) for c in self._causes if c.key in self._chosen_causes),
            keys.key_for("form-enter"),
            f"{keys.key_for('form-choice-previous')} {keys.key_for('form-choice-next')}",
        )
        # Nothing is typed into what is not there yet: it would be lost.
        self._form.show(form_rows_of(self._state) if self._filled else ())
        self._detail()

    def _detail(self) -> None:
        about, more = help_cells(self._state, self._form.key)
        lines = [Line(), Line(about), Line(more), Line(self._message)]
        self.lines("details").show(lines)

    def _show_message(self, *pieces: StyledText) -> None:
        self._message = pieces
        if self.ready:
            self._detail()

    # -- typing ----------------------------------------------------------------------------

    def text_changed(self, key: str, text: str) -> None:
        """Take what is typed; typed back to what it was, it is exactly that again."""
        self._refusals.pop(key, None)
        secret = BY_PATH[key].kind is FieldKind.SECRET
        if not secret and text == clean(self._row_start.text(key) or ""):
            self._draft = self._draft.with_field_of(key, self._row_start)
        else:
            self._draft = self._draft.with_text(key, text)
        if key == SCENARIO:
            self._load_tasks()
        self._show()

    def row_changed(self) -> None:
        """Another field: what was typed stands, and is what is gone back to."""
        self._row_start = self._draft
        for key in self._draft.keys.values():
            self.session.launches.hide(key)
        self._detail()

    def choice_changed(self, key: str, step: int, letter: str) -> None:
        """Another of a field's choices."""
        known = BY_PATH[key]
        now = self._draft.text(known.path) or known.default
        choices = [c for c in known.choices if c.startswith(letter)]
        if not choices:
            return
        at = choices.index(now) + step if now in choices else 0
        chosen = choices[at % len(choices)]
        self._refusals.pop(known.path, None)
        self._draft = self._draft.with_text(known.path, "" if chosen == known.default else chosen)
        self._show()

    def enter_pressed(self, key: str) -> None:
        """Open the list that there is for a field, else go on to the next."""
        if key == ADVANCED:
            self.action_advanced()
        elif key == SCENARIO and self._scenarios:
            titles = Titles("SCENARIO", "NAME", "SIZE", "ABOUT")
            self._pick(SCENARIO, "scenario", titles, scenario_options(self._scenarios))
        elif key == TASKS and self._tasks:
            titles = Titles("TASK", "CATEGORY", "DIFFICULTY", "ABOUT")
            self._pick(TASKS, "task", titles, task_options(self._tasks))
        else:
            self._form.action_row(1)

    def _pick(self, path: str, what: str, titles: Titles, options: Sequence[PickOption]) -> None:
        def taken(ids: tuple[str, ...]) -> None:
            self._refusals.pop(path, None)
            if path == TASKS:
                self._draft = self._draft.with_ids(path, ids)
            else:
                self._draft = self._draft.with_text(path, ids[0])
            self._row_start = self._draft
            self._load_tasks()
            self._show()
            self._form.action_row(1)

        marked = self._state.check.tasks if path == TASKS else (self._draft.text(path),)
        self.app.push_screen(
            PickScreen(what, titles, options, taken, marked=marked, several=path == TASKS)
        )

    def action_advanced(self) -> None:
        self._form.commit()
        self._open = not self._open
        self._show()
