"""The ordered view against the plain way: filter everything, sort everything."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from gymtui.core.pieces import result_of
from gymtui.core.replacement import replace
from gymtui.store.column_def import Field, Schema, Since, SortOrder, ValueKind, natural
from gymtui.store.lists import ordering, sorted_chunks
from gymtui.store.lists.expiry import ExpiryQueue
from gymtui.store.lists.ordering import OrderedView
from gymtui.store.lists.query import Filter, parse
from gymtui.store.lists.sorted_chunks import SortedChunks
from tests.conftest import examples

START = 1_750_000_000.0


@dataclass(frozen=True)
class Row:
    name: object = None
    steps: object = None
    share: object = None
    began: object = None
    elapsed: object = None
    stuck: object = None


SCHEMA: Schema[Row] = Schema(
    [
        Field("name", ValueKind.TEXT, lambda row: row.name),
        Field("steps", ValueKind.NUMBER, lambda row: row.steps),
        Field("pass", ValueKind.PERCENT, lambda row: row.share),
        Field("age", ValueKind.TIME, lambda row: row.began),
        Field("elapsed", ValueKind.DURATION, lambda row: row.elapsed),
        Field("stuck", ValueKind.FLAG, lambda row: row.stuck),
        Field(
            "rank",
            ValueKind.TEXT,
            lambda row: row.name,
            words=False,
            order=lambda row: len(str(row.name)),
            order_kind=ValueKind.NUMBER,
        ),
    ]
)
COLUMNS = [column.name for column in SCHEMA]


def plain(
    rows: dict[str, Row], wanted: Filter[Row], order: str, reverse: bool, now: float
) -> list[str]:
    """What the view must hold, by filtering and sorting everything."""
    key = SortOrder(SCHEMA[order]).key
    keys = {row_id: key(row) for row_id, row in rows.items() if wanted.matches(row, now)}
    unknown = sorted(row_id for row_id, value in keys.items() if value is None)
    known = sorted(
        (row_id for row_id, value in keys.items() if value is not None),
        key=lambda row_id: (keys[row_id], row_id),
        reverse=reverse,
    )
    return known + unknown


MOMENTS = [Since(START + halves / 2) for halves in range(-40, 41)]
ODD: list[object] = [None, None, "text", True, -1, 2.5, float("nan"), float("inf"), [], b""]
FIELDS: dict[str, list[Sequence[object]]] = {
    "name": [["gpt", "GPT", "qwen", "", "é", "two words"], ODD],
    "steps": [range(5), ODD],
    "share": [[0.0, 1 / 3, 0.5, 1.0], ODD],
    "began": [MOMENTS, [datetime.fromtimestamp(since.at_s, UTC) for since in MOMENTS], ODD],
    "elapsed": [range(13), MOMENTS, ODD],
    "stuck": [[False, True], MOMENTS, ODD],
}


def some_rows(count: int) -> list[Row]:
    """Rows by chance, those that say least first.

    Drawn whole they cost a tenth of rows whose every field is drawn.
    """
    rng = random.Random(count)
    rows = [
        Row(**{name: rng.choice(rng.choice(kinds)) for name, kinds in FIELDS.items()})
        for _ in range(count)
    ]
    return sorted(rows, key=lambda row: -list(vars(row).values()).count(None))


POOL = some_rows(4_000)
ROWS = st.integers(0, len(POOL) - 1).map(lambda place: POOL[place])  # said in few words
IDS = st.sampled_from([f"row{number:02}" for number in range(80)])
FILTERS = st.sampled_from(
    [
        parse(text, SCHEMA)
        for text in (
            *("", "gpt", "!gpt", "name:qwen,two*", "steps>=2", "steps:", "!steps:", "pass<50%"),
            *("age<5s", "age>=3s !gpt", "age=2s", "elapsed>4s", "elapsed<=4s steps<3"),
            *("!elapsed=3s", "stuck:", "!stuck:", "stuck:no age<8s", "age:2s,4s"),
            "nothing-like-it",
        )
    ]
)


class ViewMachine(RuleBasedStateMachine):
    """Applies random changes to a view and to plain rows, and compares after each."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, Row] = {}
        self.wanted: Filter[Row] = Filter("")
        self.order, self.reverse = "name", False
        self.now = START
        self.view = OrderedView(SCHEMA, self.order)

    @initialize(rows=st.lists(ROWS, min_size=30, max_size=60))
    def load(self, rows: list[Row]) -> None:
        self.deliver({f"row{number:02}": row for number, row in enumerate(rows)}, set(), 0)

    @rule(
        changed=st.dictionaries(IDS, ROWS, max_size=3),
        removed=st.sets(IDS, max_size=2),
        passed=st.sampled_from([0.0, 0.0, 0.5, 1.0, 0.000_001, 3.3, -2.0]),
    )
    def deliver(self, changed: dict[str, Row], removed: set[str], passed: float) -> None:
        self.now += passed
        self.take(changed, removed)
        self.expect(lambda: self.view.apply(changed, removed, self.now), changed)

    @rule(
        changed=st.dictionaries(IDS, ROWS, min_size=4, max_size=30),
        removed=st.sets(IDS, max_size=3),
        between=st.lists(
            st.floats(0, 4) | FILTERS | st.tuples(st.sampled_from(COLUMNS), st.booleans()),
            max_size=4,
        ),
        pause=st.integers(1, 9),
    )
    def deliver_in_pieces(
        self,
        changed: dict[str, Row],
        removed: set[str],
        between: list[float | Filter[Row] | tuple[str, bool]],
        pause: int,
    ) -> None:
        """Filter, order and tick while rows are on their way: none of them shows too early."""
        steps = self.view.apply_in_pieces(changed, removed, self.now)
        self.work_off(steps, changed, removed, None, between, pause)

    @rule(
        wanted=FILTERS,
        between=st.lists(
            st.floats(0, 4)
            | st.dictionaries(IDS, ROWS, max_size=3)
            | st.tuples(st.sampled_from(COLUMNS), st.booleans()),
            max_size=4,
        ),
        pause=st.integers(1, 9),
    )
    def narrow_in_pieces(
        self,
        wanted: Filter[Row],
        between: list[float | dict[str, Row] | tuple[str, bool]],
        pause: int,
    ) -> None:
        """Rows come, and are ordered, while another filter is on its way."""
        steps = self.view.set_filter_in_pieces(wanted, self.now)
        self.work_off(steps, {}, set(), wanted, between, pause)

    def work_off(
        self,
        steps: Generator[None, None, bool],
        changed: dict[str, Row],
        removed: set[str],
        wanted: Filter[Row] | None,
        between: Sequence[float | Filter[Row] | dict[str, Row] | tuple[str, bool]],
        pause: int,
    ) -> None:
        """Go through work in pieces with other things in between."""
        for each in between:
            for _ in range(pause):
                before = list(self.view)
                try:
                    next(steps)
                except StopIteration as done:
                    self.take(changed, removed)
                    self.wanted = self.wanted if wanted is None else wanted
                    self.hold(done.value, before, changed)
                    return
            self.it_is_what_the_plain_way_gives()
            match each:
                case float():
                    self.let_time_pass(each)
                case Filter():
                    self.narrow(each)
                case dict():
                    self.deliver(each, set(), 0.0)
                case (order, reverse):
                    self.arrange(order, reverse)
            self.it_is_what_the_plain_way_gives()
        before = list(self.view)
        change: bool | None = None
        while change is None:
            try:
                next(steps)
            except StopIteration as done:
                change = done.value
        self.take(changed, removed)
        self.wanted = self.wanted if wanted is None else wanted
        self.hold(change, before, changed)

    @rule(passed=st.floats(0, 4))
    def let_time_pass(self, passed: float) -> None:
        self.now += passed
        self.expect(lambda: self.view.tick(self.now), {})

    @rule()
    def sleep_until_something_is_due(self) -> None:
        due = self.view.next_tick
        if due is not None and due > self.now:
            before = self.plain_at(self.now)
            assert self.plain_at(due - 2e-6) == before or due - 2e-6 < self.now
            self.now = due
            assert set(self.plain_at(due)) != set(before)
            self.expect(lambda: self.view.tick(self.now), {})

    @rule(wanted=FILTERS)
    def narrow(self, wanted: Filter[Row]) -> None:
        self.wanted = wanted
        self.expect(lambda: result_of(self.view.set_filter_in_pieces(wanted, self.now)), {})

    @rule(order=st.sampled_from(COLUMNS), reverse=st.booleans())
    def arrange(self, order: str, reverse: bool) -> None:
        self.order, self.reverse = order, reverse
        self.expect(lambda: self.view.set_order(order, reverse=reverse), {})

    @invariant()
    def it_is_what_the_plain_way_gives(self) -> None:
        expected = self.plain_at(self.now)
        assert list(self.view) == expected
        assert self.view[:] == expected
        assert self.view[3:-2:2] == expected[3:-2:2]
        assert [self.view[place] for place in range(len(expected))] == expected
        assert [self.view.index(row_id) for row_id in expected] == list(range(len(expected)))
        assert len(self.view) == len(expected)
        assert self.view.records == self.rows
        hidden = self.rows.keys() - set(expected)
        assert not any(row_id in self.view for row_id in hidden)

    def plain_at(self, now: float) -> list[str]:
        return plain(self.rows, self.wanted, self.order, self.reverse, now)

    def take(self, changed: dict[str, Row], removed: set[str]) -> None:
        """Bring the plain rows up to date."""
        self.rows.update(changed)
        self.rows = {key: row for key, row in self.rows.items() if key not in removed}

    def expect(self, act: Callable[[], bool], changed: dict[str, Row]) -> None:
        """Do it, and hold what it says it did against what it did."""
        before = list(self.view)
        self.hold(act(), before, changed)

    def hold(self, change: bool, before: list[str], changed: dict[str, Row]) -> None:
        """Hold what is said to have been done against what was done."""
        after = list(self.view)
        stayed = changed.keys() & set(before) & set(after)
        assert change or (before == after and not stayed)


@pytest.mark.parametrize("anew", [0, ordering._ANEW, 10**6])
def test_any_sequence_of_changes_ends_as_if_sorted_anew(
    anew: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "_ANEW", anew)  # one by one, as is, everything each time
    monkeypatch.setattr(sorted_chunks, "_LENGTH", 3)
    monkeypatch.setattr(ordering, "_AT_ONCE", 5)
    run_state_machine_as_test(
        ViewMachine,
        settings=settings(
            max_examples=examples(40),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def numbered(steps: list[object], order: str = "steps", *, reverse: bool = False) -> list[str]:
    view = OrderedView(SCHEMA, order, reverse=reverse)
    rows = {chr(ord("a") + number): Row(steps=value) for number, value in enumerate(steps)}
    view.apply(rows, (), START)
    return list(view)


def test_what_is_not_known_comes_last_both_ways() -> None:
    assert numbered([3, None, 1, None]) == ["c", "a", "b", "d"]
    assert numbered([3, None, 1, None], reverse=True) == ["a", "c", "b", "d"]


def test_rows_alike_go_by_id_whatever_order_they_came_in() -> None:
    view = OrderedView(SCHEMA, "steps")
    for row_id in "dbac":
        view.apply({row_id: Row(steps=1)}, (), START)
    assert list(view) == ["a", "b", "c", "d"]
    view.set_order("steps", reverse=True)
    assert list(view) == ["d", "c", "b", "a"]


def ordered_by(column: str, **values: object) -> str:
    field = {"age": "began"}.get(column, column)
    view = OrderedView(SCHEMA, column)
    view.apply({key: replace(Row(), **{field: value}) for key, value in values.items()}, (), START)
    return "".join(view)


def test_ages_sort_the_youngest_first_and_need_no_clock() -> None:
    old, young = Since(START - 60), datetime.fromtimestamp(START, UTC)
    assert ordered_by("age", a=old, b=young, c=None, d=START - 30) == "bdac"


def test_lengths_that_still_grow_sort_after_the_finished_ones_oldest_last() -> None:
    growing, newer = Since(START - 60), Since(START - 1)
    assert ordered_by("elapsed", a=growing, b=1e6, c=newer, d=5) == "dbca"


def test_flags_to_come_sort_between_false_and_true_soonest_last() -> None:
    soon, late = Since(START + 1), Since(START + 60)
    assert ordered_by("stuck", a=True, b=soon, c=late, d=False) == "dcba"


@given(st.lists(st.integers(0, 10**18), max_size=6))
def test_natural_names_sort_as_counted(numbers: list[int]) -> None:
    names = [f"step-{number}" for number in numbers if number < 10**16]
    by_count = sorted(names, key=lambda name: int(name.removeprefix("step-")))
    assert sorted(names, key=natural) == by_count
    assert natural("step-007") == natural("step-7")
    assert natural("a9b") < natural("ab")


class Counted:
    """A schema over numbers that counts how often records are read."""

    def __init__(self) -> None:
        self.reads = 0
        self.schema: Schema[int] = Schema(
            [
                Field("value", ValueKind.NUMBER, self.read),
                Field("age", ValueKind.TIME, lambda record: Since(START + record)),
            ]
        )

    def read(self, record: int) -> int:
        self.reads += 1
        return record


def test_a_change_reads_only_the_records_it_touches() -> None:
    counted = Counted()
    view = OrderedView(counted.schema, "value")
    view.apply({f"row{number:04}": number for number in range(2000)}, (), START)
    result_of(view.set_filter_in_pieces(parse("value>=100", counted.schema), START))
    counted.reads = 0
    assert view.apply({"row0500": 1500, "row0001": 7}, ["row0900"], START)
    assert counted.reads <= 6
    assert "row0001" not in view and "row0900" not in view
    assert view.index("row0500") == 1398


def test_time_passing_reads_only_the_records_that_are_due() -> None:
    counted = Counted()
    view = OrderedView(counted.schema, "value")
    view.apply({f"row{number:04}": number for number in range(2000)}, (), START + 2000)
    result_of(view.set_filter_in_pieces(parse("age<1h value>=0", counted.schema), START + 2000))
    counted.reads = 0
    assert not view.tick(START + 3599)
    assert counted.reads == 0
    assert view.next_tick == START + 3600
    shown = len(view)
    assert view.tick(START + 3602)
    assert len(view) == shown - 3
    assert counted.reads <= 12


def test_a_record_that_is_gone_is_waited_for_no_more() -> None:
    counted = Counted()
    view = OrderedView(counted.schema, "value")
    view.apply({f"row{number:04}": number for number in range(2000)}, (), START + 2000)
    result_of(view.set_filter_in_pieces(parse("age<1h", counted.schema), START + 2000))
    view.apply({}, ["row0000"], START + 2000)
    assert view.next_tick == START + 3601


def test_no_moment_falls_between_the_filter_and_the_clock() -> None:
    view = OrderedView(SCHEMA, "name")
    view.apply({f"row{number:02}": Row() for number in range(20)}, (), START)
    view.apply({"due": Row(stuck=Since(START + 1))}, (), START)
    result_of(view.set_filter_in_pieces(parse("stuck:", SCHEMA), START))
    just_before = math.nextafter(START + 1, START)  # less than a microsecond off
    assert view.filter.matches(view.records["due"], just_before)
    view.tick(just_before)
    assert list(view) == ["due"]


def test_turning_the_order_round_leaves_what_is_not_known() -> None:
    view = OrderedView(SCHEMA, "steps")
    view.apply({"a": Row(steps=1), "b": Row(steps=2), "c": Row()}, (), START)
    assert view.set_order("steps", reverse=True)
    assert list(view) == ["b", "a", "c"]
    assert not view.set_order("steps", reverse=True)
    assert (view.order.name, view.reverse) == ("steps", True)


def test_places_and_ids_that_are_not_there_are_refused() -> None:
    view = OrderedView(SCHEMA, "steps")
    view.apply({"a": Row(steps=1), "b": Row(steps=2)}, (), START)
    assert (view[-1], view[0], view[5:]) == ("b", "a", [])
    for place in (2, -3):
        with pytest.raises(IndexError):
            view[place]
    for missing in ("c", None, 0):
        with pytest.raises(ValueError, match="not in the list"):
            view.index(missing)
    with pytest.raises(ValueError, match="not in the list"):
        view.index("a", 1)
    with pytest.raises(KeyError):
        view.set_order("no such column")


@pytest.mark.parametrize("kinds", [1, 7, 5000])
def test_chunks_hold_order_through_thousands_of_changes(kinds: int) -> None:
    rng = random.Random(kinds)
    keys = {f"id{number:04}": rng.randrange(kinds) for number in range(5000)}
    begin, rest = list(keys)[:1200], list(keys)[1200:]
    held = SortedChunks(begin, keys.__getitem__)
    for row_id in rest:
        held.add(row_id)
    gone = set(rng.sample(list(keys), 4000))
    for row_id in gone:
        held.remove(row_id)
    expected = sorted(keys.keys() - gone, key=lambda row_id: (keys[row_id], row_id))
    assert list(held) == expected
    assert list(reversed(held)) == expected[::-1]
    assert [held.index(row_id) for row_id in expected] == list(range(1000))
    for row_id in gone:
        with pytest.raises(ValueError, match="is not there"):
            held.remove(row_id)
    assert len(held) == 1000


def test_what_was_put_off_again_and_again_is_not_kept() -> None:
    queue = ExpiryQueue()
    for moment in range(10_000):
        queue.put("stepping", float(moment))
    assert len(queue._heap) < 200
    assert (len(queue), queue.next) == (1, 9999.0)
    assert queue.take_due(9998.0) == []
    assert queue.take_due(9999.0) == ["stepping"]
    assert queue.next is None


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.integers(0, 9)), max_size=30),
    st.integers(0, 9),
)
def test_due_is_what_was_last_put_off_until_then(
    puts: list[tuple[str, int | None]], now: int
) -> None:
    queue = ExpiryQueue()
    for key, moment in puts:
        queue.put(key, moment)
    last = dict(puts)
    due = {key for key, moment in last.items() if moment is not None and moment <= now}
    assert set(queue.take_due(now)) == due
    later = [moment for moment in last.values() if moment is not None and moment > now]
    assert queue.next == min(later, default=None)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_held_rows_stay_new_ones_come_last_and_let_go_all_are_in_order(
    seed: int, reverse: bool
) -> None:
    chance = random.Random(seed)
    view = OrderedView(SCHEMA, "steps", reverse=reverse)
    wanted = parse("steps<70", SCHEMA)

    def some(count: int) -> dict[str, Row]:
        ids = [f"r{chance.randrange(10**6)}" for _ in range(count)]
        return {row_id: Row(row_id, chance.choice([None, *range(100)])) for row_id in ids}

    view.apply(some(30), (), START)
    view.hold(True)
    for _ in range(8):
        before = list(view)
        moved = {i: Row(i, chance.randrange(100)) for i in chance.sample(before, 3)}
        gone = chance.sample(before, 2)
        view.apply(some(chance.choice((1, 20))) | moved, gone, START)
        kept = [row_id for row_id in before if row_id in view]
        assert list(view)[: len(kept)] == kept
        assert [view.index(row_id) for row_id in view] == list(range(len(view)))
        assert [view[place] for place in range(len(view))] == list(view)
        if chance.random() < 0.3:
            result_of(view.set_filter_in_pieces(wanted, START))
    view.hold(False)
    plain = OrderedView(SCHEMA, "steps", reverse=reverse)
    result_of(plain.set_filter_in_pieces(view.filter, START))
    plain.apply(view.records, (), START)
    assert list(view) == list(plain)


def test_while_rows_are_held_another_order_is_heeded_at_once() -> None:
    view = OrderedView(SCHEMA, "steps")
    view.apply({name: Row(name, steps) for name, steps in (("a", 3), ("b", 1))}, (), START)
    view.hold(True)
    view.apply({"c": Row("c", 2)}, (), START)
    assert list(view) == ["b", "a", "c"]
    assert view.set_order("name", reverse=True)
    assert list(view) == ["c", "b", "a"]
    view.apply({"d": Row("d", 0)}, (), START)
    assert list(view) == ["c", "b", "a", "d"]
    assert view.hold(False)
    assert list(view) == ["d", "c", "b", "a"]


def test_many_rows_that_come_together_while_held_are_in_order_among_themselves() -> None:
    view = OrderedView(SCHEMA, "steps")
    view.hold(True)
    rows = {f"r{n}": Row(f"r{n}", n * 7 % 501) for n in range(501)}
    result_of(view.apply_in_pieces(rows, (), START))
    order = [rows[row_id].steps for row_id in view]
    assert order[:500] == sorted(order[:500])
