"""Which call a result answers, in words: where several are made at once, or look alike."""

from typing import Any

import pytest

from gymtui.transcript import export
from gymtui.transcript.blocks import ToolCall, ToolResult, Transcript
from gymtui.transcript.call_names import ASKED, argument, heading
from gymtui.transcript.readers.artifact import read


def calling(*calls: tuple[str, str]) -> dict[str, Any]:
    """A message that runs commands: the id of each, and the command."""
    return {
        "role": "assistant",
        "tool_calls": [
            {"id": call_id, "name": "bash", "arguments": {"command": command}}
            for call_id, command in calls
        ],
    }


def answer(call_id: str, **more: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": f"says {call_id}", **more}


def headings(transcript: Transcript) -> list[str]:
    blocks = [block for turn in transcript.turns for block in turn.blocks]
    return [heading(b) for b in blocks if isinstance(b, ToolCall | ToolResult)]


def test_results_of_calls_made_at_once_say_which_they_answer() -> None:
    calls = calling(("a", "ls"), ("b", "cat prod.env"), ("c", "pwd"))
    transcript = read([calls, answer("b"), answer("c"), answer("a")])
    told = ["← bash(cat prod.env)", "← bash(pwd)", "← bash(ls)"]
    assert headings(transcript)[3:] == told
    for document in (export.text(transcript), export.markdown(transcript)):
        assert all(line in document for line in told)


def test_a_result_below_its_call_does_not_repeat_what_is_asked() -> None:
    transcript = read([calling(("a", "ls")), answer("a"), calling(("b", "pwd")), answer("b")])
    assert headings(transcript) == ["→ bash", "← bash", "→ bash", "← bash"]


def test_calls_that_look_alike_are_numbered_and_so_are_their_results() -> None:
    calls = calling(("a", "ls"), ("b", "pwd"), ("c", "ls"))
    transcript = read([calls, answer("c"), answer("b"), answer("a")])
    assert headings(transcript) == [
        *("→ bash #1", "→ bash", "→ bash #2"),
        *("← bash #2(ls)", "← bash(pwd)", "← bash #1(ls)"),
    ]


def test_calls_that_follow_each_other_in_messages_of_their_own_are_made_at_once_too() -> None:
    messages = [calling(("a", "ls")), calling(("b", "pwd")), answer("a"), answer("b")]
    assert headings(read(messages))[2:] == ["← bash(ls)", "← bash(pwd)"]


def test_each_of_several_results_in_a_message_has_its_own_mark() -> None:
    parts = [
        {"type": "tool_result", "tool_use_id": call_id, "content": text, "is_error": failed}
        for call_id, text, failed in (("a", "fine", False), ("b", "not fine", True))
    ]
    transcript = read([calling(("a", "ls"), ("b", "pwd")), {"role": "user", "content": parts}])
    assert headings(transcript)[2:] == ["← bash(ls)", "← bash(pwd)  ✗ error"]
    assert "← bash(pwd)  ✗ error\n   not fine" in export.text(transcript)


def test_exit_codes_and_guesses_stand_beside_the_call() -> None:
    code = {"extra": {"returncode": 3}}
    transcript = read([calling(("a", "ls")), answer("a", **code)])
    assert headings(transcript)[1] == "← bash  ✗ error  exit 3"
    transcript = read([calling(("a", "ls")), answer("a") | {"content": "Error: no such shelf"}])
    assert headings(transcript)[1] == "← bash  ✗ error?"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (None, ""),
        ({}, ""),
        ("free text\nof two lines", "free text of two lines"),
        ({"a": 7}, "7"),
        ({"replace_all": False, "file_path": "/a/b.py"}, "/a/b.py"),
        ({"description": "I look", "command": "ls"}, "ls"),
        ({"description": "I look"}, "I look"),
        ({"command": "str_replace", "path": "/a.py", "old_str": "x"}, "str_replace /a.py"),
        ({"items": [1, 2]}, "[1, 2]"),
        ({"x": "\x1b[31mred\x1b[0m"}, "red"),
    ],
)
def test_what_a_call_asks_for(arguments: object, said: str) -> None:
    assert argument(ToolCall("f", arguments)) == said


def test_what_a_call_asks_for_is_never_long() -> None:
    path = "/home/" + "x" * 150 + "/kettle.py"
    assert argument(ToolCall("f", {"path": path})).endswith("kettle.py")
    assert len(argument(ToolCall("f", {"command": "echo " + "y" * 500}))) <= ASKED


def test_a_result_is_called_what_its_call_is_called() -> None:
    call = {"id": "a", "name": "files---save_file", "arguments": {}}
    result = answer("a", name="files---save_file")
    recorded = {"tool_server": "files", "tool_name": "save_file", "parameters": {}}
    messages = [{"role": "assistant", "tool_calls": [call]}, result]
    for document in ({"messages": messages}, {"messages": messages, "tool_calls": [recorded]}):
        assert headings(read(document)) == ["→ files.save_file", "← files.save_file"]


def test_calls_that_begin_alike_are_told_apart_by_the_arguments_in_which_they_differ() -> None:
    quarters = [
        {"id": call_id, "name": "get", "arguments": {"code": "sz.1", "year": 2024, "quarter": n}}
        for n, call_id in enumerate("abc", 1)
    ]
    calls = {"role": "assistant", "tool_calls": quarters}
    transcript = read([calls, answer("c"), answer("a"), answer("b")])
    assert headings(transcript)[:3] == ["→ get"] * 3
    assert headings(transcript)[3:] == ["← get(sz.1, 3)", "← get(sz.1, 1)", "← get(sz.1, 2)"]


def test_a_call_that_nothing_answers_says_so_where_others_are_answered() -> None:
    calls = [calling(("a", "ls")), answer("a"), calling(("b", "pwd"))]
    assert '→ bash(command="pwd")  (no result)' in export.text(read(calls))
    assert "no result" not in export.text(read([calling(("b", "pwd"))]))


@pytest.mark.parametrize("content", ["", "\n", [], [{"type": "text", "text": ""}]])
def test_a_result_without_anything_says_so(content: object) -> None:
    empty = read([calling(("a", "true")), answer("a") | {"content": content}])
    assert "← bash  (no output)\n" in export.text(empty)


def test_a_picture_is_an_output() -> None:
    picture = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    assert "no output" not in export.text(
        read([calling(("a", "see")), answer("a") | {"content": picture}])
    )
