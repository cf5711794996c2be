"""A gym whose client is made when the gym is first asked something, and not on the event loop.

Making one takes a tenth of a second (the HTTP library, the certificates): a screen need not wait.
Nor does a key wait for what reads the first answer, which is built while that is on its way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gymtui.api.endpoints import Endpoints
from gymtui.api.models import build_models
from gymtui.api.request import Call
from gymtui.api.response import Answer
from gymtui.core.secret import ApiKey


class LazyClient(Endpoints):
    """Asks through a client that is made once, in a thread, when there is something to ask.

    The `GymError` of its making is raised by the call that wanted it.
    """

    def __init__(self, make: Callable[[], Endpoints]) -> None:
        self._make = make
        self._made: asyncio.Task[Endpoints] | None = None
        self._built: asyncio.Task[None] | None = None
        self._key: ApiKey | None = None

    async def _ask(self, call: Call) -> Answer:
        if self._made is None or _failed(self._made):
            self._made = asyncio.create_task(asyncio.to_thread(self._make))
        # Shielded: a question that is given up must not take the client from the others.
        client = await asyncio.shield(self._made)
        if self._key is not None:
            client.use_key(self._key)
        if self._built is None:
            self._built = asyncio.create_task(asyncio.to_thread(build_models))
        answer = await client._ask(call)
        await asyncio.shield(self._built)
        return answer

    def use_key(self, key: ApiKey) -> None:
        """Sends this key from now on, whether the client was made already or not."""
        self._key = key

    @property
    def note(self) -> str | None:
        """What the client found out, once there is one."""
        made = self._made
        there = made is not None and made.done() and not _failed(made)
        return made.result().note if made is not None and there else None

    async def aclose(self) -> None:
        """Closes the connections, if there are any."""
        made, self._made = self._made, None
        if made is not None and not _failed(made):
            await (await made).aclose()


def _failed(made: asyncio.Task[Endpoints]) -> bool:
    return made.done() and (made.cancelled() or made.exception() is not None)
