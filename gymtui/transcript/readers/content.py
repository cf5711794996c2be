"""What stands under ``content``: strings and typed parts of OpenAI, Anthropic, Gemini and others.

A part that is not understood becomes `Unknown`; what is left over of one that is, is handed back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gymtui.transcript.blocks import (
    Block,
    Image,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
)
from gymtui.transcript.pretty_json import parse_container
from gymtui.transcript.readers.fields import Fields, without_empty

_TEXTS = ("text", "input_text", "output_text", "summary_text", "reasoning_text")
_CALLS = ("tool_use", "server_tool_use", "mcp_tool_use", "tool_call", "toolCall", "function_call")


def read_content(value: object, *, thinks: bool = False) -> tuple[list[Block], object]:
    """Read a message's content.

    Args:
        thinks: Whether ``<think>`` tags in its text are a model's own.

    Returns:
        Its blocks in order; and what is left over of the parts, None if nothing is.
    """
    if value is None:
        return [], None
    if isinstance(value, str):
        return (_thought_and_said(value) if thinks else [Text(value)]), None
    if not isinstance(value, list):
        return read_part(value)
    blocks: list[Block] = []
    left: list[object] = []
    for item in value:
        read, rest = read_content(item, thinks=thinks) if isinstance(item, str) else read_part(item)
        blocks += read
        left.append(rest)
    return blocks, without_empty(left)


def read_answer(value: object) -> tuple[object, list[Block], object]:
    """Read what a tool returned.

    Returns:
        The answer (the text of text parts, else the value itself), blocks that are not text, and
        what is left over of the parts.
    """
    items = [value] if isinstance(value, Mapping) and value.get("type") == "text" else value
    if not isinstance(items, list) or not all(_is_part(item) for item in items):
        return value, [], None
    blocks, left = read_content(items)
    texts = [block.text for block in blocks if isinstance(block, Text)]
    others: list[Block] = [block for block in blocks if not isinstance(block, Text)]
    return ("\n".join(texts) if texts or not blocks else None), others, left


def holds_results(value: object) -> bool:
    """Tell whether a content is a list in which tool results stand by themselves."""
    return isinstance(value, list) and any(
        isinstance(item, Mapping)
        and (str(item.get("type", "")).endswith("tool_result") or "functionResponse" in item)
        for item in value
    )


def read_part(value: object) -> tuple[list[Block], object]:
    """Read a typed part, or one of Gemini's: its blocks, and what is left over of it."""
    if not isinstance(value, Mapping):
        return [Unknown(value)], None
    fields = Fields(value)
    reader = _reader_of(value)
    blocks = reader(fields) if reader else None
    if blocks is None:
        return [Unknown(value)], None
    return blocks, without_empty(fields.rest)


def read_call(value: object) -> tuple[ToolCall | Unknown, object]:
    """Read an element of ``tool_calls`` in any layout: the call, and what is left over."""
    given = parse_container(value) if isinstance(value, str) else value
    fields = Fields(given if isinstance(given, Mapping) else {})
    fields.tag("type", ("function", *_CALLS))
    inner = fields.mapping("function") or fields.mapping("custom")
    if inner is not None:
        body = Fields(inner)
        name = body.text("name")
        arguments = body.any("arguments", "input", "parameters")
        # What stands in the inner object and is not understood goes back where it was.
        if left := without_empty(body.rest):
            fields.rest["function"] = left
    else:
        name = fields.text("name", "tool_name", "function_name", "toolName", "function", "tool")
        arguments = fields.any("arguments", "args", "input", "parameters", "action")
    if name is None:
        return Unknown(value), None
    return (
        ToolCall(
            name=name,
            arguments=arguments,
            id=fields.text("tool_call_id", "call_id", "toolCallId", "id"),
            given_server=fields.text("tool_server", "server_label", "server_name"),
        ),
        without_empty(fields.rest),
    )


def _thought_and_said(text: str) -> list[Block]:
    """Divide text at ``</think>``; chat templates may have eaten the opening tag."""
    head, tag, read_answer = text.partition("</think>")
    if not tag:
        return [Thinking(text)] if text.lstrip().startswith("<think>") else [Text(text)]
    if "<think>" in head and not head.lstrip().startswith("<think>"):
        return [Text(text)]
    return [Thinking(head + tag), *([Text(read_answer)] if read_answer else [])]


def _is_part(item: object) -> bool:
    if not isinstance(item, Mapping):
        return False
    kind = item.get("type")
    return isinstance(kind, str) and kind in _READERS


def _reader_of(value: Mapping[str, object]) -> Callable[[Fields], list[Block] | None] | None:
    kind = value.get("type")
    if isinstance(kind, str):
        if kind.endswith("tool_result"):
            return _tool_result
        return _READERS.get(kind)
    return next((reader for key, reader in _BY_KEY.items() if key in value), None)


def _text(fields: Fields) -> list[Block] | None:
    if not isinstance(fields.rest.get("text"), str):
        return None
    fields.tag("type", _TEXTS)
    thought = fields.flag("thought")
    text = fields.rest.pop("text")
    return [Thinking(str(text)) if thought else Text(str(text))]


def _thinking(fields: Fields) -> list[Block] | None:
    fields.tag("type", ("thinking", "reasoning", "redacted_thinking"))
    text = fields.text("thinking", "reasoning", "text")
    blocks: list[Block] = [] if text is None else [Thinking(text)]
    for key in ("summary", "content"):
        items = fields.items(key)
        if items is None:
            continue
        read, left = read_content(items)
        blocks += (Thinking(item.text) if isinstance(item, Text) else item for item in read)
        if left is not None:
            fields.rest[key] = left
    return blocks


def _tool_call(fields: Fields) -> list[Block] | None:
    for key in ("functionCall", "function_call"):
        if (inner := fields.mapping(key)) is not None:
            read, left = read_call(inner)
            if left is not None:
                fields.rest[key] = left
            return [read]
    read, left = read_call(fields.rest)
    if isinstance(read, Unknown):
        return None
    fields.rest = dict(left) if isinstance(left, Mapping) else {}
    return [read]


def _tool_result(fields: Fields) -> list[Block] | None:
    key = next((key for key in ("functionResponse", "function_response") if key in fields.rest), "")
    inner = fields.mapping(key) if key else None
    if inner is not None:
        body = Fields(inner)
        result = ToolResult(
            body.any("response"), name=body.text("name"), call_id=body.text("id", "call_id")
        )
        if left := without_empty(body.rest):
            fields.rest[key] = left
        return [result]
    fields.tag("type", ("tool_result",))
    value, others, left = read_answer(fields.any("content", "output", "result"))
    if left is not None:
        fields.rest["content"] = left
    result = ToolResult(
        value,
        name=fields.text("name", "tool_name"),
        call_id=fields.text("tool_use_id", "tool_call_id", "id"),
        error=fields.flag("is_error", "isError"),
    )
    return [result, *others]


def _image(fields: Fields) -> list[Block] | None:
    fields.tag("type", ("image", "image_url", "input_image"))
    source = fields.text("image", "image_url", "url", "data")
    media = fields.text("media_type", "mimeType", "mime_type")
    for key in ("image_url", "source", "inlineData", "inline_data", "fileData", "image"):
        if source is None and (inner := fields.mapping(key)) is not None:
            body = Fields(inner)
            source = body.text("url", "data", "fileUri", "uri", "file_id")
            media = media or body.text("media_type", "mimeType", "mime_type")
            if left := without_empty(body.rest):
                fields.rest[key] = left
    if source is None:
        return None
    return [Image(source, media)]


def _refusal(fields: Fields) -> list[Block] | None:
    text = fields.text("refusal")
    fields.tag("type", ("refusal",))
    return None if text is None else [Refusal(text)]


_READERS: Mapping[object, Callable[[Fields], list[Block] | None]] = {
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(("thinking", "reasoning", "redacted_thinking"), _thinking),
    **dict.fromkeys(_CALLS, _tool_call),
    **dict.fromkeys(("image", "image_url", "input_image"), _image),
    "tool_result": _tool_result,
    "refusal": _refusal,
}
_BY_KEY: Mapping[str, Callable[[Fields], list[Block] | None]] = {
    "functionCall": _tool_call,
    "functionResponse": _tool_result,
    "inlineData": _image,
    "fileData": _image,
    "text": _text,
}
