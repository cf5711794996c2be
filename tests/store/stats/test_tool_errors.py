"""Which tools failed, with what answer, over the transcripts that were read."""

from __future__ import annotations

from typing import Any

from gymtui.core.pieces import result_of
from gymtui.store.stats.tool_errors import ToolUse, count_tool_uses, tool_tallies
from gymtui.transcript.readers.artifact import read


def artifacts(*answers: tuple[str, Any, bool]) -> dict[str, Any]:
    return {
        "messages": [],
        "tool_calls": [{"tool_server": "mail", "tool_name": tool} for tool, _, _ in answers],
        "tool_results": [{"observation": said, "is_error": error} for _, said, error in answers],
    }


def test_calls_and_the_answers_of_those_that_failed_are_counted() -> None:
    found = count_tool_uses(
        read(
            artifacts(
                ("send", "sent", False),
                ("send", "Error: no user usr_17", True),
                ("read", {"error": {"message": "mail eml_3 not found"}}, True),
                ("read", "Traceback (most recent call last):\n  File x\nKeyError: 'to'", True),
            )
        )
    )
    assert found == (
        ToolUse("mail.send", 2, ("Error: no user <id>",)),
        ToolUse("mail.read", 2, ("mail <id> not found", "KeyError: 'to'")),
    )


def test_the_tool_with_most_errors_comes_first_with_its_commonest_answer() -> None:
    first, second = result_of(
        tool_tallies(
            {
                "one": (ToolUse("send", 5), ToolUse("read", 2, ("gone", "late"))),
                "two": (ToolUse("send", 4, ("full",)), ToolUse("read", 1, ("gone",))),
            }
        )
    )
    assert (first.tool, first.calls, first.errors, first.commonest) == ("read", 3, 3, "gone")
    assert (first.commonest_count, first.rollout_ids) == (2, ("one", "two"))
    assert (second.tool, second.error_share, second.rollout_ids) == ("send", 1 / 9, ("two",))
    (none,) = result_of(tool_tallies({"none": (ToolUse("send", 1),)}))
    assert (none.commonest, none.commonest_count) == (None, 0)
