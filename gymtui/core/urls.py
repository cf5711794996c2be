"""What a base URL may be, and which hosts are this machine; for the settings and the client."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

_PORTS = {"http": 80, "https": 443}
_LOGIN = re.compile(r"(?<=//)[^/?#\s\"]+@")
_HOSTILE = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what a key is given to as a whole or not at all."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if _PORTS.get(self.scheme) == self.port else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def without_login(text: str) -> str:
    """A text without the users and passwords in its URLs, which are nobody's business."""
    return _LOGIN.sub("…@", text)


def base_url(text: str) -> str:
    """A base URL in the form that is kept: no slash at its end, no space around it.

    Args:
        text: As typed or configured; its path, if any, is kept.

    Raises:
        ValueError: It is no `http` or `https` URL of a host, or carries what a base URL must not:
            a user or password (it is shown and logged), a query or a fragment.
    """
    text = text.strip()
    if _HOSTILE.search(text):
        raise ValueError("contains a space, a backslash or a control character")
    parts = _split(text)
    if parts.scheme not in _PORTS:
        hint = "" if "://" in text else f": did you mean https://{text}?"
        raise ValueError(f"does not start with https:// or http://{hint}")
    if not parts.hostname:
        raise ValueError("has no host")
    if "@" in parts.netloc:
        raise ValueError(
            "contains a user or password: put the key in the settings, never in the URL"
        )
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValueError("ends in a query or a fragment")
    return text.rstrip("/")


def origin_of(url: str) -> Origin:
    """The origin of a URL that `base_url` accepted.

    Raises:
        ValueError: The URL is not one.
    """
    parts = _split(url)
    host = (parts.hostname or "").rstrip(".")
    return Origin(parts.scheme, host, parts.port or _PORTS.get(parts.scheme, 0))


def is_loopback(host: str) -> bool:
    """Whether a host, by its name alone, is this machine: what plain http may be spoken to."""
    name = host.lower().rstrip(".").strip("[]")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def is_private_enough(url: str) -> bool:
    """Whether a key may travel there: encrypted, or without leaving this machine."""
    origin = origin_of(url)
    return origin.scheme == "https" or is_loopback(origin.host)


def _split(url: str) -> SplitResult:
    parts = urlsplit(url)
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("has an invalid port") from None
    return parts
