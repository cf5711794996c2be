"""Reading one transcript: outline and body, finding, folding, exporting; wherever it came from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from textual.containers import Horizontal
from textual.widget import Widget

from gymtui.api.list_answer import item_text as laid_out_json
from gymtui.session.artifacts import Artifacts
from gymtui.transcript import passages, stops
from gymtui.transcript.blocks import BlockKind, Transcript
from gymtui.transcript.outline import endings, openings, outline, rows
from gymtui.transcript.pretty_json import as_text
from gymtui.transcript.search import Match
from gymtui.transcript.stops import Stop
from gymtui.tui.context.keymap import Scope
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.save_screen import SaveScreen
from gymtui.tui.kit.styled_text import Cell, StyledText, width_of
from gymtui.tui.kit.transcript.outline_pane import OutlinePane
from gymtui.tui.kit.transcript.reader import (
    FOLD_MESSAGES,
    NOTHING_FOLDS,
    TranscriptReader,
    selected_words,
)
from gymtui.tui.kit.transcript.search import Search
from gymtui.tui.kit.transcript.sections import ViewOptions, text_sections
from gymtui.tui.kit.transcript.view import TranscriptView

NOTHING_READ = "no transcript yet"
_WIDE = 100
"""Columns from which the outline is there from the start."""
_LAID_OUT_BYTES = 2_000_000
"""Raw artifacts up to this size are laid out as pretty JSON; larger ones are shown as they came."""


class ReaderScreen(SaveScreen, scope=Scope.TRANSCRIPT):
    """A screen on which a transcript is read. Where it comes from is for who builds on this."""

    prompt = "search: text, or re:REGEX"
    DEFAULT_CSS = """
    ReaderScreen #message { display: none; }
    ReaderScreen.with-message #message { display: block; }
    ReaderScreen OutlinePane { display: none; }
    ReaderScreen.outlined OutlinePane { display: block; }
    ReaderScreen.narrow OutlinePane { width: 28; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._raw = False
        self._outline_wanted: bool | None = None

    # -- for who builds on it --------------------------------------------------------------

    def headline(self, cells: int) -> Cell:
        """What is read, the left end of the line over it; what is longer loses its end."""
        raise NotImplementedError

    def go_to_neighbour(self, step: int) -> bool:
        """Go to the next or previous transcript that it was opened among; whether there is one."""
        return False

    def show_artifacts(self, artifacts: Artifacts) -> None:
        """Show artifacts, from their start unless they are another form of what was read."""
        again = self._artifacts is not None
        self._artifacts = artifacts
        self.show_message(())
        transcript = artifacts.transcript
        turns = (*openings(transcript), *rows(outline(transcript)))
        self._outline.show(turns, endings(transcript), len(transcript.turns))
        self._view.read(transcript, at_start=not again)
        self._lay_out(at_start=not again)
        self.services.gc_control.freeze()
        if self._search.typed:
            self.apply_filter(self._search.typed)

    def drop_artifacts(self) -> None:
        """Show nothing, before something else is shown."""
        self._search.stop()
        self._artifacts = None
        self._outline.show(())
        self._view.clear_transcript()

    def show_message(self, cell: Cell) -> None:
        """Say something above the body, where there is none yet, or nothing any more."""
        self.set_class(bool(cell), "with-message")
        self.lines("message").show([Line(), Line(cell), Line()])

    @property
    def transcript(self) -> Transcript | None:
        """What is read."""
        return self._artifacts.transcript if self._artifacts is not None else None

    def on_unmount(self) -> None:
        self._search.end()

    def body(self) -> Iterable[Widget]:
        palette, key = self.services.palette, self.services.keys.key_for
        kinds = " ".join(key(f"{kind}-turns") for kind in ("system", "user", "assistant", "tool"))
        self._outline = OutlinePane(palette)
        shown = ViewOptions(fold_key=key("fold"), kind_keys=kinds)
        self._view = TranscriptReader(palette, shown, id="text")
        self._view.add_class("main")
        self._search = Search(self._view, self._outline, self._show_found)
        yield Lines(palette, id="summary")
        yield Lines(palette, height=3, id="message")
        yield Horizontal(self._outline, self._view, id="panes")

    def on_mount(self) -> None:
        self._fit_outline()

    def on_resize(self, event: object) -> None:
        self._fit_outline()

    def _fit_outline(self) -> None:
        wide = self.size.width >= _WIDE
        wanted = wide if self._outline_wanted is None else self._outline_wanted
        self.set_class(wanted and not self._raw, "outlined")
        self.set_class(not wide, "narrow")

    def _lay_out(self, *, at_start: bool = False) -> None:
        artifacts = self._artifacts
        if artifacts is None:
            return
        self._fit_outline()
        if self._raw:
            self._show_raw(artifacts.body)
        else:
            self._view.lay_out(at_start=at_start)
        self.summarise()

    def _show_raw(self, body: bytes) -> None:
        async def lay_out() -> None:
            self._view.show(text_sections("laying out …"), at_start=True)
            work = laid_out_json if len(body) <= _LAID_OUT_BYTES else as_text
            text = await asyncio.to_thread(work, body)
            if self._raw:
                self._view.show(text_sections(text), at_start=True)
                self.summarise()

        self.run_worker(lay_out(), group="raw", exclusive=True, exit_on_error=True)

    def show_frame(self) -> None:
        """Write the frame, and the headline: what is wrong with a search stands there."""
        super().show_frame()
        self.summarise()

    def summarise(self) -> None:
        if not self.is_mounted:
            return
        state = self._state()
        room = self.size.width - width_of(state) - 3
        self.lines("summary").show([Line(self.headline(room), state)])

    def _state(self) -> Cell:
        """How it is seen: what is searched for, left out, redacted; else the turn one is at."""
        if self.hint:
            return (StyledText(self.hint, "warning"),)
        if selected := len(self.selected_text()):
            return selected_words(selected, self.services.keys)
        pieces: list[StyledText] = []
        artifacts = self._artifacts
        if artifacts is not None and artifacts.redacted:
            pieces.append(StyledText("redacted by the gym  ", "warning"))
        if self._view.hidden:
            kinds = ", ".join(sorted(str(kind) for kind in self._view.hidden))
            pieces.append(StyledText(f"without {kinds}  ", "warning"))
        if self._search.is_active:
            pieces += self._search.words()
        elif self._raw:
            pieces.append(StyledText("as received", "warning"))
        elif artifacts is not None:
            count = len(artifacts.transcript.turns)
            here = max(1, min(self._view.current + 1, count))
            pieces.append(StyledText(f"turn {here} of {count}" if count else "no turns", "muted"))
        return tuple(pieces)

    def on_transcript_view_selected(self, event: TranscriptView.Selected) -> None:
        event.stop()
        self.summarise()

    def on_transcript_view_moved(self, event: TranscriptView.Moved) -> None:
        event.stop()
        if not self._raw:
            self._outline.follow(self._view.current)
        self.summarise()

    def on_outline_pane_chosen(self, event: OutlinePane.Chosen) -> None:
        event.stop()
        self._view.show_turn(event.turn, event.block)

    # -- moving ----------------------------------------------------------------------------

    def action_turn(self, step: int) -> None:
        self._go(step, stops.turns, "turn")

    def action_error(self, step: int) -> None:
        self._go(step, stops.errors, "error")

    def action_call(self, step: int) -> None:
        self._go(step, stops.calls, "tool call")

    def _go(self, step: int, stops_of: Callable[[Transcript], Iterable[Stop]], thing: str) -> None:
        transcript = self._require_transcript()
        if transcript is None:
            return
        found = [stop for stop in stops_of(transcript) if self._view.has_turn(stop.turn)]
        stop = stops.nearest_stop(found, self._view.place, step)
        if stop is not None:
            self._view.jump_to_turn(stop.turn, stop.block)
            return
        where = f"no other {thing} {'below' if step > 0 else 'above'}" if found else ""
        refuse(self, where or f"no {thing}s here")

    def _require_transcript(self) -> Transcript | None:
        """The transcript, if it is read just now; where not, that is told."""
        if self.transcript is None:
            refuse(self, NOTHING_READ)
        elif self._raw:
            key = self.services.keys.label("raw")
            refuse(self, f"raw artifacts · {key} shows the transcript")
        return None if self._raw else self.transcript

    def action_rollout(self, step: int) -> None:
        if not self.go_to_neighbour(step):
            refuse(self, "end of the list" if step > 0 else "start of the list")

    def action_pan(self, steps: int) -> None:
        if self._view.wrap:
            refuse(self, f"lines are wrapped · {self.services.keys.label('wrap')} truncates them")
        elif not self._view.pan(steps):
            refuse(self, "start of the lines")

    # -- how it is shown -------------------------------------------------------------------

    def action_fold(self) -> None:
        if self._require_transcript() and not self._view.fold():
            refuse(self, NOTHING_FOLDS)

    def action_fold_all(self) -> None:
        if self._require_transcript():
            refuse(self, FOLD_MESSAGES[self._view.fold_all()])

    def action_role(self, name: str) -> None:
        if self._require_transcript():
            self._view.hide(self._view.hidden ^ {BlockKind(name)})
            self.summarise()

    def action_wrap(self) -> None:
        if self.transcript is None:
            refuse(self, NOTHING_READ)
            return
        self._view.toggle_wrap()
        refuse(self, "lines are wrapped" if self._view.wrap else "long lines are truncated")

    def action_outline(self) -> None:
        if self._raw:
            self._require_transcript()  # which says why not
            return
        self._outline_wanted = not self.has_class("outlined")
        self._fit_outline()
        if self._outline.has_focus and not self._outline_wanted:
            self._view.focus()

    def action_raw(self) -> None:
        if self._artifacts is None:
            refuse(self, NOTHING_READ)
            return
        self._raw = not self._raw
        self._lay_out(at_start=True)

    # -- finding ---------------------------------------------------------------------------

    def apply_filter(self, text: str) -> str | None:
        """Search: go to the first match from here on."""
        if self._is_exporting:
            return self.hint  # a file's name is typed: what it may be stays said
        problem = self._search.begin(text)
        self.summarise()
        return problem

    def _show_found(self, match: Match | None) -> None:
        """Something was found, or there is no more: go there if that is wanted."""
        if match is not None and self._raw:
            self.action_raw()
        if match is not None:
            self._view.show_match(match)
        self.summarise()

    def go_to_match(self, match: Match, phrase: str) -> None:
        """Go to a match that is known; a phrase, as it is typed, is marked besides."""
        if self._raw:
            self.action_raw()
        if phrase != self._search.typed:
            self._search.begin(phrase, at=match)
        self._search.select_match(match)
        self._view.show_match(match)
        self.summarise()

    def action_match(self, step: int) -> None:
        if self.transcript is None:
            refuse(self, NOTHING_READ)
        elif not self._search.is_active:
            refuse(self, f"no search · {self.services.keys.label('filter')} searches")
        elif not self._search.step(step):
            refuse(self, "no other match")

    def filter_text(self) -> str:
        return "" if self._is_exporting else self._search.typed

    def undo(self) -> bool:
        if self._view.drop_selection():
            return True
        if self._search.typed:
            self._search.stop()
            self.summarise()
            return True
        return False

    # -- copying and saving ----------------------------------------------------------------

    def selected_text(self) -> str:
        return self._view.selected_text()

    def copy_text(self) -> str | None:
        """What is selected, else the message of the current turn."""
        if selected := self.selected_text():
            return selected
        transcript = self.transcript
        message = None
        if transcript is not None and not self._raw:
            message = passages.message_at(transcript, self._view.current)
        return self.name_for_files() if message is None else message

    def action_copy(self) -> None:
        """Copy; from the raw view, with nothing selected, the bytes as they were received."""
        if self._raw and self._artifacts is not None and not self.selected_text():
            self.services.copy_to_clipboard(as_text(self._artifacts.body), as_received=True)
        else:
            super().action_copy()
