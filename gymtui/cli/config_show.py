"""What `gymtui config show` prints: every setting, its value, and where that came from."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gymtui.config.reference import FIELDS, toml_value
from gymtui.config.schema import JournalSource, ModelKeySource, StuckThresholds
from gymtui.config.settings import LoadedSettings
from gymtui.core.json_output import json_text
from gymtui.core.text import clean, width


@dataclass(frozen=True, slots=True)
class AppliedSetting:
    name: str
    value: str  # what it is, as it is written; "" for nothing
    origin: str


def applied_settings(loaded: LoadedSettings) -> Iterator[AppliedSetting]:
    """Every setting, the key by its ends alone."""
    settings = loaded.settings
    origins = settings.origins

    def of(name: str, value: str, field: str | None = None) -> AppliedSetting:
        hidden = settings.key.mask(value) if settings.key is not None else value
        return AppliedSetting(name, clean(hidden), clean(origins.get(field or name) or "default"))

    yield of("profile", settings.profile_name, "profile_name")
    for name, field in FIELDS.items():
        yield of(name, toml_value(getattr(settings, field)), field)
    key = settings.key
    yield AppliedSetting(
        "api_key", key.hint if key else "", clean(settings.key_origin) or "no key for this gym"
    )
    for name in StuckThresholds.model_fields:
        yield of(f"stuck.{name}", toml_value(getattr(settings.stuck, name)))
    for name in JournalSource.model_fields:
        value = getattr(settings.journal, name)
        shown = _program(value) if isinstance(value, tuple) and value else toml_value(value)
        yield of(f"journal.{name}", shown)
    for provider, source in settings.model_keys.items():
        yield of(f"model_keys.{provider}", _source(source))
    for name, command in settings.commands.items():
        yield of(f"commands.{name}", f"{' '.join(command.key)}: {_program(command.command)}")
    for name, keys in settings.keys.items():
        yield of(f"keys.{name}", " ".join(keys))


def _program(command: Sequence[str]) -> str:
    """A command's name: its arguments may hold what they should not."""
    return f"{shlex.quote(command[0].split()[0])} …"


def _source(source: ModelKeySource) -> str:
    if source.command is not None:
        return _program(source.command)
    return f"${source.env}"


def as_table(loaded: LoadedSettings) -> str:
    found = list(applied_settings(loaded))
    names = max(len(row.name) for row in found)
    values = min(48, max(width(row.value) for row in found))
    lines = []
    for row in found:
        value = row.value + " " * (values - width(row.value))
        lines.append(f"{row.name:<{names}}  {value}  {row.origin}".rstrip())
    return "\n".join(lines)


def as_document(loaded: LoadedSettings) -> str:
    document = {
        row.name: {"value": row.value, "from": row.origin} for row in applied_settings(loaded)
    }
    return json_text(document, indent=2)
