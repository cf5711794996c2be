"""How often chance alone would bring about what differs, and what it takes to ask often. Pure.

Exact as far as that is cheap; what is taken beyond is named at each test.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from math import ceil, comb, erfc, exp, floor, fsum, lcm, lgamma, prod, sqrt

from gymtui.store.stats.formulas import Tally

STRONG = 0.01
SOME = 0.05  # the levels of what chance alone would bring about so rarely
MOST_TABLES = 20_000  # tables that are looked at to be exact: some 20 ms
LARGE = 500
"""Verdicts from which on two tallies are compared in floats: whole numbers have too many digits."""
MOST_SUMS = 2**14
"""Sums of either half of the tasks, likewise: enough for 28 tasks whatever their rates are."""


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """Adjust p for there being several (Holm 1979, Scandinavian Journal of Statistics 6:65).

    Args:
        ps: Of each comparison, 0..1.

    Returns:
        The adjusted ones in the same order: calling out those up to a level brings a false call
        among all of them no more often than that.
    """
    adjusted = [0.0] * len(ps)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1.0, ps[place] * (len(ps) - rank)))
        adjusted[place] = highest
    return tuple(adjusted)


@lru_cache(4096)
def fisher(*tallies: Tally) -> float:
    """How often chance alone would part tallies as far (Fisher 1922, exact, two-sided).

    With more than two it is one test of all of them (Freeman and Halton 1951, Biometrika 38:141),
    so that there are no pairs to choose from.

    Args:
        tallies: Verdicts of one task, in each run.

    Returns:
        The sum of the probabilities of all outcomes that are no likelier than this one, given
        how many passes there are in all; 1 with fewer than two that have verdicts. Where there are
        too many outcomes, Pearson's chi-square approximates it.
    """
    rated = [tally for tally in tallies if tally.verdicts]
    passes, left = sum(tally.passes for tally in rated), sum(tally.verdicts for tally in rated)
    if len(rated) < 2 or passes in (0, left):
        return 1.0
    total = left
    if len(rated) == 2 and total > LARGE:
        return _hypergeometric(rated[0], rated[1])
    # Tables so far by their passes and the ways to come by them: how many there are.
    tables: Counter[tuple[int, int]] = Counter({(0, 1): 1})
    looked_at = 0
    for tally in rated:
        left -= tally.verdicts
        longer: Counter[tuple[int, int]] = Counter()
        ways_of = _ways(tally.verdicts)
        for (so_far, ways), number in tables.items():
            least = max(0, passes - so_far - left)
            most = min(tally.verdicts, passes - so_far)
            looked_at += most - least + 1
            if looked_at > MOST_TABLES:
                return _pearson(rated)
            for mine in range(least, most + 1):
                longer[so_far + mine, ways * ways_of[mine]] += number
        tables = longer
    here = prod(comb(tally.verdicts, tally.passes) for tally in rated)
    as_far = sum(ways * number for (_, ways), number in tables.items() if ways <= here)
    return min(1.0, as_far / comb(total, passes))


def _hypergeometric(one: Tally, other: Tally) -> float:
    """Fisher's test of two tallies in floats, without the tables that are too unlikely to count."""
    passes, total = one.passes + other.passes, one.verdicts + other.verdicts
    mean = passes * one.verdicts / total
    spread = sqrt(mean * (other.verdicts / total) * (total - passes) / max(1, total - 1))
    reach = abs(one.passes - mean) + 8 * spread + 1
    least = max(0, passes - other.verdicts, floor(mean - reach))
    most = min(one.verdicts, passes, ceil(mean + reach))

    def log_ways(mine: int) -> float:
        return _log_comb(one.verdicts, mine) + _log_comb(other.verdicts, passes - mine)

    logs = [log_ways(mine) for mine in range(least, most + 1)]
    here = log_ways(one.passes) + 1e-9
    whole = _log_comb(total, passes)
    return min(1.0, fsum(exp(ways - whole) for ways in logs if ways <= here))


def _log_comb(of: int, some: int) -> float:
    return lgamma(of + 1) - lgamma(some + 1) - lgamma(of - some + 1)


@lru_cache(64)
def _ways(verdicts: int) -> tuple[int, ...]:
    """The ways to choose each number of passes."""
    return tuple(comb(verdicts, passes) for passes in range(verdicts + 1))


def _pearson(rated: Sequence[Tally]) -> float:
    """The chi-square test, by the cube root's normal law (Wilson and Hilferty 1931)."""
    rate = sum(tally.passes for tally in rated) / sum(tally.verdicts for tally in rated)
    apart = fsum(
        (tally.passes - tally.verdicts * rate) ** 2 / (tally.verdicts * rate * (1 - rate))
        for tally in rated
    )
    freedom = len(rated) - 1
    variance = 2 / (9 * freedom)
    z = ((apart / freedom) ** (1 / 3) - (1 - variance)) / sqrt(variance)
    return _above(z)


def _above(z: float) -> float:
    """The share of what is distributed normally that lies above `z`."""
    return erfc(z / sqrt(2)) / 2


@lru_cache(4096)
def sign_flip(apart: tuple[Fraction, ...]) -> float:
    """How often chance alone would bring pairs as far apart in the mean (two-sided).

    If two runs are alike, each task could as well have come out the other way round: the share of
    all ways to turn tasks round whose mean is as far from 0 (Fisher 1935, "The Design of
    Experiments", section 21).

    Returns:
        The exact share for 28 pairs at least, and for more as long as their sums repeat, as they
        do where tasks have equally many attempts; beyond that, the normal law of the same sums.
    """
    unit = lcm(*(value.denominator for value in apart))
    moves = [value.numerator * (unit // value.denominator) for value in apart if value]
    steps, here = [abs(move) for move in moves], abs(sum(moves))
    if not here:
        return 1.0
    one, other = _sums(steps[::2]), _sums(steps[1::2])
    if one is None or other is None:
        return 2 * _above(here / sqrt(fsum(step**2 for step in steps)))
    ends = sorted(other)
    # How many ways there are to sums from each end up.
    above = [*accumulate((other[end] for end in reversed(ends)), initial=0)][::-1]
    as_far = sum(ways * above[bisect_left(ends, here - at)] for at, ways in one.items())
    return float(2 * as_far / 2 ** len(steps))


def _sums(steps: Sequence[int]) -> Counter[int] | None:
    """The ways to each sum of steps up and down; None where there are too many sums."""
    sums: Counter[int] = Counter({0: 1})
    for step in steps:
        longer: Counter[int] = Counter()
        for at, ways in sums.items():
            longer[at + step] += ways
            longer[at - step] += ways
        if len(longer) > MOST_SUMS:
            return None
        sums = longer
    return sums
