"""How each shape of message found in the wild is read: API.md, and FORMATS.md 0 to 5."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gymtui.transcript.blocks import (
    BlockKind,
    Extras,
    Image,
    Place,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Transcript,
    Unknown,
    split_name,
)
from gymtui.transcript.readers.artifact import read
from gymtui.transcript.readers.timestamps import parse_time
from gymtui.transcript.usage import Usage


def call_of(transcript: Transcript, number: int = 0) -> ToolCall:
    place = transcript.exchanges[number].call
    assert place is not None
    assert place.block is not None
    block = transcript.turns[place.turn].blocks[place.block]
    assert isinstance(block, ToolCall)
    return block


def result_of(transcript: Transcript, number: int = 0) -> ToolResult:
    place = transcript.exchanges[number].result
    assert place is not None
    assert place.block is not None
    block = transcript.turns[place.turn].blocks[place.block]
    assert isinstance(block, ToolResult)
    return block


def answered(transcript: Transcript) -> list[str | None]:
    """For each exchange in order, the answer, or None."""
    return [
        result_of(transcript, exchange.number).text if exchange.result else None
        for exchange in transcript.exchanges
    ]


NATIVE = [
    {"role": "user", "content": "Schedule it", "timestamp": "2026-03-20T10:00:06+00:00"},
    {
        "role": "assistant",
        "timestamp": "2026-03-20T10:00:08+00:00",
        "content": {
            "content": "",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "email__send_email", "arguments": '{"to": "a@b.c"}'},
                }
            ],
        },
    },
    {
        "role": "tool",
        "timestamp": "2026-03-20T10:00:09.500000+00:00",
        "content": {
            "tool_call_id": "c1",
            "tool_server": "email",
            "tool_name": "send_email",
            "is_error": False,
            "summary": "sent",
        },
    },
]


def test_the_vendors_messages() -> None:
    transcript = read(NATIVE)
    user, assistant, tool = transcript.turns
    assert (user.role, user.kind, user.text) == ("user", BlockKind.USER, "Schedule it")
    assert assistant.kind is BlockKind.ASSISTANT
    assert assistant.blocks == (ToolCall("email__send_email", '{"to": "a@b.c"}', "c1", number=0),)
    assert (call_of(transcript).server, call_of(transcript).tool) == ("email", "send_email")
    assert call_of(transcript).parameters == {"to": "a@b.c"}
    assert (tool.kind, tool.text, tool.error) == (BlockKind.TOOL, "sent", False)
    (exchange,) = transcript.exchanges
    assert (exchange.server, exchange.tool, exchange.error) == ("email", "send_email", False)
    assert (exchange.call, exchange.result) == (Place(1, 0), Place(2, 0))
    assert exchange.duration_s == 1.5


def test_times_of_turns() -> None:
    turns = read(NATIVE).turns
    assert turns[0].timestamp == datetime(2026, 3, 20, 10, 0, 6, tzinfo=UTC)
    assert turns[0].stamp == "2026-03-20T10:00:06+00:00"
    assert [turn.duration_s for turn in turns] == [None, 2.0, 1.5]


def test_a_turn_without_a_time_takes_none_from_the_others() -> None:
    untimed = {"role": "user", "content": "and?"}
    turns = read([NATIVE[0], untimed, NATIVE[1]]).turns
    assert [turn.duration_s for turn in turns] == [None, None, 2.0]


def test_time_running_backwards_is_no_duration() -> None:
    assert [turn.duration_s for turn in read(NATIVE[1::-1]).turns] == [None, None]


def test_the_full_observation_comes_from_the_record() -> None:
    observation = {"text": "sent", "id": "msg_9", "to": ["a@b.c"]}
    transcript = read(
        {
            "messages": NATIVE,
            "tool_calls": [
                {"tool_server": "email", "tool_name": "send_email", "parameters": {"to": "a@b.c"}}
            ],
            "tool_results": [{"observation": observation, "is_error": False}],
        }
    )
    assert json.loads(result_of(transcript).text) == observation
    assert len(transcript.turns) == 3


def test_an_observation_that_says_the_same_is_not_shown_twice() -> None:
    record = {"messages": NATIVE, "tool_calls": [{"tool_name": "send_email"}]}
    assert result_of(read(record | {"tool_results": [{"observation": "sent"}]})).text == "sent"
    both = result_of(read(record | {"tool_results": [{"observation": ["all", "of it"]}]}))
    assert both.text == 'sent\n[\n  "all",\n  "of it"\n]'


def test_a_tool_message_without_a_summary_shows_the_observation() -> None:
    tool = {"tool_call_id": "c1", "tool_server": "email", "tool_name": "send_email"}
    transcript = read(
        {
            "messages": [*NATIVE[:2], {"role": "tool", "content": tool}],
            "tool_calls": [{"tool_server": "email", "tool_name": "send_email"}],
            "tool_results": [{"observation": {"id": 9}, "is_error": True}],
        }
    )
    assert result_of(transcript).text == '{\n  "id": 9\n}'
    assert transcript.turns[2].error


def test_runs_that_record_calls_only() -> None:
    transcript = read(
        {
            "messages": [],
            "tool_calls": [
                {"tool_server": "harbor-main", "tool_name": "write", "parameters": {"p": "/a"}},
                {"tool_server": "harbor-main", "tool_name": "read", "parameters": {}},
                {"tool_server": "harbor-main", "tool_name": "stop"},
            ],
            "tool_results": [{"observation": {"text": "ok"}, "is_error": False}, {}],
        }
    )
    assert [turn.kind for turn in transcript.turns] == [
        *(BlockKind.ASSISTANT, BlockKind.TOOL),
        *(BlockKind.ASSISTANT, BlockKind.ASSISTANT),
    ]
    assert [exchange.tool for exchange in transcript.exchanges] == ["write", "read", "stop"]
    assert answered(transcript) == ['{\n  "text": "ok"\n}', None, None]
    assert all(turn.source is None for turn in transcript.turns)


def test_a_recorded_result_that_no_message_shows_follows_its_call() -> None:
    transcript = read(
        {
            "messages": [*NATIVE[:2], {"role": "assistant", "content": "done"}],
            "tool_calls": [{"tool_name": "send_email"}],
            "tool_results": [{"observation": "sent"}],
        }
    )
    assert [turn.text for turn in transcript.turns][2:] == ["sent", "done"]
    assert transcript.exchanges[0].result == Place(2, 0)


def test_recorded_calls_of_which_messages_lack_some_are_matched_by_their_tools() -> None:
    calls = [{"name": name, "arguments": {"n": n}} for name, n in (("a", 1), ("b", 2), ("b", 3))]
    transcript = read(
        {
            "messages": [{"role": "assistant", "tool_calls": calls}],
            "tool_calls": [
                {"tool_name": "b", "parameters": {"n": 3}},
                {"tool_name": "c", "parameters": {}},
            ],
            "tool_results": [{"observation": "three"}, {"observation": "other"}],
        }
    )
    told = [(exchange.tool, exchange.result is not None) for exchange in transcript.exchanges]
    assert told == [("a", False), ("b", False), ("b", True), ("c", True)]


def test_a_recorded_call_is_found_whatever_server_its_name_says() -> None:
    call = {"tool_server": "post", "tool_name": "mail__send", "arguments": {}}
    recorded = {"tool_calls": [{"tool_server": "post", "tool_name": "send"}]}
    messages = [{"role": "assistant", "tool_calls": [call]}]
    (exchange,) = read({"messages": messages, **recorded}).exchanges
    assert (exchange.server, exchange.call) == ("post", Place(0, 0))


def test_the_summary_of_reasoning_is_thought_and_not_said() -> None:
    item = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "why"}]}
    (turn,) = read([item]).turns
    assert turn.blocks == (Thinking("why"),)


def test_recorded_calls_written_as_text_are_found_there() -> None:
    """SWE-agent in text mode (FORMATS 1.7): a demonstration comes first and is not the run."""
    transcript = read(
        {
            "messages": [
                {"role": "assistant", "content": "<command>\nls\n</command>", "is_demo": True},
                {"role": "user", "content": "Fix it"},
                {"role": "assistant", "content": "I look.\n<command>\nls\n</command>"},
                {"role": "user", "content": "a.py\n(Open file: n/a)\nbash-$"},
            ],
            "tool_calls": [{"tool_server": "s", "tool_name": "ls", "parameters": {"action": "ls"}}],
            "tool_results": [{"observation": "a.py", "is_error": True}],
        }
    )
    assert len(transcript.turns) == 4
    (exchange,) = transcript.exchanges
    assert (exchange.server, exchange.tool, exchange.error) == ("s", "ls", True)
    assert (exchange.call, exchange.result) == (Place(2, 1), Place(3, 0))
    assert transcript.turns[2].blocks[0] == Text("I look.\n")
    assert (transcript.turns[3].error, transcript.turns[3].kind) == (True, BlockKind.TOOL)
    assert transcript.turns[0].blocks == (
        Text("<command>\nls\n</command>"),
        Extras({"is_demo": True}),
    )
    assert transcript.turns[0].notes == ("demonstration",)


@pytest.mark.parametrize(
    "element",
    [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
        {"id": "c1", "name": "f", "arguments": {"a": 1}, "requestor": "user"},
        '{"id": "c1", "function": {"name": "f", "arguments": "{\\"a\\": 1}"}}',
        {"id": "c1", "function": "f", "arguments": {"a": 1}, "type": "function"},
        {"id": "c1", "tool_name": "f", "arguments": '{"a": 1}', "index": 0},
        {"tool_call_id": "c1", "function_name": "f", "arguments": {"a": 1}},
    ],
)
def test_layouts_of_tool_calls(element: object) -> None:
    transcript = read([{"role": "assistant", "content": None, "tool_calls": [element]}])
    call = call_of(transcript)
    assert (call.name, call.parameters, call.id) == ("f", {"a": 1}, "c1")
    assert call.text == '{\n  "a": 1\n}'


@pytest.mark.parametrize(
    ("call", "result"),
    [
        (
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "r"},
        ),
        (
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f"}]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "c", "content": "r"}],
            },
        ),
        (
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
            {
                "role": "user",
                "parts": [{"functionResponse": {"id": "f-1", "name": "f", "response": "r"}}],
            },
        ),
        (
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "r"},
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "c", "name": "f"}]},
            {"role": "tool", "id": "c", "content": "r", "error": False},
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "c", "name": "f"}]},
            {"role": "tool", "tool_call_ids": ["c"], "content": [{"type": "text", "text": "r"}]},
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "", "name": "f"}]},
            {"role": "tool", "tool_calls": None, "content": "r"},
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "c", "name": "f"}]},
            {"role": "f", "content": "r"},
        ),
        (
            {"source": "agent", "action": "f", "args": {"x": 1}, "id": 1},
            {"source": "agent", "observation": "f", "content": "r", "cause": 1},
        ),
    ],
)
def test_calls_and_results_of_each_family(call: Any, result: Any) -> None:
    transcript = read([call, result])
    assert [turn.kind for turn in transcript.turns] == [BlockKind.ASSISTANT, BlockKind.TOOL]
    assert [exchange.tool for exchange in transcript.exchanges] == ["f"]
    assert answered(transcript) == ["r"]


def test_harbors_trajectory() -> None:
    transcript = read(
        {
            "schema_version": "ATIF-v1.5",
            "steps": [
                {"step_id": 1, "source": "user", "message": "Do"},
                {
                    "step_id": 2,
                    "source": "agent",
                    "message": "Done",
                    "reasoning_content": "hm",
                    "tool_calls": [{"tool_call_id": "c", "function_name": "f", "arguments": {}}],
                    "observation": {"results": [{"source_call_id": "c", "content": "r"}]},
                },
            ],
            "final_metrics": {"total_prompt_tokens": 220, "total_cost_usd": 0.5},
        }
    )
    assert [turn.kind for turn in transcript.turns] == [
        BlockKind.USER,
        BlockKind.ASSISTANT,
        BlockKind.TOOL,
    ]
    assert [turn.source for turn in transcript.turns] == [0, 1, 1]
    assert transcript.turns[1].blocks[:2] == (Thinking("hm"), Text("Done"))
    assert answered(transcript) == ["r"]
    assert transcript.usage == Usage(prompt_tokens=220, cost_usd=0.5)


def calls(*elements: tuple[str | None, str]) -> dict[str, object]:
    listed = [{"id": call_id, "name": name} for call_id, name in elements]
    return {"role": "assistant", "tool_calls": listed}


def result(content: str, call_id: str | None = None, name: str | None = None) -> dict[str, object]:
    return {"role": "tool", "tool_call_id": call_id, "name": name, "content": content}


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        # Several calls, then their results, in another order.
        ([calls(("a", "f"), ("b", "f")), result("B", "b"), result("A", "a")], ["A", "B"]),
        # One id used for two calls of a message, and again later.
        ([calls(("a", "f"), ("a", "f")), result("1", "a"), result("2", "a")], ["1", "2"]),
        (
            [calls(("a", "f")), result("1", "a"), calls(("a", "f")), result("2", "a")],
            ["1", "2"],
        ),
        # The first of two calls of one id was never answered.
        ([calls(("a", "f")), calls(("a", "f")), result("2", "a")], [None, "2"]),
        # No ids: by order, within the round of calls; a call left over does not take later answers.
        ([calls((None, "f"), (None, "g")), result("1"), result("2")], ["1", "2"]),
        ([calls((None, "f")), calls((None, "g")), result("1"), result("2")], ["1", "2"]),
        (
            [calls((None, "f"), (None, "f")), result("1"), calls((None, "f")), result("2")],
            ["1", None, "2"],
        ),
        # No ids, but names.
        ([calls((None, "f"), (None, "s__g")), result("G", name="g")], [None, "G"]),
        # Calls have ids, results have none; and the other way round.
        ([calls(("a", "f"), ("b", "g")), result("1"), result("2")], ["1", "2"]),
        ([calls((None, "f")), result("1", "x")], ["1"]),
        # An id nobody used answers no call that has an id; it stands alone.
        ([calls(("a", "f")), result("1", "x")], [None, "1"]),
        ([result("1", "a"), calls(("a", "f"))], ["1", None]),
    ],
)
def test_results_find_their_calls(messages: list[object], expected: list[str | None]) -> None:
    assert answered(read(messages)) == expected


@pytest.mark.parametrize(
    ("message", "error", "inferred"),
    [
        ({"role": "tool", "content": {"tool_name": "f", "is_error": True}}, True, False),
        ({"role": "tool", "content": "x", "error": True}, True, False),
        ({"role": "tool", "content": "Error: but fine", "error": False}, False, False),
        (
            {"role": "tool", "content": "", "error": {"type": "timeout", "message": "m"}},
            True,
            False,
        ),
        ({"role": "tool", "content": "x", "error": None}, None, False),
        ({"role": "tool", "content": "x", "status": "error"}, True, False),
        ({"role": "tool", "content": "x", "extra": {"returncode": 1}}, True, False),
        ({"role": "tool", "content": "<returncode>2</returncode>"}, True, True),
        ({"role": "tool", "content": "<returncode>0</returncode>\nError"}, None, False),
        ({"role": "tool", "content": "Error: no such user"}, True, True),
        ({"role": "tool", "content": '{"error": "conflict"}'}, True, True),
        ({"role": "tool", "content": '{"error": null, "success": true}'}, None, False),
        (
            {
                "role": "user",
                "content": [{"type": "tool_result", "content": "x", "is_error": True}],
            },
            True,
            False,
        ),
        (
            {
                "source": "agent",
                "observation": "run",
                "content": "x",
                "extras": {"metadata": {"exit_code": 127}},
            },
            True,
            False,
        ),
        ({"source": "agent", "observation": "mcp", "content": "x", "success": False}, True, False),
        ({"source": "agent", "observation": "mcp", "content": "x", "success": True}, None, False),
        ({"source": "agent", "observation": "error", "content": "x"}, True, False),
        ({"role": "bashExecution", "command": "ls", "output": "x", "exitCode": 0}, False, False),
        ({"role": "bashExecution", "command": "ls", "output": "x", "exitCode": 1}, True, False),
    ],
)
def test_spellings_of_failure(message: Any, error: bool | None, inferred: bool) -> None:
    transcript = read([message])
    found = result_of(transcript)
    assert (found.error, found.inferred) == (error, inferred)
    assert transcript.turns[0].error is bool(error)
    assert transcript.exchanges[0].error is error


def test_what_a_failure_says_is_shown() -> None:
    error = {"type": "timeout", "message": "took too long"}
    (turn,) = read([{"role": "tool", "content": "", "error": error}]).turns
    assert "took too long" in turn.text


def test_the_records_flag_counts_where_the_message_has_none() -> None:
    record = {"tool_calls": [{"tool_name": "f"}], "tool_results": [{"is_error": True}]}
    messages = [calls(("a", "f")), result("fine", "a")]
    assert read({"messages": messages} | record).exchanges[0].error is True


@pytest.mark.parametrize(
    ("content", "blocks"),
    [
        ("hi", (Text("hi"),)),
        ("", ()),
        (None, ()),
        ([], ()),
        ([{"type": "text", "text": "a"}, "b"], (Text("a"), Text("b"))),
        ([{"type": "output_text", "text": "a", "annotations": []}], (Text("a"),)),
        ([{"text": "a"}, {"text": "b", "thought": True}], (Text("a"), Thinking("b"))),
        ([{"type": "thinking", "thinking": "hm"}], (Thinking("hm"),)),
        ([{"type": "reasoning", "reasoning": "hm"}], (Thinking("hm"),)),
        ([{"type": "refusal", "refusal": "no"}], (Refusal("no"),)),
        ("<think>hm</think>\nhi", (Thinking("<think>hm</think>"), Text("\nhi"))),
        ("hm</think>hi", (Thinking("hm</think>"), Text("hi"))),
        ("<think>cut off", (Thinking("<think>cut off"),)),
        ([{"type": "image_url", "image_url": {"url": "http://x/y"}}], (Image("http://x/y"),)),
        ([{"type": "input_image", "image_url": "http://x/y"}], (Image("http://x/y"),)),
        (
            [{"type": "image", "image": "data:image/png;base64,AA"}],
            (Image("data:image/png;base64,AA"),),
        ),
        (
            [{"type": "image", "source": {"media_type": "image/png", "data": "AA=="}}],
            (Image("AA==", "image/png"),),
        ),
        ([{"inlineData": {"mimeType": "image/gif", "data": "AA"}}], (Image("AA", "image/gif"),)),
        ([{"type": "hologram", "x": 1}], (Unknown({"type": "hologram", "x": 1}),)),
        ({"x": 1}, (Unknown({"x": 1}),)),
        (17, (Unknown(17),)),
    ],
)
def test_contents(content: object, blocks: tuple[object, ...]) -> None:
    (turn,) = read([{"role": "assistant", "content": content}]).turns
    assert turn.blocks == blocks


def test_thinking_tags_of_others_are_text() -> None:
    (turn,) = read([{"role": "user", "content": "<think>x</think>y"}]).turns
    assert turn.blocks == (Text("<think>x</think>y"),)


@pytest.mark.parametrize(
    "member",
    [
        {"reasoning_content": "hm"},
        {"reasoning": "hm"},
        {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}]},
        {"provider_specific_fields": {"reasoning_content": "hm"}},
        {"raw_data": {"thinking_blocks": [{"type": "thinking", "thinking": "hm"}]}},
        {"raw_data": {"message": {"reasoning_content": "hm"}}},
    ],
)
def test_thoughts_come_first_wherever_they_are_kept(member: dict[str, object]) -> None:
    (turn,) = read([{"role": "assistant", "content": "hi", **member}]).turns
    assert turn.blocks[:2] == (Thinking("hm"), Text("hi"))


def test_images_are_described_not_drawn() -> None:
    assert Image("data:image/png;base64," + "A" * 4000).text == "[image image/png, 3,000 bytes]"
    assert Image("https://x.y/z.png").text == "[image https://x.y/z.png]"
    assert Image("A" * 400).text == "[image of unknown type, 300 bytes]"


def test_what_is_not_shown_elsewhere_is_kept_as_extras() -> None:
    message = {
        "role": "assistant",
        "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}],
        "usage": {"output_tokens": 7},
        "stop_reason": None,
        "tool_calls": None,
    }
    (turn,) = read([message]).turns
    assert turn.blocks == (
        Text("hi"),
        Extras(
            {
                "usage": {"output_tokens": 7},
                "content": [{"cache_control": {"type": "ephemeral"}}],
            }
        ),
    )
    assert turn.text == "hi"
    assert "ephemeral" in turn.plain()


def test_what_is_left_of_a_call_is_kept_with_its_place() -> None:
    element = {"name": "f", "index": 0, "view": {"title": "t"}}
    nested = {"function": {"name": "g", "strict": True}, "cache": "c"}
    (turn,) = read([{"role": "assistant", "tool_calls": [element, nested]}]).turns
    assert turn.blocks[2] == Extras(
        {
            "tool_calls": [
                {"index": 0, "view": {"title": "t"}},
                {"cache": "c", "function": {"strict": True}},
            ]
        }
    )


def test_what_the_record_says_otherwise_is_kept_for_each_call() -> None:
    transcript = read(
        {
            "messages": [calls(("a", "f"), ("b", "f"))],
            "tool_calls": [
                {"tool_name": "f", "parameters": {"x": "first"}},
                {"tool_name": "f", "parameters": {"x": "second"}},
            ],
        }
    )
    plain = transcript.turns[0].plain()
    assert "first" in plain
    assert "second" in plain


def test_invalid_arguments_are_shown_as_they_came() -> None:
    arguments = '{"command": "str_replace", "path": "/a'
    transcript = read(
        [{"role": "assistant", "tool_calls": [{"name": "f", "arguments": arguments}]}]
    )
    assert call_of(transcript).text == arguments
    assert call_of(transcript).parameters == arguments


def test_calls_nobody_understands_are_shown() -> None:
    (turn,) = read([{"role": "assistant", "tool_calls": ["not json", {"x": 1}]}]).turns
    assert turn.blocks == (Unknown("not json"), Unknown({"x": 1}))


@pytest.mark.parametrize(
    ("role", "kind"),
    [
        *(("system", BlockKind.SYSTEM), ("developer", BlockKind.SYSTEM), ("user", BlockKind.USER)),
        *(
            ("model", BlockKind.ASSISTANT),
            ("agent", BlockKind.ASSISTANT),
            ("Assistant", BlockKind.ASSISTANT),
        ),
        *(("tool", BlockKind.TOOL), ("function", BlockKind.TOOL), ("exit", BlockKind.OTHER)),
    ],
)
def test_roles(role: str, kind: BlockKind) -> None:
    (turn,) = read([{"role": role, "content": "x"}]).turns
    assert (turn.role, turn.kind) == (role, kind)


def test_users_call_tools_too() -> None:
    """tau2's telecom (FORMATS 1.6)."""
    message = {"role": "user", "content": None, "tool_calls": [{"id": "c", "name": "f"}]}
    transcript = read([message, result("r", "c")])
    assert transcript.turns[0].kind is BlockKind.USER
    assert answered(transcript) == ["r"]


def test_a_message_that_is_a_list_is_a_list_of_messages() -> None:
    transcript = read(
        [[{"role": "user", "content": "a"}, {"role": "user", "content": "b"}], "c", 4]
    )
    assert [turn.text for turn in transcript.turns] == ["a", "b", "c", "4"]
    assert [turn.source for turn in transcript.turns] == [0, 0, 1, 2]


def test_log_entries_around_messages() -> None:
    entry = {
        "type": "assistant",
        "timestamp": "2026-02-10T21:11:59.873Z",
        "message": {"role": "assistant", "content": "hi"},
    }
    (turn,) = read([entry]).turns
    assert (turn.kind, turn.blocks[0]) == (BlockKind.ASSISTANT, Text("hi"))
    assert turn.timestamp == datetime(2026, 2, 10, 21, 11, 59, 873000, tzinfo=UTC)
    inner = {"role": "assistant", "content": "hi", "timestamp": "2026-02-10T21:00:00Z"}
    (turn,) = read([entry | {"message": inner}]).turns
    assert turn.timestamp == datetime(2026, 2, 10, 21, tzinfo=UTC)
    assert "2026-02-10T21:11:59.873Z" in turn.plain()


def test_openhands_events_that_are_no_tools() -> None:
    transcript = read(
        [
            {"source": "environment", "observation": "agent_state_changed", "content": ""},
            {"source": "user", "action": "message", "message": "Do", "args": {"content": "Do"}},
        ]
    )
    assert [turn.kind for turn in transcript.turns] == [BlockKind.OTHER, BlockKind.USER]
    assert transcript.turns[1].text == "Do"
    assert not transcript.exchanges


def test_what_an_openhands_event_says_is_shown_once_and_nothing_of_it_lost() -> None:
    def shown(**event: object) -> tuple[list[str], list[object]]:
        (turn,) = read([{"source": "agent", **event}]).turns
        rest = [block.value for block in turn.blocks if isinstance(block, Extras)]
        return [block.text for block in turn.blocks if isinstance(block, Text)], rest

    said = {"action": "message", "args": {"content": "hi"}}
    action = {"action": "message"}
    assert shown(**said, message="hi") == (["hi"], [action])
    assert shown(**said, message="hi there") == (["hi"], [action | {"message": "hi there"}])
    assert shown(**said, message=["hi"]) == (["hi"], [action | {"message": ["hi"]}])


HEADER = {
    "version": "0.1",
    "task_id": "t",
    "task": "Do it",
    "model": "m",
    "provider": "p",
    "steps_taken": 3,
    "max_steps": 30,
    "error": "Cancelled",
    "final_observation": "Done.",
    "created_at": "2026-03-31T12:00:00Z",
    "metadata": {
        "rollout_metrics": {
            "token_usage": {"prompt_tokens_total": 11, "completion_tokens_total": 7},
            "timing": {"duration_seconds": 4.5},
            "cost": {"estimated_cost_usd": 0.123},
        }
    },
}


def test_the_artifacts_own_fields() -> None:
    transcript = read(json.dumps({"rollout_id": "r", "artifacts": HEADER}).encode())
    assert transcript.rollout_id == "r"
    assert (transcript.version, transcript.task_id, transcript.task) == ("0.1", "t", "Do it")
    assert (transcript.model, transcript.provider) == ("m", "p")
    assert (transcript.steps_taken, transcript.max_steps) == (3, 30)
    assert (transcript.error, transcript.final_observation) == ("Cancelled", "Done.")
    assert transcript.created_at == datetime(2026, 3, 31, 12, tzinfo=UTC)
    assert transcript.usage == Usage(11, 7, 4.5, 0.123)
    assert transcript.turns == ()


def test_fields_of_another_type_are_kept_and_never_trusted() -> None:
    odd = {name: {"odd": name} for name in HEADER}
    transcript = read({"messages": "none", **odd})
    assert (transcript.task, transcript.steps_taken, transcript.created_at) == (None, None, None)
    assert transcript.usage == Usage()
    assert all(name in transcript.extras.text for name in HEADER)
    assert [turn.text for turn in transcript.turns] == ["none"]


@pytest.mark.parametrize(
    "source", [b"{}", {}, [], {"messages": None}, {"artifacts": {}}, {"artifacts": None}]
)
def test_no_messages_at_all(source: Any) -> None:
    assert read(source).turns == ()


def test_the_same_is_read_from_bytes_values_and_lists() -> None:
    body = json.dumps({"artifacts": {"messages": NATIVE}})
    assert read(body.encode()).turns == read(body).turns == read(NATIVE).turns
    assert read({"messages": NATIVE}).turns == read(NATIVE).turns
    assert len(read(NATIVE[0]).turns) == 1


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2025-08-01T16:18:35.716085", datetime(2025, 8, 1, 16, 18, 35, 716085, tzinfo=UTC)),
        ("2026-02-10T21:11:59.873Z", datetime(2026, 2, 10, 21, 11, 59, 873000, tzinfo=UTC)),
        ("2026-03-20T10:00:06+02:00", datetime(2026, 3, 20, 8, 0, 6, tzinfo=UTC)),
        (1774000806, datetime(2026, 3, 20, 10, 0, 6, tzinfo=UTC)),
        (1774000806500, datetime(2026, 3, 20, 10, 0, 6, 500000, tzinfo=UTC)),
        ("1774000806.5", datetime(2026, 3, 20, 10, 0, 6, 500000, tzinfo=UTC)),
        ("1774000806" + "0" * 9, datetime(2026, 3, 20, 10, 0, 6, tzinfo=UTC)),
        (" 2026-03-20 ", datetime(2026, 3, 20, tzinfo=UTC)),
        # No time is as short or as long as these, though they could be read as one.
        ("2026-W1", None),
        ("2026-03-20T10:00:06." + "0" * 30, None),
        *((value, None) for value in (None, True, 3, "soon", "", float("nan"), 1e300, {})),
    ],
)
def test_spellings_of_times(value: object, time: datetime | None) -> None:
    assert parse_time(value) == time


@pytest.mark.parametrize(
    ("name", "divided"),
    [
        ("email__send_email", ("email", "send_email")),
        ("mcp__github__get__issue", ("github", "get__issue")),
        ("file_system---list_files", ("file_system", "list_files")),
        ("get_weather", (None, "get_weather")),
        ("__init__", (None, "__init__")),
    ],
)
def test_names_of_tools(name: str, divided: tuple[str | None, str]) -> None:
    assert split_name(name) == divided
