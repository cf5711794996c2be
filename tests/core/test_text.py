"""What reaches the screen: nothing that acts on a terminal, of known width."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len, get_character_cell_size

from gymtui.core.ansi_sgr import PLAIN, Style, apply_codes
from gymtui.core.text import (
    MARKS,
    Span,
    clean,
    clean_block,
    clusters,
    fit,
    span_lines,
    width,
)
from tests.helpers.clean_text import is_clean
from tests.helpers.hostile_text import PIECES

# Pieces that hurt, mixed with what any text is made of: random text alone seldom makes a sequence.
HOSTILE = st.sampled_from(
    [
        *("\x1b", "\x1b[", "\x1b[31", "\x1b[31m", "\x1b]", "\x1b]52;c;QUJD", "\x07", "\x1b\\"),
        *("\x1bP", "\x1b_G", "\x1b^", "\x1bX", "\x1bk", "\x1bc", "\x1b(B", "\x1b[?1049h", "\x18"),
        *("\x9b", "\x9d", "\x90", "\x9c", "\x85", "\x7f", "\x00", "\x08", "\r", "\n", "\r\n", "\t"),
        *("\u202e", "\u2066", "\u200b", "\u200d", "\u200e", "\u2028", "\u2029", "\ufeff", "\ufe0f"),
        *("\U000e0041", "\U000e0100", "\u3164", "\u115f", "\u00ad", "\ud800", "\udfff", "\uffff"),
        *(
            "\U0001f1e9\U0001f1ea",
            "👩‍💻",
            "⚠️",
            "👋🏽",
            "日本",
            "e\u0301",
            "\u0301" * 7,
            "한",
            "กี่",
            "a b",
        ),
    ]
)
ANY = st.lists(HOSTILE | st.text(st.characters(), max_size=5), max_size=12).map("".join)
# What may never come out, said independently of the code: controls, separators, format, surrogates.
FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe0f\ufeff]"
)


def acts(text: str, *, allowed: str = "") -> list[str]:
    """Characters a terminal would act on, or that nobody would see."""
    return [
        character
        for character in text
        if character not in allowed
        and (
            unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
            or FORBIDDEN.match(character)
            or 0xE0000 <= ord(character) <= 0xE0FFF
        )
    ]


@given(ANY)
def test_nothing_that_acts_on_a_terminal_leaves_by_clean(text: str) -> None:
    shown = clean(text)
    assert not acts(shown)
    assert is_clean(shown)
    assert clean(shown) == shown


@given(ANY)
def test_nothing_but_line_ends_leaves_by_clean_block(text: str) -> None:
    shown = clean_block(text)
    assert not acts(shown, allowed="\n")
    assert is_clean(shown, block=True)
    assert clean_block(shown) == shown
    assert all(is_clean(line) for line in shown.split("\n"))


def words(line: list[Span]) -> str:
    return "".join(span.text for span in line)


@given(ANY)
def test_coloured_output_is_as_clean_as_any_other(text: str) -> None:
    parts = [span.text for line in span_lines(text) for span in line]
    assert all(is_clean(part) and not acts(part) for part in parts)
    assert all(parts)


@given(ANY)
def test_colours_change_no_text(text: str) -> None:
    # Without marks: one that follows a colour stands on a circle of its own.
    text = re.sub(r"[^\x00-\u02ff\u4e00-\u9fff\u2028]", "", text)
    assert "\n".join(map(words, span_lines(text))) == clean_block(text)


@given(ANY, st.integers(-1, 40), st.sampled_from(["start", "middle", "end"]), st.booleans())
@example("日本語", 2, "middle", True)
@example("\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", 3, "end", True)
def test_fit_is_exact_in_cells(text: str, cells: int, cut: str, pad: bool) -> None:
    shown = fit(text, cells, cut=cut, pad=pad)  # type: ignore[arg-type]
    room = max(0, cells)
    assert cell_len(shown) == room if pad else cell_len(shown) <= room
    assert is_clean(shown)
    if not pad and width(clean(text)) <= room:
        assert shown == clean(text)


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"])))
def test_plain_ascii_is_left_alone(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("naïve café", "Привет, мир", "日本語テキスト", "한국어", "नमस्ते", "สวัสดี", "مرحبا", "שלום"),
        *(
            "😀 🚀 ✓ ✗ ▸ ⊣",
            "🇩🇪🇫🇷",
            "e\u0301",
            "x² ≤ 3½ …",
            "\ue0b0 nerd font",
            "│█▒⣀⡇",
            "\u3000\u00a0",
        ),
        "{'a': [1, 2]} [red]not markup[/red] [@click=app.bell]x[/]",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert clean(text) == text
    assert clean_block(f"{text}\n\n{text}") == f"{text}\n\n{text}"
    assert span_lines(text) == [[Span(text, PLAIN)]]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("a\x1b[?25lb\x1b[2Jc\x1b[Hd", "abcd"),
        ("\x1b]0;title\x07a\x1b]52;c;QUJD\x1b\\b", "ab"),
        ("\x1b]8;;https://x.y\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1$tx\x1b\\a\x1b_Gf=100;AAAA\x1b\\b\x1b^pm\x1b\\c\x1bXsos\x1b\\d", "abcd"),
        ("\x1bktitle\x1b\\$ ls", "$ ls"),
        ("\x1b(B\x1b)0a\x1bcb\x1b7c\x1b=d", "abcd"),
        ("\x9b31ma\x9d0;t\x9cb", "ab"),
        ("cut off\x1b[38;5", "cut off"),
        ("\x1b\x1b[31mx", "␛x"),
        ("a\x1b]0;never ended", "a"),
        ("bell\x07 back\x08 nul\x00 del\x7f", "bell␇ back␈ nul␀ del␡"),
        ("nel\x85 \x9d said", "nel\\x85 \\x9d said"),
        ("a\tb", "a b"),
        ("a\nb\r\nc\rd\r\r\ne\u2028f", "a⏎b⏎c⏎d⏎e⏎f"),
        ("x\u202etxt.exe", "x<U+202E>txt.exe"),
        ("hi\U000e0041\U000e0042\U000e0043", "hi<U+E0041 +2>"),
        ("a\u200bb\ufeffc\u00add", "abcd"),
        ("👩\u200d💻 👋🏽 ⚠\ufe0f", "👩💻 👋 ⚠"),
        ("\ud800 \uffff \U0010ffff", "\ufffd \ufffd \ufffd"),
        ("\u0301x", "◌\u0301x"),
        (None, "–"),
        (b"\xffa", "\ufffda"),
        (3, "3"),
    ],
)
def test_how_each_thing_shows(raw: object, shown: str) -> None:
    assert clean(raw) == shown


def test_an_unterminated_sequence_hides_little_and_never_the_next_line() -> None:
    assert clean_block("a\x1b]0;title\nnext line") == "a\nnext line"
    assert clean_block("\x1b]" + "x" * 10_000).count("x") > 9_000
    assert (
        clean_block("said \x9dquoted, in mojibake\nnext") == "said \\x9dquoted, in mojibake\nnext"
    )


def test_marks_are_capped_on_each_letter() -> None:
    zalgo = "".join(letter + "\u0315" * 40 for letter in "help")
    assert clean(zalgo) == "".join(letter + "\u0315" * MARKS for letter in "help")
    assert width(clean(zalgo)) == 4


def test_every_character_without_width_is_known() -> None:
    """The classes of characters in the code cover the width table that the layout uses."""
    for code in range(0x20, 0x110000):
        character = chr(code)
        if get_character_cell_size(character) == 0:
            assert clean(f"a{character * 9}").count(character) <= MARKS, hex(code)
            assert not clean(character).startswith(character), hex(code)


def test_no_character_that_formats_is_drawn() -> None:
    """All of Unicode's controls, but the few format characters that have a shape of their own."""
    drawn = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    drawn |= set(range(0x13430, 0x13440))  # these join hieroglyphs, and are capped as marks are
    for code in range(0x110000):
        if code not in drawn and unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            assert chr(code) not in clean(f"a{chr(code)}b"), hex(code)
            assert chr(code) not in clean_block(f"a{chr(code)}b").replace("\n", ""), hex(code)


def test_tabs_in_a_block_keep_columns() -> None:
    assert clean_block("a\tb\n日本\tc\n\td") == "a       b\n日本    c\n        d"


def test_clean_takes_another_sign_for_line_ends() -> None:
    assert clean("a\nb", newline=" ") == "a b"


@pytest.mark.parametrize(
    ("text", "cells", "cut", "shown"),
    [
        ("checkpoint-0042", 9, "middle", "chec…0042"),
        ("checkpoint-0042", 9, "end", "checkpoi…"),
        ("checkpoint-0042", 9, "start", "…int-0042"),
        ("日本語テキスト", 7, "end", "日本語…"),
        ("日本語テキスト", 6, "end", "日本…"),
        ("日本語テキスト", 6, "middle", "日…ト"),
        ("e\u0301e\u0301e\u0301e\u0301", 3, "end", "e\u0301e\u0301…"),
        ("🇩🇪🇫🇷🇬🇧", 5, "end", "🇩🇪🇫🇷…"),
        ("🇩🇪🇫🇷🇬🇧", 4, "end", "🇩🇪…"),
        ("ab", 1, "middle", "…"),
        ("日本", 1, "end", "…"),
        ("ab", 0, "end", ""),
        ("a\x1b[31mb\nc", 9, "end", "ab⏎c"),
    ],
)
def test_fit_cuts_where_told_and_tears_nothing(text: str, cells: int, cut: str, shown: str) -> None:
    assert fit(text, cells, cut=cut) == shown  # type: ignore[arg-type]


def test_fit_pads_and_aligns() -> None:
    assert fit("ab", 5, pad=True) == "ab   "
    assert fit("ab", 5, pad=True, align="right") == "   ab"
    assert fit("ab", 5, pad=True, align="center") == " ab  "
    assert fit("日本語", 4, cut="end", pad=True) == "日… "
    assert fit(None, 3, pad=True) == "–  "


def test_fit_looks_only_at_what_can_show() -> None:
    assert fit("é" * 5_000_000, 5) == "éé…éé"


def test_clusters_keep_marks_and_flags_together() -> None:
    assert list(clusters("ae\u0301日🇩🇪🇫🇷")) == [
        ("a", 1),
        ("e\u0301", 1),
        ("日", 2),
        ("🇩🇪", 2),
        ("🇫🇷", 2),
    ]


@given(ANY)
def test_clusters_add_up(text: str) -> None:
    shown = clean(text)
    parts = list(clusters(shown))
    assert "".join(part for part, _ in parts) == shown
    assert sum(size for _, size in parts) == width(shown)


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("1;31", Style(fg="red", bold=True)),
        ("2;3;4;7;9", Style(dim=True, italic=True, underline=True, reverse=True, strike=True)),
        ("97;104", Style(fg="bright_white", bg="bright_blue")),
        ("38;5;9", Style(fg="bright_red")),
        ("38;5;196", Style(fg="#ff0000")),
        ("48;5;232", Style(bg="#080808")),
        ("38;2;1;2;3;1", Style(fg="#010203", bold=True)),
        ("38:2::1:2:3", Style(fg="#010203")),
        ("38:2:1:2:3", Style(fg="#010203")),
        ("48:5:16", Style(bg="#000000")),
        ("4:3", Style(underline=True)),
        ("58;5;9;1", Style(bold=True)),
        ("38;5;999", PLAIN),
        ("38", PLAIN),
        ("38;2;1", PLAIN),
        ("5;8;12345678901234567890", PLAIN),
        ("31;", PLAIN),
        ("38;5;9;38;5;10;1", Style(fg="bright_green", bold=True)),
    ],
)
def test_colour_codes(codes: str, style: Style) -> None:
    assert apply_codes(PLAIN, codes) == style


def test_colour_codes_are_undone_one_by_one() -> None:
    everything = apply_codes(PLAIN, "1;2;3;4;7;9;31;42")
    assert apply_codes(everything, "22;23;24;27;29;39;49") == PLAIN
    assert apply_codes(everything, "") == PLAIN
    assert apply_codes(everything, "4:0") == apply_codes(everything, "24")
    assert apply_codes(everything, "4:0") != everything


def test_a_style_goes_on_over_line_ends() -> None:
    red = Style(fg="red")
    assert span_lines("a\x1b[31mb\nc\n\nd\x1b[0me") == [
        [Span("a", PLAIN), Span("b", red)],
        [Span("c", red)],
        [],
        [Span("d", red), Span("e", PLAIN)],
    ]


def test_a_colour_between_cr_and_lf_makes_no_second_line() -> None:
    assert len(span_lines("one\r\x1b[0m\ntwo\x1b[1m\r")) == 3
    assert len(span_lines("10%\r\x1b[1m20%")) == 2


def test_tabs_count_from_the_start_of_a_coloured_line() -> None:
    assert [words(line) for line in span_lines("ab\x1b[1mc\td")] == ["abc     d"]


MANY = 80_000
LONG = {
    "plain text\n": "plain text\n" * MANY,
    "\x1b]": "",
    "\x1b[1m": "",
    "\x1b[1": "␛[1" * (MANY - 1),  # the last one may only be cut short
    "\x1bP1": "",
    "\x9d": r"\x9d" * MANY,
    "\x1b((((": "␛((((" * MANY,
    "\r": "\n",
    "日本 😀\n": "日本 😀\n" * MANY,
    "\u0301": "◌" + "\u0301" * MARKS,
}


@pytest.mark.parametrize("piece", PIECES)
def test_very_long_texts_are_cleaned_like_any_other(piece: str) -> None:
    text = piece * MANY
    shown = clean_block(text)
    as_expected = shown == LONG[piece]  # apart, since telling them apart would take very long
    assert as_expected, f"{len(shown)} characters: {shown[:60]!r}…"
    agrees = shown == "\n".join("".join(part.text for part in line) for line in span_lines(text))
    assert agrees
