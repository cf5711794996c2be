"""Several runs beside each other: which of them are seen, and what is said of each cell."""

from __future__ import annotations

from pathlib import Path

from gymtui.tui.matrix.comparison_screen import CompareRunsScreen
from gymtui.tui.matrix.runs_screen import RunsMatrixScreen
from gymtui.tui.matrix.screen import MatrixScreen
from tests.tui.person import Person
from tests.tui.scripted import ScriptedGym, scripted_dashboard

RUNS = [f"step-{number}000" for number in range(1, 6)]


def five() -> ScriptedGym:
    """Five checkpoints on a task that they learn, and on one that not all of them finished."""
    gym = ScriptedGym()
    for number, run in enumerate(RUNS):
        passes = max(0, number - 1)
        gym.add(run, "book_room", *["pass"] * passes, *["fail"] * (4 - passes))
    gym.add(RUNS[0], "call_back", "pass", "env", "running")
    gym.add(RUNS[1], "call_back", "fail")
    gym.add(RUNS[2], "call_back", "waiting")
    return gym


def line(person: Person, word: str) -> str:
    return next(text for text in person.screen().split("\n") if word in text)


async def test_the_run_under_the_cursor_is_seen_and_told_about(tmp_path: Path) -> None:
    async with scripted_dashboard(five(), tmp_path, size=(80, 24)) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 25)
        screen = RunsMatrixScreen(RUNS)
        person.app.push_screen(screen)
        await person.sees("matrix of 5 runs", "book_room", "2 tasks · 2 differ")
        await person.press("down")
        heading = line(person, "DIFF")
        assert [f" {n} step-" in heading for n in (1, 2, 3, 4, 5)] == [True] * 3 + [False] * 2
        await person.sees("runs 1–3 of 5", "1: 20% ", "step-1000 · 0 of 4 passed 0–49%")
        await person.sees("max − min 75pp")
        assert "[  0% of 4]" in line(person, "book_room")
        await person.press("right", "right")
        await person.sees("runs 1–3 of 5", "step-3000 · 1 of 4 passed")
        await person.press("right", "right", "right")
        await person.sees("runs 3–5 of 5", "step-5000 · 3 of 4 passed")
        assert screen.copy_text() == "step-5000"
        assert "[ 75% of 4]" in line(person, "book_room")
        await person.press("d")
        await person.sees("describe › step-5000", "scenario_id")
        await person.press("q", "left", "left")
        await person.sees("runs 3–5 of 5", "step-3000 ·")
        await person.press("left")
        await person.sees("runs 2–4 of 5", "step-2000 ·")

        # What there is to say of a cell without a rate, and of one that is not whole.
        await person.press("up", "right")
        await person.sees("step-3000 · no verdicts of 1 attempt")
        await person.press("right")
        await person.sees("step-4000 · this run does not have this task")
        await person.press("h", "h", "h")
        await person.sees("step-1000 · 1 of 1 passed 21–100%, 1 unfinished, 1 error")
        await person.sees("not significant (~)")

        # What does nothing here says why; a run alone has a matrix of its own, at this task.
        await person.press("plus")
        await person.sees("several runs are compared by pass@1 only")
        await person.press("R")
        await person.sees("one run at a time")
        await person.press("enter")
        await person.until(lambda: isinstance(person.app.screen, MatrixScreen))
        await person.sees("step-1000 › matrix", "1/3  ✓ pass")
        await person.press("q", "C")
        await person.until(lambda: isinstance(person.app.screen, CompareRunsScreen))
        await person.press("C")
        await person.sees("these runs are already being compared")


async def test_a_click_goes_to_the_run_and_the_task_that_were_clicked(tmp_path: Path) -> None:
    async with scripted_dashboard(five(), tmp_path, size=(120, 36)) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 25)
        screen = RunsMatrixScreen(RUNS)
        person.app.push_screen(screen)
        await person.sees("book_room", "call_back", " 5 step-5000")
        heading = line(person, " 5 step-5000")
        y = person.screen().split("\n").index(line(person, "call_back"))
        # On the first cell of a column, on its last, and on the gap behind it.
        begin, following = heading.index(" 2 step-"), heading.index(" 3 step-")
        for x, run in ((begin, 1), (following, 2), (following - 1, 1), (begin - 1, 0)):
            await person.pilot.click(offset=(x, y))
            await person.pilot.pause()
            assert screen.copy_text() == RUNS[run]
        await person.sees("step-1000 · 1 of 1 passed")
        at = heading.index("DIFF")
        await person.pilot.click(offset=(at, y + 1))
        await person.sees("step-1000 · 0 of 4 passed", "max − min 75pp")
        # A heading orders and moves no cursor.
        await person.pilot.click(offset=(begin + 4, y - 1))
        await person.pilot.pause()
        assert screen.copy_text() == RUNS[0]


async def test_what_failed_is_compared_with_the_first_run_and_led_to(tmp_path: Path) -> None:
    async with scripted_dashboard(five(), tmp_path, size=(200, 50)) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 25)
        screen = RunsMatrixScreen(RUNS)
        person.app.push_screen(screen)
        await person.sees("book_room", "call_back", "image pull", f"vs {RUNS[0]}")
        assert screen.compared_runs() == (RUNS[-1], RUNS[0])
        await person.press("right")
        assert screen.compared_runs() == (RUNS[1], RUNS[0])
        await person.press("tab")
        while not any("image pull" in name for name in [screen._pane.grid.cursor_id or ""]):
            await person.press("j")
        await person.press("left")
        await person.sees("goes to the tasks")
        await person.press("enter")
        await person.sees('filter: criterion:"image pull failed"')
