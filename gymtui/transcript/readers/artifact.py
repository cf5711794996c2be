"""Any message list or artifact, read into a `Transcript`: nothing is dropped, nothing raises.

This module tells what kind of document it is given and puts the result together; what the elements
of its messages are is told by `element`. Shapes: ``API.md`` and FORMATS.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gymtui.core.replacement import replace
from gymtui.transcript import pairing
from gymtui.transcript.blocks import (
    BlockKind,
    Exchange,
    Extras,
    Image,
    Place,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
    Turn,
    Unknown,
)
from gymtui.transcript.pairing import CallPair, DraftPlace, Label
from gymtui.transcript.pretty_json import NotJsonError, as_text, decode, parse_container
from gymtui.transcript.readers import events, recorded_calls, token_usage, written_calls
from gymtui.transcript.readers.element import read_element, reader_of
from gymtui.transcript.readers.fields import Draft, Fields, is_empty, value_at, without_empty
from gymtui.transcript.readers.timestamps import parse_time
from gymtui.transcript.usage import Usage

_LISTS = ("messages", "steps", "history", "trajectory", "contents")
"""Under which name a document has its messages: the vendor's, Harbor's, SWE-agent's, Gemini's."""
_LAST = 4  # turns in which what was observed last may stand


def read(source: bytes | str | Mapping[str, object] | list[object]) -> Transcript:
    """Read an artifact.

    Args:
        source: A JSON document or its value: the API's ``{rollout_id, artifacts}``, bare artifacts,
            Harbor's ``trajectory.json``, or a bare message list.

    Returns:
        Its transcript; a single unknown turn when it is nothing of the kind.
    """
    value: object = source
    if isinstance(source, bytes | str):
        try:
            value = decode(source)
        except NotJsonError:
            value = as_text(source)
    if isinstance(value, list):
        value = {"messages": value}
    if not isinstance(value, Mapping):
        return _assembled([Draft("", BlockKind.OTHER, [Unknown(value)])], [], Fields({}))
    outer = Fields(value)
    if (inner := outer.mapping("artifacts")) is not None:
        rollout_id = outer.text("rollout_id")
        fields = Fields(inner)
        if rest := without_empty(outer.rest):
            fields.rest["answer"] = rest
        return replace(_artifact(fields), rollout_id=rollout_id)
    if reader_of(value) is not None and not any(name in value for name in _LISTS):
        return _artifact(Fields({"messages": [value]}))
    rollout_id = outer.text("rollout_id")
    return replace(_artifact(outer), rollout_id=rollout_id)


def _artifact(fields: Fields) -> Transcript:
    drafts: list[Draft] = []
    tools: set[str] = set()
    models: set[str] = set()
    asides: list[object] = []  # of the turn before, or of the first
    for index, element in enumerate(_elements(fields)):
        for draft in read_element(element):
            draft.source = index
            models.update(filter(None, (draft.model,)))
            if draft.is_aside:
                asides.append(draft.rest)
                continue
            _name_is_role(draft, tools)
            if drafts:
                drafts[-1].keep(token_usage.ASIDES, asides)
                asides = []
            drafts.append(draft)
    if asides:
        drafts = drafts or [Draft("", BlockKind.OTHER)]
        drafts[-1].keep(token_usage.ASIDES, asides)
    written_calls.read_written(drafts)
    told = fields.rest.get("model")
    _note_models(drafts, told if isinstance(told, str) else _agents_model(fields))
    answers = token_usage.note_tokens(drafts)
    pairs = pairing.pair_calls(drafts)
    calls, results = fields.items("tool_calls"), fields.items("tool_results")
    recorded_calls.add_recorded(drafts, pairs, calls, results)
    recorded_calls.infer_errors(drafts)
    found = _assembled(drafts, pairs, fields, answers)
    return found if found.model or len(models) != 1 else replace(found, model=models.pop())


def _elements(fields: Fields) -> list[object]:
    """Take the message list; messages that are no list are one thing nobody understands."""
    for name in _LISTS:
        if found := fields.items(name):
            agents = fields.items("subagent_trajectories")
            if not agents:
                return found
            found, left = events.with_subagents(found, agents)
            if left:
                fields.rest["subagent_trajectories"] = left
            return found
    odd = fields.any("messages")
    return [] if is_empty(odd) else [odd]


def _note_models(drafts: list[Draft], known: str | None) -> None:
    """Note with each turn where another model begins than before, or than the `known` one."""
    named = {draft.model for draft in drafts if draft.model}
    before = known if known or len(named) != 1 else named.pop()
    for draft in drafts:
        if draft.model is not None and _bare(draft.model) != _bare(before or ""):
            draft.notes.insert(0, f"model {draft.model}")
            before = draft.model


def _bare(model: str) -> str:
    """A model's name without the provider before it."""
    return model.rpartition("/")[2]


def _name_is_role(draft: Draft, tools: set[str]) -> None:
    """Take a message whose role is a tool called before for that tool's answer (langgraph-js)."""
    if draft.kind is BlockKind.OTHER and draft.role in tools:
        draft.kind = BlockKind.TOOL
        for index, block in enumerate(draft.blocks):
            if isinstance(block, Text):
                draft.blocks[index] = ToolResult(block.text, name=draft.role)
    tools.update(block.name for block in draft.blocks if isinstance(block, ToolCall))


def _assembled(
    drafts: list[Draft], pairs: list[CallPair], fields: Fields, answers: token_usage.Answers = ()
) -> Transcript:
    turn_of = {id(draft): index for index, draft in enumerate(drafts)}
    times = [parse_time(draft.stamp) for draft in drafts]
    labels = pairing.label_pairs(pairs, turn_of)
    answered = any(pair.call and pair.result for pair in pairs)
    exchanges = tuple(
        _exchange(number, pair, labels.get(number, Label()), turn_of, times, answered=answered)
        for number, pair in enumerate(pairs)
    )
    turns = []
    before: datetime | None = None
    for index, (draft, time) in enumerate(zip(drafts, times, strict=True)):
        turns.append(
            Turn(
                index=index,
                role=draft.role,
                kind=draft.kind,
                blocks=draft.finished(),
                source=draft.source,
                name=draft.name,
                stamp="" if draft.stamp is None else str(draft.stamp),
                timestamp=time,
                duration_s=_seconds(before, time),
                error=draft.error,
                notes=tuple(draft.notes),
                used=draft.used,
            )
        )
        before = time or before
    usage = token_usage.usage_of(fields.rest, drafts, answers)
    return _with_header(tuple(turns), exchanges, fields, usage)


def _exchange(
    number: int,
    pair: CallPair,
    label: Label,
    turn_of: Mapping[int, int],
    times: list[datetime | None],
    *,
    answered: bool,
) -> Exchange:
    """Number a pair and label it, in its blocks too; `answered`: whether any has a result."""
    tool, server, error, inferred = "", None, None, False
    called = pair.call and pair.call.content
    if pair.call is not None and isinstance(called, ToolCall):
        tool, server = called.tool, called.server
        unanswered = answered and pair.result is None
        pair.call.content = replace(
            called, number=number, ordinal=label.ordinal, unanswered=unanswered
        )
    result = pair.result and pair.result.content
    if pair.result is not None and isinstance(result, ToolResult):
        error, inferred = result.error, result.inferred
        if called is None:
            tool, server = result.name or "", result.server
        pair.result.content = replace(
            result,
            number=number,
            answers=called if isinstance(called, ToolCall) else None,
            asked=label.asked,
            ordinal=label.ordinal,
        )
    called_at, answered_at = _place(pair.call, turn_of), _place(pair.result, turn_of)
    duration = (
        _seconds(times[called_at.turn], times[answered_at.turn])
        if called_at and answered_at
        else None
    )
    return Exchange(number, server, tool, called_at, answered_at, error, duration, inferred)


def _place(spot: DraftPlace | None, turn_of: Mapping[int, int]) -> Place | None:
    return None if spot is None else Place(turn_of[id(spot.draft)], spot.block)


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None or end < start:
        return None
    return (end - start).total_seconds()


def _with_header(
    turns: tuple[Turn, ...], exchanges: tuple[Exchange, ...], fields: Fields, usage: Usage
) -> Transcript:
    seen = fields.text("final_observation")
    created_at = fields.rest.get("created_at")
    return Transcript(
        turns,
        exchanges,
        version=fields.text("version"),
        task_id=fields.text("task_id"),
        task=_task(fields.text("task")),
        model=fields.text("model") or _agents_model(fields),
        provider=fields.text("provider"),
        steps_taken=_count(fields, "steps_taken"),
        max_steps=_count(fields, "max_steps"),
        error=fields.text("error"),
        final_observation=None if seen is None or _is_said(turns, seen) else seen,
        created_at=parse_time(created_at),
        usage=usage,
        extras=Extras({key: value for key, value in fields.rest.items() if not is_empty(value)}),
    )


def _task(task: str | None) -> str | None:
    """The task as words, where it is given as messages (Inspect); else as it came."""
    given = parse_container(task) if task else None
    if not isinstance(given, list):
        return task
    blocks = [block for item in given for draft in read_element(item) for block in draft.blocks]
    if not all(isinstance(block, Text | Image) for block in blocks):
        return task
    return "\n".join(block.text for block in blocks) or task


def _agents_model(fields: Fields) -> str | None:
    """The model of Harbor's ``agent``, which stays among the extras."""
    name = value_at(fields.rest, "agent.model_name")
    return name if isinstance(name, str) and name else None


def _is_said(turns: tuple[Turn, ...], seen: str) -> bool:
    """Whether one of the last turns is what was observed last."""
    for turn in turns[-_LAST:]:
        texts = [
            block.wording or "" if isinstance(block, ToolCall) else block.text
            for block in turn.blocks
            if not isinstance(block, Extras)
        ]
        if "".join(texts).strip() == seen.strip():
            return True
    return False


def _count(fields: Fields, key: str) -> int | None:
    value = fields.rest.get(key)
    if not token_usage.is_amount(value) or not isinstance(value, int):
        return None
    del fields.rest[key]
    return value
