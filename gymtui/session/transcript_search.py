"""A search through the transcripts of many rollouts: what is here first, then what is downloaded.

Reading goes on in a process of its own, indexing and looking in threads, one at a time; the event
loop only hands over.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from gymtui.api.errors import NOT_THE_GYM, GymError, NotFound
from gymtui.poll.fetch import ask, observation_of
from gymtui.session.archive import Archive, ArchiveContents
from gymtui.session.archive_key import ArchiveKey, version_of
from gymtui.session.artifacts import ArtifactLoader, TooLargeError
from gymtui.session.hit_list import NO_HITS, FoundHits
from gymtui.session.rollout_ref import RolloutRef
from gymtui.session.session import Session
from gymtui.session.transcript_reader import ReaderEndedError, TranscriptReader
from gymtui.store.delta import RolloutsOf
from gymtui.store.outcome import ACTIVE, Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.rollout_result import rollout_result
from gymtui.store.store import Store
from gymtui.transcript.blocks import Ending
from gymtui.transcript.hits import SearchTerms, SpokenPassage, find_hits
from gymtui.transcript.packed_passages import unpack_passages
from gymtui.transcript.search import PatternError

AT_ONCE = 4
MOST_BYTES = 256 * 1024 * 1024  # what one search downloads unless it is told to go on
_EVERYTHING = 1 << 40
_TURN_S = 0.03  # how long transcripts are looked through until what was found is handed over


@dataclass(frozen=True, slots=True)
class SearchTarget:
    ref: RolloutRef
    version: str | None  # as the archive has it; None where its artifacts may still change
    finished: bool  # whether it has artifacts
    result: Ending | None  # how it ended, by its record
    not_run: bool = False  # whether nobody ran it to its end, so that it may have none


@dataclass(slots=True)
class SearchProgress:
    total: int  # rollouts in question
    searched: int = 0  # transcripts that were looked through
    unfinished: int = 0  # rollouts that have no transcript yet
    not_run: int = 0  # rollouts that have none since nobody ran them to their end
    missing: int = 0  # rollouts of which the gym has no artifacts
    failed: int = 0  # transcripts that could not be had or were too large
    left: int = 0  # transcripts that were not downloaded, since that would have been too much
    received: int = 0  # bytes downloaded
    problem: str = ""  # why it ended early, or why some failed; "" for neither
    done: bool = False  # whether it has come to its end

    @property
    def words(self) -> str:
        """`412 of 600 transcripts searched`, and what became of the others."""
        parts = [f"{self.searched:,} of {self.total:,} transcripts searched"]
        for number, what in (
            (self.unfinished, "not finished"),
            (self.not_run, "not run"),
            (self.missing, "without artifacts"),
            (self.failed, "failed"),
            (self.left, "not downloaded"),
        ):
            if number:
                parts.append(f"{number:,} {what}")
        return ", ".join(parts)


def target_of(row: RolloutRow) -> SearchTarget:
    result = rollout_result(row.rollout, row.outcome) if row.rollout is not None else None
    finished = row.rollout is not None and row.outcome not in ACTIVE
    ref, not_run = RolloutRef(row.run_id, row.rollout_id), row.outcome is Outcome.NOT_RUN
    return SearchTarget(ref, version_of(row), finished, result, not_run)


async def rollouts_of(
    session: Session, run_ids: Sequence[str], rollout_ids: Sequence[str] | None = None
) -> list[RolloutRow]:
    """The rollouts of runs, or some of them; of runs that are not held they are listed now.

    Those that could be read, in the order of the runs; without those of runs that are gone, or
    that the gym does not list.
    """
    store = session.store
    lacking = [run_id for run_id in run_ids if not store.knows_rollouts_of(run_id)]
    listed = Store(rollouts_kept=_EVERYTHING)
    waiting = iter(lacking)

    async def work() -> None:
        for run_id in waiting:
            query, sent_s = RolloutsOf(run_id), session.monotonic()
            with suppress(GymError):
                answer = await ask(session.client, query)
                if answer is not None:
                    listed.apply(observation_of(query, answer, sent_s, session.clock))

    await asyncio.gather(*(work() for _ in range(min(AT_ONCE, len(lacking)))))
    session.transcripts.listed_elsewhere.update(listed.rollouts)
    found = [
        row
        for run_id in run_ids
        for row in (listed if run_id in lacking else store).rollouts_of(run_id)
    ]
    if rollout_ids is not None:
        by_id = {row.rollout_id: row for row in found}
        found = [by_id[rollout_id] for rollout_id in rollout_ids if rollout_id in by_id]
    return [row for row in found if row.malformed is None]


class TranscriptSearch:
    """One search.

    Args:
        targets: What is searched, in the order in which hits are to come.
    """

    def __init__(
        self,
        loader: ArtifactLoader,
        archive: Archive,
        gym: str,
        targets: Iterable[SearchTarget],
        wanted: SearchTerms,
        *,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._loader = loader
        self._archive = archive
        self._targets = list(targets)
        self._keys = {
            target.ref.rollout_id: ArchiveKey(gym, target.ref.rollout_id, target.version)
            for target in self._targets
            if target.version is not None
        }
        self._wanted = wanted
        self._most_bytes = most_bytes
        self._stopped = threading.Event()
        self._reader = TranscriptReader()
        self._indexing = asyncio.Lock()
        self.progress = SearchProgress(len(self._targets))

    async def hits(self) -> AsyncGenerator[FoundHits, None]:
        """Search, and hand over what was found as it is found.

        Yields:
            Hits of whole transcripts, also none, so that progress can be shown.
        """
        targets = [target for target in self._targets if target.finished]
        self.progress.unfinished = len(self._targets) - len(targets)
        try:
            known = await asyncio.to_thread(self._known, targets)
            indexed = self._look_through(targets, known)
            lacking = [t for t in targets if self._keys.get(t.ref.rollout_id) not in known.passages]
            while batch := await asyncio.to_thread(_next_batch, indexed):
                for target, found in batch:
                    if found is None:
                        lacking.append(target)
                        continue
                    self.progress.searched += 1
                    yield found
            async for found in self._read_others(lacking, known):
                yield found
        except PatternError as error:
            self.progress.problem = str(error)
        finally:
            self._stopped.set()
            self._reader.close()
        self.progress.done = True
        yield NO_HITS

    def _known(self, targets: Sequence[SearchTarget]) -> ArchiveContents:
        names = (target.ref.rollout_id for target in targets)
        keys = [self._keys[name] for name in names if name in self._keys]
        return self._archive.known(keys, self._wanted.query)

    def _look_through(
        self, targets: Sequence[SearchTarget], known: ArchiveContents
    ) -> Iterator[tuple[SearchTarget, FoundHits | None]]:
        """Look through what is indexed; None of what has gone meanwhile."""
        for target in targets:
            key = self._keys.get(target.ref.rollout_id)
            if key is None or key not in known.passages:
                continue
            numbers = known.passages[key]
            if numbers is not None and not numbers:
                yield target, NO_HITS
                continue
            passages = self._archive.passages(key, numbers)
            yield target, None if passages is None else self._found(target, passages)

    def _found(self, target: SearchTarget, passages: Iterable[SpokenPassage]) -> FoundHits:
        return FoundHits(target.ref, find_hits(passages, self._wanted, self._stopped.is_set))

    # -- what is not indexed ---------------------------------------------------------------

    async def _read_others(
        self, targets: Sequence[SearchTarget], known: ArchiveContents
    ) -> AsyncGenerator[FoundHits, None]:
        """Read what is not indexed, downloading what is not here; a few at a time."""
        here: asyncio.Queue[FoundHits | BaseException] = asyncio.Queue()
        waiting = iter(targets)

        async def work() -> None:
            for target in waiting:
                try:
                    key = self._keys.get(target.ref.rollout_id)
                    here.put_nowait(await self._read(target, key, is_kept=key in known.kept))
                except Exception as error:  # noqa: BLE001  (raised below, by who waits)
                    here.put_nowait(error)

        workers = [asyncio.create_task(work()) for _ in range(min(AT_ONCE, len(targets)))]
        try:
            for _ in targets:
                found = await here.get()
                if isinstance(found, BaseException):
                    raise found
                yield found
        finally:
            self._stopped.set()
            self._reader.close()
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _read(
        self, target: SearchTarget, key: ArchiveKey | None, *, is_kept: bool
    ) -> FoundHits:
        progress = self.progress
        if not is_kept and (progress.received >= self._most_bytes or progress.problem):
            progress.left += 1
            return NO_HITS
        before = 0

        def received(now: int, _announced: int | None) -> None:
            nonlocal before
            progress.received += max(now - before, 0)
            before = now

        try:
            body = await self._loader.body(target.ref.rollout_id, key=key, on_progress=received)
        except NotFound:
            progress.not_run += target.not_run
            progress.missing += not target.not_run
            return NO_HITS
        except TooLargeError:
            progress.failed += 1
            return NO_HITS
        except GymError as error:
            progress.failed += 1
            if isinstance(error, NOT_THE_GYM):
                progress.problem = error.line  # the rest would say the same
            return NO_HITS
        try:
            packs = await self._reader.read(body, target.result)
        except ReaderEndedError:  # as by a kernel that is out of memory
            progress.failed += 1
            return NO_HITS
        async with self._indexing:
            found = await asyncio.to_thread(self._index, target, packs)
        progress.searched += 1
        return found

    def _index(self, target: SearchTarget, packs: Sequence[bytes]) -> FoundHits:
        key = self._keys.get(target.ref.rollout_id)
        if key is not None:
            self._archive.index(key, packs)
        return self._found(target, (spoken for pack in packs for spoken in unpack_passages(pack)))


def _next_batch(
    found: Iterator[tuple[SearchTarget, FoundHits | None]],
) -> list[tuple[SearchTarget, FoundHits | None]]:
    """What comes within a short time, at least one; none when there is no more."""
    until_s = time.monotonic() + _TURN_S
    batch = []
    for item in found:
        batch.append(item)
        if item[1] is None or time.monotonic() >= until_s:
            break
    return batch
