"""httpx's functions with the patience of a busy machine: five seconds are not enough there."""

from __future__ import annotations

from functools import partial

import httpx

PATIENCE_S = 60.0

get = partial(httpx.get, timeout=PATIENCE_S)
post = partial(httpx.post, timeout=PATIENCE_S)
delete = partial(httpx.delete, timeout=PATIENCE_S)
Client = partial(httpx.Client, timeout=PATIENCE_S)
AsyncClient = partial(httpx.AsyncClient, timeout=PATIENCE_S)
