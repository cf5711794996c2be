"""Every field of one item as the server sent it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from gymtui.api.list_answer import shown
from gymtui.core.text import clean_block
from gymtui.tui.context.keymap import Scope
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.kit.text_view import Paragraph, TextView


def paragraphs_of(raw: bytes) -> list[Paragraph]:
    """JSON as received, pretty, a paragraph a line; what is no JSON as the text it is."""
    lines: list[Paragraph] = []
    for line in clean_block(shown(raw)).split("\n"):
        body = line.lstrip(" ")
        name, colon, rest = body.partition(": ")
        pieces = (
            (StyledText(name, "accent"), StyledText(colon + rest)) if colon else (StyledText(body),)
        )
        lines.append(Paragraph(pieces, indent=len(line) - len(body)))
    return lines


class DescribeScreen(GymScreen):
    """One run or rollout, field by field.

    Args:
        name: Its id.
        malformed: Why it could not be read, if so.
    """

    scopes: ClassVar[tuple[Scope, ...]] = (Scope.TEXT, Scope.EVERYWHERE)
    can_filter: ClassVar[bool] = False

    def __init__(self, name: str, raw: bytes, malformed: str | None) -> None:
        super().__init__()
        self._item = name
        self._raw = raw
        self._malformed = malformed

    def body(self) -> Iterable[Widget]:
        """The fields."""
        self._text = TextView(self.services.palette, id="text")
        self._text.add_class("main")
        yield self._text

    def on_mount(self) -> None:
        """Show them."""
        why = (
            [
                Paragraph((StyledText(f"could not be read: {self._malformed}", "warning"),)),
                Paragraph(),
            ]
            if self._malformed is not None
            else []
        )
        self._text.show([*why, *paragraphs_of(self._raw)])

    def breadcrumb(self) -> Cell:
        """What is described."""
        return (StyledText("describe › ", "muted"), StyledText(self._item, "strong"))

    def copy_text(self) -> str | None:
        """The item as it is shown."""
        return shown(self._raw)
