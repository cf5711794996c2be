"""JSON made readable without losing a character of it, and read however deep or odd it is.

Nothing here recurses on what it is given: depth costs time, never the stack.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from json.encoder import encode_basestring

from gymtui.transcript.frames import last_frames

INDENTED_LEVELS = 16
"""Deeper containers stay on one line: indentation alone must not outgrow the document."""
DEEPEST = 200
"""Containers nested deeper are read as text; Python's own reader gives up at about 1000."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\],:]|[^\s"{}\[\],:]+', re.DOTALL)
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\]]', re.DOTALL)
_LONGEST_INT = 4000
_STEP = 16 * 1024
_BATCH = 64


class NotJsonError(ValueError):
    """The text is no JSON document."""


def decode(document: bytes | str) -> object:
    """Read a JSON document as leniently as can be.

    Args:
        document: UTF-8, -16 or -32, with or without a byte order mark. NaN, lone surrogates,
            control characters in strings and endless integers (kept as text) are taken; what is
            nested too deep is kept as text.

    Raises:
        NotJsonError: It is none.
    """
    text = as_text(document)
    try:
        return json.loads(text, strict=False)
    except RecursionError:
        text = _flattened(text)
    except ValueError:
        pass  # perhaps only an integer longer than Python reads: told apart by the second try
    try:
        return json.loads(text, strict=False, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise NotJsonError(str(error)) from error


def as_text(document: bytes | str) -> str:
    """Read bytes as text, in the encoding JSON detection finds; lone surrogates are kept."""
    if isinstance(document, str):
        return document.removeprefix("\ufeff")
    encoding = json.detect_encoding(document)
    try:
        return document.decode(encoding, "surrogatepass")
    except UnicodeDecodeError:
        return document.decode(encoding, "replace")


def parse_container(text: str) -> object | None:
    """Read a string as a JSON object or array; None when it is not one of these two."""
    if text[:64].lstrip()[:1] + text[-64:].rstrip()[-1:] not in ("{}", "[]"):
        return None
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def pretty(value: object) -> str:
    """Write a JSON value, or a string that holds an object or array, indented."""
    if isinstance(value, str):
        return _reindented(value) if parse_container(value) is not None else value
    return _reindented(compact(value))


def readable(value: object) -> str:
    """As `pretty`, but a string of several lines is `|` with these below, indented further."""
    if isinstance(value, str):
        return _reindented(value, blocks=True) if parse_container(value) is not None else value
    return _reindented(compact(value), blocks=True)


def compact_in_steps(value: object) -> str:
    """The same as `compact`, in steps that leave other threads their turn."""
    return _compact_any(value, whole=_STEP)


def is_short(value: object, most: int) -> bool:
    """Whether a value is written in about so many characters; it looks no further than needed."""
    left = most
    todo = [value]
    while todo:
        item = todo.pop()
        left -= len(item) + 2 if isinstance(item, str) else 8
        if left < 0:
            return False
        if isinstance(item, Mapping):
            left -= sum(len(str(key)) for key in item)
            todo.extend(item.values())
        elif isinstance(item, list | tuple):
            todo.extend(item)
    return True


def preview(value: object, characters: int) -> str:
    """The beginning of a value, on one line, whatever its size."""
    return compact(_pruned(value, characters, 4))[:characters]


def _pruned(value: object, most: int, levels: int) -> object:
    """So much of a value that its first `most` characters stay; nobody looks deeper."""
    if isinstance(value, str):
        return value[:most]
    if isinstance(value, Mapping):
        items = islice(value.items(), most if levels else 0)
        return {str(key)[:most]: _pruned(item, most, levels - 1) for key, item in items}
    if isinstance(value, list | tuple):
        return [_pruned(item, most, levels - 1) for item in islice(value, most if levels else 0)]
    return value


def compact(value: object) -> str:
    """Write a JSON value on one line, its characters as they are; what is none by `str`."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, ValueError, TypeError):
        return _compact_any(value)


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) < _LONGEST_INT else digits


def _flattened(text: str) -> str:
    """Turn what is nested deeper than `DEEPEST` into strings."""
    parts: list[str] = []
    depth = done = start = 0
    for found in _STRUCTURE.finditer(text):
        match found[0][0]:
            case "{" | "[":
                depth += 1
                if depth == DEEPEST:
                    start = found.start()
            case "}" | "]":
                if depth == DEEPEST:
                    parts += [text[done:start], encode_basestring(text[start : found.end()])]
                    done = found.end()
                depth -= 1
    return "".join([*parts, text[done:]])


def _reindented(source: str, *, blocks: bool = False) -> str:
    """Lay out valid JSON anew, token by token; with `blocks`, long strings as lines."""
    parts: list[str] = []
    depth = 0
    opened = False
    for token in _TOKEN.findall(source):
        first = token[0]
        if first in "}]":
            depth -= 1
            if not opened:
                parts.append(_break(depth))
            parts.append(token)
            opened = False
            continue
        if opened:
            parts.append(_break(depth))
            opened = False
        if first == '"' and blocks and "\\n" in token and (lines := _lines_in(token, depth)):
            parts.append(lines)
        elif first == '"':
            parts.append(_unescaped(token) if "\\u" in token else token)
        elif first in "{[":
            parts.append(token)
            depth += 1
            opened = True
        elif first == ",":
            comma = "" if parts[-1][:2] == "|\n" else ","  # no line of a text ends with it
            parts.append(comma + (_break(depth) or " "))
        elif first == ":":
            parts.append(": ")
        else:
            parts.append(token)
    return "".join(parts)


def _break(depth: int) -> str:
    return "\n" + "  " * depth if depth < INDENTED_LEVELS else ""


def _lines_in(token: str, depth: int) -> str:
    """A string of several lines as a block; empty for one that has no second line."""
    text: str = json.loads(token, strict=False)
    lines = last_frames(text).removesuffix("\n").split("\n")
    if len(lines) < 2 or not 0 < depth < INDENTED_LEVELS:
        return ""
    return "|" + "".join(f"{_break(depth + 1)}{line}" for line in lines)


def _unescaped(token: str) -> str:
    return encode_basestring(json.loads(token, strict=False))


def _compact_any(value: object, whole: int = 0) -> str:
    """Write what Python's own writer cannot: deep nesting, endless integers, keys of any type.

    What takes no more than `whole` characters is left to that writer.
    """
    parts: list[str] = []
    todo: list[object | _Raw] = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, _Raw):
            parts.append(item.text)
        elif whole and is_short(item, whole):
            parts.append(compact(item))
        elif isinstance(item, Mapping):
            inner: list[object] = []
            for key, member in item.items():
                inner += [_Raw(", " if inner else "{"), _Raw(f"{_atom(str(key))}: "), member]
            todo += [_Raw("}" if inner else "{}"), *reversed(inner)]
        elif isinstance(item, Sequence) and not isinstance(item, str | bytes):
            inner = []
            for begin in range(0, len(item), _BATCH if whole else 1):
                some = item[begin : begin + _BATCH] if whole else item[begin : begin + 1]
                # As many members at once as are quickly written, without their brackets.
                if len(some) > 1 and is_short(some, whole):
                    some = [_Raw(compact(some)[1:-1])]
                for member in some:
                    inner += [_Raw(", " if inner else "["), member]
            todo += [_Raw("]" if inner else "[]"), *reversed(inner)]
        else:
            parts.append(_atom(item))
    return "".join(parts)


@dataclass(slots=True)
class _Raw:
    """Text to be written as it is."""

    text: str


def _atom(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 10_000:
        return hex(value)
    write: Callable[..., str] = json.dumps
    return write(value, ensure_ascii=False, default=str)
