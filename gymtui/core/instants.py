"""Instants as numbers, exactly: whole microseconds, or seconds, since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import overload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@overload
def micros(instant: datetime) -> int: ...
@overload
def micros(instant: datetime | None) -> int | None: ...
def micros(instant: datetime | None) -> int | None:
    """Whole microseconds since 1970; None for None."""
    return None if instant is None else (instant - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The instant so many microseconds after 1970, in UTC."""
    return _EPOCH + micros * _MICROSECOND


def unix_s(instant: datetime) -> float:
    """UNIX seconds: what a timeline is worked out in, rollouts being many and instants slow."""
    return (instant - _EPOCH).total_seconds()


def from_unix_s(unix_s: float) -> datetime:
    """The instant so many seconds after 1970, in UTC."""
    return _EPOCH + timedelta(seconds=unix_s)
