"""A launch as a file: TOML or JSON with the fields of API.md, read with the place of each fault.

Keys are not taken from files, since files are shared and kept, unless the file says so itself.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from typing import Any, Final

from pydantic import ValidationError

from gymtui.api.launch_request import (
    LaunchRequest,
    ModelConfig,
    TaskOverride,
    new_run_name,
    read_launch,
    slug,
)
from gymtui.config import schema
from gymtui.config.schema import did_you_mean
from gymtui.core.secret import ApiKey
from gymtui.launching.form_fields import (
    BY_PATH,
    MODEL,
    NAME,
    OVERRIDES,
    PROVIDER,
    RULES,
    SCENARIO,
    SWEPT,
    USER,
    field_path_of,
)
from gymtui.launching.json_input import JsonError, read_json
from gymtui.launching.model_keys import NoModelKey
from gymtui.launching.validation import describe_refusal, faults_of
from gymtui.store.rules import RuleError, RuleSpec, read_rules

TRUST: Final = "api_key_from_file"
"""The word by which a file says that the keys in it are meant to be used."""


class LaunchFileError(Exception):
    """What is wrong with a file, a line a fault, each with its place."""


@dataclass(frozen=True)
class Document:
    name: str  # what it is called in what is said about it
    text: str = field(repr=False)
    values: Mapping[str, Any] = field(repr=False)
    private: bool = True  # whether only its owner may read it

    def place(self, path: str) -> str:
        """Where a field is, or would be: `run.toml:7: model_config.temperature`."""
        line = line_of(self.text, path)
        where = f"{self.name}:{line}" if line else self.name
        return f"{where}: {path}" if path else where


def read_document(text: str, name: str, *, private: bool = True) -> Document:
    """Read a file: JSON if it begins like an object, else TOML.

    Raises:
        LaunchFileError: It is neither.
    """
    if _is_json(text):
        try:
            values = read_json(text.lstrip("\ufeff"))
        except JsonError as error:
            where = name if error.line is None else f"{name}:{error.line}"
            raise LaunchFileError(f"{where}: {error}") from None
    else:
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise LaunchFileError(f"{name}: is not valid TOML: {error}") from None
    return Document(name, text, values, private)


def requests_of(
    document: Document,
    key_of: Callable[[str], ApiKey],
    *,
    now: datetime,
    rng: random.Random,
) -> tuple[LaunchRequest, ...]:
    """What a file launches: a run for each model, and each value of what it sweeps.

    Raises:
        LaunchFileError: A field is missing, unknown or beyond its limits, or there is no key.
    """
    values = {name: value for name, value in document.values.items() if name != RULES}
    trusted = values.pop(TRUST, False)
    if not isinstance(trusted, bool):
        raise LaunchFileError(f"{document.place(TRUST)}: should be true or false")
    config = values.get("model_config")
    lists = {
        path: config[path.rpartition(".")[2]]
        for path in (MODEL, *SWEPT)
        if isinstance(config, Mapping) and isinstance(config.get(path.rpartition(".")[2]), list)
    }
    models = lists.get(MODEL, ["-"])
    if not models or not all(isinstance(model, str) and model for model in models):
        raise LaunchFileError(f"{document.place(MODEL)}: should be a name, or a list of names")
    for path in lists.keys() - {MODEL}:
        if not lists[path] or not all(map(_is_number, lists[path])):
            raise LaunchFileError(f"{document.place(path)}: should be a number, or a list of them")
    bases: dict[str, object] = {}
    made = []
    for chosen in product(*(dict.fromkeys(listed) for listed in lists.values())):
        one, ends = dict(values), list[str]()
        for path, value in zip(lists, chosen, strict=True):
            one["model_config"] = {**one["model_config"], path.rpartition(".")[2]: value}
            if len(set(lists[path])) > 1 and path in SWEPT:
                ends.append(f"{SWEPT[path]}{slug(str(value))}")
        config = one.get("model_config")
        model = str((config.get("model") if isinstance(config, Mapping) else None) or "")
        if model not in bases:
            bases[model] = _base_name(values, model, several=len(set(models)) > 1, now=now, rng=rng)
        if isinstance(base := bases[model], str):
            one[NAME] = "-".join((base, *ends))
        made.append(_request(document, one, key_of, trusted=trusted, now=now, rng=rng))
    return tuple(made)


def rules_of(document: Document) -> tuple[RuleSpec, ...]:
    """What a file arms on each of its runs.

    Raises:
        LaunchFileError: One of its rules is none.
    """
    rules = document.values.get(RULES, ())
    parts = (rules,) if isinstance(rules, str) else rules
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise LaunchFileError(f"{document.place(RULES)}: should be a list of rules")
    try:
        return read_rules("\n".join(parts))
    except RuleError as error:
        raise LaunchFileError(f"{document.place(RULES)}: {error}") from None


def _base_name(
    values: Mapping[str, Any], model: str, *, several: bool, now: datetime, rng: random.Random
) -> object:
    name = values.get(NAME)
    if isinstance(name, str) and name:
        return f"{name}-{slug(model) or 'model'}" if several else name
    if name is not None and name != "":
        return name
    return new_run_name(str(values.get(SCENARIO) or "run"), model, now, rng)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def mask_keys(request: LaunchRequest) -> dict[str, Any]:
    """What would be sent, keys as their hints: for a dry run."""
    body = request.to_wire()
    for owner, settings in (("model_config", request.settings), (USER, request.user_settings)):
        if settings is not None:
            body[owner] = {**body[owner], "api_key": settings.api_key.hint}
    return body


def _request(
    document: Document,
    values: Mapping[str, Any],
    key_of: Callable[[str], ApiKey],
    *,
    trusted: bool,
    now: datetime,
    rng: random.Random,
) -> LaunchRequest:
    body, faults = dict(values), list[str]()
    for owner in ("model_config", USER):
        config = body.get(owner)
        if isinstance(config, Mapping):
            try:
                body[owner] = _add_key(document, config, owner, key_of, trusted=trusted)
            except LaunchFileError as why:  # told together with all else that is wrong
                faults.append(str(why))
                body[owner] = {**config, "api_key": "-"}
    try:
        made = read_launch(body, now=now, rng=rng)
    except ValidationError as error:
        for name, fault in faults_of(error):
            path = name if name not in BY_PATH else field_path_of(name)
            words = describe_refusal(field_path_of(name), name, fault)
            words = words.removeprefix(f"{path}: ")  # its place says that
            if name not in BY_PATH and words.endswith("unknown field"):
                words += _likely(name)
            faults.append(f"{document.place(path)}: {words}")
    if faults:
        raise LaunchFileError("\n".join(faults))
    return made


def _likely(path: str) -> str:
    """Which field was meant by one that there is not; "" for none."""
    owner, _, name = path.rpartition(".")
    if owner in ("model_config", USER):
        return did_you_mean(name, ModelConfig.model_fields)
    if owner:
        return did_you_mean(name, TaskOverride.model_fields) if owner.startswith(OVERRIDES) else ""
    known = [info.alias or field_name for field_name, info in LaunchRequest.model_fields.items()]
    return did_you_mean(name, [*known, RULES])


def _add_key(
    document: Document,
    config: Mapping[str, Any],
    owner: str,
    key_of: Callable[[str], ApiKey],
    *,
    trusted: bool,
) -> dict[str, Any]:
    """The settings with a key: the file's own, where that is meant, else the provider's."""
    if "api_key" in config:
        place = document.place(f"{owner}.api_key")
        if not trusted:
            cure = f"leave it out (environment, [model_keys]), or say {TRUST} = true"
            raise LaunchFileError(f"{place}: keys are not taken from files: {cure}")
        if not document.private:
            raise LaunchFileError(f"{place}: ignored: readable by other users; chmod 600 it")
        return dict(config)
    provider = config.get("provider", BY_PATH[PROVIDER].default)
    if not isinstance(provider, str):
        return {**config, "api_key": "-"}  # refused for its provider
    try:
        return {**config, "api_key": key_of(provider)}
    except NoModelKey as none:
        raise LaunchFileError(f"{document.place(f'{owner}.provider')}: {none}") from None


def line_of(text: str, path: str) -> int | None:
    """The line on which a dotted path is set, or else what it is in, where that is plain to see."""
    names = path.split(".")
    if not _is_json(text):
        return schema.line_of(text, names)
    at, found = 0, None
    for name in names:
        match = re.compile(rf'"{re.escape(name)}"\s*:').search(text, at)
        if match is None:
            break
        at, found = match.end(), match.start()
    return None if found is None else text.count("\n", 0, found) + 1


def _is_json(text: str) -> bool:
    return text.lstrip("\ufeff \t\r\n").startswith("{")
