"""What is wrong with bytes that should be artifacts: one answer for all who save or open them."""

from __future__ import annotations

import mmap
from collections.abc import Mapping

import msgspec

from gymtui.transcript.pretty_json import NotJsonError, decode

_HOLDERS = (
    "artifacts",
    "messages",
    "steps",
    "history",
    "contents",
    "tool_calls",
    "tool_results",
)
"""Of these artifacts have at least one, and it is an object or a list."""
_BLANKS = b"\xef\xbb\xbf \t\r\n"
_LOOKED_AT = 4096  # bytes by which text is told from binary data


def no_artifacts(body: bytes | mmap.mmap) -> str | None:
    """Why an answer is not artifacts, such as `HTML, not JSON`; None if it may be some."""
    try:
        # Only looked through: nothing is built of what may be gigabytes.
        document: object = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        body = bytes(body)
        try:
            document = decode(body)
        except NotJsonError:
            return _instead(body)
    if not isinstance(document, Mapping):
        return f"JSON, but {'a list' if isinstance(document, list) else 'no object'}, not artifacts"
    if not any(_holds(document.get(name)) for name in _HOLDERS):
        return "JSON, but not artifacts: no messages and no tool calls"
    return None


def no_json(body: bytes) -> str | None:
    """Why a file cannot be read as JSON of any kind, such as `empty, not JSON`; None if it can."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        try:
            decode(body)
        except NotJsonError:
            return _instead(body)
    return None


def _holds(value: object) -> bool:
    if isinstance(value, msgspec.Raw):
        return bytes(memoryview(value)[:1]) in {b"{", b"["}
    return isinstance(value, Mapping | list)


def _instead(body: bytes) -> str:
    """What is there instead of JSON."""
    start = body[:_LOOKED_AT].lstrip(_BLANKS)
    if not start and not body.strip(_BLANKS):
        return "empty, not JSON"
    if start[:1] in {b"{", b"["}:
        return "JSON that is cut off" if _is_cut(body) else "damaged JSON"
    if start[:1] == b"<":
        return "HTML, not JSON"
    text = start.decode("utf-8", "replace")
    if len(body) > _LOOKED_AT:
        text = text[:-4]  # the last character may be cut by where the look ends
    return f"{'binary data' if {chr(0), chr(0xFFFD)} & set(text) else 'text'}, not JSON"


def _is_cut(body: bytes) -> bool:
    try:
        msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"), type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return "truncated" in str(error)
    return False
