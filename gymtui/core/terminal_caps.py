"""What the terminal can show, as far as its environment tells. Nothing is asked of the terminal."""

from __future__ import annotations

import codecs
from collections.abc import Mapping

from msgspec import Struct

_NO_SCREEN = ("dumb", "unknown")
TRUE_COLOUR = ("truecolor", "24bit")  # what COLORTERM says for 16 million colours
_MANY_COLOURS = ("256color", "kitty", "direct")
"""Ends of TERM that promise more than sixteen colours, as the framework reads them too."""


class Abilities(Struct, frozen=True):
    """What a terminal can show."""

    term: str = "xterm-256color"  # what it calls itself, TERM
    screen: bool = True  # whether a full screen can be drawn on it
    charset: str = "utf-8"  # in which text is written to it, by Python's name
    glyphs: bool = True  # whether signs beyond ASCII can be expected to be seen
    colour: bool = True  # whether it has colours, and they are wanted (https://no-color.org)
    few_colours: bool = False  # whether it has no more than sixteen


def abilities(env: Mapping[str, str], encoding: str | None) -> Abilities:
    """Read what the environment says of the terminal.

    Args:
        encoding: Of the stream that is drawn on. Under the C locale Python takes UTF-8 for
            granted: there a locale that was set in so many words is believed instead.
    """
    term = env.get("TERM", "")
    charset = _charset(env, encoding or "utf-8")
    many = env.get("COLORTERM", "").lower() in TRUE_COLOUR
    return Abilities(
        term=term,
        screen=term not in _NO_SCREEN,
        charset=charset,
        # The fonts of the Linux console have the 256 signs of a PC, if that.
        glyphs=charset == "utf-8" and term != "linux",
        colour=not env.get("NO_COLOR") and not _colourless(term),
        few_colours=not many and not term.endswith(_MANY_COLOURS),
    )


def locale_of(env: Mapping[str, str]) -> str:
    """The locale of characters, or "" where none is set."""
    # The first of these that is set and not empty counts (POSIX, *Environment Variables*).
    return env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or ""


def _charset(env: Mapping[str, str], encoding: str) -> str:
    written = _codec(encoding)
    locale = locale_of(env)
    if not locale:
        return written
    if locale in ("C", "POSIX"):
        return "ascii"
    name = locale.partition("@")[0].partition(".")[2]
    if not name:
        return written
    codec = _codec(name)
    return codec if codec == written else "ascii"


def _codec(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "ascii"


def _colourless(term: str) -> bool:
    return term in _NO_SCREEN or term.startswith("vt") or term.endswith(("-mono", "-m"))
