"""Misbehaviour to order, for tests: `POST /__faults__` says what goes wrong with which requests.

An order applies to the next `times` requests that match it, or until cleared. One order, the
oldest that matches, applies to a request.
"""

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gymtui.gym.http.drift import drift
from gymtui.gym.http.router import PathNames, Route, invalid_fields, json_response, read_body
from gymtui.gym.http.transport import transport_of

PATH = "/__faults__"


class FaultPart(BaseModel):
    """Part of an order: unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class StatusFault(FaultPart):
    """Answer with a status instead of doing what was asked."""

    kind: Literal["status"]
    status: int = Field(ge=400, le=599)
    detail: JsonValue = "told to fail"
    retry_after: str | None = None


class MalformedFault(FaultPart):
    """Do what was asked, then answer 200 with this body instead."""

    kind: Literal["malformed"]
    body: str = "<html><body>Bad gateway</body></html>"
    content_type: str = "application/json"


class TruncatedFault(FaultPart):
    """Do what was asked, then close the connection after a share of the body."""

    kind: Literal["truncated"]
    share: float = Field(default=0.5, ge=0.0, lt=1.0)


class DropFault(FaultPart):
    """Drop the connection without an answer, before or after doing what was asked."""

    kind: Literal["drop"]
    when: Literal["before", "after"] = "before"


class RedirectFault(FaultPart):
    """Answer with a redirect, to this origin or another."""

    kind: Literal["redirect"]
    location: str
    status: Literal[301, 302, 303, 307, 308] = 307


class DriftFault(FaultPart):
    """Do what was asked, then change the answer's JSON.

    Paths are keys and indices joined by dots; `*` stands for every item: `runs.*.total`.
    """

    kind: Literal["drift"]
    put: dict[str, JsonValue] = {}
    drop: list[str] = []


Fault = Annotated[
    StatusFault | MalformedFault | TruncatedFault | DropFault | RedirectFault | DriftFault,
    Field(discriminator="kind"),
]


class FaultOrder(FaultPart):
    """What goes wrong, with which requests, and how often."""

    method: str | None = None  # A regular expression for the whole method, or None for all
    path: str | None = None  # A regular expression found in the raw path, or None for all
    times: int | None = Field(default=1, ge=1)  # how many matching requests, or None until cleared
    latency_s: float = Field(default=0.0, ge=0.0, le=3600.0)  # wait this long first, seconds
    fault: Fault | None = None  # what goes wrong then; None for nothing but the wait

    @field_validator("method", "path")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from error
        return value

    def matches(self, method: str, path: str) -> bool:
        return (self.method is None or re.fullmatch(self.method, method) is not None) and (
            self.path is None or re.search(self.path, path) is not None
        )


class FaultOrderState(BaseModel):
    """An order as `GET /__faults__` lists it, with how often it applied."""

    order: FaultOrder
    applied: int


class FaultOrderList(BaseModel):
    """The answer of every call to `/__faults__`."""

    orders: list[FaultOrderState]


@dataclass
class _StandingOrder:
    order: FaultOrder
    applied: int = 0

    @property
    def spent(self) -> bool:
        return self.order.times is not None and self.applied >= self.order.times


class Faults:
    """The orders that stand; `routes` takes them, `wrap` carries them out."""

    def __init__(self) -> None:
        self._standing: list[_StandingOrder] = []

    def routes(self) -> list[Route]:
        return [
            Route("POST", PATH, self.take),
            Route("GET", PATH, self.list),
            Route("DELETE", PATH, self.clear),
        ]

    async def take(self, request: Request, names: PathNames) -> Response:
        try:
            order = FaultOrder.model_validate_json(await read_body(request))
        except ValidationError as error:
            raise invalid_fields(error, "body") from error
        self._standing.append(_StandingOrder(order))
        return self._list()

    async def list(self, request: Request, names: PathNames) -> Response:
        return self._list()

    async def clear(self, request: Request, names: PathNames) -> Response:
        self._standing.clear()
        return self._list()

    def _list(self) -> Response:
        states = [
            FaultOrderState(order=item.order, applied=item.applied) for item in self._standing
        ]
        return json_response(FaultOrderList(orders=states))

    def _next(self, scope: Scope) -> FaultOrder | None:
        path = scope["raw_path"].decode("ascii", "replace")
        if path.removeprefix("/v1").startswith("/__"):
            return None
        for standing in self._standing:
            if not standing.spent and standing.order.matches(scope["method"], path):
                standing.applied += 1
                return standing.order
        return None

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Return `app` misbehaving as ordered."""

        async def misbehaving(scope: Scope, receive: Receive, send: Send) -> None:
            order = self._next(scope) if scope["type"] == "http" else None
            if order is None:
                await app(scope, receive, send)
                return
            await asyncio.sleep(order.latency_s)
            await _commit(order.fault, app, scope, receive, send)

        return misbehaving


async def _commit(
    fault: Fault | None, app: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    response: Response | None = None
    match fault:
        case None:
            await app(scope, receive, send)
        case StatusFault():
            after = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
            body = json.dumps({"detail": fault.detail})
            response = Response(body, fault.status, after, "application/json")
        case RedirectFault():
            response = Response(status_code=fault.status, headers={"Location": fault.location})
        case MalformedFault():
            await _answer_of(app, scope, receive)
            # Bytes as ordered: a body may be meant to hold what is no UTF-8 or no JSON.
            raw = fault.body.encode("utf-8", "surrogatepass")
            response = Response(raw, media_type=fault.content_type)
        case DriftFault():
            status, given = await _answer_of(app, scope, receive)
            changed = drift(json.loads(given), fault.put, fault.drop) if given else None
            response = Response(json.dumps(changed), status, None, "application/json")
        case TruncatedFault():
            await _truncate(fault, app, scope, receive, send)
        case DropFault():
            if fault.when == "after":
                await _answer_of(app, scope, receive)
            transport_of(scope).abort()
    if response is not None:
        await response(scope, receive, send)


async def _truncate(
    fault: TruncatedFault, app: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    status, body = await _answer_of(app, scope, receive)
    length = (b"content-length", str(len(body)).encode())
    headers = [length, (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    part = body[: int(len(body) * fault.share)]
    await send({"type": "http.response.body", "body": part, "more_body": True})
    # Flushes what was written, then closes: the announced length is never reached.
    transport_of(scope).close()


async def _answer_of(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[int, bytes]:
    """Let `app` answer into a buffer and return its status and body, not compressed."""
    status, body = 500, bytearray()

    async def collect(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    headers: list[Any] = [item for item in scope["headers"] if item[0] != b"accept-encoding"]
    await app({**scope, "headers": headers}, receive, collect)
    return status, bytes(body)
