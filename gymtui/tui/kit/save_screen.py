"""Saving what a screen shows to a file: the line that asks for its name, and the writing of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual.widgets import Input

from gymtui.core import new_file
from gymtui.session.artifacts import Artifacts
from gymtui.store import record_files
from gymtui.store.records import RolloutRow
from gymtui.transcript import export
from gymtui.transcript.artifact_files import FileProblem
from gymtui.tui.kit.lines import Line
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.kit.styled_text import StyledText

_FORMS = {".md": "markdown", ".markdown": "markdown", ".txt": "text"}
"""What is written to be read, by what a file's name ends in; all else is saved as received."""


class SaveScreen(GymScreen):
    """A screen whose artifacts can be saved, as received or to be read."""

    def __init__(self) -> None:
        super().__init__()
        self._artifacts: Artifacts | None = None
        self._is_exporting = False

    def name_for_files(self) -> str:
        """What an export is named after: the rollout's id."""
        raise NotImplementedError

    def rollout_row(self) -> RolloutRow | None:
        """The rollout whose record is kept beside what is saved as received, where it is known."""
        return None

    def action_export(self) -> None:
        if self._artifacts is None:
            self.services.notify("nothing to save yet", timeout=2)
            return
        # Half of it must not lie there under the name of the whole.
        self._ask_for_file(".redacted.json" if self._artifacts.redacted else ".json")

    def _ask_for_file(self, suffix: str) -> None:
        path = new_file.free_path(Path(new_file.file_name(self.name_for_files(), suffix)))
        self._is_exporting = True
        field = self.query_one(Input)
        self.add_class("filtering")
        self.lines("slash").show([Line((StyledText(">", "key"),), bar=True)])
        field.placeholder = "file: .json as received, .md for Markdown"
        field.value = str(path)
        field.cursor_position = len(field.value)
        # At once: keys typed in one burst belong in it from the first on.
        self.set_focus(field)
        self.hint = "save as: .json as received, .md for Markdown"
        self.summarise()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self._is_exporting:
            event.stop()
            event.prevent_default()
            name = event.value.strip()
            self.close_prompt()
            if name:
                self._save(_expand_path(name))

    def close_prompt(self) -> None:
        field = self.query_one(Input)
        if self._is_exporting:
            self._is_exporting = False
            field.placeholder = self.prompt
            self.lines("slash").show([Line((StyledText("/", "key"),), bar=True)])
        super().close_prompt()
        self.summarise()

    def _save(self, path: Path) -> None:
        artifacts, row = self._artifacts, self.rollout_row()
        if artifacts is None:
            return

        def write() -> int:
            form = _FORMS.get(path.suffix.lower())
            data = artifacts.body
            if form is not None:
                data = export.render(artifacts.transcript, form).encode("utf-8", "replace")
            new_file.write_new(path, data)
            if row is not None and form is None:
                record_files.write(path, row)
            return len(data)

        async def save() -> None:
            try:
                size = await asyncio.to_thread(write)
            except (OSError, ValueError, FileProblem) as error:
                why = getattr(error, "strerror", None) or str(error)
                self.services.notify(f"not saved: {why}", severity="warning")
                return
            self.services.notify(f"saved {size:,} bytes to {path}", timeout=4)

        self.run_worker(save(), group="save", exit_on_error=True)


def _expand_path(name: str) -> Path:
    """A path as it was typed, `~` being one's home; a stranger's home stays as it is written."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)
