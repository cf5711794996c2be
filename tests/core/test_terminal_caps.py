"""What is believed of a terminal, by its environment."""

from __future__ import annotations

import pytest

from gymtui.core.terminal_caps import abilities

MODERN = {"TERM": "xterm-256color", "LANG": "en_GB.UTF-8"}


@pytest.mark.parametrize(
    ("env", "encoding", "charset"),
    [
        ({"LANG": "en_GB.UTF-8"}, "utf-8", "utf-8"),
        ({"LANG": "C.UTF-8"}, "utf-8", "utf-8"),
        ({"LANG": "de_DE.utf8@euro"}, "utf-8", "utf-8"),
        ({"LANG": "en_GB"}, "iso8859-1", "iso8859-1"),
        ({"LANG": "en_GB.ISO-8859-1"}, "iso8859-1", "iso8859-1"),
        # A locale that is not installed: Python writes UTF-8, the terminal may read Latin.
        ({"LANG": "en_GB.ISO-8859-1"}, "utf-8", "ascii"),
        ({"LANG": "en_GB.NONSENSE"}, "utf-8", "ascii"),
        # Nothing said, as in most containers, where terminals speak UTF-8 nevertheless.
        ({}, "utf-8", "utf-8"),
        ({"LANG": ""}, "utf-8", "utf-8"),
        # Said in so many words.
        ({"LC_ALL": "C", "LANG": "en_GB.UTF-8"}, "utf-8", "ascii"),
        ({"LC_ALL": "POSIX"}, "utf-8", "ascii"),
        # What Python makes of LANG=C where it can (PEP 538).
        ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, "utf-8", "utf-8"),
        ({"LC_ALL": "", "LC_CTYPE": "en_GB.UTF-8", "LANG": "C"}, "utf-8", "utf-8"),
        ({}, None, "utf-8"),
        ({}, "ascii", "ascii"),
    ],
)
def test_the_charset_is_the_locales(
    env: dict[str, str], encoding: str | None, charset: str
) -> None:
    found = abilities({"TERM": "xterm-256color", **env}, encoding)
    assert found.charset == charset
    assert found.glyphs == (charset == "utf-8")


def test_the_console_of_linux_has_no_glyphs_and_few_colours() -> None:
    found = abilities({"TERM": "linux", "LANG": "C.UTF-8"}, "utf-8")
    assert found.screen and found.colour
    assert not found.glyphs
    assert found.few_colours


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_dumb_terminal_has_no_screen(term: str) -> None:
    assert not abilities({"TERM": term}, "utf-8").screen


def test_no_color_counts_when_it_is_set_to_anything_but_nothing() -> None:
    assert abilities(MODERN, "utf-8").colour
    assert abilities({**MODERN, "NO_COLOR": ""}, "utf-8").colour
    assert not abilities({**MODERN, "NO_COLOR": "1"}, "utf-8").colour
    assert not abilities({**MODERN, "NO_COLOR": "0"}, "utf-8").colour


@pytest.mark.parametrize("term", ["vt100", "vt220", "xterm-mono", "linux-m"])
def test_terminals_without_colours_have_none(term: str) -> None:
    assert not abilities({"TERM": term}, "utf-8").colour


@pytest.mark.parametrize(
    ("env", "few"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "screen"}, True),
        ({"TERM": "xterm-16color"}, True),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-kitty"}, False),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, False),
        ({"TERM": "alacritty", "COLORTERM": "24bit"}, False),
    ],
)
def test_few_colours_are_sixteen(env: dict[str, str], few: bool) -> None:
    assert abilities(env, "utf-8").few_colours is few
