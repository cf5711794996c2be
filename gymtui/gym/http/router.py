"""From a request's raw path to its handler, and from what goes wrong to an answer.

Ids may hold anything, slashes included, so the path is split as it was sent and each segment is
percent-decoded exactly once.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gymtui.gym.defects import describe_defect
from gymtui.gym.engine.records import DatabaseAwayError, StorageError

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_BODY_BYTES = 4 * 1024 * 1024

PathNames = Mapping[str, str]  # what stood in the path, by the name in the route

Handler = Callable[[Request, PathNames], Awaitable[Response]]
"""Answers a request, given what stood in the path where the route has names."""


class ApiError(Exception):
    """An answer that is an error: `detail` is text, or the list of a validation error."""

    def __init__(
        self, status: int, detail: str | list[dict[str, Any]], headers: Mapping[str, str] = {}
    ) -> None:
        super().__init__(str(detail))
        self.status = status
        self.detail = detail
        self.headers = headers


class ErrorBody(BaseModel):
    """What every error answer holds."""

    detail: str | list[dict[str, Any]]


def invalid_value(loc: Sequence[str | int], message: str, kind: str) -> ApiError:
    """Return the answer to one invalid value, at its place in the request."""
    return ApiError(422, [{"loc": list(loc), "msg": message, "type": kind}])


def invalid_fields(error: ValidationError, *place: str) -> ApiError:
    """Return the answer to a validation error; it never repeats what was sent."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    detail = [
        {"loc": [*place, *problem["loc"]], "msg": problem["msg"], "type": problem["type"]}
        for problem in problems
    ]
    return ApiError(422, detail)


def json_response(
    body: BaseModel | Sequence[BaseModel], status: int = 200, headers: Mapping[str, str] = {}
) -> Response:
    if isinstance(body, BaseModel):
        text = body.model_dump_json(by_alias=True)
    else:
        text = f"[{','.join(item.model_dump_json(by_alias=True) for item in body)}]"
    return Response(text, status, dict(headers), media_type="application/json")


def require_found(what: str, value: T | None, name: str) -> T:
    """Return what is there by a name.

    Raises:
        ApiError: Nothing is.
    """
    if value is None:
        raise ApiError(404, f"{what} not found: {name}")
    return value


async def read_body(request: Request) -> bytes:
    """Return a request's body.

    Raises:
        ApiError: It is longer than the gym reads.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            raise ApiError(413, f"The body is longer than {MOST_BODY_BYTES} bytes")
    return bytes(body)


@dataclass(frozen=True)
class Route:
    """A method and a path pattern such as `/runs/{run_id}/cancel`."""

    method: str
    pattern: str
    handler: Handler

    def match(self, segments: Sequence[str]) -> dict[str, str] | None:
        """Return what stands where the pattern has names, or None when the path is another."""
        parts = self.pattern.strip("/").split("/")
        if len(parts) != len(segments):
            return None
        names = {}
        for part, segment in zip(parts, segments, strict=True):
            if part.startswith("{"):
                names[part.strip("{}")] = segment
            elif part != segment:
                return None
        return names


def split_path(raw_path: bytes) -> list[str] | None:
    """Return a path's segments, each decoded once, a leading `v1` left out; None if not UTF-8."""
    try:
        segments = [unquote_to_bytes(part).decode() for part in raw_path[1:].split(b"/")]
    except UnicodeDecodeError:
        return None
    return segments[1:] if segments[0] == "v1" and len(segments) > 1 else segments


class Router:
    """The ASGI application that finds the handler."""

    def __init__(self, routes: Sequence[Route], check: Callable[[Request], None]) -> None:
        """Make a router.

        Args:
            routes: Tried in order.
            check: Called before any handler; raises `ApiError` to refuse.
        """
        self._routes = routes
        self._check = check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            self._check(request)
            handler, names = self._find(request)
            response = await handler(request, names)
        except ApiError as error:
            response = json_response(ErrorBody(detail=error.detail), error.status, error.headers)
        except StorageError as error:
            log.error("%s %s: %s", request.method, request.url.path, error)
            words = f"The gym cannot use its database: {error}"
            is_away = isinstance(error, DatabaseAwayError)
            response = json_response(ErrorBody(detail=words), 503 if is_away else 507)
        except Exception as error:  # noqa: BLE001  (said by its name, as an exception may hold a key)
            log.error("%s %s broke: %s", request.method, request.url.path, describe_defect(error))
            words = f"The gym broke on this: {type(error).__name__}"
            response = json_response(ErrorBody(detail=words), 500)
        await response(scope, receive, send)

    def _find(self, request: Request) -> tuple[Handler, dict[str, str]]:
        segments = split_path(request.scope["raw_path"])
        allowed = []
        if segments is not None:
            for route in self._routes:
                names = route.match(segments)
                if names is None:
                    continue
                if route.method == request.method:
                    return route.handler, names
                allowed.append(route.method)
        if allowed:
            raise ApiError(405, "Method Not Allowed", {"Allow": ", ".join(allowed)})
        raise ApiError(404, "Not Found")
