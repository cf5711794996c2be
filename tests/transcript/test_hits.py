"""Hits in a transcript: what one shows of the passage that it is in."""

from __future__ import annotations

import pytest

from gymtui.transcript import hits
from gymtui.transcript.blocks import BlockKind
from gymtui.transcript.hits import AFTER, BEFORE, SpokenPassage, find_hits, parse_search
from gymtui.transcript.search import Passage


@pytest.mark.parametrize("typed", ["found", "role:tool", "/found.*/"])
@pytest.mark.parametrize("tool", ["", "shop.find"])
def test_a_hit_without_its_passage_shows_the_same(typed: str, tool: str) -> None:
    line = "found" + "a" * 2 * AFTER + "\n"
    text = f"← shop.find\n{'b ' * BEFORE}{line}{'c' * 500} found\n{line}" + "d" * 500
    spoken = SpokenPassage(Passage(3, 1, text, (0, 300, 900)), BlockKind.TOOL, tool, error=True)
    hits = list(find_hits([spoken], parse_search(typed)))
    assert len(hits) == (1 if ":" in typed else 3)
    for hit in hits:
        alone = hit.alone()
        for name in ("match", "who", "before", "text", "after"):
            assert getattr(alone, name) == getattr(hit, name), name
        assert len(alone.spoken.passage.text) <= BEFORE + 2 * AFTER


def test_hits_are_places_until_they_are_looked_at_and_not_endless(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spoken = [SpokenPassage(Passage(n, 0, "aXa Ä ax"), BlockKind.TOOL, "", False) for n in (0, 1)]
    found = find_hits(spoken, parse_search("ax"))
    assert [(hit.match.turn, hit.start, hit.text) for hit in found] == [
        (turn, start, text) for turn in (0, 1) for start, text in ((0, "aX"), (6, "ax"))
    ]
    assert len(found) == 4
    monkeypatch.setattr(hits, "MOST", 3)
    found = find_hits(spoken, parse_search("ax"))
    assert (len(found), len([*found])) == (3, 3)


def test_a_snippet_leaves_out_the_line_that_names_the_tool() -> None:
    passage = Passage(0, 0, "← shop.find\nnot found, shop.find said")
    spoken = SpokenPassage(passage, BlockKind.TOOL, "shop.find", error=False)
    [hit] = find_hits([spoken], parse_search("not"))
    assert (hit.before, hit.text, hit.after) == ("", "not", " found, shop.find said")
    heads = find_hits([spoken], parse_search("shop"))
    assert [found.before for found in heads] == ["← ", "not found, "]
