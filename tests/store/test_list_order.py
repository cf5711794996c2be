"""The gym's own order, put together from pages that overlap, shift and come in any order."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from gymtui.core.replacement import replace
from gymtui.store.delta import RunsPage
from gymtui.store.list_order import ListOrder
from gymtui.store.stats.run_summary import SummaryBuilder
from gymtui.store.store import Store
from tests.helpers.model_gym import run, runs_body, saw

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def in_order(order: ListOrder, names: list[str]) -> list[str]:
    return sorted(names, key=order.place)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_pages_come_in_whatever_order_it_is_the_gyms(seed: int) -> None:
    chance, order = random.Random(seed), ListOrder()
    names = [f"r{n}" for n in range(chance.randint(1, 300))]
    offsets = list(range(0, len(names), 30))
    first, *others = offsets
    chance.shuffle(others)
    for offset in [first, *others]:
        order.take(names[offset : offset + 50], offset)
    assert in_order(order, names) == names


@pytest.mark.parametrize("seed", range(20))
def test_runs_that_are_launched_and_deleted_leave_the_others_where_they_are(seed: int) -> None:
    chance, order = random.Random(seed), ListOrder()
    names = [f"r{n}" for n in range(100)]
    order.take(names, 0)
    before = {name: order.place(name) for name in names}
    for number in range(200):
        if chance.random() < 0.5:
            names.insert(0, f"new{number}")
        elif len(names) > 20:
            order.drop([names.pop(chance.randrange(len(names)))])
        offset = chance.choice((0, 0, chance.randrange(0, len(names), 20)))
        order.take(names[offset : offset + 40], offset)
        listed = set(order.ids())
        known = [name for name in names if name in listed]
        assert in_order(order, known) == known
    assert all(order.place(name) == place for name, place in before.items() if name in names)


def test_a_page_that_lists_them_otherwise_is_no_trouble() -> None:
    order = ListOrder()
    order.take(["a", "b", "c"], 0)
    for _ in range(100):
        order.take(["c", "x", "a", "y", "b"], 0)
        order.drop(["x", "y"])
    assert in_order(order, ["a", "b", "c"]) == ["a", "b", "c"]


@pytest.mark.parametrize("newest_first", [True, False])
def test_two_times_tell_which_end_is_new(newest_first: bool) -> None:
    order, names = ListOrder(), [f"r{n}" for n in range(10)]
    order.take(names, 0)
    assert order.newest_first is None
    order.learn("r2", BEGAN)
    order.learn("elsewhere", BEGAN + timedelta(hours=9))
    order.learn("r2", BEGAN)
    order.learn("r5", None)
    assert order.newest_first is None
    order.learn("r7", BEGAN - timedelta(hours=1) if newest_first else BEGAN + timedelta(hours=1))
    assert order.newest_first is newest_first


def test_a_few_that_say_otherwise_are_outvoted() -> None:
    order, names = ListOrder(), [f"r{n}" for n in range(40)]
    order.take(names, 0)
    for number, name in enumerate(names):
        order.learn(name, BEGAN - timedelta(hours=number if number % 9 else -3))
    assert order.newest_first is True


def test_the_ends_and_those_around_whose_times_are_known() -> None:
    order = ListOrder()
    assert order.ends() == ()
    order.take(["a", "b", "c", "d"], 0)
    assert order.ends() == ("a", "d")
    assert order.nearest("c") == (None, None)
    order.learn("a", BEGAN)
    assert order.nearest("c") == (("a", 2), None)
    order.learn("d", BEGAN)
    order.learn("c", None)
    assert order.nearest("c") == (("a", 2), ("d", 1))
    assert order.nearest("a") == (None, ("d", 3))
    order.take(["new", "a", "b", "c", "d", "e"], 0)
    assert order.nearest("new") == (None, ("a", 1))
    assert order.nearest("e") == (("d", 1), None)
    order.drop(["a"])
    assert order.nearest("c") == (None, ("d", 1))
    order.begin_with(["d", "c", "b"])
    assert order.nearest("b") == (("d", 2), None)
    assert order.nearest("nobody") == (None, None)


def test_what_an_earlier_session_kept_tells_it_with_the_first_page() -> None:
    store = Store()
    numbers = SummaryBuilder().summary(())
    store.remember(
        {f"r{n}": replace(numbers, created_at=BEGAN - timedelta(hours=n)) for n in range(3)}
    )
    assert store.order.newest_first is None
    store.apply(saw(RunsPage(), runs_body(*(run(f"r{n}") for n in range(3)), total=400)))
    assert store.order.newest_first is True
