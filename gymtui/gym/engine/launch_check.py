"""Why a launch is refused: what it asks for that this gym does not have or cannot do."""

from collections.abc import Mapping
from dataclasses import dataclass

from gymtui.gym.models.scripted import PREFIX, TEMPERAMENTS, Temperament
from gymtui.gym.scenarios.base import Scenario
from gymtui.gym.wire import LaunchRequest, ModelConfig


@dataclass(frozen=True)
class Problem:
    """Why a request is refused: `loc` is the path to the field in the body."""

    loc: tuple[str | int, ...]
    message: str
    kind: str = "value_error"


class LaunchRefusedError(Exception):
    """A launch that validates but cannot be carried out here."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


def task_problems(request: LaunchRequest, scenario: Scenario) -> list[Problem]:
    """Return what is wrong with the tasks of a launch and with what it changes about them."""
    problems = []
    for index, task_id in enumerate(request.task_ids):
        if task_id not in scenario.tasks:
            words = f"Scenario {request.scenario_id} has no task {task_id}"
            problems.append(Problem(("task_ids", index), words))
        elif task_id in request.task_ids[:index]:
            problems.append(Problem(("task_ids", index), f"Task {task_id} is named twice"))
    problems += [
        Problem(("task_overrides", task_id), "Not one of the run's task_ids")
        for task_id in request.task_overrides or {}
        if task_id not in request.task_ids
    ]
    return problems


def is_scripted(settings: ModelConfig) -> bool:
    """Return whether settings name a scripted agent rather than a model."""
    return settings.provider == "custom" and settings.base_url is None


def model_problem(
    settings: ModelConfig, temperaments: Mapping[str, Temperament], field: str = "model_config"
) -> Problem | None:
    """Return why no agent can be made of these settings, as far as that shows at once."""
    if settings.provider != "custom":
        words = (
            f"The local gym cannot reach provider {settings.provider}: use custom, with a"
            f" base_url or with a scripted model ({', '.join(TEMPERAMENTS)})"
        )
        return Problem((field, "provider"), words, "connection_error")
    if settings.model is None:
        return Problem((field, "model"), "A model is needed", "invalid_model")
    if settings.base_url is None and settings.model not in temperaments:
        kind = "scripted agent" if settings.model.startswith(PREFIX) else "model"
        known = ", ".join(TEMPERAMENTS)
        words = f"Unknown {kind} {settings.model}: give a base_url, or one of {known}"
        return Problem((field, "model"), words, "invalid_model")
    return None
