"""The head of a transcript: what is known of it as a whole, and where that is from."""

import json
from typing import Any

import pytest

from gymtui.core.replacement import replace
from gymtui.transcript import export
from gymtui.transcript.blocks import Extras
from gymtui.transcript.facts import OPENING, facts, opening
from gymtui.transcript.readers.artifact import read
from gymtui.transcript.search import Query, find, passages_of
from gymtui.transcript.stops import turns
from gymtui.transcript.usage import Usage
from gymtui.tui.kit.transcript.sections import ViewOptions, heading, sections

METRICS = {"prompt_tokens": 8, "completion_tokens": 1, "cached_tokens": 2}


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


def test_a_task_that_is_given_as_messages_is_told_in_words() -> None:
    picture = {"type": "image", "image": "data:image/png;base64,iVBORw0KGgo="}
    said = {"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]}
    given = read({"task": json.dumps([said]), "messages": []})
    assert opening(given) == "task as given:\nWhat is this?\n[image image/png, 8 bytes]"
    assert not opening(read({"task": json.dumps([said]), "messages": [said]}))
    assert read({"task": '[{"x": 1}]', "messages": []}).task == '[{"x": 1}]'


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
            Usage(5, 2, cached_tokens=4),
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
            Usage(4, 2, cost_usd=0.5, cached_tokens=3),
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
    unfolded = sections(transcript, ViewOptions(toggled=frozenset({(0, 1)})))
    assert [section.block for section in unfolded] == [-1, 0, 1]


def test_the_models_of_a_session_are_named_at_its_head() -> None:
    spoken = [{"role": "assistant", "content": "x", "model": model} for model in ("a", "b")]
    assert dict(facts(read(spoken)))["model"] == "a, b"
    assert dict(facts(read({"messages": spoken, "model": "a"})))["model"] == "a, also b"


def test_how_often_each_tool_was_called_and_failed_is_told_first() -> None:
    def call(tool: str, *, error: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
        name, _, server = tool.partition("@")
        recorded = {"tool_name": name, "tool_server": server or None}
        return recorded, {"observation": "x", "is_error": error}

    made = [call("bash"), call("bash", error=True), call("get@a"), call("get@b"), call("bash")]
    calls, results = zip(*made, strict=True)
    transcript = read({"messages": [], "tool_calls": list(calls), "tool_results": list(results)})
    told = "bash ×3 (1 ✗) · a.get ×1 · b.get ×1"
    assert dict(facts(transcript))["calls"] == told
    assert told in opening(replace(transcript, extras=Extras({"reward": 1})))
    assert opening(transcript) == ""
    many = read({"messages": [], "tool_calls": list(calls) * 5})
    assert "bash ×15 · a.get ×5 · b.get ×5" in opening(many)


def test_a_dozen_tools_are_named_and_the_others_counted() -> None:
    calls = [{"tool_name": f"tool{number}", "parameters": {}} for number in range(15)]
    known = dict(facts(read({"messages": [], "tool_calls": calls})))
    assert known["calls"].endswith("tool11 ×1 · 3 more")


def test_what_openhands_counts_up_is_the_last_count() -> None:
    def event(prompt: int, cost: float) -> dict[str, Any]:
        counted = {"prompt_tokens": prompt, "completion_tokens": prompt // 10}
        metrics = {"accumulated_cost": cost, "accumulated_token_usage": counted}
        return {"source": "agent", "action": "run", "args": {}, "llm_metrics": metrics}

    seen = {"source": "agent", "observation": "run", "content": "x"}
    assert read([event(10, 0.1), event(30, 0.5), seen]).usage == Usage(30, 3, cost_usd=0.5)
    assert read([event(10, 0.0)]).usage == Usage(10, 1)


def test_how_long_it_took_is_the_time_between_its_turns_where_nothing_says_it() -> None:
    assert dict(facts(read(asked())))["first to last turn"] == "4.0 s"
    known = dict(facts(read({"messages": asked(), "metadata": {"duration": 9.0}})))
    assert "first to last turn" not in known and known["seconds"] == "9"
    assert dict(facts(read({"messages": [], "metadata": {"generation_ms": 1500.0}})))[
        "seconds"
    ] == ("1.5")


def test_overlong_names_and_ends_do_not_fill_the_head() -> None:
    calls = [{"tool_name": "a_long_name_" * 30, "parameters": {}}]
    metadata = {"exit_status": "broken " * 200}
    known = dict(facts(read({"messages": [], "tool_calls": calls, "metadata": metadata})))
    assert len(known["calls"]) < 50 and len(known["ended"]) <= 200


def test_a_turn_says_what_its_model_read_and_wrote_and_which_it_is_exactly() -> None:
    cached = {"prompt_tokens": 1_000, "completion_tokens": 20}
    usage = {**cached, "prompt_tokens_details": {"cached_tokens": 750}}
    said = {"role": "assistant", "content": "a", "usage": usage, "model": "gpt-5-2026-05-01"}
    again = {**said, "model": "openai/gpt-5-2026-05-01"}
    told = read({"model": "openai/gpt-5", "messages": [said, {"role": "user"}, again]})
    assert [turn.used for turn in told.turns] == ["1,000 in, 20 out", "", "1,000 in, 20 out"]
    assert [turn.notes for turn in told.turns] == [("model gpt-5-2026-05-01",), (), ()]
    assert dict(facts(told))["prompt tokens"] == "2,000 (75% cached)"
    # Whose name the head has already, but for the provider, is no other.
    same = read({"model": "openai/gpt-5", "messages": [{**said, "model": "gpt-5"}]})
    assert same.turns[0].notes == ()
    assert "1 assistant  model gpt-5-2026-05-01  1,000 in, 20 out" in heading(told.turns[0]).text


def test_events_of_one_answer_say_once_what_it_used() -> None:
    answer = {"id": "r", "usage": {"prompt_tokens": 9, "completion_tokens": 2}}
    event = {"source": "agent", "action": "run", "args": {"command": "ls"}}
    told = read([{**event, "tool_call_metadata": {"model_response": answer}}] * 2)
    assert [turn.used for turn in told.turns] == ["", "9 in, 2 out"]
    assert (told.usage.prompt_tokens, told.usage.completion_tokens) == (9, 2)


def test_of_one_answer_in_several_messages_the_last_says_what_was_used() -> None:
    parts = [
        {"id": "a", "usage": {"input_tokens": 3, "cache_read_input_tokens": 7, "output_tokens": n}}
        for n in (1, 9)
    ]
    told = read([{"role": "assistant", "content": "x", **part} for part in parts])
    assert [turn.used for turn in told.turns] == ["", "10 in, 9 out"]
    assert told.usage.cached_share == 0.7


@pytest.mark.parametrize(
    "metrics",
    [
        {"metadata": {"final_metrics": {"total_prompt_tokens": 8, "total_cached_tokens": 2}}},
        {"steps": [{"step_id": 1, "source": "agent", "message": "a", "metrics": METRICS}]},
    ],
)
def test_the_share_of_cached_tokens_is_known(metrics: dict[str, Any]) -> None:
    assert read(metrics).usage.cached_share == 0.25
