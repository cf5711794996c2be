"""What thousands of rollouts have in common, kept once.

A rollout would hold twice as much memory: each model of it keeps the names of the fields that it
was given, and nearly all rollouts of a run name the same settings, tasks and statuses.
"""

from __future__ import annotations

from sys import intern

from pydantic import BaseModel

from gymtui.api.models import ModelSettings, Result, Rollout, StatusEvent

SETTINGS_KEPT = 1_000  # more different ones are not remembered together

_NAMES = ("run_id", "scenario_id", "task_id", "status", "phase", "termination_reason")
_FIELDS: dict[type[BaseModel], set[str]] = {
    model: set(model.model_fields) for model in (Rollout, ModelSettings, Result, StatusEvent)
}
_settings: dict[tuple[object, ...], ModelSettings] = {}


def share_parts(rollout: Rollout) -> Rollout:
    """Let a rollout that was just read share what others have too.

    It is equal to what it was; which of its fields were given is no longer told apart.
    """
    own = rollout.__dict__
    for name in _NAMES:
        if (text := own[name]) is not None:
            own[name] = intern(text)
    for event in rollout.status_events or ():
        _share_fields(event)
        if event.status is not None:
            event.__dict__["status"] = intern(event.status)
    if type(rollout.result) is Result:
        _share_fields(rollout.result)
    if rollout.settings is not None:
        own["settings"] = _shared_settings(rollout.settings)
    _share_fields(rollout)
    return rollout


def _share_fields(model: BaseModel) -> None:
    # A copy of a model copies its set, so that nobody changes this one.
    object.__setattr__(model, "__pydantic_fields_set__", _FIELDS[type(model)])


def _shared_settings(settings: ModelSettings) -> ModelSettings:
    if settings.model_extra or settings.api_key is not None:
        return settings  # as good as never alike; a key is not to be remembered
    values = tuple(settings.__dict__.values())
    shared = _settings.get(values)
    if shared is None:
        if len(_settings) >= SETTINGS_KEPT:
            _settings.clear()
        _share_fields(settings)
        shared = _settings[values] = settings
    return shared
