"""From answers of the gym to rows of a recording: what changed, and now and then all there is.

It hears each answer right after the store took it in. Files and compression are
`store.history.recording_writer`; the way back is `session.playback`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from gymtui.core.instants import micros
from gymtui.core.server_clock import ServerClock, Window
from gymtui.poll.recorded_state import pack_gaps, pack_observations, pack_watched
from gymtui.poll.recording_marks import MarkFinder
from gymtui.poll.recording_snapshot import KnownState, SnapshotBuilder, kept_summary, without_keys
from gymtui.poll.tracker import RolloutTracker
from gymtui.store.delta import Delta, OneRun, Query, RolloutsOf, RunningRollouts, RunsPage
from gymtui.store.history.recording_rows import (
    Answer,
    Dropped,
    Head,
    Mark,
    Page,
    Patch,
    Recalled,
    Remembered,
    Row,
    Snapshot,
    make_patch,
    pack_query,
)
from gymtui.store.history.recording_writer import RecordingWriter
from gymtui.store.running_rollouts import Running, StepPace
from gymtui.store.stats.run_summary import RunSummary
from gymtui.store.store import Applied, Store

FLUSH_US = 2_000_000
"""Rows are written when the first of them is this old, so that a kill loses no more."""
KEY_ITEMS, KEY_ANSWERS = 700, 450
"""After so many changes or answers there is a key: what lies between is played to reach a time."""
WHOLE_KEY = 16
"""Of so many keys one says all that differs from the base, the others what does from a key."""
BASE_ITEMS = 30_000
"""After so many changes a new segment begins: what a cut costs, and what is deleted at a time."""
GROWN = 2
"""A base is written, not a key, once so many times as much is known as at the last one."""
AGAIN_US = 60_000_000  # how long after the disk refused it is tried again


class Tally(Struct, frozen=True):
    """What was recorded since the start, or is to be: changed items, and bytes in files."""

    items: int = 0
    answers: int = 0
    bytes: int = 0


def key_before(number: int) -> int:
    """On which key of a segment one builds, so that none says most of it again; 0 is the base.

    A binary tree: the eighth says what differs from the base, the sixth what does from the fourth,
    which says what does from the base.
    """
    return 0 if number % WHOLE_KEY == 0 else number & (number - 1)


class Recorder:
    """Records one session.

    Args:
        pace: How fast rollouts move, for marking those that are stuck.
        wanted: Whether a run's rollouts are recorded; the list of runs always is. Once so, always.
        on_trouble: Told once when the disk refuses, and with None once it takes rows again.
    """

    def __init__(
        self,
        writer: RecordingWriter,
        head: Head,
        store: Store,
        tracker: RolloutTracker,
        clock: ServerClock,
        *,
        running: Running,
        pace: StepPace,
        wanted: Callable[[str], bool] = lambda _run_id: True,
        on_trouble: Callable[[OSError | None], object] = lambda _error: None,
    ) -> None:
        self._writer = writer
        self._head = head
        self._store = store
        self._tracker = tracker
        self._clock = clock
        self._wanted = wanted
        self._mark_finder = MarkFinder(store, clock, running, pace, wanted)
        self._snapshots = SnapshotBuilder(store, tracker, clock, wanted)
        self._on_trouble = on_trouble
        self.trouble: OSError | None = None  # why nothing is recorded just now, or None
        self._not_before_us = 0
        self._waiting = 0
        self._recalled: list[str] = []
        self._rows: list[Row] = []
        self._marks: list[Mark] = []
        self._first_us = 0
        self._now_us = 0
        self._open = False
        self._listed: dict[Query, Page] = {}
        self._rollout_bytes: dict[str, bytes] = {}
        self._run_bytes: dict[str, bytes] = {}
        # What a reader knows by the base and by those keys that later ones build on.
        self._known = {0: KnownState()}
        self._keys = self._base_size = 0
        self._since_key = self._answers_since_key = self._since_base = 0
        self._written = 0
        self._items = self._answers = 0

    @property
    def tally(self) -> Tally:
        """What was recorded since the start."""
        return Tally(self._items, self._answers, self._written + self._writer.written)

    # -- what comes in ---------------------------------------------------------------------

    def record_answer(
        self, query: Query, applied: Applied, window: Window, work: Iterable[None]
    ) -> Iterator[None]:
        """Record an answer that the store has just taken in.

        Returns the work of the tracker, piece by piece.
        """
        self._waiting += 1
        at_us = self._answered_us(applied.delta)
        # A clock that was set back: what came later is recorded as no earlier.
        self._now_us = max(self._now_us, at_us)
        listed = self._listing(query, applied, micros(window.earliest))
        if listed is not None:
            if self._open:
                self._take(query, listed, applied.delta, window, at_us)
            self._listed[query] = listed
        return self._through(work)

    def _answered_us(self, delta: Delta) -> int:
        """When an answer came in, by the gym's clock as it is taken to have stood."""
        rollouts = self._store.rollouts
        for rollout_id in delta.rollouts_added | delta.rollouts_changed:
            row = rollouts.get(rollout_id)
            if row is not None:
                return round(row.at * 1_000_000)
        return micros(self._clock.now())

    def _listing(self, query: Query, applied: Applied, early_us: int) -> Page | None:
        asked, total, ids = pack_query(query), applied.total, applied.ids
        match query:
            case RolloutsOf(run_id=run_id):
                return Page(asked, total, ids, early_us) if self._wanted(run_id) else None
            case RunningRollouts():
                rows = self._store.rollouts
                wanted = tuple(i for i in ids if i in rows and self._wanted(rows[i].run_id))
                total = total if len(wanted) == len(ids) else len(wanted)
                return Page(asked, total, wanted, early_us)
            case _:
                return Page(asked, total, ids, early_us)

    def _through(self, work: Iterable[None]) -> Iterator[None]:
        yield from work
        self._waiting -= 1
        self._put_recalled()
        self.write()

    def record_recalled(self, run_id: str) -> None:
        """What an earlier session observed of a run came in."""
        if self._wanted(run_id):
            self._recalled.append(run_id)
            self._put_recalled()

    def _put_recalled(self) -> None:
        """Record what came in, once what is remembered is that of whole answers."""
        if self._waiting:
            return
        observer = self._tracker.observer
        for run_id in self._recalled:
            self._touch(run_id)
            lives = {
                row.rollout_id: pack_observations(seen)
                for row in self._store.rollouts_of(run_id)
                if (seen := self._tracker.observations(row.rollout_id))
            }
            watched = {i: pack_watched(of) for i, of in observer.watched_of(run_id).items()}
            gaps_ds = pack_gaps(observer.step_gaps_s(run_id))
            self._add(Recalled(run_id, lives, watched, gaps_ds))
        self._recalled.clear()

    def record_deleted(self, run_ids: Iterable[str]) -> None:
        """Runs that were deleted are no longer listed."""
        deleted = tuple(run_ids)
        for run_id in deleted:
            self._run_bytes.pop(run_id, None)
        self._add(Dropped(deleted))

    def record_summaries(self, summaries: Mapping[str, RunSummary]) -> None:
        """Numbers of runs came in from an earlier session."""
        if summaries:  # of runs that are listed later, too
            self._add(
                Remembered(
                    tuple(kept_summary(run_id, summary) for run_id, summary in summaries.items())
                )
            )

    # -- what is written -------------------------------------------------------------------

    def write(self, *, at_once: bool = False) -> None:
        """Write what is due, or all at once."""
        if self._waiting:
            # Between an answer's effect on the store and on the tracker there is no whole picture.
            return
        now_us = self._now_us
        try:
            if not self._open:
                if now_us and now_us >= self._not_before_us:
                    self._begin()
                return
            if self._rows and (at_once or now_us - self._first_us >= FLUSH_US):
                self._writer.append(self._rows, now_us)
                self._rows = []
                if self._marks:
                    self._writer.mark(self._marks, now_us)
                    self._marks = []
            is_due = self._since_key >= KEY_ITEMS or self._answers_since_key >= KEY_ANSWERS
            if not self._rows and (self._since_base >= BASE_ITEMS or (is_due and self._has_grown)):
                self._begin()
            elif not self._rows and is_due:
                self._key()
        except OSError as error:
            self._items -= sum(len(row.items) for row in self._rows if isinstance(row, Answer))
            self._open, self._rows, self._marks = False, [], []
            self._not_before_us = now_us + AGAIN_US
            self._refused(error)

    @property
    def _has_grown(self) -> bool:
        """Whether keys would say again and again what was not known at the base."""
        return len(self._store.runs) + len(self._store.rollouts) > GROWN * self._base_size

    def _refused(self, error: OSError) -> None:
        if self.trouble is None:
            self._on_trouble(error)
        self.trouble = error

    def close(self) -> None:
        """Write what is left, and that nothing is watched from now on."""
        self._waiting = 0
        self.write(at_once=True)
        if self._open:
            try:
                self._writer.end(self._now_us)
            except OSError as error:
                self._refused(error)
            self._open = False

    def _begin(self) -> None:
        goes_on, self._open = self._open, False
        self._written += self._writer.written
        self._rollout_bytes.clear()
        self._run_bytes.clear()
        self._mark_finder.begin()
        self._keys, self._known = 0, {0: KnownState()}
        snapshot = self._snapshot(None)
        dictionary = self._writer.begin(self._head, snapshot, self._now_us, goes_on=goes_on)
        self._know(dictionary)
        self._open = True
        self._since_key = self._answers_since_key = self._since_base = 0
        self._base_size = len(self._store.runs) + len(self._store.rollouts)
        if self.trouble is not None:
            self.trouble = None
            self._on_trouble(None)

    def _key(self) -> None:
        before = self._known[key_before(self._keys + 1)]
        builds_on = zlib.decompress(before.dictionary)
        dictionary = self._writer.key(self._snapshot(before), self._now_us, builds_on)
        self._keys += 1
        self._since_key = self._answers_since_key = 0
        self._know(dictionary)

    def _know(self, dictionary: bytes) -> None:
        """Note what a reader knows by the snapshot that was written last."""
        last = self._known[max(self._known)]
        run_bytes, chunk = self._run_bytes, self._writer.chunks - 1
        known = {self._keys: self._snapshots.known(last, chunk, dictionary, run_bytes)}
        number = self._keys
        while number:
            number = key_before(number)
            known[number] = self._known[number]
        self._known = known

    def _snapshot(self, before: KnownState | None) -> Snapshot:
        store = self._store
        snapshot = self._snapshots.build(before, self._pages(), self._run_bytes)
        # Nobody who begins to read here knows those that went before.
        if before is None:
            rollouts = store.rollouts.values()
            self._rollout_bytes = {row.rollout_id: without_keys(row.raw) for row in rollouts}
            self._run_bytes = {i: run.raw for i, run in snapshot.runs.items()}
        else:
            of_rollouts, of_runs = self._rollout_bytes, self._run_bytes
            self._rollout_bytes = {i: raw for i, raw in of_rollouts.items() if i in store.rollouts}
            self._run_bytes = {i: raw for i, raw in of_runs.items() if i in store.runs}
        return snapshot

    def _pages(self) -> Iterator[Page]:
        """What was listed last, as far as it can matter: of what is there."""
        store = self._store
        for query in list(self._listed):
            match query:
                case RolloutsOf(run_id=run_id):
                    there = store.knows_rollouts_of(run_id)
                case OneRun(run_id=run_id):
                    there = run_id in store.runs
                case _:
                    there = True
            if not there:
                del self._listed[query]
        yield from self._listed.values()

    def _touch(self, run_id: str) -> None:
        for known in self._known.values():
            known.touched.add(run_id)

    def _add(self, row: Row) -> None:
        if self._open:
            if not self._rows:
                self._first_us = self._now_us
            self._rows.append(row)

    def _take(self, query: Query, listed: Page, delta: Delta, window: Window, at_us: int) -> None:
        about_runs = isinstance(query, RunsPage | OneRun)
        items: list[Patch] = []
        if about_runs:
            changed = delta.runs_added | delta.runs_changed
            items = [item for i in listed.ids if i in changed and (item := self._run_item(i))]
        else:
            changed = delta.rollouts_added | delta.rollouts_changed
            for rollout_id in listed.ids:
                if rollout_id in changed:
                    row = self._store.rollouts[rollout_id]
                    self._touch(row.run_id)
                    items.append(self._item(rollout_id, row.raw, self._rollout_bytes))
        if isinstance(query, RolloutsOf) and delta.rollouts_removed:
            self._touch(query.run_id)
        before = self._listed.get(query)
        same = before is not None and before.ids == listed.ids
        late_us = micros(window.latest)
        self._add(
            Answer(
                listed.asked,
                late_us,
                late_us - micros(window.earliest),
                late_us - at_us,
                round(self._clock.offset_s * 1_000_000),
                listed.total,
                None if same else listed.ids,
                tuple(items),
                found=self._is_found(query, listed),
            )
        )
        self._items += len(items)
        self._answers += 1
        self._since_key += len(items)
        self._since_base += len(items)
        self._answers_since_key += 1
        self._marks += self._mark_finder.find(delta, self._now_us)

    def _is_found(self, query: Query, listed: Page) -> bool:
        if listed.ids or not isinstance(query, OneRun | RolloutsOf):
            return True
        return isinstance(query, RolloutsOf) and self._store.knows_rollouts_of(query.run_id)

    def _run_item(self, run_id: str) -> Patch | None:
        row = self._store.runs[run_id]
        raw = without_keys(row.raw)
        if self._run_bytes.get(run_id) == raw:
            return None
        return self._item(run_id, raw, self._run_bytes)

    def _item(self, item_id: str, received: bytes, known: dict[str, bytes]) -> Patch:
        raw = without_keys(received)
        before = known.get(item_id, b"")
        known[item_id] = raw
        return make_patch(item_id, before, raw)
