"""What the environment says of the way to a gym: which proxy, and a key log that must open.

httpx would read it too, but what it cannot read ends the program where the client is made.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from gymtui.api.errors import UnsafeUrl
from gymtui.core import urls

_PLAIN = re.compile(r"[!-~]+")

SCHEMES = ("http", "https", "socks5", "socks5h")


def proxy_for(base_url: str, env: Mapping[str, str]) -> str | None:
    """The proxy to reach a gym through.

    Args:
        base_url: Where the gym is; this machine itself is never reached through one.
        env: `HTTPS_PROXY` or `HTTP_PROXY` by the URL's scheme, else `ALL_PROXY`, and `NO_PROXY`; in
            lower case too, which goes first.

    Returns:
        Its URL, with a login if the variable has one: not to be shown. None for no proxy.

    Raises:
        UnsafeUrl: The variable, which is named, holds no proxy that can be spoken to.
    """
    origin = urls.origin_of(base_url)
    if urls.is_loopback(origin.host) or _is_excepted(origin, _value(env, "NO_PROXY")[1]):
        return None
    for wanted in (f"{origin.scheme.upper()}_PROXY", "ALL_PROXY"):
        name, value = _value(env, wanted)
        if name == "HTTP_PROXY" and "REQUEST_METHOD" in env:
            continue  # in a CGI program that is the `Proxy` header of whoever asks
        if value:
            return _check(name, value if "://" in value else f"http://{value}")
    return None


def check_key_log(env: Mapping[str, str]) -> None:
    """Raise `UnsafeUrl` if what `SSLKEYLOGFILE` names, which Python opens, cannot be written."""
    name = env.get("SSLKEYLOGFILE")
    if not name:
        return
    try:
        with Path(name).open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise UnsafeUrl(f"SSLKEYLOGFILE cannot be written: {error.strerror or error}") from None


def _value(env: Mapping[str, str], name: str) -> tuple[str, str]:
    for label in (name.lower(), name):
        if value := env.get(label, "").strip():
            return label, value
    return name, ""


def _check(name: str, value: str) -> str:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise UnsafeUrl(f"{name} is not a proxy URL") from None
    if parts.scheme not in SCHEMES:
        raise UnsafeUrl(f"{name} names a {parts.scheme} proxy; only {', '.join(SCHEMES)} work")
    if not parts.hostname or port == 0 or not _PLAIN.fullmatch(value):
        raise UnsafeUrl(f"{name} is not a proxy URL")
    return value


def _is_excepted(origin: urls.Origin, excepted: str) -> bool:
    """Whether `NO_PROXY` names a host: by name, by its domain, by address or range, or all by `*`.

    An entry that cannot be read names nothing.
    """
    host = origin.host.lower()
    for entry in excepted.replace(",", " ").lower().split():
        entry = entry.partition("://")[2] or entry
        if entry == "*" or _is_within(host, entry):
            return True
        name, port = entry, ""
        if entry.startswith("["):
            name, _, port = entry[1:].partition("]")
            port = port.removeprefix(":")
        elif entry.count(":") == 1:
            name, _, port = entry.partition(":")
        if port and port != str(origin.port):
            continue
        name = name.removeprefix("*").removeprefix(".").rstrip(".")
        if name and (host == name or host.endswith(f".{name}") or _is_within(host, name)):
            return True
    return False


def _is_within(host: str, entry: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False
