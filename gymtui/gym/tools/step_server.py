"""Tools in the vendor's HTTP form: `GET /tools` lists them, `POST /step` makes a call.

Here is the form, and a server of it on loopback for verifiers, which may ask tool servers by URL.
"""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from gymtui.gym.tools.toolbox import SEPARATOR, Call, Observation, Toolbox


def tool_list(functions: Any, server: str) -> dict[str, Any]:
    """Return the answer of `GET /tools`: a server's tools, given all as function definitions."""
    prefix = server + SEPARATOR
    found = [item["function"] for item in functions]
    return {
        "tools": [
            {
                "name": item["name"].removeprefix(prefix),
                "description": item["description"],
                "input_schema": item["parameters"],
            }
            for item in found
            if item["name"].startswith(prefix)
        ]
    }


def read_call(server: str, body: Any) -> Call | None:
    """Return the call that a body of `POST /step` asks for; None when it asks for none."""
    action = body.get("action") if isinstance(body, Mapping) else None
    if not isinstance(action, Mapping) or not isinstance(action.get("tool_name"), str):
        return None
    parameters = action.get("parameters") or {}
    return Call(server, action["tool_name"], parameters) if isinstance(parameters, dict) else None


def step(observation: Observation) -> dict[str, Any]:
    """Return the answer of `POST /step`."""
    value = observation.value
    text = observation.text
    if text is None:
        text = json.dumps(value, ensure_ascii=False)
    return {
        "observation": {
            "is_error": observation.is_error,
            "text": text,
            "structured_content": value if isinstance(value, dict) else None,
        },
        "reward": None,
        "done": False,
    }


class StepServer:
    """Serves tools on loopback from the first time that a URL is wanted to the end of a block."""

    def __init__(self, toolbox: Toolbox, call: Callable[[Call], Observation]) -> None:
        self._toolbox = toolbox
        self._call = call
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def url(self, server: str) -> str | None:
        """Return where a tool server is; None when there is no such."""
        if not any(tool.server == server for tool in self._toolbox):
            return None
        if self._server is None:
            handler = type(
                "Handler", (_Handler,), {"toolbox": self._toolbox, "made": staticmethod(self._call)}
            )
            self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
            threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}/{server}"


class _Handler(BaseHTTPRequestHandler):
    toolbox: Toolbox
    made: Callable[[Call], Observation]

    def do_GET(self) -> None:
        server, _, what = self.path.strip("/").rpartition("/")
        if what == "tools":
            self._answer(200, tool_list(self.toolbox.functions(), server))
        else:
            self._answer(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        server, _, what = self.path.strip("/").rpartition("/")
        length = int(self.headers.get("Content-Length") or 0)
        try:
            call = read_call(server, json.loads(self.rfile.read(length)))
        except ValueError:
            call = None
        if what != "step" or call is None:
            self._answer(404 if what != "step" else 422, {"detail": "not a step"})
        else:
            self._answer(200, step(type(self).made(call)))

    def _answer(self, status: int, body: Any) -> None:
        raw = json.dumps(body, default=str).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (http.server's name)
        """Say nothing: its own process' standard error is the gym's log."""
