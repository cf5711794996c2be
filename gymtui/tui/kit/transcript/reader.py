"""A transcript as its reader wants it: what of it is unfolded, and whose turns are shown."""

from __future__ import annotations

from gymtui.core.replacement import replace
from gymtui.store.formats import of_many
from gymtui.transcript.blocks import BlockKind, Transcript
from gymtui.transcript.search import Match
from gymtui.tui.context.key_bindings import KeyBindings
from gymtui.tui.context.theme import Palette
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.kit.transcript.mouse_view import MouseView
from gymtui.tui.kit.transcript.sections import (
    HEADING,
    SectionCache,
    ViewOptions,
    sections,
    text_sections,
)

FOLD_MESSAGES = {True: "everything is unfolded", False: "long content is folded"}
NOTHING_FOLDS = "nothing to fold in this turn"


def selected_words(count: int, keys: KeyBindings) -> Cell:
    """How many characters are selected, and how they are copied."""
    words = StyledText(f"{of_many(count, 'character')} selected ", "accent")
    return (words, StyledText(f"{keys.label('interrupt')} copies", "muted"))


class TranscriptReader(MouseView):
    """A view that holds one transcript, and what of it is shown."""

    def __init__(self, palette: Palette, shown: ViewOptions, *, id: str) -> None:
        super().__init__(palette, id=id)
        self._section_cache: SectionCache = {}
        self._options = shown
        self.transcript: Transcript | None = None
        """What is read."""

    def read(self, transcript: Transcript, *, at_start: bool = True) -> None:
        """Read a transcript, from its start or from what stood at the top.

        What is hidden and unfolded stays as it was.
        """
        self.transcript = transcript
        self._section_cache = {}
        self.lay_out(at_start=at_start)

    def clear_transcript(self) -> None:
        """Read nothing; whose turns are shown, and whether all is unfolded, goes for the next."""
        self.transcript = None
        self._section_cache = {}
        self._options = replace(self._options, toggled=frozenset())
        self.show(text_sections(""), at_start=True)

    def lay_out(self, *, at_start: bool = False) -> None:
        """Show the transcript, if there is one."""
        if self.transcript is not None:
            found = sections(self.transcript, self._options, self._section_cache)
            self.show(found, at_start=at_start)

    @property
    def hidden(self) -> frozenset[BlockKind]:
        """Whose turns are not shown."""
        return self._options.hidden

    def hide(self, kinds: frozenset[BlockKind]) -> None:
        """Show all turns but these."""
        self._options = replace(self._options, hidden=kinds)
        self.lay_out()

    # -- folding ---------------------------------------------------------------------------

    def fold(self) -> bool:
        """Fold or unfold all that the current turn holds: open, while any of it is folded.

        It tells whether anything looks different then.
        """
        number = self.current
        if self.transcript is None or not 0 <= number < len(self.transcript.turns):
            return False
        blocks = [(number, block) for block in range(len(self.transcript.turns[number].blocks))]
        opened = not all(self._options.is_open(*block) for block in blocks)
        before = self.text_of_turn(number)
        self._toggle({block for block in blocks if self._options.is_open(*block) != opened})
        return self.text_of_turn(number) != before

    def fold_all(self) -> bool:
        """Fold or unfold everything; whether it is unfolded then."""
        opened = not self._options.all_open
        self._show(replace(self._options, all_open=opened, toggled=frozenset()))
        return opened

    def on_mouse_view_fold_clicked(self, event: MouseView.FoldClicked) -> None:
        event.stop()
        self._toggle({(event.turn, event.block)})

    def _toggle(self, blocks: set[tuple[int, int]]) -> None:
        self._show(replace(self._options, toggled=self._options.toggled ^ blocks))

    def _show(self, shown: ViewOptions) -> None:
        """Show so much of it, and stay where one is."""
        here = self.place
        self._options = shown
        self.lay_out()
        self.place = here

    def show_match(self, match: Match) -> None:
        """Show a match, unfolding what it is in, and its turn if that is hidden."""
        if self.transcript is None or self.jump_to_match(match):
            return
        block = (match.turn, match.block)
        folded = set() if self._options.is_open(*block) else {block}
        turns = self.transcript.turns[match.turn : match.turn + 1]  # none where it is an ending
        hidden = self._options.hidden - {turn.kind for turn in turns}
        self._options = replace(
            self._options, hidden=hidden, toggled=self._options.toggled ^ folded
        )
        self.lay_out()
        self.jump_to_match(match)

    def show_turn(self, turn: int, block: int = HEADING) -> None:
        """Go to a turn, whoever's it is, or to one of its blocks."""
        if not self.has_turn(turn) and self.transcript is not None:
            self._options = replace(self._options, hidden=frozenset())
            self.lay_out()
        self.jump_to_turn(turn, block)
