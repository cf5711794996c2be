"""What reaches the terminal where there are no colours, no signs, or no screen at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.calling import finish, launch
from tests.gym.running_gym import serving_gym
from tests.terminal.harness import PYTHON, Pty, Size

GYMTUI = (PYTHON, "-m", "gymtui")
_SGR = re.compile(rb"\x1b\[([0-9;:]*)m")


def parameters(written: bytes) -> Iterator[int]:
    """Every parameter of every sequence that says how text is drawn (SGR)."""
    for found in _SGR.finditer(written):
        yield from (int(number or 0) for number in re.split(rb"[;:]", found[1]))


def is_colour(parameter: int) -> bool:
    """Of SGR: 30 to 49 with their extended forms, 90 to 107, and the colour of underlines."""
    return 30 <= parameter <= 49 or 90 <= parameter <= 107 or parameter in (58, 59)


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """How it is started on a gym with a finished run."""
    with serving_gym(tmp_path_factory.mktemp("gym")) as gym:
        launch(gym, "smoke", rollout_count=2)
        finish(gym, "smoke")
        yield (*GYMTUI, "--base-url", gym.url)


def look_around(person: Pty) -> None:
    """See runs, rollouts, the matrix, a dialog, help and the palette, and leave."""
    person.read_until(r"live")
    person.read_until(r"smoke")
    # After escape another key is sent only once something shows that it was read by itself.
    for keys, seen in (
        (b"?", r"type to find"),
        (b"mark", r"esc clears(?s:.)*/ mark$"),
        (b"\x1b", r"keys  esc closes"),
        (b"\x1b", r"RUN .*(?s:.)*smoke"),
        (b":", r"describe: show every field"),
        (b"theme", r"theme: night"),
        (b"\x1b", r"\A(?!(?s:.)*theme: night)"),
        (b" ", r"1 marked"),
        (b"G\r", r"runs . smoke.*(?s:.)*TASK"),
        (b"m", r"matrix"),
    ):
        person.send(keys)
        person.read_until(seen)
    person.send(b"\x11")
    assert person.wait_exit() == 0


def test_without_colours_and_in_ascii_neither_a_colour_nor_a_byte_beyond_it_is_written(
    dashboard: tuple[str, ...], tmp_path: Path
) -> None:
    with Pty((*dashboard, "--ascii"), tmp_path, Size(120, 36), {"NO_COLOR": "1"}) as person:
        look_around(person)
        written = bytes(person.written)
    found = set(parameters(written))
    assert not {parameter for parameter in found if is_colour(parameter)}
    assert {1, 7} <= found, "bold and reverse tell apart what colours did"
    assert written.isascii()


def test_on_the_console_colours_are_its_own_sixteen_and_no_byte_is_beyond_ascii(
    dashboard: tuple[str, ...], tmp_path: Path
) -> None:
    env = {"TERM": "linux", "COLORTERM": ""}
    with Pty(dashboard, tmp_path, Size(120, 36), env) as person:
        person.read_until(r"smoke.* v")
        person.send(b"?")
        person.read_until(r"Enter")
        person.send(b"\x11")
        assert person.wait_exit() == 0
        written = bytes(person.written)
    found = set(parameters(written))
    assert 32 in found and not found & {38, 48}
    assert written.isascii()


def test_where_the_locale_is_c_a_theme_that_is_none_is_told_in_ascii_and_in_colour(
    dashboard: tuple[str, ...], tmp_path: Path
) -> None:
    env = {"LC_ALL": "C", "NO_COLOR": ""}
    with Pty((*dashboard, "--theme", "nihgt"), tmp_path, Size(120, 36), env) as person:
        person.read_until(r"--theme: no theme named 'nihgt'; did you mean night")
        person.read_until(r"smoke.* v")
        person.send(b"\x11")
        assert person.wait_exit() == 0
        written = bytes(person.written)
    assert b"gymtui: --theme: no theme named 'nihgt'; did you mean night?" in written
    assert 38 in set(parameters(written))
    assert written.isascii()


def test_a_dumb_terminal_is_told_what_works_there(tmp_path: Path) -> None:
    with Pty((*GYMTUI, "demo"), tmp_path, env={"TERM": "dumb"}, fork=True) as person:
        assert person.wait_exit() == 2
        assert "TERM is dumb" in person.screen() and "gymtui runs" in person.screen()
