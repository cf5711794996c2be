"""A transcript from disk, and the list of the files that were opened."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from gymtui.session.artifacts import Artifacts
from gymtui.store import formats, record_files
from gymtui.store.formats import state_words
from gymtui.store.record_files import Record
from gymtui.store.records import RolloutRow, score_of
from gymtui.transcript.artifact_files import FileProblem
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.line_parts import LinePart, join_fitting, part
from gymtui.tui.kit.pick import PickOption, PickScreen, Titles
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.styled_text import Cell, StyledText, width_of
from gymtui.tui.kit.transcript.reader_screen import ReaderScreen

_WHY = 40
"""Cells of why it ended so that stay before figures do."""


class FileScreen(ReaderScreen):
    """The transcript in one of some files."""

    is_first = True

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        self._paths = paths
        self._place = 0
        self._record = Record()

    def on_mount(self) -> None:
        self._open()

    def breadcrumb(self) -> Cell:
        path = self._paths[self._place]
        words = [StyledText("gymtui  ", "strong")]
        if len(self._paths) > 1:
            words.append(StyledText(f"{self._place + 1} of {len(self._paths)} files  ", "muted"))
        return (*words, StyledText(f"{path.parent.name}/", "muted"), StyledText(path.name))

    def name_for_files(self) -> str:
        """The rollout's id where the file has one, else the file's name."""
        named = self.transcript.rollout_id if self.transcript is not None else None
        return named or self._paths[self._place].name.split(".")[0]

    def rollout_row(self) -> RolloutRow | None:
        return self._record.row

    def headline(self, cells: int) -> Cell:
        """How it ended, by its record, and what the artifacts say of themselves.

        What matters least goes where there is no room.
        """
        transcript = self.transcript
        if transcript is None:
            return ()
        ended, why = self._ending_parts()
        # What is long stands last and loses its end.
        last = why or ((StyledText(transcript.error, "failed"),) if transcript.error else ())
        cells -= min(width_of(last), _WHY) + 3 if last else 0
        usage = transcript.usage
        limit = "" if transcript.max_steps is None else f"/{transcript.max_steps}"
        taken = transcript.steps_taken
        word = "step" if taken == 1 and not limit else "steps"
        steps = "" if taken is None else f"{taken}{limit} {word}"
        cost = "" if usage is None or usage.cost_usd is None else formats.cost(usage.cost_usd)
        figures = (
            part(transcript.task_id or "", "strong", 2),
            part(transcript.model or "", "", 3),
            part(steps, "muted", 1),
            part(cost, "muted", 1),
        )
        line = join_fitting([*ended, *figures], cells)
        return (*line, StyledText(" · ", "muted"), *last) if line and last else (*line, *last)

    def _ending_parts(self) -> tuple[list[LinePart], Cell]:
        """How it ended and how well, and why: failed criteria first."""
        row = self._record.row
        if row is None:
            problem = self._record.problem
            return [part(problem, "warning")] if problem else [], ()
        parts = [LinePart(outcome_text.state_cell(row))]
        if score := _score(row):
            parts.append(part(f"score {score}", "strong", 1))
        why = _why(row)
        return parts, (StyledText(why),) if why else ()

    def go_to_neighbour(self, step: int) -> bool:
        if not 0 <= self._place + step < len(self._paths):
            return False
        self._go_to(self._place + step)
        return True

    async def action_files(self) -> None:
        """List the files, to choose another; keys that are pressed meanwhile are the list's."""
        if len(self._paths) < 2:
            refuse(self, "only one file was opened")
            return
        options = await asyncio.to_thread(_file_options, self._paths)
        self.app.push_screen(
            PickScreen(
                "file",
                Titles("FILE", "STATE", "SCORE", "MESSAGE"),
                options,
                lambda chosen: self._go_to(int(chosen[0])),
                marked=(str(self._place),),
                several=False,
                behind="transcript",
            )
        )

    def _go_to(self, place: int) -> None:
        self._place = place
        self._raw = False
        self._record = Record()
        self.drop_artifacts()
        self.show_frame()
        self._open()

    def _open(self) -> None:
        path = self._paths[self._place]

        async def show() -> None:
            try:
                opened = await asyncio.to_thread(record_files.open_file, path)
            except FileProblem as problem:
                self.show_message((StyledText(str(problem), "warning"),))
            else:
                self._record = opened.record
                self.show_artifacts(Artifacts(opened.body, opened.transcript))

        self.show_message((StyledText("reading …", "muted"),))
        self.run_worker(show(), group="artifacts", exclusive=True, exit_on_error=True)

    def action_compare(self) -> None:
        refuse(self, "only rollouts from a gym can be compared")

    def action_search(self) -> None:
        refuse(self, "only transcripts from a gym are searched together")

    def action_redact(self) -> None:
        refuse(self, "only a gym can redact")

    def action_refresh_now(self) -> None:
        self._open()

    def action_pause(self) -> None:
        refuse(self, "files are not polled: nothing to pause")

    def action_actions(self) -> None:
        refuse(self, "files only: nothing to cancel or delete")


def _file_options(paths: Sequence[Path]) -> list[PickOption]:
    """The files with how each ended, by the records beside them."""
    named = [f"{path.parent.name}/{path.name}" for path in paths]
    if len({path.parent for path in paths}) == 1:
        named = [path.name for path in paths]
    options = []
    for place, (path, name) in enumerate(zip(paths, named, strict=True)):
        record = record_files.read(path)
        row = record.row
        if row is None:
            options.append(PickOption(str(place), about=record.problem, name=name))
            continue
        style = outcome_text.OUTCOME_STYLES[row.outcome] if row.outcome is not None else "muted"
        words = (state_words(row), _score(row), _why(row))
        options.append(PickOption(str(place), *words, style, name))
    return options


def _score(row: RolloutRow) -> str:
    score = score_of(row)
    return "" if score is None else formats.score(score)


def _why(row: RolloutRow) -> str:
    """Why a rollout ended as it did: its failed criteria, then all that is said."""
    result = row.rollout.result if row.rollout is not None else None
    failed = result.failed_criteria if result is not None else None
    criteria = f"failed: {', '.join(failed)}" if failed else ""
    return " · ".join(filter(None, (criteria, formats.why(row))))
