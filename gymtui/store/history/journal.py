"""What was observed, kept: a journal a gym, written by a thread of its own.

The dashboard never waits for it and never fails with it. What keeps it is a `journal_store`.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct

from gymtui.store.history.journal_place import Place, SharedPlace, engine_of
from gymtui.store.history.journal_store import (
    Batch,
    Limits,
    SavedSummary,
    TeamNews,
    Trouble,
    UnusableJournalError,
)
from gymtui.store.history.observer import StateObservation, StepTimes, UnchangedPoll

if TYPE_CHECKING:
    from gymtui.store.history.journal_place import JournalEngine, JournalStore

FLUSH_AFTER_S = 0.5
"""A batch is written when its first row is this old, so that a kill loses less than two seconds."""

LOOKS_AFTER_S = 1.5
"""The same where all that came in is that nothing changed, or that steps were taken."""

PATIENCE_S = 10.0  # how long somebody else may hold the file locked before the journal is given up

RETRY_S = 0.05

AWAY_S = (1.0, 30.0)  # how soon a database that is away is tried again, at first and after a while

MOST_PENDING = 50_000  # observations that wait for it; of more the oldest are given up

PRUNE_EVERY_S = 3_600.0
LOAD_TIMEOUT_S = 15.0

Answer = TypeVar("Answer")


class Notice(Struct, frozen=True):
    """What to tell the person, once."""

    trouble: Trouble
    text: str  # what it means and where the file lies


class _Question(Generic[Answer]):
    """Something to be read between batches, and where the answer goes."""

    def __init__(self, read: Callable[[JournalStore], Answer], without: Answer) -> None:
        self.read = read
        self.without = without
        self.future: Future[Answer] = Future()


class Journal:
    """The journal of one gym, opened on a thread of its own. Methods may be called from any.

    Nothing here raises for what happens to what keeps it. In trouble there is one notice, and from
    then on what is recorded goes nowhere and what is loaded is empty; but where a database is away,
    what is recorded waits for it, as long as that is not too much.

    Args:
        where: A file in the state directory, or a database (`journal_place.place_of`).
        limits: How much is kept; 30 days, and in a file 200 MB.
        now: The local time, for the age of rows.
        on_notice: Called once, on the journal's thread, when there is trouble; must not raise.
        patience_s: How long a file may be locked by somebody else.
        away_s: How soon a database that is away is tried again: at first, and after a while.
    """

    def __init__(
        self,
        where: Place | JournalEngine,
        *,
        limits: Limits | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_notice: Callable[[Notice], None] = lambda _notice: None,
        patience_s: float = PATIENCE_S,
        away_s: tuple[float, float] = AWAY_S,
    ) -> None:
        self._where = where
        self._limits = limits or Limits()
        self._now = now
        self._on_notice = on_notice
        self._patience_s = patience_s
        self._away_s = away_s
        self.notice: Notice | None = None  # why there is no journal, or why it is late
        self.shared = isinstance(where, SharedPlace)
        """Whether others write to it whose news are of use here."""
        self.opened = 0
        """How often it was: again after it was away."""
        self._pending: list[Batch] = []
        self._inbox: queue.SimpleQueue[Batch | _Question[Any] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open = True
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="gymtui-journal", daemon=True)
        self._thread.start()

    def record(self, observations: Iterable[StateObservation]) -> None:
        """Keep observations; written within a second."""
        self._put(Batch(observations=tuple(observations)))

    def record_unchanged(self, looks: Iterable[UnchangedPoll]) -> None:
        """Keep until when what runs was seen unchanged; written within two seconds."""
        self._put(Batch(looks=tuple(looks)))

    def record_steps(self, steps: Iterable[StepTimes]) -> None:
        """Keep when rollouts took their last steps; written within two seconds."""
        self._put(Batch(steps=tuple(steps)))

    def keep_summaries(self, *summaries: SavedSummary) -> None:
        """Keep runs' summaries, replacing earlier ones; a final one stays."""
        self._put(Batch(summaries=summaries))

    def forget(self, *run_ids: str) -> None:
        """Drop what is kept of runs that were deleted."""
        self._put(Batch(forgotten=run_ids))

    def load(self, run_id: str) -> tuple[StateObservation, ...]:
        """A run's observations by time, those recorded just now included. Waits for the disk."""
        return self._ask(lambda file: file.observations(run_id), ())

    def steps(self, run_id: str) -> tuple[StepTimes, ...]:
        """When a run's rollouts took their last steps. Waits for the disk."""
        return self._ask(lambda file: file.steps(run_id), ())

    def summaries(self) -> tuple[SavedSummary, ...]:
        """The summaries of all runs. Waits for the disk."""
        return self._ask(lambda file: file.summaries(), ())

    def news(self) -> TeamNews:
        """What others wrote since it was asked for last. Waits for the database."""
        return self._ask(lambda store: store.news(), TeamNews())

    def flush(self) -> None:
        """Wait until what was recorded is written."""
        self._ask(lambda _file: None, None)

    def close(self, timeout_s: float = 1.5) -> None:
        """Write what is left and stop; more than `timeout_s` is not waited for."""
        with self._lock:
            self._open = False
            self._inbox.put(None)
        self._closing.set()
        self._thread.join(timeout_s)

    # -- between the threads ---------------------------------------------------------------------

    def _put(self, message: Batch | _Question[Any]) -> bool:
        with self._lock:
            if self._open:
                self._inbox.put(message)
            return self._open

    def _ask(self, read: Callable[[JournalStore], Answer], without: Answer) -> Answer:
        question = _Question(read, without)
        if not self._put(question):
            return without
        try:
            return question.future.result(LOAD_TIMEOUT_S)
        except TimeoutError:
            return without

    # -- on the journal's thread -----------------------------------------------------------------

    def _work(self) -> None:
        try:
            # Here, not where the journal is opened: a database's driver takes long to import.
            engine = engine_of(self._where) if isinstance(self._where, Place) else self._where
        except UnusableJournalError as error:
            self._give_up(Notice(Trouble.UNUSABLE, f"No journal: {error}."))
            return
        self._engine = engine
        wait_s, most_s = self._away_s
        while True:
            store: JournalStore | None = None
            try:
                store = self._retry_locked(lambda: engine.open())
                wait_s = self._away_s[0]
                self.opened += 1
                self._serve(store)
                return
            except engine.errors as error:
                if store is not None:
                    store.close()
                    store = None
                trouble, text = engine.leave(error, self._now())
                notice = Notice(trouble, f"No journal: {text}.")
                if trouble is not Trouble.AWAY:
                    self._give_up(notice)
                    return
                self._tell(notice)
                if self._closing.is_set():
                    self._give_up(notice)
                    return
            finally:
                if store is not None:
                    store.close()
            self._wait(wait_s)
            wait_s = min(2 * wait_s, most_s)

    def _wait(self, wait_s: float) -> None:
        """Go on in memory for so long, or until there is one last time to try."""
        until_s = time.monotonic() + wait_s
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                message = self._inbox.get(timeout=left_s)
            except queue.Empty:
                return
            if isinstance(message, Batch):
                self._pending.append(message)
                self._bound()
            elif message is None:
                self._inbox.put(None)
                return
            else:
                message.future.set_result(message.without)

    def _bound(self) -> None:
        """Give up the oldest of what waits, where that is too much."""
        waiting = sum(batch.size for batch in self._pending)
        while waiting > MOST_PENDING and len(self._pending) > 1:
            waiting -= self._pending.pop(0).size

    def _serve(self, store: JournalStore) -> None:
        """Batch, write, answer and prune until told to stop."""
        pending = self._pending
        due_s = prune_s = time.monotonic()
        pruning: Iterator[None] | None = None
        while True:
            now_s = time.monotonic()
            if pending and now_s >= due_s and self._write(store, pending):
                prune_s = now_s
            if pruning is None and now_s >= prune_s:
                pruning, prune_s = store.prune(self._limits, self._now()), now_s + PRUNE_EVERY_S
            until_s = now_s if pruning else min(due_s, prune_s) if pending else prune_s
            try:
                message = self._inbox.get(timeout=max(until_s - now_s, 0.0))
            except queue.Empty:
                if pruning is not None and not self._prune_step(pruning):
                    pruning = None
                continue
            if isinstance(message, Batch):
                wait_s = LOOKS_AFTER_S if message.can_wait else FLUSH_AFTER_S
                due_s = min(due_s, now_s + wait_s) if pending else now_s + wait_s
                pending.append(message)
                continue
            try:
                if self._write(store, pending):
                    prune_s = now_s
                if message is None:
                    return
                message.future.set_result(self._retry_locked(partial(message.read, store)))
            except self._engine.errors:
                if message is not None:
                    message.future.set_result(message.without)
                raise

    def _write(self, store: JournalStore, pending: list[Batch]) -> bool:
        """Write what came in, and empty the list; tell whether it is too large now."""
        if not pending:
            return False
        self._retry_locked(partial(store.write, pending, self._now()))
        pending.clear()
        return store.is_over(self._limits)

    def _retry_locked(self, act: Callable[[], Answer]) -> Answer:
        """Do something, again and again while somebody else holds the lock."""
        until_s = time.monotonic() + self._patience_s
        while True:
            try:
                return act()
            except self._engine.errors as error:
                out_of_patience = time.monotonic() >= until_s or self._closing.is_set()
                if self._engine.trouble_of(error) is not Trouble.LOCKED or out_of_patience:
                    raise
            self._closing.wait(RETRY_S)

    def _prune_step(self, pruning: Iterator[None]) -> bool:
        """Do one step of it. Where another dashboard holds the lock, that one may be pruning."""
        try:
            next(pruning)
        except StopIteration:
            return False
        except self._engine.errors as error:
            if self._engine.trouble_of(error) is not Trouble.LOCKED:
                raise
            return False
        return True

    def _tell(self, notice: Notice) -> None:
        """Say it, but no more than once."""
        if self.notice is None:
            self.notice = notice
            self._on_notice(notice)

    def _give_up(self, notice: Notice) -> None:
        """Say why, and let everybody go on without."""
        with self._lock:
            self._open = False
        while not self._inbox.empty():
            message = self._inbox.get()
            if isinstance(message, _Question):
                message.future.set_result(message.without)
        self._tell(notice)
