"""Messages tagged by who speaks, `{"User": …}` and `{"Agent": …}`: Zed's threads, acpx's sessions.

Read in acpx 0.11 (`SessionMessage`). What an agent does in answer to a message is one of its own:
texts, thoughts and calls in order, the results of all calls beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gymtui.transcript.blocks import BlockKind, Image, Text, Thinking, ToolCall, ToolResult, Unknown
from gymtui.transcript.pretty_json import parse_container
from gymtui.transcript.readers.fields import Draft, Fields

TAGS = ("User", "Agent")


def read_tagged(item: Mapping[str, object]) -> list[Draft]:
    """Read a message; an agent's into a turn for what it says and one for each answer."""
    ((who, inner),) = item.items()
    fields = Fields(inner if isinstance(inner, Mapping) else {})
    parts = fields.items("content") or []
    if who == "User":
        draft = Draft("user", BlockKind.USER, rest=fields.rest)
        for part in parts:
            _add(draft, part)
        return [draft]
    results = dict(fields.mapping("tool_results") or {})
    drafts = list(_acts(parts, results))
    drafts += [_answer(name, result) for name, result in results.items()]
    first = drafts[0] if drafts else Draft("agent", BlockKind.ASSISTANT)
    first.rest |= fields.rest
    return drafts or [first]


def _acts(parts: Iterable[object], results: dict[str, object]) -> Iterator[Draft]:
    """What an agent says and calls, each time followed by the answers, which are taken out."""
    draft = Draft("agent", BlockKind.ASSISTANT)
    called: list[str] = []
    for part in parts:
        use = part.get("ToolUse") if isinstance(part, Mapping) else None
        if called and not isinstance(use, Mapping):
            yield draft
            yield from _answers(called, results)
            draft, called = Draft("agent", BlockKind.ASSISTANT), []
        if isinstance(use, Mapping):
            called.append(_add_call(draft, use))
        else:
            _add(draft, part)
    if draft.blocks:
        yield draft
    yield from _answers(called, results)


def _add_call(draft: Draft, use: Mapping[str, object]) -> str:
    """Read a call; its id."""
    told = Fields(use)
    name, call_id = told.text("name") or "", told.text("id")
    value = told.any("input")
    if value is None or parse_container(str(told.rest.get("raw_input"))) == value:
        raw = told.text("raw_input")  # which says it once more
        value = raw if value is None else value
    draft.add([ToolCall(name, value, id=call_id)])
    if told.flag("is_input_complete") is False:
        draft.notes.append("call cut off")
    draft.keep("call", told.rest)
    return call_id or ""


def _answers(called: Iterable[str], results: dict[str, object]) -> Iterator[Draft]:
    for call_id in called:
        if call_id in results:
            yield _answer(call_id, results.pop(call_id))


def _answer(call_id: str, result: object) -> Draft:
    told = Fields(result if isinstance(result, Mapping) else {"content": result})
    said, output = told.any("content"), told.any("output")
    text = said.get("Text") if isinstance(said, Mapping) else said
    value = output if output is not None and text in (None, "") else text
    if output is not None and isinstance(text, str) and parse_container(text) == output:
        value = output
    draft = Draft("tool", BlockKind.TOOL)
    error = told.flag("is_error")
    name = told.text("tool_name")
    call_id = told.text("tool_use_id") or call_id
    draft.add([ToolResult(value, name=name, call_id=call_id, error=error)])
    if isinstance(said, Mapping) and "Image" in said:
        _add(draft, said)
    if output is not None and value is not output:
        told.rest["output"] = output
    draft.rest |= told.rest
    return draft


def _add(draft: Draft, part: object) -> None:
    """Read one part of what somebody says: an object whose only member says what it is."""
    tag, value = next(iter(part.items())) if isinstance(part, Mapping) and part else ("", part)
    inner = value if isinstance(value, Mapping) else {}
    source, text = inner.get("source"), inner.get("text")
    if tag == "Text" and isinstance(value, str):
        draft.add([Text(value)])
    elif tag == "Thinking" and isinstance(text, str):
        draft.add([Thinking(text)])
        draft.keep("signature", inner.get("signature"))
    elif tag == "Mention":
        words = (inner.get(key) for key in ("uri", "content"))
        draft.add([Text("\n".join(word for word in words if isinstance(word, str)))])
    elif tag == "Image" and isinstance(source, str):
        draft.add([Image(source)])
    else:
        draft.add([Unknown(part)])
