"""From a status, headers and a body to an answer or a typed error: pure, whatever the transport."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from msgspec import Struct
from pydantic import BaseModel

from gymtui.api.errors import (
    FieldError,
    Forbidden,
    Garbled,
    GymError,
    Intercepted,
    NotFound,
    RateLimited,
    Refused,
    ServerError,
    Unauthorized,
)
from gymtui.api.item_limits import bound_item
from gymtui.api.lenient import loads, read
from gymtui.api.models import Malformed
from gymtui.core.json_output import json_text
from gymtui.core.secret import ApiKey

Model = TypeVar("Model", bound=BaseModel)

_DETAIL_CHARS = 2000
_REQUEST_TIMEOUT = 408
_LOGINS = {407: "a proxy", 511: "the network"}
_PAGES = frozenset({403, 404, 451})
"""With these a proxy's page says something of a gym that was never asked."""
_LOOKED_AT = 4096  # bytes by which a page is known
_BLANKS = b"\xef\xbb\xbf \t\r\n"
_RUBRIC_FIELDS = ("rubric_markdown", "rubric", "markdown", "content", "text")


class Answer(Struct, frozen=True):
    """A good answer, not yet read."""

    body: bytes  # the JSON text, decoded from whatever compression it came in
    date: datetime | None  # the server's clock when it answered, if it said so
    sent_s: float  # when the question was sent, in seconds of the client's monotonic clock
    received_s: float  # when the answer was complete, on the same clock
    wire_bytes: int  # how many bytes the body took on the wire


def error_of(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    call: str,
    now: datetime,
    secrets: Iterable[ApiKey] = (),
) -> GymError:
    """The error that a status other than 2xx means, with the server's words but for the secrets.

    Args:
        now: For a `Retry-After` that is a date, when the answer has no `Date`.
    """
    detail, fields = _detail_of(body, headers.get("content-type", ""))
    for secret in secrets:
        detail = secret.mask(detail)
        fields = tuple(FieldError(field.loc, secret.mask(field.msg)) for field in fields)
    if status == 401:
        return Unauthorized(detail)
    if (who := _LOGINS.get(status)) is not None:
        words = f"{who} requires a login"
        return Intercepted(f"{status}, {words}", f"{words} ({status})", status)
    page = detect_interception(body, status) if status in _PAGES and body.strip() else None
    if page is not None:
        return page
    if status == 403:
        return Forbidden(detail)
    if status == 404:
        return NotFound(detail)
    if status == 429:
        return RateLimited(retry_after_s(headers, now), detail)
    if status >= 500 or status == _REQUEST_TIMEOUT:
        return ServerError(status, retry_after_s(headers, now), detail)
    if status >= 400:
        return Refused(status, detail, fields)
    return Garbled(f"{call}: status {status}")


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """The `Date` header, in UTC, if it is one."""
    return _http_date(headers.get("date", ""))


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """The `Retry-After` header in seconds from the answer, never negative, if it is readable."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        until = _http_date(text)
        if until is None:
            return None
        # Against the server's own clock where it shows it: ours may be minutes off.
        seconds = (until - (date_of(headers) or now)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def must_be_json(body: bytes, call: str) -> None:
    """Raises `Intercepted` or `Garbled` for what is plainly no JSON object or list."""
    if (other := detect_interception(body)) is not None:
        raise other
    if body[:_LOOKED_AT].lstrip(_BLANKS)[:1] not in {b"{", b"["}:
        raise Garbled(f"{call}: text, not JSON")


def detect_interception(body: bytes, status: int = 200) -> Intercepted | None:
    """Whose answer it is if it is plainly none of a gym's, which speaks JSON; None if it may be."""
    start = body[:_LOOKED_AT].lstrip(_BLANKS)[:1]
    code = "" if status == 200 else f" ({status})"
    if start == b"<":
        line = f"the answer is a web page{code}, not the gym's: a proxy or login page in between?"
        return Intercepted(f"a web page{code}, not the gym", line, status)
    if not start:
        line = f"the answer is empty{code}: a proxy or login page in between?"
        return Intercepted(f"an empty answer{code}", line, status)
    return None


def model_of(
    model: type[Model], body: bytes, call: str, known: Mapping[str, str] | None = None
) -> Model:
    """A whole answer as a model.

    Args:
        known: Fields to be taken from here where the answer leaves them out (the id that was
            asked about, so that even an empty answer to a delete is one).

    Raises:
        Garbled: It is not JSON, lacks an id that it must have, or is about something else than
            what is known; `Intercepted` for a web page.
    """
    if body.strip() and (other := detect_interception(body)) is not None:
        raise other
    if known is not None:
        document = _document(body, call) if body.strip() else {}
        if isinstance(document, dict):
            given = {name: value for name, value in document.items() if value is not None}
            if given and not given.keys() & model.model_fields.keys():
                raise Garbled(f"{call}: it does not say what was done")
            if any(given.get(name, value) != value for name, value in known.items()):
                raise Garbled(f"{call}: an answer about another run")
            body = json_text({**known, **given}).encode()
    outcome = read(model, bound_item(body))
    if isinstance(outcome, Malformed):
        raise Garbled(f"{call}: {outcome.reason}")
    return outcome


def models_of(model: type[Model], body: bytes, key: str, call: str) -> tuple[Model, ...]:
    """A list answer, bare or under `key`, as models; items that cannot be read are left out."""
    document = _document(body, call)
    items = document.get(key) if isinstance(document, dict) and key in document else document
    if items is None:
        return ()
    if not isinstance(items, list):
        raise Garbled(f"{call}: no list of {key}")
    outcomes = [read(model, bound_item(json_text(item).encode())) for item in items]
    return tuple(outcome for outcome in outcomes if not isinstance(outcome, Malformed))


def rubric_of(body: bytes) -> str:
    """A rubric as text, however the gym wraps it (API.md does not say); raises for a page."""
    try:
        document = loads(body)
    except ValueError:
        # Markdown may begin with a tag, but not so.
        page = body.lstrip(_BLANKS)[:14].lower().startswith((b"<!doctype html", b"<html"))
        if page and (other := detect_interception(body)) is not None:
            raise other from None
        return body.decode("utf-8", "replace")
    if isinstance(document, dict):
        held = [document[name] for name in _RUBRIC_FIELDS if isinstance(document.get(name), str)]
        document = held[0] if held else document
    if isinstance(document, str):
        return document
    return json_text(document, indent=2, ascii_only=False)


def _document(body: bytes, call: str) -> Any:
    if (other := detect_interception(body)) is not None:
        raise other
    try:
        return loads(body)
    except ValueError as error:
        raise Garbled(f"{call}: not JSON: {error}") from None


def _detail_of(body: bytes, content_type: str) -> tuple[str, tuple[FieldError, ...]]:
    try:
        document = loads(body)
    except ValueError:
        return _plain(body, content_type), ()
    detail = document.get("detail") if isinstance(document, dict) else document
    if isinstance(document, dict) and detail is None:
        detail = document.get("message") or document.get("error") or ""
    if isinstance(detail, list):
        fields = tuple(filter(None, map(_field_error, detail)))
        if fields:
            return "", fields
    text = detail if isinstance(detail, str) else json_text(detail, ascii_only=False)
    return text[:_DETAIL_CHARS], ()


def _field_error(item: Any) -> FieldError | None:
    if not isinstance(item, dict) or not isinstance(item.get("msg"), str):
        return None
    loc = item.get("loc")
    parts = loc if isinstance(loc, list) else [loc] if isinstance(loc, str) else []
    known = tuple(part if isinstance(part, (str, int)) else str(part) for part in parts)
    return FieldError(known, item["msg"][:_DETAIL_CHARS])


def _plain(body: bytes, content_type: str) -> str:
    text = body.decode("utf-8", "replace")
    if "html" in content_type.lower() or text.lstrip()[:1] == "<":
        from html import unescape  # its table of names is large

        text = re.sub(r"(?is)<(script|style|head)\b.*?</\1\s*>", " ", text)
        text = unescape(re.sub(r"<[^>]*>", " ", text))
    return " ".join(text.split())[:_DETAIL_CHARS]


def _http_date(text: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(text)
        # "-0000" means UTC by someone who does not know better.
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
