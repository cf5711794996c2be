"""A frame is drawn a moment after the last one, wherever 60 frames a second would have it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

import pytest
from textual.screen import Screen
from textual.timer import Timer

from gymtui.tui.app.confirm import ConfirmScreen
from gymtui.tui.kit.dialog import QuestionScreen
from gymtui.tui.kit.menu import MenuScreen
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.runtime.frame_timer import REST_S, FrameTimer, FrameTimerMixin
from tests.helpers.virtual_time import play


class _Timer(FrameTimer):
    """Calls back without an app around."""

    async def _tick(self, *, next_timer: float, count: int) -> None:
        await cast("Any", self._callback)()


class Drawn:
    """What a screen is to its timer."""

    def __init__(self, work_s: float = 0.0) -> None:
        self.at_s: list[float] = []
        self.timer = _Timer(cast("Screen[Any]", self))
        self.work_s = work_s

    async def _on_timer_update(self) -> None:
        self.timer.pause()
        self.at_s.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.work_s)

    def frames(self, scene: Coroutine[Any, Any, None]) -> list[float]:
        """When frames were drawn while a scene was played, in seconds from its beginning."""

        async def whole() -> list[float]:
            began_s = asyncio.get_running_loop().time()
            self.timer._start()
            await scene
            await Timer._stop_all([self.timer])
            return [at_s - began_s for at_s in self.at_s]

        return play(whole)


def test_a_change_right_after_a_late_frame_waits_for_no_more_than_a_rest() -> None:
    drawn = Drawn(work_s=0.03)  # the framework's timer would leave out two ticks

    async def scene() -> None:
        drawn.timer.resume()
        await asyncio.sleep(REST_S + 0.031)
        drawn.timer.resume()
        await asyncio.sleep(0.1)

    first, second = drawn.frames(scene())
    assert first == pytest.approx(REST_S)
    assert second == pytest.approx(first + 0.03 + REST_S)


def test_a_change_after_a_while_is_drawn_at_once() -> None:
    drawn = Drawn()

    async def scene() -> None:
        drawn.timer.resume()
        await asyncio.sleep(1.0)
        drawn.timer.resume()
        await asyncio.sleep(1.0)

    assert drawn.frames(scene())[1] == pytest.approx(1.0)


def test_changes_that_come_together_share_a_frame_also_the_first() -> None:
    drawn = Drawn()

    async def scene() -> None:
        for _ in range(2):
            for _ in range(4):
                drawn.timer.resume()
                await asyncio.sleep(REST_S / 8)
            await asyncio.sleep(1.0)

    # The first alone waits for what belongs to it; later ones are drawn, and what follows shares.
    assert len(drawn.frames(scene())) == 3


def test_every_screen_of_ours_is_drawn_so() -> None:
    for screen in (GymScreen, MenuScreen, ConfirmScreen, QuestionScreen):
        assert screen._update_timer is FrameTimerMixin._update_timer
