"""What keys act on stays what it was while the view is given another size."""

from __future__ import annotations

from pathlib import Path

import pytest

from gymtui.tui.kit.transcript.sections import HEADING
from tests.tui.kit.transcript.test_mouse import reading, said


@pytest.mark.parametrize("size", [(80, 12), (80, 40), (60, 30)])
async def test_what_was_jumped_to_outlives_another_size(
    size: tuple[int, int], tmp_path: Path
) -> None:
    async with reading(tmp_path, said(*(f"turn {number}\n" * 9 for number in range(9)))) as hand:
        hand.view.jump_to_turn(4, 0)
        assert hand.view.place == (4, 0, 0, 0)
        assert hand.view.top_place[:2] == (4, HEADING), "a block stands under its turn's name"
        await hand.pilot.resize_terminal(*size)
        await hand.pilot.pause()
        assert hand.view.place == (4, 0, 0, 0)
        assert hand.view.top_place[:2] == (4, HEADING)
