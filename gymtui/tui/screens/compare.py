"""Two rollouts side by side: their outlines aligned by tool calls, and both bodies under them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from gymtui.api.errors import GymError, NotFound
from gymtui.poll.artifacts import Artifacts, TooLargeError
from gymtui.poll.plan import View
from gymtui.transcript import diff
from gymtui.transcript.diff import Pair
from gymtui.transcript.outline import outline
from gymtui.tui import show
from gymtui.tui.ink import Cell, Ink
from gymtui.tui.keys import Key, Scope, bindings
from gymtui.tui.screens.base import GymScreen
from gymtui.tui.screens.transcript import Listed
from gymtui.tui.transcript_text import Shown, sections
from gymtui.tui.widgets.lines import Line, Lines
from gymtui.tui.widgets.pairs_pane import PairsPane
from gymtui.tui.widgets.transcript_view import TranscriptView

_CHANGES = 3
"""Arguments that are told; the bodies hold the rest."""


class CompareScreen(GymScreen):
    """A comparison of two rollouts.

    Args:
        left: The first.
        right: The second.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.COMPARE)
    scopes: ClassVar[tuple[Scope, ...]] = (Scope.COMPARE, Scope.TEXT, Scope.EVERYWHERE)
    DEFAULT_CSS = """
    CompareScreen #said { display: none; }
    CompareScreen.saying #said { display: block; }
    CompareScreen #bodies { height: 3fr; }
    """

    def __init__(self, left: Listed, right: Listed) -> None:
        super().__init__()
        self._sides = (left, right)
        self._found: tuple[Artifacts, ...] = ()
        self._pairs: Sequence[Pair] = ()

    def body(self) -> Iterable[Widget]:
        """How both ended, the outlines, what differs in this row, the bodies."""
        palette = self.gym.palette
        self._pane = PairsPane(palette, id="pairs")
        self._pane.add_class("main")
        self._views = tuple(TranscriptView(palette, id=name) for name in ("left", "right"))
        yield Lines(palette, height=2, id="summary")
        yield Lines(palette, id="said")
        yield self._pane
        yield Lines(palette, height=_CHANGES, id="changes")
        yield Horizontal(*self._views, id="bodies")

    def on_mount(self) -> None:
        """Get both."""
        super().on_mount()
        self._fetch()

    def where(self) -> Cell:
        """What is compared."""
        left, right = self._sides
        return (
            Ink("compare › ", "muted"),
            Ink(left.rollout_id, "strong"),
            Ink(" with ", "muted"),
            Ink(right.rollout_id, "strong"),
        )

    def look(self, view: View) -> View:
        """The first one's run is looked at."""
        return replace(view, open_run=self._sides[0].run_id)

    def footer_keys(self) -> list[Key]:
        """There is nothing to filter here."""
        return [key for key in super().footer_keys() if key.name not in ("filter", "pause")]

    def action_filter(self) -> None:
        """There is nothing to filter here."""

    def _fetch(self) -> None:
        async def fetch() -> None:
            self._say("asking for both transcripts …", "muted")
            again = f"{self.gym.bound.spelt('refresh')} asks again"
            found: list[Artifacts] = []
            for side in self._sides:
                try:
                    found.append(await self.gym.desk.get(side.rollout_id))
                except NotFound:
                    self._say(f"{side.rollout_id} has no transcript yet · {again}")
                    return
                except TooLargeError:
                    self._say(f"the transcript of {side.rollout_id} is too large to compare")
                    return
                except GymError as error:
                    why = error.detail or error.brief
                    self._say(f"could not get {side.rollout_id}: {why} · {again}")
                    return
            left, right = (artifacts.transcript for artifacts in found)
            self._pairs = await asyncio.to_thread(diff.compare, left, right)
            self._found = tuple(found)
            self._show()

        self.run_worker(fetch(), group="artifacts", exclusive=True, exit_on_error=True)

    def _say(self, words: str, style: str = "warning") -> None:
        self.set_class(bool(words), "saying")
        self.lines("said").show([Line((Ink(words, style),))])

    def _show(self) -> None:
        self._say("")
        transcripts = [artifacts.transcript for artifacts in self._found]
        for view, transcript in zip(self._views, transcripts, strict=True):
            view.show(sections(transcript, Shown()), at_start=True)
        self._pane.show(self._pairs, *(outline(transcript) for transcript in transcripts))
        self._summarise()

    def _summarise(self) -> None:
        """How both ended, and where one is among the differences."""
        lines = []
        for side in self._sides:
            row = self.gym.store.rollouts.get(side.rollout_id)
            left: list[Ink] = []
            if row is not None and row.rollout is not None:
                left += show.state(row.rollout)
                left.append(Ink(f"  {show.steps(row.rollout)} steps  ", "muted"))
                left.append(Ink(show.why(row)))
            lines.append(Line(tuple(left)))
        differing = [n for n, pair in enumerate(self._pairs) if pair.differs]
        if self._found:
            before = sum(1 for n in differing if n <= self._pane.cursor)
            words = f"difference {before} of {len(differing)}" if differing else "the same calls"
            lines[0] = Line(lines[0].left, (Ink(words, "accent" if differing else "muted"),))
        self.lines("summary").show(lines)

    def on_pairs_pane_chosen(self, event: PairsPane.Chosen) -> None:
        """Bring both bodies to the row, and tell what differs in it."""
        event.stop()
        pair = self._pane.pair
        if pair is None or not self._found:
            return
        above = self._pairs[: self._pane.cursor + 1]
        # Where one side makes no call, its body stays at what it said last.
        lefts = [row.left for row in above if row.left is not None]
        rights = [row.right for row in above if row.right is not None]
        for view, turns in zip(self._views, (lefts, rights), strict=True):
            view.jump(turns[-1] if turns else 0)
        self._tell(pair)
        self._summarise()

    def _tell(self, pair: Pair) -> None:
        lines: list[Line] = []
        if pair.left is not None and pair.right is not None and pair.differs:
            left, right = (artifacts.transcript for artifacts in self._found)
            found = diff.changes(left.turns[pair.left], right.turns[pair.right])
            for change in found[:_CHANGES]:
                lines.append(
                    Line(
                        (
                            Ink(f"≠ {change.name}  ", "warning"),
                            Ink(_brief(change.left), "removed"),
                            Ink("  │  ", "muted"),
                            Ink(_brief(change.right), "added"),
                        )
                    )
                )
            if len(found) > _CHANGES:
                more = (Ink(f"{len(found) - _CHANGES} more", "muted"),)
                lines[-1] = Line(lines[-1].left, more)
        elif pair.differs:
            which = self._sides[0 if pair.left is not None else 1].rollout_id
            lines.append(Line((Ink(f"± only {which} makes this call", "warning"),)))
        lines += [Line()] * (_CHANGES - len(lines))
        self.lines("changes").show(lines)

    def action_difference(self, step: int) -> None:
        """Go to the next or previous difference."""
        here = self._pane.cursor
        differing = [n for n, pair in enumerate(self._pairs) if pair.differs]
        beyond = [n for n in differing if (n > here if step > 0 else n < here)]
        if beyond:
            self._pane.go(beyond[0] if step > 0 else beyond[-1])
        else:
            self.gym.notify("no other difference", timeout=2)

    def action_refresh_now(self) -> None:
        """Ask the gym now; for the transcripts too if they are missing."""
        super().action_refresh_now()
        if not self._found:
            self._fetch()

    def copied(self) -> str | None:
        """Both ids."""
        return " ".join(side.rollout_id for side in self._sides)


def _brief(value: str | None) -> str:
    """A value of an argument as it fits a line; a clean dash for one that is not there."""
    if value is None:
        return "–"
    return value if len(value) <= 60 else f"{value[:40]}…{value[-19:]}"
