"""A gym in PostgreSQL: how much faster with more workers, and whether deaths lose anything."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.bench.rows import Row
from tests.helpers.places import ROOT
from tests.helpers.postgres_server import Server, own_server, run_sql, why_not

ROLLOUTS = 200
ANSWER_S = 0.2


def rows(*, long: bool) -> Iterator[Row]:
    """Measure."""
    if (reason := why_not()) is not None:
        yield Row("a gym in PostgreSQL", "not measured", note=reason)
        return
    with own_server() as server:
        before_s = 0.0
        for workers in (1, 2, 4):
            took_s = _took_s(server, workers)
            ratio = f"{before_s / took_s:.1f}x" if before_s else ""
            before_s = before_s or took_s
            what = f"{ROLLOUTS} rollouts of seven answers of {ANSWER_S:g} s, {workers} workers"
            yield Row(what, f"{ROLLOUTS / took_s:.1f} a second", "as 1 worker", ratio)
        for seed in range(10 if long else 1):
            faults = trial(server, seed)
            what = f"{ROLLOUTS} rollouts, killed workers, gym and server, seed {seed}"
            yield Row(what, "; ".join(faults) or "each ended once", "", "", "0 lost", not faults)


@dataclass
class Gym:
    """A gym and its workers, as processes."""

    url: str  # of the database
    until: ExitStack
    api: subprocess.Popen[str] | None = None
    address: str = ""

    def serve(self) -> None:
        """Start the gym itself."""
        self.api = self._started("gym", "--port", "0", "--no-worker")
        assert self.api.stderr is not None
        self.address = self.api.stderr.readline().rpartition(" ")[2].strip()

    def hire(self, at_once: int) -> subprocess.Popen[str]:
        """Start a worker."""
        worker = self._started("gym-worker", "--at-once", str(at_once))
        assert worker.stderr is not None
        assert "working" in worker.stderr.readline()
        return worker

    def _started(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "gymtui", *words, "--db", self.url]
        process = subprocess.Popen(command, cwd=ROOT, text=True, stderr=subprocess.PIPE)
        self.until.callback(_end, process)
        return process

    def launch(self, models: str, count: int, parallel: int) -> None:
        """Launch a run of a model."""
        settings = {"model": "m", "api_key": "", "base_url": models}
        body = {
            **{"scenario_id": "hr", "task_ids": ["schedule_phone_screen"]},
            **{"rollout_count": count, "max_parallel": parallel, "model_config": settings},
        }
        asked = urllib.request.Request(f"{self.address}/runs", json.dumps(body).encode())
        urllib.request.urlopen(asked).close()

    def left(self) -> int:
        """How many rollouts have not ended."""
        counted = "SELECT count(*) FROM gymtui_gym.rollouts WHERE status IN ('pending', 'running')"
        return int(str(run_sql(self.url, counted)[0][0]))


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(60)
    if process.stderr is not None:
        process.stderr.close()


@contextmanager
def _models() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.models", str(ANSWER_S)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _took_s(server: Server, workers: int) -> float:
    """Seconds until all have ended, each worker having at most eight at a time."""
    with ExitStack() as until:
        models = until.enter_context(_models())
        gym = Gym(server.new_database(), until)
        gym.serve()
        for _ in range(workers):
            gym.hire(8)
        began_s = time.monotonic()
        gym.launch(models, ROLLOUTS, 64)
        while gym.left():
            time.sleep(0.1)
        return time.monotonic() - began_s


def trial(server: Server, seed: int) -> list[str]:
    """Have a run of 200 go on while everything is killed; what is wrong in the end.

    Leases end early by hand, so that it does not take half a minute each time.
    """
    rng = random.Random(seed)
    with ExitStack() as until:
        models = until.enter_context(_models())
        gym = Gym(server.new_database(), until)
        gym.serve()
        workers = [gym.hire(20) for _ in range(3)]
        gym.launch(models, ROLLOUTS, 40)
        for _ in range(6):
            time.sleep(rng.uniform(0.5, 2.0))
            what = rng.choice(("worker", "worker", "stop", "api", "server"))
            if what == "api":
                assert gym.api is not None
                gym.api.kill()
                gym.serve()
            elif what == "server":
                server.restart()
            else:
                worker = workers.pop(rng.randrange(len(workers)))
                worker.send_signal(signal.SIGKILL if what == "worker" else signal.SIGTERM)
                worker.wait(60)
                workers.append(gym.hire(20))
                late = "UPDATE gymtui_gym.workers SET seen_at = seen_at - interval '1 hour'"
                run_sql(gym.url, f"{late} WHERE worker_id LIKE %s", f"%:{worker.pid}:%")
        until_s = time.monotonic() + 180
        while gym.left():
            if time.monotonic() > until_s:
                return [f"{gym.left()} never ended"]
            time.sleep(0.1)
        return _faults(gym.url)


def _faults(url: str) -> list[str]:
    found = run_sql(
        url,
        "SELECT status, termination_reason, status_events, artifacts.rollout_id, result, deaths"
        " FROM gymtui_gym.rollouts LEFT JOIN gymtui_gym.artifacts USING (rollout_id)",
    )
    faults: Counter[str] = Counter()
    for status, reason, written, kept, result, deaths in found:
        events = [event["status"] for event in json.loads(str(written))]
        ends = [name for name in events if name not in ("pending", "running")]
        if ends != [status] or events[-1] != status:
            faults[f"ended as {ends}"] += 1
        elif status == "completed" and (kept is None or result is None):
            faults["completed without artifacts or result"] += 1
        elif status != "completed" and not (reason and "two workers" in str(reason)):
            faults[f"{status}: {reason}"] += 1
        elif status != "completed" and deaths != 1:
            faults[f"lost with {deaths} deaths"] += 1
    if len(found) != ROLLOUTS:
        faults[f"{len(found)} rollouts"] += 1
    return [f"{count} {what}" for what, count in faults.items()]
