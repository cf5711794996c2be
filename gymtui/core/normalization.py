"""The same letters in other code points: names that a person types against names that a gym has."""

from __future__ import annotations

import unicodedata


def spellings(typed: str) -> tuple[str, ...]:
    """A name as a person typed it, then its other Unicode spellings, composed and decomposed.

    A Mac types and pastes `é` as two code points where most others have one.
    """
    if typed.isascii():
        return (typed,)
    forms = (unicodedata.normalize("NFC", typed), unicodedata.normalize("NFD", typed))
    return tuple(dict.fromkeys((typed, *forms)))


def fold_case(text: str) -> str:
    """A text as it is compared: without regard to case, nor to how its letters are composed."""
    if text.isascii():
        return text.casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
