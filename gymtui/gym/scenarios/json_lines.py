"""On which line of a JSON text each value stands, so that a mistake is shown at its place."""

import re
from collections.abc import Mapping

JsonPath = tuple[str | int, ...]  # the keys and indexes that lead to a value

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def lines_of(text: str) -> dict[JsonPath, int]:
    """Return the line of every value, from 1; the text must be valid JSON."""
    lines: dict[JsonPath, int] = {}
    place: list[str | int] = []
    awaits_key = False
    line, last = 1, 0
    for found in _TOKEN.finditer(text):
        line += text.count("\n", last, found.start())
        last, mark = found.start(), found.group()
        if mark in ("}", "]"):
            place.pop()
            awaits_key = False
        elif mark == ",":
            index = place[-1]
            awaits_key = isinstance(index, str)
            if isinstance(index, int):
                place[-1] = index + 1
        elif mark == ":":
            awaits_key = False
        elif awaits_key:
            place[-1] = mark[1:-1]
        else:
            lines.setdefault(tuple(place), line)
            if mark in ("{", "["):
                awaits_key = mark == "{"
                place.append("" if awaits_key else 0)
    return lines


def line_of(lines: Mapping[JsonPath, int], place: JsonPath) -> int:
    """Return the line of a value, or of what it would be part of."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)
