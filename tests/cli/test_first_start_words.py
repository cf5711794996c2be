"""What someone sees who has set nothing up, and who sees it."""

from __future__ import annotations

import os
import pty
import sys
import termios
from contextlib import nullcontext
from pathlib import Path

import pytest

from gymtui.cli.first_start import is_unconfigured, key_reader, offer_demo, welcome_text
from gymtui.config.settings import LoadedSettings
from tests.helpers.desk import KEY, PROFILES, VENDOR_KEY, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_someone_with_nothing_is_told_every_place_that_was_looked_in(desk: Desk) -> None:
    loaded = desk.load()
    assert is_unconfigured(loaded)
    said = welcome_text(loaded, {"HOME": str(desk.config.parent)})
    for place in ("GYMTUI_API_KEY", "SIMLAB_COLLINEAR_API_KEY", "COLLINEAR_API_KEY"):
        assert f"  {place} " in said
    assert "  ~/config.toml " in said
    assert "~/simlab.toml: collinear_api_key   no such file" in said
    assert max(map(len, said.splitlines())) <= 80


def test_profiles_that_nobody_chose_are_named(desk: Desk) -> None:
    desk.write("[profiles.lab]\nbase_url = 'https://lab.example'")
    loaded = desk.load()
    assert is_unconfigured(loaded)
    assert "gymtui --profile lab" in welcome_text(loaded, {})
    assert "--profile" not in welcome_text(LoadedSettings(loaded.settings), {})


def test_a_key_that_others_may_read_is_named_as_what_it_is(desk: Desk) -> None:
    desk.write(f'api_key = "{KEY}"', mode=0o644)
    loaded = desk.load()
    assert is_unconfigured(loaded)
    assert "ignored: readable by other users" in welcome_text(loaded, {})


def test_someone_with_the_vendors_client_set_up_needs_nothing_here(desk: Desk) -> None:
    desk.vendor.write_text(f'collinear_api_key = "{VENDOR_KEY}"')
    assert not is_unconfigured(desk.load())
    desk.vendor.write_text('scenario_manager_api_url = "https://own.example"')
    assert not is_unconfigured(desk.load())


@pytest.mark.parametrize(
    "flags", [{"base_url": "http://127.0.0.1:8765"}, {"base_url": "https://x.example"}]
)
def test_whoever_named_a_gym_goes_there(desk: Desk, flags: dict[str, object]) -> None:
    assert not is_unconfigured(desk.load(**flags))


def test_so_does_who_has_a_profile_or_a_key(desk: Desk) -> None:
    desk.env["GYMTUI_API_KEY"] = KEY
    assert not is_unconfigured(desk.load())
    desk.env.clear()
    desk.write(PROFILES)
    assert not is_unconfigured(desk.load())


@pytest.mark.parametrize(
    ("keys", "demo"), [("xd", True), ("\r", True), ("zq", False), ("\x1b", False), ("\x04", False)]
)
def test_one_key_opens_the_demo_or_leaves(
    desk: Desk, keys: str, demo: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    pressed = iter(keys)
    assert offer_demo(desk.load(), {}, keys=lambda: nullcontext(lambda: next(pressed))) is demo
    assert next(pressed, None) is None
    out, err = capsys.readouterr()
    assert out == ""
    assert "opens the demo" in err


def test_a_key_pressed_before_it_is_waited_for_counts_and_the_terminal_is_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    with os.fdopen(terminal, "r") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        os.write(person, b"qx")
        with key_reader() as press:
            assert [press(), press()] == ["q", "x"]
            os.write(person, b"\x1b[A")
            assert press() == "\x1b[A"
        assert termios.tcgetattr(terminal) == before
        os.close(person)
