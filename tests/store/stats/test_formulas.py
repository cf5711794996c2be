"""The formulas, against published figures (per-task outcomes of real agents) and by brute force."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gymtui.store.stats.formulas import (
    Interval,
    Tally,
    TaskSums,
    bucket_counts,
    final_bounds,
    pass_at_k,
    pass_hat_k,
    pass_rate_interval,
    quantile,
    rate,
    shares,
    spread,
    task_kinds,
    wilson,
)

tallies = st.integers(0, 6).flatmap(
    lambda n: st.integers(0, n).map(lambda passes: Tally(passes, n))
)


@dataclass(frozen=True)
class Published:
    """Tasks by passes of n attempts, and what was computed from them elsewhere."""

    name: str
    attempts: int
    tasks_by_passes: dict[int, int]
    hats: tuple[float, ...]
    at_most: float

    @property
    def tasks(self) -> list[Tally]:
        return [
            Tally(passes, self.attempts)
            for passes, count in self.tasks_by_passes.items()
            for _ in range(count)
        ]


PUBLISHED = [
    Published(
        "tau-bench airline, gpt-4o",
        4,
        {0: 14, 1: 12, 2: 10, 3: 4, 4: 10},
        (0.420, 0.273, 0.220, 0.200),
        0.720,
    ),
    Published("tau2-bench telecom, gpt-4.1", 4, {0: 1, 4: 4}, (0.8, 0.8, 0.8, 0.8), 0.8),
    Published("verifiers math_python, 25f52552", 3, {2: 2, 3: 3}, (0.867, 0.733, 0.6), 1.0),
    Published("verifiers wordle, 50bdff53", 3, {0: 1, 2: 4}, (0.533, 0.267, 0.0), 0.8),
    Published(
        "SWE-bench Lite dev, deepseek-chat",
        3,
        {0: 14, 1: 2, 2: 2, 3: 5},
        (0.304, 0.246, 0.217),
        0.391,
    ),
    Published(
        "terminal-bench, droid claude-4.1-opus",
        5,
        {0: 25, 1: 2, 2: 6, 3: 2, 4: 10, 5: 35},
        (0.587, 0.528, 0.490, 0.463, 0.438),
        0.688,
    ),
    Published(
        "terminal-bench, swe-agent-mini",
        5,
        {0: 62, 1: 3, 2: 4, 3: 5, 4: 5, 5: 1},
        (0.128, 0.074, 0.044, 0.025, 0.013),
        0.225,
    ),
]


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda p: p.name)
def test_pass_hat_k_and_pass_at_k_are_the_published_ones(published: Published) -> None:
    for k, expected in enumerate(published.hats, start=1):
        found = pass_hat_k(published.tasks, k)
        assert found.rate == pytest.approx(expected, abs=0.00051)
        assert found.tasks == found.of_tasks == len(published.tasks)
    best = pass_at_k(published.tasks, published.attempts)
    assert best.rate == pytest.approx(published.at_most, abs=0.00051)


@given(st.integers(1, 6), st.data())
def test_pass_at_k_and_pass_hat_k_are_the_means_over_every_choice_of_k(
    n: int, data: st.DataObject
) -> None:
    passes, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    outcomes = [True] * passes + [False] * (n - passes)
    chosen = list(combinations(outcomes, k))
    task = [Tally(passes, n)]
    assert pass_at_k(task, k).rate == pytest.approx(sum(map(any, chosen)) / len(chosen))
    assert pass_hat_k(task, k).rate == pytest.approx(sum(map(all, chosen)) / len(chosen))


def test_only_tasks_with_k_verdicts_count_and_the_coverage_says_so() -> None:
    tasks = [Tally(3, 3), Tally(0, 3), Tally(2, 2), Tally(0, 0)]
    found = pass_at_k(tasks, 3)
    assert (found.rate, found.tasks, found.of_tasks) == (0.5, 2, 4)
    assert pass_hat_k(tasks, 4).rate is None
    with pytest.raises(ValueError, match="from 1"):
        pass_at_k(tasks, 0)


def test_pass_at_k_of_many_attempts_neither_overflows_nor_rounds_to_one() -> None:
    found = pass_at_k([Tally(1, 5_000)], 2_500)
    assert found.rate == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("passes", "n", "low", "high"),
    [
        # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_the_published_one(
    passes: int, n: int, low: float, high: float
) -> None:
    found = wilson(passes, n)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.00006)


def test_wilson_without_verdicts_is_unknown_and_at_the_ends_exact() -> None:
    assert wilson(0, 0) is None
    assert wilson(0, 3) == Interval(0.0, pytest.approx(0.5615, abs=1e-4))
    full = wilson(3, 3)
    assert full is not None
    assert full.high == 1.0


def test_the_clustered_error_is_millers_double_sum() -> None:
    tasks = PUBLISHED[0].tasks
    scores = [[1.0] * t.passes + [0.0] * (t.verdicts - t.passes) for t in tasks]
    n = sum(map(len, scores))
    mean = sum(map(sum, scores)) / n
    plain = sum((x - mean) ** 2 for task in scores for x in task) / n**2
    cross = sum(
        (a - mean) * (b - mean)
        for task in scores
        for i, a in enumerate(task)
        for j, b in enumerate(task)
        if i != j
    )
    sums = TaskSums()
    for task in tasks:
        sums.add(task)
    assert sums.error == pytest.approx(math.sqrt(plain + cross / n**2))


def test_on_tau_bench_the_honest_interval_is_half_as_wide_again() -> None:
    tasks = PUBLISHED[0].tasks
    plain = wilson(84, 200)
    honest = pass_rate_interval(tasks)
    assert plain is not None
    assert honest is not None
    ratio = (honest.high - honest.low) / (plain.high - plain.low)
    assert 1.4 < ratio < 1.6


def test_with_one_attempt_a_task_the_interval_is_plain_wilson() -> None:
    assert pass_rate_interval([Tally(1, 1)] * 7 + [Tally(0, 1)] * 3) == wilson(7, 10)


@given(st.lists(tallies, max_size=12))
def test_the_interval_holds_the_rate_and_is_never_narrower_than_wilsons(
    tasks: list[Tally],
) -> None:
    passes, n = sum(t.passes for t in tasks), sum(t.verdicts for t in tasks)
    found, plain = pass_rate_interval(tasks), wilson(passes, n)
    if n == 0:
        assert found is None
        return
    assert found is not None
    assert plain is not None
    assert 0 <= found.low <= passes / n <= found.high <= 1
    assert found.high - found.low >= plain.high - plain.low - 1e-9


def test_the_clustered_interval_covers_where_wilsons_does_not() -> None:
    """Forty tasks of very different difficulty, five attempts each: 95 % must mean 95 %."""
    rng = Random(11)
    truth, rounds = 0.5, 400
    honest = plain = 0
    for _ in range(rounds):
        tasks = []
        for _ in range(40):
            p = rng.betavariate(0.3, 0.3)
            tasks.append(Tally(sum(rng.random() < p for _ in range(5)), 5))
        clustered = pass_rate_interval(tasks)
        naive = wilson(sum(t.passes for t in tasks), 200)
        assert clustered is not None
        assert naive is not None
        honest += clustered.low <= truth <= clustered.high
        plain += naive.low <= truth <= naive.high
    assert honest / rounds >= 0.92
    assert plain / rounds <= 0.80


def test_tasks_are_counted_by_how_their_attempts_came_out() -> None:
    kinds = task_kinds([Tally(2, 2), Tally(1, 2), Tally(0, 2), Tally(0, 1), Tally(0, 0)])
    assert (kinds.all_pass, kinds.mixed, kinds.all_fail, kinds.none) == (1, 1, 2, 1)


def test_final_bounds_are_all_fail_and_all_pass() -> None:
    assert final_bounds(6, 8, 2) == Interval(0.6, 0.8)
    assert final_bounds(0, 0, 4) == Interval(0.0, 1.0)
    assert final_bounds(0, 0, 0) is None


def test_quantiles_are_values_that_occurred() -> None:
    assert quantile([], 0.5) is None
    assert quantile([3.0], 0.95) == 3.0
    assert quantile(range(1, 101), 0.5) == 50
    assert quantile(range(1, 101), 0.95) == 95
    assert quantile(range(1, 101), 0.0) == 1


def test_spread_of_one_score_has_no_deviation() -> None:
    assert spread([]) is None
    one = spread([0.4])
    assert one is not None
    assert (one.mean, one.deviation, one.count) == (0.4, None, 1)
    two = spread([0.0, 1.0])
    assert two is not None
    assert two.deviation == pytest.approx(math.sqrt(0.5))


def test_a_rate_counts_the_verdicts_in_its_window() -> None:
    found = rate([0, 100, 400, 500, 600], now_s=600, since_s=0, window_s=300)
    assert found is not None
    assert (found.verdicts, found.window_s) == (3, 300)
    assert found.per_minute == pytest.approx(0.6)


def test_a_young_run_is_measured_over_its_own_age_not_a_window_it_never_had() -> None:
    found = rate([30, 60], now_s=60, since_s=0, window_s=300)
    assert found is not None
    assert (found.window_s, found.per_minute) == (60, 2)
    assert rate([], now_s=5, since_s=5, window_s=300) is None


def test_a_quiet_window_is_a_rate_of_zero() -> None:
    found = rate([0], now_s=1_000, since_s=0, window_s=300)
    assert found is not None
    assert found.per_minute == 0


@given(st.lists(st.floats(0, 100)), st.integers(1, 20))
def test_a_sparkline_counts_every_verdict_once(times: list[float], buckets: int) -> None:
    counts = bucket_counts(sorted(times), 0, 100, buckets)
    assert len(counts) == buckets
    assert sum(counts) == len(times)


def test_a_sparkline_puts_verdicts_where_they_came() -> None:
    assert bucket_counts([0, 1, 9, 10], 0, 10, 5) == (2, 0, 0, 0, 2)
    assert bucket_counts([-1, 5, 11], 0, 10, 2) == (0, 1)
    assert bucket_counts([1], 5, 5, 3) == ()


def test_shares_say_how_many_rollouts_they_stand_on() -> None:
    found = shares([{"agent": 30.0, "building": 10.0}, None, {"agent": 40.0}])
    assert found.of == {"agent": 0.875, "building": 0.125}
    assert (found.counted, found.of_all) == (2, 3)
    assert shares([None]).of == {}


@given(st.lists(tallies, max_size=8), st.data())
def test_sums_kept_up_to_date_are_those_made_anew(tasks: list[Tally], data: st.DataObject) -> None:
    kept = TaskSums()
    for task in tasks:
        kept.add(task)
    left = data.draw(st.permutations(tasks))
    while left:
        kept.add(left.pop(), -1)
        anew = TaskSums()
        for task in left:
            anew.add(task)
        assert kept == anew
    assert kept == TaskSums()


def test_tasks_are_counted_by_how_often_they_were_judged() -> None:
    sums = TaskSums()
    for task in (Tally(0, 0), Tally(1, 1), Tally(1, 3), Tally(2, 2)):
        sums.add(task)
    assert (sums.tasks, sums.repeated, sums.passes, sums.verdicts) == (3, 2, 4, 6)
