"""The process of a bundle: imports its Python once, then becomes one process more for each world.

`python -m gymtui.gym.scenarios.world_host DIRECTORY` says on standard output what tools there are,
or what is wrong. Each byte on standard input, a socket, comes with another socket: that of a world,
which a forked child serves, a line of JSON a request. Where the other side closes, it ends; a child
that takes too long for one request is ended by its alarm.
"""

import gc
import math
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from gymtui.gym.scenarios.base import WorldError
from gymtui.gym.scenarios.bundle_files import BundleError, read
from gymtui.gym.scenarios.code import BundleCode, CodeError, load_code
from gymtui.gym.scenarios.local_world import WorldCore
from gymtui.gym.scenarios.run_artifacts import install_vendor_modules
from gymtui.gym.tools.toolbox import Call

GRACE_S = 2.0  # how long after its time a child ends itself: the gym has given up on it before


def main() -> None:
    """Serve worlds until standard input ends."""
    directory = Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(directory))
    output = os.fdopen(os.dup(1), "wb")
    # What a bundle prints goes to the gym's log.
    os.dup2(2, 1)
    try:
        files = read(directory)
        install_vendor_modules(str(directory), files.scenario.scenario_id)
        code = load_code(directory, files.own_servers, files.verifiers)
        hello: dict[str, Any] = {"tools": code.toolbox.functions()}
    except (BundleError, CodeError) as error:
        hello = {"error": str(error)}
    with output:
        output.write(_line(hello))
    if "error" in hello:
        return
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # What is there now is shared by all children: collecting it would copy it into each.
    gc.collect()
    gc.freeze()
    orders = socket.socket(fileno=0)
    while True:
        order, sockets, _, _ = socket.recv_fds(orders, 1, 1)
        if not order:
            return
        for number in sockets:
            if os.fork() == 0:
                try:
                    orders.close()
                    # Tools may start programs, and wait for them.
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    with socket.socket(fileno=number) as ours:
                        _serve(ours, code, files.scenario.time_limit_s)
                finally:
                    os._exit(0)
            os.close(number)


def _serve(ours: socket.socket, code: BundleCode, time_limit_s: float) -> None:
    # So that the gym can end what hangs in it.
    ours.sendall(_line({"pid": os.getpid()}))
    with ours.makefile("rb") as lines:
        first = _next(lines)
        if first is None:
            return
        world = WorldCore(code, first["task"], first["urls"])
        while (request := _next(lines)) is not None:
            signal.setitimer(signal.ITIMER_REAL, math.ceil(time_limit_s) + GRACE_S)
            try:
                answer = _answer(world, request)
            except WorldError as error:
                answer = {"error": str(error)}
            signal.setitimer(signal.ITIMER_REAL, 0)
            ours.sendall(_line(answer))


def _next(lines: BinaryIO) -> Any:
    line = lines.readline()
    return msgspec.json.decode(line) if line else None


def _answer(world: WorldCore, request: Mapping[str, Any]) -> dict[str, Any]:
    if request["do"] == "make":
        world.make(request["seed"])
        return {}
    if request["do"] == "call":
        call = Call(request["server"], request["tool"], request["parameters"])
        observation = world.call(call)
        return {"value": observation.value, "is_error": observation.is_error}
    result = world.verify(request["modules"], request["record"])
    return result.model_dump()


def _line(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value, enc_hook=str) + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        return msgspec.json.encode({"error": f"an answer that is no JSON: {error}"}) + b"\n"


if __name__ == "__main__":
    main()
