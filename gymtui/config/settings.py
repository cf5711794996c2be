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

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from gymtui.config.api_key import (
    NO_SEARCH,
    KeyPlace,
    KeySources,
    Runner,
    find_key,
    run_command,
)
from gymtui.config.layers import Layers, layers_of, merge_layers
from gymtui.config.schema import (
    COMMAND_PREFIX,
    EVENT_PREFIX,
    KEY_FIELDS,
    NAMES,
    PROFILE_TABLES,
    TABLES,
    ConfigFile,
    JournalSource,
    ModelKeySource,
    Problem,
    SettingFields,
    StuckThresholds,
    did_you_mean,
    read_file,
    variable,
)
from gymtui.config.user_commands import UserCommand
from gymtui.core import urls
from gymtui.core.secret import ApiKey

LAST_PICKED = "last used"  # the origin of a profile that was picked in the dashboard

# Of variables that are read elsewhere; `gym_key` is the local gym's own.
_OTHER_NAMES = (
    "api_key",
    "profile",
    "config",
    "config_dir",
    "state_dir",
    "cache_dir",
    "gym_key",
    "gym_db",
    "gym_db_password_command",
    "judge_key",
    "journal_url",
)


class Settings(SettingFields):
    """What applies: the choices, and what goes with them."""

    profile_name: str = "default"  # the profile's name; `default` when there is none
    key: ApiKey | None = None
    key_origin: str = ""  # where it came from, "" if there is none
    stuck: StuckThresholds = StuckThresholds()
    journal: JournalSource = JournalSource()
    # Keys other than the program's own, by the name of what they do (`tui.context.keymap`).
    keys: Mapping[str, tuple[str, ...]] = {}
    model_keys: Mapping[str, ModelKeySource] = {}
    commands: Mapping[str, UserCommand] = {}
    # Where each of these came from, by field name; of a table's entries by table and name,
    # `stuck.floor_s`.
    origins: Mapping[str, str] = {}
    # What is read in the place of a gym; empty where there is a gym.
    directories: tuple[Path, ...] = ()
    read_as: str | None = None  # as what these are read; None finds it out

    @property
    def host(self) -> str:
        """The gym's host, with its port where it has one; of directories their names."""
        if self.directories:
            first, *others = self.directories
            more = f" +{len(others)}" if others else ""
            return f"{first.name or first}{more}"
        return urlsplit(self.base_url).netloc.rpartition("@")[2]

    @property
    def why_read_only(self) -> str:
        """Why nothing can be changed, where that is so."""
        return "files are only read" if self.directories else "read-only"


class ProfileInfo(Struct, frozen=True):
    name: str
    base_url: str  # the gym it names, as written; "" if it names none
    runs_command: bool  # whether its key is printed by a command, which may want the terminal


class LoadedSettings(Struct, frozen=True):
    """Settings, and what is to be said about them."""

    settings: Settings
    problems: tuple[Problem, ...] = ()  # what was wrong, in the order of the sources
    key_places: tuple[KeyPlace, ...] = ()  # each place and what was found, never the key itself
    profiles: tuple[ProfileInfo, ...] = ()
    default_profile: str = "default"  # the one that applies when nobody says which

    @property
    def fatal(self) -> tuple[Problem, ...]:
        """The problems with which no gym should be talked to."""
        return tuple(problem for problem in self.problems if problem.fatal)


class _Profile(Struct, frozen=True):
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
    want_key: bool = True,
    remembered: str | None = None,
    variables_gym: urls.Origin | None = None,
) -> LoadedSettings:
    """Settles every setting. Runs the `api_key_command`, if it comes to that; touches no network.

    Args:
        flags: From the command line, by setting (`base_url`, `interval` …, `profile`, `config`);
            None and False are as good as absent.
        config_path: The configuration file, there or not (`paths.config_file`).
        vendor_path: The vendor client's (`paths.vendor_config_file`).
        want_key: Whether to look for a key: who talks to no gym needs none.
        remembered: The profile that was last picked, for when neither flag nor environment says
            which profile, or which gym.
        variables_gym: The gym that `GYMTUI_API_KEY` is for; None: whichever is talked to.

    Returns:
        The settings, always complete. A wrong value is told among the problems and the next
        source's is used instead; where that could lead to another gym, the problem is fatal.
    """
    from gymtui.config.tables import read_tables

    problems: list[Problem] = []
    named = bool(flags.get("config") or env.get("GYMTUI_CONFIG"))
    file = read_file(config_path, problems, must_exist=named)
    vendor_file = read_file(vendor_path, [], must_exist=False)
    profile = _profile(flags, env, file, remembered, problems)
    _check_names(env, file, problems)

    layers = layers_of(flags, env, file, profile.table, vendor_file)
    settled = merge_layers(layers)
    tables = read_tables(file, profile.table, env)
    problems += [*settled.problems, *tables.problems]
    values, origins = dict(settled.choices), settled.origins | tables.origins
    _check_plain_http(values, origins, layers, problems)
    _check_command(values, origins, file, problems)

    search = NO_SEARCH
    if want_key:
        # A table's key is for the gym that it and what lies below it would lead to.
        of_profile = (
            [(profile.table, merge_layers(layers.from_profile).gym)] if profile.table else []
        )
        search = find_key(
            KeySources(
                env=env,
                variables_gym=variables_gym,
                file=file,
                tables=(*of_profile, ((), merge_layers(layers.from_file).gym)),
                vendor_file=vendor_file,
                vendor_origin=merge_layers([layers.vendor]).gym,
                target=settled.gym,
                run=run,
            )
        )
    settings = Settings(
        profile_name=profile.name,
        key=search.key,
        key_origin=search.origin,
        stuck=tables.stuck,
        journal=tables.journal,
        keys=tables.keys,
        model_keys=tables.model_keys,
        commands=tables.commands,
        origins=origins | {"profile_name": profile.origin, "key": search.origin},
        **values,
    )
    usual = str(file.document.get("profile") or "default")
    return LoadedSettings(
        settings, (*problems, *search.problems), search.places, _profile_infos(file), usual
    )


def _check_plain_http(
    values: dict[str, Any], origins: dict[str, str], layers: Layers, problems: list[Problem]
) -> None:
    """Sees that no key goes over plain http, but to where the profile of that very gym says so."""
    gym = urls.origin_of(values["base_url"])
    if "base_url" in layers.profile.values and merge_layers([layers.profile]).gym != gym:
        # What a profile allows for its own gym it allows for no other.
        values["insecure"], origins["insecure"] = False, "default"
    if not values["insecure"] and not urls.is_private_enough(values["base_url"]):
        cure = "use https, or set insecure = true in a profile with this base_url"
        message = f"plain http to {gym.host} would send the key unencrypted: {cure}"
        problems.append(Problem(origins["base_url"], message, fatal=True))


def _check_command(
    values: dict[str, Any], origins: dict[str, str], file: ConfigFile, problems: list[Problem]
) -> None:
    """Drops `on_finish` where others than its owner could have written it into the file."""
    from gymtui.config.tables import require_owner_only

    if values["on_finish"] and origins["on_finish"] != variable("on_finish"):
        try:
            require_owner_only(file)
        except ValueError as error:
            problems.append(Problem(origins["on_finish"], str(error)))
            values["on_finish"], origins["on_finish"] = (), "default"


def _profile_infos(file: ConfigFile) -> tuple[ProfileInfo, ...]:
    tables = file.table("profiles")
    return tuple(
        ProfileInfo(
            name,
            str(table.get("base_url", "")),
            "api_key_command" in table or "api_key_command" in file.document,
        )
        for name, table in tables.items()
        if isinstance(table, Mapping)
    )


def _profile(
    flags: Mapping[str, object],
    env: Mapping[str, str],
    file: ConfigFile,
    remembered: str | None,
    problems: list[Problem],
) -> _Profile:
    profiles = file.table("profiles")
    named = flags.get("profile") or env.get("GYMTUI_PROFILE")
    named = named or flags.get("base_url") or env.get(variable("base_url"))
    if remembered and not named:
        if isinstance(profiles.get(remembered), Mapping):
            return _Profile(remembered, LAST_PICKED, ("profiles", remembered))
        problems.append(Problem(LAST_PICKED, f"profile {remembered!r} no longer exists"))
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
        hint = did_you_mean(str(name), profiles) or known
        problems.append(Problem(origin, f"no profile named {name!r}{hint}", fatal=True))
        return _Profile(str(name), origin)
    if isinstance(profiles.get("default"), Mapping):
        return _Profile("default", file.place("profiles", "default"), ("profiles", "default"))
    return _Profile("default", "default")


def _check_names(env: Mapping[str, str], file: ConfigFile, problems: list[Problem]) -> None:
    """Tells of names that mean nothing, with the one that was probably meant."""
    variables = tuple(map(variable, (*NAMES, *_OTHER_NAMES)))
    for name in sorted(env):
        # What `on_finish` or a person's own command was told, inherited.
        is_prefixed = name.startswith((EVENT_PREFIX, COMMAND_PREFIX))
        if name.startswith("GYMTUI_") and name not in variables and not is_prefixed:
            match = did_you_mean(name, variables)
            problems.append(Problem(name, f"unknown setting{match}"))
    in_profile = (*NAMES, *KEY_FIELDS, *PROFILE_TABLES, "insecure")
    at_top = (*NAMES, *KEY_FIELDS, *TABLES, "profile", "profiles")
    for name in file.document:
        if name == "insecure":
            problems.append(Problem(file.place(name), "belongs in a profile, beside its base_url"))
        elif name not in at_top:
            problems.append(_unknown_setting(file, (name,), at_top))
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
            if name in TABLES and name not in PROFILE_TABLES:
                place = file.place("profiles", profile, name)
                problems.append(Problem(place, f"belongs at the top of the file: [{name}]"))
            elif name not in in_profile:
                problems.append(_unknown_setting(file, ("profiles", profile, name), in_profile))


def _unknown_setting(file: ConfigFile, names: tuple[str, ...], known: Collection[str]) -> Problem:
    return Problem(file.place(*names), f"unknown setting{did_you_mean(names[-1], known)}")
