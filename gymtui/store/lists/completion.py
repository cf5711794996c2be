"""What `tab` makes of a filter being typed: columns, and the words of closed ones. Pure."""

from __future__ import annotations

import re
from typing import TypeVar

from gymtui.store.column_def import Schema

R = TypeVar("R")

_VALUE = re.compile(r"!*([^\W\d][\w.-]*)(?::|!?=)(?:[^\s\",]*,)*([^\s\",]*)$")
_NAME = re.compile(r"!*([^\W\d][\w.-]*)$")


def completions(text: str, schema: Schema[R]) -> tuple[str, ...]:
    """Go on with the last word, in every way that can be meant.

    Args:
        text: What stands before the cursor.

    Returns:
        The text with each; a column gets its colon, a word of a value a blank.
    """
    start = max((at + 1 for at, character in enumerate(text) if character.isspace()), default=0)
    word = text[start:]
    value = _VALUE.match(word)
    if value is not None:
        known = schema[value[1]].choices if value[1] in schema else ()
        typed, end = value[2], " "
    else:
        name = _NAME.match(word)
        known, typed, end = tuple(field.name for field in schema), name[1] if name else "", ":"
    fitting = [choice for choice in known if choice.startswith(typed.casefold())]
    if not typed and value is None:
        return ()
    return tuple(f"{text[: len(text) - len(typed)]}{choice}{end}" for choice in fitting)
