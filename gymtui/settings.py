"""The settings: which value of each applies, where it came from, and what is wrong with the rest.

Precedence: flag, environment, profile, top of the file, the vendor client's own, default. The
configuration file looks like this; every key may stand at its top or in a profile:

    profile = "prod"            # the one to use when none is named
    interval = 2.0              # seconds

    [profiles.prod]
    base_url = "https://rl-gym-api.collinear.ai"
    api_key_env = "GYM_KEY"     # or api_key_command = ["pass", "show", "gym"], or api_key = "…"

    [profiles.lab]
    base_url = "http://lab.internal:8765"
    insecure = true             # plain http to another machine; in a profile only
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gymtui import urls
from gymtui.key_search import KeyPlace, KeySources, Runner, find_key, run_command
from gymtui.secret import ApiKey
from gymtui.settings_values import (
    KEY_FIELDS,
    READERS,
    ConfigFile,
    Problem,
    nearest,
    read_base_url,
    read_file,
    read_switch,
)

__all__ = ["ApiKey", "KeyPlace", "Loaded", "Problem", "Settings", "load"]

DEFAULT_BASE_URL = "https://rl-gym-api.collinear.ai"
VENDOR_URL_VARIABLE = "SIMLAB_SCENARIO_MANAGER_API_URL"
VENDOR_URL_FIELD = "scenario_manager_api_url"

_PREFIX = "GYMTUI_"
_OTHER_VARIABLES = ("API_KEY", "PROFILE", "CONFIG", "CONFIG_DIR", "STATE_DIR", "CACHE_DIR")
_FIELDS: Mapping[str, str] = {"interval": "interval_s"}
_DEFAULTS: Mapping[str, Any] = {
    "base_url": DEFAULT_BASE_URL,
    "source": "rl-gym",
    "scenario": None,
    "interval": 2.0,
    "read_only": False,
    "theme": None,
    "ascii": False,
    "debug": False,
}


@dataclass(frozen=True)
class Settings:
    """What applies.

    Attributes:
        profile_name: The profile's name; `default` when there is none.
        base_url: Where the gym is, without a slash at its end.
        key: The key, if one was found.
        key_origin: Where it came from, "" if there is none.
        source: Which runs to list: `rl-gym`, `task-editor`, `datadog-synthetics` or `all`.
        scenario: Only of this scenario, or None for all.
        interval_s: Seconds between polls while something is active.
        read_only: Whether launching, cancelling and deleting are off.
        insecure: Whether plain http to another machine is allowed.
        theme: The theme's name, or None for the program's own choice.
        ascii: Whether to draw with ASCII only.
        debug: Whether to log in detail.
        origins: Where each of these came from, by field name.
    """

    profile_name: str = "default"
    base_url: str = DEFAULT_BASE_URL
    key: ApiKey | None = None
    key_origin: str = ""
    source: str = "rl-gym"
    scenario: str | None = None
    interval_s: float = 2.0
    read_only: bool = False
    insecure: bool = False
    theme: str | None = None
    ascii: bool = False
    debug: bool = False
    origins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Loaded:
    """Settings, and what is to be said about them.

    Attributes:
        settings: What applies.
        problems: What was wrong, in the order of the sources.
        where_keys_were_looked_for: Each place and what was found, never the key itself.
    """

    settings: Settings
    problems: tuple[Problem, ...] = ()
    where_keys_were_looked_for: tuple[KeyPlace, ...] = ()

    @property
    def fatal(self) -> tuple[Problem, ...]:
        """The problems with which no gym should be talked to."""
        return tuple(problem for problem in self.problems if problem.fatal)


@dataclass(frozen=True)
class _Layer:
    """One source of values: what it holds, and how each of its places is called."""

    values: Mapping[str, object]
    place: Callable[[str], str]


@dataclass(frozen=True)
class _Profile:
    """The profile in use: its name, who named it, and its table's path in the file, if any."""

    name: str
    origin: str
    table: tuple[str, ...] = ()


def load(
    flags: Mapping[str, object],
    env: Mapping[str, str],
    config_path: Path | None,
    vendor_path: Path | None,
    *,
    run: Runner = run_command,
) -> Loaded:
    """Settles every setting. Runs the `api_key_command`, if it comes to that; touches no network.

    Args:
        flags: From the command line, by setting (`base_url`, `interval` …, `profile`, `config`);
            None and False are as good as absent.
        env: The environment.
        config_path: The configuration file, there or not (`paths.config_file`).
        vendor_path: The vendor client's (`paths.vendor_config_file`).
        run: How to run a command, for tests.

    Returns:
        The settings, always complete. A wrong value is told among the problems and the next
        source's is used instead; where that could lead to another gym, the problem is fatal.
    """
    problems: list[Problem] = []
    named = bool(flags.get("config") or env.get("GYMTUI_CONFIG"))
    file = read_file(config_path, problems, must_exist=named)
    vendor_file = read_file(vendor_path, [], must_exist=False)
    profile = _profile(flags, env, file, problems)
    _check_names(env, file, problems)

    layers = _layers(flags, env, file, profile, vendor_file)
    settled = {name: _settle(name, layers, problems) for name in READERS}
    base_url, url_origin = settled["base_url"]
    insecure, insecure_origin = _insecure(file, profile, base_url, problems)
    if not insecure and not urls.is_private_enough(base_url):
        problems.append(_in_clear(url_origin, base_url))

    tables = [(profile.table, layers[2:])] if profile.table else []
    tables.append(((), layers[3:]))
    search = find_key(
        KeySources(
            env=env,
            file=file,
            tables=tuple((table, _home(below)) for table, below in tables),
            vendor_file=vendor_file,
            vendor_origin=_home(layers[4:]),
            target=urls.origin_of(base_url),
            run=run,
        )
    )
    origins = {_FIELDS.get(name, name): origin for name, (_, origin) in settled.items()}
    origins |= {"profile_name": profile.origin, "insecure": insecure_origin, "key": search.origin}
    settings = Settings(
        profile_name=profile.name,
        key=search.key,
        key_origin=search.origin,
        insecure=insecure,
        origins=MappingProxyType(origins),
        **{_FIELDS.get(name, name): value for name, (value, _) in settled.items()},
    )
    return Loaded(settings, (*problems, *search.problems), search.places)


def _layers(
    flags: Mapping[str, object],
    env: Mapping[str, str],
    file: ConfigFile,
    profile: _Profile,
    vendor_file: ConfigFile,
) -> list[_Layer]:
    """The five sources, first one first: `load` takes them apart by their position."""
    names = {field_name: name for name, field_name in _FIELDS.items()}
    given = {names.get(name, name): v for name, v in flags.items() if v not in (None, False)}
    variables = {name: env.get(_variable(name)) or None for name in READERS}
    vendor_url = env.get(VENDOR_URL_VARIABLE) or None
    in_file = vendor_url is None
    return [
        _Layer(given, lambda name: f"--{name.replace('_', '-')}"),
        _Layer(variables, _variable),
        _Layer(
            file.table(*profile.table) if profile.table else {},
            lambda name: file.place(*profile.table, name),
        ),
        _Layer(file.document, file.place),
        _Layer(
            {"base_url": vendor_file.document.get(VENDOR_URL_FIELD) if in_file else vendor_url},
            lambda _: vendor_file.place(VENDOR_URL_FIELD) if in_file else VENDOR_URL_VARIABLE,
        ),
    ]


def _settle(name: str, layers: Sequence[_Layer], problems: list[Problem]) -> tuple[Any, str]:
    """The value of a setting and where it comes from; wrong ones on the way become problems."""
    for layer in layers:
        value = layer.values.get(name)
        if value is None:
            continue
        place = layer.place(name)
        try:
            return READERS[name](value), place
        except ValueError as error:
            problems.append(Problem(place, str(error), fatal=name == "base_url"))
    return _DEFAULTS[name], "default"


def _home(layers: Sequence[_Layer]) -> urls.Origin:
    """The gym that these sources alone would lead to: the one that their keys are for."""
    return urls.origin_of(_settle("base_url", layers, [])[0])


def _profile(
    flags: Mapping[str, object], env: Mapping[str, str], file: ConfigFile, problems: list[Problem]
) -> _Profile:
    profiles = file.table("profiles")
    for name, origin in (
        (flags.get("profile"), "--profile"),
        (env.get("GYMTUI_PROFILE"), "GYMTUI_PROFILE"),
        (file.document.get("profile"), file.place("profile")),
    ):
        if not name:
            continue
        if isinstance(name, str) and isinstance(profiles.get(name), Mapping):
            return _Profile(name, origin, ("profiles", name))
        known = f"; there are {', '.join(profiles)}" if profiles else f"; {file.path} has none"
        hint = nearest(str(name), profiles) or known
        problems.append(Problem(origin, f"there is no profile {name!r}{hint}", fatal=True))
        return _Profile(str(name), origin)
    if isinstance(profiles.get("default"), Mapping):
        return _Profile("default", file.place("profiles", "default"), ("profiles", "default"))
    return _Profile("default", "default")


def _insecure(
    file: ConfigFile, profile: _Profile, base_url: str, problems: list[Problem]
) -> tuple[bool, str]:
    """Whether the profile allows plain http: to the gym it names, not to any other."""
    table = file.table(*profile.table) if profile.table else {}
    if "insecure" not in table:
        return False, "default"
    place = file.place(*profile.table, "insecure")
    try:
        allowed = read_switch(table["insecure"])
    except ValueError as error:
        problems.append(Problem(place, str(error)))
        return False, "default"
    own = table.get("base_url")
    try:
        elsewhere = own is not None and urls.origin_of(read_base_url(own)) != urls.origin_of(
            base_url
        )
    except ValueError:
        elsewhere = True
    return (False, "default") if elsewhere else (allowed, place)


def _in_clear(place: str, base_url: str) -> Problem:
    host = urls.origin_of(base_url).host
    message = (
        f"plain http to {host} would send the key in clear: use https, or say insecure = true"
        " in a profile with this base_url"
    )
    return Problem(place, message, fatal=True)


def _check_names(env: Mapping[str, str], file: ConfigFile, problems: list[Problem]) -> None:
    """Tells of names that mean nothing, with the one that was probably meant."""
    variables = (*map(_variable, READERS), *(_PREFIX + name for name in _OTHER_VARIABLES))
    for name in sorted(env):
        if name.startswith(_PREFIX) and name not in variables:
            match = nearest(name, variables)
            problems.append(Problem(name, f"means nothing here{match}"))
    in_profile = (*READERS, *KEY_FIELDS, "insecure")
    at_top = (*READERS, *KEY_FIELDS, "profile", "profiles")
    for name in file.document:
        if name == "insecure":
            problems.append(Problem(file.place(name), "belongs in a profile, beside its base_url"))
        elif name not in at_top:
            problems.append(_stranger(file, (name,), at_top))
    profiles = file.document.get("profiles", {})
    if not isinstance(profiles, Mapping):
        problems.append(Problem(file.place("profiles"), "should be tables: [profiles.NAME]"))
        return
    for profile, table in profiles.items():
        if not isinstance(table, Mapping):
            place = file.place("profiles", profile)
            problems.append(Problem(place, "should be in a profile: [profiles.NAME]"))
            continue
        for name in table:
            if name not in in_profile:
                problems.append(_stranger(file, ("profiles", profile, name), in_profile))


def _stranger(file: ConfigFile, names: tuple[str, ...], known: Collection[str]) -> Problem:
    return Problem(file.place(*names), f"means nothing here{nearest(names[-1], known)}")


def _variable(name: str) -> str:
    return f"{_PREFIX}{name.upper()}"
