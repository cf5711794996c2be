"""JSON that people write, and where in it a mistake is: the same place on every Python."""

from __future__ import annotations

import json
import re
from typing import Any

_TRAILING_COMMA = re.compile(r",[ \t\n\r]*\Z")
_CLOSED_EARLY = {
    ("Expecting property name enclosed in double quotes", "}"): "object",
    ("Expecting value", "]"): "array",
}


class JsonError(ValueError):
    """Text is not JSON; the message says why."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line  # the line of the mistake, from 1; None where it has no place
        self.column = column  # the character within the whole text, from 1; None likewise


def read_json(text: str) -> Any:
    """Read JSON.

    Raises:
        JsonError: It is none.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        message, at = error.msg, error.pos
    except RecursionError:
        raise JsonError("is not JSON that can be read: nested too deeply") from None
    # Python 3.13 points at a comma too many, earlier ones at the bracket behind it.
    closed = _CLOSED_EARLY.get((message, text[at : at + 1]))
    comma = _TRAILING_COMMA.search(text, 0, at)
    if closed is not None and comma is not None:
        message, at = f"Illegal trailing comma before end of {closed}", comma.start()
    line = text.count("\n", 0, at) + 1
    raise JsonError(f"is not JSON: {message}", line, at + 1)
