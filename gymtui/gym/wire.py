"""The gym's own wire models: strict where it is asked, exact in what it answers (`API.md`)."""

from base64 import b64encode
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    StringConstraints,
)

Source = Literal["rl-gym", "task-editor", "datadog-synthetics"]
Status = Literal["pending", "running", "completed", "failed", "workspace_error"]
Phase = Literal["building_environment", "seeding", "agent_running", "verifying", "completed"]
Provider = Literal["custom", "openai", "anthropic", "aws-bedrock", "azure-openai", "gcp"]
Name = Annotated[str, StringConstraints(min_length=1)]

MOST = 1_000_000  # where `API.md` names no upper bound, this one keeps numbers storable

ACTIVE: tuple[Status, ...] = ("pending", "running")  # statuses of rollouts that have not finished


def _sendable(key: SecretStr) -> SecretStr:
    if not all("!" <= character <= "~" for character in key.get_secret_value()):
        raise ValueError("a key is printable ASCII without spaces: this one has other characters")
    return key


def _usable_url(url: str) -> str:
    """Check what model servers are reached by; what is said of a bad one never repeats it."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or any(c.isspace() for c in url):
        raise ValueError("not an http or https URL")
    if parts.query or parts.fragment:
        raise ValueError("this URL ends with its path: more of it is put behind")
    return url


def _plain_url(url: str) -> str:
    """Check what tool servers are reached by, which is shown and kept as it is."""
    if "@" in urlsplit(_usable_url(url)).netloc:
        raise ValueError("not a URL with credentials: they would be kept and shown")
    return url


class RequestBody(BaseModel):
    """A request body: frozen, no lenience, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ModelConfig(RequestBody):
    """What drives an agent, as `POST /runs` takes it."""

    # "model" is the API's word; pydantic only guards the prefix "model_".
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, protected_namespaces=())

    model: Name | None = None
    provider: Provider = "custom"
    # Strict mode refuses plain strings for a secret type.
    api_key: Annotated[SecretStr, Field(strict=False), AfterValidator(_sendable)]
    base_url: Annotated[Name, AfterValidator(_usable_url)] | None = None
    temperature: float = Field(default=0.7, ge=0.0, le=2.0)
    max_steps: int = Field(default=30, ge=1, le=MOST)
    system_prompt: str | None = None
    tool_server_url: Annotated[Name, AfterValidator(_plain_url)] | None = None
    log_prob: bool = False
    summarize_every_n_turns: int = Field(default=0, ge=0)
    context_stride: int = Field(default=3, ge=1)

    def public(self) -> dict[str, Any]:
        """Return the settings as they are shown and kept: without the key and what is as secret."""
        return {**self.model_dump(mode="json", exclude={"api_key"}), "base_url": self.shown_url}

    @property
    def shown_url(self) -> str | None:
        """The base URL without the credentials that may stand in it."""
        if self.base_url is None:
            return None
        parts = urlsplit(self.base_url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    def secrets(self) -> list[str]:
        """Return what must be neither kept nor shown."""
        parts = urlsplit(self.base_url or "")
        found = (self.api_key.get_secret_value(), parts.password, parts.username)
        secrets = [form for secret in found if secret for form in {secret, unquote(secret)}]
        if parts.username or parts.password:
            # As they go into the header, which some servers repeat whole.
            pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
            secrets.append(b64encode(pair.encode()).decode())
        return secrets


class TaskOverride(RequestBody):
    """What a run changes about one of its tasks."""

    task_json: dict[str, JsonValue] | None = None
    name: str | None = None
    description: str | None = None
    rubric_markdown: str | None = None
    client_context: dict[str, JsonValue] | None = None


class LaunchRequest(RequestBody):
    """The body of `POST /runs`."""

    scenario_id: Name
    task_ids: list[Name] = Field(min_length=1)
    settings: ModelConfig = Field(alias="model_config")
    rollout_count: int = Field(default=1, ge=1, le=10_000)
    max_parallel: int | None = Field(default=None, ge=1, le=MOST)
    run_name: Name | None = None
    user_settings: ModelConfig | None = Field(default=None, alias="user_model_config")
    task_overrides: dict[str, TaskOverride] | None = None
    source: Source = "rl-gym"
    """The local gym's own, so that filters can be tried: the real one knows where a run is from."""


class ResponseBody(BaseModel):
    """A response body: frozen and exact."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StatusEvent(ResponseBody):
    status: Status
    timestamp: str


class Result(ResponseBody):
    """A verifier's verdict; `output` says what each criterion found."""

    success: bool
    message: str
    output: dict[str, Any] | None = None


class RunStatus(ResponseBody):
    """A run and the counters of its rollouts; it carries no time and no pass count."""

    run_id: str
    scenario_id: str
    source: Source
    total: int
    completed: int
    failed: int
    in_progress: int
    pending: int
    running: int
    rollout_ids: list[str] = []


class RunList(ResponseBody):
    """The answer of `GET /runs`."""

    total: int
    runs: list[RunStatus]


class Rollout(ResponseBody):
    """One attempt at one task."""

    rollout_id: str
    scenario_id: str
    task_id: str
    run_id: str
    status: Status
    phase: Phase | None
    current_step: int | None
    max_steps: int
    created_at: str
    started_at: str | None
    completed_at: str | None
    result: Result | None
    termination_reason: str | None
    settings: dict[str, Any] = Field(alias="model_config")
    status_events: list[StatusEvent]


class RolloutList(ResponseBody):
    """The answer of `GET /rollouts`."""

    total: int
    rollouts: list[Rollout]


class CreatedRollout(ResponseBody):
    rollout_id: str
    scenario_id: str
    task_id: str
    run_id: str
    status: Status


class CreatedRun(ResponseBody):
    """The answer of `POST /runs`."""

    run_id: str
    run_status: RunStatus
    rollouts: list[CreatedRollout]


class CancelledRun(ResponseBody):
    run_id: str
    cancelled_rollouts: int


class DeletedRun(ResponseBody):
    run_id: str
    deleted_rollouts: int


class ToolCallRecord(ResponseBody):
    """A tool call as artifacts list it."""

    tool_server: str
    tool_name: str
    parameters: dict[str, Any]


class ToolResultRecord(ResponseBody):
    """What a tool call returned, whole; parallel to the tool calls."""

    observation: Any
    is_error: bool


class Artifacts(ResponseBody):
    """What happened in a rollout, in the vendor's shape."""

    version: Literal["0.1"] = "0.1"
    task_id: str
    task: str
    model: str | None
    provider: str
    messages: list[dict[str, Any]] = []
    tool_calls: list[ToolCallRecord] = []
    tool_results: list[ToolResultRecord] = []
    steps_taken: int = 0
    max_steps: int
    final_observation: str | None = None
    created_at: str
    metadata: dict[str, Any] = {}
    error: str | None = None


class ArtifactsAnswer(ResponseBody):
    """The answer of `GET /rollouts/{rollout_id}/artifacts`."""

    rollout_id: str
    artifacts: Artifacts


class ToolServer(ResponseBody):
    """A tool server as scenarios and tasks list it."""

    name: str
    server_type: str
    tool_server_url: str | None = None


class ScenarioSummary(ResponseBody):
    """A scenario in `GET /scenarios`."""

    scenario_id: str
    name: str
    description: str
    num_tasks: int
    num_npcs: int
    tool_servers: list[ToolServer]
    scenario_guidance_md: str | None = None


class TaskSummary(ResponseBody):
    """A task in `GET /scenarios/{id}/tasks`."""

    task_id: str
    name: str
    description: str
    category: str
    difficulty: str
    tool_servers: list[ToolServer]
    rubric: str
    npc_profiles: list[dict[str, Any]]


class TaskList(ResponseBody):
    """The answer of `GET /scenarios/{id}/tasks`."""

    scenario_id: str
    tasks: list[TaskSummary]


class Rubric(ResponseBody):
    """The answer of `GET /scenarios/{id}/tasks/{task_id}/rubric`."""

    scenario_id: str
    task_id: str
    rubric_markdown: str


class ProbeResult(ResponseBody):
    """The answer of `POST /test-model-config`."""

    success: bool
    message: str
    error_type: (
        Literal[
            "authentication_error",
            "connection_error",
            "timeout",
            "invalid_model",
            "rate_limit",
            "bad_request",
            "unknown",
        ]
        | None
    ) = None
