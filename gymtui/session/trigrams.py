"""What an index of trigrams is asked for a phrase, and what is put into it. Pure.

SQLite's tokenizer and a search without regard to case do not agree on every letter: here they are
brought together, so that the index rules nothing out that the search finds.
"""

from __future__ import annotations

from gymtui.core.normalization import spellings
from gymtui.transcript.search import Query

_TRIGRAMS = 24  # of a long phrase no more are looked up: those few rule out as much
_SAME_LETTERS = str.maketrans({"\u017f": "s", "\u0131": "i", "\u0130": "i", "\u212a": "k"})
"""Letters that are ASCII ones to a search without regard to case."""


def trigram_query(query: Query) -> str | None:
    """What the index is asked for a phrase; None where it cannot rule anything out.

    Every passage that holds the phrase fits, whatever its case; not every one that fits holds it.
    """
    if query.pattern is not None:
        return None
    either = []
    for spelling in spellings(query.text):
        text = spelling.lower()
        found = {text[at : at + 3] for at in range(len(text) - 2)}
        sure = sorted(trigram for trigram in found if all(map(_has_one_form, trigram)))
        if not sure:
            return None
        quoted = (trigram.replace('"', '""') for trigram in sure[:: -(-len(sure) // _TRIGRAMS)])
        either.append("(" + " AND ".join(f'"{trigram}"' for trigram in quoted) + ")")
    return " OR ".join(either) or None


def _has_one_form(character: str) -> bool:
    """Whether the index and the search agree on what a character is without its case."""
    return character.isascii() or character.lower() == character.upper()


def index_text(text: str) -> str:
    return text if text.isascii() else text.translate(_SAME_LETTERS)
