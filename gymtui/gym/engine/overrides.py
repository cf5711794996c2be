"""A task as a run changes it: what it is called, what the agent is told, what is judged."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gymtui.gym.scenarios.base import Task
from gymtui.gym.wire import TaskOverride

TASK_JSON = ("task", "name", "meta", "category", "difficulty", "judged_by")
"""What of a task in the vendor's form is carried out here."""
META = ("task_id", "display_name", "category", "difficulty")
"""What of its `meta`; the id only says which task it is."""


def override_task(task: Task, override: TaskOverride | None) -> Task:
    """Return a task with what a run puts in its place; other fields go before `task_json`."""
    if override is None:
        return task
    given: Mapping[str, Any] = override.task_json or {}
    meta = given.get("meta") or {}
    return replace(
        task,
        name=_first(override.name, meta.get("display_name"), given.get("name"), task.name),
        instruction=_first(override.description, given.get("task"), task.instruction),
        category=_first(meta.get("category"), given.get("category"), task.category),
        difficulty=_first(meta.get("difficulty"), given.get("difficulty"), task.difficulty),
        rubric=_first(override.rubric_markdown, task.rubric),
        judged_by="run" if given.get("judged_by", task.judged_by) == "run" else "gym",
    )


def _first(*values: Any) -> str:
    return next(str(value) for value in values if value is not None)


def task_json_problem(
    task: Task, task_json: Mapping[str, Any]
) -> tuple[tuple[str, ...], str] | None:
    """Return what of a task in the vendor's form cannot be carried out here: where, and why."""
    for key, value in task_json.items():
        if key not in TASK_JSON:
            return (key,), _unknown(key, TASK_JSON)
        if not isinstance(value, dict if key == "meta" else str):
            return (key,), "not an object" if key == "meta" else "not text"
        if key == "judged_by" and value not in ("gym", "run"):
            return (key,), "gym or run"
    for key, value in (task_json.get("meta") or {}).items():
        if key not in META:
            return ("meta", key), _unknown(key, META)
        if not isinstance(value, str):
            return ("meta", key), "not text"
        if key == "task_id" and value not in (task.task_id, *task.names):
            return ("meta", key), f"another task: this one is {task.task_id}"
    return None


def _unknown(key: str, known: tuple[str, ...]) -> str:
    return f"The local gym does not carry out {key}: only {', '.join(known)}"
