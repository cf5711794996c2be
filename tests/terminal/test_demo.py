"""The demo from one time to the next, in real terminals: left, killed, begun anew, opened twice."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import THOROUGH
from tests.terminal.harness import PYTHON, Size, Terminal, until
from tests.terminal.processes import alive

DEMO = (PYTHON, "-m", "gymtui", "demo")


@pytest.fixture
def another(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], Terminal]:
    """Makes another terminal of the same person."""

    def make() -> Terminal:
        made = Terminal(tmp_path)
        made.__enter__()
        request.addfinalizer(lambda: made.__exit__(None, None, None))
        return made

    return make


def opened(terminal: Terminal, run: str) -> None:
    """Go to a run, by a filter that only it matches."""
    terminal.wait_for(r"● live")
    terminal.wait_for(r"smoke-s4000")
    terminal.type(f"/{run}")  # in one burst, as over a slow line: nothing of it is lost
    terminal.keys("Enter")
    terminal.wait_for(rf"filter: {run} \(1 shown\)")
    terminal.keys("Enter")
    terminal.wait_for(rf"runs › {run}")


def numbers(screen: str) -> list[str]:
    """The header of a run, but for its window of verdicts, which ends with the clock."""
    return [line.rstrip() for line in screen.split("\n")[1:3]]


def lives(screen: str) -> list[str]:
    """The rows of its rollouts, phases drawn and all."""
    return [line for line in screen.split("\n") if re.search(r"✓ pass|✗ fail|! env", line)]


def test_it_is_there_again_as_it_was_left_another_beside_it_is_its_own_and_it_can_begin_anew(
    terminal: Terminal, another: Callable[[], Terminal], tmp_path: Path
) -> None:
    terminal.start([*DEMO, "--speed", "8"])
    opened(terminal, "smoke-s4000")
    # How many are seen on their way depends on how often a busy machine looks.
    before = terminal.wait_for(r"2/2 done(?!.* running)[^$]*of 2 verdicts[^$]*score \d")

    second = another().start(DEMO)
    second.wait_for(r"Another demo is running")
    second.wait_for(r"smoke-s4000")
    second.keys("C-c").wait_for(r"quits and ends the demo")
    second.keys("C-q")
    assert second.wait_exit() == 0
    assert "● live" in terminal.screen()

    terminal.keys("C-q")
    assert terminal.wait_exit() == 0
    again = another().start([*DEMO, "--speed", "8"])
    opened(again, "smoke-s4000")
    after = again.wait_for(r"2/2 done(?!.* running)[^$]*of 2 verdicts[^$]*score \d")
    assert numbers(after) == numbers(before)
    assert [re.sub(r"^.", " ", life) for life in lives(after)[:2]] == [
        re.sub(r"^.", " ", life) for life in lives(before)[:2]
    ]
    assert "not observed" not in after
    kept = {path.name for path in (tmp_path / "state" / "gymtui").iterdir()}
    assert kept <= {"demo", "log"}, "nothing of the person's own is touched"

    if not THOROUGH:
        return
    again.keys("C-q")
    assert again.wait_exit() == 0
    anew = another().start([*DEMO, "--fresh", "--speed", "0.5"])
    opened(anew, "smoke-s4000")
    anew.wait_for(r"0/2 done")


def test_at_any_size_it_is_drawn_whole_and_when_it_was_killed_it_goes_on_and_says_what_was_cut_off(
    terminal: Terminal, another: Callable[[], Terminal]
) -> None:
    terminal.start([*DEMO, "--speed", "4"], Size(80, 24))
    # The first rows stand there before the first round of questions is over.
    shown = terminal.wait_for(r"(?s)● live.*smoke-s4000 [^\n]* \d/2 ")
    lines = shown.split("\n")
    assert re.search(r"RUN +PROGRESS +DONE +PASS@1 +ERR", lines[2])
    assert "gymtui" in lines[0] and "● live" in lines[0]
    assert re.search(r"q quit|\? help|p pause", lines[23])
    terminal.resize(Size(200, 50))
    terminal.wait_for(r"SCENARIO +MODEL")
    opened(terminal, "policy-8b-s3000")
    terminal.wait_for(r"MESSAGE")
    terminal.resize(Size(80, 24))
    terminal.wait_gone(r"MESSAGE")
    terminal.wait_for(r"✓ pass")
    killed = terminal.pids()
    for pid in killed:  # the gym too, in the middle of whatever it wrote
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(map(alive, killed)), "all are dead")
    # Slowly, so that what goes on is still under way when it is looked for.
    again = another().start([*DEMO, "--speed", "0.5"])
    opened(again, "policy-8b-s3000")
    again.wait_for(r"! \d+ agent")
    again.wait_for(r"\d+ running")  # what waited goes on
    again.wait_for(r"\(from [1-9]\d* of")  # what was seen is known
    left = again.kill_terminal()
    assert len(left) >= 2, "the gym is a process of its own"
    until(lambda: not any(map(alive, left)), "nothing is left")
