"""Two rollouts side by side: their outlines aligned by tool calls, and both bodies under them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from textual import events
from textual.containers import Horizontal
from textual.widget import Widget
from textual.worker import Worker

from gymtui.api.errors import GymError, NotFound
from gymtui.api.models import Rollout
from gymtui.api.request import Progress
from gymtui.core.replacement import replace
from gymtui.core.text import ABSENT, fit, width
from gymtui.poll.view import View
from gymtui.session.artifacts import Artifacts, TooLargeError
from gymtui.session.rollout_ref import RolloutRef
from gymtui.store import formats
from gymtui.store.delta import Delta
from gymtui.store.outcome import ACTIVE
from gymtui.transcript import diff
from gymtui.transcript.diff import ArgumentChange, DiffRow
from gymtui.transcript.outline import outline
from gymtui.tui.compare.pairs_pane import PairsPane
from gymtui.tui.context.keymap import Scope
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.run_marks import run_marks
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.kit.transcript.reader import (
    FOLD_MESSAGES,
    NOTHING_FOLDS,
    TranscriptReader,
    selected_words,
)
from gymtui.tui.kit.transcript.sections import ViewOptions
from gymtui.tui.kit.transcript.view import TranscriptView

_NOTHING_YET = "nothing to compare yet"
_CHANGES = 3
"""Arguments that are told; the bodies hold the rest."""


class CompareScreen(GymScreen, scope=Scope.COMPARE):
    """A comparison of two rollouts."""

    can_filter = False
    DEFAULT_CSS = """
    CompareScreen #message { display: none; }
    CompareScreen.with-message #message { display: block; }
    CompareScreen #bodies { height: 3fr; border-top: solid $surface; }
    CompareScreen #bodies:focus-within { border-top: solid $primary; }
    CompareScreen #right { border-left: solid $surface; }
    CompareScreen #right:focus { border-left: solid $primary; }
    """

    def __init__(self, left: RolloutRef, right: RolloutRef) -> None:
        super().__init__()
        self._sides = (left, right)
        self._artifacts: tuple[Artifacts, ...] = ()
        self._download: Worker[None]
        self._pairs: Sequence[DiffRow] = ()

    def body(self) -> Iterable[Widget]:
        palette = self.services.palette
        self._pane = PairsPane(palette, id="pairs")
        self._pane.add_class("main")
        shown = ViewOptions(fold_key=self.services.keys.key_for("fold-bodies"))
        self._views = tuple(TranscriptReader(palette, shown, id=name) for name in ("left", "right"))
        yield Lines(palette, height=2, id="summary")
        yield Lines(palette, id="message")
        yield self._pane
        yield Lines(palette, height=_CHANGES, id="changes")
        yield Horizontal(*self._views, id="bodies")

    def on_mount(self) -> None:
        self._fetch()

    def breadcrumb(self) -> Cell:
        left, right = self._sides
        return (
            StyledText("compare › ", "muted"),
            StyledText(left.rollout_id, "strong"),
            *run_marks(self.session, left.run_id),
            StyledText(" with ", "muted"),
            StyledText(right.rollout_id, "strong"),
            *run_marks(self.session, right.run_id),
        )

    def poll_target(self, view: View) -> View:
        runs = tuple(dict.fromkeys(side.run_id for side in self._sides))
        return replace(view, open_run=runs[0], runs_in_view=runs)

    def changed(self, delta: Delta) -> None:
        """Show how both stand; once what was missing has finished, ask for it again."""
        if not self.is_mounted:
            return
        touched = delta.rollouts.intersection(side.rollout_id for side in self._sides)
        if touched and not self._artifacts and self._download.is_finished:
            self._fetch()
        if touched or not delta:
            self._summarise()

    def _fetch(self) -> None:
        self._download = self.run_worker(
            self._load(), group="artifacts", exclusive=True, exit_on_error=True
        )

    async def _load(self) -> None:
        again = f" · {self.services.keys.label('refresh')} retries"
        loader = self.session.transcripts.loader
        found: list[Artifacts] = []
        for number, side in enumerate(self._sides, 1):
            if self._is_unfinished(side):
                self._show_message(
                    f"{side.rollout_id} has not finished; the comparison starts when it has"
                )
                return
            try:
                progressed = self._show_progress(number)
                found.append(await loader.get(side.rollout_id, on_progress=progressed))
            except NotFound:
                row = self.session.store.rollouts.get(side.rollout_id)
                self._show_message(f"{formats.why_no_artifacts(row, side.rollout_id)}{again}")
                return
            except TooLargeError:
                self._show_message(f"the transcript of {side.rollout_id} is too large to compare")
                return
            except GymError as error:
                room = self.size.width - 2 - width(again)
                why = fit(f"could not get {side.rollout_id}: {error.line}", room, cut="end")
                self._show_message(f"{why}{again}")
                return
        left, right = (artifacts.transcript for artifacts in found)
        self._show_message("comparing …", "muted")
        self._pairs = await asyncio.to_thread(diff.compare, left, right)
        self._artifacts = tuple(found)
        self.services.gc_control.freeze()
        self._show()

    def _show_progress(self, number: int) -> Progress:
        """Tell how far one of the two downloads is."""
        self._show_message(f"downloading transcript {number} of 2 …", "muted")

        def progressed(received: int, announced: int | None) -> None:
            of = f" of {announced / 1e6:.1f}" if announced and announced >= received else ""
            self._show_message(f"transcript {number} of 2: {received / 1e6:.1f}{of} MB", "muted")

        return progressed

    def _is_unfinished(self, side: RolloutRef) -> bool:
        row = self.session.store.rollouts.get(side.rollout_id)
        return row is not None and row.outcome in ACTIVE

    def _show_message(self, words: str, style: str = "warning") -> None:
        self.set_class(bool(words), "with-message")
        self.lines("message").show([Line((StyledText(words, style),))])

    def _show(self) -> None:
        self._show_message("")
        transcripts = [artifacts.transcript for artifacts in self._artifacts]
        for view, transcript in zip(self._views, transcripts, strict=True):
            view.read(transcript)
        self._pane.show(self._pairs, *(outline(transcript) for transcript in transcripts))
        self._summarise()

    def _summarise(self) -> None:
        """How both ended, and where one is among the differences."""
        lines = [Line(self._describe_end(side, number)) for number, side in enumerate(self._sides)]
        differing = [n for n, pair in enumerate(self._pairs) if pair.differs]
        selected = sum(len(view.selected_text()) for view in self._views)
        if selected:
            lines[0] = Line(lines[0].left, selected_words(selected, self.services.keys))
        elif self._artifacts:
            before = sum(1 for n in differing if n <= self._pane.cursor)
            words = f"difference {before} of {len(differing)}" if differing else "the same calls"
            lines[0] = Line(lines[0].left, (StyledText(words, "accent" if differing else "muted"),))
        self.lines("summary").show(lines)

    def _describe_end(self, side: RolloutRef, number: int) -> Cell:
        """How one of them ended: which run, if not the same, and why."""
        row = self.session.store.rollouts.get(side.rollout_id)
        name = StyledText(f"{side.rollout_id}  ", "strong")
        pieces = [StyledText(f"{'AB'[number]} ", "key"), name]
        if row is not None and row.rollout is not None:
            pieces += [
                *outcome_text.state_cell(row),
                StyledText(f"  {row.rollout.task_id or ABSENT}"),
            ]
            pieces.append(StyledText(f" · {self._steps(number, row.rollout)} steps", "muted"))
        if len({each.run_id for each in self._sides}) > 1:
            pieces.append(StyledText(f" · {side.run_id}", "muted"))
        if row is not None and (why := formats.why(row)):
            pieces.append(StyledText(f" · {why}", "muted"))
        return tuple(pieces)

    def _steps(self, number: int, rollout: Rollout) -> str:
        """How far it came: once it has finished only its artifacts know."""
        if self._artifacts and rollout.current_step is None:
            taken = self._artifacts[number].transcript.steps_taken
            if taken is not None:
                return formats.count(taken)
        return formats.steps(rollout)

    def on_pairs_pane_chosen(self, event: PairsPane.Chosen) -> None:
        event.stop()
        pair = self._pane.pair
        if pair is None or not self._artifacts:
            return
        above = self._pairs[: self._pane.cursor + 1]
        # Where one side makes no call, its body stays at what it said last.
        lefts = [row.left for row in above if row.left is not None]
        rights = [row.right for row in above if row.right is not None]
        for view, turns in zip(self._views, (lefts, rights), strict=True):
            entry = outline(view.transcript)[turns[-1] if turns else 0] if view.transcript else None
            if entry is not None:
                view.show_turn(entry.turn, entry.block)
        self._show_changes(pair)
        self._summarise()

    def _show_changes(self, pair: DiffRow) -> None:
        lines: list[Line] = []
        if pair.left is not None and pair.right is not None and pair.differs:
            left, right = (artifacts.transcript for artifacts in self._artifacts)
            found = diff.changes(left.turns[pair.left], right.turns[pair.right])
            for change in found[:_CHANGES]:
                name = StyledText(f"≠ {change.name}  ", "warning")
                lines.append(Line((name, *self._change_cell(change))))
            if len(found) > _CHANGES:
                more = (StyledText(f"{len(found) - _CHANGES} more", "muted"),)
                lines[-1] = Line(lines[-1].left, more)
        elif pair.differs:
            number = 0 if pair.left is not None else 1
            only = (StyledText("± only in ", "warning"), StyledText("AB"[number], "key"))
            lines.append(Line((*only, StyledText(f" {self._sides[number].rollout_id}"))))
        lines += [Line()] * (_CHANGES - len(lines))
        self.lines("changes").show(lines)

    def _change_cell(self, change: ArgumentChange) -> Cell:
        """Both values of an argument, each with half of the line, where they part in sight."""
        room = max(12, (self.size.width - len(change.name) - 12) // 2)
        left, right = diff.fit_difference(change.left, change.right, room)
        first, second = StyledText("A ", "key"), StyledText("  B ", "key")
        return (first, StyledText(left, "removed"), second, StyledText(right, "added"))

    def on_transcript_view_selected(self, event: TranscriptView.Selected) -> None:
        event.stop()
        self._summarise()

    def on_resize(self, event: events.Resize) -> None:
        pair = self._pane.pair if self.ready else None
        if pair is not None and self._artifacts:
            self._show_changes(pair)

    def action_fold(self) -> None:
        if not self._artifacts:
            refuse(self, _NOTHING_YET)
        elif not [view for view in self._views if view.fold()]:
            refuse(self, NOTHING_FOLDS)

    def action_fold_all(self) -> None:
        if not self._artifacts:
            refuse(self, _NOTHING_YET)
            return
        for view in self._views:
            opened = view.fold_all()
        refuse(self, FOLD_MESSAGES[opened])

    def undo(self) -> bool:
        return any(view.drop_selection() for view in self._views)

    def selected_text(self) -> str:
        return next(filter(None, (view.selected_text() for view in self._views)), "")

    def action_difference(self, step: int) -> None:
        here = self._pane.cursor
        differing = [n for n, pair in enumerate(self._pairs) if pair.differs]
        beyond = [n for n in differing if (n > here if step > 0 else n < here)]
        if beyond:
            self._pane.go(beyond[0] if step > 0 else beyond[-1])
        elif not self._artifacts:
            refuse(self, _NOTHING_YET)
        else:
            where = "below" if step > 0 else "above"
            refuse(self, f"no more differences {where}" if differing else "the same calls")

    def action_refresh_now(self) -> None:
        super().action_refresh_now()
        if not self._artifacts:
            self._fetch()

    def copy_text(self) -> str | None:
        return self.selected_text() or " ".join(side.rollout_id for side in self._sides)
