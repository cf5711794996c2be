"""How a transcript looks: what is folded, what is coloured, what its outline says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gymtui.core.ansi_sgr import Style
from gymtui.transcript.outline import outline
from gymtui.transcript.readers.artifact import read
from gymtui.tui.kit.transcript import highlight
from gymtui.tui.kit.transcript.highlight import StyleSpan, overlay
from gymtui.tui.kit.transcript.sections import ViewOptions, lay_out, sections
from gymtui.tui.kit.transcript.styles import sgr_name


def lines(messages: list[dict[str, Any]], shown: ViewOptions | None = None) -> list[str]:
    found = sections(read(messages), shown or ViewOptions())
    return [line.text for section in found for line in lay_out(section).lines]


def styled(line: str, spans: highlight.StyleSpans) -> list[tuple[str, str]]:
    return [(line[span.start : span.end], span.style) for span in spans]


def tool(content: str) -> list[dict[str, Any]]:
    return [{"role": "tool", "tool_call_id": "c", "name": "search", "content": content}]


def test_a_short_call_stands_in_one_line() -> None:
    function = {"name": "srv__find", "arguments": '{"a": "x", "n": 2}'}
    message = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "1", "function": function}],
    }
    assert '→ srv.find(a="x", n=2)' in lines([message])


def test_a_long_result_is_folded_and_what_is_hidden_is_counted() -> None:
    text = "\n".join(f"line {n}" for n in range(100))
    folded = lines(tool(text))
    assert [line for line in folded if line.startswith("line")] == [
        *(f"line {n}" for n in range(8)),
        *(f"line {n}" for n in range(96, 100)),
    ]
    assert "⋯ 88 more lines · z unfolds" in folded
    unfolded = lines(tool(text), ViewOptions(all_open=True))
    assert "line 99" in unfolded
    assert not [line for line in unfolded if "more lines" in line]


def test_what_stands_below_something_hidden_has_no_place_in_the_whole_text() -> None:
    [section] = [
        s for s in sections(read(tool("line\n" * 99 + "end")), ViewOptions()) if s.block == 0
    ]
    laid = lay_out(section)
    assert laid.text[laid.unfolded_length :].split("\n") == [*["line"] * 3, "end"]
    assert laid.text[: laid.unfolded_length].split("\n") == ["← search", *["line"] * 8, ""]


@pytest.mark.parametrize("count", [12, 13, 14])
def test_no_line_is_folded_away_to_say_so_in_another(count: int) -> None:
    text = "\n".join(f"line {n}" for n in range(count))
    assert f"line {count - 1}" in lines(tool(text))


def test_one_endless_line_is_folded_by_its_characters() -> None:
    assert any("more characters" in line for line in lines(tool("x" * 50_000)))


def test_thinking_is_one_line_until_it_is_unfolded() -> None:
    blocks = [{"type": "thinking", "thinking": "first\nsecond\nthird"}]
    message = {"role": "assistant", "content": blocks}
    assert any("first" in line and "2 more lines" in line for line in lines([message]))
    assert "third" in lines([message], ViewOptions(toggled=frozenset({(0, 0)})))


def test_json_is_laid_out_unless_that_takes_too_long() -> None:
    assert '  "a": 1,' in lines(tool('{"a":1,"b":[2]}'))
    huge = json.dumps({"rows": ["x" * 100] * 5000})
    assert not any(line.startswith('  "rows"') for line in lines(tool(huge)))


def test_hidden_roles_leave_no_trace_but_a_word_when_nothing_is_left() -> None:
    message = {"role": "user", "content": "hello"}
    hidden = ViewOptions(hidden=frozenset({read([message]).turns[0].kind}))
    assert lines([message], hidden) == ["all turns are hidden: 1 2 3 4 show them", ""]


def test_colours_of_tool_output_are_kept_by_name() -> None:
    (section, *_) = [
        s for s in sections(read(tool("\x1b[31mred\x1b[0m plain")), ViewOptions()) if s.block == 0
    ]
    line = next(line for line in lay_out(section).lines if "red" in line.text)
    assert line.text == "red plain"
    assert styled(line.text, line.spans) == [("red", "=red")]
    assert sgr_name(Style(fg="#010203", bg="blue", bold=True)) == "=bold #010203 on blue"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("# Title", [("# Title", "strong")]),
        ("- an `item` of it", [("-", "accent"), ("`item`", "code")]),
        ("some **bold** and *slanted* words", [("**bold**", "bold"), ("*slanted*", "italic")]),
        ("2 * 3 * 4 and snake_case_name", []),
        ("see [this](http://x/y) now", [("[this](http://x/y)", "link")]),
    ],
)
def test_markdown_is_styled_in_place(line: str, expected: list[tuple[str, str]]) -> None:
    assert styled(line, highlight.markdown([line])[0]) == expected


def test_code_between_fences_is_code() -> None:
    source = ["```python", "def f(): # why", "```", "def is a word"]
    found = highlight.markdown(source)
    assert ("def", "keyword") in styled(source[1], found[1])
    assert ("# why", "comment") in styled(source[1], found[1])
    assert found[3] == ()


def test_keys_strings_and_numbers_of_json_differ() -> None:
    line = '"a": "b", "n": -1.5e3, "t": true'
    assert styled(line, highlight.json(line)) == [
        ('"a"', "key-name"),
        ('"b"', "string"),
        ('"n"', "key-name"),
        ("-1.5e3", "number"),
        ('"t"', "key-name"),
        ("true", "keyword"),
    ]


def test_state_diffs_are_coloured() -> None:
    text = "[STATE DIFF]\n+ added\n- removed\nsame"
    (section, *_) = [s for s in sections(read(tool(text)), ViewOptions()) if s.block == 0]
    styles = {line.text: [span.style for span in line.spans] for line in lay_out(section).lines}
    assert styles["+ added"] == ["added"]
    assert styles["- removed"] == ["removed"]
    assert styles["same"] == []


def test_marks_lie_over_styles() -> None:
    spans = (StyleSpan(0, 4, "string"),)
    assert overlay(spans, [StyleSpan(2, 6, "match")], 0, 8) == [
        StyleSpan(0, 2, "string"),
        StyleSpan(2, 4, "string+match"),
        StyleSpan(4, 6, "match"),
        StyleSpan(6, 8, ""),
    ]
    assert overlay((), [], 3, 3) == []


def test_the_outline_names_tools_errors_and_durations() -> None:
    function = {"name": "srv__find", "arguments": "{}"}
    entries = outline(
        read(
            [
                {"role": "user", "content": "\n do it\nnow", "timestamp": "2026-03-20T10:00:00Z"},
                {
                    "role": "assistant",
                    "content": {"content": "", "tool_calls": [{"id": "c", "function": function}]},
                    "timestamp": "2026-03-20T10:00:05Z",
                },
                {
                    "role": "tool",
                    "content": {"tool_call_id": "c", "is_error": True, "summary": "no"},
                },
            ]
        )
    )
    assert entries[0].words == "do it now"
    assert (entries[1].tools, entries[1].calls, entries[1].duration_s) == (("find",), True, 5.0)
    assert (entries[2].tools, entries[2].calls, entries[2].error) == (("find",), False, True)


def test_a_failure_that_is_only_guessed_is_marked_as_a_guess() -> None:
    said = {"role": "tool", "content": "Error: no such room"}
    assert lines([said])[0].endswith("✗ error?")
    assert lines([said | {"error": True}])[0].endswith("✗ error")


def calling(**arguments: Any) -> list[dict[str, Any]]:
    return [{"role": "assistant", "tool_calls": [{"name": "edit", "arguments": arguments}]}]


def colours(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Each line of what is drawn with the style of its last run; of lines without one with none."""
    found = [line for s in sections(read(messages), ViewOptions()) for line in lay_out(s).lines]
    return [(line.text.strip(), line.spans[-1].style if line.spans else "") for line in found]


def test_an_edit_is_coloured_as_a_diff_and_nothing_after_it() -> None:
    found = colours(calling(old_str="- a\n b\n", new_str="- a\n c\n", note="- of\n+ two"))
    assert ("- b", "removed") in found
    assert ("+ c", "added") in found
    assert [style for text, style in found if text == "- a"] not in (["removed"], ["added"])
    assert [style for text, style in found if text in ("- of", "+ two")] == ["code", "code"]


def test_code_in_an_argument_is_coloured_as_code_and_a_patch_as_a_diff() -> None:
    assert ("return 1", "number") in colours(calling(code="def f():\n    return 1"))
    patch = "*** Begin Patch\n*** Update File: a.py\n@@ def f():\n-a\n+b\n*** End Patch"
    free = [{"role": "assistant", "tool_calls": [{"name": "apply_patch", "arguments": patch}]}]
    for found in (colours(calling(input=patch)), colours(free)):
        assert ("-a", "removed") in found
        assert ("+b", "added") in found


def test_lines_of_a_text_within_json_are_not_coloured_as_json() -> None:
    found = colours(tool(json.dumps({"output": "1 true\n2 false", "code": 1})))
    assert ("1 true", "") in found
    assert ('"code": 1', "number") in found


def test_diffs_are_coloured_wherever_they_stand_and_context_is_not() -> None:
    inner = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n - item\n-old\n+new\n\nafter"
    for content in (inner, json.dumps({"output": inner, "code": 1})):
        found = colours(tool(content))
        assert ("- item", "") in found
        assert ("-old", "removed") in found
        assert ("+new", "added") in found
    numbered = colours(tool("Edited.\n 11 a\n-12 b\n+12 c\n- 3 apples"))
    assert [style for text, style in numbered if text in ("-12 b", "+12 c")] == ["removed", "added"]
