"""Which reader understands an element of a message list; the readers are its siblings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gymtui.transcript.blocks import BlockKind, Text, Unknown
from gymtui.transcript.readers import events, messages, tagged_messages
from gymtui.transcript.readers.fields import Draft, Fields, take_stamp

Element = Mapping[str, object]
Reader = Callable[[Element], list[Draft]]

_SPEAKERS = ("human", "ai", "user", "assistant", "system", "tool")


def read_element(element: object, *, nested: bool = False) -> list[Draft]:
    """Read one element of a message list; a list in it is a list of messages, once."""
    if isinstance(element, Mapping) and (reader := reader_of(element)) is not None:
        return reader(element)
    if isinstance(element, str):
        return [Draft("", BlockKind.OTHER, [Text(element)])]
    if isinstance(element, list) and not nested:
        return [draft for item in element for draft in read_element(item, nested=True)]
    return [Draft("", BlockKind.OTHER, [Unknown(element)])]


def reader_of(element: Element) -> Reader | None:
    """The reader of an element, by the first shape it has; None for what nobody understands."""
    kind, message = element.get("type"), element.get("message")
    if isinstance(kind, str) and isinstance(element.get("payload"), Mapping):
        return _line
    tags = [tag for tag in tagged_messages.TAGS if isinstance(element.get(tag), Mapping)]
    if len(element) == len(tags) == 1:
        return tagged_messages.read_tagged
    if isinstance(message, Mapping) and "role" in message:
        return events.read_entry
    acts, is_sourced = _has_text(element, "action"), _has_text(element, "source")
    if "step_id" in element and is_sourced:
        return events.read_step
    if "role" not in element:
        if is_sourced and (acts or _has_text(element, "observation")):
            return events.read_event
        if acts and "observation" in element:
            return events.read_action_step
    if _has_text(element, "role"):
        return messages.read_chat
    if isinstance(kind, str):
        if kind == "reasoning" or kind.endswith(("_call", "_call_output")):
            return events.read_response_item
        if kind in _SPEAKERS and "content" in element:
            return _typed
        if _has_text(element, "modelId", "summary"):
            return events.read_change
        if _has_text(element, "uuid", "sessionId", "messageId", "cwd"):
            return events.read_log_entry
    return messages.read_chat if "content" in element or "parts" in element else None


def _has_text(element: Element, *names: str) -> bool:
    return any(isinstance(element.get(name), str) for name in names)


def _typed(element: Element) -> list[Draft]:
    fields = dict(element)
    return messages.read_chat({"role": fields.pop("type"), **fields})


def _line(element: Element) -> list[Draft]:
    """Read a line of Codex: an item of the Responses API, or what it notes beside."""
    fields = Fields(element)
    if fields.tag("type", ("response_item",)) is None:
        return events.read_log_entry(element)
    drafts = read_element(fields.mapping("payload"), nested=True)
    stamp = take_stamp(fields)
    for draft in drafts:
        draft.stamp = draft.stamp or stamp
        draft.keep("entry", fields.rest)
    return drafts
