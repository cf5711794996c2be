"""Calls that agents write in their text are calls, and what follows them is what they observed."""

import json
from typing import Any

import pytest

from gymtui.transcript.blocks import (
    BlockKind,
    Extras,
    Fault,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
    Turn,
)
from gymtui.transcript.readers.artifact import read
from gymtui.transcript.stops import errors


def said(text: str, answer: str | None = "kettle", **more: Any) -> Transcript:
    answers = [] if answer is None else [{"role": "user", "content": answer}]
    return read([{"role": "assistant", "content": text, **more}, *answers])


def shown(turn: Turn) -> list[object]:
    """Each block: a call as name and parameters, a text without blanks around it."""
    blocks = [block for block in turn.blocks if not isinstance(block, Extras)]
    return [
        (block.name, block.parameters)
        if isinstance(block, ToolCall)
        else block.text.strip()
        if isinstance(block, Text)
        else block
        for block in blocks
    ]


EDIT = """<function=str_replace_editor>
<parameter=command>str_replace</parameter>
<parameter=old_str>
a
  b
</parameter>
</function>"""


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        (EDIT, "str_replace_editor", {"command": "str_replace", "old_str": "a\n  b"}),
        ("<function=submit>\n</function>", "submit", {}),
        ("<function=bash>\n<parameter=command>ls</parameter>", "bash", {"command": "ls"}),
        ('<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>', "f", {"a": 1}),
        (
            "<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call>",
            "f",
            {"a": "1"},
        ),
        (
            '<function_calls>\n<invoke name="f">\n<parameter name="a">1</parameter>\n</invoke>\n'
            "</function_calls>",
            "f",
            {"a": "1"},
        ),
        ("<execute_ipython>\nprint(1)\n</execute_ipython>", "ipython", {"code": "print(1)"}),
        ('Action: look\nAction Input: {"name": "x"}', "look", {"name": "x"}),
        ("Action: look\nAction Input: the shelf", "look", {"input": "the shelf"}),
        (
            '{"analysis": "-", "commands": [{"keystrokes": "ls\\n"}]}',
            "terminal",
            {"analysis": "-", "commands": [{"keystrokes": "ls\n"}]},
        ),
    ],
)
def test_spellings_of_a_call_in_text(text: str, name: str, arguments: object) -> None:
    transcript = said(f"I look.\n\n{text}\n")
    call, answer = transcript.turns
    assert shown(call) == ["I look.", (name, arguments)]
    assert (answer.kind, shown(answer)[0]) == (BlockKind.TOOL, answer.blocks[0])
    [exchange] = transcript.exchanges
    assert exchange.result is not None
    assert exchange.tool == name


@pytest.mark.parametrize("language", ["mswea_bash_command", "bash"])
def test_a_fence_of_a_shell_that_is_answered_is_a_call(language: str) -> None:
    text = f"THOUGHT: I look.\n\n```{language}\nls -la\n```"
    transcript = said(text, "<returncode>1</returncode>\n<output>\nno shelf\n</output>")
    assert shown(transcript.turns[0])[1] == ("bash", {"command": "ls -la"})
    result = transcript.turns[1].blocks[0]
    assert isinstance(result, ToolResult)
    assert (result.error, result.inferred, result.exit_code) == (True, True, 1)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Run this:\n```bash\nls\n```", "Thanks, that worked."),
        ("Run this:\n```bash\nls\n```\nor\n```bash\nls -a\n```", "<output>x</output>"),
        ("```bash\nls\n```", None),
        ("Use the Action: field.", "ok"),
        ("I use <b>tags</b>.", "ok"),
        ('The "keystrokes" are {} many.', "ok"),
    ],
)
def test_what_only_looks_like_a_call_is_text(text: str, answer: str | None) -> None:
    transcript = said(text, answer)
    assert transcript.turns[0].blocks == (Text(text),)
    assert not transcript.exchanges
    assert all(turn.kind is not BlockKind.TOOL for turn in transcript.turns)


def test_several_calls_of_a_text_have_their_answers_each() -> None:
    call = '<tool_call>{{"name": "{}", "arguments": {{}}}}</tool_call>'
    answer = "<tool_response>\n{}\n</tool_response>"
    transcript = said(
        f"{call.format('f')}\n{call.format('g')}", f"{answer.format('F')}\n{answer.format('G')}"
    )
    tools = [exchange.tool for exchange in transcript.exchanges]
    texts = [block.text for block in transcript.turns[1].blocks]
    assert (tools, texts) == (["f", "g"], ["F", "G"])


def test_an_action_is_a_call_and_what_follows_it_was_observed() -> None:
    """SWE-agent (FORMATS 1.7): the content repeats thought and action."""
    transcript = said(
        "I look.\n<command>\nls -a\n</command>", thought="I look.", action="ls -a", agent="primary"
    )
    assert shown(transcript.turns[0]) == ["I look.", ("ls", {"action": "ls -a"})]
    assert "action" not in transcript.turns[0].plain().replace("action=", "")
    assert transcript.exchanges[0].result is not None


def test_an_action_that_the_text_does_not_repeat_is_a_call_too() -> None:
    transcript = said("I stop.", None, thought="I stop.", action="exit_cost")
    assert shown(transcript.turns[0]) == ["I stop.", ("exit_cost", {"action": "exit_cost"})]


def test_an_action_beside_tool_calls_is_not_a_second_call() -> None:
    element = {"id": "c1", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
    transcript = said("I look.", None, thought="I look.", action="ls", tool_calls=[element])
    assert [exchange.tool for exchange in transcript.exchanges] == ["bash"]


def test_steps_of_action_and_observation_are_turns() -> None:
    step = {"action": "ls", "observation": "kettle", "thought": "I look.", "state": {"open": "x"}}
    transcript = read({"trajectory": [step], "info": {"exit_status": "submitted"}})
    assert [turn.kind for turn in transcript.turns] == [BlockKind.ASSISTANT, BlockKind.TOOL]
    assert shown(transcript.turns[0]) == ["I look.", ("ls", {"action": "ls"})]
    assert transcript.turns[1].text == "kettle"


def test_a_recorded_call_that_is_written_in_text_makes_no_turn_at_the_end() -> None:
    """SWE-smith (FORMATS 1.9): messages and ``tool_calls`` say the same."""
    messages = [
        {"role": "assistant", "content": "<function=bash>\n<parameter=command>ls</parameter>"},
        {"role": "user", "content": "Observation: kettle"},
        {"role": "assistant", "content": "Done.\n<function=submit>\n</function>"},
    ]
    calls = [
        {"tool_server": "swe", "tool_name": "bash", "parameters": {"command": "ls"}},
        {"tool_server": "swe", "tool_name": "submit", "parameters": {}},
    ]
    results = [{"observation": "kettle", "is_error": False}]
    transcript = read({"messages": messages, "tool_calls": calls, "tool_results": results})
    assert [turn.source for turn in transcript.turns] == [0, 1, 2]
    assert [(e.server, e.tool) for e in transcript.exchanges] == [
        ("swe", "bash"),
        ("swe", "submit"),
    ]
    assert transcript.turns[1].text == "Observation: kettle"


def test_a_shell_recorded_as_a_message_is_a_call_with_its_result() -> None:
    shell = {"role": "bashExecution", "command": "ls", "output": "no shelf", "exitCode": 2}
    [turn] = read([shell]).turns
    assert shown(turn)[0] == ("bash", {"command": "ls"})
    result = turn.blocks[1]
    assert isinstance(result, ToolResult)
    assert (result.text, result.error, result.exit_code) == ("no shelf", True, 2)
    [turn] = read([shell | {"exitCode": None, "cancelled": True}]).turns
    assert (turn.error, "cancelled" in turn.text) == (True, True)


def test_a_diff_in_a_results_details_is_part_of_it() -> None:
    details = {"diff": "-1 a\n+1 b", "firstChangedLine": 1}
    answer = {"role": "toolResult", "toolName": "edit", "content": "Edited.", "details": details}
    [turn] = read([answer]).turns
    assert turn.text == "Edited.\n-1 a\n+1 b"
    assert "firstChangedLine" in turn.plain()


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"stopReason": "error", "errorMessage": "529 overloaded"}, "529 overloaded"),
        ({"error": {"type": "rate_limit", "message": "slow down"}}, "slow down"),
        ({"error": "connection lost"}, "connection lost"),
        ({"errors": ["bad draft", "worse"]}, "bad draft\nworse"),
    ],
)
def test_what_a_provider_says_went_wrong_is_an_error_to_go_to(
    message: dict[str, object], words: str
) -> None:
    transcript = read([{"role": "assistant", "content": "", **message}])
    [turn] = transcript.turns
    [fault] = [block for block in turn.blocks if isinstance(block, Fault)]
    assert words in fault.text
    assert turn.error
    assert [stop.turn for stop in errors(transcript)] == [0]


def test_an_abort_and_a_cut_off_answer_are_noted() -> None:
    stopped = [
        {"role": "assistant", "content": "a", "stopReason": "aborted"},
        {"role": "assistant", "content": "b", "stop_reason": "max_tokens"},
        {"role": "assistant", "content": "c", "finish_reason": "stop"},
    ]
    turns = read(stopped).turns
    assert [turn.error for turn in turns] == [True, False, False]
    assert [turn.notes for turn in turns] == [
        ("stopped: aborted",),
        ("stopped: max_tokens",),
        (),
    ]


def test_turns_say_when_another_model_speaks() -> None:
    models = ["a", "a", "b", None, "b", "a"]
    messages = [{"role": "assistant", "content": "x", "model": model} for model in models]
    notes = [turn.notes for turn in read(messages).turns]
    assert notes == [("model a",), (), ("model b",), (), (), ("model a",)]
    assert all(not turn.notes for turn in read(messages[:2]).turns)


def test_sub_agents_are_marked() -> None:
    message = {"role": "assistant", "content": "x"}
    entries = [
        {"type": "assistant", "isSidechain": True, "message": message},
        {"type": "assistant", "isSidechain": False, "message": message},
        {"type": "assistant", "parent_tool_use_id": "c1", "message": message},
    ]
    assert [turn.notes for turn in read(entries).turns] == [("sub-agent",), (), ("sub-agent",)]


def test_entries_of_a_session_that_are_no_messages_say_what_they_changed() -> None:
    entries = [
        {"type": "model_change", "provider": "p", "modelId": "m", "timestamp": 1774000806},
        {"type": "compaction", "summary": "so far", "tokensBefore": 7},
    ]
    turns = read(entries).turns
    assert [(turn.role, turn.text) for turn in turns] == [
        ("model_change", "p/m"),
        ("compaction", "so far"),
    ]


def test_errors_beside_the_messages_stand_at_the_end() -> None:
    messages = [{"role": "assistant", "content": "x"}]
    for document in (
        {"messages": messages, "errors": ["no network", {"message": "lost"}]},
        {"artifacts": {"messages": messages, "metadata": {"errors": ["no network", "lost"]}}},
        {"errors": ["no network", "lost"], "artifacts": {"messages": messages}},
    ):
        transcript = read(document)
        [ending] = transcript.endings
        assert (ending.title, ending.failed) == ("errors", True)
        assert "no network\n" in ending.text
        assert "lost" in ending.text
        assert [stop.turn for stop in errors(transcript)] == [1]


def test_texts_full_of_openings_are_read_at_once() -> None:
    for opening in ("<function=f>", "```bash\n", "<tool_call>", '<invoke name="f">', "Action: f\n"):
        text = opening * 20_000
        assert json.dumps(text)[1:5] in json.dumps(
            read([{"role": "assistant", "content": text}]).plain()
        )


def test_json_from_the_user_where_a_call_is_answered_is_its_answer() -> None:
    """Google's ADK, as Langfuse records it (FORMATS 1.19)."""
    call = {"role": "model", "tool_calls": [{"id": "", "name": "hello", "arguments": "{}"}]}
    transcript = read([call, {"role": "user", "content": '{"greeting": "Hi"}'}])
    assert transcript.turns[1].kind is BlockKind.TOOL
    assert transcript.exchanges[0].result is not None
    said = read([call, {"role": "user", "content": "Hi"}])
    assert said.turns[1].kind is BlockKind.USER


def test_what_a_user_runs_beside_an_agent_is_a_call_with_its_result() -> None:
    """Claude Code's `!` commands."""
    texts = (
        "<bash-input>ls</bash-input>",
        "<bash-stdout>kettle</bash-stdout><bash-stderr></bash-stderr>",
    )
    turns = read([{"role": "user", "content": text} for text in texts]).turns
    assert shown(turns[0]) == [("bash", {"command": "ls"})]
    assert [turn.kind for turn in turns] == [BlockKind.USER, BlockKind.TOOL]


def test_what_claude_code_writes_when_its_provider_fails_is_an_error_and_no_model() -> None:
    messages = [
        {"role": "assistant", "content": "Hi", "model": "m"},
        {"role": "assistant", "content": "API Error: 529 overloaded", "model": "<synthetic>"},
        {"role": "user", "content": "[Request interrupted by user for tool use]"},
    ]
    turns = read(messages).turns
    assert [turn.error for turn in turns] == [False, True, False]
    assert [turn.notes for turn in turns] == [(), (), ("interrupted",)]


def test_harbors_steps_say_their_models_where_the_head_does_not() -> None:
    steps = [
        {"step_id": n, "source": "agent", "message": "x", "model_name": name}
        for n, name in enumerate("aab")
    ]
    transcript = read({"agent": {"name": "terminus", "model_name": "a"}, "steps": steps})
    assert [turn.notes for turn in transcript.turns] == [(), (), ("model b",)]
    assert transcript.model == "a"
