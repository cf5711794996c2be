"""The keys in force, those of the screen it was opened on first, found by typing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from textual.widget import Widget
from textual.widgets import Input

from gymtui.tui.context.key_bindings import KeyBindings
from gymtui.tui.context.keymap import Key, Scope, typed_character
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.kit.text_view import Paragraph, TextScreen

_KEYS_CELLS = 16


def key_paragraphs(
    keys: KeyBindings, scopes: Sequence[Scope], *, read_only: bool, typed: str = ""
) -> list[Paragraph]:
    """The keys of some scopes, one scope after the other.

    Only those with all the words typed in their names or in what they do, marked there.
    """
    words = typed.lower().split()
    lines: list[Paragraph] = []
    for scope in scopes:
        found = [
            key
            for key in keys.of([scope], read_only=read_only)
            if _matches(keys, key, scope, words)
        ]
        if not found:
            continue
        lines += [Paragraph(), Paragraph(tuple(_mark_words(str(scope), words, "heading")))]
        for key in found:
            names = " ".join(keys.display(name) for name in key.keys)
            room = max(_KEYS_CELLS, len(names) + 1)
            name = (*_mark_words(names, words, "key"), StyledText(" " * (room - len(names))))
            cell = (StyledText("  "), *name, *_mark_words(key.text, words, ""))
            lines.append(Paragraph(cell, hanging=2 + room))
    return lines[1:]


def _matches(keys: KeyBindings, key: Key, scope: Scope, words: Sequence[str]) -> bool:
    """Whether every word is somewhere in what is said of a key, or in another name for it."""
    names = (name for each in key.keys for name in (keys.display(each), each))
    text = " ".join((*names, key.text, key.name, str(scope))).lower()
    return all(word in text for word in words)


def _mark_words(text: str, words: Sequence[str], style: str) -> Iterable[StyledText]:
    """A text with what was searched for marked."""
    if not words:
        return (StyledText(text, style),)
    parts = re.split("(" + "|".join(map(re.escape, words)) + ")", text, flags=re.IGNORECASE)
    return (StyledText(part, "match" if at % 2 else style) for at, part in enumerate(parts) if part)


class HelpScreen(TextScreen):
    """What the keys do, those of the screen it was opened on first.

    What is typed is searched for at once, so that no letter does anything.
    """

    can_filter = True
    prompt = "type to find a key"
    AUTO_FOCUS = "Input"

    def __init__(self, first: Sequence[Scope]) -> None:
        super().__init__()
        self._scopes = tuple(dict.fromkeys([*first, *Scope]))
        self._typed = ""

    def body(self) -> Iterable[Widget]:
        yield from super().body()
        # A click must not take the letters away from the search.
        self._text.can_focus = False

    def on_mount(self) -> None:
        self._show()
        self.action_filter()

    def _show(self) -> None:
        keys, read_only = self.services.keys, self.services.read_only
        found = key_paragraphs(keys, self._scopes, read_only=read_only, typed=self._typed)
        self._text.show(found or [Paragraph((StyledText("no matching keys", "muted"),))])

    def breadcrumb(self) -> Cell:
        back = self.services.keys.key_while_typing("back")
        does = "clears" if self._typed else "closes"
        way_out = (StyledText(f"  {back} ", "key"), StyledText(does, "muted"))
        return (StyledText("keys", "strong"), *way_out)

    def filter_text(self) -> str:
        return self._typed

    def apply_filter(self, text: str) -> str | None:
        """Show the keys that have all of these words."""
        if not self._typed and self._is_help_key(text):
            self.action_help()
            return None
        self._typed = text
        self._show()
        return None

    def _is_help_key(self, text: str) -> bool:
        """Whether what was typed is the key that opened it; letters are searched for first."""
        keys = next(key.keys for key in self.services.keys.table if key.name == "help")
        return not text.isalnum() and any(text == typed_character(key) for key in keys)

    def close_prompt(self) -> None:
        """Stay where letters can be typed."""

    def action_back(self) -> None:
        if self._typed:
            self.query_one(Input).value = ""
        else:
            self.action_help()

    def action_help(self) -> None:
        self.services.go_back(quit_at_end=False)
