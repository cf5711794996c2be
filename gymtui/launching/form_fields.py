"""Every field of a launch as data: form, command and documents show the same defaults and limits.

What a field allows is read off the models that are sent (`api.launch_request`), so that there is
one truth; here stand only its place, its words and how it is typed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from gymtui.api.launch_request import LaunchRequest, ModelConfig

SCENARIO: Final = "scenario_id"
TASKS: Final = "task_ids"
MODEL: Final = "model_config.model"
PROVIDER: Final = "model_config.provider"
KEY: Final = "model_config.api_key"
NAME: Final = "run_name"
COUNT: Final = "rollout_count"
TEMPERATURE: Final = "model_config.temperature"
MAX_STEPS: Final = "model_config.max_steps"
SWEPT: Final = MappingProxyType({TEMPERATURE: "t", MAX_STEPS: "s"})
"""Fields that may hold several values, a run each, and how their part of its name begins."""
OVERRIDES: Final = "task_overrides"
USER: Final = "user_model_config"
RULES: Final = "rules"  # what is armed on the run once it is there; no field of what is sent


class FieldKind(Enum):
    """How a field is typed."""

    TEXT = auto()  # one line
    PROSE = auto()  # text of several lines
    WHOLE = auto()  # a whole number
    NUMBER = auto()  # any number
    FLAG = auto()  # yes or no
    CHOICE = auto()  # one of a few words
    LIST = auto()  # several words, by commas
    SECRET = auto()  # a key
    JSON = auto()  # a JSON object
    RULES = auto()  # rules, by semicolons


@dataclass(frozen=True, slots=True)
class FormField:
    path: str  # its name in what is sent, dotted: `model_config.temperature`
    label: str
    help: str
    kind: FieldKind
    default: str = ""  # what applies when it is left open, as it would be typed; "" for nothing
    limit: str = ""  # what it allows, in words; "" for anything
    choices: tuple[str, ...] = ()  # all it allows, where that is a few words
    required: bool = False  # whether nothing applies when it is left open
    advanced: bool = False  # whether few need it

    @property
    def allows(self) -> str:
        """Default and limit in a few words: `default 0.7, 0 to 2`."""
        if self.required:
            return f"required{f', {self.limit}' if self.limit else ''}"
        default = f"default {self.default}" if self.default else "optional"
        return f"{default}{f', {self.limit}' if self.limit else ''}"


_MODEL_WORDS: Final = {
    "model": ("models", "model name; several, separated by commas, launch one run each"),
    "provider": ("provider", "provider of the model; custom: a base URL, or the gym's own agents"),
    "api_key": ("api key", "the provider's key; never saved, never shown"),
    "base_url": ("base url", "URL of an OpenAI-compatible model server"),
    "temperature": (
        "temperature",
        "sampling temperature; several, separated by commas, launch one run each",
    ),
    "max_steps": (
        "max steps",
        "maximum tool-calling turns per rollout; several launch one run each",
    ),
    "system_prompt": ("system prompt", "system prompt of the agent"),
    "tool_server_url": ("tool server url", "tool server to use instead of the scenario's"),
    "log_prob": ("log probs", "record log probabilities"),
    "summarize_every_n_turns": ("summarise every", "turns between summaries; 0 disables"),
    "context_stride": ("context stride", "turns between kept contexts"),
}
_RUN_WORDS: Final = {
    SCENARIO: ("scenario", "scenario of the tasks"),
    TASKS: ("tasks", "task ids, separated by commas; * and ? are wildcards"),
    COUNT: ("rollouts per task", "attempts at each task"),
    "max_parallel": ("max parallel", "concurrent rollouts; a hint to the gym"),
    NAME: ("run name", "must be unique; used to look up a launch whose answer is lost"),
    OVERRIDES: ("task overrides", '{"TASK": {"description": …}}: fields to override per task'),
}
_ORDER: Final = (
    *(SCENARIO, TASKS, MODEL, PROVIDER, KEY, COUNT, NAME),
    *("model_config.base_url", TEMPERATURE, MAX_STEPS),
    *("max_parallel", RULES),
    *("model_config.system_prompt", "model_config.tool_server_url", "model_config.log_prob"),
    *("model_config.summarize_every_n_turns", "model_config.context_stride"),
    *(f"{USER}.{name}" for name in _MODEL_WORDS),
    OVERRIDES,
)
_RULES_FIELD: Final = FormField(
    RULES,
    "rules",
    "armed on each run: cancel when pass<30%; tell the first error of each kind",
    FieldKind.RULES,
)
_ADVANCED_FROM: Final = "model_config.system_prompt"
_USER_MODEL: Final = ("model", "model of the simulated user; default: the scenario's")


def _all() -> Iterator[FormField]:
    advanced = False
    for path in _ORDER:
        if path == RULES:
            yield _RULES_FIELD
            continue
        advanced = advanced or path == _ADVANCED_FROM
        owner, _, name = path.rpartition(".")
        if owner:
            words = _USER_MODEL if (owner, name) == (USER, "model") else _MODEL_WORDS[name]
            info = ModelConfig.model_fields[name]
            label, help_text = f"user's {words[0]}" if owner == USER else words[0], words[1]
        else:
            label, help_text = _RUN_WORDS[path]
            info = LaunchRequest.model_fields[name]
        yield _field(path, label, help_text, info, advanced=advanced)


def _field(path: str, label: str, help_text: str, info: FieldInfo, *, advanced: bool) -> FormField:
    kind, choices = _kind(path, info.annotation)
    default = "" if info.is_required() or info.default is None else _default_text(info.default)
    return FormField(
        path,
        label,
        help_text,
        kind,
        default,
        limit_of(info),
        choices,
        # A name is always made, and a key is looked for: neither need be typed.
        required=info.is_required() and kind is not FieldKind.SECRET and path != NAME,
        advanced=advanced,
    )


def _kind(path: str, annotation: Any) -> tuple[FieldKind, tuple[str, ...]]:
    plain = _plain(annotation)
    if path in (TASKS, MODEL):
        return FieldKind.LIST, ()
    if path.endswith(".api_key"):
        return FieldKind.SECRET, ()
    if path.endswith("_prompt"):
        return FieldKind.PROSE, ()
    if get_origin(plain) is Literal:
        return FieldKind.CHOICE, get_args(plain)
    kinds = {
        bool: FieldKind.FLAG,
        int: FieldKind.WHOLE,
        float: FieldKind.NUMBER,
        str: FieldKind.TEXT,
    }
    return kinds.get(plain, FieldKind.JSON), ("no", "yes") if plain is bool else ()


def _plain(annotation: Any) -> Any:
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            annotation = next(part for part in get_args(annotation) if part is not type(None))
        else:
            return annotation


def limit_of(info: FieldInfo) -> str:
    """What a number may be, in words: `0 to 2`, `at least 1`; "" where nothing is said."""
    found = [*info.metadata, *_metadata(info.annotation)]
    low: float | None = next((mark.ge for mark in found if hasattr(mark, "ge")), None)
    high: float | None = next((mark.le for mark in found if hasattr(mark, "le")), None)
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"at least {low}" if low is not None else ""


def _metadata(annotation: Any) -> Iterator[object]:
    """What is said about a type, within "or nothing" too."""
    if get_origin(annotation) is Annotated:
        for mark in annotation.__metadata__:
            yield from getattr(mark, "metadata", ())
            yield mark
    for part in get_args(annotation) if get_origin(annotation) in (Union, UnionType) else ():
        yield from _metadata(part)


def _default_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


FIELDS: Final[tuple[FormField, ...]] = tuple(_all())
"""Every field, in the order in which the form shows them."""

BY_PATH: Final = MappingProxyType({field.path: field for field in FIELDS})


def field_path_of(path: str) -> str:
    """The field that a path of a refusal is about, or the nearest that it lies within; "" for none.

    Args:
        path: Dotted, as in `FieldError.field`: `task_ids.0`, `model_config`.
    """
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        found = ".".join(parts[:end])
        if found in BY_PATH:
            return found
    inside = (field.path for field in FIELDS if path and field.path.startswith(f"{path}."))
    return next(inside, "")
