"""What is sent to launch a run: strict and complete models with API.md's limits, and their names.

These are the only models that turn into a request; their keys are revealed in `to_wire` alone.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AllowInfNan,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)
from pydantic import Strict as Exactly

from gymtui.config.schema import Provider, RunSource
from gymtui.core.secret import ApiKey

_TAIL_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_TAIL_LENGTH = 5
TAIL = rf"[{_TAIL_ALPHABET}]{{{_TAIL_LENGTH}}}"  # a pattern for what `new_tail` makes
_NAME_PART = 16  # lists cut longer names, and what tells runs apart is at both ends

AtLeastOne = Annotated[int, Exactly(), Field(ge=1)]
NonEmpty = Annotated[str, Field(min_length=1)]


class Outgoing(BaseModel):
    """What all of them share: frozen, nothing unknown, no value of theirs in an error's text."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        protected_namespaces=(),
        validate_by_name=True,
        validate_by_alias=True,
        defer_build=True,
    )


class ModelConfig(Outgoing):
    """The model that drives an agent, or a simulated user, and how it is called."""

    model: NonEmpty | None = None
    provider: Provider = "custom"
    api_key: ApiKey
    base_url: NonEmpty | None = None
    temperature: Annotated[float, Exactly(), AllowInfNan(False), Field(ge=0.0, le=2.0)] = 0.7
    max_steps: AtLeastOne = 30
    system_prompt: str | None = None
    tool_server_url: NonEmpty | None = None
    log_prob: Annotated[bool, Exactly()] = False
    summarize_every_n_turns: Annotated[int, Exactly(), Field(ge=0)] = 0
    context_stride: AtLeastOne = 3

    def to_wire(self) -> dict[str, Any]:
        """The JSON object to send, its key in clear; what was left open is left out."""
        return self.model_dump(exclude_none=True) | {"api_key": self.api_key.reveal()}

    def secrets(self) -> tuple[ApiKey, ...]:
        """The keys in it."""
        return (self.api_key,)


class TaskOverride(Outgoing):
    """What differs from a task as the scenario has it."""

    task_json: dict[str, Any] | None = None
    name: str | None = None
    description: str | None = None
    rubric_markdown: str | None = None
    client_context: dict[str, Any] | None = None


class LaunchRequest(Outgoing):
    """The body of `POST /runs`.

    It always has a `run_name`, so that a launch whose answer was lost can be looked up by it
    instead of being sent twice; `read_launch` makes one where the person gave none.
    """

    scenario_id: NonEmpty
    task_ids: Annotated[tuple[NonEmpty, ...], Field(min_length=1)]
    settings: ModelConfig = Field(alias="model_config")
    rollout_count: AtLeastOne = 1
    max_parallel: AtLeastOne | None = None
    run_name: NonEmpty
    user_settings: ModelConfig | None = Field(default=None, alias="user_model_config")
    task_overrides: dict[str, TaskOverride] | None = None
    # The local gym's own: the real one knows where a run comes from. Left out unless given.
    source: RunSource | None = None

    @field_validator("task_overrides")
    @classmethod
    def _overrides_are_of_these_tasks(
        cls, overrides: dict[str, TaskOverride] | None, info: ValidationInfo
    ) -> dict[str, TaskOverride] | None:
        strangers = sorted(set(overrides or ()) - set(info.data.get("task_ids", overrides or ())))
        if strangers:
            raise ValueError(f"not among task_ids: {', '.join(strangers)}")
        return overrides

    def to_wire(self) -> dict[str, Any]:
        """The JSON object to send, keys in clear; what was left open is left out."""
        wire = self.model_dump(
            exclude_none=True, by_alias=True, exclude={"settings", "user_settings"}
        )
        wire["model_config"] = self.settings.to_wire()
        if self.user_settings is not None:
            wire["user_model_config"] = self.user_settings.to_wire()
        return wire

    def secrets(self) -> tuple[ApiKey, ...]:
        """Every key in it: what an answer that quotes the request must not show."""
        held = (self.settings, self.user_settings)
        return tuple(config.api_key for config in held if config is not None)


def read_launch(document: Mapping[str, Any], *, now: datetime, rng: random.Random) -> LaunchRequest:
    """A launch from a JSON or TOML document or a form, given a name if it has none.

    Args:
        document: Fields as API.md names them; absent ones take API.md's defaults.

    Raises:
        pydantic.ValidationError: A field is missing, unknown or beyond its limits.
    """
    if document.get("run_name"):
        return LaunchRequest.model_validate(document)
    config = document.get("model_config")
    model = config.get("model") if isinstance(config, Mapping) else None
    name = new_run_name(str(document.get("scenario_id") or "run"), str(model or ""), now, rng)
    return LaunchRequest.model_validate({**document, "run_name": name})


def new_run_name(scenario_id: str, model: str, now: datetime, rng: random.Random) -> str:
    """A name to read and to find again: `gpt-4o-0320-k7x2m`.

    Args:
        scenario_id: Its beginning where there is no model; lists tell the scenario anyway.
        model: Its beginning, without the path before its name; "" for none.
        now: Month and day go into it: the gym tells no time of a run.

    Returns:
        Lower-case letters, digits, dots and hyphens: one that needs no quoting anywhere.
    """
    parts = [slug(model.rpartition("/")[2]) or slug(scenario_id), f"{now:%m%d}", new_tail(rng)]
    return "-".join(part for part in parts if part)


def new_tail(rng: random.Random) -> str:
    """What makes a name unlike any other: characters that cannot be taken for one another."""
    return "".join(rng.choices(_TAIL_ALPHABET, k=_TAIL_LENGTH))


def slug(text: str) -> str:
    """A text's end, by whole words, in lower-case letters, digits, dots and hyphens; or ""."""
    plain = re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")
    if len(plain) <= _NAME_PART:
        return plain
    words = plain[-_NAME_PART - 1 :].partition("-")[2]
    return (words or plain[-_NAME_PART:]).strip("-.")
