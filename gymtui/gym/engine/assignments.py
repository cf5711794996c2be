"""Makes the assignments of a run: its request, task by task, with whoever takes part."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gymtui.gym.engine.assignment import Assignment
from gymtui.gym.engine.cancellation import Cancellation
from gymtui.gym.engine.launch_check import is_scripted
from gymtui.gym.engine.overrides import override_task
from gymtui.gym.engine.participants import Participants
from gymtui.gym.engine.records import NewRollout
from gymtui.gym.scenarios.base import Scenario
from gymtui.gym.wire import LaunchRequest


@dataclass(frozen=True)
class LaunchedRun:
    run_id: str
    number: int  # the database's
    request: LaunchRequest
    cancellation: Cancellation = field(default_factory=Cancellation)


@dataclass(frozen=True)
class Assignments:
    scenarios: Mapping[str, Scenario]
    participants: Participants
    seed: int  # every random choice comes from it, rollout by rollout

    def of(self, run: LaunchedRun, rollout: NewRollout) -> Assignment:
        """Return what one of a run's rollouts is about; its task must be there."""
        request = run.request
        settings = request.settings
        scenario = self.scenarios[request.scenario_id]
        override = (request.task_overrides or {}).get(rollout.task_id)
        found = scenario.find(rollout.task_id)
        assert found is not None  # noqa: S101  (launches of other tasks are refused)
        task = override_task(found, override)
        place = f"{self.seed}|{scenario.scenario_id}|{task.names[0]}|{rollout.attempt}"
        has_rubric = override is not None and override.rubric_markdown is not None
        judged = has_rubric or not task.is_verified
        return Assignment(
            rollout_id=rollout.rollout_id,
            run_id=run.run_id,
            scenario=scenario,
            task=task,
            settings=settings,
            override=override,
            # The run's number is in it, or every run of a model would repeat the last one.
            seed=f"{place}|{settings.model}|{run.number}",
            world_seed=place,
            attempt=rollout.attempt,
            make_agent=self.participants.agent_maker(settings, scenario, task),
            make_user=self.participants.user_maker(request.user_settings),
            make_tools=self.participants.tools_maker(settings, scenario),
            has_own_tools=settings.tool_server_url is None,
            judge=self.participants.judge_of(task, settings) if judged else None,
            cancellation=run.cancellation,
            is_scripted=is_scripted(settings),
        )
