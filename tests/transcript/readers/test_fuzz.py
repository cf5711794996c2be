"""Whatever is sent is read: nothing raises, nothing is lost, however much it is."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gymtui.transcript.pretty_json import NotJsonError, compact, decode, parse_container, pretty
from gymtui.transcript.readers.artifact import read
from tests.conftest import examples
from tests.helpers.hostile_text import DOCUMENTS, searched

# The words that readers look for, so that random documents look like messages gone wrong.
KEY_WORDS = """
    role content tool_calls tool_call_id tool_call_ids function name arguments args id type text
    thinking signature input output call_id tool_use_id is_error error parts functionCall
    functionResponse response image_url url source message messages action observation args thought
    step_id results source_call_id reasoning reasoning_content thinking_blocks summary refusal
    function_call tool_name tool_server tool_results parameters metadata task artifacts rollout_id
    timestamp created_at status extra returncode raw_data provider_specific_fields custom data image
    media_type inlineData mimeType steps history final_observation model cause extras success
    tool_call_metadata is_demo agent recorded_call
"""
ROLE_AND_TYPE_WORDS = """
    assistant user tool system model function text tool_use tool_result thinking reasoning
    function_call function_call_output message image image_url refusal agent environment run null
    redacted_thinking web_search_call c1 c1 c1 get_weather
"""
# What a block says by being one: the only strings that are not repeated in its text.
TAG_WORDS = """
    text input_text output_text summary_text reasoning_text thinking reasoning redacted_thinking
    tool_use server_tool_use mcp_tool_use tool_call toolCall function_call function message
    function_call_output image image_url input_image refusal tool_result
"""


def words(text: str) -> list[str]:
    return text.split()


TAGS = frozenset(words(TAG_WORDS))
KEYS = st.sampled_from(words(KEY_WORDS))
WORDS = st.sampled_from(words(ROLE_AND_TYPE_WORDS))
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-5, 10**9 * 3)
    | st.floats(allow_nan=False)
    | WORDS
    | st.text(max_size=8)
    | st.sampled_from(['{"a": "b\\n"}', "[1, 2]", '{"id": "c1", "name": "n"}', "<think>x</think>y"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)
MESSAGES = st.lists(st.dictionaries(KEYS, JSON, max_size=6), max_size=6)
ARTIFACTS = st.fixed_dictionaries(
    {}, optional={"messages": MESSAGES, "tool_calls": MESSAGES, "tool_results": MESSAGES}
) | st.dictionaries(KEYS, JSON, max_size=8)


def visible(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "", text)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, member in value.items():
            if key != "type" or not (isinstance(member, str) and member in TAGS):
                yield from strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from strings(member)


def is_held(text: str, shown: str) -> bool:
    if visible(text) in shown or visible(json.dumps(text, ensure_ascii=False)[1:-1]) in shown:
        return True
    # JSON within JSON within JSON is escaped as often as it is nested.
    bare = visible(text.replace("\\", "").replace('"', "").replace("\\n", ""))
    if bare in shown.replace("\\", "").replace('"', ""):
        return True
    value = parse_container(text)
    return value is not None and all(is_held(item, shown) for item in strings(value))


@settings(max_examples=examples(150))
@given(ARTIFACTS | JSON | MESSAGES)
def test_any_json_is_read_and_none_of_it_lost(document: Any) -> None:
    transcript = read(json.dumps(document).encode())
    shown = visible(transcript.plain())
    assert [text for text in strings(document) if not is_held(text, shown)] == []
    for exchange in transcript.exchanges:
        for place in (exchange.call, exchange.result):
            if place and place.block is not None:
                block = transcript.turns[place.turn].blocks[place.block]
                assert getattr(block, "number", None) == exchange.number
    for index, turn in enumerate(transcript.turns):
        assert turn.index == index
        assert isinstance(turn.text, str)


def marked(value: Any, count: Iterator[int], key: str = "") -> Any:
    """Make every string one of its kind, but those by which a shape is recognised."""
    if isinstance(value, dict):
        return {name: marked(member, count, name) for name, member in value.items()}
    if isinstance(value, list):
        return [marked(member, count, key) for member in value]
    if isinstance(value, str) and key not in ("type", "role", "source", "action", "observation"):
        return f"{value}§{next(count)}"
    return value


@settings(max_examples=examples(150))
@given(ARTIFACTS | MESSAGES)
def test_each_string_by_itself_is_kept(document: Any) -> None:
    document = marked(document, itertools.count(1000))
    shown = visible(read(document).plain())
    assert [text for text in strings(document) if not is_held(text, shown)] == []


@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "ignore"))
)
def test_any_bytes_are_read(body: bytes) -> None:
    read(body).plain()


def test_what_is_no_json_is_shown_as_it_came() -> None:
    (turn,) = read(b"<html>502 Bad Gateway</html>").turns
    assert turn.text == "<html>502 Bad Gateway</html>"


@pytest.mark.parametrize("depth", [150, 199, 200, 201, 5_000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_depth_breaks_nothing(depth: int, opening: str, closing: str) -> None:
    nested = opening * depth + '"needle"' + closing * depth
    body = '{"messages": [{"role": "user", "content": "before"}, {"role": "tool", "content": %s}]}'
    transcript = read((body % nested).encode())
    assert transcript.turns[0].text == "before"
    assert "needle" in transcript.turns[1].plain()


def test_depth_of_values_that_were_never_text_breaks_nothing() -> None:
    value: Any = "needle"
    for _ in range(50_000):
        value = [value]
    assert "needle" in read([{"role": "user", "content": value}]).plain()


def test_arguments_nested_too_deep_are_shown_as_they_came() -> None:
    arguments = "[" * 50_000 + "]" * 50_000
    call = {"id": "c", "function": {"name": "f", "arguments": arguments}}
    transcript = read([{"role": "assistant", "tool_calls": [call]}])
    assert arguments in transcript.plain()


def test_indentation_does_not_outgrow_the_document() -> None:
    value: Any = list(range(1000))
    for _ in range(190):
        value = [value]
    assert len(pretty(value)) < 10 * len(compact(value))


@given(JSON)
def test_pretty_json_is_the_same_json(value: Any) -> None:
    if isinstance(value, str):
        return
    assert json.loads(pretty(value)) == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a": 1.10, "a": 2, "n": 1E5}', '{\n  "a": 1.10,\n  "a": 2,\n  "n": 1E5\n}'),
        ('{"a": "\\u65e5\\u672c \\ud83d\\ude00"}', '{\n  "a": "日本 😀"\n}'),
        ("[[], {}, [1]]", "[\n  [],\n  {},\n  [\n    1\n  ]\n]"),
        ('{"a": [1, 2}', '{"a": [1, 2}'),
        ("plain", "plain"),
        ("12", "12"),
        ("[1] and more", "[1] and more"),
    ],
)
def test_json_in_strings_is_laid_out_and_nothing_else_is(text: str, shown: str) -> None:
    assert pretty(text) == shown


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('{"a": 1}'.encode("utf-16"), {"a": 1}),
        (b'{"a": "\\ud800"}', {"a": "\ud800"}),
        (b'{"a": "b\x01\n"}', {"a": "b\x01\n"}),
        (b'["\xff"]', ["\ufffd"]),
        (b"[" + b"9" * 5000 + b"]", ["9" * 5000]),
    ],
)
def test_json_is_read_leniently(document: bytes, value: object) -> None:
    assert decode(document) == value


def test_what_is_no_json_is_said_to_be_none() -> None:
    with pytest.raises(NotJsonError):
        decode(b'{"a": ')


def test_endless_integers_are_kept() -> None:
    (turn,) = read(b'[{"role": "user", "content": ' + b"7" * 6000 + b"}]").turns
    assert turn.text == "7" * 6000


@pytest.mark.fair_part(3)
@pytest.mark.parametrize(
    ("name", "turns"),
    [
        ("calls of one id, then results of it", 4_001),
        ("calls without ids, results of another name", 8_000),
        ("rounds of calls that are never answered", 8_000),
        ("results that no call was made for", 4_000),
        ("recorded calls that no text holds", 8_000),
        ("recorded calls of other names", 8_000),
        ("empty messages", 4_000),
        ("members of one name", 4_000),
    ],
)
def test_nothing_is_lost_where_thousands_match_badly(name: str, turns: int) -> None:
    assert len(read(DOCUMENTS[name](4_000)).turns) == turns


def test_looking_for_recorded_calls_in_text_ends() -> None:
    """Long texts, and many calls that none of them holds: some 100 GB to search, if all were."""
    assert len(read(searched(16_000)).turns) == 16_016


def test_a_large_artifact_is_read_whole() -> None:
    """20 MB in 2,000 messages."""
    call = {
        "id": "c",
        "function": {"name": "email__send", "arguments": json.dumps({"b": "é" * 900})},
    }
    messages: list[Any] = []
    for _ in range(1_000):
        messages.append({"role": "assistant", "content": "words " * 1_500, "tool_calls": [call]})
        messages.append(
            {"role": "tool", "tool_call_id": "c", "content": '{"k": "' + "v" * 9_000 + '"}'}
        )
    body = json.dumps({"messages": messages}).encode()
    assert len(body) > 19_000_000
    assert len(read(body).turns) == 2_000
