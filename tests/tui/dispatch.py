"""Who handles a message, looked for once a kind: most of what handing messages on takes.

The framework looks through all classes of a widget for each of the thousands of messages of a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import textual._callback
from textual.message import Message
from textual.message_pump import MessagePump

_methods = MessagePump._get_dispatch_methods
_count = textual._callback._count_parameters

_HAS_STAR, _HAS_STARS = 0x04, 0x08
"""Flags of code that takes any arguments (`inspect.CO_VARARGS`, `CO_VARKEYWORDS`)."""

places: dict[tuple[type, type, str], tuple[type, ...] | None] = {}
"""Which classes of a pump have a method of a name; None where a selector decides, too."""


def dispatch_methods(
    pump: MessagePump, name: str, message: Message
) -> Iterator[tuple[type, Callable[..., Any]]]:
    """The handlers of a message, in the framework's order."""
    key = (type(pump), type(message), name)
    if key not in places:
        places[key] = _places(*key)
    found = places[key]
    if found is None:
        yield from _methods(pump, name, message)
        return
    for cls in found:
        if message._no_default_action:
            break
        method = vars(cls).get(f"_{name}") or vars(cls).get(name)
        if method is not None and not getattr(method, "_textual_on", None):
            yield cls, method.__get__(pump, cls)


def _places(pump: type, message: type, name: str) -> tuple[type, ...] | None:
    for cls in pump.__mro__:
        decorated = vars(cls).get("_decorated_handlers") or {}
        if not decorated.keys().isdisjoint(message.__mro__):
            return None
    return tuple(cls for cls in pump.__mro__ if name in vars(cls) or f"_{name}" in vars(cls))


def count_parameters(function: Any) -> int:
    """How many parameters a function has."""
    code = getattr(function, "__code__", None)
    if code is None or hasattr(function, "__wrapped__") or hasattr(function, "__signature__"):
        return _count(function)
    stars = bool(code.co_flags & _HAS_STAR) + bool(code.co_flags & _HAS_STARS)
    return int(code.co_argcount) + int(code.co_kwonlyargcount) + stars


class Silent:
    """Takes what the framework would tell its own developers."""

    def __call__(self, *_: object, **__: object) -> None:
        """Take it."""

    def verbosity(self, _verbose: bool) -> Silent:
        """The same for what is told seldom."""
        return self

    def __getattr__(self, _name: str) -> Silent:
        return self
