"""How a command learns of a gym: a client for as long as it lasts, answers in a store of its own.

So that numbers, filters and orders are those of the screens. What is printed is `output`'s.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from gymtui.api.client import GymClient
from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import Forbidden, NotFound, RateLimited, ServerError
from gymtui.api.list_answer import parse_rollout, parse_run, split
from gymtui.api.models import Malformed
from gymtui.api.retry import with_retry
from gymtui.cli.directories import directory_gym
from gymtui.cli.options import tell
from gymtui.config.settings import Settings
from gymtui.core.json_output import json_text
from gymtui.core.normalization import spellings
from gymtui.core.server_clock import ServerClock
from gymtui.core.text import clean
from gymtui.poll.fetch import ask, observation_of
from gymtui.store.delta import (
    PAGE_LIMIT,
    Observation,
    OneRun,
    Query,
    RolloutsOf,
    RunsPage,
)
from gymtui.store.formats import of_many
from gymtui.store.history import journal_reader
from gymtui.store.history.journal_place import Place, local_path
from gymtui.store.history.notes import NoteOf, Notes
from gymtui.store.lists.columns import RunView
from gymtui.store.outcome import outcome_of
from gymtui.store.records import RolloutRow, RunRow
from gymtui.store.stats.run_stats import RunStats
from gymtui.store.stats.run_stats_builder import run_numbers
from gymtui.store.stats.run_summary import RunSummary, final_numbers
from gymtui.store.store import Applied, Store

if TYPE_CHECKING:
    from gymtui.cli.kept_answers import KeptAnswers

T = TypeVar("T")

AT_ONCE = 4  # questions under way at the same time: as many as the dashboard asks about rollouts

UNSTEADY = "the run list changed while it was read: runs may be missing, or deleted already"
"""What is said where `GymReader.list_every_run` did not come to an end."""
READINGS = 4  # how often all runs are listed at most, until two counts agree

_EVERYTHING = 1 << 40
_CHOICES = 6  # ids that are named where several begin as it was typed
_BUSY = (RateLimited, ServerError)  # where nothing listens at all, a command says so at once


def with_gym(settings: Settings, talk: Callable[[Endpoints], Awaitable[T]]) -> T:
    """Talk to a gym, or to what lies in directories in its place; it is left after that."""

    async def whole() -> T:
        client: Endpoints
        if settings.directories:
            client = directory_gym(settings)
        else:
            client = GymClient(settings.base_url, settings.key, insecure=settings.insecure)
        try:
            done = await talk(client)
            if settings.directories and client.note is not None:
                tell(clean(client.note))
            return done
        finally:
            await client.aclose()

    return asyncio.run(whole())


async def gather_few(calls: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
    """Make calls, a few at a time, and give what they brought; the first error ends them all."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(call: Callable[[], Awaitable[T]]) -> T:
        async with slots:
            return await call()

    tasks = [asyncio.ensure_future(one(call)) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


class GymReader:
    """What was learnt of a gym by asking.

    Args:
        on_answer: Told of each answer and what it did.
        monotonic: Seconds that only go forward: those of the client.
    """

    def __init__(
        self,
        client: Endpoints,
        on_answer: Callable[[Observation, Applied], object] = lambda _seen, _applied: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = Store(rollouts_kept=_EVERYTHING)
        self.clock = ServerClock(time.time, monotonic)
        self.client = client
        self._on_answer = on_answer
        self._monotonic = monotonic
        self._kept: dict[Query, bytes] = {}
        self._remembered: dict[str, RunSummary] = {}
        self._numbers: dict[str, RunStats] = {}
        self._notes = Notes()

    @property
    def now_s(self) -> float:
        """The server's clock, UNIX seconds."""
        return self.clock.now().timestamp()

    async def learn(self, query: Query) -> Applied | None:
        """Ask one question and take its answer in; None when there is no such run.

        Raises:
            GymError: As the client, and `Garbled` for an answer to another question.
        """
        sent_s = self._monotonic()
        kept = self._kept.pop(query, None)
        if kept is not None:
            seen = Observation(query, kept, sent_s, self.now_s)
        else:
            seen = observation_of(query, await ask(self.client, query), sent_s, self.clock)
        applied = self.store.apply(seen)
        for run_id in self.store.runs_of(applied.delta):
            self._numbers.pop(run_id, None)
        self._on_answer(seen, applied)
        return None if seen.body is None else applied

    def spare(self, kept: KeptAnswers) -> None:
        """Take what is kept for the gym's next answers: it is not asked for that."""
        self._kept = dict(kept.answers)
        now_s = self._monotonic()
        self.clock.sample(now_s, now_s, self.clock.now() + timedelta(seconds=kept.lead_s))

    async def rollout(self, rollout_id: str) -> RolloutRow:
        """One rollout; of those that are kept without asking.

        Raises:
            GymError: As the client.
        """
        named = json_text(rollout_id).encode()
        for query, body in list(self._kept.items()):
            if isinstance(query, RolloutsOf) and named in body:
                await self.learn(query)
        if (row := self.store.rollouts.get(rollout_id)) is not None:
            return row
        body = (await self.client.get_rollout(rollout_id)).body
        read = parse_rollout(body)
        rollout = None if isinstance(read, Malformed) else read
        outcome = None if rollout is None else outcome_of(rollout)
        run_id = (rollout and rollout.run_id) or ""
        return RolloutRow(rollout_id, run_id, body, 0.0, 0.0, rollout, outcome=outcome)

    async def learn_with_retry(self, query: Query) -> Applied | None:
        """`learn`, again after a pause where the gym is only busy."""
        return await with_retry(lambda: self.learn(query), retryable=_BUSY)

    async def list_every_run(self, source: str | None, scenario: str | None) -> bool:
        """List all runs, page by page.

        A run that is deleted meanwhile moves those behind it onto pages that were read already, so
        that they are missed. So it is listed again until as many were read as the gym counts, or
        twice the same.

        Returns:
            Whether that came about; if not, runs may be missing or deleted.
        """
        before: set[str] | None = None
        for _ in range(READINGS):
            ids, totals = await self._pages(source, scenario)
            self.store.drop(self.store.runs.keys() - ids)
            if ids == before or totals <= {len(ids)}:
                return True
            before = ids
        return False

    async def _pages(self, source: str | None, scenario: str | None) -> tuple[set[str], set[int]]:
        """Read every page once: the runs on them, and how many the gym counted, page by page."""
        ids: set[str] = set()
        totals: set[int] = set()
        offset = 0
        while True:
            page = await self.learn_with_retry(RunsPage(offset, PAGE_LIMIT, source, scenario))
            if page is None:
                return ids, totals
            if page.total is not None:
                totals.add(page.total)
            new = set(page.ids) - ids
            ids |= new
            offset += len(page.ids)
            at_end = len(page.ids) < PAGE_LIMIT if page.total is None else offset >= page.total
            # A page that brings nothing new is a server without paging.
            if at_end or not new:
                return ids, totals

    async def find_run_id(self, typed: str) -> str:
        """The id of a run as the gym has it, from what a person typed.

        Returns:
            What was typed where it is an id; else another spelling of the same letters (Unicode's
            composed or decomposed form) where that is one; else what was typed.
        """
        for run_id in spellings(typed):
            if await self.learn_with_retry(OneRun(run_id)) is not None:
                return run_id
        return typed

    async def find_runs(self, typed: Collection[str], *, in_full: bool = False) -> list[str]:
        """Ask for runs by their ids, or by the beginning of one, which fits no other.

        Raises:
            NotFound: There is no such run; the first one that is missing is named.
        """
        run_ids = await gather_few(partial(self.find_run_id, run_id) for run_id in typed)
        missing = [run_id for run_id in run_ids if run_id not in self.store.runs]
        if missing and in_full:
            raise NotFound(f"no such run: {missing[0]}")
        if missing:
            others = GymReader(self.client)
            await others.list_every_run("all", None)
            whole = {name: unique_match(name, others.store.runs, "run") for name in missing}
            await gather_few(partial(self.find_run_id, run_id) for run_id in whole.values())
            run_ids = list(dict.fromkeys(whole.get(run_id, run_id) for run_id in run_ids))
        return run_ids

    async def list_rollouts_of(self, run_ids: Iterable[str]) -> None:
        """List all rollouts of some runs.

        Raises:
            Forbidden: The key may not see those of one, which is named.
        """
        for run_id, error in (await self.list_allowed_rollouts(run_ids)).items():
            raise Forbidden(f"the rollouts of {run_id}: {error.detail}".removesuffix(": "))

    async def list_allowed_rollouts(self, run_ids: Iterable[str]) -> Mapping[str, Forbidden]:
        """List all rollouts of some runs that the key may see; what the gym says of the others."""
        denied: dict[str, Forbidden] = {}

        async def one(run_id: str) -> None:
            try:
                await self.learn_with_retry(RolloutsOf(run_id))
            except Forbidden as error:
                denied[run_id] = error

        await gather_few(partial(one, run_id) for run_id in run_ids)
        return denied

    def remember(self, journal: Place) -> None:
        """Take the final numbers of runs that a dashboard has watched before."""
        self._remembered = final_numbers(journal_reader.summaries(journal))
        self.store.remember(self._remembered)
        self.take_notes(journal)

    def remembered(self) -> list[RunView]:
        """Runs that are remembered, by their numbers alone."""
        found = []
        for run_id, summary in self._remembered.items():
            raw = json_text({"run_id": run_id}).encode()
            run = parse_run(raw)
            if not isinstance(run, Malformed):
                found.append(RunView(RunRow(run_id, raw, 0.0, run, all_ended=True), summary))
        return found

    def take_notes(self, journal: Place) -> None:
        self._notes = Notes.beside(local_path(journal))
        self.store.note(self._notes.all(NoteOf.ROLLOUT))

    def view(self, run_id: str) -> RunView:
        """A run with the numbers over its rollouts and its end, as far as they are known."""
        row = self.store.runs[run_id]
        left = self._numbers_of(row).eta(self.now_s) if row.active else None
        note = self._notes.all(NoteOf.RUN).get(run_id) or row.kept_note
        return RunView(row, self.store.summary(run_id), left, note=note)

    def _numbers_of(self, row: RunRow) -> RunStats:
        """The numbers of a run, worked out once for each list of its rollouts."""
        if row.run_id not in self._numbers:
            rollouts = (item.rollout for item in self.store.rollouts_of(row.run_id))
            total = row.run.total if row.run is not None else None
            self._numbers[row.run_id] = run_numbers((r for r in rollouts if r), total=total)
        return self._numbers[row.run_id]


async def load_runs_and_rollouts(
    reader: GymReader, settings: Settings, run_ids: Sequence[str]
) -> list[str]:
    """Ask for runs, as typed, and list all their rollouts; of directories none stands for all.

    Returns:
        The runs' ids as the gym has them, each once.
    """
    wanted = list(dict.fromkeys(run_ids))
    if wanted or not settings.directories:
        found = await reader.find_runs(wanted)
    else:
        await reader.list_every_run(None, None)
        found = list(reader.store.runs)
    await reader.list_rollouts_of(found)
    return found


def unique_match(typed: str, ids: Iterable[str], what: str) -> str:
    """The id that begins so.

    Raises:
        NotFound: None begins so, or several do; the text names these.
    """
    fitting = sorted(name for name in ids if typed and name.startswith(typed))
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise NotFound(f"no such {what}: {typed}")
    more = f", and {len(fitting) - _CHOICES} more" if len(fitting) > _CHOICES else ""
    choices = f"{', '.join(fitting[:_CHOICES])}{more}"
    raise NotFound(f"{typed} fits {of_many(len(fitting), what)}: {choices}")


async def rollout_ids(client: Endpoints) -> Collection[str]:
    """The ids of all rollouts, as far as the gym lists them with their runs."""
    found: dict[str, None] = {}
    offset = 0
    while True:
        answer = await client.list_runs(
            source="all", limit=PAGE_LIMIT, offset=offset, expand=("rollouts",)
        )
        page = split(answer.body, "runs")
        for run in map(parse_run, page.items):
            if not isinstance(run, Malformed):
                found |= dict.fromkeys(run.rollout_ids or ())
        offset += len(page.items)
        if len(page.items) < PAGE_LIMIT:
            return found
