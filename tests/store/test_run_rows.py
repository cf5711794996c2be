"""A run's rows and what they add up to, brought up to date together while more comes in."""

from __future__ import annotations

import random
from itertools import islice
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from gymtui.api.models import Rollout
from gymtui.store import run_rows
from gymtui.store.delta import Delta
from gymtui.store.lists import ordering
from gymtui.store.lists.columns import ROLLOUTS
from gymtui.store.lists.ordering import OrderedView
from gymtui.store.outcome import outcome_of
from gymtui.store.records import RolloutRow
from gymtui.store.run_rows import RunRows
from gymtui.store.stats.run_stats_builder import run_numbers
from tests.conftest import examples
from tests.helpers.model_gym import rollout as listed


def row(number: int, rng: random.Random) -> RolloutRow:
    """A rollout that may be anything."""
    fields = {
        "status": rng.choice(["pending", "running", "completed"]),
        "task_id": rng.choice("xyz"),
        "result": rng.choice([None, {"success": True}, {"success": False}]),
    }
    rollout = Rollout.model_validate(listed(f"r{number}", "a", **fields))
    return RolloutRow(f"r{number}", "a", b"", 0.0, 0.0, rollout, outcome=outcome_of(rollout))


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(0, 10**6))
def test_whatever_comes_while_rows_are_taken_in_they_end_exact(seed: int) -> None:
    rng = random.Random(seed)
    view = OrderedView(ROLLOUTS, "task")
    rows, known = RunRows(view), dict[str, RolloutRow]()

    def something_comes(most: int) -> None:
        for _ in range(rng.randint(0, most)):
            number = rng.randrange(40)
            after = row(number, rng) if rng.random() < 0.8 else None
            known.pop(f"r{number}", None)
            if after is not None:
                known[f"r{number}"] = after
                rows.put({f"r{number}": after})
            else:
                rows.put({}, [f"r{number}"])

    with (
        mock.patch.object(run_rows, "COUNTED_AT_ONCE", 3),
        mock.patch.object(ordering, "_AT_ONCE", 4),
    ):
        for _ in range(4):
            something_comes(30)
            steps = rows.take_due(0.0, frozenset(), {})
            for _ in range(rng.randint(0, 3)):
                for _ in islice(steps, rng.randint(1, 5)):
                    pass
                something_comes(5)
            for _ in steps:
                pass
            if rows.due:  # it came after the last piece
                for _ in rows.take_due(0.0, frozenset(), {}):
                    pass
            assert view.records == known
            plain = run_numbers([each.rollout for each in known.values() if each.rollout], total=50)
            assert rows.numbers(50) == plain


def test_rows_that_went_unheard_are_let_go() -> None:
    view = OrderedView(ROLLOUTS, "task")
    rows, rng = RunRows(view), random.Random(1)
    for number in (1, 2):
        rows.put({f"r{number}": row(number, rng)})
    for _ in rows.take_due(0.0, frozenset(), {}):
        pass
    rows.keep_only({"r2": row(2, rng)})
    for _ in rows.take_due(0.0, frozenset(), {}):
        pass
    assert list(view) == ["r2"]
    assert rows.numbers(None).known == 1


STEPS = st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=8)


def told(known: set[str], steps: list[tuple[int, bool]]) -> Delta:
    """What a few comings and goings change of the known rollouts, which are brought up to date."""
    before, touched = set(known), {f"r{number}" for number, _ in steps}
    for number, comes in steps:
        if comes:
            known.add(f"r{number}")
        else:
            known.discard(f"r{number}")
    return Delta(
        rollouts_added=frozenset(known - before),
        rollouts_changed=frozenset(touched & known & before),
        rollouts_removed=frozenset(before - known),
    )


@given(STEPS, STEPS)
def test_two_deltas_as_one_lead_to_the_same(
    first: list[tuple[int, bool]], second: list[tuple[int, bool]]
) -> None:
    known = {"r0", "r1"}
    seen = set(known)
    one, other = told(known, first), told(known, second)
    both = one.then(other)
    seen |= both.rollouts_added
    seen -= both.rollouts_removed
    assert seen == known
    assert both.rollouts == one.rollouts | other.rollouts
    assert both.rollouts_added.isdisjoint(both.rollouts_changed | both.rollouts_removed)
