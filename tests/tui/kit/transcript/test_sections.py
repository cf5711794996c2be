"""Every published trajectory, drawn: all its text is there, clean, no wider than the screen."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path

import pytest

from gymtui.core.text import clean_block, width
from gymtui.transcript import export
from gymtui.transcript.blocks import Text
from gymtui.transcript.body_reader import open_body
from gymtui.transcript.pretty_json import parse_container
from gymtui.transcript.readers.artifact import read
from gymtui.transcript.search import Query, find, passages_of
from gymtui.tui.kit.transcript.line_index import LineIndex
from gymtui.tui.kit.transcript.sections import ViewOptions, lay_out, sections
from tests.conftest import THOROUGH
from tests.helpers.clean_text import is_clean
from tests.helpers.places import TRAJECTORIES as DATA
from tests.helpers.trajectories import ALL as FILES
from tests.helpers.trajectories import fewer

SOME = fewer(FILES)
CELLS = 77

pytestmark = pytest.mark.skipif(not FILES, reason=f"no trajectories in {DATA}")


@pytest.mark.parametrize("path", SOME, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_a_trajectory_is_drawn_clean_and_within_the_screen(path: Path) -> None:
    transcript = open_body(gzip.decompress(path.read_bytes()))
    for shown in (ViewOptions(), ViewOptions(all_open=True)):
        flow = LineIndex(sections(transcript, shown), CELLS)
        for number in range(len(flow.sections)):
            wrapped = flow.wrapped_section(number)
            # Styled or not, a section has the same lines: its height and places stay.
            plain = lay_out(flow.sections[number], styled=False)
            assert plain.text == wrapped.layout.text
            for row in wrapped.rows:
                text = row.line.text[row.start : row.end].rstrip(" ")
                assert is_clean(row.line.text)
                assert width(text) + row.line.indent + row.hang <= CELLS
                covered = [(span.start, span.end) for span in row.line.spans]
                assert covered == sorted(covered)


@pytest.mark.parametrize("path", SOME, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_all_that_is_searched_is_drawn_when_unfolded(path: Path) -> None:
    transcript = open_body(gzip.decompress(path.read_bytes()))
    drawn: dict[tuple[int, int], str] = {}
    joint: dict[tuple[int, int], str] = {}
    for section in sections(transcript, ViewOptions(all_open=True)):
        key = (section.turn, section.block)
        drawn[key] = drawn.get(key, "") + joint.get(key, "") + lay_out(section).text
        whole_line = isinstance(section.source, str) and section.source.endswith("\n")
        joint[key] = "\n" if whole_line else ""
    for passage in passages_of(transcript):
        if passage.text:
            assert drawn.get((passage.turn, passage.block)) == passage.text


def test_places_of_matches_are_places_of_the_drawn_text() -> None:
    checked = 0
    for path in FILES[::3]:
        transcript = open_body(gzip.decompress(path.read_bytes()))
        by_part = {
            (section.turn, section.block, section.part): section
            for section in sections(transcript, ViewOptions(all_open=True))
        }
        text_of = cache(lambda key, by_part=by_part: lay_out(by_part[key]).text)
        for match in find(passages_of(transcript), Query(text="error")):
            text = text_of((match.turn, match.block, match.part))
            if match.end <= len(text):
                assert text[match.start : match.end].lower() == "error", path.name
                checked += 1
    assert checked > 500


@pytest.mark.parametrize(
    "path",
    FILES[::5] if THOROUGH else SOME[::3],
    ids=lambda path: path.name.removesuffix(".json.gz"),
)
def test_exports_are_clean_documents_that_hold_the_words(path: Path) -> None:
    transcript = open_body(gzip.decompress(path.read_bytes()))
    for document in (export.markdown(transcript), export.text(transcript)):
        assert is_clean(document, block=True)
        for turn in transcript.turns:
            for block in turn.blocks:
                if (
                    isinstance(block, Text) and parse_container(block.text) is None
                ):  # JSON is laid out
                    lines = clean_block(block.text).split("\n")
                    assert all(line.strip() in document for line in lines)


def test_reading_in_pieces_makes_no_difference() -> None:
    for path in SOME:
        body = gzip.decompress(path.read_bytes())
        padded = body.rstrip()[:-1] + b', "padding": "' + b"x" * 600_000 + b'"}'
        assert open_body(padded) == read(padded), path.name


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"artifacts": null}',
        b'{"artifacts": {"messages": []}}',
        b'{"artifacts": {"messages": null, "error": "Cancelled"}}',
        b'{"messages": [{"role": "user", "content": "\\ud800 lone"}]}',
        b'{"messages": [{"role": "user", "content": NaN}]}',
        b'{"messages": [' + b"[" * 3000 + b"]" * 3000 + b"]}",
        json.dumps({"messages": [{"role": "user", "content": "x" * 100_000}]}).encode(),
        json.dumps({"messages": [{"role": "tool", "content": {"a": ["b"] * 200_000}}]}).encode(),
        json.dumps({"messages": [{"role": "user", "content": "word\n" * 1_000_000}]}).encode(),
        b"<html>not JSON</html>" * 40_000,
    ],
    ids=range(14),
)
def test_odd_and_huge_transcripts_are_drawn(body: bytes) -> None:
    flow = LineIndex(sections(open_body(body), ViewOptions()), CELLS)
    end = flow.end()
    assert flow.window(flow.place_beyond(end, -40), 50)
    assert flow.window(flow.place_at(flow.total // 2), 50)
