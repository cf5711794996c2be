"""The local gym rolling out: 500 rollouts of six calls on a model server that takes no time."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.bench.measuring import share
from tests.bench.models import CALLS
from tests.bench.rows import Row, at_most, within
from tests.helpers.places import ROOT
from tests.terminal.processes import cpu_seconds

ROLLOUTS = 500
AT_ONCE = 16
SMALLEST_RATE = 40
"""Rollouts a second on two cores."""
REQUEST_BYTES = 16_000
"""Of a model request, about: the tools and half of the conversation."""


@dataclass(frozen=True)
class Cost:
    """Of all rollouts together.

    Attributes:
        cpu_s: Seconds of one processor.
        answers_s: How long each `GET /runs` took meanwhile.
        memory_bytes: The most that the gym had.
    """

    took_s: float
    cpu_s: float
    answers_s: list[float]
    memory_bytes: int


def rows() -> Iterator[Row]:
    """Measure."""
    with _process("tests.bench.models") as (models, said):
        url = said.strip()
        one, twenty = _cost(url, runs=1), _cost(url, runs=20)
        yardstick_s = _requests_s(url)
        assert models.poll() is None
    yield at_most(
        f"{ROLLOUTS} rollouts of six calls: CPU (their requests, by httpx alone)",
        *(one.cpu_s, yardstick_s, 2.5, "s"),
    )
    yield within(
        f"{ROLLOUTS} rollouts of six calls, {AT_ONCE} at once",
        *(one.took_s, ROLLOUTS / SMALLEST_RATE, "s"),
        note=f"{ROLLOUTS / one.took_s:.0f} a second",
    )
    yield within("GET /runs meanwhile, 95 of 100", share(one.answers_s, 0.95), 0.06, "s")
    yield within("the gym's memory", one.memory_bytes, 120e6, "bytes")
    yield at_most(
        f"{ROLLOUTS} rollouts as 20 runs at once: CPU (as one run)",
        *(twenty.cpu_s, one.cpu_s, 1.15, "s"),
    )


@contextmanager
def _process(module: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", module, *arguments]
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            where = process.stderr if module == "gymtui" else process.stdout
            yield process, where.readline()
        finally:
            process.terminate()


def _cost(model_url: str, *, runs: int) -> Cost:
    with ExitStack() as until:
        home = Path(until.enter_context(tempfile.TemporaryDirectory()))
        arguments = ("gym", "--port", "0", "--db", str(home / "gym.sqlite3"))
        gym, said = until.enter_context(_process("gymtui", *arguments))
        url = said.rpartition(" ")[2].strip()
        began_cpu_s, began_s = cpu_seconds(gym.pid), time.monotonic()
        for _ in range(runs):
            _launch(url, model_url, ROLLOUTS // runs, max(1, AT_ONCE // runs))
        answers_s = []
        while True:
            asked_s = time.monotonic()
            with urllib.request.urlopen(f"{url}/runs?limit=200") as answer:
                listed = json.load(answer)["runs"]
            answers_s.append(time.monotonic() - asked_s)
            if all(run["completed"] == run["total"] for run in listed):
                break
            time.sleep(0.2)
        took_s = time.monotonic() - began_s
        cpu_s = cpu_seconds(gym.pid) - began_cpu_s
        status = Path(f"/proc/{gym.pid}/status").read_text()
        kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
        return Cost(took_s, cpu_s, answers_s, int(kib) * 1024)


def _launch(url: str, model_url: str, count: int, parallel: int) -> None:
    settings = {"model": "m", "api_key": "", "base_url": model_url}
    body = {
        **{"scenario_id": "hr", "task_ids": ["schedule_phone_screen"]},
        **{"rollout_count": count, "max_parallel": parallel, "model_config": settings},
    }
    asked = urllib.request.Request(f"{url}/runs", json.dumps(body).encode())
    with urllib.request.urlopen(asked) as answer:
        answer.read()


def _requests_s(model_url: str) -> float:
    """Seconds of one processor that as many requests of that size take, and nothing else."""
    content = json.dumps({"messages": "x" * REQUEST_BYTES}).encode()

    async def some(client: httpx.AsyncClient, count: int) -> None:
        for _ in range(count):
            (await client.post(f"{model_url}/chat/completions", content=content)).json()

    async def all_of_them() -> None:
        count = ROLLOUTS * (CALLS + 1) // AT_ONCE
        async with httpx.AsyncClient() as client:
            await asyncio.gather(*(some(client, count) for _ in range(AT_ONCE)))

    began_s = time.process_time()
    asyncio.run(all_of_them())
    return time.process_time() - began_s
