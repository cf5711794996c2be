"""A list that is taken apart as it comes is the one that it would be taken apart at once."""

from __future__ import annotations

import json
import random

import pytest

from gymtui.api import list_splitter
from gymtui.api.errors import Garbled
from gymtui.api.list_answer import ListAnswer, split
from gymtui.api.list_splitter import LARGE_BYTES, ListSplitter, split_in_pieces
from tests.helpers.model_gym import ended, rollouts_body

HOSTILE = [
    {"rollout_id": "a", "message": '},{"rollout_id":"x"'},
    {"rollout_id": "b", "attempts": [{"rollout_id": "c"}, {"rollout_id": "d"}]},
    {"rollout_id": "e", "message": "\\"},
    {"rollout_id": "f", "message": "é \u2028 😀", "nested": {"rollouts": [{}, {}]}},
    {"run_id": "no id first"},
]


def taken_apart(body: bytes, chance: random.Random, most: int) -> tuple[ListAnswer, int]:
    """The answer as it came out in pieces, and how many items came before its end."""
    splitter, items, at = ListSplitter("rollouts"), list[bytes](), 0
    while at < len(body):
        size = chance.randint(1, most)
        items += splitter.feed(body[at : at + size])
        at += size
    rest = splitter.close()
    return ListAnswer(rest.total, (*items, *rest.items)), len(items)


def written(items: list[object], form: int) -> bytes:
    listed = json.dumps(items, ensure_ascii=form % 2 == 0).encode()
    return (
        b'{"total": %d, "rollouts": %s}' % (len(items), listed),
        b'{"rollouts":%s,\n "total":%d}' % (listed.replace(b", ", b",\n  "), len(items)),
        b'{"more":{"rollouts":[{"rollout_id":1}]},"rollouts":%s}' % listed,
        listed,
        b'{"rollouts":%s}' % listed.replace(b'"rollout_id"', b'"id"'),
    )[form]


@pytest.mark.parametrize("form", range(5))
def test_however_it_is_written_and_cut_the_pieces_are_the_whole(
    form: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_splitter, "PART_BYTES", 64)
    for seed in range(12):
        chance = random.Random(seed)
        items = [chance.choice([*HOSTILE, ended(f"r{n}", "run")]) for n in range(60)]
        body = written(items, form)
        assert taken_apart(body, chance, 200)[0] == split(body, "rollouts")


def test_items_come_before_the_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_splitter, "PART_BYTES", 64)
    body = rollouts_body(*(ended(f"r{n}", "run") for n in range(60)))
    answer, early = taken_apart(body, random.Random(0), 100)
    assert (len(answer.items), answer.total) == (60, 60)
    assert early >= 50


@pytest.mark.parametrize("item", ["NaN", '{"rollout_id":"a","score":NaN}'])
def test_what_is_json_only_by_a_wide_reading_is_read(
    item: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_splitter, "PART_BYTES", 64)
    items = [json.dumps(ended(f"r{n}", "run")) for n in range(20)]
    body = ('{"rollouts":[' + ",".join([*items[:10], item, *items[10:]]) + "]}").encode()
    assert len(taken_apart(body, random.Random(1), 90)[0].items) == 21


@pytest.mark.parametrize("end", [0.2, 0.5, 0.99])
def test_one_that_breaks_off_is_an_error(end: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_splitter, "PART_BYTES", 64)
    body = rollouts_body(*(ended(f"r{n}", "run") for n in range(30)))
    with pytest.raises(Garbled):
        taken_apart(body[: int(len(body) * end)], random.Random(2), 100)


def test_one_of_too_many_items_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_splitter, "PART_BYTES", 64)
    monkeypatch.setattr(list_splitter, "ITEMS", 20)
    body = rollouts_body(*(ended(f"r{n}", "run") for n in range(30)))
    with pytest.raises(Garbled, match="more than 20 items"):
        taken_apart(body, random.Random(3), 100)


def test_a_large_one_is_taken_apart_in_steps() -> None:
    message = "x" * 1000
    items = [ended(f"r{n}", "run") | {"note": message} for n in range(LARGE_BYTES // 500)]
    body, steps = rollouts_body(*items), 0
    taking = split_in_pieces(body, "rollouts")
    while True:
        try:
            next(taking)
        except StopIteration as done:
            assert done.value == split(body, "rollouts")
            break
        steps += 1
    assert steps >= 4
