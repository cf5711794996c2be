"""A gym over HTTP that only counts and moves: sizes that the local gym, which works, cannot make.

`python -m tests.bench.served …` says its URL and serves until its input closes; `served` starts it
so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.bench import wire
from tests.helpers.places import ROOT

OF_A_RUN = 50
AT_ONCE = 10
"""Rollouts of one run that run at the same time."""
STEP_S = 4.0
HEADERS = 300
"""Bytes of a request and of an answer's headers, about."""


@dataclass(frozen=True)
class Size:
    """What the gym holds.

    Attributes:
        active: Runs that run.
        finished: Runs that ended long ago.
        big: Rollouts of one more run, `big`, of which 1 % move with every request; 0 for none.
            Only the first `OF_A_RUN` are listed until it is told to grow.
        mixed: Rollouts of one more run, `mixed`, of all states, of which 1 % move likewise.
        still: Whether nothing moves.
        each: Rollouts of each run but the big and the mixed one.
        delay_ms: How long each answer takes at least.
        alone: Whether a question about a whole scenario is refused.
        oldest: Whether the oldest run is listed first.
    """

    active: int = 0
    finished: int = 0
    big: int = 0
    mixed: int = 0
    still: bool = False
    each: int = OF_A_RUN
    delay_ms: int = 0
    alone: bool = False
    oldest: bool = False


class Model:
    """The gym: a function of the time since it was started.

    Args:
        size: What it holds.
    """

    def __init__(self, size: Size) -> None:
        self._size = self.size = size
        # What stands still has stood for long: ages that grow by the minute are changes.
        self._began = datetime.now(UTC) - timedelta(days=3 if size.still else 0)
        self._began_s = time.monotonic()
        self._finished = [
            wire.run(_old(number), wire.Counts(size.each, 0, 0)) for number in range(size.finished)
        ]
        self._big = wire.Moving("big", size.big) if size.big else None
        mixed_began = datetime.now(UTC) - timedelta(seconds=size.mixed + 300)
        self._mixed = wire.Mixed("mixed", size.mixed, mixed_began) if size.mixed else None
        self.grown = False
        self._bodies: dict[str, list[bytes]] = {}
        self.requests = 0
        self.sent = 0

    def runs(self) -> list[bytes]:
        """Every run, the newest first."""
        big = [wire.run("big", wire.Counts(0, self._size.big, 0))] if self._big else []
        mixed = [wire.run("mixed", self._mixed.counts)] if self._mixed else []
        active = [self._run(number) for number in range(self._size.active)]
        every = [*big, *mixed, *active, *self._finished]
        return every[::-1] if self._size.oldest else every

    def everything_of_scenario(self) -> list[bytes]:
        """Every rollout there is: all runs are of one scenario."""
        names = chain(map(_new, range(self._size.active)), map(_old, range(self._size.finished)))
        return list(chain.from_iterable(map(self.rollouts_of, names)))

    def rollouts_of(self, run_id: str) -> list[bytes]:
        """A run's rollouts."""
        if run_id == "big" and self._big is not None:
            if not self.grown:
                return list(self._big.items[:OF_A_RUN])
            self._big.move(self._size.big // 100)
            return list(self._big.items)
        if run_id == "mixed" and self._mixed is not None:
            self._mixed.move(self._size.mixed // 100)
            return list(self._mixed.items)
        number = int(run_id.rpartition("-")[2])
        if run_id.startswith("old"):
            if run_id not in self._bodies:
                long_ago = wire.BEGAN - timedelta(hours=number)
                done = wire.MAX_STEPS
                self._bodies[run_id] = [
                    wire.rollout(run_id, n, done, began=long_ago) for n in range(self._size.each)
                ]
            return self._bodies[run_id]
        return [
            wire.rollout(run_id, n, step, began=self._began)
            for n, step in enumerate(self._steps(number))
        ]

    def running(self) -> list[bytes]:
        """Every rollout that runs."""
        found = []
        for number in range(self._size.active):
            run_id = _new(number)
            for n, step in enumerate(self._steps(number)):
                if step is not None and step < wire.MAX_STEPS:
                    found.append(wire.rollout(run_id, n, step, began=self._began))
        return found + (self.rollouts_of("big") if self._big else [])

    def everything(self) -> int:
        """Bytes of one answer with all runs and one with all rollouts, compressed."""
        sample = range(min(20, self._size.finished))
        old = self._packed_rollouts(map(_old, sample))
        scaled = old * self._size.finished // max(1, len(sample))
        new = self._packed_rollouts(map(_new, range(self._size.active)))
        return len(packed(wire.listing("runs", self.runs()))) + scaled + new + 2 * HEADERS

    def _packed_rollouts(self, run_ids: Iterable[str]) -> int:
        several = chain.from_iterable(map(self.rollouts_of, run_ids))
        return len(packed(wire.listing("rollouts", several)))

    def _run(self, number: int) -> bytes:
        steps = self._steps(number)
        waiting = sum(step is None for step in steps)
        done = sum(step == wire.MAX_STEPS for step in steps)
        return wire.run(_new(number), wire.Counts(done, len(steps) - waiting - done, waiting))

    def _steps(self, number: int) -> list[int | None]:
        """How far each rollout of an active run is; the run begins anew when it is through."""
        passed_s = 0.0 if self._size.still else time.monotonic() - self._began_s
        length_s = wire.MAX_STEPS * STEP_S
        at_s = (passed_s + number * 17 + 40) % (length_s * (self._size.each / AT_ONCE))
        steps: list[int | None] = []
        for n in range(self._size.each):
            own_s = at_s - n // AT_ONCE * length_s - n % AT_ONCE
            steps.append(None if own_s < 0 else min(wire.MAX_STEPS, int(own_s / STEP_S)))
        return steps


def _new(number: int) -> str:
    return f"nightly-lr3e-6-s{number * 100:05d}-{number}"


def _old(number: int) -> str:
    return f"old-{number:05d}"


def packed(body: bytes) -> bytes:
    """A body compressed as gzip."""
    packer = zlib.compressobj(6, wbits=31)
    return packer.compress(body) + packer.flush()


def application(model: Model) -> Starlette:
    """The model over HTTP."""

    def answer(body: bytes) -> Response:
        small = packed(body)
        model.requests += 1
        model.sent += len(small) + HEADERS
        headers = {"content-encoding": "gzip", "content-type": "application/json"}
        return Response(small, headers=headers)

    def runs(request: Request) -> Response:
        offset = int(request.query_params.get("offset", 0))
        limit = int(request.query_params.get("limit", 50))
        every = model.runs()
        return answer(wire.listing("runs", every[offset : offset + limit], len(every)))

    def one(request: Request) -> Response:
        wanted = b'"run_id":"%s"' % request.path_params["run_id"].encode()
        found = [run for run in model.runs() if wanted in run]
        return answer(found[0]) if found else Response(b'{"detail":"no such run"}', 404)

    def rollouts(request: Request) -> Response:
        asked = request.query_params
        if "run_id" in asked:
            items = model.rollouts_of(asked["run_id"])
        elif "status" in asked:
            items = model.running()
        elif model.size.alone:
            model.requests += 1
            return Response(b'{"detail":"ask for one run"}', 400)
        else:
            items = model.everything_of_scenario()
        return answer(wire.listing("rollouts", items))

    def counted(_request: Request) -> Response:
        told = {"requests": model.requests, "sent": model.sent, "everything": model.everything()}
        return Response(json.dumps(told).encode())

    def grow(_request: Request) -> Response:
        model.grown = True
        return Response()

    # On the event loop, one at a time: what is counted is not shared with threads.
    async def in_turn(request: Request) -> Response:
        await asyncio.sleep(model.size.delay_ms / 1000)
        return by_path[request.scope["route"].path](request)

    by_path = {
        "/runs": runs,
        "/runs/{run_id}": one,
        "/rollouts": rollouts,
        "/counted": counted,
        "/grow": grow,
    }
    return Starlette(routes=[Route(path, in_turn) for path in by_path])


@dataclass(frozen=True)
class Counted:
    """What was sent.

    Attributes:
        requests: How many were answered.
        sent: Their bytes and those of the answers, about.
        everything: Bytes of asking once for everything.
    """

    requests: int
    sent: int
    everything: int


@dataclass(frozen=True)
class Served:
    """A gym that runs in a process of its own.

    Attributes:
        url: Where.
    """

    url: str

    def counted(self) -> Counted:
        """What it sent so far."""
        with urllib.request.urlopen(f"{self.url}/counted", timeout=60) as answer:
            return Counted(**json.loads(answer.read()))

    def grow(self) -> None:
        """List all rollouts of the big run from now on."""
        urllib.request.urlopen(f"{self.url}/grow", timeout=60).close()


@contextmanager
def served(size: Size) -> Iterator[Served]:
    """Serve a gym of a size; it ends with the block."""
    command = [
        *(sys.executable, "-m", "tests.bench.served"),
        *(f"--{name}={int(number)}" for name, number in vars(size).items()),
    ]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url, "the canned gym did not start"
        yield Served(url)
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def main() -> None:
    """Serve until the input closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, number in vars(Size()).items():
        parser.add_argument(f"--{name}", type=int, default=int(number))
    size = Size(**vars(parser.parse_args()))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application(Model(size)), log_level="error"))

    def end() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=end, daemon=True).start()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
