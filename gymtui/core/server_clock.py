"""What time it is for the server, judged from the `Date` headers of its answers.

No network and no clock of its own: samples come in, and the local clocks are passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from gymtui.core.instants import from_unix_s, unix_s

DATE_RESOLUTION_S = 1.0  # a `Date` header has whole seconds, rounded down (RFC 9110, 5.6.7)

DATE_LAG_S = 1.1
"""How old a `Date` header may be when it is sent: uvicorn, fasthttp, Netty and others write it
once a second and send the same text until the next time."""

DRIFT = 1e-4  # how far two undisciplined clocks part, in seconds a second: crystals keep 5e-5 each

STEP_S = 1.0
"""A local wall clock that left the monotonic one by more has been stepped, or was asleep."""

CREDIBLE_YEARS = range(1971, 9000)
"""A date outside is a server without a clock, and sums with it may leave the calendar."""


class Window(Struct, frozen=True):
    """Between which two instants something happened, on the server's clock."""

    earliest: datetime
    latest: datetime


class _Bounds(Struct, frozen=True):
    """The server's clock less the local monotonic one lies in [low_s, high_s], as of `at_s`."""

    low_s: float
    high_s: float
    at_s: float
    wall_less_mono_s: float

    def aged(self, mono_s: float) -> _Bounds:
        """The same knowledge later: wider by what the clocks may have drifted apart."""
        age_s = abs(mono_s - self.at_s)
        return _Bounds(
            self.low_s - DRIFT * age_s,
            self.high_s + DRIFT * age_s,
            max(mono_s, self.at_s),
            self.wall_less_mono_s,
        )


class ServerClock:
    """The server's time and how well it is known.

    An answer with `Date` D, asked at s and received at r on the monotonic clock, was dated while
    the server's clock stood in [D, D + 1 s + lag); so its lead over the monotonic clock lies in
    [D - r, D + 1 s + lag - s). Such intervals are intersected (Marzullo 1984), widening with age
    as clocks drift. A sample that contradicts the rest means that a clock was stepped: it alone
    counts from then on. Of a machine that slept, whose monotonic clock stood still, the sleep is
    added as soon as the wall clock shows it, as an uncertainty too until the next answer.

    Args:
        mono: The local monotonic clock, seconds; samples are on the same one.
        date_lag_s: How old a `Date` header of this server may be when it is sent.
    """

    def __init__(
        self,
        wall: Callable[[], float],
        mono: Callable[[], float],
        *,
        date_lag_s: float = DATE_LAG_S,
    ) -> None:
        self._wall = wall
        self._mono = mono
        self._date_lag_s = date_lag_s
        self._bounds: _Bounds | None = None

    def sample(self, sent_mono_s: float, received_mono_s: float, date: datetime) -> None:
        """Learn from one answer, by the monotonic seconds of its question and of its headers.

        Args:
            date: Its `Date` header; without a zone it is UTC. One from no credible year is ignored.

        Raises:
            ValueError: The answer came before the question.
        """
        if received_mono_s < sent_mono_s:
            raise ValueError("an answer cannot be received before its question is sent")
        if date.year not in CREDIBLE_YEARS:
            return
        date_s = unix_s(date if date.tzinfo is not None else date.replace(tzinfo=UTC))
        new = _Bounds(
            low_s=date_s - received_mono_s,
            high_s=date_s + DATE_RESOLUTION_S + self._date_lag_s - sent_mono_s,
            at_s=received_mono_s,
            wall_less_mono_s=self._wall() - self._mono(),
        )
        known = self._bounds
        if known is not None:
            at_s = max(received_mono_s, known.at_s)
            # Asleep or stepped meanwhile: what was known before says nothing about now.
            stepped = abs(new.wall_less_mono_s - known.wall_less_mono_s) > STEP_S
            new, known = new.aged(at_s), known.aged(at_s)
            low_s, high_s = max(new.low_s, known.low_s), min(new.high_s, known.high_s)
            if low_s < high_s and not stepped:
                new = _Bounds(low_s, high_s, at_s, new.wall_less_mono_s)
        self._bounds = new

    def now(self, mono_s: float | None = None) -> datetime:
        """The server's time at `mono_s` or now, in UTC; before any sample, the local clock's."""
        mono_s = self._mono() if mono_s is None else mono_s
        return from_unix_s(mono_s + self._lead_s())

    def window(self, sent_mono_s: float, received_mono_s: float) -> Window:
        """When, for the server, a question was answered: its round trip and the clock's error."""
        error = timedelta(seconds=self.error_s or 0.0)
        return Window(self.now(sent_mono_s) - error, self.now(received_mono_s) + error)

    @property
    def offset_s(self) -> float:
        """How far the server's clock is ahead of the local wall clock; 0 before any sample."""
        return self._lead_s() - (self._wall() - self._mono())

    @property
    def error_s(self) -> float | None:
        """How far `now` may be off, either way, in seconds; None before any sample."""
        if self._bounds is None:
            return None
        bounds = self._bounds.aged(self._mono())
        return (bounds.high_s - bounds.low_s) / 2 + self._slept_s(self._bounds)

    def _lead_s(self) -> float:
        """The server's clock less the local monotonic one: the middle of what is possible."""
        if self._bounds is None:
            return self._wall() - self._mono()
        return (self._bounds.low_s + self._bounds.high_s) / 2 + self._slept_s(self._bounds)

    def _slept_s(self, bounds: _Bounds) -> float:
        """How long the machine seems to have slept since the last sample.

        A wall clock that went ahead of the monotonic one by itself may have been set instead;
        the server's next answer tells. One that was set back says nothing about the server.
        """
        ahead_s = self._wall() - self._mono() - bounds.wall_less_mono_s
        return ahead_s if ahead_s > STEP_S else 0.0
