"""What is drawn where there are no glyphs or no colours: ASCII, attributes, and every cell kept."""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

import gymtui
from gymtui.core.text import clean
from gymtui.store.formats import GLYPH
from gymtui.tui.runtime.line_filters import SIGNS, Ascii, Colourless, plain

PACKAGE = Path(gymtui.__file__).parent
ELSEWHERE = ("gym", "cli", "api", "sources")
"""Rooms whose words reach no screen of ours, or are read there as what came off the wire."""
NO_DRAWING = {
    "core/text.py",
    "session/trigrams.py",
    "transcript/folds.py",
    "transcript/pretty_json.py",
    "tui/kit/transcript/line_index.py",
}
"""They name signs to recognise them."""


def signs() -> Iterator[tuple[str, str]]:
    """Each sign beyond ASCII that the source may draw, and where it stands."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.split("/")[0] in ELSEWHERE or name in NO_DRAWING:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if id(node) in told or name == "tui/runtime/line_filters.py":
                    continue
                # Controls and format characters are named to be recognised, never drawn.
                drawn = {sign for sign in node.value if unicodedata.category(sign)[0] != "C"}
                for sign in drawn - set(map(chr, range(128))):
                    yield sign, f"{name}:{node.lineno}"


def test_every_sign_that_the_program_draws_has_one_of_ascii_in_its_place() -> None:
    missing = {(sign, place) for sign, place in signs() if not plain(sign).isascii()}
    assert not missing
    assert all(len(ascii_) == 1 and ascii_.isascii() for ascii_ in SIGNS.values())
    assert all(cell_len(sign) == 1 for sign in SIGNS)


def test_outcomes_stay_apart_in_ascii() -> None:
    drawn = {glyph: plain(glyph) for glyph in GLYPH.values()}
    assert len(set(drawn.values())) == len(drawn)


def test_boxes_become_boxes_of_ascii() -> None:
    assert plain("╭─┬╮│┌┐└┘├╱╲╳━") == "+-++|+++++/\\X-"


def test_words_off_the_wire_keep_their_letters_where_the_terminal_has_them() -> None:
    assert plain("✓ Zoë 面談 → ok") == "v Zoë 面談 > ok"
    assert plain("✓ Zoë 面談 → ok", "iso8859-1") == "v Zoë ???? > ok"
    assert plain("✓ Zoë 面談 → ok", "ascii") == "v Zo? ???? > ok"


@given(st.text(), st.sampled_from(["utf-8", "ascii", "iso8859-1"]))
def test_every_cell_is_kept(text: str, charset: str) -> None:
    shown = clean(text)
    drawn = plain(shown, charset)
    assert cell_len(drawn) == cell_len(shown)
    drawn.encode(charset, "surrogatepass")


def line(apply_filter: Ascii | Colourless, *segments: Segment) -> list[Segment]:
    return list(apply_filter.apply(list(segments), Color(0, 0, 0)))


def test_a_line_of_ascii_is_not_touched() -> None:
    segments = [Segment("plain", Style(bold=True))]
    assert Ascii().apply(segments, Color(0, 0, 0)) is segments


@pytest.mark.parametrize(
    ("style", "left"),
    [
        (Style(color="red"), Style()),
        (Style(color="#123456", bold=True, dim=True), Style(bold=True, dim=True)),
        (Style(color="red", bgcolor="default"), Style()),
        (Style(bgcolor="#123456", underline=True), Style(underline=True, reverse=True)),
        (Style(color="red", bgcolor="blue", reverse=True), Style(reverse=False)),
        (Style(reverse=True), Style(reverse=True)),
    ],
)
def test_without_colours_only_attributes_are_left(style: Style, left: Style) -> None:
    [drawn] = line(Colourless(), Segment("x", style))
    assert drawn.style is not None
    assert drawn.style.color is None and drawn.style.bgcolor is None
    assert bool(drawn.style.reverse) == bool(left.reverse)
    assert (drawn.style.bold, drawn.style.dim, drawn.style.underline) == (
        left.bold,
        left.dim,
        left.underline,
    )
