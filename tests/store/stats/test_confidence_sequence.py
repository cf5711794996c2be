"""Bounds that are looked at with every verdict, and are right all the same."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from random import Random

import pytest

from gymtui.api.models import RunStatus
from gymtui.store.lists.columns import RUNS, RunView, certain
from gymtui.store.lists.query import FilterError, parse
from gymtui.store.outcome import Outcome
from gymtui.store.records import RunRow
from gymtui.store.stats.confidence_sequence import anytime_interval
from gymtui.store.stats.formulas import wilson
from gymtui.store.stats.run_summary import RunSummary

LOOKS, SEQUENCES, RATE = 2000, 400, 0.3


def fewest_looks_like(bound: float) -> list[int]:
    """By the number of verdicts, the most passes with which the rate is surely below a bound."""
    found, passes = [], -1
    for verdicts in range(1, LOOKS + 1):
        while anytime_interval(passes + 1, verdicts).high < bound:
            passes += 1
        found.append(passes)
    return found


def test_at_a_true_rate_of_30_percent_one_run_in_twenty_at_most_is_cancelled_wrongly() -> None:
    rng = Random(20261129)
    limits = fewest_looks_like(RATE)
    wrong = naive = 0
    for _ in range(SEQUENCES):
        passes = list(accumulate(rng.random() < RATE for _ in range(LOOKS)))
        wrong += any(seen <= limit for seen, limit in zip(passes, limits, strict=True))
        naive += any(
            (interval := wilson(seen, verdicts)) is not None and interval.high < RATE
            for verdicts, seen in enumerate(passes[:300], 1)
        )
    assert wrong <= SEQUENCES // 20
    assert naive > SEQUENCES // 20, "an interval for one look would not do"


def test_a_hopeless_run_is_known_to_be_soon() -> None:
    assert anytime_interval(0, 17).high < 0.3
    assert anytime_interval(2, 40).high < 0.3
    assert anytime_interval(40, 40).low > 0.8


@pytest.mark.parametrize(("passes", "verdicts"), [(0, 1), (1, 1), (7, 20), (500, 1000)])
def test_it_holds_the_rate_that_was_seen_and_is_wider_than_an_interval_for_one_look(
    passes: int, verdicts: int
) -> None:
    found, once = anytime_interval(passes, verdicts), wilson(passes, verdicts)
    assert once is not None
    assert found.low <= once.low <= passes / verdicts <= once.high <= found.high
    # At a bound the mixture is just so unlikely: by the formula, not by the search.
    assert (found.low, found.high) != (0.0, 1.0) or verdicts < 2
    assert anytime_interval(0, 0).low == 0.0
    assert anytime_interval(0, 0).high == 1.0


def run(passes: int, fails: int) -> RunView:
    counts = Counter({Outcome.PASSED: passes, Outcome.FAILED: fails})
    summary = RunSummary(passes + fails, counts, None, None, None, None, None)
    return RunView(RunRow("a", b"", 0.0, RunStatus(run_id="a")), summary)


def test_a_condition_on_the_pass_rate_holds_once_it_is_certain() -> None:
    certainly, listed = parse("pass<30%", certain(RUNS)), parse("pass<30%", RUNS)
    assert listed.matches(run(0, 3), 0.0)
    assert not certainly.matches(run(0, 3), 0.0)
    assert certainly.matches(run(0, 17), 0.0)
    assert not certainly.matches(run(0, 0), 0.0)
    assert parse("pass>50%", certain(RUNS)).matches(run(30, 2), 0.0)
    assert parse("high<30%", RUNS).matches(run(0, 17), 0.0)
    assert parse("low>50%", RUNS).matches(run(30, 2), 0.0)


@pytest.mark.parametrize("text", ["pass=30%", "pass!=30%", "!pass<30%", "pass:30%"])
def test_what_no_bound_can_say_is_refused(text: str) -> None:
    with pytest.raises(FilterError):
        parse(text, certain(RUNS))
