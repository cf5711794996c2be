"""Which reader understands an element of a message list; the readers are its siblings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gymtui.transcript.blocks import BlockKind, Text, Unknown
from gymtui.transcript.readers import events, messages, tagged_messages
from gymtui.transcript.readers.fields import Draft, Fields, take_stamp

Reader = Callable[[Mapping[str, object]], list[Draft]]
Element = Mapping[str, object]

_SPEAKERS = ("human", "ai", "user", "assistant", "system", "tool")


def read_element(element: object, *, nested: bool = False) -> list[Draft]:
    """Read one element of a message list; a list in it is a list of messages, once."""
    if isinstance(element, Mapping):
        return reader_of(element)(element)
    if isinstance(element, str):
        return [Draft("", BlockKind.OTHER, [Text(element)])]
    if isinstance(element, list) and not nested:
        return [draft for item in element for draft in read_element(item, nested=True)]
    return [Draft("", BlockKind.OTHER, [Unknown(element)])]


def reader_of(element: Element) -> Reader:
    """The reader of an element; `unknown` where none understands it."""
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


def _is_tagged(element: Element) -> bool:
    tags = [tag for tag in tagged_messages.TAGS if isinstance(element.get(tag), Mapping)]
    return len(element) == len(tags) == 1


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
    drafts = read_element(fields.mapping("payload"), nested=True)
    stamp = take_stamp(fields)
    for draft in drafts:
        draft.stamp = draft.stamp or stamp
        draft.keep("entry", fields.rest)
    return drafts


def unknown(element: Element) -> list[Draft]:
    """Keep what nobody understands as it came."""
    return [Draft("", BlockKind.OTHER, [Unknown(element)])]


_RECOGNISERS: tuple[tuple[Callable[[Element], bool], Reader], ...] = (
    (_is_line, _line),
    (_is_tagged, tagged_messages.tagged),
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
    (lambda element: True, unknown),
)
