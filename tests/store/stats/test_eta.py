"""How long a run will still take, against simulated queues; and what stands still."""

from __future__ import annotations

import heapq
import math
from random import Random
from typing import Any

import pytest

from gymtui.config.schema import StuckThresholds
from gymtui.store.phases import SegmentKind
from gymtui.store.stats.eta import Eta, Lifetimes, UsualTimes, eta, stuck_after_s


def test_mean_and_deviation_of_whole_lives_are_those_of_what_ended_and_of_an_exponential_tail() -> (
    None
):
    ended_s = [*range(10, 60, 10), 100.0, 110.0, 120.0, 130.0, 140.0]
    lives = Lifetimes(ended_s, [])
    # Beyond 50 s: five of ten, 70 s longer in the mean, and as far apart.
    whole = [(t, 0.1) for t in ended_s[:5]] + [(120.0, 0.5)]
    mean = sum(t * weight for t, weight in whole)
    spread = sum((t - mean) ** 2 * weight for t, weight in whole) + 0.5 * 70**2
    assert lives.mean_s == pytest.approx(mean)
    assert lives.deviation_s == pytest.approx(math.sqrt(spread))


# -- how long it will take -----------------------------------------------------------------------


def test_nothing_is_promised_before_three_verdicts() -> None:
    assert eta(waiting=5, ages_s=[3.0], ended_s=[10.0, 12.0], verdicts=2) is None


def test_a_run_with_rollouts_waiting_and_none_running_is_stalled() -> None:
    assert eta(waiting=5, ages_s=[], ended_s=[10.0] * 3, verdicts=3) == "stalled"


def test_a_run_stalls_however_little_it_has_shown_but_not_before_it_began() -> None:
    assert eta(waiting=5, ages_s=[], ended_s=[10.0], verdicts=0) == "stalled"
    assert eta(waiting=5, ages_s=[], ended_s=[], verdicts=0) is None


@pytest.mark.parametrize("verdicts", [0, 9])
def test_of_a_run_of_which_only_the_stuck_are_left_no_number_is_told(verdicts: int) -> None:
    ended_s = [60.0] * verdicts
    left = {"ages_s": [100.0, 900.0], "ended_s": ended_s, "verdicts": verdicts}
    assert eta(waiting=0, stuck=2, **left) == "stuck"
    assert eta(waiting=0, stuck=1, **left) != "stuck", "the other one moves"
    assert eta(waiting=1, stuck=2, **left) != "stuck", "what waits has its own slot"
    assert eta(waiting=0, ages_s=[], ended_s=ended_s, verdicts=verdicts) is None


def test_a_run_with_nothing_left_has_no_eta() -> None:
    assert eta(waiting=0, ages_s=[], ended_s=[10.0] * 3, verdicts=3) is None


def test_rollouts_older_than_all_that_ended_push_the_end_out() -> None:
    young = eta(waiting=0, ages_s=[10.0] * 4, ended_s=[60.0] * 9, verdicts=9)
    old = eta(waiting=0, ages_s=[200.0] * 4, ended_s=[60.0] * 9, verdicts=9)
    assert young == Eta(50.0, 50.0)
    assert isinstance(old, Eta)
    assert old.high_s >= 60


def _simulate(rng: Random, total: int, slots: int, at_share: float) -> tuple[Any, float]:
    """Run a queue; the ETA asked for when a share has ended, and how long it really took."""
    lives = [rng.lognormvariate(4.5, 0.5) for _ in range(total)]
    free, runs = [0.0] * slots, []
    for life in lives:
        start = heapq.heappop(free)
        heapq.heappush(free, start + life)
        runs.append((start, start + life))
    ends = sorted(end for _, end in runs)
    now = ends[int(at_share * total)]
    ended = [end - start for start, end in runs if end <= now]
    ages = [now - start for start, end in runs if start <= now < end]
    waiting = sum(start > now for start, _ in runs)
    promised = eta(waiting=waiting, ages_s=ages, ended_s=ended, verdicts=len(ended))
    return promised, ends[-1] - now


@pytest.mark.parametrize("at_share", [0.1, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("slots", [4, 20])
def test_the_true_end_mostly_lies_in_the_range(slots: int, at_share: float) -> None:
    rng = Random(5)
    held, widths = 0, []
    for _ in range(200):
        promised, truth_s = _simulate(rng, 100, slots, at_share)
        assert isinstance(promised, Eta)
        held += promised.low_s <= truth_s <= promised.high_s
        widths.append(promised.high_s / max(promised.low_s, 1.0))
    assert held / 200 >= 0.65
    assert sorted(widths)[100] < 4


def test_the_true_end_of_two_thousand_rollouts_mostly_does_too() -> None:
    rng = Random(3)
    held = 0
    for _ in range(20):
        promised, truth_s = _simulate(rng, 2_000, 300, 0.5)
        assert isinstance(promised, Eta)
        held += promised.low_s <= truth_s <= promised.high_s
    assert held / 20 >= 0.65


# -- what stands still ---------------------------------------------------------------------------


def test_an_agent_is_stuck_after_a_minute_or_five_times_the_usual_step() -> None:
    assert stuck_after_s(SegmentKind.AGENT, UsualTimes()) == 60
    assert stuck_after_s(SegmentKind.AGENT, UsualTimes(step_s=4)) == 60
    assert stuck_after_s(SegmentKind.AGENT, UsualTimes(step_s=30)) == 150


def test_a_build_or_verification_is_stuck_after_three_times_its_usual_time() -> None:
    usual = UsualTimes(build_s=40, verify_s=30, watched=10)
    assert stuck_after_s(SegmentKind.BUILDING, usual) == 120
    assert stuck_after_s(SegmentKind.VERIFYING, usual) == 90
    assert stuck_after_s(SegmentKind.QUEUED, usual) is None


def test_verifications_of_seconds_are_not_stuck_before_a_minute() -> None:
    usual = UsualTimes(build_s=2, verify_s=1.8, watched=50)
    assert (
        stuck_after_s(SegmentKind.VERIFYING, usual)
        == stuck_after_s(SegmentKind.BUILDING, usual)
        == 60
    )


@pytest.mark.parametrize("kind", [SegmentKind.BUILDING, SegmentKind.VERIFYING])
def test_of_fewer_than_ten_watched_nothing_is_concluded_for_ten_minutes(kind: SegmentKind) -> None:
    assert stuck_after_s(kind, UsualTimes()) == 600
    assert stuck_after_s(kind, UsualTimes(build_s=1, verify_s=1, watched=9)) == 600
    assert stuck_after_s(kind, UsualTimes(build_s=1, verify_s=1, watched=10)) == 60


def test_the_thresholds_can_be_set() -> None:
    rules = StuckThresholds(floor_s=10, step_factor=2, build_factor=10, verify_factor=20)
    assert stuck_after_s(SegmentKind.AGENT, UsualTimes(step_s=6), rules) == 12
    assert stuck_after_s(SegmentKind.BUILDING, UsualTimes(build_s=6, watched=10), rules) == 60
    assert stuck_after_s(SegmentKind.VERIFYING, UsualTimes(verify_s=6, watched=10), rules) == 120
    few = StuckThresholds(min_observed=3, fallback_s=90)
    assert stuck_after_s(SegmentKind.BUILDING, UsualTimes(build_s=40, watched=2), few) == 90
    assert stuck_after_s(SegmentKind.BUILDING, UsualTimes(build_s=40, watched=3), few) == 120


@pytest.mark.parametrize("age_s", [0.0, 4.0, 5.0, 11.0, 22.5, 39.0])
@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_how_long_one_has_left_is_read_from_those_that_lasted_as_long(
    age_s: float, q: float
) -> None:
    """Without running ones the estimate is the plain share of those that lasted longer."""
    ended_s = [float(life) for life in range(2, 82, 2)]
    left_s = Lifetimes(ended_s, []).left_s(age_s, q)
    longer = [life for life in ended_s if life > age_s]
    # The first time by which so large a share of them had ended, unless that lies in the tail.
    at = next(life for n, life in enumerate(longer, 1) if n / len(longer) >= q - 1e-9)
    tail_from_s = ended_s[-7]
    if at <= tail_from_s:
        assert left_s == pytest.approx(at - age_s)
    else:
        assert left_s > tail_from_s - age_s


def test_one_that_lasts_longer_than_nearly_all_did_goes_on_as_the_longest_did() -> None:
    lives = Lifetimes([float(life) for life in range(2, 82, 2)], [])
    # The six longest exceed 68 s by 2, 4 … 12: 7 s in the mean, and half of them by 7 ln 2.
    assert lives.left_s(68.0, 0.5) == pytest.approx(7 * math.log(2))
    assert lives.left_s(500.0, 0.5) == pytest.approx(7 * math.log(2)), "it has no memory"
