"""One method an endpoint: what each asks and what comes back. How it travels is `client`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gymtui.api import response
from gymtui.api.models import Cancelled, ConfigCheck, CreatedRun, Deleted, Scenario, Task
from gymtui.api.request import Call, Progress, Ready, Sink, query_of
from gymtui.api.response import Answer
from gymtui.core.secret import ApiKey

if TYPE_CHECKING:
    from gymtui.api.launch_request import LaunchRequest, ModelConfig


class Endpoints(ABC):
    """Every call of API.md. Each raises `errors.GymError`, of the kind that fits, and says so here.

    Lists of runs and rollouts, single ones and artifacts come back as bytes, since whoever asks
    often compares them and only reads what changed; the rest come back as models.
    """

    @property
    def note(self) -> str | None:
        """What was found out on the way that a person should know; None for nothing."""
        return None

    def is_over(self, run_id: str) -> bool:
        """Whether it is known that nothing more is to come of a run, its results included."""
        return False

    @abstractmethod
    async def _ask(self, call: Call) -> Answer:
        """Sends a question and brings its good answer, or raises."""

    @abstractmethod
    def use_key(self, key: ApiKey) -> None:
        """Sends this key, and no other, with whatever is asked from now on."""

    @abstractmethod
    async def aclose(self) -> None:
        """Closes the connections."""

    async def list_runs(
        self,
        scenario_id: str | None = None,
        source: str | None = None,
        limit: int = 50,
        offset: int = 0,
        expand: Sequence[str] = (),
    ) -> Answer:
        """`GET /runs`: a page of runs, a body for `list_answer.split(…, "runs")`.

        Args:
            source: `rl-gym`, `task-editor`, `datadog-synthetics` or `all`; None is the gym's own
                default, `rl-gym`.
            limit: The most runs to list, 1 to 200.
            expand: What to fill in; `rollouts` fills `rollout_ids`.
        """
        query = query_of(
            scenario_id=scenario_id, source=source, limit=str(limit), offset=str(offset)
        )
        query += tuple(("expand", what) for what in expand)
        return await self._answer(Call("GET", "/runs", query=query))

    async def get_run(self, run_id: str) -> Answer:
        """`GET /runs/{run_id}`: a body for `list_answer.parse_run`."""
        return await self._answer(Call("GET", "/runs/{run_id}", (run_id,)))

    async def create_run(self, request: LaunchRequest) -> CreatedRun:
        """`POST /runs`: launches a run. When in doubt look for its `run_name`; never send twice."""
        call = Call("POST", "/runs", body=request)
        return response.model_of(CreatedRun, (await self._ask(call)).body, call.name)

    async def cancel_run(self, run_id: str) -> Cancelled:
        """`POST /runs/{run_id}/cancel`: tells the run's active rollouts to end gracefully."""
        call = Call("POST", "/runs/{run_id}/cancel", (run_id,))
        body = (await self._ask(call)).body
        return response.model_of(Cancelled, body, call.name, {"run_id": run_id})

    async def delete_run(self, run_id: str) -> Deleted:
        """`DELETE /runs/{run_id}`: the run and all its rollout records are gone."""
        call = Call("DELETE", "/runs/{run_id}", (run_id,))
        body = (await self._ask(call)).body
        return response.model_of(Deleted, body, call.name, {"run_id": run_id})

    async def list_rollouts(
        self,
        scenario_id: str | None = None,
        task_id: str | None = None,
        status: str | None = None,
        run_id: str | None = None,
    ) -> Answer:
        """`GET /rollouts`: all that match, a body for `list_answer.split(…, "rollouts")`.

        There is no paging, so without a filter it is all.
        """
        query = query_of(scenario_id=scenario_id, task_id=task_id, status=status, run_id=run_id)
        return await self._answer(Call("GET", "/rollouts", query=query))

    async def stream_rollouts(
        self, scenario_id: str, sink: Sink, ready: Ready, on_progress: Progress
    ) -> Answer:
        """`GET /rollouts?scenario_id=`: of hundreds of runs, handed on as it comes.

        The answer has no body. How much came is told before the sink is given it.
        """
        query = query_of(scenario_id=scenario_id)
        call = Call(
            "GET", "/rollouts", query=query, timed=False,
            on_progress=on_progress, sink=sink, ready=ready,
        )  # fmt: skip
        return await self._ask(call)

    async def get_rollout(self, rollout_id: str) -> Answer:
        """`GET /rollouts/{rollout_id}`: a body for `list_answer.parse_rollout`."""
        return await self._answer(Call("GET", "/rollouts/{rollout_id}", (rollout_id,)))

    async def artifacts(
        self,
        rollout_id: str,
        redact_tool_calls: bool = False,
        on_progress: Progress | None = None,
    ) -> Answer:
        """`GET /rollouts/{rollout_id}/artifacts`: a body for `transcript.body_reader`.

        NotFound also when it has not finished.
        """
        return await self._answer(_artifacts_call(rollout_id, redact_tool_calls, on_progress))

    async def stream_artifacts(
        self,
        rollout_id: str,
        sink: Sink,
        redact_tool_calls: bool = False,
        on_progress: Progress | None = None,
    ) -> None:
        """`GET /rollouts/{rollout_id}/artifacts`, handed on as it comes, whatever its size."""
        await self._ask(_artifacts_call(rollout_id, redact_tool_calls, on_progress, sink))

    async def list_scenarios(self) -> tuple[Scenario, ...]:
        """`GET /scenarios`: what runs can be launched on."""
        call = Call("GET", "/scenarios")
        return response.models_of(Scenario, (await self._ask(call)).body, "scenarios", call.name)

    async def list_tasks(self, scenario_id: str) -> tuple[Task, ...]:
        """`GET /scenarios/{scenario_id}/tasks`: the scenario's tasks."""
        call = Call("GET", "/scenarios/{scenario_id}/tasks", (scenario_id,))
        return response.models_of(Task, (await self._ask(call)).body, "tasks", call.name)

    async def rubric(self, scenario_id: str, task_id: str) -> str:
        """`GET /scenarios/{scenario_id}/tasks/{task_id}/rubric`: as text, usually Markdown."""
        template = "/scenarios/{scenario_id}/tasks/{task_id}/rubric"
        answer = await self._ask(Call("GET", template, (scenario_id, task_id)))
        return response.rubric_of(answer.body)

    async def test_model_config(self, config: ModelConfig) -> ConfigCheck:
        """`POST /test-model-config`: whether the gym can talk to a model with these settings."""
        call = Call("POST", "/test-model-config", body=config)
        return response.model_of(ConfigCheck, (await self._ask(call)).body, call.name)

    async def _answer(self, call: Call) -> Answer:
        answer = await self._ask(call)
        response.must_be_json(answer.body, call.name)
        return answer


def _artifacts_call(
    rollout_id: str, redact: bool, on_progress: Progress | None, sink: Sink | None = None
) -> Call:
    return Call(
        "GET",
        "/rollouts/{rollout_id}/artifacts",
        (rollout_id,),
        (("redact_tool_calls", "true"),) if redact else (),
        timed=False,
        on_progress=on_progress,
        sink=sink,
    )
