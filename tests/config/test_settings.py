"""Which value of a setting applies, and what is said about the others."""

import re
from pathlib import Path
from typing import Any

import pytest

from gymtui.config.schema import DEFAULT_BASE_URL, ModelKeySource, StuckThresholds
from gymtui.config.settings import LoadedSettings
from tests.helpers.desk import PROFILES, Desk
from tests.helpers.places import ROOT


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def _said(loaded: LoadedSettings) -> list[str]:
    """Problems, with places relative to their directory."""
    return [f"{Path(p.place).name}: {p.message}" for p in loaded.problems]


def test_with_nothing_set_up_the_defaults_apply(desk: Desk) -> None:
    loaded = desk.load()
    settings = loaded.settings
    assert settings.base_url == DEFAULT_BASE_URL == "https://rl-gym-api.collinear.ai"
    assert (settings.profile_name, settings.source, settings.interval_s) == (
        "default",
        "rl-gym",
        2.0,
    )
    assert settings.key is None
    assert not settings.read_only
    assert not settings.insecure
    assert loaded.problems == ()
    assert set(settings.origins.values()) == {"default", ""}


VALUES: dict[str, tuple[Any, Any, Any, Any]] = {
    "base_url": ("https://flag", "https://env", '"https://profile"', '"https://file"'),
    "source": ("all", "task-editor", '"datadog-synthetics"', '"rl-gym"'),
    "scenario": ("flag", "env", '"profile"', '"file"'),
    "interval": (1.0, "2.5", "3", "4.0"),
    "max_requests_per_s": (1.0, "2.5", "3", "4.0"),
    "theme": ("flag", "env", '"profile"', '"file"'),
    "artifact_limit_mib": (1, "2", "3", "4"),
    "archive_limit_mib": (1, "2", "0", "4"),
    "recording_days": (1, "2", "3", "4"),
    "recording_limit_mib": (1, "2", "3", "4"),
    "fail_share": (0.1, "0.2", "0.3", "0.4"),
}


@pytest.mark.parametrize("name", VALUES)
def test_flag_beats_environment_beats_profile_beats_file(desk: Desk, name: str) -> None:
    flag, variable, profile, top = VALUES[name]
    field = "interval_s" if name == "interval" else name

    def settled(**flags: object) -> tuple[str, str]:
        settings = desk.load(**flags).settings
        return _plain(getattr(settings, field)), settings.origins[field]

    desk.write(f"{name} = {top}")
    assert settled() == (_plain(top), f"{desk.config}:1: {name}")
    desk.write(f"{name} = {top}\n[profiles.p]\n{name} = {profile}")
    assert settled(profile="p") == (_plain(profile), f"{desk.config}:3: profiles.p.{name}")
    desk.env[f"GYMTUI_{name.upper()}"] = variable
    assert settled(profile="p") == (_plain(variable), f"GYMTUI_{name.upper()}")
    assert settled(profile="p", **{name: flag}) == (_plain(flag), f"--{name.replace('_', '-')}")


def _plain(written: Any) -> str:
    text = str(written).strip('"').removesuffix(".0")
    return text if text.isdigit() or not text.replace(".", "").isdigit() else str(float(text))


@pytest.mark.parametrize("name", ["read_only", "ascii", "debug", "watch_all", "bell", "desktop"])
def test_a_switch_can_be_set_anywhere_and_unset_nearer(desk: Desk, name: str) -> None:
    desk.write(f"{name} = true\n[profiles.off]\n{name} = false")
    variable = f"GYMTUI_{name.upper()}"
    assert getattr(desk.load().settings, name) is True
    assert getattr(desk.load(profile="off").settings, name) is False
    for word, meant in (("1", True), ("yes", True), ("ON", True), ("0", False), ("false", False)):
        desk.env[variable] = word
        assert getattr(desk.load(profile="off").settings, name) is meant
    # A flag that was not given is False in a parser's eyes: that unsets nothing.
    desk.env[variable] = "1"
    assert getattr(desk.load(**{name: False}).settings, name) is True
    desk.env[variable] = "0"
    assert getattr(desk.load(**{name: True}).settings, name) is True


def test_nothing_but_the_given_environment_counts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BASE_URL", "GYMTUI_BASE_URL", "THEME", "theme", "interval_s"):
        monkeypatch.setenv(name, "https://elsewhere.example")
    loaded = desk.load()
    assert loaded.problems == ()
    assert (loaded.settings.base_url, loaded.settings.theme) == (DEFAULT_BASE_URL, None)


def test_an_empty_variable_is_as_good_as_none(desk: Desk) -> None:
    desk.env |= {"GYMTUI_BASE_URL": "", "GYMTUI_SOURCE": "", "GYMTUI_PROFILE": ""}
    loaded = desk.load()
    assert loaded.problems == ()
    assert loaded.settings.base_url == DEFAULT_BASE_URL


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("intervall = 1", "config.toml:2: intervall: unknown setting; did you mean interval?"),
        ("read-only = 1", "config.toml:2: read-only: unknown setting; did you mean read_only?"),
        ("zzz = 1", "config.toml:2: zzz: unknown setting"),
        ("interval = 0", "config.toml:2: interval: should be a number of seconds from 0.1 to 3600"),
        (
            'interval = "x"',
            "config.toml:2: interval: should be a number of seconds from 0.1 to 3600",
        ),
        (
            "interval = true",
            "config.toml:2: interval: should be a number of seconds from 0.1 to 3600",
        ),
        (
            "interval = nan",
            "config.toml:2: interval: should be a number of seconds from 0.1 to 3600",
        ),
        (
            'source = "task_editor"',
            "config.toml:2: source: should be one of rl-gym, task-editor, datadog-synthetics, all"
            "; did you mean task-editor?",
        ),
        (
            "artifact_limit_mib = 1.5",
            "config.toml:2: artifact_limit_mib: should be a whole number of MiB from 1 to 4096",
        ),
        ("fail_share = 80", "config.toml:2: fail_share: should be a share from 0 to 1"),
        (
            "on_finish = [1]",
            "config.toml:2: on_finish: should be a command line, or a list such as"
            ' ["notify-send", "done"]',
        ),
        ("stuck = 60", "config.toml:2: stuck: should be a table: [stuck]"),
        (
            "[stuck]\nflor_s = 5",
            "config.toml:3: stuck.flor_s: unknown setting; did you mean floor_s?",
        ),
        (
            "stuck = { step_factor = 0 }",
            "config.toml:2: stuck.step_factor: should be a number from 1 to 1000",
        ),
        (
            "[keys]\ncancel = []",
            "config.toml:3: keys.cancel: has no key; the command could not be reached",
        ),
        (
            "[keys]\ncancel = 3",
            "config.toml:3: keys.cancel: should be a key, or a list of keys"
            ' such as ["x", "delete"]',
        ),
        (
            "[profiles.p.keys]\ncancel = 'X'",
            "config.toml:2: profiles.p.keys: belongs at the top of the file: [keys]",
        ),
        (
            '[model_keys]\nopenai = "sk-1"',
            "config.toml:3: model_keys.openai: should say where the key is:"
            ' { env = "NAME" } or { command = ["…"] }',
        ),
        (
            '[model_keys]\nopenai = { evn = "X" }',
            "config.toml:3: model_keys.openai: unknown entry evn; did you mean env?",
        ),
        (
            "[model_keys]\ngcp = {}",
            "config.toml:3: model_keys.gcp: needs either env or command",
        ),
        ("ascii = 3", "config.toml:2: ascii: should be true or false"),
        ("theme = 3", "config.toml:2: theme: should be text, not a number"),
        ('theme = ""', "config.toml:2: theme: is empty"),
        ("insecure = true", "config.toml:2: insecure: belongs in a profile, beside its base_url"),
        ("profiles = 3", "config.toml:2: profiles: should be tables: [profiles.NAME]"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_the_rest_applies(
    desk: Desk, line: str, said: str
) -> None:
    desk.write(f'scenario = "hr"\n{line}\n')
    loaded = desk.load()
    assert _said(loaded) == [said]
    assert loaded.settings.scenario == "hr"
    assert loaded.settings.interval_s == 2.0
    assert loaded.fatal == ()


def test_the_tables_are_read_and_one_wrong_entry_costs_no_other(desk: Desk) -> None:
    desk.write(
        """
        on_finish = "notify-send 'a run ended'"
        [stuck]
        floor_s = 30
        step_factor = "x"
        build_factor = 2
        [keys]
        cancel = ["X", "delete"]
        mark = "m"
        [model_keys]
        openai = { env = "OPENAI_API_KEY" }
        anthropic = { command = ["pass", "show", "anthropic"] }
        gcp = { command = "" }
        antropic = { env = "ANTHROPIC_API_KEY" }
        """
    )
    loaded = desk.load()
    settings = loaded.settings
    assert settings.on_finish == ("notify-send", "a run ended")
    assert settings.stuck == StuckThresholds(floor_s=30, build_factor=2)
    assert settings.keys == {"cancel": ("X", "delete"), "mark": ("m",)}
    assert settings.model_keys == {
        "openai": ModelKeySource(env="OPENAI_API_KEY"),
        "anthropic": ModelKeySource(command=("pass", "show", "anthropic")),
    }
    assert settings.origins["stuck.floor_s"] == f"{desk.config}:4: stuck.floor_s"
    assert [place.partition(": ")[2] for place in (p.place for p in loaded.problems)] == [
        "stuck.step_factor",
        "model_keys.gcp",
        "model_keys.antropic",
    ]
    assert loaded.problems[-1].message == "is not a provider; did you mean anthropic?"


def test_a_profile_says_otherwise_entry_by_entry(desk: Desk) -> None:
    desk.write(
        """
        [stuck]
        floor_s = 30
        build_factor = 2
        [model_keys]
        openai = { env = "A" }
        gcp = { env = "B" }
        [profiles.lab.stuck]
        floor_s = 300
        [profiles.lab.model_keys]
        openai = { env = "LAB" }
        """
    )
    settings = desk.load(profile="lab").settings
    assert settings.stuck == StuckThresholds(floor_s=300, build_factor=2)
    assert settings.model_keys == {
        "openai": ModelKeySource(env="LAB"),
        "gcp": ModelKeySource(env="B"),
    }
    assert desk.load().settings.stuck.floor_s == 30


def test_a_teams_journal_may_be_named_in_three_places(desk: Desk) -> None:
    desk.write(
        """
        [journal]
        url = "postgresql://db.lab/gym"
        password_command = "pass show db"
        [profiles.lab.journal]
        url = "postgresql:///lab?host=/run/postgresql"
        """
    )
    settings = desk.load().settings
    assert settings.journal.url == "postgresql://db.lab/gym"
    assert settings.journal.password_command == ("pass", "show", "db")
    lab = desk.load(profile="lab").settings.journal
    assert lab.url == "postgresql:///lab?host=/run/postgresql"
    assert lab.password_command == ("pass", "show", "db")
    desk.env["GYMTUI_JOURNAL_URL"] = "postgres://ann@db.other:6000/gym"
    told = desk.load(profile="lab")
    assert told.settings.journal.url == "postgres://ann@db.other:6000/gym"
    assert told.settings.origins["journal.url"] == "GYMTUI_JOURNAL_URL"
    assert told.problems == ()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:sesame@db.lab/gym",
        "postgresql://ann:@db.lab/gym",
        "postgresql://db.lab/gym?password=sesame",
        "postgresql://db.lab/gym?sslmode=require&sslpassword=sesame",
        "postgresql://db.lab/gym?p%61ssword=sesame",
        "mysql://db.lab/sesame",
        "sesame",
    ],
)
def test_a_database_with_a_password_in_its_url_is_refused_without_a_word_of_it(
    desk: Desk, url: str
) -> None:
    desk.write(f'[journal]\nurl = "{url}"')
    desk.env["GYMTUI_JOURNAL_URL"] = url
    loaded = desk.load()
    assert loaded.settings.journal.url is None
    assert [problem.place.rpartition("/")[2] for problem in loaded.problems] == [
        "config.toml:2: journal.url",
        "GYMTUI_JOURNAL_URL",
    ]
    assert not any("sesame" in str(problem) for problem in loaded.problems)


def test_no_command_is_taken_from_a_file_that_others_may_write(desk: Desk) -> None:
    desk.write(
        'on_finish = "done"\n[model_keys]\nopenai = { command = ["pass"] }\n'
        '[journal]\npassword_command = "pass"',
        mode=0o622,
    )
    loaded = desk.load()
    assert loaded.settings.on_finish == ()
    assert loaded.settings.model_keys == {}
    assert loaded.settings.journal.password_command == ()
    assert len(loaded.problems) == 3
    assert all(f"chmod go-w {desk.config}" in problem.message for problem in loaded.problems)
    desk.env["GYMTUI_ON_FINISH"] = "done well"
    assert desk.load().settings.on_finish == ("done", "well")


def test_a_wrong_flag_is_told_even_when_it_is_zero(desk: Desk) -> None:
    assert [problem.place for problem in desk.load(interval=0.0).problems] == ["--interval"]


def test_a_wrong_value_that_a_nearer_one_overrules_is_nobodys_trouble(desk: Desk) -> None:
    desk.write('interval = "often"')
    loaded = desk.load(interval=1.0)
    assert loaded.problems == ()
    assert loaded.settings.interval_s == 1.0


def test_a_wrong_value_gives_way_to_the_next_source(desk: Desk) -> None:
    desk.write("interval = 5.0")
    desk.env["GYMTUI_INTERVAL"] = "often"
    loaded = desk.load()
    assert loaded.settings.interval_s == 5.0
    assert [problem.place for problem in loaded.problems] == ["GYMTUI_INTERVAL"]


def test_every_variable_that_the_program_names_is_known(desk: Desk) -> None:
    sources = (path.read_text() for path in (ROOT / "gymtui").rglob("*.py"))
    named = set(re.findall(r"(?<!_)GYMTUI_[A-Z_]*[A-Z]\b", "".join(sources)))
    assert {"GYMTUI_GYM_DB", "GYMTUI_JUDGE_KEY", "GYMTUI_JOURNAL_URL"} <= named
    desk.env |= dict.fromkeys(named, "")
    assert [said for said in _said(desk.load()) if "unknown" in said] == []


def test_unknown_names_in_any_profile_and_variable_are_told(desk: Desk) -> None:
    desk.write("[profiles.a]\nbase_ulr = 1\n[profiles]\nbase_url = 'https://x'")
    desk.env |= {"GYMTUI_INTERVL": "1", "GYMTUI_STATE_DIR": "/x", "OTHER": "1"}
    assert _said(desk.load()) == [
        "GYMTUI_INTERVL: unknown setting; did you mean GYMTUI_INTERVAL?",
        "config.toml:2: profiles.a.base_ulr: unknown setting; did you mean base_url?",
        "config.toml:4: profiles.base_url: should be in a profile: [profiles.NAME]",
    ]


@pytest.mark.parametrize(
    "url", ["gym.example", "ftp://x", "https://u:sesame@h", "https://x?y", "https://", "http://a b"]
)
def test_a_wrong_base_url_is_fatal_since_the_next_one_is_another_gym(desk: Desk, url: str) -> None:
    loaded = desk.load(base_url=url)
    [problem] = loaded.fatal
    assert problem.place == "--base-url"
    assert "sesame" not in str(problem)


def test_a_base_url_loses_its_last_slash_and_keeps_its_path(desk: Desk) -> None:
    assert desk.load(base_url=" https://x/v1/ ").settings.base_url == "https://x/v1"


@pytest.mark.parametrize(
    ("text", "said"),
    [("base_url = ", "not valid TOML"), ("\xff", "not valid TOML"), ("[a\n", "not valid TOML")],
)
def test_a_file_that_cannot_be_understood_is_fatal(desk: Desk, text: str, said: str) -> None:
    desk.write(text)
    [problem] = desk.load().fatal
    assert said in problem.message


def test_a_file_that_is_not_utf8_is_fatal(desk: Desk) -> None:
    desk.config.write_bytes(b'theme = "\xff"')
    assert "not UTF-8" in desk.load().fatal[0].message


def test_a_missing_file_matters_only_when_it_was_named(desk: Desk) -> None:
    assert desk.load().problems == ()
    assert "no such file" in desk.load(config=str(desk.config)).fatal[0].message
    desk.env["GYMTUI_CONFIG"] = str(desk.config)
    assert "no such file" in desk.load().fatal[0].message


def test_a_directory_in_place_of_the_file_is_told(desk: Desk) -> None:
    desk.config.mkdir()
    assert "cannot be read" in desk.load().problems[0].message


def test_the_profile_is_chosen_by_flag_then_variable_then_file(desk: Desk) -> None:
    desk.write(PROFILES + "[profiles.third]\nbase_url = 'https://third.example'")
    assert desk.load().settings.profile_name == "prod"
    desk.env["GYMTUI_PROFILE"] = "lab"
    assert desk.load().settings.base_url == "https://lab.example"
    settings = desk.load(profile="third").settings
    assert settings.base_url == "https://third.example"
    assert settings.origins["profile_name"] == "--profile"


def test_a_profile_called_default_needs_no_choosing(desk: Desk) -> None:
    desk.write("[profiles.default]\nbase_url = 'https://x.example'")
    assert desk.load().settings.base_url == "https://x.example"


def test_a_profile_that_is_not_there_is_fatal_and_the_nearest_is_named(desk: Desk) -> None:
    desk.write(PROFILES)
    assert "did you mean lab?" in desk.load(profile="lob").fatal[0].message
    assert "there are prod, lab" in desk.load(profile="zzz").fatal[0].message
    desk.write("")
    assert "has none" in desk.load(profile="lab").fatal[0].message


def test_plain_http_to_another_machine_wants_a_profile_that_says_so(desk: Desk) -> None:
    desk.write("[profiles.lab]\nbase_url = 'http://lab.example:8765'\n")
    loaded = desk.load(profile="lab")
    assert "insecure = true" in loaded.fatal[0].message
    desk.write("[profiles.lab]\nbase_url = 'http://lab.example:8765'\ninsecure = true\n")
    loaded = desk.load(profile="lab")
    assert loaded.fatal == ()
    assert loaded.settings.insecure


def test_what_a_profile_allows_for_its_own_gym_it_allows_for_no_other(desk: Desk) -> None:
    desk.write("[profiles.lab]\nbase_url = 'http://lab.example:8765'\ninsecure = true\n")
    loaded = desk.load(profile="lab", base_url="http://other.example")
    assert not loaded.settings.insecure
    assert loaded.fatal


def test_a_profile_without_a_gym_of_its_own_allows_plain_http_to_the_one_in_use(desk: Desk) -> None:
    desk.write("[profiles.lab]\ninsecure = true\n")
    loaded = desk.load(profile="lab", base_url="http://lab.example")
    assert loaded.settings.insecure
    assert loaded.fatal == ()


def test_plain_http_is_not_allowed_outside_a_profile(desk: Desk) -> None:
    desk.write("base_url = 'http://lab.example'\ninsecure = true\n")
    loaded = desk.load()
    assert not loaded.settings.insecure
    assert loaded.fatal


@pytest.mark.parametrize("url", ["http://127.0.0.1:8765", "http://localhost:1", "http://[::1]:1"])
def test_plain_http_within_this_machine_is_fine(desk: Desk, url: str) -> None:
    assert desk.load(base_url=url).fatal == ()
