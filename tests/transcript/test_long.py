"""A message of megabytes: read and written in steps, with nothing lost, before anybody looks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gymtui.core.replacement import replace
from gymtui.transcript import passages
from gymtui.transcript.body_reader import open_body
from gymtui.transcript.outline import outline
from gymtui.transcript.passages import LAID_OUT
from gymtui.transcript.pretty_json import compact, compact_in_steps, preview
from gymtui.transcript.readers import artifact

ROWS = [{"id": n, "name": f"日本 {n}", "tags": ["a", None, 1.5]} for n in range(20_000)]


def nested(levels: int) -> Any:
    value: Any = "leaf"
    for n in range(levels):
        value = {"k": value, "n": [n]}
    return value


@pytest.mark.parametrize(
    "value",
    [
        ROWS,
        {"rows": ROWS, "": {}, "e": []},
        "x" * 100_000,
        ["y" * 50_000] * 3,
        nested(300),
        [[]],
        7,
    ],
)
def test_written_in_steps_it_is_the_same(value: Any) -> None:
    assert compact_in_steps(value) == compact(value)


def bodies() -> list[dict[str, Any]]:
    call = {"name": "a__b", "arguments": json.dumps({"rows": ROWS})}
    return [
        {"messages": [{"role": "user", "content": {"odd": ROWS}, "extra": {"rows": ROWS}}]},
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": {"content": "", "tool_calls": [{"id": "c", "function": call}]},
                }
            ]
        },
        {
            "messages": [],
            "tool_calls": [{"tool_server": "a", "tool_name": "b", "parameters": {"rows": ROWS}}],
            "tool_results": [{"observation": {"rows": ROWS}, "is_error": False}],
        },
        {"messages": [{"role": "user", "content": {"deep": nested(150), "odd": ROWS}}]},
    ]


@pytest.mark.parametrize("artifacts", bodies())
def test_what_is_long_is_read_the_same_and_written_beforehand(artifacts: dict[str, Any]) -> None:
    data = json.dumps({"artifacts": artifacts}).encode()
    transcript = open_body(data)
    assert transcript == artifact.read(data)
    long = [
        block
        for turn in transcript.turns
        for block in turn.blocks
        if len(passages.block_text(block)) > LAID_OUT
    ]
    assert long
    for block in long:
        assert getattr(block, "written", None) == passages.block_text(block)
        assert passages.block_text(block) == passages.block_text(replace(block, written=None))  # type: ignore[call-arg]


def test_the_outline_looks_at_the_beginning_alone() -> None:
    data = json.dumps([{"role": "user", "content": {"odd": ROWS}}]).encode()
    (entry,) = outline(open_body(data))
    assert entry.words.startswith('{"odd": [{"id": 0, "name": "日本 0"')
    assert len(entry.words) <= 200


@pytest.mark.parametrize("value", [ROWS, {"a": "x" * 9999}, nested(3), nested(900), None, "text"])
def test_a_glance_is_how_a_value_begins(value: Any) -> None:
    seen = preview(value, 30)
    assert len(seen) <= 30
    assert compact(value).startswith(seen[:20])


def test_a_long_turn_is_copied_as_it_is_read() -> None:
    data = json.dumps([{"role": "user", "content": {"odd": ROWS}}]).encode()
    (turn,) = open_body(data).turns
    assert json.loads(passages.message(turn)) == {"odd": ROWS}
