"""Work in pieces: at once where it is little, once more where it was asked for meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from types import SimpleNamespace
from typing import Any, cast

from gymtui.session.input_priority import InputPriority
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.kit.work_in_pieces import WorkInPieces


class Worker:
    """A widget whose worker is awaited by the test, and what was done."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        self.done: list[str] = []
        self.parts = {"a0": asyncio.Event(), "a1": asyncio.Event()}
        self.wanted = "a"
        self.services = SimpleNamespace(input_priority=InputPriority(lambda: 0.0))
        self.work = WorkInPieces(cast("GymScreen", self), self._work)

    def run_worker(self, work: Coroutine[Any, Any, None], **_: object) -> None:
        self.tasks.append(asyncio.create_task(work))

    def _work(self) -> Iterator[None]:
        wanted = self.wanted
        for part in range(3):
            self.done.append(f"{wanted}{part}")
            if self.done[-1] in self.parts:
                self.parts[self.done[-1]].set()
            yield


async def test_little_is_done_at_once() -> None:
    worker = Worker()
    worker.work.begin(at_once=True)
    assert worker.done == ["a0", "a1", "a2"]
    assert not worker.tasks


async def test_what_is_asked_for_meanwhile_is_done_once_after_it() -> None:
    worker = Worker()
    worker.work.begin(at_once=False)
    await worker.parts["a0"].wait()
    worker.wanted = "b"
    worker.work.begin(at_once=False)
    worker.work.begin(at_once=True)  # not in the middle of what is under way
    [task] = worker.tasks
    assert worker.work.is_under_way
    await task
    assert worker.done == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert not worker.work.is_under_way


async def test_what_is_good_for_nothing_any_more_is_given_up() -> None:
    worker = Worker()
    worker.work.begin(at_once=False)
    await worker.parts["a1"].wait()
    worker.wanted = "b"
    worker.work.begin(at_once=False, anew=True)
    await worker.tasks[0]
    assert worker.done == ["a0", "a1", "b0", "b1", "b2"]
