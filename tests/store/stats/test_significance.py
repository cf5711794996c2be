"""Exact tests against counting all that can happen, and by hand; Holm's correction."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb, isclose, prod
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gymtui.store.stats import significance
from gymtui.store.stats.formulas import Tally
from gymtui.store.stats.significance import fisher, holm, sign_flip


def test_holms_correction_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.2]) == (0.2,)
    assert holm([0.6, 0.5]) == (1.0, 1.0)
    assert holm([]) == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_never_says_less(ps: list[float]) -> None:
    adjusted = holm(ps)
    assert all(p <= found <= min(1.0, p * len(ps)) for p, found in zip(ps, adjusted, strict=True))
    in_order = [found for _, found in sorted(zip(ps, adjusted, strict=True))]
    assert in_order == sorted(in_order)


@pytest.mark.parametrize(
    ("one", "other", "p"),
    [
        # Fisher's tea: all four cups of each kind told apart, and three of four.
        ((4, 4), (0, 4), 2 / 70),
        ((3, 4), (1, 4), 34 / 70),
        ((1, 1), (0, 1), 1.0),
        ((5, 5), (0, 5), 2 / 252),
        ((3, 3), (3, 3), 1.0),
        ((0, 0), (3, 3), 1.0),
        # R: fisher.test(matrix(c(1, 9, 11, 3), 2))
        ((1, 10), (11, 14), 0.002759456),
    ],
)
def test_fishers_test_is_exact(one: tuple[int, int], other: tuple[int, int], p: float) -> None:
    assert isclose(fisher(Tally(*one), Tally(*other)), p, rel_tol=1e-6)
    assert isclose(fisher(Tally(*other), Tally(*one)), p, rel_tol=1e-6)


TALLIES = st.integers(0, 4).flatmap(
    lambda verdicts: st.builds(Tally, st.integers(0, verdicts), st.just(verdicts))
)


@given(st.lists(TALLIES, min_size=1, max_size=4))
def test_of_several_it_is_every_table_that_is_no_likelier(tallies: list[Tally]) -> None:
    sizes = [tally.verdicts for tally in tallies]
    passes = sum(tally.passes for tally in tallies)
    tables = [
        prod(map(comb, sizes, table))
        for table in product(*(range(size + 1) for size in sizes))
        if sum(table) == passes
    ]
    here = prod(comb(tally.verdicts, tally.passes) for tally in tallies)
    expected = sum(ways for ways in tables if ways <= here) / sum(tables)
    assert isclose(fisher(*tallies), expected)


def test_eleven_checkpoints_of_which_one_fails_all_are_told_apart() -> None:
    # All four fails in the one run, or in any other: 11 ways of 44 choose 4.
    assert isclose(fisher(Tally(0, 4), *[Tally(4, 4)] * 10), 11 / comb(44, 4))
    assert fisher(*[Tally(0, 4)] * 5, *[Tally(4, 4)] * 6) < 1e-9


@pytest.mark.parametrize(
    "tallies", [[(14, 40), (22, 40), (25, 40)], [(5, 12), (7, 12), (9, 12), (3, 12), (6, 12)]]
)
def test_beyond_that_chi_square_is_close(
    tallies: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [Tally(*tally) for tally in tallies]
    exact = fisher.__wrapped__(*told)
    monkeypatch.setattr(significance, "MOST_TABLES", 10)
    about = fisher.__wrapped__(*told)
    assert about != exact
    assert isclose(about, exact, rel_tol=0.15)


def test_thousands_of_attempts_are_approximated() -> None:
    assert 0 < fisher(*[Tally(950 + 10 * n, 2000) for n in range(11)]) < 0.05
    assert fisher(*[Tally(1000 + n, 2000) for n in range(11)]) > 0.99


@pytest.mark.parametrize("tasks", [1, 2, 5, 20, 40])
def test_tasks_that_all_differ_alike_turn_round_in_two_ways(tasks: int) -> None:
    assert sign_flip((Fraction(1, 2),) * tasks) == 2 / 2**tasks


def test_without_a_difference_all_is_chance() -> None:
    assert sign_flip(()) == 1.0
    assert sign_flip((Fraction(0),) * 7) == 1.0
    assert sign_flip((Fraction(1), Fraction(-1))) == 1.0


APART = st.lists(
    st.fractions(-1, 1, max_denominator=7), min_size=1, max_size=8
).map(tuple)  # fmt: skip


@given(APART)
def test_it_is_the_share_of_all_ways_to_turn_tasks_round(apart: tuple[Fraction, ...]) -> None:
    here = abs(sum(apart))
    ways = list(product((1, -1), repeat=len(apart)))
    as_far = sum(
        abs(sum(sign * value for sign, value in zip(signs, apart, strict=True))) >= here
        for signs in ways
    )
    assert isclose(sign_flip(apart), as_far / len(ways))


def test_many_tasks_of_many_different_rates_go_by_the_normal_law() -> None:
    random = Random(7)
    moves = [random.randint(-900, 1000) for _ in range(60)]
    p = sign_flip(tuple(Fraction(move, 1009) for move in moves))
    # What turning them round at random comes to.
    turned = [
        abs(sum(move if random.random() < 0.5 else -move for move in moves)) >= abs(sum(moves))
        for _ in range(2000)
    ]
    assert abs(p - sum(turned) / len(turned)) < 0.02


@pytest.mark.parametrize("passes", [(3, 9), (40, 70), (0, 6), (255, 5), (120, 120)])
def test_large_tallies_are_compared_in_floats_with_the_same_result(
    passes: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    tallies = tuple(
        Tally(number, verdicts) for number, verdicts in zip(passes, (256, 260), strict=True)
    )
    in_floats = fisher(*tallies)
    fisher.cache_clear()
    monkeypatch.setattr(significance, "LARGE", 10_000)
    assert fisher(*tallies) == pytest.approx(in_floats, rel=1e-6, abs=1e-30)
    fisher.cache_clear()
