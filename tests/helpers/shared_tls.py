"""Certificates read once a process, though some thousand clients are made in it.

Reading them takes longer than most tests, and no test goes farther than loopback.
"""

from __future__ import annotations

import os
import ssl
from functools import cache
from typing import Any

import httpx
from httpx._transports import default as transports

_theirs = httpx.create_ssl_context
_FROM_ENVIRONMENT = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")


@cache
def _usual() -> ssl.SSLContext:
    return _theirs()


def read_once(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
    """What httpx makes of these; where nothing particular is asked for always the same."""
    if verify is True and cert is None and not any(map(os.environ.get, _FROM_ENVIRONMENT)):
        return _usual()
    return _theirs(verify=verify, cert=cert, trust_env=trust_env)


def share() -> None:
    """Have every client of this process take it."""
    # Where its transports look for it.
    vars(transports)["create_ssl_context"] = read_once
