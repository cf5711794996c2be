"""When a message was written: every spelling of a time found, as an aware datetime."""

from __future__ import annotations

from datetime import UTC, datetime

_LATEST_S = 32503680000  # the year 3000: larger numbers are milli-, micro- or nanoseconds


def parse_time(value: object) -> datetime | None:
    """Read a time.

    Args:
        value: ISO 8601, with an offset, ``Z`` or neither (then UTC); or a number, or text holding
            one: seconds, milli-, micro- or nanoseconds since 1970, told apart by their size.

    Returns:
        The time in UTC, or None when there is none to be read.
    """
    if isinstance(value, str):
        text = value.strip()
        if not 8 <= len(text) <= 40:
            return None
        try:
            return _aware(datetime.fromisoformat(text))
        except ValueError:
            pass  # perhaps a number
        try:
            value = float(text)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1e8 < value < 1e20:
        return None
    seconds = float(value)
    while seconds > _LATEST_S:
        seconds /= 1000
    return datetime.fromtimestamp(seconds, UTC)


def _aware(time: datetime) -> datetime | None:
    if time.tzinfo is None:
        return time.replace(tzinfo=UTC)
    try:
        return time.astimezone(UTC)
    except OverflowError:  # the first or last hours there are
        return None
