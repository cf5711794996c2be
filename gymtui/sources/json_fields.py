"""JSON of which a few fields are wanted: what is not asked for is looked through, never built.

Result files hold whole conversations beside what a row shows; those are read when they are opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

import msgspec

from gymtui.api.lenient import loads
from gymtui.core.json_output import json_text

_LARGEST: Final = 2.0**53


class JsonFields:
    """The fields of an object, each read when it is asked for; raises ValueError if there is none.

    Whatever is absent, null or of another type is None, as on the wire; so are NaN and the like.
    """

    def __init__(self, body: bytes | msgspec.Raw = b"{}") -> None:
        try:
            self._fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            document = loads(bytes(memoryview(body)))
            if not isinstance(document, Mapping):
                raise ValueError("no object") from None
            plain = json_text(document).encode()
            self._fields = msgspec.json.decode(plain, type=dict[str, msgspec.Raw])

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def raw(self, name: str) -> bytes | None:
        """A field's JSON, as bytes of its own."""
        found = self._fields.get(name)
        return None if found is None else bytes(memoryview(found))

    def value(self, name: str) -> Any:
        """A field of whatever type."""
        found = self._fields.get(name)
        if found is None:
            return None
        try:
            return msgspec.json.decode(found)
        except (msgspec.MsgspecError, RecursionError):
            return loads(bytes(memoryview(found)))

    def text(self, name: str) -> str | None:
        """A text that is not empty."""
        found = self._first(name)
        value = self.value(name) if found == b'"' else None
        return value if isinstance(value, str) and value else None

    def label(self, name: str) -> str | None:
        """A text or a whole number as the name of something."""
        value = self.value(name) if self._first(name) not in (b"{", b"[") else None
        if isinstance(value, bool) or not isinstance(value, str | int):
            return None
        return str(value) or None

    def number(self, name: str) -> float | None:
        """A number."""
        return number_in(self.value(name) if self._first(name) not in (b"{", b"[") else None)

    def integer(self, name: str) -> int | None:
        """A whole number from 0 on, of those that JSON has exactly."""
        value = self.number(name)
        sound = value is not None and 0 <= value < _LARGEST and value == int(value)
        return int(value) if sound and value is not None else None

    def flag(self, name: str) -> bool | None:
        """True or false."""
        value = self.value(name) if self._first(name) in (b"t", b"f") else None
        return value if isinstance(value, bool) else None

    def time(self, name: str) -> str | None:
        """A time as the wire has it; see `utc_time`."""
        return utc_time(self.value(name) if self._first(name) not in (b"{", b"[") else None)

    def mapping(self, name: str) -> JsonFields:
        """The fields of an object; of none where there is no object."""
        found = self._fields.get(name)
        return (
            JsonFields(found) if found is not None and self._first(name) == b"{" else JsonFields()
        )

    def items(self, name: str) -> list[msgspec.Raw]:
        """The items of a list, unread."""
        found = self._fields.get(name)
        if found is None or self._first(name) != b"[":
            return []
        return msgspec.json.decode(found, type=list[msgspec.Raw])

    def objects(self, name: str) -> list[JsonFields]:
        """The objects in a list."""
        return objects_in(self.items(name))

    def _first(self, name: str) -> bytes:
        found = self._fields.get(name)
        return b"" if found is None else bytes(memoryview(found)[:1])


def objects_in(items: list[msgspec.Raw]) -> list[JsonFields]:
    """The objects among some items."""
    return [JsonFields(item) for item in items if bytes(memoryview(item)[:1]) == b"{"]


def list_in(body: bytes) -> list[msgspec.Raw]:
    """The items of a document that is a list, unread; ValueError for any other."""
    try:
        return msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        document = loads(body)
        if not isinstance(document, list):
            raise ValueError("no list") from None
        return msgspec.json.decode(json_text(document).encode(), type=list[msgspec.Raw])


def sum_of(found: Iterable[JsonFields], *names: str) -> float | int | None:
    """The sum of some numbers of all; None where none of them is there."""
    numbers = (one.number(name) for one in found for name in names)
    values = [value for value in numbers if value is not None]
    total = sum(values, 0.0)
    return None if not values else int(total) if total.is_integer() else total


def number_in(value: object) -> float | None:
    """A finite number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return float(value)


def utc_time(value: object) -> str | None:
    """A time in UTC, in ISO 8601.

    Args:
        value: ISO 8601, or seconds since the epoch. Where it names no zone it is of this machine:
            the programs that write such times write their own local ones.
    """
    try:
        if isinstance(value, str):
            when = datetime.fromisoformat(value)
        elif (seconds := number_in(value)) is not None and seconds > 0:
            when = datetime.fromtimestamp(seconds, UTC)
        else:
            return None
        return when.astimezone(UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None
