"""Every shape, and every published trajectory there is, is read whole; calls find results."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gymtui.transcript.blocks import ToolResult, Turn, Unknown
from gymtui.transcript.readers.artifact import read
from tests.helpers.sample_transcripts import BODIES, CALL_LESS, document
from tests.helpers.trajectories import ALL, fewer

FILES = fewer(ALL)

CASES = [
    *(pytest.param(body, id=shape) for shape, body in BODIES.items()),
    *(pytest.param(path, id=path.name.removesuffix(".json.gz")) for path in FILES),
]
"""What is read: a sample of each shape, and files that lie beside the repository in some places."""


def visible(text: str) -> str:
    """Text without control characters: line ends may be laid out anew, the rest may not."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "", text)


def strings(value: object) -> Iterator[str]:
    """Every string in a value but the ``type`` of an object, which its block says."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, member in value.items():
            if key != "type" or not isinstance(member, str):
                yield from strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from strings(member)


def is_held(text: str, shown: str) -> bool:
    """Whether text is shown: as it is, as a JSON string, or, if it is JSON, laid out anew."""
    if visible(text) in shown or visible(json.dumps(text, ensure_ascii=False)[1:-1]) in shown:
        return True
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return isinstance(value, dict | list) and all(is_held(item, shown) for item in strings(value))


def load(case: Path | bytes) -> bytes:
    return case if isinstance(case, bytes) else gzip.decompress(case.read_bytes())


@pytest.mark.parametrize("case", CASES)
def test_nothing_of_a_trajectory_is_lost(case: Path | bytes) -> None:
    body = load(case)
    document = json.loads(body)
    transcript = read(body)

    shown = visible(transcript.plain())
    assert [text for text in strings(document) if not is_held(text, shown)] == []

    by_message: dict[int, list[Turn]] = {}
    for turn in transcript.turns:
        if turn.source is not None:
            by_message.setdefault(turn.source, []).append(turn)
    for index, message in enumerate(document["artifacts"]["messages"]):
        shown = visible("\n".join(turn.plain() for turn in by_message[index]))
        lost = [text for text in strings(message) if not is_held(text, shown)]
        assert lost == [], f"message {index}"


@pytest.mark.parametrize("case", CASES)
def test_calls_find_the_results_that_the_artifact_records(case: Path | bytes) -> None:
    artifacts = json.loads(load(case))["artifacts"]
    transcript = read(artifacts)
    if isinstance(case, Path) and "aviary" in case.name:
        pytest.skip("its messages repeat the whole history, its record does not")

    if not artifacts["tool_calls"]:
        pytest.skip("its calls, if any, are written in text, and nobody recorded them")
    exchanges = [exchange for exchange in transcript.exchanges if exchange.call]
    assert len(exchanges) == len(artifacts["tool_calls"])
    failed = [bool(result["is_error"]) for result in artifacts["tool_results"]]
    known = [bool(exchange.error) and not exchange.inferred for exchange in exchanges]
    # A code other than 0 fails a call, whatever the record of another program makes of it.
    assert all(mine or not theirs for mine, theirs in zip(known, failed, strict=False))
    assert sum(known) == sum(failed)
    tools = sorted(call["tool_name"] for call in artifacts["tool_calls"])
    assert sorted(exchange.tool.split("---")[-1] for exchange in exchanges) == tools
    for exchange, recorded in zip(exchanges, artifacts["tool_results"], strict=False):
        if recorded["observation"]:
            assert exchange.result is not None


def test_every_shape_in_them_is_understood() -> None:
    for body in (*BODIES.values(), *map(load, FILES)):
        for turn in read(body).turns:
            unknown = [block for block in turn.blocks if isinstance(block, Unknown)]
            assert not unknown, f"{body[:200]!r}, turn {turn.index}"


def test_explicit_flags_are_never_guessed_over() -> None:
    for body in (*BODIES.values(), *map(load, FILES)):
        transcript = read(body)
        blocks = [block for turn in transcript.turns for block in turn.blocks]
        assert not [b for b in blocks if isinstance(b, ToolResult) and b.inferred and not b.error]


@pytest.mark.parametrize("shape", sorted(BODIES.keys() - CALL_LESS - {"no messages"}))
def test_a_call_finds_its_result_in_the_messages_alone(shape: str) -> None:
    artifacts = document(shape)["artifacts"]
    transcript = read({"messages": artifacts["messages"]})
    [exchange] = [exchange for exchange in transcript.exchanges if exchange.call]
    assert exchange.tool.split("---")[-1] == "lookup"
    assert exchange.result is not None
