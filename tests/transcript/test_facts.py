"""The head of a transcript: what is known of it as a whole, and where that is from."""

from typing import Any

import pytest

from gymtui.transcript import export
from gymtui.transcript.blocks import Usage
from gymtui.transcript.facts import OPENING, facts, opening
from gymtui.transcript.readers.artifact import read
from gymtui.transcript.search import Query, find, passages_of
from gymtui.transcript.stops import turns
from gymtui.tui.kit.transcript.sections import ViewOptions, sections


def asked(seconds: tuple[int, int, int] = (0, 3, 4)) -> list[dict[str, Any]]:
    roles = ("user", "assistant", "tool")
    return [
        {"role": role, "content": f"says {role}", "timestamp": f"2026-03-20T10:00:{second:02d}Z"}
        for role, second in zip(roles, seconds, strict=True)
    ]


DOCUMENT = {
    "task": "You are Amelia.\nCancel it.",
    "model": "m-1",
    "messages": asked(),
    "metadata": {
        "settings": {"temperature": 0.5, "max_tokens": 4096},
        "reward": 0.0,
        "scores": {"includes": "C"},
        "success": False,
        "termination_reason": "user_stop",
    },
}


def test_facts_tell_settings_times_reward_and_score() -> None:
    known = dict(facts(read(DOCUMENT)))
    assert known["settings"] == "temperature 0.5 · max_tokens 4096"
    assert (known["model time"], known["tool time"]) == ("3.0 s", "1.0 s")
    assert (known["reward"], known["score"]) == ("0", '{"includes": "C"}')
    assert (known["success"], known["ended"]) == ("false", "user_stop")


def test_a_task_that_no_turn_says_stands_over_the_first_in_every_view() -> None:
    transcript = read(DOCUMENT)
    assert "task as given:\nYou are Amelia.\nCancel it." in opening(transcript)
    assert next(turns(transcript)).turn == OPENING
    first, *_ = sections(transcript, ViewOptions())
    assert (first.turn, first.source) == (OPENING, "about")
    assert [match.turn for match in find(passages_of(transcript), Query(text="amelia"))] == [-1]
    assert "== task\n   You are Amelia.\n   Cancel it." in export.text(transcript)
    assert "You are Amelia.\nCancel it." in export.markdown(transcript)


def test_a_task_that_a_turn_says_is_not_said_twice() -> None:
    messages = [{"role": "user", "content": "Help me:\n You are  Amelia. Cancel it.\nNow."}]
    transcript = read(DOCUMENT | {"messages": messages})
    assert "Amelia" not in opening(transcript)
    assert "== task" not in export.text(transcript)


def test_nothing_stands_over_a_transcript_of_which_nothing_is_known() -> None:
    transcript = read({"messages": asked(), "model": "m", "task_id": "t"})
    assert opening(transcript) == ""
    assert next(turns(transcript)).turn == 0


def test_what_was_observed_last_is_not_said_again_below_the_turn_that_says_it() -> None:
    messages = [{"role": "assistant", "content": "I stop.\n<function=stop>\n</function>"}]
    again = {"messages": messages, "final_observation": "I stop.\n<function=stop>\n</function>"}
    assert read(again).endings == ()
    assert [e.title for e in read(again | {"final_observation": "x"}).endings] == [
        "final observation"
    ]


@pytest.mark.parametrize(
    ("messages", "usage"),
    [
        ([{"usage": {"prompt_tokens": 5, "completion_tokens": 2}}] * 2, Usage(10, 4)),
        (
            [{"usage": {"input_tokens": 1, "cache_read_input_tokens": 4, "output_tokens": 2}}],
            Usage(5, 2),
        ),
        (
            # One answer over two messages, as Claude Code has them.
            [
                {"id": "m", "usage": {"input_tokens": 5, "output_tokens": 1}},
                {"id": "m", "usage": {"input_tokens": 5, "output_tokens": 9}},
            ],
            Usage(5, 9),
        ),
        (
            [{"usage": {"input": 1, "output": 2, "cacheRead": 3, "cost": {"total": 0.5}}}],
            Usage(4, 2, cost_usd=0.5),
        ),
        (
            [
                {
                    "extra": {
                        "cost": 0.25,
                        "response": {"usage": {"prompt_tokens": 5, "completion_tokens": 2}},
                    }
                }
            ],
            Usage(5, 2, cost_usd=0.25),
        ),
        ([{"prompt_tokens": 5, "completion_tokens": 2, "cost": 0.1}], Usage(5, 2, cost_usd=0.1)),
        ([{"usage": {"prompt_tokens": 5}}], Usage(5)),
        ([{"usage": {"prompt_tokens": -5}}, {"usage": "much"}], Usage()),
        ([{"prompt_tokens": 0, "completion_tokens": 0}], Usage()),
    ],
)
def test_tokens_and_cost_are_summed_where_there_is_no_total(
    messages: list[dict[str, Any]], usage: Usage
) -> None:
    spoken = [{"role": "assistant", "content": "x", **message} for message in messages]
    assert read(spoken).usage == usage
    of_others = [{"role": "user", "content": "x", **message} for message in messages]
    assert read(of_others).usage == Usage()


def test_a_total_counts_before_any_sum() -> None:
    messages = [{"role": "assistant", "content": "x", "usage": {"prompt_tokens": 5}}]
    metadata = {"model_stats": {"tokens_sent": 70, "tokens_received": 7, "instance_cost": 1.5}}
    assert read({"messages": messages, "metadata": metadata}).usage == Usage(70, 7, cost_usd=1.5)


def test_thoughts_are_marked_in_exports_as_on_screen() -> None:
    message = {"role": "assistant", "reasoning_content": "Where is it?\nThere.", "content": "Here."}
    transcript = read([message])
    assert "   ∴ Where is it?\n   There.\n   Here." in export.text(transcript)
    assert "> ∴ Where is it?\n> There." in export.markdown(transcript)


def test_other_fields_of_a_message_are_shown_only_when_it_is_unfolded() -> None:
    transcript = read([{"role": "assistant", "content": "Hi", "usage": {"output_tokens": 7}}])
    assert [section.block for section in sections(transcript, ViewOptions())] == [-1, 0]
    unfolded = sections(transcript, ViewOptions(turned=frozenset({(0, 1)})))
    assert [section.block for section in unfolded] == [-1, 0, 1]


def test_the_models_of_a_session_are_named_at_its_head() -> None:
    spoken = [{"role": "assistant", "content": "x", "model": model} for model in ("a", "b")]
    assert dict(facts(read(spoken)))["model"] == "a, b"
    assert dict(facts(read({"messages": spoken, "model": "a"})))["model"] == "a, also b"
