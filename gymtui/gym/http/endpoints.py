"""The gym's endpoints: what `API.md` lists, answered from the engine and its database."""

import hmac
import json
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from gymtui.gym.engine.engine import Engine
from gymtui.gym.engine.launch_check import LaunchRefusedError
from gymtui.gym.engine.overrides import override_task
from gymtui.gym.engine.recorder import assemble_artifacts, redact
from gymtui.gym.engine.records import RunNameTakenError
from gymtui.gym.engine.rollout import CANCELLED
from gymtui.gym.http.callers import check_caller
from gymtui.gym.http.router import (
    ApiError,
    PathNames,
    Route,
    Router,
    invalid_fields,
    invalid_value,
    json_response,
    read_body,
    require_found,
)
from gymtui.gym.http.tool_servers import ToolServers, url_of
from gymtui.gym.scenarios.base import Scenario
from gymtui.gym.wire import (
    ACTIVE,
    Artifacts,
    ArtifactsAnswer,
    CancelledRun,
    CreatedRollout,
    CreatedRun,
    DeletedRun,
    LaunchRequest,
    ModelConfig,
    Rollout,
    RolloutList,
    Rubric,
    RunList,
    ScenarioSummary,
    Source,
    TaskList,
    TaskOverride,
    TaskSummary,
    ToolServer,
)

M = TypeVar("M", bound=BaseModel)


class Query(BaseModel):
    """A query string; parameters that nobody declared are ignored, as servers do."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class RunsQuery(Query):
    scenario_id: str | None = None
    source: Literal["rl-gym", "task-editor", "datadog-synthetics", "all"] = "rl-gym"
    limit: int = Field(default=50, ge=1, le=200)
    offset: int = Field(default=0, ge=0, le=2**62)
    expand: list[Literal["rollouts"]] = []


class RolloutsQuery(Query):
    scenario_id: str | None = None
    task_id: str | None = None
    status: Literal["pending", "running", "completed", "failed", "workspace_error"] | None = None
    run_id: str | None = None


class ArtifactsQuery(Query):
    redact_tool_calls: bool = False


def _read_query(request: Request, model: type[M]) -> M:
    given: dict[str, Any] = dict(request.query_params)
    if "expand" in given:
        given["expand"] = request.query_params.getlist("expand")
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid_fields(error, "query") from error


async def _read_request(request: Request, model: type[M]) -> M:
    body = await read_body(request)
    try:
        given = json.loads(body)
    except json.JSONDecodeError as error:
        raise invalid_value(("body", error.pos), "JSON decode error", "json_invalid") from error
    except (ValueError, RecursionError) as error:
        raise invalid_value(("body",), "JSON decode error", "json_invalid") from error
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid_fields(error, "body") from error


class Api:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._database = engine.database
        self._tool_servers = ToolServers(self._scenario)
        engine.at_end(self._tool_servers.close)

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/runs", self.create_run),
            Route("GET", "/runs", self.list_runs),
            Route("GET", "/runs/{run_id}", self.get_run),
            Route("DELETE", "/runs/{run_id}", self.delete_run),
            Route("POST", "/runs/{run_id}/cancel", self.cancel_run),
            Route("GET", "/rollouts", self.list_rollouts),
            Route("GET", "/rollouts/{rollout_id}", self.get_rollout),
            Route("GET", "/rollouts/{rollout_id}/artifacts", self.get_artifacts),
            Route("GET", "/scenarios", self.list_scenarios),
            Route("GET", "/scenarios/{scenario_id}/tasks", self.list_tasks),
            Route("GET", "/scenarios/{scenario_id}/tasks/{task_id}/rubric", self.get_rubric),
            Route("POST", "/test-model-config", self.test_model_config),
            *self._tool_servers.routes(),
        ]

    async def create_run(self, request: Request, names: PathNames) -> Response:
        launch = await _read_request(request, LaunchRequest)
        self._scenario(launch.scenario_id)
        try:
            run_id, rollouts = await self._engine.launch(launch)
        except LaunchRefusedError as refusal:
            detail = [
                {"loc": ["body", *item.loc], "msg": item.message, "type": item.kind}
                for item in refusal.problems
            ]
            raise ApiError(422, detail) from refusal
        except RunNameTakenError as taken:
            raise ApiError(409, f"A run named {launch.run_name} exists already") from taken
        status = require_found("Run", self._database.run(run_id), run_id)
        created = [
            CreatedRollout(
                rollout_id=rollout.rollout_id,
                scenario_id=launch.scenario_id,
                task_id=rollout.task_id,
                run_id=run_id,
                status="pending",
            )
            for rollout in rollouts
        ]
        return json_response(CreatedRun(run_id=run_id, run_status=status, rollouts=created))

    async def list_runs(self, request: Request, names: PathNames) -> Response:
        query = _read_query(request, RunsQuery)
        source: Source | None = None if query.source == "all" else query.source
        total, runs = self._database.runs(
            scenario_id=query.scenario_id,
            source=source,
            limit=query.limit,
            offset=query.offset,
            with_ids="rollouts" in query.expand,
        )
        return json_response(RunList(total=total, runs=runs))

    async def get_run(self, request: Request, names: PathNames) -> Response:
        return json_response(
            require_found("Run", self._database.run(names["run_id"]), names["run_id"])
        )

    async def cancel_run(self, request: Request, names: PathNames) -> Response:
        count = require_found("Run", self._engine.cancel(names["run_id"]), names["run_id"])
        return json_response(CancelledRun(run_id=names["run_id"], cancelled_rollouts=count))

    async def delete_run(self, request: Request, names: PathNames) -> Response:
        count = require_found("Run", self._engine.delete(names["run_id"]), names["run_id"])
        return json_response(DeletedRun(run_id=names["run_id"], deleted_rollouts=count))

    async def list_rollouts(self, request: Request, names: PathNames) -> Response:
        rollouts = self._database.rollouts(**_read_query(request, RolloutsQuery).model_dump())
        return json_response(RolloutList(total=len(rollouts), rollouts=rollouts))

    async def get_rollout(self, request: Request, names: PathNames) -> Response:
        return json_response(self._rollout(names["rollout_id"]))

    async def get_artifacts(self, request: Request, names: PathNames) -> Response:
        query = _read_query(request, ArtifactsQuery)
        rollout = self._rollout(names["rollout_id"])
        if rollout.status in ACTIVE:
            raise ApiError(404, f"Rollout has not finished: {rollout.rollout_id}")
        artifacts = self._database.artifacts(rollout.rollout_id) or self._pieces(rollout)
        if query.redact_tool_calls:
            artifacts = redact(artifacts)
        return json_response(ArtifactsAnswer(rollout_id=rollout.rollout_id, artifacts=artifacts))

    def _rollout(self, rollout_id: str) -> Rollout:
        return require_found("Rollout", self._database.rollout(rollout_id), rollout_id)

    def _pieces(self, rollout: Rollout) -> Artifacts:
        """Return the artifacts of a rollout that was ended before it could write them."""
        given = self._database.task_overrides(rollout.run_id).get(rollout.task_id, {})
        override = TaskOverride.model_validate(given)
        context = override.client_context
        scenario = self._engine.scenarios.get(rollout.scenario_id)
        task = scenario.find(rollout.task_id) if scenario else None
        reason = rollout.termination_reason
        return assemble_artifacts(
            self._database.progress(rollout.rollout_id),
            rollout,
            task=override_task(task, override).instruction if task else "",
            metadata={} if context is None else {"client_context": context},
            error="Cancelled" if reason == CANCELLED else reason,
        )

    async def list_scenarios(self, request: Request, names: PathNames) -> Response:
        scenarios = [
            ScenarioSummary(
                scenario_id=scenario.scenario_id,
                name=scenario.name,
                description=scenario.description,
                num_tasks=len(scenario.tasks),
                num_npcs=len(
                    {npc["profile_id"] for task in scenario.tasks.values() for npc in task.npcs}
                ),
                tool_servers=[
                    ToolServer(
                        name=item.name, server_type=item.server_type, tool_server_url=item.url
                    )
                    for item in scenario.servers.values()
                ],
                scenario_guidance_md=scenario.guidance or None,
            )
            for scenario in self._engine.scenarios.values()
        ]
        return json_response(scenarios)

    async def list_tasks(self, request: Request, names: PathNames) -> Response:
        scenario = self._scenario(names["scenario_id"])
        tasks = [
            TaskSummary(
                task_id=task.task_id,
                name=task.name,
                description=task.instruction,
                category=task.category,
                difficulty=task.difficulty,
                tool_servers=[
                    ToolServer(
                        name=server.name,
                        server_type=server.server_type,
                        tool_server_url=url_of(request, scenario, task, server),
                    )
                    for server in map(scenario.servers.__getitem__, task.servers)
                ],
                rubric=task.rubric,
                npc_profiles=[dict(profile) for profile in task.npcs],
            )
            for task in scenario.tasks.values()
        ]
        return json_response(TaskList(scenario_id=scenario.scenario_id, tasks=tasks))

    async def get_rubric(self, request: Request, names: PathNames) -> Response:
        scenario = self._scenario(names["scenario_id"])
        task = require_found("Task", scenario.find(names["task_id"]), names["task_id"])
        return json_response(
            Rubric(
                scenario_id=scenario.scenario_id, task_id=task.task_id, rubric_markdown=task.rubric
            )
        )

    async def test_model_config(self, request: Request, names: PathNames) -> Response:
        settings = await _read_request(request, ModelConfig)
        return json_response(await self._engine.test_model(settings))

    def _scenario(self, scenario_id: str) -> Scenario:
        return require_found("Scenario", self._engine.scenarios.get(scenario_id), scenario_id)


def make_router(
    engine: Engine, *, api_key: SecretStr | None = None, extra: Sequence[Route] = ()
) -> Router:
    """Return the API as an ASGI application.

    Args:
        engine: Started and stopped by whoever made it.
        api_key: Asked of every request in the header `API-Key`; None asks for none.
        extra: Routes besides the API's own, tried first.
    """

    def check(request: Request) -> None:
        if api_key is None:
            check_caller(request)
            return
        given = request.headers.get("api-key", "").encode()
        if not hmac.compare_digest(given, api_key.get_secret_value().encode()):
            raise ApiError(401, "Invalid or missing API key")

    return Router([*extra, *Api(engine).routes()], check)
