"""Every field of one item as the server sent it."""

from __future__ import annotations

from gymtui.api.list_answer import item_text
from gymtui.core.text import clean_block
from gymtui.tui.context.routes import Describe
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.kit.text_view import Paragraph, TextScreen


def json_paragraphs(raw: bytes) -> list[Paragraph]:
    """JSON as received, pretty, a paragraph a line; what is no JSON as the text it is."""
    lines: list[Paragraph] = []
    for line in clean_block(item_text(raw)).split("\n"):
        body = line.lstrip(" ")
        name, colon, rest = body.partition(": ")
        pieces = (
            (StyledText(name, "accent"), StyledText(colon + rest)) if colon else (StyledText(body),)
        )
        lines.append(Paragraph(pieces, indent=len(line) - len(body)))
    return lines


class DescribeScreen(TextScreen):
    """One run or rollout, field by field."""

    def __init__(self, item: Describe) -> None:
        super().__init__()
        self._item = item

    def on_mount(self) -> None:
        lines = json_paragraphs(self._item.raw)
        if self._item.malformed is not None:
            why = StyledText(f"could not be read: {self._item.malformed}", "warning")
            lines[:0] = [Paragraph((why,)), Paragraph()]
        self._text.show(lines)

    def breadcrumb(self) -> Cell:
        return (StyledText("describe › ", "muted"), StyledText(self._item.name, "strong"))

    def copy_text(self) -> str | None:
        return item_text(self._item.raw)
