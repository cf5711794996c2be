"""One rollout: what the agent read, said and did."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from gymtui.api.errors import GymError, NotFound
from gymtui.poll.plan import View
from gymtui.store.delta import Delta
from gymtui.store.outcome import ACTIVE, outcome_of
from gymtui.store.records import RolloutRow
from gymtui.text import ABSENT
from gymtui.transcript.blocks import ToolCall, Transcript, Turn
from gymtui.tui import show
from gymtui.tui.ink import Cell, Ink
from gymtui.tui.keys import Scope, bindings
from gymtui.tui.screens.base import GymScreen
from gymtui.tui.screens.describe import paragraphs_of
from gymtui.tui.transcript_text import laid_out
from gymtui.tui.widgets.lines import Line, Lines
from gymtui.tui.widgets.text_view import Paragraph, TextView


@dataclass(frozen=True, slots=True)
class Artifacts:
    """A rollout's artifacts: the answer's bytes, and what was read in them."""

    body: bytes
    transcript: Transcript


class TranscriptScreen(GymScreen):
    """The transcript of one rollout.

    Args:
        run_id: Its run.
        rollout_id: The rollout.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.TRANSCRIPT)
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.TRANSCRIPT, Scope.TEXT, Scope.EVERYWHERE)
    prompt: ClassVar[str] = "search"

    def __init__(self, run_id: str, rollout_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self.rollout_id = rollout_id
        self._artifacts: Artifacts | None = None
        self._asked = False
        self._said: Cell = ()
        self._raw = False
        self._starts: tuple[int, ...] = ()
        self._paragraphs: tuple[Paragraph, ...] = ()
        self._search = ""

    def body(self) -> Iterable[Widget]:
        """The rollout's result, what is said while there is no transcript, and the transcript."""
        palette = self.gym.palette
        yield Lines(palette, id="summary")
        self._text = TextView(palette, id="text")
        self._text.add_class("main")
        yield self._text

    def on_mount(self) -> None:
        """Ask for the artifacts."""
        super().on_mount()
        self._fetch()

    @property
    def _row(self) -> RolloutRow | None:
        return self.gym.store.rollouts.get(self.rollout_id)

    def where(self) -> Cell:
        """The way here."""
        return (
            Ink("runs › ", "muted"),
            Ink(self.run_id),
            Ink(" › ", "muted"),
            Ink(self.rollout_id, "strong"),
        )

    def look(self, view: View) -> View:
        """The run's rollouts are asked for, so that this one's phase and step move."""
        return replace(view, open_run=self.run_id)

    def changed(self, delta: Delta) -> None:
        """Show how it stands; once it has finished, ask for its artifacts again."""
        if self.rollout_id in delta.rollouts or not delta:
            self._summarise()
        if self._artifacts is None and not self._asked and self.rollout_id in delta.rollouts:
            if not self._unfinished():
                self._fetch()
            else:
                self._wait()

    def _unfinished(self) -> bool:
        row = self._row
        return row is not None and row.rollout is not None and outcome_of(row.rollout) in ACTIVE

    # -- artifacts -------------------------------------------------------------------------

    def _fetch(self) -> None:
        self._asked = True
        self._say((Ink("asking for the artifacts …", "muted"),))
        self.gym.fetch_artifacts(self.rollout_id, self.arrived, self.refused)

    def arrived(self, artifacts: Artifacts) -> None:
        """The artifacts are there."""
        self._asked = False
        self._artifacts = artifacts
        self._lay_out()

    def refused(self, error: GymError) -> None:
        """They are not: the rollout still runs, or something is wrong."""
        self._asked = False
        if isinstance(error, NotFound) and self._unfinished():
            self._wait()
        elif isinstance(error, NotFound):
            self._say((Ink("the gym has no artifacts of this rollout", "warning"),))
        else:
            why = error.detail or error.brief
            self._say((Ink(f"could not get the artifacts: {why} · ctrl+r tries again", "warning"),))

    def _wait(self) -> None:
        self._say(
            (Ink("This rollout has not finished; its transcript opens here when it has.", "muted"),)
        )

    def _say(self, cell: Cell) -> None:
        self._text.show([Paragraph(), Paragraph(cell)])

    def action_refresh_now(self) -> None:
        """Ask the gym now; for the artifacts too if they are missing."""
        super().action_refresh_now()
        if self._artifacts is None and not self._asked:
            self._fetch()

    def _lay_out(self) -> None:
        artifacts = self._artifacts
        if artifacts is None:
            return
        if self._raw:
            self._paragraphs, self._starts = tuple(paragraphs_of(artifacts.body)), ()
        else:
            self._paragraphs, self._starts = laid_out(artifacts.transcript)
        self._text.show(self._paragraphs)
        self._summarise()

    # -- around it -------------------------------------------------------------------------

    def _summarise(self) -> None:
        row = self._row
        left: list[Ink] = []
        if row is not None and row.rollout is not None:
            rollout = row.rollout
            left += show.state(rollout)
            left.append(Ink(f"  {rollout.task_id or ABSENT}", "strong"))
            left.append(Ink(f" · {show.steps(rollout)} steps", "muted"))
            seconds = show.elapsed_s(rollout, self.gym.now())
            left.append(Ink(f" · {show.duration(seconds)}", "muted"))
            why = show.why(row)
            if why:
                left.append(Ink(f" · {why}"))
        right: Cell = ()
        if self.gym.hint:
            right = (Ink(self.gym.hint, "warning"),)
        elif self._search:
            right = (Ink("search: ", "muted"), Ink(self._search, "accent"))
        elif self._raw:
            right = (Ink("as received", "warning"),)
        elif self._artifacts is not None:
            turns = len(self._artifacts.transcript.turns)
            here = self._here()
            right = (Ink(f"turn {here + 1} of {turns}" if turns else "no turns", "muted"),)
        self.query_one("#summary", Lines).show([Line(tuple(left), right)])

    def on_text_view_scrolled(self, event: TextView.Scrolled) -> None:
        """Another turn may stand at the top."""
        self._summarise()

    def _here(self) -> int:
        """The turn at the top of the window."""
        top = self._text.top_paragraph
        return max((n for n, start in enumerate(self._starts) if start <= top), default=0)

    # -- keys ------------------------------------------------------------------------------

    def action_turn(self, step: int) -> None:
        """Go to the next or previous turn."""
        self._go(step, lambda turn: True)

    def action_error(self, step: int) -> None:
        """Go to the next or previous error."""
        self._go(step, lambda turn: turn.error)

    def action_call(self, step: int) -> None:
        """Go to the next or previous tool call."""
        self._go(step, lambda turn: any(isinstance(block, ToolCall) for block in turn.blocks))

    def _go(self, step: int, wanted: Callable[[Turn], bool]) -> None:
        if self._artifacts is None or not self._starts:
            return
        turns = self._artifacts.transcript.turns
        here = self._here()
        # Standing inside a turn, "previous" means its start first.
        if step < 0 and self._text.top_paragraph > self._starts[here]:
            here += 1
        places = range(here + 1, len(turns)) if step > 0 else range(here - 1, -1, -1)
        for place in places:
            if wanted(turns[place]):
                self._text.jump(self._starts[place])
                return

    def action_raw(self) -> None:
        """Show the artifacts as received, or read."""
        self._raw = not self._raw
        self._lay_out()

    def filtered(self, text: str) -> str | None:
        """Search: go to the first match from here on."""
        self._search = text
        if text:
            self._match(1, first=True)
        self._summarise()
        return None

    def filter_text(self) -> str:
        """What is searched for."""
        return self._search

    def undo(self) -> bool:
        """Drop the search."""
        if self._search:
            self._search = ""
            self._summarise()
            return True
        return False

    def action_match(self, step: int) -> None:
        """Go to the next or previous match."""
        self._match(step)

    def _match(self, step: int, *, first: bool = False) -> None:
        wanted = self._search.casefold()
        if not wanted:
            return
        here = self._text.top_paragraph
        last = len(self._paragraphs)
        places = range(here + (not first), last) if step > 0 else range(here - 1, -1, -1)
        for place in places:
            text = "".join(piece.text for piece in self._paragraphs[place].cell)
            if wanted in text.casefold():
                self._text.jump(place)
                return

    def copied(self) -> str | None:
        """The message of the turn at the top, else the rollout's id."""
        if self._artifacts is not None and self._artifacts.transcript.turns and self._starts:
            return self._artifacts.transcript.turns[self._here()].plain()
        return self.rollout_id
