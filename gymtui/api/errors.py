"""The small family of errors that a talk with a gym can end in, each with its word for the screen.

They hold plain values only: never a request, a header or a key, so that they can be logged whole.
"""

# ruff: noqa: N818  (the names say what happened; "Error" nine times over would not say more)

from __future__ import annotations

from msgspec import Struct

_BRIEF_CHARS = 160


class FieldError(Struct, frozen=True):
    """What the server has against one field of what was sent."""

    # The path as the server gave it, such as `("body", "model_config", "temperature")`.
    loc: tuple[str | int, ...]
    msg: str

    @property
    def field(self) -> str:
        """The path within what was sent, dotted: `model_config.temperature`; "" for the whole."""
        inner = self.loc[1:] if self.loc[:1] in {("body",), ("query",), ("path",)} else self.loc
        return ".".join(str(part) for part in inner)


class GymError(Exception):
    """Anything that went wrong between here and the gym."""

    # How long the server asks to be left alone, in seconds, if it said so.
    retry_after_s: float | None = None

    def __init__(self, brief: str, *, detail: str = "") -> None:
        super().__init__(brief if len(brief) <= _BRIEF_CHARS else f"{brief[: _BRIEF_CHARS - 1]}…")
        self.reason = brief  # the brief as long as it is
        # The server's own words, if it gave any; as received, so clean it to draw it.
        self.detail = detail

    @property
    def brief(self) -> str:
        """A word or a line for the status line: free of secrets, not yet fit for a terminal."""
        return str(self.args[0])

    @property
    def line(self) -> str:
        """A line for who has room for one: the server's own words, where it gave any."""
        return self.detail or self.brief

    @property
    def limiting(self) -> bool:
        """Whether the server asks to be left alone, for a time that it may have said."""
        return self.retry_after_s is not None


_NO_CONNECTION = frozenset({"connection refused", "no such host", "no route", "no connection"})
"""What `calls.why_unreachable` says of a connection that was never there."""


class Unreachable(GymError):
    """No answer at all: no route, no such host, refused, timed out, dropped."""

    @property
    def never_sent(self) -> bool:
        """Whether the question cannot have arrived: there was no connection to send it on."""
        return self.reason in _NO_CONNECTION or self.reason.startswith("TLS")


class _Denied(GymError):
    """A status that alone says what is wrong."""

    status: int
    meaning = ""

    def __init__(self, detail: str = "") -> None:
        super().__init__(str(self.status), detail=detail)

    @property
    def line(self) -> str:
        """What it means, and the server's words."""
        return f"{self.meaning} ({self.status}): {self.detail}".removesuffix(": ")


class Unauthorized(_Denied):
    """401: the key is missing or not valid."""

    status = 401
    meaning = "the key was refused"


class Forbidden(_Denied):
    """403: the key is valid and may not do this."""

    status = 403
    meaning = "forbidden"


class NotFound(GymError):
    """404: there is no such thing, or (for artifacts) not yet."""

    status = 404

    def __init__(self, detail: str = "") -> None:
        super().__init__("404", detail=detail)


class RateLimited(GymError):
    """429."""

    status = 429

    def __init__(self, retry_after_s: float | None = None, detail: str = "") -> None:
        super().__init__("429", detail=detail)
        self.retry_after_s = retry_after_s

    @property
    def limiting(self) -> bool:
        """Always."""
        return True


class Refused(GymError):
    """Any other 4xx (400, 409, 422 …): the gym understood and said no."""

    def __init__(self, status: int, detail: str = "", fields: tuple[FieldError, ...] = ()) -> None:
        reasons = detail or "; ".join(f"{f.field}: {f.msg}" if f.field else f.msg for f in fields)
        super().__init__(f"{status} {reasons}".rstrip(), detail=reasons)
        self.status = status
        self.fields = fields


class ServerError(GymError):
    """5xx: the gym, or something before it, is in trouble."""

    def __init__(self, status: int, retry_after_s: float | None = None, detail: str = "") -> None:
        super().__init__(str(status), detail=detail)
        self.status = status
        self.retry_after_s = retry_after_s


class Garbled(GymError):
    """An answer that is not one: not JSON, another shape, cut off, too large."""

    def __init__(self, fault: str) -> None:
        """Take which call and what was wrong, such as `GET /runs: text, not JSON`."""
        super().__init__(f"garbled answer from {fault}")


class Intercepted(Garbled):
    """An answer that is none of the gym's: of a proxy, a login page, the network."""

    def __init__(self, brief: str, line: str, status: int = 200) -> None:
        GymError.__init__(self, brief, detail=line)
        self.status = status  # the HTTP status, which says nothing of the gym


class Redirected(GymError):
    """A redirect that is not followed: to another origin, in a circle, or of a call that acts."""


class UnsafeUrl(GymError):
    """The base URL is not one that a key may be sent to."""


NOT_THE_GYM = (Unreachable, Intercepted, Redirected)  # errors that the gym itself had no part in
