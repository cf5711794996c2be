"""The baseline is chosen on one screen, holds on all, and says where it is not listed."""

from __future__ import annotations

from pathlib import Path

from tests.tui.staged import StillGym, staged_dashboard


async def test_a_baseline_that_is_not_listed_is_marked(tmp_path: Path) -> None:
    gym = StillGym()
    gym.add("p-s1000", "book_room", "pass")
    async with staged_dashboard(gym, tmp_path, (100, 24)) as person:
        await person.sees("p-s1000", "1 run")
        person.app.session.baseline.choose("p-s0500")
        await person.press("O")
        await person.sees("baseline: p-s0500 (not listed)")
        await person.press("B")
        shown = await person.sees("baseline: p-s1000")
        assert "not listed" not in shown
