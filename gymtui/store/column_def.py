"""Columns as data: what each one is called, what kind of value it has, how it sorts and matches.

Generic over the record. The schemas of runs and rollouts are made by whoever shows them; reading
filter text is `store.lists.query`, keeping rows in order is `store.lists.ordering`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from functools import lru_cache
from types import MappingProxyType
from typing import Generic, TypeVar

from msgspec import Struct

from gymtui.core import instants
from gymtui.core.normalization import fold_case

R = TypeVar("R")

Key = str | int | float  # what rows are ordered by; of one type within a column

MICROS = 1_000_000
"""Moments and durations are compared in whole microseconds: an edge is met exactly."""

_SANE_S = 1e12  # seconds beyond which a moment or a duration is a mistake, and so not known
_AFTER_ALL_FIXED = 10**21  # microseconds longer than any duration that `_SANE_S` allows
_DIGITS = re.compile(r"0*([0-9]+)")
_LENGTHS = "0123456789:;<=>?@"
"""How long a number is, as characters in order; longer ones are codes rather than counts."""
_LONGEST_GUESS = 40
_ALIKE = 0.7  # how alike a name must be to be suggested: a slip of two letters, not another word


class ValueKind(Enum):
    """What a column holds, which decides how it is compared and ordered."""

    TEXT = auto()  # anything with a `str`: compared without regard to case
    NUMBER = auto()  # an int or float
    PERCENT = auto()  # a share of 1 as a float, written as a percentage
    # A length: seconds or `timedelta`; or, still growing, the `Since` or `datetime` it began.
    DURATION = auto()
    TIME = auto()  # a moment, compared by its age: `datetime`, `Since` or UNIX seconds
    FLAG = auto()  # a bool; or the `Since` or `datetime` from which on it is true


class Since(Struct, frozen=True):
    """A moment from which something grows or holds."""

    at_s: float  # UNIX seconds, on the clock that `now` is read from


class Field(Struct, Generic[R], frozen=True):
    """One column of a list."""

    name: str  # what it is called in filters and orders, lower case, a name without spaces
    kind: ValueKind  # what its values are
    # The value of a record, None when it is not known. A value of another type than the kind
    # allows counts as not known.
    value: Callable[[R], object]
    aliases: tuple[str, ...] = ()  # other names it answers to
    words: bool | None = None  # whether bare words are looked for in it; None means if it is text
    # The value it is ordered by, when that is another (a rank, a `natural` name).
    order: Callable[[R], object] | None = None
    order_kind: ValueKind | None = None  # the kind of that value, when that is another
    # Of a share: what a whole number without a percent sign is compared with.
    count: Callable[[R], object] | None = None
    # Of text, all it can be; a value written is matched by prefix. Empty if open.
    choices: tuple[str, ...] = ()
    also: Callable[[R], str | None] | None = None  # another text that it matches by
    # Of a list of texts, all of them: one that matches is enough.
    each: Callable[[R], Iterable[str]] | None = None
    # Of an estimate, between what the truth is: a comparison then holds only where it does for
    # both.
    bounds: Callable[[R], tuple[float, float] | None] | None = None
    # Whether it is known of a finished run only once its rollouts were read.
    from_history: bool = False

    @property
    def has_words(self) -> bool:
        """Whether bare words are looked for in it."""
        return self.kind is ValueKind.TEXT if self.words is None else self.words


class Schema(Generic[R]):
    """The columns of one list, in their order, found by name or alias in any case."""

    def __init__(
        self, fields: Iterable[Field[R]], elsewhere: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Take the columns; `elsewhere`: what to say to who asks here for one of another list's.

        Raises:
            ValueError: Two columns answer to one name.
        """
        self.fields = tuple(fields)
        self._elsewhere = elsewhere
        self._by_name: dict[str, Field[R]] = {}
        for field in self.fields:
            for name in (field.name, *field.aliases):
                if self._by_name.setdefault(name.casefold(), field) is not field:
                    raise ValueError(f"two columns are called {name!r}")

    def __iter__(self) -> Iterator[Field[R]]:
        return iter(self.fields)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.casefold() in self._by_name

    def __getitem__(self, name: str) -> Field[R]:
        return self._by_name[name.casefold()]

    def hint(self, name: str) -> str | None:
        """What helps who named a column that does not exist; None if nothing comes near it."""
        where = self._elsewhere.get(name.casefold())
        near = self.nearest(name)
        return where or (f"did you mean {near}?" if near else None)

    def nearest(self, name: str) -> str | None:
        """The name that was probably meant by one that does not exist, or None."""
        wanted = name.casefold()[:_LONGEST_GUESS]
        begins = [known for known in self._by_name if known.startswith(wanted)]
        if not begins:
            import difflib  # only for mistakes

        alike = begins or difflib.get_close_matches(wanted, self._by_name, 1, _ALIKE)
        return self._by_name[alike[0]].name if alike else None


def micros(seconds: float) -> int:
    """Finite seconds as whole microseconds."""
    return round(seconds * MICROS)


def read_text(value: object) -> str | None:
    """A text value, case-folded, or None."""
    if isinstance(value, str):
        return fold_case(value)
    return None if value is None else fold_case(str(value))


def read_number(value: object) -> float | None:
    """A number or share, or None."""
    if isinstance(value, (int, float)) and value == value:  # all but NaN
        return value
    return None


def read_moment(value: object, kind: ValueKind) -> int | None:
    """The moment a value grows from, in microseconds of UNIX time, or None if it is no moment."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return instants.micros(aware)
    if isinstance(value, Since):
        return _micros_of(value.at_s)
    return _micros_of(value) if kind is ValueKind.TIME else None


def read_length(value: object) -> int | None:
    """A length that does not grow, in microseconds, or None."""
    return _micros_of(value.total_seconds() if isinstance(value, timedelta) else value)


def _micros_of(value: object) -> int | None:
    seconds = _sane(value)
    return None if seconds is None else round(seconds * MICROS)


def _sane(value: object) -> float | None:
    if isinstance(value, (int, float)) and -_SANE_S < value < _SANE_S:
        return None if isinstance(value, bool) else value
    return None


@lru_cache(maxsize=4096)
def natural(text: str) -> str:
    """A text with each number preceded by how long that is: sorts `step-400` before `step-1000`."""
    return _DIGITS.sub(lambda run: f"{_LENGTHS[min(len(run[1]), 16)]}{run[1]}", text)


def name_column(name: str, value: Callable[[R], object], aliases: tuple[str, ...] = ()) -> Field[R]:
    """A column of names, which sort as a person counts."""
    return Field(
        name, ValueKind.TEXT, value, aliases, order=lambda record: natural(str(value(record) or ""))
    )


class SortOrder(Struct, Generic[R], frozen=True):
    """What records sort by under a column, smallest first; None for those not known.

    What changes by itself has a fixed stand-in: an age sorts by its moment, the youngest first;
    what still grows sorts after every finished length, the oldest last; what becomes true later
    sorts between false and true, the soonest last. Keys of one column compare with one another.
    """

    column: Field[R]

    def key(self, record: R) -> Key | None:
        """The key of one record."""
        return self._to_key((self.column.order or self.column.value)(record))

    def keys(self, records: Iterable[R]) -> Iterator[Key | None]:
        """The keys of many, in turn."""
        return map(self._to_key, map(self.column.order or self.column.value, records))

    @property
    def _to_key(self) -> Callable[[object], Key | None]:
        return _KEYS[self.column.order_kind or self.column.kind]


def is_known(value: object, kind: ValueKind) -> bool:
    """Whether a value says anything: of the right type, and no empty text."""
    return _KEYS[kind](value) not in (None, "")


def _age_key(value: object) -> Key | None:
    if isinstance(value, datetime):
        return -(value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    moment = _sane(value.at_s if isinstance(value, Since) else value)
    return None if moment is None else -moment


def _length_key(value: object) -> Key | None:
    moment = read_moment(value, ValueKind.DURATION)
    return read_length(value) if moment is None else _AFTER_ALL_FIXED - moment


def _flag_key(value: object) -> Key | None:
    if isinstance(value, bool):
        return math.inf if value else -math.inf
    moment = read_moment(value, ValueKind.FLAG)
    return None if moment is None else -moment


_KEYS: dict[ValueKind, Callable[[object], Key | None]] = {
    ValueKind.TEXT: read_text,
    ValueKind.NUMBER: read_number,
    ValueKind.PERCENT: read_number,
    ValueKind.DURATION: _length_key,
    ValueKind.TIME: _age_key,
    ValueKind.FLAG: _flag_key,
}
