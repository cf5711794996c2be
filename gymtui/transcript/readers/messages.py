"""Messages that have a role: OpenAI and Anthropic chat, the vendor's own, Gemini, and kin.

One reader serves them all, since in the wild their members are mixed freely: each member is looked
for under the names it has anywhere, and what is found nowhere else is the turn's extras.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gymtui.transcript.blocks import BlockKind, Image, Refusal, Text, Thinking, ToolCall, ToolResult
from gymtui.transcript.pretty_json import pretty
from gymtui.transcript.readers.content import holds_results, read_answer, read_call, read_content
from gymtui.transcript.readers.fields import Draft, Fields, is_empty, kind_of, take_stamp

_WRAPPED = {"content", "tool_calls", "tool_call_id", "tool_name", "summary"}
"""Members by which an object under ``content`` is known to be the message itself (API.md)."""

_FAULTS = ("error", "aborted", "content_filter", "safety", "malformed_function_call")
"""Reasons to stop that are errors, or aborts."""
_CUT_OFF = ("length", "max_tokens", "model_length", "refusal", "pause_turn")
"""Reasons to stop that the reader should know of."""

_SYNTHETIC = "<synthetic>"
"""The model of messages that Claude Code writes itself, when its provider fails."""
_PROVIDER = "provider_specific_fields"


def read_chat(message: Mapping[str, object]) -> list[Draft]:
    """Read a message."""
    fields = Fields(message)
    _unwrap(fields)
    role = fields.text("role") or ""
    fields.tag("type", ("message",))
    draft = Draft(role, kind_of(role), rest=fields.rest)
    draft.stamp = take_stamp(fields) or _nested_stamp(fields.rest)
    draft.model = _model(fields.rest)
    _thoughts(draft, fields)
    if _shell(draft, fields):
        return [draft]
    if draft.kind is BlockKind.TOOL or (
        draft.kind is BlockKind.OTHER and isinstance(fields.rest.get("tool_call_id"), str)
    ):
        _answer(draft, fields)
    else:
        draft.name = fields.text("name", "agent")
    for key in ("content", "parts", "summary"):
        if (value := fields.any(key)) is not None:
            blocks, left = read_content(value, thinks=draft.kind is BlockKind.ASSISTANT)
            draft.add(blocks)
            draft.keep(key, left)
    if (text := fields.text("refusal")) is not None:
        draft.add([Refusal(text)])
    _calls(draft, fields)
    _drop_thought(draft)
    _faults(draft, fields)
    if draft.rest.get("is_demo") is True:
        draft.notes.append("demonstration")
    if draft.kind is BlockKind.USER and _only_answers(draft):
        draft.kind = BlockKind.TOOL
    return [draft]


def _unwrap(fields: Fields) -> None:
    """Bring what the vendor's recorder puts inside ``content`` back beside it."""
    inner = fields.rest.get("content")
    if not isinstance(inner, Mapping) or "type" in inner or not _WRAPPED & inner.keys():
        return
    del fields.rest["content"]
    clashes = {key: inner[key] for key in inner if key in fields.rest}
    fields.rest |= {key: inner[key] for key in inner if key not in clashes}
    if clashes:
        fields.rest["content, besides"] = clashes


def _thoughts(draft: Draft, fields: Fields) -> None:
    for key in ("reasoning_content", "reasoning", "thinking"):
        if text := fields.text(key):
            draft.add([Thinking(text)])
    if "thinking_blocks" in fields.rest:
        blocks, left = read_content(fields.items("thinking_blocks"))
        draft.add(blocks)
        draft.keep("thinking_blocks", left)
    if not draft.blocks and ("raw_data" in fields.rest or _PROVIDER in fields.rest):
        draft.add(Thinking(text) for text in _thoughts_of_provider(fields.rest))


def _thoughts_of_provider(rest: Mapping[str, object]) -> Iterator[str]:
    """Find thoughts that only the provider's raw answer holds; it stays in the extras, whole."""
    raw = _at(rest, "raw_data")
    for holder in (_at(rest, _PROVIDER), _at(raw, "message")):
        text = holder.get("reasoning_content") or holder.get("reasoning")
        if isinstance(text, str):
            yield text
            return
    thoughts, _ = read_content(raw.get("thinking_blocks"))
    yield from (block.text for block in thoughts if isinstance(block, Thinking))


def _answer(draft: Draft, fields: Fields) -> None:
    """Read a message in which a tool answers, unless its parts are answers themselves."""
    if holds_results(fields.rest.get("content")) or holds_results(fields.rest.get("parts")):
        draft.name = fields.text("name")
        return
    # tau2 calls it id, SWE-agent has a list of one; in others id is the message's own.
    call_id = fields.text("tool_call_id", "tool_use_id", "call_id", "toolCallId")
    several = fields.rest.get("tool_call_ids")
    if call_id is None and isinstance(several, list) and several and isinstance(several[0], str):
        call_id = several[0]
        if len(several) == 1:
            del fields.rest["tool_call_ids"]
    value, others, left = read_answer(fields.any("content", "summary", "observation", "output"))
    error, problem = _failure(fields)
    result = ToolResult(
        value,
        name=fields.text("name", "tool_name", "function", "toolName"),
        server=fields.text("tool_server", "server_name"),
        call_id=call_id or fields.text("id"),
        error=error,
        problem=problem,
        observation=_details_diff(fields),
    )
    draft.add([result, *others])
    draft.keep("content", left)


def _details_diff(fields: Fields) -> str | None:
    """Take the diff that a result has beside its words, as an editor's (pi) does."""
    details = dict(_at(fields.rest, "details"))
    diff = details.pop("diff", None)
    if not isinstance(diff, str) or not diff:
        return None
    fields.rest["details"] = details
    return diff


def _failure(fields: Fields) -> tuple[bool | None, str | None]:
    """Read whether a tool failed, in the spellings found: flags, an error object, an exit code."""
    flag = fields.flag("is_error", "isError")
    error = fields.any("error")
    if isinstance(error, bool):
        return (flag or error), None
    if not is_empty(error):
        return (True if flag is None else flag), pretty(error)
    if flag is None and isinstance(status := fields.rest.get("status"), str):
        flag = {"error": True, "failed": True, "success": False}.get(status)
    if flag is None and isinstance(code := _at(fields.rest, "extra").get("returncode"), int):
        flag = code != 0
    return flag, None


def _faults(draft: Draft, fields: Fields) -> None:
    """Take what a message says went wrong with itself, and why the model stopped early."""
    text = next((block.text for block in draft.blocks if isinstance(block, Text)), "")
    if fields.rest.get("model") == _SYNTHETIC and text.startswith("API Error"):
        draft.error = True
    elif draft.kind is BlockKind.USER and text.startswith("[Request interrupted by user"):
        draft.notes.append("interrupted")
    if fields.rest.get("error") is True:
        draft.error = True
    for key in ("errorMessage", "error_message", "error", "errors"):
        value = fields.rest.get(key)
        if isinstance(value, str | Mapping | list) and not is_empty(value):
            del fields.rest[key]
            items = value if isinstance(value, list) else [value]
            draft.fail("\n".join(map(pretty, items)))
    for key in ("stopReason", "stop_reason", "finish_reason", "finishReason"):
        reason = fields.rest.get(key)
        if not isinstance(reason, str):
            continue
        if reason.lower() in _FAULTS:
            draft.error = True
            draft.notes.append(f"stopped: {reason}")
        elif reason.lower() in _CUT_OFF:
            draft.notes.append(f"stopped: {reason}")


def _shell(draft: Draft, fields: Fields) -> bool:
    """Read a command that is a message of its own, with its output (pi); whether it is one."""
    command = fields.rest.get("command", fields.rest.get("code"))
    output = fields.rest.get("output")
    if draft.kind is not BlockKind.OTHER or not isinstance(command, str):
        return False
    if not isinstance(output, str | None) or "content" in fields.rest:
        return False
    key = "command" if "command" in fields.rest else "code"
    del fields.rest[key]
    fields.rest.pop("output", None)
    code = fields.rest.get("exitCode", fields.rest.get("exit_code"))
    stopped = fields.rest.get("cancelled") is True
    error = stopped or code != 0 if isinstance(code, int) else stopped or None
    name = "python" if key == "code" else "bash"
    draft.kind = BlockKind.TOOL
    draft.blocks += [
        ToolCall(name, {key: command}),
        ToolResult(output, error=error, problem="cancelled" if stopped else None),
    ]
    return True


def _model(rest: Mapping[str, object]) -> str | None:
    """The model that wrote a message, if it says so."""
    holders = (rest, _at(rest, "raw_data"), _at(_at(rest, "extra"), "response"))
    found = (holder.get(key) for holder in holders for key in ("model", "model_name"))
    return next((n for n in found if isinstance(n, str) and n and n != _SYNTHETIC), None)


def _calls(draft: Draft, fields: Fields) -> None:
    elements = fields.items("tool_calls") or []
    single = fields.mapping("function_call")
    if single is not None:
        elements = [*elements, single]
    left = []
    for element in elements:
        block, rest = read_call(element)
        draft.add([block])
        left.append(rest)
    if any(rest is not None for rest in left):
        draft.keep("tool_calls", left)


def _drop_thought(draft: Draft) -> None:
    """Leave out SWE-agent's ``thought`` where the content repeats it, and ``action`` of a demo."""
    shown = [block.text for block in draft.blocks if isinstance(block, Text)]
    demo = draft.rest.get("is_demo") is True
    for key in ("thought", "action") if demo else ("thought",):
        copy = draft.rest.get(key)
        if isinstance(copy, str) and any(copy in text for text in shown):
            draft.rest[key] = None  # which says nothing, and that there was one


def _only_answers(draft: Draft) -> bool:
    return any(isinstance(block, ToolResult) for block in draft.blocks) and all(
        isinstance(block, ToolResult | Image) for block in draft.blocks
    )


def _nested_stamp(rest: Mapping[str, object]) -> object:
    extra = _at(rest, "extra")
    return take_stamp(Fields(extra)) if extra else None


def _at(value: Mapping[str, object], key: str) -> Mapping[str, object]:
    inner = value.get(key)
    return inner if isinstance(inner, Mapping) else {}
