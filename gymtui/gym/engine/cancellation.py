"""A run's cancellation, and how it reaches a rollout that waits for a model."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class CancelledRunError(Exception):
    """The rollout's run was cancelled."""


class Cancellation:
    """Whether a run was cancelled, and what of it is interrupted when it is."""

    def __init__(self) -> None:
        self._happened = False
        self._interruptible: set[asyncio.Task[object]] = set()

    def happen(self) -> None:
        """Cancel: what can be interrupted is, the rest ends where it next looks."""
        self._happened = True
        for task in self._interruptible:
            task.cancel()

    def check(self) -> None:
        if self._happened:
            raise CancelledRunError

    @contextmanager
    def interrupts(self) -> Iterator[None]:
        """Have a cancellation interrupt the block, as a `CancelledRunError`."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be interrupted")
        self.check()
        self._interruptible.add(task)
        try:
            yield
        except asyncio.CancelledError:
            # A gym that stops cancels tasks too: that one goes on to whoever did it.
            if self._happened and task.uncancel() == 0:
                raise CancelledRunError from None
            raise
        finally:
            self._interruptible.discard(task)
