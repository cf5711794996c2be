"""The conditions that a filter is made of, as tests on a record and the moments that change them.

Reading them from text is `store.lists.query`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from msgspec import Struct

from gymtui.store.column_def import (
    Field,
    Schema,
    ValueKind,
    is_known,
    micros,
    read_length,
    read_moment,
    read_number,
    read_text,
)
from gymtui.store.lists.amounts import Amount, accepts, edges
from gymtui.store.lists.globs import Glob
from gymtui.store.rollout_times import CLOCK_OFF_S

R = TypeVar("R")
_CLOCK_OFF = micros(CLOCK_OFF_S)


class Term(Struct, Generic[R], frozen=True):
    """One condition."""

    test: Callable[[R, int], bool]  # whether a record meets it at a moment (µs of UNIX time)
    # The moments at which that may change for a record; None if time has no part in it.
    changes: Callable[[R], Iterable[int]] | None = None
    negated: bool = False  # whether it holds for the records that fail the test instead


def words(schema: Schema[R], pattern: Glob) -> Term[R]:
    """The pattern stands somewhere in a column that is searched for words."""
    readers = [column.value for column in schema if column.has_words]

    def test(record: R, now: int) -> bool:
        for read in readers:
            text = read_text(read(record))
            if text is not None and pattern.is_in(text):
                return True
        return False

    return Term(test)


def is_set(column: Field[R]) -> Term[R]:
    """A flag is true, any other value is known."""
    if column.kind is ValueKind.FLAG:
        return flag(column, ":", [True])
    read, kind = column.value, column.kind

    def test(record: R, now: int) -> bool:
        value = read(record)
        begun = read_moment(value, kind) if kind in (ValueKind.TIME, ValueKind.DURATION) else None
        return is_known(value, kind) and (begun is None or now >= begun - _CLOCK_OFF)

    return Term(test)


def text(column: Field[R], operator: str, patterns: list[Glob]) -> Term[R]:
    """The whole of a known text is one of several, or for `!=` none of them."""
    read = column.value
    wanted = operator != "!="
    literals = frozenset(pattern.literal for pattern in patterns)
    wild = [pattern for pattern in patterns if pattern.literal is None]

    def fits(value: str) -> bool:
        return value in literals or any(pattern.matches(value) for pattern in wild)

    each = column.each

    def test(record: R, now: int) -> bool:
        if each is not None:
            texts = [read_text(value) or "" for value in each(record)]
            return bool(texts) and any(map(fits, texts)) is wanted
        value = read_text(read(record))
        if value is None:
            return False
        other = read_text(column.also(record)) if column.also is not None else None
        return (fits(value) or (other is not None and fits(other))) is wanted

    return Term(test)


def flag(column: Field[R], operator: str, answers: list[bool]) -> Term[R]:
    """A known flag is one of the answers, or for `!=` none of them."""
    read = column.value
    accepted = {True, False} - set(answers) if operator == "!=" else set(answers)

    def test(record: R, now: int) -> bool:
        value = read(record)
        if isinstance(value, bool):
            return value in accepted
        moment = read_moment(value, ValueKind.FLAG)
        return moment is not None and (now >= moment) in accepted

    def changes(record: R) -> list[int]:
        moment = read_moment(read(record), ValueKind.FLAG)
        return [] if moment is None else [moment]

    return Term(test, changes)


def number(column: Field[R], operator: str, amounts: list[Amount]) -> Term[R]:
    """A known number or share passes a comparison with any of the amounts, for `!=` with all."""
    read, bounds = column.value, column.bounds
    passes = _passes(operator, amounts)
    if bounds is not None:

        def surely(record: R, now: int) -> bool:
            ends = bounds(record)
            return ends is not None and all(map(passes, ends))

        return Term(surely)

    def test(record: R, now: int) -> bool:
        value = read_number(read(record))
        return value is not None and passes(value)

    return Term(test)


def span(column: Field[R], operator: str, amounts: list[Amount]) -> Term[R]:
    """The same for an age, or a length that may still be growing."""
    read, kind = column.value, column.kind
    passes = _passes(operator, amounts)
    offsets = [offset for amount in amounts for offset in edges(operator, amount)]

    def test(record: R, now: int) -> bool:
        value = read(record)
        moment = read_moment(value, kind)
        if moment is not None:
            return now >= moment - _CLOCK_OFF and passes(max(0, now - moment))
        length = read_length(value) if kind is ValueKind.DURATION else None
        return length is not None and passes(length)

    def changes(record: R) -> list[int]:
        moment = read_moment(read(record), kind)
        # Of what began later than now nothing is known, until then.
        return [] if moment is None else [moment + offset for offset in (-_CLOCK_OFF, *offsets)]

    return Term(test, changes)


def _passes(operator: str, amounts: list[Amount]) -> Callable[[float], bool]:
    tests = [accepts(operator, amount) for amount in amounts]
    if len(tests) == 1:
        return tests[0]
    if operator == "!=":
        return lambda value: all(test(value) for test in tests)
    return lambda value: any(test(value) for test in tests)
