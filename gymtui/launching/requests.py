"""What a draft sends: its texts read into values, a `LaunchRequest` a model, with their keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from gymtui.api.launch_request import LaunchRequest, ModelConfig
from gymtui.core.secret import ApiKey
from gymtui.launching.draft import USER_KEY, Draft, ModelChoice, Variant
from gymtui.launching.form_fields import (
    BY_PATH,
    FIELDS,
    KEY,
    NAME,
    TASKS,
    USER,
    FieldKind,
    FormField,
)
from gymtui.launching.json_input import JsonError, read_json

_YES: Final = frozenset({"yes", "y", "true", "on", "1"})
_NO: Final = frozenset({"no", "n", "false", "off", "0"})
_NOT_IN_TEXT: Final = frozenset({FieldKind.LIST, FieldKind.SECRET, FieldKind.RULES})
"""Fields that are read elsewhere: lists and keys one by one, and rules are not sent."""


def build_requests(
    draft: Draft,
    tasks: Sequence[str],
    names: Sequence[str],
    key_of: Callable[[str], ApiKey],
) -> tuple[LaunchRequest, ...]:
    """What a draft sends: a request a variant, differing in name, model and what is swept alone.

    Args:
        key_of: A provider's key, for what no key was typed for.

    Raises:
        ValidationError: The draft has problems.
        NoModelKey: As `key_of`.
    """
    document, _ = document_of(draft)
    document[TASKS] = tuple(tasks)
    agents, user = _configs(draft, draft.variants, document, key_of)
    if user is not None:
        document[USER] = user
    bodies = (
        {**document, "model_config": config, NAME: name}
        for config, name in zip(agents, names, strict=True)
    )
    return tuple(LaunchRequest.model_validate(body) for body in bodies)


def build_configs(
    draft: Draft, key_of: Callable[[str], ApiKey]
) -> tuple[tuple[ModelChoice, ModelConfig], ...]:
    """The settings of each model, to have the gym test them; the simulated user's last.

    Arguments and errors are those of `build_requests`.
    """
    document, _ = document_of(draft)
    every = [Variant(model) for model in draft.models]
    agents, user = _configs(draft, every, document, key_of)
    named = list(zip(draft.models, agents, strict=True))
    if user is not None:
        named.append((ModelChoice(user.get("model"), draft.user_provider), user))
    return tuple((choice, ModelConfig.model_validate(config)) for choice, config in named)


def _configs(
    draft: Draft,
    variants: Sequence[Variant],
    document: Mapping[str, Any],
    key_of: Callable[[str], ApiKey],
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    keys: dict[str, ApiKey] = {}

    def key(provider: str, typed: str, *, elsewhere: bool = False) -> ApiKey:
        if typed in draft.keys and not elsewhere:
            return draft.keys[typed]
        if provider not in keys:
            keys[provider] = key_of(provider)
        return keys[provider]

    agents = []
    for variant in variants:
        choice = variant.model
        config = {**document.get("model_config", {})}
        for path, text in variant.settings:
            config[path.rpartition(".")[2]] = value_of(BY_PATH[path], text)
        config |= {"model": choice.name, "provider": choice.provider}
        config["api_key"] = key(choice.provider, KEY, elsewhere=choice.elsewhere)
        if choice.elsewhere:
            config.pop("base_url", None)
        agents.append(config)
    if not draft.has_user:
        return agents, None
    user = {**document.get(USER, {}), "api_key": key(draft.user_provider, USER_KEY)}
    return agents, user


def document_of(draft: Draft) -> tuple[dict[str, Any], dict[str, str]]:
    """What the texts say, without lists, keys and rules, and what cannot be read, by path.

    Of a setting that is swept it has the first value.
    """
    document: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for known in FIELDS:
        text = draft.text(known.path)
        if known.kind in _NOT_IN_TEXT or not text.strip():
            continue
        try:
            values = [value_of(known, part) for part in draft.sweeps.get(known.path, (text,))]
        except ValueError as error:
            wrong[known.path] = str(error)
            continue
        owner, _, name = known.path.rpartition(".")
        (document.setdefault(owner, {}) if owner else document)[name] = values[0]
    return document, wrong


def value_of(known: FormField, text: str) -> Any:
    """The value of a field that is no list and no key.

    Raises:
        ValueError: It cannot be read as that.
    """
    plain = text.strip()
    match known.kind:
        case FieldKind.WHOLE:
            if not re.fullmatch(r"[+-]?[0-9]{1,18}", plain):
                raise ValueError("should be a whole number")
            return int(plain)
        case FieldKind.NUMBER:
            try:
                return float(plain)
            except ValueError:
                raise ValueError("should be a number") from None
        case FieldKind.FLAG:
            if plain.lower() not in _YES | _NO:
                raise ValueError("should be yes or no")
            return plain.lower() in _YES
        case FieldKind.JSON:
            try:
                # Newlines come in with what is pasted, and mean nothing between tokens.
                return read_json(plain.replace("⏎", "\n"))
            except JsonError as error:
                place = "" if error.column is None else f", at {error.column}"
                raise ValueError(f"{error}{place}") from None
        case FieldKind.PROSE:
            return text.replace("⏎", "\n")
        case _:
            return plain
