"""What URLs may be, of a gym and of a database, and which hosts are this machine."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from msgspec import Struct

_PORTS = {"http": 80, "https": 443}
_LOGIN = re.compile(r"(?<=//)[^/?#\s\"]+@")
_HOSTILE = re.compile(r"[\x00-\x20\x7f\\]")


class Origin(Struct, frozen=True):
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


def directories_of(urls: str) -> tuple[str, str] | None:
    """What URLs of directories, blanks between, are in words, and their paths; else None."""
    paths = [url.removeprefix("file://") for url in urls.split() if url.startswith("file://")]
    if not paths:
        return None
    return ("the directory" if len(paths) == 1 else "the directories", unquote(" ".join(paths)))


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


def database_url(text: str) -> str:
    """The URL of a PostgreSQL database, as it is kept: shown as it is, so that it holds no secret.

    Raises:
        ValueError: It is none, or carries a password; nothing of it is repeated.
    """
    text = text.strip()
    if _HOSTILE.search(text):
        raise ValueError("contains a space, a backslash or a control character")
    parts = _split(text)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError("does not start with postgresql://")
    if parts.password is not None or any("password" in name for name, _ in parse_qsl(parts.query)):
        raise ValueError("contains a password: give it by PGPASSFILE, or by a command")
    return text


def database_name(url: str) -> str:
    """The URL of a database without user and options."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def origin_of(url: str) -> Origin:
    """The origin of a URL that `base_url` accepted."""
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
