"""A model server that takes no time, or a fixed one: six calls of a tool, then the end of it.

`python -m tests.bench.models [SECONDS]` says its URL and serves until its input closes.
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial

CALLS = 6
_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "hr_records__search_candidates", "arguments": '{"query": "Nadia"}'},
}
_USAGE = {"prompt_tokens": 900, "completion_tokens": 30}


def _answer(message: object) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = json.dumps({"id": "c", "choices": [choice], "usage": _USAGE}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


_CALLING = _answer({"role": "assistant", "content": "Looking.", "tool_calls": [_CALL]})
_DONE = _answer({"role": "assistant", "content": "Done."})


class _Connection(asyncio.Protocol):
    def __init__(self, takes_s: float) -> None:
        self._read = b""
        self._takes_s = takes_s

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, separator, body = self._read.partition(b"\r\n\r\n")
        if not separator:
            return
        _, _, rest = head.lower().partition(b"content-length: ")
        length = int(rest.partition(b"\r\n")[0] or 0)
        if len(body) < length:
            return
        self._read = body[length:]
        is_done = body.count(b'"role":"tool"') >= CALLS
        answer = _DONE if is_done else _CALLING
        if self._takes_s:
            loop = asyncio.get_running_loop()
            loop.call_later(self._takes_s, self._transport.write, answer)  # type: ignore[attr-defined]
        else:
            self._transport.write(answer)  # type: ignore[attr-defined]


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    takes_s = float(sys.argv[1]) if sys.argv[1:] else 0.0
    server = await loop.create_server(partial(_Connection, takes_s), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await loop.run_in_executor(None, partial(sys.stdin.read))


if __name__ == "__main__":
    asyncio.run(_serve())
