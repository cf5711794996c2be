"""Rules are armed with `w`, listed with their last evaluation, carried out, and removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gymtui.tui.rules.screen import RulesScreen
from tests.tui.scripted import ScriptedGym, scripted_dashboard


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_a_rule_is_armed_listed_carried_out_and_removed(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    gym = ScriptedGym()
    gym.add("nightly", "call", "running", "pass")
    async with scripted_dashboard(gym, tmp_path, size=size) as person:
        await person.sees("nightly", "of 1")
        await person.press("w")
        await person.sees("rules: nightly", "tell the first error of each kind", "(0 armed)")
        await person.press("up", "up", "enter")
        await person.sees("cancel when …", "pass<30%")
        await person.press(*"nonsense<3", "enter")
        await person.sees("no column nonsense")
        await person.press(*["backspace"] * 10, *"errors>=2", "enter")
        await person.until(lambda: len(person.app.session.rules) == 1)
        await person.press("w", "up", "enter")
        await person.until(lambda: isinstance(person.app.screen, RulesScreen))
        await person.sees("1 armed", "cancel when errors>=2", "certainly 2–100% of 1")
        gym.add("nightly", "call", "agent", "agent")
        await person.until(lambda: gym.cancelled == ["nightly"])
        await person.sees("0 armed", "done", "errors>=2 holds")
        await person.press("ctrl+d")
        await person.sees("no rules: w on a run arms one")


async def test_read_only_offers_no_cancel(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("nightly", "call", "running")
    async with scripted_dashboard(gym, tmp_path, read_only=True) as person:
        await person.sees("nightly")
        await person.press("w")
        shown = await person.sees("tell when …")
        assert "cancel when" not in shown
