"""Launching from the form: where it starts, what is asked, sent once, and what became of it.

The form itself is `form`; what becomes of what was sent, form or not, is `session.launches`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gymtui.api.errors import GymError, NotFound, Refused
from gymtui.api.launch_request import LaunchRequest
from gymtui.api.models import ConfigCheck
from gymtui.core.replacement import replace
from gymtui.launching.draft import Draft, ModelChoice, without_launched
from gymtui.launching.form_fields import BY_PATH, KEY, MODEL, NAME, TASKS
from gymtui.launching.model_keys import NoModelKey
from gymtui.launching.rerun import (
    default_causes,
    failure_causes,
    rerun_draft,
    rerun_of_tasks,
    similar_draft,
)
from gymtui.launching.submission import Submission, SubmissionState, describe_submission
from gymtui.launching.validation import describe_refusals
from gymtui.poll.view import View
from gymtui.store.delta import Delta
from gymtui.tui.context.routes import OpenLaunch
from gymtui.tui.kit.breadcrumb import runs_crumb
from gymtui.tui.kit.dialog import QuestionScreen
from gymtui.tui.kit.pick import PickScreen, Titles
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.run_marks import run_marks, why_empty
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.launch.form_rows import LAUNCH, RERUN, cause_options, confirmation_lines
from gymtui.tui.launch.form_screen import FormScreen


class LaunchScreen(FormScreen):
    """The form of a launch, empty or from a run."""

    def __init__(self, start: OpenLaunch | None = None) -> None:
        super().__init__()
        self._route = start or OpenLaunch()
        self._filled = self._route.run_id is None
        self._is_busy = False
        self._is_done = False
        self._accepted_doubts: Mapping[str, str] = {}

    def on_mount(self) -> None:
        self._fill()

    def on_screen_resume(self) -> None:
        if self._is_done:
            self.call_later(self._leave)

    def breadcrumb(self) -> Cell:
        run_id = self._route.run_id
        if run_id is None:
            return super().breadcrumb()
        what = "rerun" if self._route.rerun else "launch like it"
        marks = run_marks(self.session, run_id)
        end = StyledText(f" › {what}", "strong")
        return (*runs_crumb("key:back"), StyledText(run_id), *marks, end)

    def poll_target(self, view: View) -> View:
        return replace(view, open_run=self._route.run_id or view.open_run)

    def changed(self, delta: Delta) -> None:
        if not self._filled:
            self._fill()

    # -- where it starts -------------------------------------------------------------------

    def _fill(self) -> None:
        start, run_id, store = self._route, self._route.run_id, self.session.store
        if run_id is None or self._filled:
            return
        if not store.knows_rollouts_of(run_id):
            why = why_empty(self.session, run_id)
            reading = StyledText(f"reading the rollouts of {run_id} …", "muted")
            self._show_message(StyledText(why, "warning") if why else reading)
            return
        self._filled = True
        rows = store.rollouts_of(run_id)
        base = similar_draft(rows, self.session.launches.kept.drafts.get(run_id))
        if start.rerun and start.tasks is not None:
            base = rerun_of_tasks(run_id, base, start.tasks)
        elif start.rerun:
            self._causes = failure_causes(rows)
            self._chosen_causes = default_causes(self._causes)
            base = self._draft_of_causes(base)
        self.begin_with(base)
        self._show_message()
        if start.rerun and start.tasks is None and not self._causes:
            self._show_message(StyledText("no failures in this run to rerun", "warning"))
        self._show()
        ready = start.rerun and base.ids_in(TASKS)
        self._form.go(LAUNCH if ready else TASKS if start.rerun else MODEL)

    def _draft_of_causes(self, base: Draft) -> Draft:
        run_id = self._route.run_id
        if run_id is None:
            return base
        wanted = [c.reason.rollout_ids for c in self._causes if c.key in self._chosen_causes]
        rows = self.session.store.rollouts_of(run_id)
        return rerun_draft(run_id, base, rows, [i for ids in wanted for i in ids])

    def enter_pressed(self, key: str) -> None:
        """Launch, choose what is run again, or what the form does."""
        if key == LAUNCH:
            self.action_launch()
        elif key == RERUN:
            self._pick_causes()
        else:
            super().enter_pressed(key)

    def _pick_causes(self) -> None:
        def taken(keys: tuple[str, ...]) -> None:
            self._chosen_causes = frozenset(keys)
            self._draft = self._row_start = self._draft_of_causes(self._draft)
            self._show()

        titles = Titles("FAILURE", "AS", "ROLLOUTS", "IN")
        options = cause_options(self._causes)
        self.app.push_screen(
            PickScreen("cause", titles, options, taken, marked=self._chosen_causes)
        )

    # -- launching -------------------------------------------------------------------------

    def action_launch(self) -> None:
        self._form.commit()
        if self._is_busy:
            self.services.notify("a launch is in progress", timeout=3)
            return
        if not self._filled:
            refuse(self, "still reading the parent run")
            return
        self._show()
        found = self._state.check
        wrong = [row.key for row in self._form.rows if row.key in found.problems]
        if wrong:
            self._go_to_wrong(wrong[0], "not sent")
            return
        # The gym may be of another mind by now, or have meant another field: once more is enough.
        doubts = {**found.unlisted, **self._refusals}
        if doubts and doubts != self._accepted_doubts:
            self._accepted_doubts = doubts
            first = next(row.key for row in self._form.rows if row.key in doubts)
            self._form.go(first)
            again = f"{self.services.keys.label('form-launch')} again launches anyway"
            self._show_message(StyledText(f"not sent: {doubts[first]}; {again}", "warning"))
            return
        names = self.session.launches.names(self._draft)

        def answered(do_it: bool | None) -> None:
            if do_it:
                self._is_busy = True
                self._show_message(StyledText("sending …", "muted"))
                self.run_worker(self._launch(found.tasks, names), exit_on_error=True)

        title = "Launch this run?" if len(names) == 1 else f"Launch these {len(names)} runs?"
        lines = confirmation_lines(self._state, names, self.session.settings.host)
        self.app.push_screen(
            QuestionScreen(title, lines, do="launch", keep="keep editing"), answered
        )

    def _go_to_wrong(self, key: str, what: str) -> None:
        self._form.go(key)
        self._show_message(StyledText(f"{what}: {self._state.error_of(key)}", "warning"))

    async def _launch(self, tasks: Sequence[str], names: Sequence[str]) -> None:
        launches = self.session.launches
        try:
            made = await launches.requests(self._draft, tasks, names)
        except NoModelKey as none:
            self._is_busy = False
            self._refusals[KEY] = str(none)
            self._show_message(StyledText(f"not sent: {none}", "warning"))
            self._show()
            self._form.go(KEY)
            return
        launches.send(self._draft, made, lost=self._tell_lost, done=self._end_launch)

    def _tell_lost(self, request: LaunchRequest, error: GymError) -> None:
        words = f"sent, no answer ({error.brief}): looking for {request.run_name}"
        self.services.notify(words, severity="warning")
        if self.is_attached:
            self._show_message(StyledText(words, "warning"))

    def _end_launch(self, sent: Sequence[Submission]) -> bool:
        """Leave, or show what became of what was not launched; whether that tells all."""
        self._is_busy = False
        if not self.is_attached:
            return False
        last = sent[-1]
        launched = sum(one.state is SubmissionState.LAUNCHED for one in sent)
        variants = self._draft.variants
        if launched == len(variants):
            self._is_done = True
            if self.app.screen is self:
                self._leave()
            return False
        if launched:
            self._draft = self._row_start = without_launched(self._draft, variants[:launched])
        self._show_message(StyledText(describe_submission(last), "warning"))
        error = last.error
        if isinstance(error, Refused) and last.state is SubmissionState.REFUSED:
            self._refusals = describe_refusals(error.fields, last.request.task_ids)
            if not error.fields and error.status == 409:
                self._refusals[NAME] = error.detail or "is taken"
            self._refusals.pop("", None)
            self._open = self._open or any(BY_PATH[path].advanced for path in self._refusals)
        self._show()
        first = next((row.key for row in self._form.rows if row.key in self._refusals), None)
        if first is not None:
            self._form.go(first)
        return not launched and self.app.screen is self

    def action_test(self) -> None:
        self._form.commit()
        wrong = [p for p in self._state.check.problems if p.startswith(("model_", "user_model_"))]
        if wrong:
            self._go_to_wrong(wrong[0], "not tested")
            return
        self._show_message(StyledText("testing …", "muted"))
        self.run_worker(self._test(), group="test", exclusive=True, exit_on_error=True)

    async def _test(self) -> None:
        pieces: list[StyledText] = []
        try:
            tested = await self.session.launches.test(self._draft)
            pieces = _test_pieces(tested)
            for choice, answer in tested:
                if choice.name is None and answer.error_type == "invalid_model":
                    # The gym has no model of its own to take.
                    self._refusals[MODEL] = answer.message or "is required"
                    self._show()
        except NotFound:
            pieces = [StyledText("this gym offers no test of models", "muted")]
        except NoModelKey as none:
            pieces = [StyledText(str(none), "warning")]
        except GymError as error:
            pieces = [StyledText(f"not tested: {error.line}", "warning")]
        self._show_message(*pieces)

    def action_back(self) -> None:
        """Go back; what was typed is thrown away only if that is meant."""
        self._form.commit()
        if self._is_busy or self._draft == self._initial:
            self._leave()
            return

        def answered(do_it: bool | None) -> None:
            if do_it:
                self._leave()

        told_of = ((StyledText("  Nothing was launched.", "muted"),),)
        title = "Discard this form?"
        asking = QuestionScreen(title, told_of, do="discard", keep="keep editing")
        self.app.push_screen(asking, answered)

    action_leave = action_back

    def _leave(self) -> None:
        if self.app.screen is self:
            self.app.pop_screen()


def _test_pieces(tested: Sequence[tuple[ModelChoice, ConfigCheck]]) -> list[StyledText]:
    """How many models answer, and what the others say: the line may be too short for all."""
    well = sum(bool(answer.success) for _, answer in tested)
    if well == len(tested):
        return [StyledText("✓ ", "passed"), StyledText("the gym reaches ")] + [
            StyledText(f"{choice.words}  ", "strong") for choice, _ in tested
        ]
    pieces = [StyledText(f"{well} of {len(tested)} models answer  ", "muted")]
    for choice, answer in tested:
        if not answer.success:
            why = ": ".join(word for word in (answer.error_type, answer.message) if word)
            words = f"{choice.words}: {why or 'no answer'}  "
            pieces += [StyledText("✗ ", "failed"), StyledText(words, "warning")]
    return pieces
