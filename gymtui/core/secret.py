"""The one type that holds a key: it gives it up to `reveal()` and to nothing else.

Where keys are found is `config.api_key`; that one is needed at all is API.md's *Authentication*.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, Self

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

_SHORTEST_WITH_A_HINT = 16
_TAIL = 4
_NO_WORD = 12  # characters from which on a key is no part of a word


class ApiKey:
    """A secret: no str, repr, format, pickle, JSON or attribute of it shows what it holds.

    The value lives in a closure, so that walking the object's attributes finds a function only.
    """

    __slots__ = ("_open",)
    _open: Callable[[], str]

    def __init__(self, value: str) -> None:
        object.__setattr__(self, "_open", lambda: value)

    def reveal(self) -> str:
        """The key itself; for the line that sends it."""
        return self._open()

    @property
    def hint(self) -> str:
        """Enough to tell two keys apart: `ck_…1234`; short keys show nothing of themselves."""
        value = self._open()
        if len(value) < _SHORTEST_WITH_A_HINT or not value.isprintable():
            return "…"
        head, mark, _ = value[:8].partition("_")
        return f"{head}{mark}…{value[-_TAIL:]}" if mark else f"…{value[-_TAIL:]}"

    def mask(self, text: str) -> str:
        """`text` with every occurrence of the key replaced by its hint.

        A short key may be part of an ordinary word: it is replaced where it stands by itself.
        """
        value = self._open()
        if not value or len(value) >= _NO_WORD:
            return text.replace(value, self.hint) if value else text
        alone = rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])"
        return re.sub(alone, lambda _: self.hint, text)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a key does not change: cannot set {name}")

    def __repr__(self) -> str:
        return f"ApiKey({self.hint})"

    def __str__(self) -> str:
        return self.hint

    def __format__(self, spec: str) -> str:
        return format(self.hint, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ApiKey):
            return NotImplemented
        mine, theirs = self.reveal(), other.reveal()
        return hmac.compare_digest(mine.encode(), theirs.encode())

    def __hash__(self) -> int:
        return hash((ApiKey, self._open()))

    def __bool__(self) -> bool:
        return bool(self._open())

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a key is not pickled")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """Validates from a key or a string that is not empty; serialises as the hint."""
        from pydantic_core import core_schema

        return core_schema.union_schema(
            [
                core_schema.is_instance_schema(cls),
                core_schema.no_info_after_validator_function(
                    cls, core_schema.str_schema(strict=True, min_length=1)
                ),
            ],
            mode="left_to_right",
            custom_error_type="api_key",
            custom_error_message="Input should be a key: a string that is not empty",
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )
