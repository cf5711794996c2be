"""What the journal keeps, on its way in: numbers, lives of runs, and what others write.

All of it is read in threads, and never holds the screen up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import NoReturn, Protocol

from gymtui.store.history.journal import Journal
from gymtui.store.history.journal_store import SavedSummary
from gymtui.store.history.observer import StateObservation, StepTimes
from gymtui.store.stats.run_summary import RunSummary, final_numbers

FOLLOWED_EVERY_S = 1.0
"""How often what others wrote is asked for: with what they wait to write, within two polls."""


class JournalListener(Protocol):
    """What takes it in, on the event loop."""

    @property
    def recalled_runs(self) -> Set[str]:
        """The runs of which all is wanted."""

    def take_summaries(self, kept: Iterable[SavedSummary], final: Mapping[str, RunSummary]) -> None:
        """Take in numbers that are kept, and those of them that are final, by run."""

    def take_run(
        self, run_id: str, loaded: Sequence[StateObservation], steps: Sequence[StepTimes]
    ) -> None:
        """Take in what is kept of a run."""

    def take_observations(self, observations: Iterable[StateObservation]) -> None:
        """Take in what others have just seen."""


class JournalIntake:
    """Reads what a journal keeps, and hands it over."""

    def __init__(self, journal: Journal, listener: JournalListener) -> None:
        self._journal = journal
        self._listener = listener
        self._wanted: asyncio.Queue[str] = asyncio.Queue()
        self._opened = 0
        self._coming = 0

    def want(self, run_id: str) -> None:
        """Have what is kept of a run loaded."""
        self._coming += 1
        self._wanted.put_nowait(run_id)

    @property
    def is_reading(self) -> bool:
        """Whether what is kept of a run is still to come in."""
        return self._coming > 0

    async def run(self, *, follow: bool) -> None:
        """Load what is wanted, and follow what others write into a shared one, until cancelled."""
        await self._remember()
        if not (follow and self._journal.shared):
            await self._load()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._load())
            while True:
                await asyncio.sleep(FOLLOWED_EVERY_S)
                await self.follow()

    async def follow(self) -> None:
        """Take in what others wrote since; all there is, once a database is back that was away."""
        if self._journal.opened != self._opened:
            await self._remember()
            for run_id in self._listener.recalled_runs:
                self.want(run_id)
        news = await asyncio.to_thread(self._journal.news)
        if news.observations:
            self._listener.take_observations(news.observations)
        if news.summaries:
            self._listener.take_summaries(news.summaries, final_numbers(news.summaries))

    async def _remember(self) -> None:
        summaries = await asyncio.to_thread(self._journal.summaries)
        self._opened = self._journal.opened
        # Of thousands of runs that takes a while, too.
        self._listener.take_summaries(summaries, await asyncio.to_thread(final_numbers, summaries))

    async def _load(self) -> NoReturn:
        while True:
            run_id = await self._wanted.get()
            loaded = await asyncio.to_thread(self._journal.load, run_id)
            steps = await asyncio.to_thread(self._journal.steps, run_id)
            self._coming -= 1
            self._listener.take_run(run_id, loaded, steps)
