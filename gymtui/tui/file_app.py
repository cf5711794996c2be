"""Transcripts from disk, read without any gym: the app and the screen of `gymtui open`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gymtui.poll.artifacts import Artifacts
from gymtui.settings import Problem, Settings
from gymtui.store.delta import Delta
from gymtui.transcript.artifact_files import FileProblem, read
from gymtui.tui.arrangement import Arrangement
from gymtui.tui.crash import Reporter
from gymtui.tui.host import HostApp
from gymtui.tui.ink import Cell, Ink
from gymtui.tui.joined import Said, joined
from gymtui.tui.keys import TABLE, Scope
from gymtui.tui.rebinding import PROGRAMS_OWN, Bound
from gymtui.tui.screens.reading import ReadingScreen
from gymtui.tui.themed import Looks

_SCOPES = frozenset({Scope.TRANSCRIPT, Scope.TEXT, Scope.EVERYWHERE, Scope.MENU})
"""Where one can be without a gym; the only menu is that of the themes."""
_NOT_HERE = frozenset({"redact", "compare-this", "pause", "refresh", "menu-switch"}) | {
    key.name for key in TABLE if key.scope not in _SCOPES
}
"""Keys that need a gym."""
_OF_SEVERAL = frozenset({"next-rollout", "previous-rollout"})
"""Keys that need more than one file."""
_IDLE_S = 60.0
"""How often it is asked whether anybody is there."""


class FileScreen(ReadingScreen):
    """The transcript in one of some files.

    Args:
        paths: The files, at least one.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        self._paths = paths
        self._place = 0

    def on_mount(self) -> None:
        """Open the first file."""
        super().on_mount()
        self._open()

    def where(self) -> Cell:
        """Which file of how many."""
        path = self._paths[self._place]
        words = [Ink("gymtui  ", "strong")]
        if len(self._paths) > 1:
            words.append(Ink(f"{self._place + 1} of {len(self._paths)} files  ", "muted"))
        return (*words, Ink(f"{path.parent.name}/", "muted"), Ink(path.name))

    def name_for_files(self) -> str:
        """The rollout's id where the file has one, else the file's name."""
        named = self.transcript.rollout_id if self.transcript is not None else None
        return named or self._paths[self._place].name.split(".")[0]

    def headline(self, cells: int) -> Cell:
        """What the artifacts say of themselves; what matters least goes where there is no room."""
        transcript = self.transcript
        if transcript is None:
            return ()
        usage = transcript.usage
        limit = "" if transcript.max_steps is None else f"/{transcript.max_steps}"
        taken = transcript.steps_taken
        word = "step" if taken == 1 and not limit else "steps"
        steps = "" if taken is None else f"{taken}{limit} {word}"
        cost = "" if usage is None or usage.cost_usd is None else f"${usage.cost_usd:.3g}"
        said = (
            (transcript.error, "failed", 0),
            (transcript.task_id, "strong", 2),
            (transcript.model, "", 3),
            (steps, "muted", 1),
            (cost, "muted", 1),
        )
        things = [Said((Ink(text, style),), rank) for text, style, rank in said if text]
        # An error can be long: it stands last and loses its end.
        return joined([*things[1:], things[0]] if transcript.error else things, cells)

    @property
    def is_first(self) -> bool:
        """There is nothing behind it."""
        return True

    def neighbour(self, step: int) -> bool:
        """Open the next or previous file."""
        if not 0 <= self._place + step < len(self._paths):
            return False
        self._place += step
        self._raw = False
        self.drop_artifacts()
        self.show_frame()
        self._open()
        return True

    def _open(self) -> None:
        path = self._paths[self._place]

        async def show() -> None:
            try:
                body, transcript = await asyncio.to_thread(read, path)
            except FileProblem as problem:
                self.say((Ink(str(problem), "warning"),))
            else:
                self.show_artifacts(Artifacts(body, transcript))

        self.say((Ink("reading …", "muted"),))
        self.run_worker(show(), group="artifacts", exclusive=True, exit_on_error=True)

    def action_refresh_now(self) -> None:
        """Read the file again."""
        self._open()

    def action_pause(self) -> None:
        """Nothing is polled here."""


class FileApp(HostApp):
    """Reads transcripts from disk.

    Args:
        paths: The files, at least one.
        reporter: Where reports of defects go.
        looks: How it is to look.
        arrangement: Where a theme that is chosen here is kept.
        bound: The keys in force.
        problems: What was wrong with the settings, to be told at the start.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        reporter: Reporter,
        *,
        looks: Looks | None = None,
        arrangement: Arrangement | None = None,
        bound: Bound = PROGRAMS_OWN,
        problems: Sequence[Problem] = (),
    ) -> None:
        super().__init__(
            reporter=reporter,
            looks=looks,
            arrangement=arrangement,
            bound=replace(bound, absent=_NOT_HERE if len(paths) > 1 else _NOT_HERE | _OF_SEVERAL),
            problems=problems,
        )
        self.settings = Settings(base_url="http://127.0.0.1")
        self._paths = paths

    def on_mount(self) -> None:
        """Show the first file."""
        self.start_with(FileScreen(self._paths))
        self.call_after_refresh(self.housekeeping.begin)
        self.set_interval(_IDLE_S, lambda: self.housekeeping.idle(time.monotonic()))

    # What screens ask of the dashboard's app, answered for one that has no gym.

    def link_cell(self, room: int) -> Cell:
        """There is no gym to be linked with."""
        return (Ink("from disk", "muted"),)

    def banner(self) -> tuple[Cell, ...]:
        """There is nothing that must be known first."""
        return ()

    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)

    def everything(self) -> Delta:
        """Nothing is known but what is on screen."""
        return Delta()

    def looked(self) -> None:
        """Nobody polls."""
