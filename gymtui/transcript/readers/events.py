"""Elements without a role: OpenAI Responses items, OpenHands events, ATIF steps, log entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gymtui.core.replacement import replace
from gymtui.transcript.blocks import BlockKind, Text, Thinking, ToolCall, ToolResult
from gymtui.transcript.readers.content import read_answer, read_call, read_content, read_part
from gymtui.transcript.readers.fields import Draft, Fields, kind_of, take_stamp, value_at
from gymtui.transcript.readers.messages import read_chat

_SUBAGENT = "sub-agent"  # the key under which a sub-agent's step says whose it is
_TALK = ("message", "system", "finish", "think", "reject", "change_agent_state", "recall", "null")
"""OpenHands actions that call no tool, and what is observed of them."""


def read_response_item(item: Mapping[str, object]) -> list[Draft]:
    """Read an item of the Responses API: ``…_call``, ``…_call_output`` or ``reasoning``."""
    fields = Fields(item)
    kind = str(item.get("type"))
    if kind == "reasoning":
        draft = Draft("", BlockKind.ASSISTANT, stamp=take_stamp(fields))
        blocks, left = read_part(fields.rest)
        draft.add(blocks)
        draft.rest = dict(left) if isinstance(left, Mapping) else {}
    elif kind.endswith("_output"):
        fields.tag("type", ("function_call_output",))
        draft = Draft("", BlockKind.TOOL, rest=fields.rest, stamp=take_stamp(fields))
        value, others, left = read_answer(fields.any("output", "content", "result"))
        call_id, name = fields.text("call_id"), fields.text("name")
        draft.add([ToolResult(value, name=name, call_id=call_id), *others])
        draft.keep("output", left)
    else:
        stamp = take_stamp(fields)
        fields.rest.setdefault("name", kind)
        read, left = read_call(fields.rest)
        draft = Draft("", BlockKind.ASSISTANT, [read], stamp=stamp)
        draft.rest = dict(left) if isinstance(left, Mapping) else {}
    status = draft.rest.get("status")
    draft.error = status in ("failed", "incomplete")
    return [draft]


def with_subagents(
    steps: Sequence[object], agents: Iterable[object]
) -> tuple[list[object], list[object]]:
    """Put the steps of sub-agents behind the steps whose results refer to them."""
    known: dict[object, object] = {}
    left = []
    for agent in agents:
        name = agent.get("trajectory_id") if isinstance(agent, Mapping) else None
        if isinstance(name, str) and name not in known:
            known[name] = agent
        else:
            left.append(agent)
    return list(_expanded(steps, known)), [*known.values(), *left]


def _expanded(steps: Iterable[object], known: dict[object, object]) -> Iterator[object]:
    for item in steps:
        yield item
        for reference in _references(item):
            agent = known.pop(reference, None)
            if not isinstance(agent, Mapping):
                continue
            told = Fields(dict(agent))
            who = (told.mapping("agent") or {}).get("name") or reference
            inner, _left = told.items("steps") or [], told.items("subagent_trajectories")
            for done in _expanded(inner, known):
                yield {_SUBAGENT: who, **done} if isinstance(done, Mapping) else done


def _references(item: object) -> Iterator[str]:
    """The sub-agents that the results of a step refer to."""
    results = value_at(item, "observation.results")
    for result in results if isinstance(results, list) else ():
        found = value_at(result, "subagent_trajectory_ref")
        for reference in found if isinstance(found, list) else [found]:
            if isinstance(reference, Mapping):
                named = (reference.get(key) for key in ("trajectory_id", "trajectory_path"))
                yield from (name for name in named if isinstance(name, str))


def read_step(item: Mapping[str, object]) -> list[Draft]:
    """Read a step of Harbor's ATIF: a turn, and one for what was observed, if anything."""
    fields = Fields(item)
    role = fields.text("source") or ""
    draft = Draft(role, kind_of(role), rest=fields.rest, stamp=take_stamp(fields))
    if isinstance(who := fields.rest.pop(_SUBAGENT, None), str):
        draft.notes.append(f"sub-agent {who}")
    model = fields.rest.get("model_name")
    draft.model = model if isinstance(model, str) and model else None
    if (text := fields.text("reasoning_content")) is not None:
        draft.add([Thinking(text)])
    blocks, left = read_content(fields.any("message"), thinks=draft.kind is BlockKind.ASSISTANT)
    draft.add(blocks)
    draft.keep("message", left)
    rests = []
    for element in fields.items("tool_calls") or []:
        read, rest = read_call(element)
        draft.add([read])
        rests.append(rest)
    draft.keep("tool_calls", rests if any(rest is not None for rest in rests) else None)
    observation = fields.mapping("observation")
    if observation is None:
        return [draft]
    seen = Fields(observation)
    second = Draft("observation", BlockKind.TOOL, rest=seen.rest, stamp=draft.stamp)
    second.notes += draft.notes
    left_over = []
    for element in seen.items("results") or []:
        result = Fields(element if isinstance(element, Mapping) else {"content": element})
        value, others, left = read_answer(result.any("content"))
        call_id = result.text("source_call_id")
        second.add([ToolResult(value, call_id=call_id, error=result.flag("is_error")), *others])
        if left is not None:
            result.rest["content"] = left
        left_over.append(result.rest)
    if any(left_over):
        second.keep("results", left_over)
    return [draft, second]


def read_event(item: Mapping[str, object]) -> list[Draft]:
    """Read an OpenHands event: ``source``, and a string ``action`` or ``observation``."""
    fields = Fields(item)
    source = fields.text("source") or ""
    draft = Draft(source, kind_of(source), rest=fields.rest, stamp=take_stamp(fields))
    if isinstance(item.get("action"), str):
        _action(draft, fields)
    else:
        _observation(draft, fields)
    message = draft.rest.get("message")
    shown = [block.text for block in draft.blocks if isinstance(block, Text)]
    if isinstance(message, str) and message in shown:
        del draft.rest["message"]
    elif not draft.blocks and (text := fields.text("message")) is not None:
        draft.add([Text(text)])
    return [draft]


def read_entry(item: Mapping[str, object]) -> list[Draft]:
    """Read an entry of a session log that wraps a message, and may tell its time."""
    fields = Fields(item)
    drafts = read_chat(fields.mapping("message") or {})
    stamp = take_stamp(fields)
    _add_patch(drafts, fields)
    failed = fields.rest.get("isApiErrorMessage") is True
    agent = fields.rest.get("isSidechain") is True or isinstance(
        fields.rest.get("parent_tool_use_id"), str
    )
    for draft in drafts:
        draft.error = draft.error or failed
        if agent:
            draft.notes.append("sub-agent")
        if draft.stamp is None:
            draft.stamp = stamp
        elif stamp is not None:
            fields.rest["timestamp"] = stamp
        draft.keep("entry", fields.rest)
    return drafts


def read_action_step(item: Mapping[str, object]) -> list[Draft]:
    """Read a step of SWE-agent's ``trajectory``: a turn, and one for what was seen then."""
    fields = Fields(item)
    stamp = take_stamp(fields)
    draft = Draft("", BlockKind.ASSISTANT, rest=fields.rest, stamp=stamp)
    text = fields.rest.get("response") or fields.rest.get("thought")
    draft.add([Text(text)] if isinstance(text, str) else [])
    for key in ("response", "thought"):
        if isinstance(copy := fields.rest.get(key), str) and isinstance(text, str) and copy in text:
            fields.rest[key] = None
    value, others, left = read_answer(fields.any("observation"))
    draft.keep("observation", left)
    if value is None and not others:
        return [draft]
    seen = Draft("observation", BlockKind.TOOL, stamp=stamp)
    seen.add([ToolResult(value), *others])
    return [draft, seen]


def read_change(item: Mapping[str, object]) -> list[Draft]:
    """Read an entry of a session log that is no message: a ``modelId``, a ``summary``."""
    fields = Fields(item)
    draft = Draft(fields.text("type") or "", BlockKind.OTHER, rest=fields.rest)
    draft.stamp = take_stamp(fields)
    if (model := fields.text("modelId")) is not None:
        draft.add([Text("/".join(filter(None, (fields.text("provider"), model))))])
    if (summary := fields.text("summary")) is not None:
        draft.add([Text(summary)])
    return [draft]


def read_log_entry(item: Mapping[str, object]) -> list[Draft]:
    """Read an entry of a session log that nobody says: progress, a snapshot, a count of tokens."""
    fields = Fields(item)
    draft = Draft(fields.text("type") or "", BlockKind.OTHER, rest=fields.rest)
    draft.stamp = take_stamp(fields)
    payload = item.get("payload")
    if isinstance(payload, Mapping):
        draft.model = model if isinstance(model := payload.get("model"), str) else None
        if str(payload.get("type")).endswith("error"):
            draft.fail(str(payload.get("message") or payload.get("type")))
    if not draft.blocks:
        draft.rest["type"] = draft.role
    draft.is_aside = not draft.blocks
    return [draft]


def _add_patch(drafts: list[Draft], fields: Fields) -> None:
    """Show the patch that Claude Code has beside an edit's answer, as the diff that it is."""
    hunks = value_at(fields.rest, "toolUseResult.structuredPatch")
    found = hunks if isinstance(hunks, list) else ()
    diff = "\n".join(line for hunk in found for line in _hunk(hunk))
    results = [
        (draft, place)
        for draft in drafts
        for place, block in enumerate(draft.blocks)
        if isinstance(block, ToolResult) and block.observation is None
    ]
    if diff and len(results) == 1:
        ((draft, place),) = results
        block = draft.blocks[place]
        if isinstance(block, ToolResult):
            draft.blocks[place] = replace(block, observation=diff)


def _hunk(hunk: object) -> Iterator[str]:
    if not isinstance(hunk, Mapping) or not isinstance(lines := hunk.get("lines"), list):
        return
    old, new = ((hunk.get(f"{side}Start"), hunk.get(f"{side}Lines")) for side in ("old", "new"))
    yield f"@@ -{old[0]},{old[1]} +{new[0]},{new[1]} @@"
    yield from map(str, lines)


def _action(draft: Draft, fields: Fields) -> None:
    name = fields.text("action") or ""
    args = Fields(fields.mapping("args") or {})
    if (thought := args.text("thought")) is not None:
        draft.add([Text(thought)])
    if name in _TALK or draft.kind is not BlockKind.ASSISTANT:
        if name == "system":
            draft.rest["source"] = draft.role
            draft.role, draft.kind = name, BlockKind.SYSTEM
        for key in ("content", "final_thought"):
            if text := args.text(key):
                draft.add([Text(text)])
        draft.rest["action"] = name
        draft.keep("args", args.rest)
        return
    draft.add([ToolCall(name, dict(args.rest), id=_call_id(fields))])


def _observation(draft: Draft, fields: Fields) -> None:
    name = fields.text("observation") or ""
    call_id = _call_id(fields)
    value, others, left = read_answer(fields.any("content"))
    source = draft.rest["source"] = draft.role
    draft.role = "observation"
    if name in (*_TALK, "agent_state_changed") or (call_id is None and source != "agent"):
        draft.kind = BlockKind.OTHER
        draft.rest["observation"] = name
        blocks, more = read_content(value)
        draft.add(blocks)
        draft.keep("content", more)
    else:
        draft.kind = BlockKind.TOOL
        error = _event_failed(name, fields.rest)
        draft.add([ToolResult(value, name=name, call_id=call_id, error=error)])
    draft.add(others)
    draft.keep("content", left)


def _event_failed(name: str, rest: Mapping[str, object]) -> bool | None:
    if name == "error" or rest.get("success") is False:
        return True
    code = value_at(rest, "extras.metadata.exit_code")
    return code != 0 if isinstance(code, int) else None


def _call_id(fields: Fields) -> str | None:
    call_id = value_at(fields.rest, "tool_call_metadata.tool_call_id")
    return call_id if isinstance(call_id, str) else None
