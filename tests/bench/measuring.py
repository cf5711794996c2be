"""Ways to measure on a noisy machine: figure and yardstick by turns, the quickest of each."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """The quickest run of ours and of the yardstick, in seconds."""

    ours_s: float
    yardstick_s: float


def by_turns(
    ours: Callable[[], float], yardstick: Callable[[], float], rounds: int, *, each: int = 1
) -> Pair:
    """Run both by turns, so that a slow minute of the machine meets both.

    Args:
        ours: Runs once and returns the seconds it took.
        yardstick: Likewise.
        rounds: How many turns each has.
        each: Runs of ours for one of the yardstick; it is shorter, and so noisier.

    Returns:
        The least of each: what disturbs only ever adds.
    """
    ours_s: list[float] = []
    yardstick_s: list[float] = []
    for _ in range(rounds):
        yardstick_s.append(yardstick())
        ours_s += [ours() for _ in range(each)]
    return Pair(min(ours_s), min(yardstick_s))


def seconds_of(what: Callable[[], object]) -> float:
    """How long something takes, without a collection of garbage that others left."""
    gc.collect()
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def share(values: list[float], of: float) -> float:
    """The value that such a share of all values does not exceed.

    Args:
        values: Any, in any order; at least one.
        of: From 0 to 1.
    """
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(of * len(ordered)))]
