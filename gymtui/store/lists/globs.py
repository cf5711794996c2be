"""Wildcard patterns of the filter language: `*` any text, `?` one character, all else itself.

They are `fnmatch`'s, whose expressions never backtrack over a star: a pattern such as `*a*a*a*b`
costs no more than a walk of the text a part. Which words are patterns, and where they are looked
for, is `store.lists.query`.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from msgspec import Struct

from gymtui.core.normalization import fold_case


class Glob(Struct, frozen=True):
    """A pattern without regard to case."""

    pattern: str  # as `fnmatch` has it, case-folded
    literal: str | None  # the one case-folded text it matches, or None when it has a wildcard

    def matches(self, text: str) -> bool:
        """Whether it covers the whole of a case-folded text."""
        if self.literal is not None:
            return text == self.literal
        return _match(self.pattern)(text) is not None

    def is_in(self, text: str) -> bool:
        """Whether it covers some stretch of a case-folded text."""
        if self.literal is not None:
            return self.literal in text
        return _match(f"*{self.pattern}*")(text) is not None


@lru_cache(1024)
def _match(pattern: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(fnmatch.translate(pattern)).match


def glob(pieces: Iterable[tuple[str, bool]]) -> Glob:
    """Build a pattern from stretches of text; in quoted ones `*` and `?` are themselves."""
    texts = [(fold_case(text), quoted) for text, quoted in pieces]
    pattern = "".join(
        re.sub(r"[*?[]" if quoted else r"\[", r"[\g<0>]", text) for text, quoted in texts
    )
    wild = any(not quoted and set(text) & {"*", "?"} for text, quoted in texts)
    return Glob(pattern, None if wild else "".join(text for text, _ in texts))
