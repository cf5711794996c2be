"""The artifact's own ``tool_calls`` and ``tool_results``, brought together with the messages.

The full observation is often only there, and some runs have nothing else. What the messages show
already is not shown again; what they do not is added where it belongs, or at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gymtui.core.replacement import replace
from gymtui.transcript.blocks import (
    Block,
    BlockKind,
    Text,
    ToolCall,
    ToolResult,
    Unknown,
    split_name,
)
from gymtui.transcript.pairing import CallPair, DraftPlace
from gymtui.transcript.pretty_json import parse_container
from gymtui.transcript.readers import failures, written_calls
from gymtui.transcript.readers.fields import Draft, Fields, is_empty, take_stamp

_AHEAD = 16  # how far to look for the message a recorded call belongs to


@dataclass(slots=True)
class _Recorded:
    """One entry of ``tool_calls`` and its result; a result may have no call."""

    tool: str | None = None
    server: str | None = None
    parameters: object = None
    observation: object = None
    error: bool | None = None
    call: Fields | None = None
    result: Fields | None = None
    odd: object = None  # the entry itself, where it is not an object or names no tool


def add_recorded(
    drafts: list[Draft], pairs: list[CallPair], calls: object, results: object
) -> None:
    """Bring recorded calls and results into turns and pairs, in place."""
    recorded = _read(calls, results)
    matched = _match(recorded, [pair for pair in pairs if pair.call])
    after: list[tuple[Draft, Draft]] = []
    unplaced: list[_Recorded] = []
    for entry in recorded:
        pair = matched.get(id(entry))
        if pair is None:
            unplaced.append(entry)
            continue
        _complete_call(pair, entry)
        if made := _complete_result(pair, entry):
            after.append((pair.call.draft if pair.call else drafts[-1], made))
    called = (pair.call.content for pair in pairs if pair.call)
    if all(not isinstance(call, ToolCall) or call.wording is not None for call in called):
        unplaced = _find_in_text(drafts, pairs, unplaced, after)
    _insert(drafts, after)
    for entry in unplaced:
        _append(drafts, pairs, entry)


def infer_errors(drafts: Iterable[Draft]) -> None:
    """Guess whether results failed where nothing says so, and mark turns in which one did."""
    for draft in drafts:
        for index, block in enumerate(draft.blocks):
            if not isinstance(block, ToolResult):
                continue
            code = failures.exit_code(block.value, block.observation, draft.rest)
            error, inferred = block.error, False
            if error is None and failures.looks_failed(block.value, block.observation, draft.rest):
                error = inferred = True
            draft.blocks[index] = replace(block, error=error, inferred=inferred, exit_code=code)
            draft.error = draft.error or bool(error)


def _read(calls: object, results: object) -> list[_Recorded]:
    call_list = calls if isinstance(calls, list) else []
    result_list = results if isinstance(results, list) else []
    recorded = []
    for index in range(max(len(call_list), len(result_list))):
        entry = _Recorded()
        if index < len(call_list):
            _read_call(entry, call_list[index])
        if index < len(result_list):
            _read_result(entry, result_list[index])
        recorded.append(entry)
    return recorded


def _read_call(entry: _Recorded, value: object) -> None:
    fields = Fields(value if isinstance(value, Mapping) else {})
    entry.tool = fields.text("tool_name", "name")
    if entry.tool is None:
        entry.odd = value
        return
    entry.server = fields.text("tool_server", "server")
    entry.parameters = fields.any("parameters", "arguments")
    entry.call = fields


def _read_result(entry: _Recorded, value: object) -> None:
    if not isinstance(value, Mapping):
        entry.observation = value
        return
    fields = Fields(value)
    entry.observation = fields.any("observation")
    entry.error = fields.flag("is_error")
    entry.result = fields


def _match(recorded: list[_Recorded], pairs: list[CallPair]) -> dict[int, CallPair]:
    """Match recorded calls and message calls: one to one if their names agree, else one by one."""
    called = [
        (pair, call)
        for pair in pairs
        if isinstance(call := pair.call and pair.call.content, ToolCall)
    ]
    named = [entry for entry in recorded if entry.tool is not None]
    if len(named) == len(called) and all(
        _same_tool(entry, call) for entry, (_, call) in zip(named, called, strict=True)
    ):
        return {id(entry): pair for entry, (pair, _) in zip(named, called, strict=True)}
    matched: dict[int, CallPair] = {}
    next_call = 0
    for entry in named:
        window = range(next_call, min(next_call + _AHEAD, len(called)))
        fitting = [index for index in window if _same_tool(entry, called[index][1])]
        exact = (index for index in fitting if called[index][1].parameters == entry.parameters)
        index = next(exact, fitting[0] if fitting else None)
        if index is not None:
            matched[id(entry)] = called[index][0]
            next_call = index + 1
    return matched


def _same_tool(entry: _Recorded, call: ToolCall) -> bool:
    return entry.tool in (call.name, call.tool, split_name(call.name)[1])


def _complete_call(pair: CallPair, entry: _Recorded) -> None:
    """Add to a message's call what only the record says."""
    spot, call = pair.call, pair.call and pair.call.content
    if spot is None or not isinstance(call, ToolCall):
        return
    if call.server != entry.server and call.given_server is None:
        call = replace(call, given_server=entry.server)
        spot.content = call
    record = dict(entry.call.rest) if entry.call else {}
    if not is_empty(entry.parameters) and call.parameters != entry.parameters:
        record["parameters"] = entry.parameters
    if entry.server not in (call.given_server, call.server):
        record["tool_server"] = entry.server
    spot.draft.keep("recorded call", record)


def _complete_result(pair: CallPair, entry: _Recorded) -> Draft | None:
    """Add to a message's result what only the record says; make a turn if there is no message."""
    spot, result = pair.result, pair.result and pair.result.content
    if spot is None or not isinstance(result, ToolResult):
        made = _result_turn(entry)
        pair.result = DraftPlace(made, 0) if made else None
        return made
    more, covered = _more(result.value, entry.observation)
    more = result.observation if more is None else more
    # That no error was recorded says that the call came back, not that it went well.
    error = entry.error or None if result.error is None else result.error
    if more is not None or error != result.error:
        spot.content = replace(result, observation=more, covered=covered, error=error)
    spot.draft.keep("recorded result", entry.result.rest if entry.result else None)
    return None


def _more(value: object, observation: object) -> tuple[object, bool]:
    """Tell what an observation adds to what a message says, and whether it says all of that too."""
    if is_empty(observation) or value == observation:
        return None, False
    if is_empty(value):
        return observation, True
    if isinstance(value, str):
        if isinstance(observation, str):
            if observation.strip() in value:  # a message may say more: SWE-agent's prompt
                return None, False
            return observation, value.strip() in observation
        if parse_container(value) == observation:
            return None, False
        if isinstance(observation, Mapping) and value in observation.values():
            return observation, True
    return observation, False


def _find_in_text(
    drafts: list[Draft],
    pairs: list[CallPair],
    unplaced: list[_Recorded],
    after: list[tuple[Draft, Draft]],
) -> list[_Recorded]:
    """Find the calls of agents that write them as text where they wrote them; return the others.

    The record itself is kept in that turn's extras: the text need not hold all of it.
    """
    writers = [
        index
        for index, draft in enumerate(drafts)
        if draft.kind is BlockKind.ASSISTANT and written_calls.may_write(draft)
    ]
    texts = {
        index: "\n".join(b.text for b in drafts[index].blocks if isinstance(b, Text))
        for index in writers
    }
    # Looking costs what is read: so much of it, and no more, whatever was sent.
    allowance = 8 * sum(map(len, texts.values())) + 1_000_000
    left: list[_Recorded] = []
    start = 0
    for entry in unplaced:
        probe = _longest_string(entry.parameters)
        place, found = None, -1
        for position in range(start, min(start + _AHEAD, len(writers))):
            found = writers[position]
            allowance -= len(texts[found])
            if not probe or allowance < 0:
                break
            if probe in texts[found]:
                place = written_calls.find_stretch(drafts[found], probe, entry.tool or "")
                start = position + 1
                break
        if place is None or entry.call is None or entry.tool is None:
            left.append(entry)
            continue
        block = written_calls.insert_call(drafts[found], place, entry.tool, entry.parameters)
        pair = CallPair(DraftPlace(drafts[found], block))
        _complete_call(pair, entry)
        pairs.append(pair)
        _find_result(drafts, found, pair, entry, after)
    return left


def _find_result(
    drafts: list[Draft],
    found: int,
    pair: CallPair,
    entry: _Recorded,
    after: list[tuple[Draft, Draft]],
) -> None:
    """Find the answer to a call in the turn after it, which may say more (SWE-agent's prompt)."""
    following = drafts[found + 1] if found + 1 < len(drafts) else None
    text = "\n".join(b.text for b in following.blocks if isinstance(b, Text)) if following else ""
    answer = entry.observation.strip() if isinstance(entry.observation, str) else None
    says = answer in text if answer is not None else parse_container(text) == entry.observation
    if following is not None and text.strip() and says:
        written_calls.make_answer(following)
        if isinstance(following.blocks[0], ToolResult):
            pair.result = DraftPlace(following, 0)
    if made := _complete_result(pair, entry):
        after.append((drafts[found], made))


def _longest_string(parameters: object) -> str:
    values = parameters.values() if isinstance(parameters, Mapping) else [parameters]
    return max((value for value in values if isinstance(value, str)), key=len, default="").strip()


def _result_turn(entry: _Recorded) -> Draft | None:
    rest = entry.result.rest if entry.result else {}
    if entry.observation is None and not entry.error and not any(rest.values()):
        return None
    failed = entry.error or None
    result = ToolResult(entry.observation, name=entry.tool, server=entry.server, error=failed)
    draft = Draft("", BlockKind.TOOL, [result], rest=dict(rest))
    if entry.result:
        draft.stamp = take_stamp(entry.result)
    return draft


def _append(drafts: list[Draft], pairs: list[CallPair], entry: _Recorded) -> None:
    """Make turns at the end of a record that no message shows."""
    pair = CallPair()
    if entry.tool is not None and entry.call is not None:
        call: Block = ToolCall(entry.tool, entry.parameters, given_server=entry.server)
        stamp = take_stamp(entry.call)
        draft = Draft("", BlockKind.ASSISTANT, [call], rest=entry.call.rest, stamp=stamp)
        drafts.append(draft)
        pair.call = DraftPlace(draft, 0)
    elif entry.odd is not None:
        drafts.append(Draft("", BlockKind.OTHER, [Unknown(entry.odd)]))
    if (made := _result_turn(entry)) is not None:
        drafts.append(made)
        pair.result = DraftPlace(made, 0)
    if pair.call or pair.result:
        pairs.append(pair)


def _insert(drafts: list[Draft], after: list[tuple[Draft, Draft]]) -> None:
    if not after:
        return
    following: dict[int, list[Draft]] = {}
    for anchor, made in after:
        following.setdefault(id(anchor), []).append(made)
    drafts[:] = [item for draft in drafts for item in (draft, *following.get(id(draft), ()))]
