"""Bounds of a pass rate that hold however often they are looked at. Pure.

An interval of 95 % is right at one look; looked at with every verdict, it is wrong sooner or later.
A confidence sequence is right at all looks together.
"""

from __future__ import annotations

from functools import lru_cache
from math import lgamma, log, log1p

from gymtui.store.stats.formulas import Interval

ERROR_RATE = 0.05  # how often the true rate is ever outside the bounds, at most
_HALVINGS = 40  # steps of the search for a bound: to 1e-12


@lru_cache(maxsize=16384)
def anytime_interval(passes: int, verdicts: int) -> Interval:
    """The bounds of the rate that verdicts come from.

    The conjugate mixture of Howard, Ramdas, McAuliffe and Sekhon 2021 (Annals of Statistics
    49:1055) for passes and fails, which is Robbins' (1970): the likelihood of what was seen, mixed
    evenly over all rates, over that at the true rate is a martingale that starts at 1, and so ever
    reaches 1/`ERROR_RATE` with a probability of at most `ERROR_RATE` (Ville 1939). Rates at which
    it has not are within.

    Args:
        passes: Out of verdicts that are independent: attempts of one task are alike, so of few
            tasks it is a little too sure.
        verdicts: None leave everything possible.
    """
    fails = verdicts - passes
    mixed = lgamma(passes + 1) + lgamma(fails + 1) - lgamma(verdicts + 2)
    least = mixed + log(ERROR_RATE)

    def outside(rate: float) -> bool:
        at_rate = (passes * log(rate) if passes else 0.0) + (fails * log1p(-rate) if fails else 0.0)
        return at_rate < least

    rate = passes / verdicts if verdicts else 0.5

    def bound(end: float) -> float:
        """Where it goes outside, between the rate that was seen and an end."""
        within, beyond = rate, end
        for _ in range(_HALVINGS):
            middle = (within + beyond) / 2
            if outside(middle):
                beyond = middle
            else:
                within = middle
        return beyond

    low = 0.0 if not passes else bound(0.0)
    high = 1.0 if not fails else bound(1.0)
    return Interval(low, high)
