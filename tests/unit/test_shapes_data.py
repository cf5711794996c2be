"""Every published trajectory is read whole, and its calls find their results."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gymtui.transcript.blocks import ToolResult, Turn, Unknown
from gymtui.transcript.shapes import read

DATA = Path(__file__).parents[3] / "shared" / "data" / "trajectories" / "dev"
FILES = sorted(DATA.glob("*.json.gz"))

pytestmark = pytest.mark.skipif(not FILES, reason=f"no trajectories in {DATA}")


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


def load(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_nothing_of_a_trajectory_is_lost(path: Path) -> None:
    body = load(path)
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


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_calls_find_the_results_that_the_artifact_records(path: Path) -> None:
    artifacts = json.loads(load(path))["artifacts"]
    transcript = read(artifacts)
    if "aviary" in path.name:
        pytest.skip("its messages repeat the whole history, its record does not")

    exchanges = [exchange for exchange in transcript.exchanges if exchange.call]
    assert len(exchanges) == len(artifacts["tool_calls"])
    failed = sum(bool(result["is_error"]) for result in artifacts["tool_results"])
    assert sum(bool(exchange.error) for exchange in exchanges) == failed
    tools = sorted(call["tool_name"] for call in artifacts["tool_calls"])
    assert sorted(exchange.tool.split("---")[-1] for exchange in exchanges) == tools
    for exchange, recorded in zip(exchanges, artifacts["tool_results"], strict=False):
        if recorded["observation"]:
            assert exchange.result is not None


def test_every_shape_in_them_is_understood() -> None:
    for path in FILES:
        for turn in read(load(path)).turns:
            unknown = [block for block in turn.blocks if isinstance(block, Unknown)]
            assert not unknown, f"{path.name}, turn {turn.index}"


def test_explicit_flags_are_never_guessed_over() -> None:
    for path in FILES:
        transcript = read(load(path))
        blocks = [block for turn in transcript.turns for block in turn.blocks]
        assert not [b for b in blocks if isinstance(b, ToolResult) and b.inferred and not b.error]
