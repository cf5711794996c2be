"""What went wrong in runs of many rollouts is grouped in pieces, and keys go before them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gymtui.tui.matrix import panes
from gymtui.tui.matrix.screen import MatrixScreen
from tests.tui.staged import StillGym, staged_dashboard


async def test_the_last_view_asked_for_is_shown_whichever_was_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panes, "AT_ONCE", 3)
    gym = StillGym()
    for number in range(4):
        words = {"success": False, "message": f"no answer from {'abcd'[number]}; late"}
        gym.add("nightly", "call", "fail", result=words)
    async with staged_dashboard(gym, tmp_path, (120, 36)) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 4)
        await person.press("m")
        await person.sees("failures by criterion", "~ late", "~ no answer from a")
        screen = person.app.screen
        assert isinstance(screen, MatrixScreen)
        screen.action_failures_view()
        screen.action_failures_view()  # by tool is given up for by message
        shown = await person.sees("failures by message", "no answer from a; late")
        assert "~ late" not in shown
