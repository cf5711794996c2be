"""Being told of a run's end at the dashboard, and by one's own command."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.gym.running_gym import running_gym
from tests.tui.person import dashboard


async def test_a_watched_run_is_told_of_when_it_ends_by_toast_and_by_the_persons_command(
    tmp_path: Path,
) -> None:
    notes = tmp_path / "notes"
    script = (
        "import os, pathlib; e = os.environ;"
        f"pathlib.Path({str(notes)!r}).write_text("
        "' '.join(e['GYMTUI_EVENT' + n] for n in ('', '_RUN_ID', '_DONE', '_TOTAL')))"
    )
    command = (sys.executable, "-c", script)
    async with (
        running_gym(tmp_path, held=True) as gym,
        dashboard(gym, tmp_path, on_finish=command, fail_share=1.0) as person,
    ):
        person.launch("nightly", rollout_count=2)
        await person.sees("nightly", "1 active")
        await person.press("w", "enter")
        await person.sees("◉ nightly", "watching nightly: notifies at end")
        gym.let_go()
        await person.sees("nightly finished", "2/2 done", "pass@1")
        await person.sees_no("◉")
        text = await person.until(lambda: notes.exists() and notes.read_text())
        assert text == "finished nightly 2 2"


async def test_w_again_takes_it_back_and_what_ended_is_said_to_have(tmp_path: Path) -> None:
    async with running_gym(tmp_path, held=True) as gym, dashboard(gym, tmp_path) as person:
        person.launch("nightly", rollout_count=2)
        await person.sees("nightly", "1 active")
        await person.press("w", "enter")
        await person.sees("◉ nightly")
        await person.press("w", "enter")
        await person.sees("no longer watching")
        await person.sees_no("◉")
        person.http.post("/runs/nightly/cancel").raise_for_status()
        gym.let_go()
        await person.sees("0 active")
        await person.press("w", "enter")
        await person.sees("nightly already ended")


async def test_a_watched_run_is_a_rule_that_survives_a_restart(tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite3"
    async with running_gym(tmp_path, held=True) as gym:
        async with dashboard(gym, tmp_path, journal=journal) as person:
            person.launch("nightly", rollout_count=2)
            await person.sees("nightly", "1 active")
            await person.press("w", "enter")
            await person.sees("◉ nightly")
            await person.press("w", "up", "enter")
            await person.sees("1 armed", "tell at end, stall or failures", "no verdicts yet")
            await person.press("ctrl+d")
            await person.sees("no rules")
            await person.press("escape")
            await person.sees_no("◉")
            await person.press("w", "enter")
            await person.sees("◉ nightly")
        gym.let_go()
        async with dashboard(gym, tmp_path, journal=journal) as person:
            await person.sees("nightly finished", "2/2 done")
            await person.sees_no("◉")
            await person.press("w", "enter")
            await person.sees("nightly already ended")


async def test_a_command_that_cannot_be_run_is_told(tmp_path: Path) -> None:
    async with (
        running_gym(tmp_path, held=True) as gym,
        dashboard(gym, tmp_path, on_finish=("no-such-command",), watch_all=True) as person,
    ):
        # From then on what turns up is new, however short it was.
        await person.until(lambda: person.app.session.link.synced)
        person.launch("nightly")
        await person.sees("nightly", "1 active")
        gym.let_go()
        await person.sees("on_finish: no-such-command: No such file")
