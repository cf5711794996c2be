"""Numbers, percentages and durations as people write them in a filter, and comparing with them."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from gymtui.store.column_def import MICROS, ValueKind

_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([kmg%]?)", re.IGNORECASE)
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhdw])", re.IGNORECASE)
_THOUSANDS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_UNITS = {
    "ms": MICROS // 1000,
    "s": MICROS,
    "m": 60 * MICROS,
    "h": 3600 * MICROS,
    "d": 86_400 * MICROS,
    "w": 604_800 * MICROS,
}
_MOST_DIGITS = 18


class Amount(Struct, frozen=True):
    """What was written, in the column's unit: shares of 1 for percentages, µs for durations."""

    at: float  # the value itself, which `<` and the like compare with
    low: float  # the least value that equals it, as precisely as it was written
    high: float  # the least value above those; the same as `low` where only `at` itself will do


def read_amount(text: str, kind: ValueKind) -> Amount:
    """Read what follows a comparison in a column of some kind; ValueError says why not."""
    if sum(character.isdigit() for character in text) > _MOST_DIGITS:
        raise ValueError("too many digits")
    if kind is ValueKind.DURATION:
        return _as_shown(_duration(text))
    if kind is ValueKind.TIME:
        return _duration(text)
    return _number(text, percent=kind is ValueKind.PERCENT)


def _number(text: str, *, percent: bool) -> Amount:
    found = _NUMBER.fullmatch(text)
    if found is None or not (found[2] or found[3]) or (found[4] == "%" and not percent):
        wanted = "a percentage such as 50%" if percent else "a number"
        raise ValueError(f"not {wanted}")
    digits = f"{found[1]}{found[2] or '0'}"
    value = float(f"{digits}.{found[3]}") if found[3] else int(digits)
    if not percent:
        value *= _THOUSANDS[found[4].lower()]
        return Amount(value, value, value)
    if found[4] not in ("", "%"):
        raise ValueError("not a percentage such as 50%")
    return _share(value, found[3], signed=found[4] == "%")


def _share(value: float, decimals: str | None, *, signed: bool) -> Amount:
    """A percentage; equal is what rounds to it, but 0 % and 100 % are none and all."""
    if not signed and 0 < value <= 1:
        if not decimals:
            raise ValueError("1% or 100%? Write the sign")
        return Amount(value, value, value)
    share = value / 100
    if value in (0, 100):
        return Amount(share, share, share)
    half = 10 ** -len(decimals or "") / 2
    return Amount(share, (value - half) / 100, (value + half) / 100)


def _duration(text: str) -> Amount:
    """A duration; equal is what reads the same when cut to its smallest unit."""
    if text and not text.strip("0"):
        return Amount(0, 0, 0)
    if not text:
        raise ValueError("a duration is missing")
    micros = 0
    smallest = max(_UNITS.values())
    position = 0
    while position < len(text):
        found = _DURATION.match(text, position)
        if found is None:
            hint = "a unit is missing" if text[position:].isdigit() else "not a duration"
            raise ValueError(f"{hint}: write 90s, 5m, 2h, 3d or 1h30m")
        unit = _UNITS[found[2].lower()]
        micros += round(float(found[1]) * unit)
        smallest = min(smallest, unit)
        position = found.end()
    return Amount(micros, micros, micros + smallest)


def _as_shown(amount: Amount) -> Amount:
    """What equals a duration when it is rounded as durations are shown (`formats.duration`).

    Ages are shown cut (`words.age`), and equal what is cut.
    """
    return Amount(amount.at, *(edge - _half(edge, amount) for edge in (amount.low, amount.high)))


def _half(edge: float, amount: Amount) -> float:
    """Half of the unit that a duration there is rounded to: its own, if it was written finer."""
    sizes = ((3600 * MICROS, MICROS), (86_400 * MICROS, 60 * MICROS))
    unit = next((unit for most, unit in sizes if edge <= most), 3600 * MICROS)
    return min(unit, amount.high - amount.low) / 2


def accepts(operator: str, amount: Amount) -> Callable[[float], bool]:
    """The test that a comparison makes of a known value."""
    at, low, high = amount.at, amount.low, amount.high
    if operator == "<":
        return lambda value: value < at
    if operator == "<=":
        return lambda value: value <= at
    if operator == ">":
        return lambda value: value > at
    if operator == ">=":
        return lambda value: value >= at
    if operator == "!=":
        return lambda value: not (low <= value < high or value == at)
    return lambda value: low <= value < high or value == at


def edges(operator: str, amount: Amount) -> tuple[int, ...]:
    """Where the answer for a growing duration may change: the first µs of each new answer."""
    if operator in ("<", ">="):
        return (int(amount.at),)
    if operator in ("<=", ">"):
        return (int(amount.at) + 1,)
    return (int(amount.low), max(int(amount.high), int(amount.low) + 1))
