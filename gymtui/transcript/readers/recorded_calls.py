"""The artifact's own ``tool_calls`` and ``tool_results``, brought together with the messages.

The full observation is often only there, and some runs have nothing else. What the messages show
already is not shown again; what they do not is added where it belongs, or at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gymtui.transcript.blocks import (
    Block,
    BlockKind,
    Text,
    ToolCall,
    ToolResult,
    Unknown,
    split_name,
)
from gymtui.transcript.pairing import Pair, Spot
from gymtui.transcript.pretty_json import parsed
from gymtui.transcript.readers.fields import Draft, Fields, is_empty, take_stamp

_AHEAD = 16
"""How far to look for the message a recorded call belongs to."""
_NAMED_WITHIN = 500
"""How many characters before its longest argument the name of a written call is looked for."""
_OPENING = re.compile(r"[ \t]*(?:<[^<>\n]{1,80}>|```[ \t\w]*|[\w *-]{1,20}:[ *]*)[ \t\r]*")
"""A line that only opens a call: `<command>`, a fence, `Action:`."""
_OPENINGS = 3
_FAILING = ("Error", "ERROR", "Traceback (most recent call last)", "Exception:")


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
    odd: object = None
    """The entry itself, where it is not an object or names no tool."""


def add_recorded(drafts: list[Draft], pairs: list[Pair], calls: object, results: object) -> None:
    """Bring recorded calls and results into turns and pairs, in place.

    Args:
        calls: The artifact's ``tool_calls``; anything but a list is taken as empty.
    """
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
    if not any(pair.call for pair in pairs):
        unplaced = _find_in_text(drafts, pairs, unplaced, after)
    _insert(drafts, after)
    for entry in unplaced:
        _append(drafts, pairs, entry)


def settle_errors(drafts: Iterable[Draft]) -> None:
    """Guess whether results failed where nothing says so, and mark turns in which one did.

    Args:
        drafts: All turns, changed in place.
    """
    for draft in drafts:
        for index, block in enumerate(draft.blocks):
            if not isinstance(block, ToolResult):
                continue
            if block.error is None and _looks_failed(block.value, block.observation):
                draft.blocks[index] = replace(block, error=True, inferred=True)
                draft.error = True
            elif block.error:
                draft.error = True


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


def _match(recorded: list[_Recorded], pairs: list[Pair]) -> dict[int, Pair]:
    """Match recorded calls and message calls: one to one if their names agree, else one by one."""
    called = [(pair, call) for pair in pairs if isinstance(call := _block(pair.call), ToolCall)]
    named = [entry for entry in recorded if entry.tool is not None]
    if len(named) == len(called) and all(
        _same_tool(entry, call) for entry, (_, call) in zip(named, called, strict=True)
    ):
        return {id(entry): pair for entry, (pair, _) in zip(named, called, strict=True)}
    matched: dict[int, Pair] = {}
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


def _block(spot: Spot | None) -> Block | None:
    return None if spot is None or spot.block is None else spot.draft.blocks[spot.block]


def _same_tool(entry: _Recorded, call: ToolCall) -> bool:
    return entry.tool in (call.name, call.tool, split_name(call.name)[1])


def _complete_call(pair: Pair, entry: _Recorded) -> None:
    """Add to a message's call what only the record says."""
    spot, call = pair.call, _block(pair.call)
    if spot is None or spot.block is None or not isinstance(call, ToolCall):
        return
    if call.server != entry.server and call.given_server is None:
        call = replace(call, given_server=entry.server)
        spot.draft.blocks[spot.block] = call
    record = dict(entry.call.rest) if entry.call else {}
    if not is_empty(entry.parameters) and call.parameters != entry.parameters:
        record["parameters"] = entry.parameters
    if entry.server not in (call.given_server, call.server):
        record["tool_server"] = entry.server
    spot.draft.keep("recorded call", record)


def _complete_result(pair: Pair, entry: _Recorded) -> Draft | None:
    """Add to a message's result what only the record says; make a turn if there is no message."""
    spot, result = pair.result, _block(pair.result)
    if spot is None or spot.block is None or not isinstance(result, ToolResult):
        made = _result_turn(entry)
        pair.result = Spot(made, 0) if made else None
        return made
    more, covered = _more(result.value, entry.observation)
    error = entry.error if result.error is None else result.error
    if more is not None or error != result.error:
        spot.draft.blocks[spot.block] = replace(
            result, observation=more, covered=covered, error=error
        )
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
            return (None, False) if value.strip() == observation.strip() else (observation, False)
        if parsed(value) == observation:
            return None, False
        if isinstance(observation, Mapping) and value in observation.values():
            return observation, True
    return observation, False


def _find_in_text(
    drafts: list[Draft],
    pairs: list[Pair],
    unplaced: list[_Recorded],
    after: list[tuple[Draft, Draft]],
) -> list[_Recorded]:
    """Find the calls of agents that write them as text where they wrote them; return the others.

    The record itself is kept in that turn's extras: the text need not hold all of it.
    """
    texts = ["\n".join(b.text for b in draft.blocks if isinstance(b, Text)) for draft in drafts]
    writers = [
        index
        for index, draft in enumerate(drafts)
        if draft.kind is BlockKind.ASSISTANT and draft.rest.get("is_demo") is not True
    ]
    # Looking costs what is read: so much of it, and no more, whatever was sent.
    allowance = 8 * sum(map(len, texts)) + 1_000_000
    left: list[_Recorded] = []
    start = 0
    for entry in unplaced:
        probe = _longest_string(entry.parameters)
        found = None
        for position in range(start, min(start + _AHEAD, len(writers))):
            text = texts[writers[position]]
            allowance -= len(text)
            if not probe or allowance < 0:
                break
            if probe in text:
                found, start = writers[position], position + 1
                break
        if found is None or entry.call is None:
            left.append(entry)
            continue
        at = _beginning(texts[found], texts[found].rfind(probe), entry.tool or "")
        spot = Spot(drafts[found], None, _within(drafts[found], at))
        pair = Pair(spot, None, entry.tool or "", entry.server, entry.error)
        pairs.append(pair)
        record: dict[str, object] = {"tool_server": entry.server, "tool_name": entry.tool}
        record |= {"parameters": entry.parameters} | entry.call.rest
        drafts[found].keep("recorded call", record)
        _find_result(drafts, texts, found, pair, entry, after)
    return left


def _find_result(
    drafts: list[Draft],
    texts: list[str],
    found: int,
    pair: Pair,
    entry: _Recorded,
    after: list[tuple[Draft, Draft]],
) -> None:
    """Find the answer to a call in the turn after it, which may say more (SWE-agent's prompt)."""
    following = found + 1
    text = texts[following].strip() if following < len(drafts) else ""
    answer = entry.observation.strip() if isinstance(entry.observation, str) else None
    if text and (answer in text if answer is not None else parsed(text) == entry.observation):
        pair.result = Spot(drafts[following], None)
        drafts[following].error = drafts[following].error or bool(entry.error)
        drafts[following].keep("recorded result", entry.result.rest if entry.result else None)
    elif (made := _result_turn(entry)) is not None:
        pair.result = Spot(made, 0)
        after.append((drafts[found], made))


def _beginning(text: str, argument: int, tool: str) -> int:
    """Where a call written in text begins: the line that names its tool, and what opens it.

    Args:
        text: All of the turn's.
        argument: Where its longest argument stands.
    """
    named = text.rfind(split_name(tool)[1], max(0, argument - _NAMED_WITHIN), argument)
    start = text.rfind("\n", 0, named if named >= 0 else argument) + 1
    for _ in range(_OPENINGS):
        before = text.rfind("\n", 0, max(0, start - 1)) + 1
        if before == start or not _OPENING.fullmatch(text, before, start - 1):
            break
        start = before
    return start


def _within(draft: Draft, at: int) -> tuple[int, int]:
    """The text block, and the character in it, of a place in all texts of a turn joined by LF."""
    left = at
    for number, block in enumerate(draft.blocks):
        if isinstance(block, Text):
            if left <= len(block.text):
                return number, left
            left -= len(block.text) + 1
    return 0, 0


def _longest_string(parameters: object) -> str:
    values = parameters.values() if isinstance(parameters, Mapping) else [parameters]
    return max((value for value in values if isinstance(value, str)), key=len, default="").strip()


def _result_turn(entry: _Recorded) -> Draft | None:
    rest = entry.result.rest if entry.result else {}
    if entry.observation is None and not entry.error and not any(rest.values()):
        return None
    result = ToolResult(entry.observation, name=entry.tool, server=entry.server, error=entry.error)
    draft = Draft("", BlockKind.TOOL, [result], rest=dict(rest))
    if entry.result:
        draft.stamp = take_stamp(entry.result)
    return draft


def _append(drafts: list[Draft], pairs: list[Pair], entry: _Recorded) -> None:
    """Make turns at the end of a record that no message shows."""
    pair = Pair()
    if entry.tool is not None and entry.call is not None:
        call: Block = ToolCall(entry.tool, entry.parameters, given_server=entry.server)
        stamp = take_stamp(entry.call)
        draft = Draft("", BlockKind.ASSISTANT, [call], rest=entry.call.rest, stamp=stamp)
        drafts.append(draft)
        pair.call = Spot(draft, 0)
    elif entry.odd is not None:
        drafts.append(Draft("", BlockKind.OTHER, [Unknown(entry.odd)]))
    if (made := _result_turn(entry)) is not None:
        drafts.append(made)
        pair.result = Spot(made, 0)
    if pair.call or pair.result:
        pairs.append(pair)


def _insert(drafts: list[Draft], after: list[tuple[Draft, Draft]]) -> None:
    if not after:
        return
    following: dict[int, list[Draft]] = {}
    for anchor, made in after:
        following.setdefault(id(anchor), []).append(made)
    drafts[:] = [item for draft in drafts for item in (draft, *following.get(id(draft), ()))]


def _looks_failed(*values: object) -> bool:
    for value in values:
        if isinstance(value, str):
            text = value[:200].lstrip()
            if text.startswith(_FAILING):
                return True
            if text.startswith("<returncode>"):
                return not text.startswith("<returncode>0<")
            value = parsed(value) if text.startswith("{") and len(value) < 100_000 else None
        if isinstance(value, Mapping) and (
            bool(value.get("error"))
            or value.get("success") is False
            or value.get("returncode") not in (None, 0)
            or value.get("exit_code") not in (None, 0)
        ):
            return True
    return False
