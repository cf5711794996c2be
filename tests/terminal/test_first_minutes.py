"""The first minutes in a real terminal: without a key, and what comes of it."""

from __future__ import annotations

from pathlib import Path

from tests.terminal.harness import PYTHON, Pty, Size, Terminal, until
from tests.terminal.processes import alive

GYMTUI = (PYTHON, "-m", "gymtui")


def test_without_a_key_it_says_where_it_looked_and_enter_opens_the_demo(terminal: Terminal) -> None:
    terminal.start(GYMTUI, Size(80, 24))
    shown = terminal.wait_for(r"q +quits")
    assert "GYMTUI_API_KEY" in shown
    assert "COLLINEAR_API_KEY" in shown
    terminal.keys("Enter")
    terminal.wait_for(r"gymtui .*● live")
    started = terminal.pids()
    terminal.keys("C-q")
    assert terminal.wait_exit() == 0
    until(lambda: not any(map(alive, started)), "nothing is left")


def test_without_a_key_q_leaves_and_the_words_stay(tmp_path: Path) -> None:
    with Pty(GYMTUI, tmp_path, Size(120, 36), fork=True) as program:
        program.read_until(r"q +quits")
        program.send(b"q")
        assert program.wait_exit() == 0
        assert "gymtui config set api_key -" in program.screen()
    assert not list(tmp_path.rglob("arrangement.json"))
