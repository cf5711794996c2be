"""What a gym does with the rollouts that an earlier one on its database left unfinished."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from gymtui.gym.clock import Clock
from gymtui.gym.engine.database import Database
from gymtui.gym.engine.launch_check import setting_problems, task_problems
from gymtui.gym.engine.records import WaitingRun
from gymtui.gym.models.scripted_agent import Temperament
from gymtui.gym.scenarios.base import Scenario
from gymtui.gym.wire import LaunchRequest, TaskOverride

CUT_OFF = "interrupted: the gym was restarted before this rollout finished"


class CannotGoOnError(Exception):
    """A run takes what is not there; says what, or what to do."""


def cut_off_at(database: Database, clock: Clock) -> str:
    """Return when the earlier gym was last alive, by this one's clock."""
    written = database.last_written
    now = clock.now()
    when = now if written is None else min(written + clock.offset, now)
    return when.isoformat(timespec="microseconds")


def request_again(
    waiting: WaitingRun,
    scenarios: Mapping[str, Scenario],
    temperaments: Mapping[str, Temperament],
    *,
    can_judge: bool,
    secrets: Mapping[str, Mapping[str, Any]] = {},
) -> LaunchRequest:
    """Return a request that goes on with a run.

    Args:
        secrets: What was kept apart of `settings` and `user_settings`. Without, it has no key: a
            model server that wants one says so.

    Raises:
        CannotGoOnError: That takes what is not there.
    """
    given = {"api_key": "", **secrets.get("settings", {})}
    given_user = {"api_key": "", **secrets.get("user_settings", {})}
    run = waiting.run
    try:
        request = LaunchRequest.model_validate(
            {
                "scenario_id": run.scenario_id,
                "task_ids": sorted({rollout.task_id for rollout in waiting.rollouts}),
                "model_config": {**run.settings, **given},
                "user_model_config": run.user_settings and {**run.user_settings, **given_user},
                "max_parallel": run.max_parallel,
                "run_name": run.run_id,
            }
        )
        # An override may name a task whose rollouts have all begun, which a launch may not.
        overrides = {
            name: TaskOverride.model_validate(item)
            for name, item in (run.task_overrides or {}).items()
        }
    except ValidationError:
        raise CannotGoOnError("its launch cannot be read any more") from None
    scenario = scenarios.get(request.scenario_id)
    if scenario is None:
        raise CannotGoOnError(f"there is no scenario {request.scenario_id} any more")
    problems = task_problems(request, scenario)
    request = request.model_copy(update={"task_overrides": overrides})
    problems += setting_problems(request, scenario, temperaments, can_judge=can_judge)
    if problems:
        raise CannotGoOnError("; ".join(dict.fromkeys(problem.message for problem in problems)))
    return request
