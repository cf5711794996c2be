"""Taking messages apart so that nothing is lost: what no reader takes is the turn's extras."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar

from gymtui.transcript.blocks import Block, BlockKind, Extras, Fault, Text
from gymtui.transcript.readers.timestamps import parse_time

T = TypeVar("T")

_KINDS = {
    **dict.fromkeys(("system", "developer"), BlockKind.SYSTEM),
    **dict.fromkeys(("user", "human"), BlockKind.USER),
    **dict.fromkeys(("assistant", "model", "agent", "ai", "bot"), BlockKind.ASSISTANT),
    **dict.fromkeys(("tool", "function", "ipython", "tool_result", "toolResult"), BlockKind.TOOL),
}


class Fields:
    """A JSON object whose members are taken out one by one; a member of another type stays in."""

    __slots__ = ("rest",)

    def __init__(self, value: Mapping[str, object]) -> None:
        self.rest = dict(value)

    def text(self, *keys: str) -> str | None:
        """Take the first of some members that is a string with something in it."""
        return self._take(keys, str, but="")

    def mapping(self, key: str) -> Mapping[str, object] | None:
        """Take a member that is an object."""
        return self._take((key,), dict)

    def items(self, key: str) -> list[object] | None:
        """Take a member that is an array."""
        return self._take((key,), list)

    def flag(self, *keys: str) -> bool | None:
        """Take the first of some members that is true or false."""
        return self._take(keys, bool)

    def any(self, *keys: str) -> object:
        """Take the first of some members that is not null."""
        return self._take(keys, object)

    def _take(self, keys: Iterable[str], kind: type[T], but: object = None) -> T | None:
        for key in keys:
            value = self.rest.get(key)
            if isinstance(value, kind) and value != but:
                del self.rest[key]
                return value
        return None

    def tag(self, key: str, known: Iterable[str]) -> str | None:
        """Take a member that says what the object is, if it says what is known."""
        value = self.rest.get(key)
        if isinstance(value, str) and value in known:
            del self.rest[key]
            return value
        return None


@dataclass(slots=True)
class Draft:
    """A turn while it is being read."""

    role: str
    kind: BlockKind
    blocks: list[Block] = field(default_factory=list)
    rest: dict[str, object] = field(default_factory=dict)
    source: int | None = None
    name: str | None = None
    stamp: object = None
    error: bool = False
    notes: list[str] = field(default_factory=list)
    model: str | None = None
    used: str = ""
    is_aside: bool = False  # whether it is no turn of its own, but kept with the one before

    def add(self, blocks: Iterable[Block]) -> None:
        """Append blocks, texts without anything in them left out."""
        for block in blocks:
            if not isinstance(block, Text) or block.text:
                self.blocks.append(block)

    def fail(self, words: str) -> None:
        """Note that it went wrong itself, and how."""
        self.error = True
        if words:
            self.blocks.append(Fault(words))

    def keep(self, key: str, rest: object) -> None:
        """Keep what is left of a member whose main content is shown, if anything is."""
        if rest is not None and (left := without_empty(rest)):
            while key in self.rest:
                key += "'"
            self.rest[key] = left

    def finished(self) -> tuple[Block, ...]:
        """The blocks, with what is left of the message as the last."""
        rest = {key: value for key, value in self.rest.items() if not is_empty(value)}
        return (*self.blocks, Extras(rest)) if rest else tuple(self.blocks)


def kind_of(role: str) -> BlockKind:
    """Tell who speaks under a role; `BlockKind.OTHER` for roles nobody agreed on."""
    return _KINDS.get(role) or _KINDS.get(role.lower(), BlockKind.OTHER)


def take_stamp(fields: Fields) -> object:
    """Take a message's time as received: the first member that can be read as one, or None."""
    for key in ("timestamp", "created_at", "createdAt", "time", "ts"):
        if key in fields.rest and parse_time(fields.rest[key]):
            return fields.rest.pop(key)
    return None


def value_at(value: object, path: str) -> object:
    """What stands in an object under names joined by dots; None where nothing does."""
    for key in _split(path):
        if not isinstance(value, dict):  # quicker than `Mapping`, which JSON has no other of
            return None
        value = value.get(key)
    return value


@cache
def _split(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def is_empty(value: object) -> bool:
    """Tell whether a value says nothing: null, or an empty string, array or object."""
    return not value and (value is None or isinstance(value, str | list | Mapping))


def without_empty(rest: object) -> object:
    """Leave out of an object, or of each in an array, what says nothing; None if that is all."""
    if isinstance(rest, Mapping):
        return {key: value for key, value in rest.items() if not is_empty(value)} or None
    if isinstance(rest, list):
        left = [without_empty(item) for item in rest]
        return left if any(item is not None for item in left) else None
    return None if is_empty(rest) else rest
