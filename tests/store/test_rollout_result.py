"""What a rollout's record says of its end: every word of it, and nothing before it has ended."""

from __future__ import annotations

from typing import Any

import pytest

from gymtui.api.models import Rollout
from gymtui.store.records import RolloutRow
from gymtui.store.rollout_result import rollout_result
from gymtui.transcript import export
from gymtui.transcript.blocks import Ending, Transcript
from gymtui.transcript.outline import endings
from gymtui.transcript.readers.artifact import read
from gymtui.transcript.search import Query, find, passages_of
from gymtui.tui.kit.rollout_details import rollout_details
from gymtui.tui.kit.transcript.sections import ViewOptions, lay_out, sections


def rollout(**fields: Any) -> Rollout:
    return Rollout.model_validate({"rollout_id": "r", "status": "completed", **fields})


def test_a_fail_is_told_with_its_whole_message_and_all_that_the_verifier_says() -> None:
    message = "Wrong: " + "the request was never approved, " * 40 + "at all\nMissing: an email"
    result = {
        "success": False,
        "message": message,
        "error": "judge was cut off",
        "score": 0.25,
        "verdict": "FAIL",
        "confidence": 0.9,
        "failed_criteria": ["names the room", "tells everyone"],
        "evidence": ["turn 4"],
        "dimension_scores": [{"dimension": "tone", "score": 0.5, "reason": "curt"}],
    }
    ending = rollout_result(rollout(result=result, termination_reason="agent_done"))
    assert ending is not None
    assert ending.failed
    first, *others = ending.text.split("\n")
    assert first == "✗ fail"
    assert "\n".join(others) == (
        f"{message}\nerror: judge was cut off\nscore 0.25 · verdict FAIL · confidence 0.9\n"
        "failed criteria:\n- names the room\n- tells everyone\nevidence:\n- turn 4\n"
        "tone 0.5: curt\nended: agent_done"
    )


def test_a_pass_is_told_and_is_no_failure() -> None:
    assert rollout_result(rollout(result={"success": True, "message": "All met"})) == Ending(
        "result", "✓ pass\nAll met", failed=False
    )


def test_what_ended_without_a_verifier_tells_why() -> None:
    ending = rollout_result(
        rollout(status="workspace_error", termination_reason="image pull failed")
    )
    assert ending is not None
    assert ending.failed
    assert ending.text.endswith("\nended: image pull failed")


@pytest.mark.parametrize(("status", "word"), [("archived", "archived"), (None, "–")])
def test_a_status_that_nobody_knows_is_said_as_it_came(status: str | None, word: str) -> None:
    ending = rollout_result(rollout(status=status, termination_reason="moved away"))
    assert ending is not None
    assert ending.text.split("\n")[0].endswith(f" {word}")


@pytest.mark.parametrize(
    "fields", [{"status": "running"}, {"status": "pending"}, {"status": "completed"}]
)
def test_where_there_is_nothing_to_tell_there_is_no_result(fields: dict[str, Any]) -> None:
    assert rollout_result(rollout(**fields)) is None


@pytest.mark.parametrize(
    "nothing", ["\x1b[31m\x1b[0m", "\x00\x07", " \n\t", "\u200b", "\x1b]0;title\x07"]
)
def test_words_in_which_there_is_nothing_to_read_are_not_told(nothing: str) -> None:
    result = {
        "success": False,
        "message": nothing,
        "error": nothing,
        "verdict": nothing,
        "failed_criteria": [nothing, "names the room"],
        "evidence": [nothing],
        "dimension_scores": [{"dimension": nothing, "reason": nothing, "score": 0.5}],
    }
    row = rollout(result=result, termination_reason=nothing, status="failed")
    found = rollout_result(row)
    assert found is not None
    assert found.text.split("\n")[1:] == ["failed criteria:", "- names the room", "dimension 0.5"]
    told = rollout_details(RolloutRow("r", "run", b"", 0, 0, row), (), 80, 4)
    assert "ended" not in "".join(piece.text for line in told for piece in line)
    assert rollout_result(rollout(termination_reason=nothing)) is None


def ended(message: str = "Missing: event 7") -> Transcript:
    transcript = read({"messages": [{"role": "user", "content": "Missing?"}], "error": "broke"})
    found = rollout_result(rollout(result={"success": False, "message": message}))
    return Transcript(transcript.turns, error=transcript.error, result=found)


def test_every_ending_has_its_own_place_beyond_the_turns() -> None:
    transcript = ended()
    assert [(entry.turn, entry.words, entry.error) for entry in endings(transcript)] == [
        (1, "error", True),
        (2, "result", True),
    ]
    titles = [(s.turn, lay_out(s).text) for s in sections(transcript, ViewOptions()) if s.block < 0]
    assert titles[1:] == [(1, "error"), (2, "result")]
    found = find(passages_of(transcript), Query(text="missing"))
    assert [(match.turn, match.block) for match in found] == [(0, 0), (2, 0)]


def test_a_match_is_found_where_it_is_drawn() -> None:
    transcript = ended("\x1b[31m\x9b2J Missing:\t" + "word " * 9000 + "needle")
    (match,) = find(passages_of(transcript), Query(text="needle"))
    texts = {
        (s.turn, s.block, s.part): lay_out(s).text for s in sections(transcript, ViewOptions())
    }
    place = texts[match.turn, match.block, match.part]
    assert place[match.start : match.end] == "needle"


def test_what_is_drawn_and_exported_of_it_is_clean() -> None:
    transcript = ended("\x1b]52;c;AAAA\x07 \u202eMissing\x9b2J")
    drawn = "\n".join(lay_out(section).text for section in sections(transcript, ViewOptions()))
    documents = [export.render(transcript, form) for form in ("markdown", "text")]
    for text in (drawn, *documents):
        assert "Missing" in text
        assert not set(text) & {"\x1b", "\x07", "\x9b", "\u202e"}
