"""Paragraphs of a text on screen: where they break, and where their further lines begin."""

from __future__ import annotations

import pytest

from gymtui.tui.kit.styled_text import StyledText
from gymtui.tui.kit.text_view import Paragraph, wrap_paragraph


def drawn(paragraph: Paragraph, cells: int) -> list[str]:
    return ["".join(piece.text for piece in line) for line in wrap_paragraph(paragraph, cells)]


@pytest.mark.parametrize(
    ("indent", "hanging", "cells", "lines"),
    [
        (0, 0, 12, ["ab  one two", "three"]),
        (0, 4, 12, ["ab  one two", "    three"]),
        (0, 4, 9, ["ab  one", "    two", "    three"]),
        (1, 4, 13, [" ab  one two", "     three"]),
        (0, 4, 7, ["ab", "one", "two", "three"]),
    ],
)
def test_further_lines_begin_under_the_text_where_there_is_room(
    indent: int, hanging: int, cells: int, lines: list[str]
) -> None:
    paragraph = Paragraph((StyledText("ab  one two three"),), indent, hanging)
    assert drawn(paragraph, cells) == lines
