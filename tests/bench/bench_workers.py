"""A gym in PostgreSQL: how much faster with more workers, and whether deaths lose anything."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gymtui.store.formats import of_many
from tests.bench.rows import Row, at_most, within
from tests.helpers.places import ROOT
from tests.helpers.postgres_server import Server, own_server, run_sql, why_not
from tests.terminal.processes import cpu_seconds, family

ROLLOUTS, ANSWERS, ANSWER_S = 200, 7, 0.2
AT_ONCE = 8
"""Rollouts that a worker has at a time."""
REACHED, FULL, DEARER = 0.7, 0.9, 1.3
HELD, SLOW_S, CANCELS, CANCEL_S = 32, 5.0, 3, 1.0


def rows(*, long: bool) -> Iterator[Row]:
    """Measure."""
    if (reason := why_not()) is not None:
        yield Row("a gym in PostgreSQL", "not measured", note=reason)
        return
    with own_server() as server:
        alone: Spent | None = None
        for workers in (1, 2, 4):
            spent = _spent(server, workers)
            alone = alone or spent
            yield _throughput(workers, spent)
            what = f"processor time of a rollout, {of_many(workers, 'worker')}"
            note = "gym, workers, database and model server"
            yield at_most(what, spent.cpu_s / ROLLOUTS, alone.cpu_s / ROLLOUTS, DEARER, "s", note)
        late_s = max(_cancel_s(server) for _ in range(CANCELS))
        what = f"a cancel ends {HELD} rollouts on 4 workers"
        yield within(what, late_s, CANCEL_S, "s", f"the latest of {CANCELS}, by the database")
        for seed in range(10 if long else 1):
            faults = trial(server, seed)
            what = f"{ROLLOUTS} rollouts, killed workers, gym and server, seed {seed}"
            yield Row(what, "; ".join(faults) or "each ended once", "", "", "0 lost", not faults)


@dataclass(frozen=True)
class Spent:
    """What a run took."""

    took_s: float
    cpu_s: float  # of all that had a part in it
    busy: float  # the machine's processors, whoever kept them so, 0..1


def _throughput(workers: int, spent: Spent) -> Row:
    """It grows with the workers until the processors are full."""
    of_each = f"{ROLLOUTS} rollouts of {ANSWERS} answers of {ANSWER_S:g} s"
    best_s = math.ceil(ROLLOUTS / (AT_ONCE * workers)) * ANSWERS * ANSWER_S
    reached = best_s / spent.took_s
    return Row(
        f"{of_each}, {of_many(workers, 'worker')}",
        f"{ROLLOUTS / spent.took_s:.1f} a second",
        f"{ROLLOUTS / best_s:.1f} a second",
        f"{reached:.2f}×",
        f"≥ {REACHED:g}×",
        reached >= REACHED or spent.busy >= FULL,
        f"against waiting alone, {AT_ONCE} each; or full processors, here {spent.busy:.0%}",
    )


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
        return self.count("status IN ('pending', 'running')")

    def count(self, condition: str) -> int:
        """How many rollouts are so."""
        counted = f"SELECT count(*) FROM gymtui_gym.rollouts WHERE {condition}"
        return int(str(run_sql(self.url, counted)[0][0]))


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(60)
    if process.stderr is not None:
        process.stderr.close()


@contextmanager
def _models(answer_s: float = ANSWER_S) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.models", str(answer_s)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _spent(server: Server, workers: int) -> Spent:
    """What a run takes until all of it has ended."""
    with ExitStack() as until:
        models = until.enter_context(_models())
        gym = Gym(server.new_database(), until)
        gym.serve()
        for _ in range(workers):
            gym.hire(AT_ONCE)
        data = server.directory / "data"
        postmaster = int((data / "postmaster.pid").read_text().split()[0])
        began_s, cpu_s, idle_s = time.monotonic(), _cpu_s(postmaster), _idle_s()
        gym.launch(models, ROLLOUTS, 64)
        while gym.left():
            time.sleep(0.1)
        took_s = time.monotonic() - began_s
        idle = (_idle_s() - idle_s) / took_s / (os.cpu_count() or 1)
        return Spent(took_s, _cpu_s(postmaster) - cpu_s, 1 - idle)


def _cancel_s(server: Server) -> float:
    """How long after a cancel the last rollout has ended, while all wait for their model."""
    with ExitStack() as until:
        models = until.enter_context(_models(SLOW_S))
        gym = Gym(server.new_database(), until)
        gym.serve()
        for _ in range(4):
            gym.hire(AT_ONCE)
        gym.launch(models, HELD, HELD)
        while gym.count("phase = 'agent_running'") < HELD:
            time.sleep(0.1)
        [[run_id]] = run_sql(gym.url, "SELECT run_id FROM gymtui_gym.runs")
        began_s = time.monotonic()
        asked = urllib.request.Request(f"{gym.address}/runs/{run_id}/cancel", method="POST")
        urllib.request.urlopen(asked).close()
        while gym.left():
            time.sleep(0.01)
        return time.monotonic() - began_s


def _cpu_s(postmaster: int) -> float:
    """Processor time that all have used that have a part in it: those that this process started."""
    used_s = 0.0
    for pid in {*family(os.getpid()), *family(postmaster)} - {os.getpid()}:
        with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            used_s += cpu_seconds(pid)
    return used_s


def _idle_s() -> float:
    """For how long the processors of this machine had nothing to do, together."""
    ticks = Path("/proc/stat").read_text().splitlines()[0].split()
    return (int(ticks[4]) + int(ticks[5])) / os.sysconf("SC_CLK_TCK")


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
