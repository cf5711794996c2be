"""The real app, client, poller and store on a gym that says exactly what a test lays down."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx

from gymtui.api.client import GymClient
from gymtui.config.settings import Settings
from gymtui.session.saved_layout import SavedLayout
from gymtui.tui.app.app import GymtuiApp
from gymtui.tui.context.preferences import Appearance, Preferences
from gymtui.tui.runtime.crash_report import Reporter
from tests.tui.person import Person

FINISHED = {"completed", "failed", "workspace_error"}


def at(seconds_ago: float = 0.0, now: datetime | None = None) -> str:
    """A time so long ago, as the API writes it; of several that belong together, at one `now`."""
    return ((now or datetime.now(UTC)) - timedelta(seconds=seconds_ago)).isoformat()


@dataclass
class ScriptedGym:
    """Runs and their rollouts, as a test laid them down and changes them.

    Attributes:
        runs: The rollouts of each run, as the API lists them.
        hidden: Runs whose rollouts are not told: such a question fails.
        forbidden: Runs and rollouts that the key may not see: a 403.
        cancelled: Runs that were cancelled, in turn.
        artifacts: What `GET /rollouts/{rollout_id}/artifacts` says, by rollout.
        asked: The queries of every `GET /rollouts`, in turn.
    """

    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    cancelled: list[str] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    artifacts: dict[str, Any] = field(default_factory=dict)
    url: str = "http://127.0.0.1:9"

    def add(self, run_id: str, task_id: str | None, *outcomes: str, **fields: Any) -> list[str]:
        """Add attempts of a task to a run, by a word each; gives their ids.

        Args:
            run_id: The run.
            task_id: The task.
            outcomes: `pass`, `fail`, `env`, `agent`, `limit`, `cancelled`, `running` or `waiting`.
            fields: Said of all of them.
        """
        rollouts = self.runs.setdefault(run_id, [])
        ids = []
        now = datetime.now(UTC)
        for outcome in outcomes:
            number = len(rollouts) + 1
            rollout_id = f"{run_id}.{number:03d}"
            began = {"created_at": at(3600 - number, now), "started_at": at(600, now)}
            item = {"rollout_id": rollout_id, "run_id": run_id, "task_id": task_id}
            rollouts.append(item | began | _outcome(outcome, now) | {"max_steps": 30} | fields)
            ids.append(rollout_id)
        return ids

    def rollout(self, rollout_id: str) -> dict[str, Any]:
        """One rollout, to be changed."""
        return next(r for rs in self.runs.values() for r in rs if r["rollout_id"] == rollout_id)

    def _status(self, run_id: str) -> dict[str, Any]:
        states = [rollout["status"] for rollout in self.runs[run_id]]
        running, pending = states.count("running"), states.count("pending")
        return {
            "run_id": run_id,
            "scenario_id": "hr",
            "source": "rl-gym",
            "total": len(states),
            "completed": states.count("completed"),
            "failed": states.count("failed") + states.count("workspace_error"),
            "in_progress": running + pending,
            "pending": pending,
            "running": running,
        }

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What it says to a request."""
        parts = request.url.path.strip("/").split("/")
        params = dict(request.url.params)
        found = self._found(request.method, parts, params)
        status, body = (200, found) if found is not None else (404, {"detail": "not found"})
        if self.forbidden & {params.get("run_id"), *parts}:
            status, body = 403, {"detail": "not yours"}
        date = format_datetime(datetime.now(UTC), usegmt=True)
        return httpx.Response(status, content=json.dumps(body), headers={"Date": date})

    def _found(self, method: str, parts: list[str], params: dict[str, str]) -> Any:
        match method, parts:
            case "GET", ["runs"]:
                runs = [self._status(run_id) for run_id in self.runs]
                return {"total": len(runs), "runs": runs}
            case "GET", ["runs", run_id]:
                return self._status(run_id) if run_id in self.runs else None
            case "POST", ["runs", run_id, "cancel"]:
                self.cancelled.append(run_id)
                return {"run_id": run_id, "cancelled_rollouts": 1}
            case "GET", ["rollouts", rollout_id, "artifacts"]:
                return self.artifacts.get(rollout_id)
            case "GET", ["rollouts", rollout_id]:
                members = (r for of_run in self.runs.values() for r in of_run)
                return next((r for r in members if r["rollout_id"] == rollout_id), None)
            case "GET", ["rollouts"]:
                self.asked.append(params)
                if params.get("run_id") in self.hidden:
                    return None
                rollouts = [
                    rollout
                    for run_id, members in self.runs.items()
                    for rollout in members
                    if params.get("run_id", run_id) == run_id
                    and params.get("status", rollout["status"]) == rollout["status"]
                ]
                return {"total": len(rollouts), "rollouts": rollouts}
        return None


def _outcome(word: str, now: datetime) -> dict[str, Any]:
    ended = {"phase": None, "current_step": None, "completed_at": at(480, now)}
    match word:
        case "pass":
            said = {"success": True, "message": "All criteria met"}
            return ended | {"status": "completed", "result": said}
        case "fail":
            said = {"success": False, "message": "Missing: calendar event 7"}
            return ended | {"status": "completed", "result": said}
        case "limit":
            return ended | {"status": "completed", "termination_reason": "max_steps_reached"}
        case "env":
            return ended | {"status": "workspace_error", "termination_reason": "image pull failed"}
        case "agent":
            reason = "429 Too Many Requests from endpoint, request req_8812"
            return ended | {"status": "failed", "termination_reason": reason}
        case "cancelled":
            return ended | {"status": "failed", "termination_reason": "cancelled"}
        case "running":
            return {"status": "running", "phase": "agent_running", "current_step": 3}
    return {"status": "pending", "phase": None, "started_at": None}


@asynccontextmanager
async def scripted_dashboard(
    gym: ScriptedGym,
    directory: Path,
    *,
    size: tuple[int, int] = (120, 36),
    appearance: Appearance | None = None,
    saved_layout: SavedLayout | None = None,
    **settings: Any,
) -> AsyncIterator[Person]:
    """The dashboard on a scripted gym, polling three times a second."""
    wanted = Settings(
        base_url=gym.url, **{"interval_s": 0.3, "max_requests_per_s": 100.0, **settings}
    )
    client = GymClient(wanted.base_url, transport=httpx.MockTransport(gym.answer))
    reporter = Reporter(directory, secrets=[])
    preferences = Preferences(appearance, saved_layout or SavedLayout())
    app = GymtuiApp(wanted, client, reporter, preferences=preferences)
    async with app.run_test(size=size, notifications=True, tooltips=True) as pilot:
        person = Person(app, pilot, gym)  # type: ignore[arg-type]
        try:
            yield person
        finally:
            person.http.close()
