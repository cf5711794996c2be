"""What is to be said about a draft: what must be mended to send it, and what may be meant so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gymtui.api.errors import FieldError
from gymtui.api.launch_request import LaunchRequest
from gymtui.config.schema import describe_fault, did_you_mean
from gymtui.core.secret import ApiKey
from gymtui.launching.draft import USER_KEY, Draft, Variant
from gymtui.launching.form_fields import (
    BY_PATH,
    COUNT,
    KEY,
    NAME,
    OVERRIDES,
    RULES,
    SCENARIO,
    TASKS,
    USER,
    FieldKind,
    field_path_of,
)
from gymtui.launching.requests import document_of, value_of
from gymtui.store.formats import of_many
from gymtui.store.rules import RuleError, RuleSpec

_STANDS_IN: Final = ApiKey("-")
"""For a key, while a draft is judged: which one it will be changes nothing."""


@dataclass(frozen=True, slots=True)
class DraftCheck:
    problems: Mapping[str, str]  # what must be mended before it can be sent, by path
    remarks: Mapping[str, str]  # what may be meant so, by path
    variants: tuple[Variant, ...]  # what gets a run
    tasks: tuple[str, ...]  # the tasks, wildcards spelt out
    attempts: int | None  # rollouts a task; None while that is no number
    # Of those, the names that the gym's lists do not have.
    unlisted: Mapping[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int | None:
        """How many rollouts it would start over all runs; None while that is not known."""
        if self.attempts is None or not self.tasks:
            return None
        return len(self.variants) * len(self.tasks) * self.attempts

    @property
    def words(self) -> str:
        """`2 models × 3 tasks × 4 rollouts = 24`; of a sweep `6 runs × …`."""
        swept = any(variant.settings for variant in self.variants)
        counted = (
            of_many(len(self.variants), "run" if swept else "model"),
            of_many(len(self.tasks), "task"),
            "? rollouts" if self.attempts is None else of_many(self.attempts, "rollout"),
        )
        total = "?" if self.total is None else f"{self.total:,}"
        return f"{' × '.join(counted)} = {total}"


def check(
    draft: Draft,
    *,
    offered: Sequence[str] | None = None,
    scenarios: Sequence[str] | None = None,
    missing_key_reason: Callable[[str], str | None] = lambda provider: None,
) -> DraftCheck:
    """Judge a draft as it stands.

    Args:
        offered: The ids of the scenario's tasks; None where the gym offers no list.
        missing_key_reason: Why there is no key for a provider, or None when there is one.
    """
    document, wrong = document_of(draft)
    tasks, unmatched = _tasks(draft, offered)
    document[TASKS] = tasks
    document.setdefault(NAME, "-")
    config = document.setdefault("model_config", {})
    models = draft.models
    config |= {"api_key": _STANDS_IN, "model": models[0].name, "provider": models[0].provider}
    if draft.has_user:
        document.setdefault(USER, {})["api_key"] = _STANDS_IN
    wrong = {**_refusals(document), **_swept_refusals(draft, document, wrong), **wrong}
    if unmatched:
        wrong[TASKS] = unmatched
    elif not tasks:
        wrong[TASKS] = "name at least one task"
    if not draft.text(SCENARIO).strip():
        wrong[SCENARIO] = "name the scenario"
    for choice in models:
        why = missing_key_reason(choice.provider)
        if why and (choice.elsewhere or KEY not in draft.keys):
            wrong.setdefault(KEY, why)
    if draft.has_user and USER_KEY not in draft.keys and missing_key_reason(draft.user_provider):
        wrong.setdefault(USER_KEY, missing_key_reason(draft.user_provider) or "")
    try:
        rules = draft.rules
    except RuleError as error:
        wrong[RULES], rules = str(error), ()
    count = document.get(COUNT, 1)
    unlisted = _find_unlisted(draft, tasks, offered, scenarios)
    return DraftCheck(
        wrong,
        {**_remarks(draft, tasks, rules), **unlisted},
        draft.variants,
        tasks,
        count if isinstance(count, int) and COUNT not in wrong else None,
        unlisted,
    )


def describe_refusals(found: Sequence[FieldError], tasks: Sequence[str] = ()) -> dict[str, str]:
    """What the gym has against fields, by the path of the field that it is shown at.

    What is about no field is under "". Messages are as received.

    Args:
        tasks: The tasks as they were sent, which the gym may call by their places.
    """
    by_path: dict[str, str] = {}
    for fault in found:
        path = field_path_of(fault.field)
        rest = fault.field.removeprefix(path).strip(".")
        if path == TASKS and rest.isdecimal() and int(rest) < len(tasks):
            rest = tasks[int(rest)]
        words = f"{rest}: {fault.msg}" if rest and fault.field != path else fault.msg
        by_path[path] = f"{by_path[path]}; {words}" if path in by_path else words
    return by_path


def describe_refusal(path: str, field: str, fault: ErrorDetails) -> str:
    """What is wrong with a launch, in a person's words.

    Args:
        path: The field of the form that it is shown at.
        field: What it is about: that field, or something in it.
    """
    known = BY_PATH.get(path)
    within = field.removeprefix(path).strip(".") if path else ""
    if known is None or within:
        return f"{within}: {describe_fault(fault)}" if within else describe_fault(fault)
    if known.choices and known.kind is FieldKind.CHOICE:
        return f"should be one of {', '.join(known.choices)}"
    if known.limit and fault["type"].startswith(("greater", "less")):
        return f"should be {known.limit}"
    if fault["type"] == "finite_number":
        return f"should be a number{f', {known.limit}' if known.limit else ''}"
    return describe_fault(fault)


def faults_of(error: ValidationError) -> Iterator[tuple[str, ErrorDetails]]:
    """What is wrong with a launch: each fault behind the dotted path of its field."""
    for fault in error.errors(include_url=False):
        yield ".".join(map(str, fault["loc"])), fault


def _refusals(document: Mapping[str, Any]) -> dict[str, str]:
    try:
        LaunchRequest.model_validate(document)
    except ValidationError as error:
        found: dict[str, str] = {}
        for field, fault in faults_of(error):
            path = field_path_of(field)
            found.setdefault(path, describe_refusal(path, field, fault))
        return found
    return {}


def _swept_refusals(
    draft: Draft, document: Mapping[str, Any], wrong: Mapping[str, str]
) -> dict[str, str]:
    """What the other values of what is swept are refused for; those that can be read."""
    found: dict[str, str] = {}
    for path, texts in draft.sweeps.items():
        for text in texts[1:] if path not in wrong else ():
            name = path.rpartition(".")[2]
            config = {**document["model_config"], name: value_of(BY_PATH[path], text)}
            refused = _refusals({**document, "model_config": config})
            if path in refused:
                found.setdefault(path, f"{text}: {refused[path]}")
    return found


def _tasks(draft: Draft, offered: Sequence[str] | None) -> tuple[tuple[str, ...], str]:
    if TASKS in draft.exact:
        return draft.exact[TASKS], ""
    found: dict[str, None] = {}
    for part in draft.ids_in(TASKS):
        if not set(part) & {"*", "?"}:
            found[part] = None
        elif offered is None:
            return tuple(found), f"{part}: the gym has no task list to match it with"
        else:
            matching = [task for task in offered if fnmatchcase(task, part)]
            if not matching:
                return tuple(found), f"{part} matches no task"
            found |= dict.fromkeys(matching)
    return tuple(found), ""


_CHOICES = 6  # scenarios that are named where none is like what was typed


def _find_unlisted(
    draft: Draft,
    tasks: Sequence[str],
    offered: Sequence[str] | None,
    scenarios: Sequence[str] | None,
) -> dict[str, str]:
    found: dict[str, str] = {}
    scenario = draft.text(SCENARIO).strip()
    if scenarios is not None and scenario and scenario not in scenarios:
        choices = f": {', '.join(scenarios[:_CHOICES])}" if scenarios else ""
        found[SCENARIO] = f"not in the gym's list{did_you_mean(scenario, scenarios) or choices}"
    strangers = [task for task in tasks if offered is not None and task not in offered]
    if strangers:
        more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        like = did_you_mean(strangers[0], offered or ())
        found[TASKS] = f"not in the gym's list: {strangers[0]}{more}{like}"
    return found


def _remarks(draft: Draft, tasks: Sequence[str], rules: Sequence[RuleSpec]) -> dict[str, str]:
    found = {}
    if draft.text(OVERRIDES) and not tasks:
        found[OVERRIDES] = "is checked once tasks are known"
    if rules:
        found[RULES] = f"{of_many(len(rules), 'rule')}, armed once launched"
    return found
