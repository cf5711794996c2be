"""A gym in memory for tests of store, plan and poller: runs that move, pages, modelled sizes."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

from gymtui.store.delta import (
    Observation,
    OneRun,
    Query,
    Request,
    RolloutsOf,
    RunningRollouts,
    RunsPage,
    ScenarioRollouts,
)

PHASES = ("building_environment", "seeding", "agent_running", "verifying")
GZIP = 8
"""How many times smaller a list travels than it is."""


def rollout(rollout_id: str, run_id: str, **fields: Any) -> dict[str, Any]:
    """A rollout as the API lists it."""
    return {
        "rollout_id": rollout_id,
        "run_id": run_id,
        "task_id": "t",
        "status": "pending",
    } | fields


def ended(rollout_id: str, run_id: str, success: bool | None = True) -> dict[str, Any]:
    """A rollout that has finished with a verdict, or with none yet."""
    result = None if success is None else {"success": success, "message": ""}
    return rollout(rollout_id, run_id, status="completed", result=result)


def rollouts_body(*items: object, total: int | None = None) -> bytes:
    document = {"total": len(items) if total is None else total, "rollouts": items}
    return json.dumps(document).encode()


def run(run_id: str, total: int = 2, running: int = 0, **fields: Any) -> dict[str, Any]:
    """A run as the API lists it; what does not run has finished."""
    counters = {"total": total, "completed": total - running, "failed": 0}
    counters |= {"in_progress": running, "pending": 0, "running": running}
    return {"run_id": run_id, "scenario_id": "hr", "source": "rl-gym"} | counters | fields


def runs_body(*items: object, total: int | None = None) -> bytes:
    document = {"total": len(items) if total is None else total, "runs": items}
    return json.dumps(document).encode()


def saw(query: Query, body: bytes | None, sent_s: float = 0.0) -> Observation:
    return Observation(query, body, sent_s, sent_s, len(body or b"") // GZIP)


@dataclass
class ModelRun:
    run_id: str
    rollouts: list[dict[str, Any]]
    weight: int = 1
    scenario_id: str | None = None
    items: dict[str, bytes] = field(default_factory=dict)
    item: bytes = b""
    body: bytes = b""

    def freeze(self) -> None:
        """Write down what lists show of it now; `items` are its rollouts' bytes."""
        status = [item["status"] for item in self.rollouts]
        counters = {
            "total": len(status) * self.weight,
            "completed": status.count("completed") * self.weight,
            "failed": 0,
            "in_progress": status.count("running") * self.weight,
            "pending": status.count("pending") * self.weight,
            "running": status.count("running") * self.weight,
        }
        names = {"run_id": self.run_id}
        if self.scenario_id is not None:
            names["scenario_id"] = self.scenario_id
        self.item = json.dumps(names | counters).encode()
        self.items = {item["rollout_id"]: json.dumps(item).encode() for item in self.rollouts}
        listed = b",".join(self.items.values())
        self.body = b'{"total":%d,"rollouts":[%s]}' % (len(self.items), listed)

    @property
    def active(self) -> bool:
        return any(item["status"] != "completed" for item in self.rollouts)


@dataclass
class ModelGym:
    """Runs in the order they were launched, listed newest or oldest first.

    Attributes:
        weight: How many rollouts each one stands for in counters and modelled sizes.
        page_cap: The most runs it lists in a page.
        finishing: How likely a running rollout ends in a step.
        now: The time, set by whoever plays.
        until: When each version of a run or rollout that is no longer so last was.
        since: When each run was launched.
        deleted: When each run that is no more was deleted.
    """

    rng: random.Random
    newest_first: bool = True
    page_cap: int = 200
    gives_total: bool = True
    heeds_offset: bool = True
    weight: int = 1
    runs: dict[str, ModelRun] = field(default_factory=dict)
    moving: dict[str, ModelRun] = field(default_factory=dict)
    launched: int = 0
    finishing: float = 0.02
    now: float = 0.0
    until: dict[tuple[str, bytes], float] = field(default_factory=dict)
    since: dict[str, float] = field(default_factory=dict)
    deleted: dict[str, float] = field(default_factory=dict)
    ever_changed: set[str] = field(default_factory=set)

    def launch(
        self, rollouts: int = 2, *, finished: bool = False, scenario_id: str | None = None
    ) -> str:
        run_id = f"run_{self.launched:05d}"
        self.launched += 1
        items = [
            (ended if finished else rollout)(f"{run_id}.{index}", run_id)
            for index in range(rollouts)
        ]
        made = self.runs[run_id] = ModelRun(run_id, items, self.weight, scenario_id)
        made.freeze()
        self.since[run_id] = self.now
        if made.active:
            self.moving[run_id] = made
        return run_id

    def delete(self, run_id: str) -> None:
        del self.runs[run_id]
        self.moving.pop(run_id, None)
        self.deleted[run_id] = self.now

    def changed(self, made: ModelRun) -> None:
        """Something in a run has changed: from now on that is how it is."""
        before = {made.run_id: made.item} | made.items
        made.freeze()
        self.ever_changed.add(made.run_id)
        after = {made.run_id: made.item} | made.items
        for name, version in before.items():
            if after[name] != version:
                self.until[name, version] = self.now
                self.until.pop((name, after[name]), None)
        if not made.active:
            self.moving.pop(made.run_id, None)

    def step(self) -> None:
        """Everything that runs moves on a little."""
        for made in list(self.moving.values()):
            for item in made.rollouts:
                if item["status"] == "pending" and self.rng.random() < 0.3:
                    item |= {"status": "running", "phase": PHASES[0], "current_step": 0}
                elif item["status"] == "running":
                    item["current_step"] += 1
                    if self.rng.random() < self.finishing:
                        item |= ended(item["rollout_id"], made.run_id, self.rng.random() < 0.7)
            self.changed(made)

    def finish(self, run_id: str) -> None:
        """All its rollouts end at once."""
        made = self.runs[run_id]
        for item in made.rollouts:
            item |= ended(item["rollout_id"], run_id)
        self.changed(made)

    def answer(self, query: Request) -> bytes | None:
        match query:
            case RunsPage(offset=offset, limit=limit):
                ids = list(self.runs)
                if self.newest_first:
                    ids.reverse()
                begin = offset if self.heeds_offset else 0
                page = ids[begin : begin + min(limit, self.page_cap)]
                head = b'{"total":%d,' % len(ids) if self.gives_total else b"{"
                return head + b'"runs":[' + b",".join(self.runs[i].item for i in page) + b"]}"
            case OneRun(run_id=run_id):
                return self.runs[run_id].item if run_id in self.runs else None
            case RolloutsOf(run_id=run_id):
                return self.runs[run_id].body if run_id in self.runs else rollouts_body()
            case RunningRollouts():
                every = (item for made in self.moving.values() for item in made.rollouts)
                running = [item for item in every if item["status"] == "running"]
                return rollouts_body(*running)
            case ScenarioRollouts(scenario_id=scenario_id):
                runs = [made for made in self.runs.values() if made.scenario_id == scenario_id]
                items = [item for made in runs for item in made.items.values()]
                return b'{"total":%d,"rollouts":[%s]}' % (len(items), b",".join(items))

    def wire_bytes(self, query: Request, body: bytes | None) -> int:
        about_rollouts = not isinstance(query, RunsPage | OneRun)
        return len(body or b"") * (self.weight if about_rollouts else 1) // GZIP
