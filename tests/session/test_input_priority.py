"""Work in pieces stands back while a key waits for its frame, but never for long."""

from __future__ import annotations

import asyncio

from gymtui.session.input_priority import WAIT_S, InputPriority
from tests.helpers.virtual_time import play


def test_without_a_key_work_goes_on_at_once() -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        began_s, turns = loop.time(), InputPriority(loop.time)
        await turns.yield_to_input()
        return loop.time() - began_s

    assert play(scene) == 0


def test_a_key_is_waited_for_until_it_is_drawn() -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        began_s, turns = loop.time(), InputPriority(loop.time)
        turns.key_pressed()
        loop.call_later(WAIT_S / 2, turns.frame_drawn)
        await turns.yield_to_input()
        return loop.time() - began_s

    assert WAIT_S * 0.4 < play(scene) < WAIT_S * 0.9


def test_a_key_without_a_frame_and_keys_that_never_end_hold_no_work_up_for_long() -> None:
    async def scene() -> float:
        loop = asyncio.get_running_loop()
        began_s, turns = loop.time(), InputPriority(loop.time)

        async def hold_a_key_down() -> None:
            while True:
                turns.key_pressed()
                await asyncio.sleep(WAIT_S / 10)

        keys = asyncio.create_task(hold_a_key_down())
        for _ in range(3):
            await turns.yield_to_input()
        keys.cancel()
        await asyncio.gather(keys, return_exceptions=True)
        return loop.time() - began_s

    assert WAIT_S * 2 < play(scene) < WAIT_S * 4
