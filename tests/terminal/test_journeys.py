"""Whole journeys in a real terminal: what a person types, and what they see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.calling import gymtui
from tests.conftest import THOROUGH
from tests.gym.running_gym import RunningGym, launch_body, serving_gym, unfinished
from tests.helpers import patient_http
from tests.terminal.harness import PYTHON, Pty, Size, Terminal, until
from tests.terminal.processes import alive

GYMTUI = (PYTHON, "-m", "gymtui")
KEY = "ck_live_fedcba9876543210"


@pytest.fixture
def held_gym(tmp_path: Path) -> Iterator[RunningGym]:
    """A gym in which runs stay under way until it is let go, which asks for a key."""
    with serving_gym(tmp_path, held=True, key=KEY) as gym:
        yield gym


def launch(gym: RunningGym, name: str, count: int = 3) -> None:
    body = launch_body(run_name=name, rollout_count=count)
    answer = patient_http.post(f"{gym.url}/runs", json=body, headers={"API-Key": KEY})
    assert answer.status_code == 200, answer.text


def status_of(gym: RunningGym, name: str) -> httpx.Response:
    # Every byte encoded: `..` as it is would be resolved before it is sent.
    path = "".join(f"%{byte:02X}" for byte in name.encode())
    return patient_http.get(f"{gym.url}/runs/{path}", headers={"API-Key": KEY})


def test_without_a_key_it_says_where_it_looked_and_enter_opens_the_demo_which_is_read_and_left(
    terminal: Terminal,
) -> None:
    terminal.start(GYMTUI)
    shown = terminal.wait_for(r"q +quits")
    assert "GYMTUI_API_KEY" in shown
    assert "COLLINEAR_API_KEY" in shown
    terminal.keys("Enter")
    terminal.wait_for(r"gymtui .*● live")
    terminal.wait_for(r"policy-8b-s3000 .* \d+/\d+")
    gym_and_dashboard = terminal.pids()
    assert len(gym_and_dashboard) >= 2, "the gym is a process of its own"
    terminal.keys("/").type("policy-8b-s1000")
    terminal.keys("Enter")
    terminal.wait_for(r"policy-8b-s1000 .* (\d+)/\1\b")
    terminal.keys("Enter")
    terminal.wait_for(r"runs › policy-8b-s1000")
    terminal.wait_for(r"(\d+)/\1 done")
    terminal.keys("/").type("outcome:passed")
    terminal.keys("Enter")
    terminal.wait_for(r"filter: outcome:passed \(\d+ shown\)")
    terminal.keys("g", "Enter")
    terminal.wait_for(r"◆ 1 user")
    terminal.wait_for(r"→ \w+\.\w+")
    terminal.keys("t", "G")
    terminal.wait_for(r"turn (\d+) of \1\b")
    terminal.keys("C-q")
    assert terminal.wait_exit() == 0
    until(lambda: not any(map(alive, gym_and_dashboard)), "nothing is left")


def test_without_a_key_q_leaves_and_the_words_stay(tmp_path: Path) -> None:
    with Pty(GYMTUI, tmp_path, Size(120, 36), fork=True) as program:
        program.read_until(r"q +quits")
        program.send(b"q")
        assert program.wait_exit() == 0
        assert "gymtui config set api_key -" in program.screen()
    assert not list(tmp_path.rglob("arrangement.json"))


def test_runs_of_another_gym_are_shown_the_same_way_cancelled_and_deleted(
    terminal: Terminal, held_gym: RunningGym
) -> None:
    terminal.start(
        [*GYMTUI, "--base-url", held_gym.url, "--interval", "0.2"], env={"GYMTUI_API_KEY": KEY}
    )
    terminal.wait_for(r"● live")
    for name in ("..", "a/b c%2F..", "日本語 ✓") if THOROUGH else ("..",):
        launch(held_gym, name)
        shown = terminal.wait_for(re.escape(name) + r".* 0/3")
        assert KEY not in shown
        terminal.keys("x")
        terminal.wait_for(r"Cancel this run\?")
        terminal.keys("y")
        terminal.wait_for(rf"cancelled 3 rollouts of {re.escape(name)}")

        def cancelled(name: str = name) -> bool:
            held_gym.step()
            return unfinished(status_of(held_gym, name).json()) == 0

        until(cancelled, "really cancelled")
        terminal.wait_for(r" 3/3 ")
        terminal.keys("C-d")
        terminal.wait_for(r"Delete this run\?")
        terminal.keys("y")
        terminal.wait_for(rf"deleted {re.escape(name)} and 3 rollouts")
        assert status_of(held_gym, name).status_code == 404
        terminal.wait_for(r"no runs")


def test_a_run_is_launched_and_watched_and_the_gym_is_killed_and_restarted(
    terminal: Terminal, held_gym: RunningGym
) -> None:
    launch(held_gym, "older", 1)
    terminal.start(
        [*GYMTUI, "--base-url", held_gym.url, "--interval", "0.2"], env={"GYMTUI_API_KEY": KEY}
    )
    terminal.wait_for(r"older .* 0/1")
    terminal.keys("n")
    terminal.wait_for(r"list of 1\b")
    terminal.keys("Tab")
    terminal.type("*interview*")
    terminal.keys("Tab")
    terminal.type("scripted/careful")
    terminal.keys("Tab", "Tab")
    model_key = "sk_model_0123456789abcdef"
    terminal.type(model_key)
    terminal.keys("Tab", "BSpace")
    terminal.type("2")
    shown = terminal.wait_for(r"1 model × 2 tasks × 2 rollouts = 4")
    assert model_key not in shown
    terminal.keys("C-l")
    shown = terminal.wait_for(r"Launch this run\?")
    assert model_key not in shown
    terminal.keys("y")
    # The cursor stands on it.
    shown = terminal.wait_for(r"▌ careful-\S+ .* 0/4")
    assert "older" in shown
    terminal.keys("Enter")
    terminal.wait_for(r"runs › careful-.*")
    shown = terminal.wait_for(r"(?s)panel_interview.*▸ ")
    assert model_key not in shown
    kept = [p.read_bytes() for p in terminal.home.rglob("*") if p.is_file()]
    assert kept
    assert not any(model_key.encode() in data for data in kept), "the key is nowhere"

    # Live again without a key.
    terminal.keys("Escape")
    terminal.wait_for(r"older .* 0/1")
    held_gym.stop_now()
    shown = terminal.wait_for(r"○ stale \d+s · connection refused")
    assert re.search(r"older .* 0/1", shown)
    held_gym.start_now()
    terminal.wait_for(r"● live")
    terminal.wait_for(r"older .* 1/1")  # what ran was cut off by the restart


def test_hostile_names_reach_the_terminal_as_text_only(tmp_path: Path) -> None:
    hostile = "\x1b]52;c;aGk=\x07\x9b31m\u202eevil[/x][@click=app.quit]"
    with serving_gym(tmp_path) as gym:
        patient_http.post(f"{gym.url}/runs", json=launch_body(run_name=hostile)).raise_for_status()
        command = [*GYMTUI, "--base-url", gym.url, "--interval", "0.2"]
        with Pty(command, tmp_path, Size(), fork=True) as program:
            program.read_until("1/1")
            program.send(b"d")
            program.read_until("describe")
            program.send(b"q")
            program.read_until("1/1")
            program.send(b"\r")
            program.read_until("1/1 done")
            program.send(b"\x11")
            program.wait_exit()
            written = bytes(program.written)
    assert b"\x1b]52" not in written
    assert b"\xc2\x9b" not in written
    assert "\u202e".encode() not in written


def test_without_a_terminal_it_says_so_and_ends(tmp_path: Path) -> None:
    done = gymtui(tmp_path)
    assert done.returncode == 2
    assert "is not a terminal" in done.stderr
    assert "Traceback" not in done.stderr
