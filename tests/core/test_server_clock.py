"""The server's clock, against simulated servers whose true time is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gymtui.core.server_clock import ServerClock

T0_S = 1_800_000_000.0


@dataclass
class World:
    """A laptop and a server, seconds apart, with everything that may happen to their clocks."""

    mono_s: float = 5_000.0
    wall_less_mono_s: float = T0_S - 5_000.0
    server_less_mono_s: float = T0_S - 5_000.0
    date_every_s: float = 0.0
    phase_s: float = 0.0

    def wall(self) -> float:
        return self.mono_s + self.wall_less_mono_s

    def mono(self) -> float:
        return self.mono_s

    def server_s(self, mono_s: float | None = None) -> float:
        return (self.mono_s if mono_s is None else mono_s) + self.server_less_mono_s

    def date(self) -> datetime:
        """The `Date` header the server would send now: whole seconds, perhaps written earlier."""
        written_s = self.server_s()
        if self.date_every_s:
            written_s -= (written_s - self.phase_s) % self.date_every_s
        return datetime.fromtimestamp(math.floor(written_s), UTC)

    def ask(self, clock: ServerClock, there_s: float = 0.05, back_s: float = 0.05) -> None:
        sent_s = self.mono_s
        self.mono_s += there_s
        date = self.date()
        self.mono_s += back_s
        clock.sample(sent_s, self.mono_s, date)

    def sleep(self, seconds: float) -> None:
        """A suspended machine: its monotonic clock stands, the others go on."""
        self.wall_less_mono_s += seconds
        self.server_less_mono_s += seconds

    def miss_s(self, clock: ServerClock) -> float:
        return abs(clock.now().timestamp() - self.server_s())


def clock_of(world: World, date_lag_s: float = 0.0) -> ServerClock:
    return ServerClock(world.wall, world.mono, date_lag_s=date_lag_s)


def poll(world: World, clock: ServerClock, times: int, seed: int = 7) -> None:
    rng = Random(seed)
    for _ in range(times):
        world.mono_s += rng.uniform(1.5, 2.5)
        world.ask(clock, rng.uniform(0.005, 0.1), rng.uniform(0.005, 0.1))


def test_before_any_answer_the_local_clock_serves_and_the_error_is_unknown() -> None:
    world = World()
    clock = clock_of(world)
    assert clock.now() == datetime.fromtimestamp(T0_S, UTC)
    assert clock.offset_s == 0
    assert clock.error_s is None


@pytest.mark.parametrize("minutes", [-7, 0, 7])
def test_a_laptop_minutes_off_shows_the_servers_time(minutes: float) -> None:
    world = World(wall_less_mono_s=T0_S - 5_000 + 60 * minutes)
    clock = clock_of(world)
    world.ask(clock)
    assert world.miss_s(clock) <= 0.6
    poll(world, clock, 30)
    assert world.miss_s(clock) <= 0.1
    assert clock.offset_s == pytest.approx(-60 * minutes, abs=0.1)


def test_the_error_tightens_with_answers_though_dates_have_whole_seconds() -> None:
    world = World()
    clock = clock_of(world)
    world.ask(clock)
    first_s = clock.error_s
    poll(world, clock, 40)
    assert first_s is not None
    assert clock.error_s is not None
    assert 0.5 <= first_s <= 0.6
    assert clock.error_s < 0.1


@given(
    seed=st.integers(0, 2**32),
    phase_s=st.floats(0, 1),
    cached=st.booleans(),
    answers=st.integers(1, 40),
)
def test_the_true_time_is_always_within_the_stated_error(
    seed: int, phase_s: float, cached: bool, answers: int
) -> None:
    rng = Random(seed)
    world = World(
        server_less_mono_s=T0_S + rng.uniform(-1e6, 1e6),
        date_every_s=1.05 if cached else 0,
        phase_s=phase_s,
    )
    clock = ServerClock(world.wall, world.mono)
    for _ in range(answers):
        world.mono_s += rng.uniform(0.01, 30)
        world.ask(clock, rng.uniform(0, 2), rng.uniform(0, 2))
        assert clock.error_s is not None
        assert world.miss_s(clock) <= clock.error_s + 1e-5


def test_a_slow_answer_loosens_nothing() -> None:
    world = World()
    clock = clock_of(world)
    poll(world, clock, 30)
    before_s = clock.error_s
    world.ask(clock, 20, 20)
    assert before_s is not None
    assert clock.error_s == pytest.approx(before_s, abs=0.01)


def test_knowledge_ages_while_nothing_is_heard() -> None:
    world = World()
    clock = clock_of(world)
    poll(world, clock, 30)
    before_s = clock.error_s
    world.mono_s += 3_600
    assert before_s is not None
    assert clock.error_s == pytest.approx(before_s + 0.36, abs=0.01)


@pytest.mark.parametrize("ppm", [-90, 90])
def test_a_drifting_clock_is_followed(ppm: float) -> None:
    world = World()
    clock = clock_of(world)
    rng = Random(1)
    for _ in range(3_000):
        gap_s = rng.uniform(1.5, 2.5)
        world.mono_s += gap_s
        world.server_less_mono_s += gap_s * ppm * 1e-6
        world.ask(clock)
    assert clock.error_s is not None
    assert world.miss_s(clock) <= clock.error_s < 0.2


@pytest.mark.parametrize("step_s", [-420.0, -3.0, 3.0, 420.0])
def test_a_stepped_server_is_followed_from_its_next_answer(step_s: float) -> None:
    world = World()
    clock = clock_of(world)
    poll(world, clock, 20)
    world.server_less_mono_s += step_s
    world.ask(clock)
    assert world.miss_s(clock) <= 0.6
    poll(world, clock, 40)
    assert world.miss_s(clock) <= 0.1


@pytest.mark.parametrize("step_s", [-420.0, 420.0])
def test_setting_the_laptops_clock_leaves_the_servers_time_alone(step_s: float) -> None:
    world = World()
    clock = clock_of(world)
    poll(world, clock, 20)
    world.wall_less_mono_s += step_s
    assert clock.error_s is not None
    assert world.miss_s(clock) <= clock.error_s
    world.ask(clock)
    assert world.miss_s(clock) <= 0.6
    assert clock.offset_s == pytest.approx(-step_s, abs=0.6)


def test_a_suspended_laptop_wakes_to_the_right_time_before_the_first_answer() -> None:
    world = World()
    clock = clock_of(world)
    poll(world, clock, 20)
    world.sleep(28_800)
    assert world.miss_s(clock) <= 0.1
    assert clock.error_s is not None
    assert clock.error_s >= 28_800
    world.ask(clock)
    assert world.miss_s(clock) <= 0.6
    assert clock.error_s is not None
    assert clock.error_s <= 0.6


@pytest.mark.parametrize("slept_s", [1.2, 1.6, 2.0])
@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.6, 0.9])
def test_a_nap_shorter_than_the_error_is_not_mistaken_for_knowledge(
    slept_s: float, fraction: float
) -> None:
    world = World(server_less_mono_s=T0_S + fraction)
    clock = clock_of(world, date_lag_s=1.1)
    poll(world, clock, 3)
    world.sleep(slept_s)
    poll(world, clock, 3)
    assert clock.error_s is not None
    assert world.miss_s(clock) <= clock.error_s + 1e-5


def test_one_date_from_a_stray_cache_is_forgotten_with_the_next_answer() -> None:
    world = World()
    clock = clock_of(world)
    poll(world, clock, 20)
    clock.sample(world.mono_s, world.mono_s + 0.1, world.date() - timedelta(hours=5))
    poll(world, clock, 1)
    assert world.miss_s(clock) <= 0.7


@pytest.mark.parametrize("year", [1, 1970, 9999])
def test_a_date_from_no_credible_year_is_ignored(year: int) -> None:
    world = World()
    clock = clock_of(world)
    clock.sample(world.mono_s, world.mono_s, datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert world.miss_s(clock) == pytest.approx(0, abs=1e-5)
    assert clock.error_s is None


def test_a_date_without_zone_is_utc() -> None:
    world = World()
    clock = clock_of(world)
    clock.sample(world.mono_s, world.mono_s, world.date().replace(tzinfo=None))
    assert world.miss_s(clock) <= 0.6


def test_answers_out_of_order_are_all_learnt_from() -> None:
    world = World()
    clock = clock_of(world)
    sent_s = world.mono_s
    date = world.date()
    world.mono_s += 0.9
    world.ask(clock)
    clock.sample(sent_s, sent_s + 0.01, date)
    assert clock.error_s is not None
    assert world.miss_s(clock) <= clock.error_s + 1e-5


def test_an_answer_before_its_question_is_a_mistake_of_the_caller() -> None:
    world = World()
    with pytest.raises(ValueError, match="before its question"):
        clock_of(world).sample(2, 1, world.date())


def test_a_window_holds_the_true_moment_of_the_answer() -> None:
    world = World()
    clock = clock_of(world)
    poll(world, clock, 5)
    sent_s = world.mono_s
    world.mono_s += 0.3
    truth_s = world.server_s()
    world.mono_s += 0.3
    window = clock.window(sent_s, world.mono_s)
    assert window.earliest.timestamp() <= truth_s <= window.latest.timestamp()
    assert clock.error_s is not None
    width_s = (window.latest - window.earliest).total_seconds()
    assert width_s == pytest.approx(0.6 + 2 * clock.error_s, abs=1e-3)
