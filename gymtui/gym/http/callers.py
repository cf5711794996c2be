"""Whose requests a gym without a key answers: those that were meant for it.

A page in a browser can have its own name point at this machine (DNS rebinding) or just send a form
here. What it cannot do is to leave its name out of the headers.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request

from gymtui.gym.http.router import ApiError


def check_caller(request: Request) -> None:
    """Refuse a request to a name that is not this machine's, or from a page of another's.

    Raises:
        ApiError: It is one.
    """
    host = request.headers.get("host", "")
    if not is_loopback(_host_of(f"//{host}")):
        raise ApiError(403, "This gym asks for no key and answers by 127.0.0.1 or localhost only")
    origin = request.headers.get("origin")
    if origin is not None and not is_loopback(_host_of(origin)):
        raise ApiError(403, "This gym asks for no key and answers no other site's pages")


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, and not by a name that somebody else gives out."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
