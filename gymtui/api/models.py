"""What the gym says, as frozen models: every field optional but the ids, unknown ones kept.

How a field that is absent, null or of another type becomes None is `lenient`; what is sent to
launch a run, and strict, is `launch_request`. The fields and their meaning are those of API.md.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import Struct
from pydantic import (
    AfterValidator,
    AllowInfNan,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic import Strict as Exactly

from gymtui.core.secret import ApiKey
from gymtui.core.text import readable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_IS_UNSET = 2
"""Years up to this one, and second 0 of the epoch, are other languages' way of writing null."""


class Malformed(Struct, frozen=True):
    """An item that cannot be read even leniently."""

    raw: bytes
    reason: str  # why; may quote the item's field names, so clean it to draw it


def _in_utc(when: datetime) -> datetime:
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    if not _EPOCH_IS_UNSET < when.year < 9999 or (utc := when.astimezone(UTC)) == _EPOCH:
        raise ValueError("not a time at which anything happened")
    return utc


def _length(value: object) -> object:
    """A list of what was counted is as good as its count."""
    return len(value) if isinstance(value, list) else value


def _readable_ones(texts: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return tuple(filter(readable, texts)) if texts is not None else None


def _score(value: object) -> float | None:
    """A score: a number from 0 to 1; anything else is not known."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 else None


def _is_texts(value: object) -> bool:
    if not isinstance(value, list | tuple) or not value:
        return False
    return all(isinstance(text, str) for text in value)


Id = Annotated[str, Field(min_length=1, max_length=1024)]
"""What something is asked for by. Longer, no URL would hold it, written in percent."""
Whole = Annotated[int, Exactly(), Field(ge=-(2**63), lt=2**63)]
Count = Annotated[int, Exactly(), Field(ge=0, lt=2**63)]
"""How many of something: below zero it says nothing, and is read as absent."""
Real = Annotated[float, Exactly(), AllowInfNan(False)]
Flag = Annotated[bool, Exactly()]
When = Annotated[datetime, AfterValidator(_in_utc)]
"""Aware, in UTC: from ISO 8601 (without a zone it is UTC) or an epoch number in s or ms."""
Words = Annotated[str | None, AfterValidator(readable)]
"""What is said to a person: text in which there is nothing to read is None."""
ManyWords = Annotated[tuple[str, ...] | None, AfterValidator(_readable_ones)]


class Wire(BaseModel):
    """What all of them share: frozen, unknown fields kept in `model_extra`."""

    # Deferred: what reads them is built when the first answer comes, not before the first frame.
    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=(), defer_build=True)


class ModelSettings(Wire):
    """`model_config` of a rollout. No key should be in it; one that is stays hidden."""

    model: Words = None
    provider: Words = None
    api_key: ApiKey | None = Field(default=None, repr=False)
    base_url: str | None = None
    temperature: Real | None = None
    max_steps: Count | None = None
    system_prompt: str | None = None
    tool_server_url: str | None = None
    log_prob: Flag | None = None
    summarize_every_n_turns: Whole | None = None
    context_stride: Whole | None = None


class StatusEvent(Wire):
    """One change of a rollout's status, with its exact time."""

    status: str | None = None
    timestamp: When | None = None


class DimensionScore(Wire):
    """One dimension of a rubric judge's score, 0..1."""

    dimension: Words = None
    score: Real | None = None
    reason: Words = None


_CRITERION = ("criteria", "criterion", "name", "check", "title", "id", "description")
"""What the name of a criterion is called where it is an object, the first that has it."""


def _criteria(value: object) -> list[str]:
    """The names of failed criteria, however a judge lists them: words, objects, or by name."""
    items = [value] if isinstance(value, str) else value
    if isinstance(items, dict):
        return [name for name in items if isinstance(name, str)]
    names = []
    for item in items if isinstance(items, list) else ():
        candidates = [item.get(key) for key in _CRITERION] if isinstance(item, dict) else [item]
        names += [name for name in candidates if isinstance(name, str) and name.strip()][:1]
    return names


_LIFTED = frozenset({"output", "score", "reward", "evidence", "failed_criteria"})


class Result(Wire):
    """A verifier's output; from `score` on only rubric judges fill it.

    What a judge says stands at the top or in `output`, a score in `reward` too: it is read from
    the first of these places that has it.
    """

    success: Flag | None = None
    message: Words = None
    output: Any = None
    score: Annotated[float | None, BeforeValidator(_score)] = None
    verdict: Words = None
    confidence: Real | None = None
    evidence: ManyWords = None
    failed_criteria: ManyWords = None
    dimension_scores: tuple[DimensionScore, ...] | None = None
    error: Words = None

    @model_validator(mode="before")
    @classmethod
    def _lift(cls, received: object) -> object:
        """Only what is sound is lifted: a fault within `output` is none of the result's."""
        if not isinstance(received, dict) or _LIFTED.isdisjoint(received):
            return received
        output = received.get("output")
        places = (received, output) if isinstance(output, dict) else (received,)
        lifted = dict(received)
        scores = (_score(place.get(name)) for name in ("score", "reward") for place in places)
        lifted["score"] = next((score for score in scores if score is not None), None)
        texts = next((t for place in places if _is_texts(t := place.get("evidence"))), None)
        if texts is not None:
            lifted["evidence"] = texts
        failed = (_criteria(place.get("failed_criteria")) for place in places)
        if names := next(filter(None, failed), None):
            lifted["failed_criteria"] = names
        return lifted


class Kept(Wire):
    """What an export of ours adds to a rollout's item: what was known of it beside that."""

    run_id: str | None = None  # of which run it was listed, where its item names another or none
    note: Words = None  # the person's own note on it
    run_note: Words = None  # and on its run
    last_step: Count | None = None  # at which it was seen last, where its item no longer says it


KEPT = "gymtui"  # the field of an item on disk in which that stands; no gym has it


class RunStatus(Wire):
    """A run's counters. It carries no time and no pass count."""

    run_id: Id
    scenario_id: str | None = None
    source: str | None = None
    total: Count | None = None
    completed: Count | None = None
    failed: Count | None = None
    in_progress: Count | None = None
    pending: Count | None = None
    running: Count | None = None
    rollout_ids: tuple[str, ...] | None = None
    kept: Kept | None = Field(default=None, alias=KEPT)


class Rollout(Wire):
    """One rollout. `status` and `phase` are strings as they came, known ones or not."""

    rollout_id: Id
    scenario_id: str | None = None
    task_id: str | None = None
    run_id: str | None = None
    status: str | None = None
    phase: str | None = None
    current_step: Count | None = None
    max_steps: Count | None = None
    created_at: When | None = None
    started_at: When | None = None
    completed_at: When | None = None
    result: Result | None = None
    termination_reason: Words = None
    settings: ModelSettings | None = Field(default=None, alias="model_config")
    status_events: tuple[StatusEvent, ...] | None = None
    kept: Kept | None = Field(default=None, alias=KEPT)


class CreatedRun(Wire):
    """The answer to a launch."""

    run_id: Id
    run_status: RunStatus | None = None
    rollouts: tuple[Rollout, ...] | None = None


class Cancelled(Wire):
    """The answer to a cancel: so many active rollouts were told to end."""

    run_id: Id
    cancelled_rollouts: Annotated[Count | None, BeforeValidator(_length)] = None


class Deleted(Wire):
    """The answer to a delete: the run and so many rollout records are gone."""

    run_id: Id
    deleted_rollouts: Annotated[Count | None, BeforeValidator(_length)] = None


class ToolServer(Wire):
    """A tool server of a scenario."""

    name: str | None = None
    server_type: str | None = None


class Scenario(Wire):
    """A scenario on offer."""

    scenario_id: Id
    name: str | None = None
    description: str | None = None
    num_tasks: Count | None = None
    num_npcs: Count | None = None
    tool_servers: tuple[ToolServer, ...] | None = None


class Task(Wire):
    """A task of a scenario."""

    task_id: Id
    name: str | None = None
    description: str | None = None
    category: str | None = None
    difficulty: str | int | float | None = None
    tool_servers: tuple[Any, ...] | None = None
    rubric: Any = None
    npc_profiles: tuple[Any, ...] | None = None


class ConfigCheck(Wire):
    """The answer to a test of model settings; `error_type` is one of API.md's, or another."""

    success: Flag | None = None
    message: Words = None
    error_type: str | None = None


def build_models() -> None:
    """Build what reads lists of runs and rollouts: else the first of each is held up for it."""
    for model in (RunStatus, Rollout):
        model.model_rebuild()
