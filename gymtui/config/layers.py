"""The sources of the settings in their order, merged and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct
from pydantic import ValidationError

from gymtui.config.schema import NAMES, ConfigFile, Problem, SettingFields, describe_error, variable
from gymtui.core import urls

VENDOR_URL_VARIABLE = "SIMLAB_SCENARIO_MANAGER_API_URL"
VENDOR_URL_FIELD = "scenario_manager_api_url"


class Layer(Struct, frozen=True):
    """What one source holds, and how each of its places is called."""

    values: Mapping[str, object]
    place: Callable[[str], str]


class Layers(NamedTuple):
    """The sources, first one first; from any of them on, the rest is a slice."""

    flags: Layer
    env: Layer
    profile: Layer
    file: Layer
    vendor: Layer

    @property
    def from_profile(self) -> tuple[Layer, ...]:
        """The profile and what lies below it."""
        return self[2:]

    @property
    def from_file(self) -> tuple[Layer, ...]:
        """The top of the file and what lies below it."""
        return self[3:]


class MergedSettings(Struct, frozen=True):
    """What layers come to: values, where each came from, and what was wrong."""

    choices: SettingFields
    origins: dict[str, str]
    problems: list[Problem]

    @property
    def gym(self) -> urls.Origin:
        return urls.origin_of(self.choices.base_url)


def layers_of(
    flags: Mapping[str, object],
    env: Mapping[str, str],
    file: ConfigFile,
    profile: tuple[str, ...],
    vendor_file: ConfigFile,
) -> Layers:
    vendor_url = env.get(VENDOR_URL_VARIABLE) or None
    in_file = vendor_url is None
    return Layers(
        Layer(
            {name: v for name, v in flags.items() if v is not None and v is not False},
            lambda name: f"--{name.replace('_', '-')}",
        ),
        Layer({name: env.get(variable(name)) or None for name in NAMES}, variable),
        Layer(file.table(*profile) if profile else {}, lambda name: file.place(*profile, name)),
        Layer({name: file.document.get(name) for name in NAMES}, file.place),
        Layer(
            {"base_url": vendor_file.document.get(VENDOR_URL_FIELD) if in_file else vendor_url},
            lambda _: vendor_file.place(VENDOR_URL_FIELD) if in_file else VENDOR_URL_VARIABLE,
        ),
    )


def merge_layers(layers: Sequence[Layer]) -> MergedSettings:
    """Merges layers, first one first; a wrong value is told and the next layer's is used."""
    origins = dict.fromkeys(SettingFields.model_fields, "default")
    problems: list[Problem] = []
    fit: dict[str, object] = {}
    for layer in layers:
        for field_name, field in SettingFields.model_fields.items():
            name = field.alias or field_name
            value = layer.values.get(name)
            if value is None or name in fit:
                continue
            place = layer.place(name)
            try:
                SettingFields.model_validate({name: value})
            except ValidationError as error:
                problems.append(Problem(place, describe_error(error), fatal=name == "base_url"))
            else:
                fit[name], origins[field_name] = value, place
    return MergedSettings(SettingFields.model_validate(fit), origins, problems)
