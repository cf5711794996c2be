"""What `tab` makes of a filter being typed: columns, and their values. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

from gymtui.store.column_def import Field, Schema, ValueKind, natural
from gymtui.store.lists.query import quote_value

R = TypeVar("R")

_VALUE = re.compile(r"!*([^\W\d][\w.-]*)(?::|!?=)(?:[^\s\",]*,)*([^\s\",]*)$")
_NAME = re.compile(r"!*([^\W\d][\w.-]*)$")

_PLAIN = re.compile(r"[^\s\"*?,\\]+")
LOOKED_AT = 2000  # rows whose values are offered: some 3 ms
LONGEST = 80  # characters of a value that is offered
MOST = 50  # values that are offered


def _values(column: Field[R], typed: str, records: Iterable[R]) -> tuple[str, ...]:
    """The values of an open column that begin so, as they are written in a filter."""
    if column.kind is not ValueKind.TEXT:
        return ()
    found: dict[str, None] = {}
    for record in islice(records, LOOKED_AT):
        texts = column.each(record) if column.each is not None else [column.value(record)]
        for text in texts:
            if not isinstance(text, str) or not 0 < len(text) <= LONGEST:
                continue
            if text.casefold().startswith(typed.casefold()):
                found[text] = None
    ordered = sorted(found, key=natural)[:MOST]
    return tuple(
        text if text.isprintable() and _PLAIN.fullmatch(text) else quote_value(text)
        for text in ordered
    )


def completions(text: str, schema: Schema[R], records: Iterable[R] = ()) -> tuple[str, ...]:
    """The text with its last word gone on with, in every way that can be meant.

    A column gets its colon, a word of a value a blank; the values of an open column are those of
    `records`.
    """
    start = max((at + 1 for at, character in enumerate(text) if character.isspace()), default=0)
    word = text[start:]
    value = _VALUE.match(word)
    if value is not None:
        typed, end = value[2], " "
        columns = [schema[value[1]]] if value[1] in schema else []
        known = next((c.choices or _values(c, typed, records) for c in columns), ())
    else:
        name = _NAME.match(word)
        known, typed, end = tuple(field.name for field in schema), name[1] if name else "", ":"
    wanted = typed.casefold()
    fitting = [choice for choice in known if choice.lstrip('"').casefold().startswith(wanted)]
    if not typed and value is None:
        return ()
    return tuple(f"{text[: len(text) - len(typed)]}{choice}{end}" for choice in fitting)
