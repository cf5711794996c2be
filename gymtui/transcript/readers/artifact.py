"""Any message list or artifact, read into a `Transcript`: nothing is dropped, nothing raises.

This module tells what kind of document and element it is given and puts the result together; the
readers for each family are its siblings. Shapes: ``API.md`` and FORMATS.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from gymtui.transcript import pairing
from gymtui.transcript.blocks import (
    Block,
    BlockKind,
    Exchange,
    Extras,
    Place,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
    Turn,
    Unknown,
)
from gymtui.transcript.pairing import Label, Pair, Spot
from gymtui.transcript.pretty_json import NotJsonError, as_text, decode
from gymtui.transcript.readers import events, messages, recorded_calls, token_usage, written_calls
from gymtui.transcript.readers.fields import Draft, Fields, is_empty, take_stamp
from gymtui.transcript.readers.timestamps import instant
from gymtui.transcript.usage import Usage

Reader = Callable[[Mapping[str, object]], list[Draft]]
Element = Mapping[str, object]

_LISTS = ("messages", "steps", "history", "trajectory", "contents")
"""Under which name a document has its messages: the vendor's, Harbor's, SWE-agent's, Gemini's."""
_LAST = 4
"""Turns in which what was observed last may stand."""
_SPEAKERS = ("human", "ai", "user", "assistant", "system", "tool")


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
            return _assembled(
                [Draft("", BlockKind.OTHER, [Unknown(as_text(source))])], [], Fields({})
            )
    if isinstance(value, list):
        value = {"messages": value}
    if not isinstance(value, Mapping):
        return _assembled([Draft("", BlockKind.OTHER, [Unknown(value)])], [], Fields({}))
    outer = Fields(value)
    if (inner := outer.mapping("artifacts")) is not None:
        rollout_id = outer.text("rollout_id")
        fields = Fields(inner)
        if rest := {key: item for key, item in outer.rest.items() if not is_empty(item)}:
            fields.rest["answer"] = rest
        return replace(_artifact(fields), rollout_id=rollout_id)
    if _reader_of(value) is not _unknown and not any(name in value for name in _LISTS):
        return _artifact(Fields({"messages": [value]}))
    rollout_id = outer.text("rollout_id")
    return replace(_artifact(outer), rollout_id=rollout_id)


def _artifact(fields: Fields) -> Transcript:
    drafts: list[Draft] = []
    tools: set[str] = set()
    models: set[str] = set()
    asides: list[object] = []  # of the turn before, or of the first
    for index, element in enumerate(_elements(fields)):
        for draft in _element(element):
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
    pairs = pairing.pair(drafts)
    calls, results = fields.items("tool_calls"), fields.items("tool_results")
    recorded_calls.add_recorded(drafts, pairs, calls, results)
    recorded_calls.settle_errors(drafts)
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


def _element(element: object, *, nested: bool = False) -> list[Draft]:
    """Read one element of a message list; a list in it is a list of messages, once."""
    if isinstance(element, Mapping):
        return _reader_of(element)(element)
    if isinstance(element, str):
        return [Draft("", BlockKind.OTHER, [Text(element)])]
    if isinstance(element, list) and not nested:
        return [draft for item in element for draft in _element(item, nested=True)]
    return [Draft("", BlockKind.OTHER, [Unknown(element)])]


def _reader_of(element: Element) -> Reader:
    return next(reader for fits, reader in _RECOGNISERS if fits(element))


def _is_entry(element: Element) -> bool:
    message = element.get("message")
    return isinstance(message, Mapping) and "role" in message


def _is_step(element: Element) -> bool:
    return "step_id" in element and isinstance(element.get("source"), str)


def _is_event(element: Element) -> bool:
    named = isinstance(element.get("action"), str) or isinstance(element.get("observation"), str)
    return named and isinstance(element.get("source"), str) and "role" not in element


def _is_action_step(element: Element) -> bool:
    acts = isinstance(element.get("action"), str) and "observation" in element
    return acts and "role" not in element


def _is_change(element: Element) -> bool:
    values = (element.get(key) for key in ("modelId", "summary"))
    return isinstance(element.get("type"), str) and any(isinstance(text, str) for text in values)


def _is_line(element: Element) -> bool:
    return isinstance(element.get("type"), str) and isinstance(element.get("payload"), Mapping)


def _is_log_entry(element: Element) -> bool:
    known = (element.get(key) for key in ("uuid", "sessionId", "messageId", "cwd"))
    return isinstance(element.get("type"), str) and any(isinstance(key, str) for key in known)


def _is_message(element: Element) -> bool:
    return isinstance(element.get("role"), str)


def _is_item(element: Element) -> bool:
    kind = element.get("type")
    return isinstance(kind, str) and (
        kind == "reasoning" or kind.endswith(("_call", "_call_output"))
    )


def _is_typed(element: Element) -> bool:
    return element.get("type") in _SPEAKERS and "content" in element


def _has_content(element: Element) -> bool:
    return "content" in element or "parts" in element


def _typed(element: Element) -> list[Draft]:
    fields = dict(element)
    return messages.chat({"role": fields.pop("type"), **fields})


def _line(element: Element) -> list[Draft]:
    """Read a line of Codex: an item of the Responses API, or what it notes beside."""
    fields = Fields(element)
    if fields.tag("type", ("response_item",)) is None:
        return events.log_entry(element)
    drafts = _element(fields.mapping("payload"), nested=True)
    stamp = take_stamp(fields)
    for draft in drafts:
        draft.stamp = draft.stamp or stamp
        draft.keep("entry", fields.rest)
    return drafts


def _unknown(element: Element) -> list[Draft]:
    return [Draft("", BlockKind.OTHER, [Unknown(element)])]


_RECOGNISERS: tuple[tuple[Callable[[Element], bool], Reader], ...] = (
    (_is_line, _line),
    (_is_entry, events.entry),
    (_is_step, events.step),
    (_is_event, events.event),
    (_is_action_step, events.action_step),
    (_is_message, messages.chat),
    (_is_item, events.response_item),
    (_is_typed, _typed),
    (_is_change, events.change),
    (_is_log_entry, events.log_entry),
    (_has_content, messages.chat),
    (lambda element: True, _unknown),
)


def _note_models(drafts: list[Draft], known: str | None) -> None:
    """Note with each turn at which another model begins, or another than the transcript's own.

    Args:
        known: The model that the artifact names, if it does.
    """
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
    drafts: list[Draft], pairs: list[Pair], fields: Fields, answers: token_usage.Answers = ()
) -> Transcript:
    turn_of = {id(draft): index for index, draft in enumerate(drafts)}
    times = [instant(draft.stamp) for draft in drafts]
    labels = pairing.labels(pairs, turn_of)
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
    pair: Pair,
    label: Label,
    turn_of: Mapping[int, int],
    times: list[datetime | None],
    *,
    answered: bool,
) -> Exchange:
    """Number a pair and label it, in its blocks too.

    Args:
        answered: Whether any call has a result.
    """
    tool, server, error, inferred = "", None, None, False
    called = _block(pair.call)
    if pair.call is not None and isinstance(called, ToolCall):
        tool, server = called.tool, called.server
        pair.call.draft.blocks[pair.call.block] = replace(
            called,
            number=number,
            ordinal=label.ordinal,
            unanswered=answered and pair.result is None,
        )
    result = _block(pair.result)
    if pair.result is not None and isinstance(result, ToolResult):
        error, inferred = result.error, result.inferred
        if called is None:
            tool, server = result.name or "", result.server
        pair.result.draft.blocks[pair.result.block] = replace(
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


def _block(spot: Spot | None) -> Block | None:
    return None if spot is None else spot.draft.blocks[spot.block]


def _place(spot: Spot | None, turn_of: Mapping[int, int]) -> Place | None:
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
        task=fields.text("task"),
        model=fields.text("model") or _agents_model(fields),
        provider=fields.text("provider"),
        steps_taken=_count(fields, "steps_taken"),
        max_steps=_count(fields, "max_steps"),
        error=fields.text("error"),
        final_observation=None if seen is None or _is_said(turns, seen) else seen,
        created_at=instant(created_at),
        usage=usage,
        extras=Extras({key: value for key, value in fields.rest.items() if not is_empty(value)}),
    )


def _agents_model(fields: Fields) -> str | None:
    """The model of Harbor's ``agent``, which stays among the extras."""
    agent = fields.rest.get("agent")
    name = agent.get("model_name") if isinstance(agent, Mapping) else None
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
