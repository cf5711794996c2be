"""How a block is laid out to be read: strings of several lines, edits, exit codes."""

import json

import pytest

from gymtui.transcript import passages
from gymtui.transcript.blocks import Text, ToolCall, ToolResult
from gymtui.transcript.edits import diff_lines
from gymtui.transcript.passages import block_text
from gymtui.transcript.pretty_json import pretty, readable


def test_a_string_of_several_lines_within_json_is_a_block_of_lines() -> None:
    value = {"output": "total 0\n\tkettle\n", "code": 1, "more": ["a\nb", {"c": "d\ne"}], "x": "\n"}
    assert readable(value).split("\n") == [
        "{",
        '  "output": |',
        "    total 0",
        "    \tkettle",
        '  "code": 1,',
        '  "more": [',
        "    |",
        "      a",
        "      b",
        "    {",
        '      "c": |',
        "        d",
        "        e",
        "    }",
        "  ],",
        '  "x": "\\n"',
        "}",
    ]
    assert readable(json.dumps(value)) == readable(value)
    assert json.loads(pretty(value)) == value


def test_json_without_such_strings_is_laid_out_as_ever() -> None:
    value = {"a": [1, {"b": 'x \\n "y"'}], "c": "one line\n", "d": {}}
    assert readable(value) == pretty(value)


@pytest.mark.parametrize("old", ["old_str", "old_string", "oldText"])
def test_an_edit_is_a_diff(old: str) -> None:
    new = old.replace("old", "new")
    call = ToolCall("edit", {"path": "/a.py", old: "a\nb\nc\n", new: "a\nB\nc\n", "n": 1})
    assert block_text(call).split("\n") == [
        *("→ edit(", '  path="/a.py"', f"  {old} → {new}="),
        *("     a", "    -b", "    +B", "     c", "  n=1", ")"),
    ]


def test_several_edits_of_one_call_are_diffs_each() -> None:
    edits = [{"old_string": "a", "new_string": "b"}, {"old_string": "", "new_string": "c"}]
    assert block_text(ToolCall("edit", {"edits": edits})).split("\n") == [
        *("→ edit(", "  edits 1:", "    old_string → new_string=", "      -a", "      +b"),
        *("  edits 2:", "    old_string → new_string=", "      +c", ")"),
    ]


def test_a_huge_edit_is_both_of_its_texts() -> None:
    old, new = "x\n" * 4000, "y\n" * 4000
    lines = list(diff_lines(old, new))
    assert (lines.count("-x"), lines.count("+y"), len(lines)) == (4000, 4000, 8000)


def test_a_message_that_is_json_is_laid_out_too() -> None:
    assert block_text(Text('{"a": "b\\nc"}')).split("\n") == [
        "{",
        '  "a": |',
        "    b",
        "    c",
        "}",
    ]
    assert block_text(Text("{no json}")) == "{no json}"


def test_a_result_says_its_exit_code_over_its_lines() -> None:
    result = ToolResult({"output": "a\nb", "exit_code": 2}, name="bash", exit_code=2)
    assert block_text(result).split("\n")[:4] == ["← bash  exit 2", "{", '  "output": |', "    a"]


def test_a_result_in_the_frame_of_the_protocol_is_read_without_it() -> None:
    part = {"type": "text", "text": '{"id": 9}', "annotations": None}
    framed = {"meta": None, "content": [part], "structuredContent": {"id": 9}, "isError": False}
    for value in (framed, json.dumps(framed)):
        assert block_text(ToolResult(value)).split("\n") == ["←", "{", '  "id": 9', "}"]
    more = framed | {"structuredContent": {"id": 10}}
    assert '"id": 10' in block_text(ToolResult(more))
    picture = {"content": [{"type": "image", "data": "AA"}]}
    assert '"image"' in block_text(ToolResult(picture))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("ls", '→ sh(command="ls")'),
        ("it's", '→ sh(command="it\'s")'),
        ('grep "a" b', "→ sh(command='grep \"a\" b')"),
        ('echo "it\'s"', '→ sh(\n  command=\n    echo "it\'s"\n)'),
        ("grep a\\|b c", "→ sh(\n  command=\n    grep a\\|b c\n)"),
        ("ls\n", '→ sh(command="ls\\n")'),
    ],
)
def test_a_command_reads_as_it_was_typed_without_marks_of_json(value: str, shown: str) -> None:
    assert block_text(ToolCall("sh", {"command": value})) == shown


def test_arguments_that_are_no_valid_json_are_said_to_be_none() -> None:
    assert block_text(ToolCall("f", '{"a": ')).split("\n") == ["→ f  (no valid JSON)", '{"a": ']
    assert block_text(ToolCall("f", "free text")).split("\n") == ["→ f", "free text"]


@pytest.mark.parametrize(
    ("text", "divided"),
    [
        ("short", ["short"]),
        ("abc\ndef\nghi\njkl", ["abc\ndef\n", "ghi\njkl"]),
        ("a" * 25, ["a" * 10, "a" * 10, "a" * 5]),
        ("abcdefghi\n" * 2, ["abcdefghi\n"] * 2),
    ],
)
def test_long_text_is_divided_at_line_ends(
    text: str, divided: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passages, "PART", 10)
    assert passages.split_text(text) == divided
