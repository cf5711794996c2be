"""The dashboard on a directory: everything that reads works, and what does not says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from gymtui.config.settings import Settings
from gymtui.tui.app.app import GymtuiApp
from gymtui.tui.runtime.crash_report import Reporter
from tests.sources.on_disk import opened
from tests.sources.test_directory_gym import exported
from tests.tui.person import Person


class NoGym:
    """What a person at a directory has no use for."""

    url = "http://127.0.0.1:9"


async def test_a_directory_is_looked_at_like_a_gym_and_never_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results"
    for number in range(3):
        judged = {"success": number > 0, "message": None if number else "no room"}
        exported(results, f"r{number}", result=judged, task_id=f"t{number}")
    settings = Settings(directories=(results,), read_only=True, interval_s=0.1)
    app = GymtuiApp(settings, opened(results).gym, Reporter(tmp_path, secrets=[]))
    told: list[str] = []
    monkeypatch.setattr(httpx, "AsyncClient", None)  # nobody is asked

    def notify(message: str, **_options: Any) -> None:
        told.append(message)

    monkeypatch.setattr(app, "notify", notify)
    async with app.run_test(size=(120, 36)) as pilot:
        person = Person(app, pilot, NoGym())  # type: ignore[arg-type]
        try:
            await person.sees("results", "from disk", "night", "67%")
            for key, why in (
                ("x", "files are only read: cancel and delete are disabled"),
                ("ctrl+d", "files are only read: cancel and delete are disabled"),
                ("n", "files are only read: launch is disabled"),
                ("s", "files have no sources to choose from"),
            ):
                told.clear()
                await person.press(key)
                assert told == [why]
            await person.press("enter")
            await person.sees("t0", "✗ fail", "r0", "no room", "✓ pass")
            await person.press("m")
            await person.sees("failures by criterion", "no room")
            await person.press("escape", "enter")
            await person.sees("1 of 3")
            told.clear()
            await person.press("H")
            assert told == ["files are not redacted"]
        finally:
            person.http.close()
