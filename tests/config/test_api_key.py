"""Where keys are looked for, which one is taken, and whose key goes where."""

import os
import sys
from pathlib import Path

import pytest

from gymtui.config import api_key
from gymtui.config.api_key import CommandFailedError, run_command
from gymtui.config.settings import load
from tests.helpers.desk import KEY, PROFILES, VENDOR_KEY, Desk, key_of


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_the_key_in_our_variable_goes_wherever_it_is_pointed(desk: Desk) -> None:
    desk.env["GYMTUI_API_KEY"] = f" {KEY}\n"
    for url in (None, "http://127.0.0.1:8765", "https://gym.example"):
        loaded = desk.load(base_url=url)
        assert key_of(loaded) == KEY
        assert loaded.settings.key_origin == loaded.settings.origins["key"] == "GYMTUI_API_KEY"


@pytest.mark.parametrize(
    "line",
    [
        'api_key_env = "MY_KEY"',
        'api_key_command = ["vault", "get", "a b"]',
        "api_key_command = \"vault get 'a b'\"",
        f'api_key = "{KEY}"',
    ],
)
@pytest.mark.parametrize("heading", ["", "[profiles.default]\n"])
def test_a_key_is_found_in_each_way_a_file_can_give_it(desk: Desk, line: str, heading: str) -> None:
    desk.env["MY_KEY"] = KEY
    desk.write(heading + line)
    loaded = desk.load()
    assert key_of(loaded) == KEY
    assert loaded.problems == ()
    assert desk.ran in ([], [["vault", "get", "a b"]])
    assert loaded.key_places[-1].found == "used"


def test_the_nearest_key_wins_and_no_command_is_run_for_nothing(desk: Desk) -> None:
    desk.env |= {"GYMTUI_API_KEY": KEY, "COLLINEAR_API_KEY": VENDOR_KEY}
    desk.write('api_key_command = "vault get"')
    assert key_of(desk.load()) == KEY
    assert desk.ran == []
    del desk.env["GYMTUI_API_KEY"]
    desk.printed = "ck_vault_0123456789abcdef\nuser: me\n"
    assert key_of(desk.load()) == "ck_vault_0123456789abcdef"
    desk.write("")
    assert key_of(desk.load()) == VENDOR_KEY


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o610, 0o601])
def test_a_key_in_a_file_that_others_may_read_is_refused_with_the_cure(
    desk: Desk, mode: int
) -> None:
    desk.write(f'api_key = "{KEY}"', mode)
    loaded = desk.load()
    assert loaded.settings.key is None
    [problem] = loaded.problems
    assert problem.message.endswith(f"run: chmod 600 {desk.config}")
    desk.config.chmod(0o600)
    assert key_of(desk.load()) == KEY


def test_a_command_in_a_file_that_others_may_write_is_not_run(desk: Desk) -> None:
    desk.write('api_key_command = "vault"', 0o664)
    loaded = desk.load()
    assert desk.ran == []
    desk.config.chmod(0o644)
    assert key_of(desk.load()) == KEY
    desk.config.chmod(0o664)
    loaded = desk.load()
    assert f"chmod go-w {desk.config}" in loaded.problems[0].message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('api_key_command = "broken --token 0123456789"', "broken failed with exit status 3"),
        ("api_key_command = 3", "should be a command line"),
        ("api_key_command = []", "should be a command line"),
        ("api_key_command = [1]", "should be a command line"),
        ('api_key_command = "it\'s"', "should be a command line"),
        ("api_key_env = 3", "should be the name"),
        ('api_key_env = "UNSET"', "the variable is not set"),
        ('api_key_env = "BLANK"', "the variable is empty"),
        ("api_key = 3", "should be text"),
        ('api_key = " "', "is not a valid key"),
        ('api_key = "ü0123456789"', "is not a valid key"),
        ('api_key = "a\\n0123456789"', "is not a valid key"),
    ],
)
def test_a_key_that_cannot_be_had_is_told_and_the_search_goes_on(
    desk: Desk, line: str, said: str
) -> None:
    desk.env |= {"BLANK": "", "COLLINEAR_API_KEY": VENDOR_KEY}
    desk.write(line)
    loaded = desk.load()
    assert said in loaded.problems[0].message
    assert key_of(loaded) == VENDOR_KEY


def test_a_command_that_prints_nothing_gives_no_key(desk: Desk) -> None:
    desk.write('api_key_command = "vault"')
    desk.printed = "\n"
    loaded = desk.load()
    assert loaded.settings.key is None
    assert "is not a valid key" in loaded.problems[0].message


def test_whoever_set_up_the_vendors_client_has_nothing_left_to_do(desk: Desk) -> None:
    desk.vendor.write_text(
        f'collinear_api_key = "{VENDOR_KEY}"\nscenario_manager_api_url = "https://v.example/"\n'
        '[agent]\nmodel = "x"\n'
    )
    loaded = desk.load()
    assert loaded.problems == ()
    assert (key_of(loaded), loaded.settings.base_url) == (VENDOR_KEY, "https://v.example")
    assert loaded.settings.key_origin == f"{desk.vendor}: collinear_api_key"
    desk.env["SIMLAB_SCENARIO_MANAGER_API_URL"] = "https://w.example"
    desk.env["COLLINEAR_API_KEY"] = "col_second_0123456789abcdef"
    loaded = desk.load()
    assert (key_of(loaded), loaded.settings.base_url) == (
        "col_second_0123456789abcdef",
        "https://w.example",
    )
    desk.env["SIMLAB_COLLINEAR_API_KEY"] = "col_first_0123456789abcdef"
    assert key_of(desk.load()) == "col_first_0123456789abcdef"


@pytest.mark.parametrize("text", ["not toml [", "collinear_api_key = 3", ""])
def test_a_vendor_file_of_no_use_is_no_trouble(desk: Desk, text: str) -> None:
    desk.vendor.write_text(text)
    loaded = desk.load()
    assert loaded.settings.key is None
    assert loaded.problems == ()


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example",
        "http://127.0.0.1:8765",
        "https://rl-gym-api.collinear.ai:444",
        "https://rl-gym-api.collinear.ai.example",
    ],
)
def test_the_vendors_key_goes_to_the_vendors_gym_only(desk: Desk, url: str) -> None:
    desk.env |= {"SIMLAB_COLLINEAR_API_KEY": VENDOR_KEY, "COLLINEAR_API_KEY": VENDOR_KEY}
    desk.vendor.write_text(f'collinear_api_key = "{VENDOR_KEY}"')
    loaded = desk.load(base_url=url)
    assert loaded.settings.key is None
    kept = [p for p in loaded.key_places if p.found.startswith("not sent")]
    assert len(kept) == 3
    assert "it belongs to https://rl-gym-api.collinear.ai, not for" in kept[0].found
    assert key_of(desk.load(base_url="https://RL-gym-api.collinear.ai/v1")) == VENDOR_KEY


def test_the_vendors_key_does_not_follow_our_own_file_to_another_gym(desk: Desk) -> None:
    desk.env["COLLINEAR_API_KEY"] = VENDOR_KEY
    desk.write('base_url = "https://other.example"')
    assert desk.load().settings.key is None


def test_a_profiles_key_goes_to_the_profiles_gym_only(desk: Desk) -> None:
    desk.write(PROFILES + 'api_key_command = "vault"')  # of lab, the last one
    assert key_of(desk.load(profile="lab")) == KEY
    desk.ran.clear()
    assert desk.load(profile="lab", base_url="https://other.example").settings.key is None
    desk.env["GYMTUI_BASE_URL"] = "https://other.example"
    assert desk.load(profile="lab").settings.key is None
    assert desk.ran == []


def test_the_key_at_the_top_is_for_the_gym_at_the_top(desk: Desk) -> None:
    desk.write(f'api_key = "{KEY}"\n[profiles.lab]\nbase_url = "http://127.0.0.1:8765"')
    assert key_of(desk.load()) == KEY
    assert desk.load(profile="lab").settings.key is None
    desk.write(f'api_key = "{KEY}"\n[profiles.lab]\nread_only = true')
    assert key_of(desk.load(profile="lab")) == KEY


def test_every_place_is_told_when_there_is_no_key(desk: Desk) -> None:
    desk.env["COLLINEAR_API_KEY"] = ""
    desk.write(PROFILES)
    places = [(place.place, place.found) for place in desk.load().key_places]
    assert places == [
        ("GYMTUI_API_KEY", "not set"),
        (f"{desk.config}, profile prod", "no key"),
        (str(desk.config), "no key"),
        ("SIMLAB_COLLINEAR_API_KEY", "not set"),
        ("COLLINEAR_API_KEY", "empty"),
        (f"{desk.vendor}: collinear_api_key", "no such file"),
    ]


def test_without_files_only_variables_are_looked_at() -> None:
    loaded = load({}, {}, None, None)
    places = [place.place for place in loaded.key_places]
    assert places == ["GYMTUI_API_KEY", "SIMLAB_COLLINEAR_API_KEY", "COLLINEAR_API_KEY"]


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_real_command_is_run_without_a_shell_in_the_given_environment() -> None:
    code = "import os, sys; print(os.environ['WHO'], sys.argv[1], sys.stdin.read() == '')"
    assert run_command([*_python(code), "$(x);y"], {"WHO": "me"}).strip() == "me $(x);y True"


def test_a_real_command_that_fails_shows_nothing_of_what_it_said(
    capfd: pytest.CaptureFixture[str],
) -> None:
    code = "import sys; print('0123456789'); print('0123456789', file=sys.stderr); sys.exit(3)"
    with pytest.raises(CommandFailedError) as caught:
        run_command(_python(code), dict(os.environ))
    assert str(caught.value) == "failed with exit status 3"
    assert caught.value.__context__ is None
    assert capfd.readouterr() == ("", "")


def test_a_real_command_that_is_not_there_or_never_ends_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(CommandFailedError, match="command not found"):
        run_command(["no-such-command-anywhere"], {})
    with pytest.raises(CommandFailedError, match="cannot be run"):
        run_command([str(tmp_path)], {})
    monkeypatch.setattr(api_key, "COMMAND_TIMEOUT_S", 0.05)
    with pytest.raises(CommandFailedError, match="timed out after") as caught:
        run_command(_python("input() if 0 else __import__('time').sleep(60)"), {})
    assert caught.value.__context__ is None
