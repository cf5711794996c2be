"""Two transcripts aligned by their calls: where they part, and in which arguments."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from typing import Any

import pytest

from gymtui.transcript import diff
from gymtui.transcript.blocks import Transcript
from gymtui.transcript.diff import ArgumentChange, DiffRow, Same, changes, compare, longest_common
from gymtui.transcript.readers.artifact import read


def say(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": function}]}


def answer(text: str = "ok") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": "c", "content": text}


def run(*messages: dict[str, Any]) -> Transcript:
    return read([{"role": "user", "content": "task"}, *messages])


def test_the_same_calls_are_no_difference_whatever_is_said() -> None:
    left = run(say("Let me look."), call("find", x=1, y=2), answer("a"))
    right = run(say("I'll look."), call("find", y=2, x=1), answer("b"))
    rows = compare(left, right)
    assert not [row for row in rows if row.differs]
    assert DiffRow(2, 2, Same.EQUAL) in rows


def test_other_arguments_are_a_change_and_are_named() -> None:
    left = run(call("find", x=1), answer(), call("book", title="Panel", at=9), answer())
    right = run(call("find", x=1), answer(), call("book", title="Screen", to="me"), answer())
    differing = [row for row in compare(left, right) if row.differs]
    assert differing == [DiffRow(3, 3, Same.CHANGED)]
    assert changes(left.turns[3], right.turns[3]) == [
        ArgumentChange("book: title", '"Panel"', '"Screen"'),
        ArgumentChange("book: at", "9", None),
        ArgumentChange("book: to", None, '"me"'),
    ]


def test_a_call_that_one_side_does_not_make_stands_alone() -> None:
    left = run(call("a"), call("b"), call("c"))
    right = run(call("a"), call("c"), call("d"))
    assert [row for row in compare(left, right) if row.differs] == [
        DiffRow(2, None, Same.ONE_SIDE),
        DiffRow(None, 3, Same.ONE_SIDE),
    ]


@pytest.mark.parametrize("seed", range(20))
def test_every_turn_of_both_stands_once_and_in_order(seed: int) -> None:
    rng = random.Random(seed)

    def messages() -> list[dict[str, Any]]:
        kinds = [say("x"), call("a", n=1), call("a", n=2), call("b"), answer()]
        return rng.choices(kinds, k=rng.randrange(0, 30))

    left, right = run(*messages()), run(*messages())
    rows = compare(left, right)
    assert [row.left for row in rows if row.left is not None] == list(range(len(left.turns)))
    assert [row.right for row in rows if row.right is not None] == list(range(len(right.turns)))


@pytest.mark.parametrize("seed", range(20))
def test_a_common_subsequence_is_one_and_as_long_as_can_be(seed: int) -> None:
    rng = random.Random(seed)
    left = rng.choices("abc", k=rng.randrange(0, 9))
    right = rng.choices("abc", k=rng.randrange(0, 9))
    found = longest_common(left, right)
    assert all(left[a] == right[b] for a, b in found)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(found))

    def longest(a: int, b: int) -> int:
        if a == len(left) or b == len(right):
            return 0
        if left[a] == right[b]:
            return 1 + longest(a + 1, b + 1)
        return max(longest(a + 1, b), longest(a, b + 1))

    assert len(found) == longest(0, 0)


def test_what_is_too_long_for_a_table_is_aligned_by_its_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(diff, "MOST_CELLS", 3)
    assert longest_common("xaby", "xcbzy") == [(0, 0), (2, 2), (3, 4)]


def test_empty_transcripts_are_compared() -> None:
    assert compare(read([]), read([])) == ()
    assert [row.same for row in compare(read([]), run(call("a")))] == [Same.WORDS, Same.ONE_SIDE]


def test_a_call_without_arguments_differs_from_one_that_has_some() -> None:
    bare = {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "look"}}]}
    left, right = (
        read(json.dumps({"messages": [message]}).encode()) for message in (bare, call("look", at=1))
    )
    assert changes(left.turns[0], right.turns[0]) == [ArgumentChange("look: at", None, "1")]
    assert changes(left.turns[0], left.turns[0]) == []
