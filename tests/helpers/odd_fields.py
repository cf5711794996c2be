"""Everything that a gym can put into any field, for tests of what reads and shows it.

One well-formed item of each kind; every JSON path in it; and in each place every value. A row
carries one of them, so that one answer of many rows tries them all.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from tests.conftest import THOROUGH
from tests.tui.scripted import ScriptedGym, at

PART = 1 if THOROUGH else 5
"""Of the values in a place one in so many may be tried, others in the next place."""

Path = tuple[str | int, ...]

ABSENT = object()
VALUES: tuple[Any, ...] = (
    *(None, ABSENT, True, -1, 1.5, 10**30, 1e308, float("nan"), float("inf")),
    *("", "text", "[/x] [bold", "a\x1b[31m\x07\n\u202eb\ud800", "x" * 5_000),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00"),
    *([], [None, -1, "x", [{}]], {}, {"a": [{"b": [[[["deep"]]]]}]}),
)

RUN: dict[str, Any] = {
    "run_id": "run",
    "scenario_id": "hr",
    "source": "rl-gym",
    "total": 3,
    "completed": 1,
    "failed": 0,
    "in_progress": 2,
    "pending": 1,
    "running": 1,
    "rollout_ids": ["a", "b"],
}
RESULT: dict[str, Any] = {
    "success": False,
    "message": "Missing: calendar event 7",
    "output": {"score": 0.5, "criteria": [{"name": "a", "passed": True}], "results": [1]},
    "score": 0.25,
    "verdict": "FAIL",
    "confidence": 0.5,
    "evidence": ["said so"],
    "failed_criteria": ["event created"],
    "dimension_scores": [{"dimension": "care", "score": 0.5, "reason": "little"}],
    "error": "none",
}


def rollout(status: str) -> dict[str, Any]:
    """A well-formed rollout that runs, or has ended."""
    running = status == "running"
    return {
        "rollout_id": "rollout",
        "scenario_id": "hr",
        "task_id": "task",
        "run_id": "odd",
        "status": status,
        "phase": "agent_running" if running else None,
        "current_step": 3 if running else None,
        "max_steps": 30,
        "created_at": at(900),
        "started_at": at(600),
        "completed_at": None if running else at(300),
        "result": None if running else RESULT,
        "termination_reason": None if running else "gave up",
        "model_config": {"model": "m", "provider": "custom", "temperature": 0.7, "max_steps": 30},
        "status_events": [
            {"status": "pending", "timestamp": at(900)},
            {"status": "running", "timestamp": at(600)},
        ],
    }


MESSAGES: list[Any] = [
    {"role": "user", "content": "words", "timestamp": at(600)},
    {
        "role": "assistant",
        "content": {
            "content": [{"type": "text", "text": "words"}],
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "a__b", "arguments": "{}"}}
            ],
        },
    },
    {
        "role": "tool",
        "content": {
            "tool_call_id": "c",
            "tool_server": "a",
            "tool_name": "b",
            "is_error": False,
            "summary": "done",
        },
    },
    {
        "role": "assistant",
        "content": None,
        "reasoning_content": "thought",
        "tool_calls": [{"id": "d", "function": {"name": "a__b", "arguments": {"x": 1}}}],
    },
    {"role": "tool", "tool_call_id": "d", "name": "a__b", "content": "answer"},
]
ARTIFACTS: dict[str, Any] = {
    "version": "0.1",
    "task_id": "task",
    "task": "Do it.",
    "model": "m",
    "provider": "custom",
    "messages": MESSAGES,
    "steps_taken": 2,
    "max_steps": 30,
    "final_observation": "seen",
    "created_at": at(600),
    "tool_calls": [{"tool_server": "a", "tool_name": "b", "parameters": {"x": 1}}],
    "tool_results": [{"observation": "seen", "is_error": False}],
    "metadata": {
        "rollout_metrics": {
            "token_usage": {"prompt_tokens_total": 10, "completion_tokens_total": 5},
            "timing": {"duration_seconds": 4.5},
            "cost": {"estimated_cost_usd": 0.01},
        }
    },
    "error": "Cancelled",
}
SCENARIO: dict[str, Any] = {
    "scenario_id": "hr",
    "name": "HR",
    "description": "An office",
    "num_tasks": 3,
    "num_npcs": 2,
    "tool_servers": [{"name": "email", "server_type": "http"}],
}
TASK: dict[str, Any] = {
    "task_id": "task",
    "name": "Task",
    "description": "Do it",
    "category": "calendar",
    "difficulty": "hard",
    "tool_servers": ["email"],
    "rubric": {"a": 1},
    "npc_profiles": [{"name": "n"}],
}


def paths(value: Any, here: Path = ()) -> Iterator[Path]:
    """Every path in a document, its own, (), first."""
    yield here
    if isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(member, (*here, key))


def put(document: Any, path: Path, value: Any) -> Any:
    """A document with another value in a place."""
    if not path:
        return None if value is ABSENT else copy.deepcopy(value)
    document = copy.deepcopy(document)
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    if value is ABSENT:
        del holder[path[-1]]
    else:
        holder[path[-1]] = copy.deepcopy(value)
    return document


def odd_ones(document: Any, name: str = "", every: int = 1) -> Iterator[Any]:
    """The document with each value in each place, one at a time.

    Args:
        document: It.
        name: Its member that tells one from the other, where that is to differ.
        every: Only one value in so many is tried in a place, others in the next place.
    """
    for number, path in enumerate(paths(document)):
        for which, value in enumerate(VALUES):
            if (number + which) % every:
                continue
            odd = put(document, path, value)
            if name and isinstance(odd, dict) and path[:1] != (name,):
                odd[name] = f"{document[name]}-{number}-{which}"
            yield odd


def odd_levels(document: Any) -> Iterator[Any]:
    """The document with each value in each place, all places of one depth at once."""
    yield from (value for value in VALUES if value is not ABSENT)
    levels: dict[int, list[Path]] = {}
    for path in paths(document):
        levels.setdefault(len(path), []).append(path)
    for places in (places for depth, places in levels.items() if depth):
        for turn in range(len(VALUES)):
            odd = document
            # From the end, so that what is left out of a list moves no place that is still to come.
            for number, path in reversed(list(enumerate(places))):
                odd = put(odd, path, VALUES[(turn + number) % len(VALUES)])
            yield odd


def strictly(text: str) -> Any:
    """A document that is JSON by RFC 8259."""

    def refuse(name: str) -> Any:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


class OddGym(ScriptedGym):
    """A gym whose every row has something else that it should not have.

    Beside a sound run, `sound`, and `odd`, whose rollouts are odd, there is a run for every odd way
    to say one; a launch is offered odd scenarios and tasks.

    Attributes:
        odd_runs: The further runs, as listed.
        odd_rollouts: Of `odd`, as listed.
    """

    def __init__(self, runs: list[Any] | None = None, rollouts: list[Any] | None = None) -> None:
        super().__init__()
        self.add("sound", "task", "pass", "fail", "running")
        self.add("odd", "task", "running")
        self.odd_runs = runs or []
        self.odd_rollouts = rollouts or []
        self.scenarios = [SCENARIO]
        self.tasks = [TASK]
        for ended in self.runs["sound"]:
            rollout_id = ended["rollout_id"]
            self.artifacts[rollout_id] = {"rollout_id": rollout_id, "artifacts": ARTIFACTS}

    def _found(self, method: str, parts: list[str], params: dict[str, str]) -> Any:
        match method, parts:
            case "GET", ["runs"]:
                known = super()._found(method, parts, params)["runs"]
                runs = [*known, *self.odd_runs]
                first = int(params.get("offset", 0))
                page = runs[first : first + int(params.get("limit", 50))]
                return {"total": len(runs), "runs": page}
            case "GET", ["runs", run_id] if run_id not in self.runs:
                named = (run for run in self.odd_runs if isinstance(run, dict))
                return next((run for run in named if str(run.get("run_id")) == run_id), None)
            case "GET", ["rollouts"]:
                self.asked.append(params)
                answer = super()._found(method, parts, params)
                if params.get("run_id") in (None, "odd"):
                    answer["rollouts"] = answer["rollouts"] + self.odd_rollouts
                    answer["total"] = len(answer["rollouts"])
                return answer
            case "GET", ["rollouts", rollout_id]:
                every = (*self.runs["sound"], *self.odd_rollouts)
                named = (item for item in every if isinstance(item, dict))
                return next((i for i in named if i.get("rollout_id") == rollout_id), None)
            case "GET", ["scenarios"]:
                return self.scenarios
            case "GET", ["scenarios", _, "tasks"]:
                return {"scenario_id": "hr", "tasks": self.tasks}
        return super()._found(method, parts, params)
