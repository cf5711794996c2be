"""Why a launch is refused: what it asks for that this gym does not have or cannot do."""

from collections.abc import Mapping
from dataclasses import dataclass

from gymtui.gym.engine.overrides import override_task, task_json_problem
from gymtui.gym.models import providers
from gymtui.gym.models.scripted_agent import PREFIX, TEMPERAMENTS, Temperament
from gymtui.gym.scenarios.base import Scenario, Task
from gymtui.gym.wire import LaunchRequest, ModelConfig, TaskOverride

SCRIPTED = {
    "log_prob": "has no log probabilities",
    "summarize_every_n_turns": "has no context to summarise",
    "context_stride": "has no context to summarise",
    "tool_server_url": "calls the scenario's own tools only",
}
"""What a scripted agent cannot do, by the setting that asks for it."""
USER = {
    "tool_server_url": "calls no tools",
    "summarize_every_n_turns": "has no context that is summarised",
    "context_stride": "has no context that is summarised",
}
ONLY_SUMMARISED = {
    "context_stride": "keeps its last exchanges only where summarize_every_n_turns is set"
}
UNSEEN = (
    "What tools elsewhere do cannot be seen by the scenario's verifiers: with a tool_server_url"
    " each task needs a rubric_markdown in task_overrides"
)


@dataclass(frozen=True)
class LaunchProblem:
    """Why a request is refused: `loc` is the path to the field in the body."""

    loc: tuple[str | int, ...]
    message: str
    kind: str = "value_error"


class LaunchRefusedError(Exception):
    """A launch that validates but cannot be carried out here."""

    def __init__(self, *problems: LaunchProblem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


def task_problems(request: LaunchRequest, scenario: Scenario) -> list[LaunchProblem]:
    """Return what is wrong with the tasks of a launch and with what it changes about them."""
    problems = []
    named: dict[str, str] = {}
    for index, task_id in enumerate(request.task_ids):
        found = scenario.find(task_id)
        if found is None:
            words = f"Scenario {request.scenario_id} has no task {task_id}"
            problems.append(LaunchProblem(("task_ids", index), words))
        elif (before := named.setdefault(found.names[0], task_id)) != task_id:
            words = f"{task_id} is another name of {before}: the task is named twice"
            problems.append(LaunchProblem(("task_ids", index), words))
        elif task_id in request.task_ids[:index]:
            problems.append(LaunchProblem(("task_ids", index), f"Task {task_id} is named twice"))
    problems += [
        LaunchProblem(("task_overrides", task_id), "Not one of the run's task_ids")
        for task_id in request.task_overrides or {}
        if task_id not in request.task_ids
    ]
    return problems


def setting_problems(
    request: LaunchRequest,
    scenario: Scenario,
    temperaments: Mapping[str, Temperament],
    *,
    can_judge: bool,
) -> list[LaunchProblem]:
    """Return what is wrong with the models of a launch, and what of it cannot be done here."""
    problems = []
    if (problem := model_problem(request.settings, temperaments)) is not None:
        problems.append(problem)
    if is_scripted(request.settings):
        problems += _unable(request.settings, "model_config", "A scripted agent", SCRIPTED)
    elif not request.settings.summarize_every_n_turns:
        problems += _unable(request.settings, "model_config", "An agent", ONLY_SUMMARISED)
    problems += _user_problems(request, temperaments)
    for task_id, override in (request.task_overrides or {}).items():
        # Of a task that is not the launch's, its place says all.
        if (task := scenario.find(task_id)) is not None:
            problems += _override_problems(("task_overrides", task_id), task, override)
    problems += _task_setting_problems(request, scenario, can_judge)
    return problems


def _unable(
    settings: ModelConfig, field: str, who: str, reasons: Mapping[str, str]
) -> list[LaunchProblem]:
    return [
        LaunchProblem((field, name), f"{who} {why}")
        for name, why in reasons.items()
        if getattr(settings, name) != ModelConfig.model_fields[name].default
    ]


def _user_problems(
    request: LaunchRequest, temperaments: Mapping[str, Temperament]
) -> list[LaunchProblem]:
    field, settings = "user_model_config", request.user_settings
    if settings is None:
        return []
    if is_scripted(request.settings):
        return [LaunchProblem((field,), "A scripted agent talks to nobody")]
    if is_scripted(settings):
        return [
            LaunchProblem((field, "base_url"), "A simulated user needs a model: give a base_url")
        ]
    problem = model_problem(settings, temperaments, field)
    return [
        *([problem] if problem else []),
        *_unable(settings, field, "A simulated user", USER),
    ]


def _task_setting_problems(
    request: LaunchRequest, scenario: Scenario, can_judge: bool
) -> list[LaunchProblem]:
    """Return which tasks cannot be done or judged with these settings."""
    problems = []
    for index, task_id in enumerate(request.task_ids):
        override = (request.task_overrides or {}).get(task_id)
        found = scenario.find(task_id)
        if found is None:
            continue
        task = override_task(found, override)
        if is_scripted(request.settings) and task.plan is None:
            words = f"No scripted agent knows {task_id}: give a model, or its task `scripted`"
            problems.append(LaunchProblem(("model_config", "model"), words))
        # That it is empty is told where overrides are looked at.
        has_rubric = override is not None and bool((override.rubric_markdown or "").strip())
        place = (
            ("task_overrides", task_id, "rubric_markdown") if has_rubric else ("task_ids", index)
        )
        if not has_rubric and task.is_verified:
            if request.settings.tool_server_url is not None and not is_scripted(request.settings):
                words = f"{UNSEEN}: {task_id} has none"
                problems.append(LaunchProblem(("model_config", "tool_server_url"), words))
            if "judged_by" in ((override and override.task_json) or {}):
                words = f"{task_id} is verified, and not judged: give a rubric_markdown"
                judged_by = ("task_overrides", task_id, "task_json", "judged_by")
                problems.append(LaunchProblem(judged_by, words))
            continue
        if task.judged_by == "run" and is_scripted(request.settings):
            problems.append(
                LaunchProblem(place, f"{task_id} is judged by the run's model: give one")
            )
        elif task.judged_by == "gym" and not can_judge:
            problems.append(
                LaunchProblem(place, "Start the gym with --judge-model to have this judged")
            )
    return problems


def _override_problems(
    place: tuple[str, str], task: Task, override: TaskOverride
) -> list[LaunchProblem]:
    problems = []
    if override.task_json is not None:
        problem = task_json_problem(task, override.task_json)
        if problem is not None:
            problems.append(LaunchProblem((*place, "task_json", *problem[0]), problem[1]))
    rubric = (*place, "rubric_markdown")
    if override.rubric_markdown is not None and not override.rubric_markdown.strip():
        problems.append(LaunchProblem(rubric, "By an empty rubric nothing can be judged"))
    return problems


def is_scripted(settings: ModelConfig) -> bool:
    """Return whether settings name a scripted agent rather than a model."""
    return settings.provider == "custom" and settings.base_url is None


def model_problem(
    settings: ModelConfig, temperaments: Mapping[str, Temperament], field: str = "model_config"
) -> LaunchProblem | None:
    """Return why no agent can be made of these settings, as far as that shows at once."""
    if settings.provider != "custom" and (found := providers.problem(settings)) is not None:
        return LaunchProblem((field, found[0]), found[1], "connection_error")
    if settings.model is None:
        return LaunchProblem((field, "model"), "A model is needed", "invalid_model")
    if settings.provider != "custom":
        return None
    if settings.base_url is None and settings.model not in temperaments:
        kind = "scripted agent" if settings.model.startswith(PREFIX) else "model"
        known = ", ".join(TEMPERAMENTS)
        words = f"Unknown {kind} {settings.model}: give a base_url, or one of {known}"
        return LaunchProblem((field, "model"), words, "invalid_model")
    return None
