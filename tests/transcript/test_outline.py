"""The outline of a transcript: what its lines say, which are one, and which are left out."""

from typing import Any

from gymtui.transcript.blocks import Transcript
from gymtui.transcript.outline import Entry, outline, rows
from gymtui.transcript.readers.artifact import read
from gymtui.tui.kit.transcript.outline_pane import entry_label


def call(call_id: str, name: str = "bash", **arguments: Any) -> dict[str, Any]:
    return {"id": call_id, "name": name, "arguments": arguments}


def calling(*calls: dict[str, Any], second: int | None = None) -> dict[str, Any]:
    stamp = {} if second is None else {"timestamp": f"2026-03-20T10:00:{second:02d}Z"}
    return {"role": "assistant", "content": "", "tool_calls": list(calls), **stamp}


def answer(call_id: str, text: object, **more: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": text, **more}


def line(entry: Entry, cells: int = 60) -> str:
    return "".join(piece.text for piece in entry_label(entry, cells))


def shown(transcript: Transcript, cells: int = 60) -> list[str]:
    return [line(entry, cells) for entry in rows(outline(transcript))]


def test_a_call_says_what_it_asks_for_and_an_answer_what_it_says() -> None:
    messages = [calling(call("a", command="cd /repo && ls -la")), answer("a", "<output>\nno shelf")]
    assert shown(read(messages)) == ["● → bash ls -la", "⚙ ← no shelf"]


def test_an_exit_code_stands_before_what_an_answer_says() -> None:
    messages = [calling(call("a", command="ls")), answer("a", "boom\nExit code: 2")]
    assert shown(read(messages))[1] == "⚙ ← exit 2: boom Exit code: 2"


def test_servers_are_named_only_where_tools_of_one_name_clash() -> None:
    names = ("mail__send", "chat__send", "mail__list")
    messages = [calling(call(f"c{n}", name)) for n, name in enumerate(names)]
    assert shown(read(messages)) == ["● → mail.send", "● → chat.send", "● → list"]


def test_calls_of_one_tool_within_a_turn_are_counted() -> None:
    calls = [call(f"c{n}", "create_event", title=f"E{n}") for n in range(7)]
    assert shown(read([calling(*calls)])) == ["● → create_event E0 ×7"]
    assert shown(read([calling(*calls[:2], call("x", "send"))])) == ["● → create_event E0 ×2 +1"]


def test_a_call_that_is_made_again_and_again_is_one_line() -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Do"}]
    for number in range(4):
        messages.append(calling(call(f"c{number}", "get_order", id="#1"), second=2 * number))
        failed = number == 1
        messages.append(answer(f"c{number}", "503" if failed else "ok", is_error=failed))
    messages.append(calling(call("d", "get_order", id="#2")))
    entries = rows(outline(read(messages)))
    assert [line(entry) for entry in entries] == [
        *("◆ Do", "● → get_order #1 ×4", "● → get_order #2")
    ]
    assert (entries[1].error, entries[1].turn, entries[1].last) == (True, 1, 8)
    assert entries[1].duration_s == 6.0


def test_two_calls_alike_are_two_lines() -> None:
    messages = [
        calling(call("a", "f")),
        answer("a", "x"),
        calling(call("b", "f")),
        answer("b", "y"),
    ]
    assert len(shown(read(messages))) == 4


def test_turns_in_which_there_is_nothing_to_see_are_left_out() -> None:
    messages = [
        {"role": "assistant", "content": " \n", "usage": {"output_tokens": 3}},
        {"role": "assistant", "content": "Hi"},
        {"role": "assistant", "content": "", "error": "overloaded"},
    ]
    transcript = read(messages)
    assert shown(transcript) == ["● Hi", "● overloaded"]
    assert len(outline(transcript)) == 3


def test_a_narrow_outline_keeps_the_name_of_the_tool() -> None:
    entries = outline(read([calling(call("a", "get_reservation_details", id="8C8K4E"))]))
    assert line(entries[0], 30) == "● → get_reservation_details"
    assert line(entries[0], 36) == "● → get_reservation_details 8C8K4E"


def test_of_a_path_the_end_is_seen() -> None:
    messages = [calling(call("a", "read", path="/home/somebody/kitchen/shelf/kettle.py"))]
    assert line(outline(read(messages))[0], 24) == "● → read …helf/kettle.py"


def test_an_empty_answer_says_that_it_is_one() -> None:
    call = {"role": "assistant", "tool_calls": [{"id": "a", "name": "bash", "arguments": {}}]}
    result = {"role": "tool", "tool_call_id": "a", "content": "\n"}
    assert outline(read([call, result]))[1].words == "(no output)"


def test_what_frames_an_answer_is_no_part_of_what_it_says() -> None:
    call = {"id": "1", "function": {"name": "bash", "arguments": "{}"}}
    framed = "<returncode>{}</returncode>\n<output>\n{}</output>"
    for code, said, words in ((0, "total 96\n", "total 96"), (1, "", "exit 1: (no output)")):
        answer = {"role": "tool", "tool_call_id": "1", "content": framed.format(code, said)}
        last = outline(read([{"role": "assistant", "tool_calls": [call]}, answer]))[-1]
        assert last.words.removesuffix(" </output>") == words
