"""Lists split into raw items, and items read one by one, so that what did not change costs nothing.

The store compares the bytes of items and parses only those that differ. A body that is no list
at all is `Garbled`; an item that cannot be read is `Malformed` and costs the others nothing.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec
from msgspec import Struct

from gymtui.api.errors import Garbled
from gymtui.api.item_limits import ITEMS, bound_item, holds_too_many
from gymtui.api.lenient import loads, read
from gymtui.api.models import Malformed, Rollout, RunStatus
from gymtui.api.shared_parts import share_parts
from gymtui.core.json_output import json_text

SECRET_FIELDS = frozenset({"apikey", "xapikey", "authorization"})
"""Names, without case and marks, whose values are never shown, wherever they turn up."""

_MAY_NAME_SECRET = re.compile(
    b'"(?:' + "|".join("[-_]*".join(name) for name in sorted(SECRET_FIELDS)).encode() + b')[-_]*"',
    re.IGNORECASE,
)

HIDDEN = "(hidden)"  # what stands in their place


class ListAnswer(Struct, frozen=True):
    """A list answer, taken apart."""

    total: int | None  # the server's own count of everything that matches, if it gave one
    items: tuple[bytes, ...]  # the items' bytes, in the server's order


class _Named(msgspec.Struct):
    rollout_id: str | None = None


_NAMED = msgspec.json.Decoder(_Named)
_STEP = re.compile(rb'"current_step":\s*([0-9]{1,9})(?=[,}\s])')


class _Runs(msgspec.Struct):
    items: list[msgspec.Raw] = msgspec.field(name="runs")
    total: msgspec.Raw = msgspec.Raw()


class _Rollouts(_Runs):
    items: list[msgspec.Raw] = msgspec.field(name="rollouts")


_LISTS: dict[str, msgspec.json.Decoder[_Runs]] = {
    "runs": msgspec.json.Decoder(_Runs),
    "rollouts": msgspec.json.Decoder(_Rollouts),
}


def split(body: bytes, key: Literal["runs", "rollouts"]) -> ListAnswer:
    """Takes a list answer apart without reading its items.

    Args:
        body: The whole answer: `{"total": …, key: […]}` or a bare list.

    Returns:
        The items as bytes of their own (a `msgspec.Raw` would pin the whole body), each within
        what `item_limits` keeps. When the body is JSON only by a wide reading (NaN, lone
        surrogates) they are written anew.

    Raises:
        Garbled: It is neither JSON nor a list of anything, or of too many items to be taken in.
    """
    if holds_too_many(body):
        raise Garbled(f"GET /{key}: more than {ITEMS:,} items")
    try:
        listed = _LISTS[key].decode(body)
        return ListAnswer(_total(listed.total), tuple(map(own_bytes, listed.items)))
    except (msgspec.MsgspecError, RecursionError):
        return _split_widely(body, key)


def parse_run(item: bytes) -> RunStatus | Malformed:
    """One item of `GET /runs`, or the answer to `GET /runs/{run_id}`."""
    return read(RunStatus, item)


def parse_rollout(item: bytes) -> Rollout | Malformed:
    """One item of `GET /rollouts`, or the answer to `GET /rollouts/{rollout_id}`."""
    rollout = read(Rollout, item)
    return share_parts(rollout) if isinstance(rollout, Rollout) else rollout


def rollout_id_of(item: bytes) -> str | None:
    """The id of an item of `GET /rollouts`, if it is plain to see; nothing else is read."""
    try:
        return _NAMED.decode(item).rollout_id
    except (msgspec.MsgspecError, RecursionError):
        return None


def read_step(item: bytes, raw: bytes, known: Rollout) -> Rollout | None:
    """A rollout that took steps since `raw` was read as `known`: most of what ever changes.

    None where more than the step differs, or may: it is to be read then.
    """
    now = _STEP.search(item)
    before = _STEP.match(raw, now.start()) if now is not None else None
    if now is None or before is None or known.current_step != int(before[1]):
        return None
    if item[: now.start()] != raw[: before.start()] or item[now.end() :] != raw[before.end() :]:
        return None
    if item.find(b'"current_step"', now.end()) >= 0:
        return None  # which of them is its own is not known
    return known.model_copy(update={"current_step": int(now[1])})


def item_text(item: bytes) -> str:
    """An item for "describe": its JSON, indented, but for any key in it; clean it to draw it."""
    try:
        document = loads(item)
        return json_text(mask_secrets(document), indent=2, ascii_only=False)
    except (ValueError, RecursionError):
        return item.decode("utf-8", "replace")


def without_secrets(body: bytes) -> bytes:
    """A body as it may be kept: as it came, unless it names a secret, which is hidden then.

    Nothing of a body that names one and cannot be read.
    """
    if _MAY_NAME_SECRET.search(body) is None:
        return body
    try:
        return json_text(mask_secrets(loads(body)), ascii_only=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return b""


def mask_secrets(document: Any) -> Any:
    """A JSON document with the values of `SECRET_FIELDS` hidden, at any depth."""
    if isinstance(document, dict):
        return {
            name: HIDDEN if value and _is_secret(name) else mask_secrets(value)
            for name, value in document.items()
        }
    return [mask_secrets(value) for value in document] if isinstance(document, list) else document


def _is_secret(name: str) -> bool:
    return name.lower().replace("-", "").replace("_", "") in SECRET_FIELDS


def _split_widely(body: bytes, key: str) -> ListAnswer:
    where = f"GET /{key}"
    try:
        document = loads(body)
    except ValueError as error:
        raise Garbled(f"{where}: not JSON: {error}") from None
    total = None
    if isinstance(document, dict):
        if key not in document:
            raise Garbled(f"{where}: an object without {key!r}")
        total = document.get("total")
        # Some servers write an empty list as null.
        document = [] if document[key] is None else document[key]
    if not isinstance(document, list):
        raise Garbled(f"{where}: no list of {key}")
    items = tuple(bound_item(json_text(item).encode()) for item in document)
    return ListAnswer(total if type(total) is int else None, items)


def own_bytes(raw: msgspec.Raw) -> bytes:
    """An item as bytes of its own, within what is kept."""
    return bound_item(memoryview(raw))


def _total(raw: msgspec.Raw) -> int | None:
    try:
        return msgspec.json.decode(raw, type=int)
    except msgspec.MsgspecError:
        return None
