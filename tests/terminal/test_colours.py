"""What reaches the terminal where there are no colours, no signs, or no screen at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal.harness import PYTHON, Pty, Size

DEMO = (PYTHON, "-m", "gymtui", "demo")
_SGR = re.compile(rb"\x1b\[([0-9;:]*)m")


def parameters(written: bytes) -> Iterator[int]:
    """Every parameter of every sequence that says how text is drawn (SGR)."""
    for found in _SGR.finditer(written):
        yield from (int(number or 0) for number in re.split(rb"[;:]", found[1]))


def is_colour(parameter: int) -> bool:
    """Of SGR: 30 to 49 with their extended forms, 90 to 107, and the colour of underlines."""
    return 30 <= parameter <= 49 or 90 <= parameter <= 107 or parameter in (58, 59)


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
        (b"G\r", r"runs › .*(?s:.)*TASK"),
        (b"m", r"matrix"),
    ):
        person.send(keys)
        person.read_until(seen)
    person.send(b"\x11")
    assert person.wait_exit() == 0


def test_with_no_color_no_colour_reaches_the_terminal(tmp_path: Path) -> None:
    env = {"NO_COLOR": "1"}
    with Pty(DEMO, tmp_path, Size(120, 36), env) as person:
        look_around(person)
        found = set(parameters(bytes(person.written)))
    assert not {parameter for parameter in found if is_colour(parameter)}
    assert {1, 7} <= found, "bold and reverse tell apart what colours did"


def test_without_it_there_are_colours(tmp_path: Path) -> None:
    with Pty(DEMO, tmp_path, Size(120, 36), {"NO_COLOR": ""}) as person:
        person.read_until(r"smoke")
        person.send(b"\x11")
        person.wait_exit()
        assert 38 in set(parameters(bytes(person.written)))


def test_where_there_are_sixteen_colours_they_are_the_terminals_own(tmp_path: Path) -> None:
    env = {"TERM": "xterm", "COLORTERM": ""}
    with Pty(DEMO, tmp_path, Size(120, 36), env) as person:
        person.read_until(r"smoke")
        person.send(b"\x11")
        person.wait_exit()
        found = set(parameters(bytes(person.written)))
    assert 32 in found and not found & {38, 48}


@pytest.mark.parametrize(
    ("options", "env"),
    [(("--ascii",), {}), ((), {"LC_ALL": "C"}), ((), {"TERM": "linux", "COLORTERM": ""})],
    ids=["asked for", "no UTF-8", "the console"],
)
def test_in_ascii_not_a_byte_beyond_it_is_written(
    options: tuple[str, ...], env: dict[str, str], tmp_path: Path
) -> None:
    with Pty((*DEMO, *options), tmp_path, Size(120, 36), env) as person:
        person.read_until(r"smoke.* v")
        person.send(b"?")
        person.read_until(r"Enter")
        person.send(b"\x11")
        assert person.wait_exit() == 0
        assert bytes(person.written).isascii()


def test_a_dumb_terminal_is_told_what_works_there(tmp_path: Path) -> None:
    with Pty(DEMO, tmp_path, env={"TERM": "dumb"}) as person:
        assert person.wait_exit() == 2
        assert "TERM is dumb" in person.screen() and "gymtui runs" in person.screen()


def test_a_theme_that_is_none_is_told_with_the_nearest(tmp_path: Path) -> None:
    with Pty((*DEMO, "--theme", "nihgt"), tmp_path, Size(120, 36)) as person:
        person.read_until(r"▌ --theme: no theme named 'nihgt'; did you mean night")
        person.send(b"\x11")
        assert person.wait_exit() == 0
        assert b"gymtui: --theme: no theme named 'nihgt'; did you mean night?" in person.written
