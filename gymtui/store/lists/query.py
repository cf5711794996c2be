"""The filter language of lists and commands: text to `Filter`, or a `FilterError` with its place.

| written | means |
|---|---|
| `offer` `"two words"` | in any text column, case aside; `*` and `?` are wildcards unless quoted |
| `status:running` | all of the value, case aside; with wildcards `model:gpt*` `task:*phone*` |
| `status:failed,running` | any of these |
| `state:fail` `state:"paused"` | of few words the beginning; quoted, another word of the gym's |
| `stuck:` | a flag that is true; any other column: known |
| `pass<50% steps>=20 age<2h` | `< <= > >= = !=`; `k` and `M` after numbers; `90s` `5m` `1h30m` |
| `done>=20 done>=50%` | where a share has a count: so many, or that share of them |
| `!scenario:hr` | all but these, those not known included |

Terms are joined by *and*; a word that begins with `(` is refused. What is not known passes no
comparison, `!=` included. `=` and `:` are as precise as what was written: `pass=83%` is what rounds
to it, `elapsed=90s` what is shown as `1m30s`, `elapsed=1m` as `1m` and any seconds; `age=2h` from
2 h to 3 h. Within quotes a backslash takes the next character as it is.

Columns are `store.column_def`, conditions `store.lists.terms`, wildcards `store.lists.globs`,
amounts `store.lists.amounts`; keeping a list filtered is `store.lists.ordering`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Generic, TypeVar

from msgspec import Struct

from gymtui.core.replacement import replace
from gymtui.store.column_def import MICROS, Field, Schema, ValueKind, micros
from gymtui.store.lists import terms
from gymtui.store.lists.amounts import Amount, read_amount
from gymtui.store.lists.globs import glob
from gymtui.store.lists.terms import Term

R = TypeVar("R")

_COLUMN = re.compile(r"([^\W\d][\w.-]*)(:|\s*(?:<=|>=|!=|<|>|=))")
_ONE_VALUE = frozenset({"<", "<=", ">", ">="})
_AFTER_COLON = re.compile(r"<=|>=|<|>")
_BARE_WORD = re.compile(r'[^\s"]+')
_BARE_VALUE = re.compile(r'[^\s",]+')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ANSWERS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def quote_value(text: str) -> str:
    """A text as a value that it alone matches; in place of what cannot be typed, anything."""
    pieces = (("".join(piece), plain) for plain, piece in groupby(text, str.isprintable))
    return "".join(
        '"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' if plain else "*"
        for piece, plain in pieces
    )


class FilterError(Exception):
    """A mistake in filter text."""

    def __init__(
        self, message: str, position: int, length: int, *, incomplete: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message  # what is wrong, for the person; it may hold what was typed
        self.position = position  # where it begins, in characters; it lies within the text
        self.length = length  # how many characters are wrong, at least one
        # Whether the text only ends too soon, as while it is being typed.
        self.incomplete = incomplete


@dataclass(frozen=True, slots=True)
class Filter(Generic[R]):
    """What a list is narrowed to; `Filter("")` lets everything through."""

    text: str  # what was written
    # The conditions, all of which must hold.
    terms: tuple[Term[R], ...] = field(default=(), compare=False, repr=False)

    @property
    def timed(self) -> bool:
        """Whether its answers may change by the passing of time alone."""
        return any(term.changes is not None for term in self.terms)

    def matches(self, record: R, now: float) -> bool:
        """Whether a record passes at `now`, UNIX seconds on the clock of its moments."""
        return self._holds(record, micros(now)) if self.terms else True

    def select(self, records: Mapping[str, R], now: float) -> Mapping[str, R]:
        """Those of many records that pass, in the same order."""
        if not self.terms:
            return records
        moment = micros(now)
        return {name: record for name, record in records.items() if self._holds(record, moment)}

    def next_change(self, record: R, now: float) -> float | None:
        """When the answer for a record as it is will change, UNIX seconds; None for never."""
        start = micros(now)
        moments: set[int] = set()
        for term in self.terms:
            if term.changes is not None:
                moments.update(moment for moment in term.changes(record) if moment > start)
            elif term.test(record, start) is term.negated:
                return None  # whatever time does to the others
        if not moments:
            return None
        answer = self._holds(record, start)
        for moment in sorted(moments):
            if self._holds(record, moment) is not answer:
                return moment / MICROS
        return None

    def _holds(self, record: R, moment: int) -> bool:
        # A plain loop: all() would take nearly twice as long over every record of a long list.
        for term in self.terms:  # noqa: SIM110
            if term.test(record, moment) is term.negated:
                return False
        return True


def parse(text: str, schema: Schema[R]) -> Filter[R]:
    """Read filter text; blank lets everything through; `FilterError` where it is no filter."""
    return _Parser(text, schema).parse()


class _Value(Struct, frozen=True):
    """One word or value as written."""

    pieces: tuple[tuple[str, bool], ...]  # its stretches of text and whether each was quoted
    start: int  # where it begins
    stop: int  # where it ends, exclusive

    @property
    def text(self) -> str:
        """It without quotes."""
        return "".join(text for text, _ in self.pieces)

    def amount(self, kind: ValueKind) -> Amount:
        """It as a number, percentage or duration."""
        try:
            return read_amount(self.text, kind)
        except ValueError as error:
            raise self._wrong(str(error)) from None

    def chosen(self, column: Field[R]) -> _Value:
        """It with a star after it where the column has a closed vocabulary.

        Quoted, or with a wildcard, it is taken as it is: a word of the gym's own.
        """
        if not column.choices or any(quoted for _, quoted in self.pieces):
            return self
        if set(self.text) & set("*?"):
            return self
        wanted = self.text.casefold()
        if not any(choice.startswith(wanted) for choice in column.choices):
            choices = ", ".join(column.choices)
            raise self._wrong(f"no such {column.name}: {choices}; quote it to match any text")
        return replace(self, pieces=(*self.pieces, ("*", False)))

    def answer(self) -> bool:
        """It as yes or no."""
        answer = _ANSWERS.get(self.text.casefold())
        if answer is None:
            raise self._wrong("write yes or no")
        return answer

    def _wrong(self, message: str) -> FilterError:
        return FilterError(message, self.start, self.stop - self.start)


class _Parser(Struct, Generic[R]):
    """Walks the text once, left to right."""

    text: str
    schema: Schema[R]
    position: int = 0

    def parse(self) -> Filter[R]:
        found: list[Term[R]] = []
        self._skip_space()
        while self.position < len(self.text):
            found.append(self._term())
            self._skip_space()
        return Filter(self.text, tuple(found))

    def _term(self) -> Term[R]:
        start = self.position
        while self._at("!"):
            self.position += 1
        negated = (self.position - start) % 2 == 1
        if self._at_end_of_term():
            raise FilterError("nothing follows !", start, self.position - start, incomplete=True)
        comparison = _COLUMN.match(self.text, self.position)
        if comparison is not None:
            column = self._column(comparison)
            if negated and column.bounds is not None:
                length = comparison.end() - start
                raise FilterError(f"write it without !, as {column.name}>=50%", start, length)
            term = self._comparison(comparison)
        elif self.text[self.position] in "<>=:":
            raise FilterError("a column is missing before this", self.position, 1)
        elif self._at("("):
            # As a word it would match next to nothing, and a list would be empty without a reason.
            raise FilterError("terms are not grouped; quote ( to find it", self.position, 1)
        else:
            term = terms.words(self.schema, glob(self._value(_BARE_WORD).pieces))
        return replace(term, negated=negated)

    def _comparison(self, found: re.Match[str]) -> Term[R]:
        column, operator = self._column(found), found[2].strip()
        self.position = found.end()
        if operator == ":":
            if self._at_end_of_term():
                return terms.is_set(column)
            operator = self._comparison_after_colon(column)
        else:
            self._skip_space()
        worded = column.kind in (ValueKind.TEXT, ValueKind.FLAG)
        if worded and operator in _ONE_VALUE:
            place = found.end() - len(operator)
            raise FilterError(f"{column.name} takes : = or !=", place, len(operator))
        if column.bounds is not None and operator not in _ONE_VALUE:
            place = found.start(2)
            message = f"{column.name} is an estimate here: it takes < <= > >="
            raise FilterError(message, place, len(found[2]))
        values = self._values(operator, found)
        if column.kind is ValueKind.TEXT:
            return terms.text(column, operator, [glob(v.chosen(column).pieces) for v in values])
        if column.kind is ValueKind.FLAG:
            return terms.flag(column, operator, [value.answer() for value in values])
        if column.count is not None and all(value.text.isdecimal() for value in values):
            column = replace(column, kind=ValueKind.NUMBER, value=column.count)
        amounts = [value.amount(column.kind) for value in values]
        grows = column.kind in (ValueKind.TIME, ValueKind.DURATION)
        return (terms.span if grows else terms.number)(column, operator, amounts)

    def _column(self, found: re.Match[str]) -> Field[R]:
        name = found[1]
        if name in self.schema:
            return self.schema[name]
        hint = self.schema.hint(name) or "quote it to search for it as text"
        raise FilterError(f"no column {name}: {hint}", found.start(1), len(name))

    def _comparison_after_colon(self, column: Field[R]) -> str:
        """The comparison after a colon, as in `steps:>=20`, or the colon."""
        found = _AFTER_COLON.match(self.text, self.position)
        if found is None or column.kind in (ValueKind.TEXT, ValueKind.FLAG):
            return ":"
        self.position = found.end()
        return found[0]

    def _values(self, operator: str, comparison: re.Match[str]) -> list[_Value]:
        values: list[_Value] = []
        start = comparison.start()
        while True:
            if self._at(","):
                raise FilterError("a value is missing before this", self.position, 1)
            if self._at_end_of_term():
                written = self.text[start : self.position].rstrip()
                raise FilterError("a value is missing", start, len(written), incomplete=True)
            values.append(self._value(_BARE_VALUE))
            if not self._at(","):
                return values
            if operator in _ONE_VALUE:
                raise FilterError(f"{operator} takes one value", self.position, 1)
            self.position += 1

    def _value(self, bare: re.Pattern[str]) -> _Value:
        start = self.position
        pieces: list[tuple[str, bool]] = []
        while self.position < len(self.text):
            quoted = self._at('"')
            found = (_QUOTED if quoted else bare).match(self.text, self.position)
            if found is None and quoted:
                rest = len(self.text) - self.position
                raise FilterError("quote not closed", self.position, rest, incomplete=True)
            if found is None:
                break
            pieces.append((_ESCAPED.sub(r"\1", found[1]) if quoted else found[0], quoted))
            self.position = found.end()
        return _Value(tuple(pieces), start, self.position)

    def _at(self, character: str) -> bool:
        return self.text.startswith(character, self.position)

    def _at_end_of_term(self) -> bool:
        return self.position == len(self.text) or self.text[self.position].isspace()

    def _skip_space(self) -> None:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1
