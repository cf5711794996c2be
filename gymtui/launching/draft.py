"""A launch as a person writes it: texts field by field, judged as they are typed.

What a draft becomes is `LaunchRequest`s, one a model. Keys that were typed are held as `ApiKey`s
and are in no text; where other keys come from is `model_keys`.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Final

from pydantic import ValidationError

from gymtui.api.errors import FieldError
from gymtui.api.launch import (
    PROVIDERS,
    LaunchRequest,
    ModelConfig,
    new_run_name,
    problems,
    slug,
)
from gymtui.launching.fields import (
    BY_PATH,
    COUNT,
    FIELDS,
    KEY,
    MODEL,
    NAME,
    OVERRIDES,
    PROVIDER,
    SCENARIO,
    TASKS,
    USER,
    Field,
    Kind,
    nearest,
)
from gymtui.launching.lineage import name_again
from gymtui.secret import ApiKey

USER_KEY: Final = f"{USER}.api_key"
USER_PROVIDER: Final = f"{USER}.provider"

_STANDS_IN: Final = ApiKey("-")
"""For a key, while a draft is judged: which one it will be changes nothing."""
_YES: Final = frozenset({"yes", "y", "true", "on", "1"})
_NO: Final = frozenset({"no", "n", "false", "off", "0"})


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that gets a run of its own.

    Attributes:
        name: Its name; None leaves it to the gym.
        provider: Who serves it.
        elsewhere: Whether that is not the provider of the form, so that the form's base URL and
            typed key are not for it.
    """

    name: str | None
    provider: str
    elsewhere: bool = False

    @property
    def words(self) -> str:
        """What it is called: `gpt-4o`, `anthropic:claude-4`."""
        name = self.name or "the gym's default model"
        return f"{self.provider}:{name}" if self.elsewhere else name


@dataclass(frozen=True)
class Draft:
    """What was typed, and what was taken over from a run or a list.

    Attributes:
        texts: By path, as typed; a path that is absent is left open.
        exact: Ids and names that came from the gym, by path: commas in them divide nothing.
        keys: Keys that were typed, by path.
        parent: The run that this is a rerun of, or None.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    exact: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keys: Mapping[str, ApiKey] = field(default_factory=dict, repr=False)
    parent: str | None = None

    def text(self, path: str) -> str:
        """What stands in a field; of a key, nothing."""
        return self.texts.get(path, "")

    def typed(self, path: str, text: str) -> Draft:
        """The draft with another text in a field; of a key field, with that key."""
        if BY_PATH[path].kind is Kind.SECRET:
            keys = {known: key for known, key in self.keys.items() if known != path}
            return replace(self, keys=keys | ({path: ApiKey(text)} if text else {}))
        texts = {known: said for known, said in self.texts.items() if known != path}
        exact = {known: ids for known, ids in self.exact.items() if known != path}
        return replace(self, texts=texts | ({path: text} if text else {}), exact=exact)

    def chosen(self, path: str, ids: Sequence[str]) -> Draft:
        """The draft with ids from the gym in a list field."""
        draft = self.typed(path, ", ".join(ids))
        return replace(draft, exact={**draft.exact, path: tuple(ids)}) if ids else draft

    def listed(self, path: str) -> tuple[str, ...]:
        """The ids or names in a list field, each once."""
        if path in self.exact:
            return self.exact[path]
        parts = (part.strip() for part in re.split(r"[,\n⏎]", self.text(path)))
        return tuple(dict.fromkeys(part for part in parts if part))

    def restored(self, path: str, before: Draft) -> Draft:
        """The draft with a field as it was in another."""
        draft = self.typed(path, before.text(path))
        ids = before.exact.get(path)
        return draft if ids is None else replace(draft, exact={**draft.exact, path: ids})

    @property
    def provider(self) -> str:
        """The provider of the models that name none."""
        return self.text(PROVIDER).strip() or BY_PATH[PROVIDER].default

    @property
    def models(self) -> tuple[ModelChoice, ...]:
        """The models, each of which gets a run; one that is left to the gym where none is named.

        A name may begin with a provider of API.md and a colon, so that models of several can be
        compared: `gpt-4o, anthropic:claude-4`. No other colon means anything.
        """
        here = self.provider
        exact = MODEL in self.exact
        found = []
        for name in self.listed(MODEL):
            before, colon, rest = name.partition(":")
            named = bool(colon and rest and before in PROVIDERS) and not exact
            provider = before if named else here
            found.append(ModelChoice(rest if named else name, provider, provider != here))
        return tuple(found) or (ModelChoice(None, here),)

    @property
    def has_user(self) -> bool:
        """Whether anything is said about the simulated user's model."""
        return USER_KEY in self.keys or any(
            path.startswith(f"{USER}.") and text.strip() for path, text in self.texts.items()
        )

    @property
    def user_provider(self) -> str:
        """The provider of the simulated user's model."""
        return self.text(USER_PROVIDER).strip() or BY_PATH[USER_PROVIDER].default


@dataclass(frozen=True, slots=True)
class Check:
    """What is to be said about a draft.

    Attributes:
        problems: What must be mended before it can be sent, by path.
        remarks: What may be meant so, by path.
        models: The models.
        tasks: The tasks, wildcards spelt out.
        attempts: Rollouts a task; None while that is no number.
    """

    problems: Mapping[str, str]
    remarks: Mapping[str, str]
    models: tuple[ModelChoice, ...]
    tasks: tuple[str, ...]
    attempts: int | None

    @property
    def total(self) -> int | None:
        """How many rollouts it would start over all runs; None while that is not known."""
        if self.attempts is None or not self.tasks:
            return None
        return len(self.models) * len(self.tasks) * self.attempts

    @property
    def words(self) -> str:
        """`2 models × 3 tasks × 4 rollouts = 24`."""
        counted = (
            _many(len(self.models), "model"),
            _many(len(self.tasks), "task"),
            "? rollouts" if self.attempts is None else _many(self.attempts, "rollout"),
        )
        total = "?" if self.total is None else f"{self.total:,}"
        return f"{' × '.join(counted)} = {total}"


def check(
    draft: Draft,
    *,
    offered: Sequence[str] | None = None,
    scenarios: Sequence[str] | None = None,
    keyless: Callable[[str], str | None] = lambda provider: None,
) -> Check:
    """Judge a draft as it stands.

    Args:
        draft: What was typed.
        offered: The ids of the scenario's tasks; None where the gym offers no list.
        scenarios: The ids of the scenarios likewise.
        keyless: Why there is no key for a provider, or None when there is one.
    """
    document, wrong = _document(draft)
    tasks, unmatched = _tasks(draft, offered)
    document[TASKS] = tasks
    document.setdefault(NAME, "-")
    config = document.setdefault("model_config", {})
    models = draft.models
    config |= {"api_key": _STANDS_IN, "model": models[0].name, "provider": models[0].provider}
    if draft.has_user:
        document.setdefault(USER, {})["api_key"] = _STANDS_IN
    wrong = {**_refusals(document), **wrong}
    if unmatched:
        wrong[TASKS] = unmatched
    elif not tasks:
        wrong[TASKS] = "name at least one task"
    if not draft.text(SCENARIO).strip():
        wrong[SCENARIO] = "name the scenario"
    for choice in models:
        why = keyless(choice.provider)
        if why and (choice.elsewhere or KEY not in draft.keys):
            wrong.setdefault(KEY, why)
    if draft.has_user and USER_KEY not in draft.keys and keyless(draft.user_provider):
        wrong.setdefault(USER_KEY, keyless(draft.user_provider) or "")
    count = document.get(COUNT, 1)
    return Check(
        wrong,
        _remarks(draft, tasks, offered, scenarios),
        models,
        tasks,
        count if isinstance(count, int) and COUNT not in wrong else None,
    )


def requests(
    draft: Draft,
    tasks: Sequence[str],
    names: Sequence[str],
    key_of: Callable[[str], ApiKey],
) -> tuple[LaunchRequest, ...]:
    """What a draft sends: a request a model, differing in name, model and provider alone.

    Args:
        draft: One without problems.
        tasks: Its tasks, as `check` found them.
        names: The runs' names, from `run_names`.
        key_of: A provider's key, for what no key was typed for.

    Raises:
        ValidationError: The draft has problems.
        NoModelKey: As `key_of`.
    """
    document, _ = _document(draft)
    document[TASKS] = tuple(tasks)
    agents, user = _configs(draft, document, key_of)
    if user is not None:
        document[USER] = user
    bodies = (
        {**document, "model_config": config, NAME: name}
        for config, name in zip(agents, names, strict=True)
    )
    return tuple(LaunchRequest.model_validate(body) for body in bodies)


def configs(
    draft: Draft, key_of: Callable[[str], ApiKey]
) -> tuple[tuple[ModelChoice, ModelConfig], ...]:
    """The settings of each model, to have the gym test them; the simulated user's last.

    Args:
        draft: One whose models' settings have no problems.
        key_of: A provider's key, for what no key was typed for.

    Raises:
        ValidationError: The draft has problems.
        NoModelKey: As `key_of`.
    """
    document, _ = _document(draft)
    agents, user = _configs(draft, document, key_of)
    named = list(zip(draft.models, agents, strict=True))
    if user is not None:
        named.append((ModelChoice(user.get("model"), draft.user_provider), user))
    return tuple((choice, ModelConfig.model_validate(config)) for choice, config in named)


def _configs(
    draft: Draft, document: Mapping[str, Any], key_of: Callable[[str], ApiKey]
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The settings of each model, and of the simulated user's, with their keys."""
    keys: dict[str, ApiKey] = {}

    def key(provider: str, typed: str, *, elsewhere: bool = False) -> ApiKey:
        if typed in draft.keys and not elsewhere:
            return draft.keys[typed]
        if provider not in keys:
            keys[provider] = key_of(provider)
        return keys[provider]

    agents = []
    for choice in draft.models:
        config = {**document.get("model_config", {})}
        config |= {"model": choice.name, "provider": choice.provider}
        config["api_key"] = key(choice.provider, KEY, elsewhere=choice.elsewhere)
        if choice.elsewhere:
            config.pop("base_url", None)
        agents.append(config)
    if not draft.has_user:
        return agents, None
    user = {**document.get(USER, {}), "api_key": key(draft.user_provider, USER_KEY)}
    return agents, user


def run_names(draft: Draft, *, now: datetime, rng: random.Random) -> tuple[str, ...]:
    """The runs' names, one a model: as typed, or made.

    Args:
        draft: What was typed. Where it names several models, theirs end its name; a rerun's name
            that is made tells its parent's (`launching.lineage`).
        now: Goes into names that are made.
        rng: Makes them unique.
    """
    typed = draft.text(NAME).strip()
    several = len(draft.models) > 1
    base = typed or (name_again(draft.parent, rng) if draft.parent is not None else "")
    names: list[str] = []
    for choice in draft.models:
        model = choice.name or ""
        if not base:
            name = new_run_name(draft.text(SCENARIO).strip(), model, now, rng)
        else:
            name = f"{base}-{slug(model) or 'model'}" if several else base
        while name in names:  # two models that differ in what a name leaves out
            name = f"{name}-{len(names) + 1}"
        names.append(name)
    return tuple(names)


def only(draft: Draft, models: Sequence[ModelChoice]) -> Draft:
    """The draft with these of its models: what is left when some were launched."""
    return draft.typed(MODEL, ", ".join(choice.words for choice in models if choice.name))


def refusals(found: Sequence[FieldError]) -> dict[str, str]:
    """What the gym has against fields, by the path of the field that it is shown at.

    Args:
        found: As `Refused.fields`.

    Returns:
        By path; what is about no field under "". Messages as received.
    """
    told: dict[str, str] = {}
    for fault in found:
        path = nearest(fault.field)
        rest = fault.field.removeprefix(path).strip(".")
        said = f"{rest}: {fault.msg}" if rest and fault.field != path else fault.msg
        told[path] = f"{told[path]}; {said}" if path in told else said
    return told


def _document(draft: Draft) -> tuple[dict[str, Any], dict[str, str]]:
    """What the texts say, without lists and keys, and what cannot be read, by path."""
    document: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for known in FIELDS:
        text = draft.text(known.path)
        if known.kind in (Kind.LIST, Kind.SECRET) or not text.strip():
            continue
        try:
            value = _value(known, text)
        except ValueError as error:
            wrong[known.path] = str(error)
            continue
        owner, _, name = known.path.rpartition(".")
        (document.setdefault(owner, {}) if owner else document)[name] = value
    return document, wrong


def _value(known: Field, text: str) -> Any:
    plain = text.strip()
    match known.kind:
        case Kind.WHOLE:
            if not re.fullmatch(r"[+-]?[0-9]{1,18}", plain):
                raise ValueError("should be a whole number")
            return int(plain)
        case Kind.NUMBER:
            try:
                return float(plain)
            except ValueError:
                raise ValueError("should be a number") from None
        case Kind.FLAG:
            if plain.lower() not in _YES | _NO:
                raise ValueError("should be yes or no")
            return plain.lower() in _YES
        case Kind.JSON:
            try:
                # Newlines come in with what is pasted, and mean nothing between tokens.
                return json.loads(plain.replace("⏎", "\n"))
            except json.JSONDecodeError as error:
                raise ValueError(f"is not JSON: {error.msg}, at {error.pos + 1}") from None
            except RecursionError:
                raise ValueError("is not JSON that can be read: nested too deeply") from None
        case Kind.PROSE:
            return text.replace("⏎", "\n")
        case _:
            return plain


def _refusals(document: Mapping[str, Any]) -> dict[str, str]:
    try:
        LaunchRequest.model_validate(document)
    except ValidationError as error:
        found: dict[str, str] = {}
        for fault in problems(error):
            path = nearest(fault.field)
            found.setdefault(path, words_of(path, fault))
        return found
    return {}


def words_of(path: str, fault: FieldError) -> str:
    """What is wrong with a field, in a person's words.

    Args:
        path: The field's.
        fault: As `api.launch.problems` found it.
    """
    known = BY_PATH.get(path)
    within = fault.field.removeprefix(path).strip(".") if path else ""
    said = fault.msg.removeprefix("Value error, ")
    said = said.replace("Input should be", "should be").replace("Field required", "is needed")
    said = said.replace("Extra inputs are not permitted", "means nothing here")
    if known is not None and not within:
        if known.choices and known.kind is Kind.CHOICE:
            return f"should be one of {', '.join(known.choices)}"
        if known.limit and said.startswith(("should be greater", "should be less")):
            return f"should be {known.limit}"
        if said.startswith("should be a finite"):
            return f"should be a number{f', {known.limit}' if known.limit else ''}"
    return f"{within}: {said}" if within else said


def _tasks(draft: Draft, offered: Sequence[str] | None) -> tuple[tuple[str, ...], str]:
    """The tasks with wildcards spelt out, and what is wrong with them."""
    if TASKS in draft.exact:
        return draft.exact[TASKS], ""
    found: dict[str, None] = {}
    for part in draft.listed(TASKS):
        if not set(part) & {"*", "?"}:
            found[part] = None
        elif offered is None:
            return tuple(found), f"{part}: the gym offers no list to match it with"
        else:
            matching = [task for task in offered if fnmatchcase(task, part)]
            if not matching:
                return tuple(found), f"{part} matches no task"
            found |= dict.fromkeys(matching)
    return tuple(found), ""


def _remarks(
    draft: Draft,
    tasks: Sequence[str],
    offered: Sequence[str] | None,
    scenarios: Sequence[str] | None,
) -> dict[str, str]:
    """What is unusual: the gym will say whether it is wrong."""
    found: dict[str, str] = {}
    scenario = draft.text(SCENARIO).strip()
    if scenarios is not None and scenario and scenario not in scenarios:
        found[SCENARIO] = "not in the gym's list"
    strangers = [task for task in tasks if offered is not None and task not in offered]
    if strangers:
        more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        found[TASKS] = f"not in the gym's list: {strangers[0]}{more}"
    known = draft.text(OVERRIDES)
    if known and not tasks:
        found[OVERRIDES] = "is checked against the tasks, once there are any"
    return found


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
