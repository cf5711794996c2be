"""A task as a run changes it: what it is called, what the agent is told, what is judged."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gymtui.gym.scenarios.base import Task
from gymtui.gym.wire import TaskOverride

TASK_JSON = ("task", "name", "meta", "category", "difficulty", "judged_by")
"""What of a task in the vendor's form is carried out here."""


def override_task(task: Task, override: TaskOverride | None) -> Task:
    """Return a task with what a run puts in its place; other fields go before `task_json`."""
    if override is None:
        return task
    given: Mapping[str, Any] = override.task_json or {}
    meta = given.get("meta") if isinstance(given.get("meta"), Mapping) else {}
    name = given.get("name") if meta is None else meta.get("display_name", given.get("name"))
    return replace(
        task,
        name=_first(override.name, name, task.name),
        instruction=_first(override.description, given.get("task"), task.instruction),
        category=_first(given.get("category"), task.category),
        difficulty=_first(given.get("difficulty"), task.difficulty),
        rubric=_first(override.rubric_markdown, task.rubric),
        judged_by="run" if given.get("judged_by", task.judged_by) == "run" else "gym",
    )


def _first(*values: Any) -> str:
    return next(str(value) for value in values if value is not None)


def task_json_problem(task_json: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what of a task in the vendor's form cannot be carried out here: the key, and why."""
    for key, value in task_json.items():
        if key not in TASK_JSON:
            return key, f"The local gym does not carry out {key}: only {', '.join(TASK_JSON)}"
        wanted = dict if key == "meta" else str
        if not isinstance(value, wanted):
            return key, "not an object" if wanted is dict else "not text"
        if key == "judged_by" and value not in ("gym", "run"):
            return key, "gym or run"
    return None
