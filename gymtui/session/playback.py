"""A recording played into a store and a tracker: any moment of it, and on from there.

It takes the poller's place in a session: no request is sent. What is on disk is
`store.history.recording_reader`; which screens show it is the app's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gymtui.core.instants import from_micros
from gymtui.core.pieces import result_of
from gymtui.core.replacement import replace
from gymtui.core.server_clock import Window
from gymtui.poll.recorded_state import (
    read_summaries,
    state_of,
    unpack_gaps_s,
    unpack_observations,
    unpack_watched,
)
from gymtui.poll.tracker import RolloutTracker
from gymtui.store.delta import (
    NOTHING,
    Delta,
    Observation,
    OneRun,
    Query,
    RolloutsOf,
    RunningRollouts,
    RunsPage,
    merge_deltas,
)
from gymtui.store.history.observer import StateObservation
from gymtui.store.history.recorded_answers import RecordedAnswers, body_of
from gymtui.store.history.recording_reader import Moment, Piece, Recording
from gymtui.store.history.recording_rows import (
    Answer,
    Dropped,
    KeptRollout,
    Recalled,
    Remembered,
    Row,
    Snapshot,
    unpack_query,
)
from gymtui.store.store import Applied, Store

APART_S = 1e10
"""By so much the times of questions differ before and after a jump, so that each answer after it is
newer than all before."""


class Player:
    """Plays a recording that is not empty into a store and its tracker."""

    def __init__(self, recording: Recording, store: Store, tracker: RolloutTracker) -> None:
        self._recording = recording
        self._store = store
        self._tracker = tracker
        self._generation = 0
        self._answers = RecordedAnswers()
        # Whether a run was said to be gone: a page that is the same again may bring it back.
        self._missing = False
        self._lives: dict[str, dict[str, tuple[StateObservation, ...]]] = {}
        self._snapshot: Snapshot | None = None
        self._rows: Iterator[tuple[int, Row]] = iter(())
        self._next: tuple[int, Row] | None = None
        self._where = (0, 0)
        self.at_us = 0  # by when the last answer that was played had come in, by the server's clock
        self.lead_us = 0  # how far the server's clock was ahead of the recorder's

    @property
    def next_us(self) -> int | None:
        """When the next answer came in, a gap skipped; None at the end."""
        if self._next is not None:
            return self._next[0]
        following = self._recording.following(*self._where)
        return None if following is None else max(self.at_us, following.at_us)

    def jump(self, to_us: int, needed: Iterable[str] = ()) -> Delta:
        """Know what was known at a time, and nothing else; what is another than before the jump.

        Args:
            to_us: By the server's clock, microseconds since 1970.
            needed: Runs that are on screen, besides those that were active then.
        """
        found = self._recording.at(to_us)
        if found is None:
            return NOTHING
        self.at_us = 0
        delta = self._begin(found, frozenset(needed))
        return delta.then(self.play(to_us))

    def play(self, to_us: int) -> Delta:
        """Play on up to a time; what changed."""
        delta = NOTHING
        while (at_us := self.next_us) is not None and at_us <= to_us:
            delta = delta.then(self.step())
        return delta

    def step(self) -> Delta:
        """Play the next answer; at the end of what is whole, go on after the gap."""
        if self._next is None:
            following = self._recording.following(*self._where)
            if following is None:
                return NOTHING
            return self._begin(following, frozenset(self._tracker.recalled_runs))
        at_us, row = self._next
        self.at_us = max(self.at_us, at_us)
        delta = self._apply(row)
        self._advance()
        return delta

    def change_before(self, at_us: int) -> int:
        """When the last change before a time came in; the recording's begin where there is none."""
        until_us = at_us
        while until_us > self._recording.from_us:
            found = self._recording.at(until_us - 1)
            if found is None:
                break
            times = []
            for piece in found.events:
                rows = piece.rows if piece is not None else ()
                answers = [row for row in rows if isinstance(row, Answer)]
                seen = [row.late_us - row.age_us for row in answers if row.items]
                times += [seen_us for seen_us in seen if seen_us < at_us]
                if piece is not None and piece.at_us >= at_us:
                    break
            if times:
                return max(times)
            if found.at_us >= until_us:
                break
            until_us = found.at_us
        return self._recording.from_us

    def lives_of(self, run_id: str) -> tuple[StateObservation, ...]:
        """What was observed of a run's rollouts by then, as far as it is not played yet."""
        if self._snapshot is None:
            return ()
        packed = self._snapshot.watching.lives.get(run_id, {})
        return tuple(
            one for name, seen in packed.items() for one in unpack_observations(run_id, name, seen)
        )

    # -- rows ------------------------------------------------------------------------------

    def _begin(self, found: Moment, needed: frozenset[str]) -> Delta:
        at_us = max(self.at_us, found.at_us)
        self._where = (found.segment, found.number)
        delta = self._restore(found.snapshot, at_us, needed)
        self._follow(found.events)
        return delta

    def _follow(self, events: Iterator[Piece | None]) -> None:
        def rows() -> Iterator[tuple[int, Row]]:
            last_us = self.at_us
            for piece in events:
                if piece is None:
                    continue
                self._where = (piece.segment, piece.number)
                for row in piece.rows:
                    if isinstance(row, Answer):
                        last_us = max(last_us, row.late_us - row.age_us)
                    yield last_us, row

        self._rows = rows()
        self._advance()

    def _advance(self) -> None:
        self._next = next(self._rows, None)

    def _apply(self, row: Row) -> Delta:
        match row:
            case Answer():
                return self._answer(row)
            case Recalled(run_id, lives, packed, gaps_ds):
                for rollout_id, seen in lives.items():
                    self._tracker.join(unpack_observations(run_id, rollout_id, seen))
                known = {i: unpack_watched(i, one) for i, one in packed.items()}
                self._tracker.observer.remember(known, run_id, unpack_gaps_s(gaps_ds))
                return Delta(rollouts_changed=frozenset((*lives, *known)))
            case Dropped(run_ids):
                return self._drop(run_ids)
            case Remembered(summaries):
                return self._store.remember(read_summaries(summaries))
        return NOTHING

    def _answer(self, row: Answer) -> Delta:
        answer = self._answers.read(row, whole=False)
        if answer is None:
            return NOTHING
        self.lead_us = row.lead_us
        self._missing |= answer.body is None
        if answer.same and isinstance(answer.query, RunsPage) and not self._missing:
            return NOTHING
        window = Window(from_micros(answer.early_us), from_micros(answer.late_us))
        at_s, sent_s = answer.at_us / 1_000_000, answer.early_us / 1_000_000
        applied = self._take(answer.query, answer.body, at_s, sent_s)
        if isinstance(answer.query, RolloutsOf | RunningRollouts):
            applied = replace(applied, ids=answer.ids, total=answer.total)
        result_of(self._tracker.take_answer_in_pieces(answer.query, applied, window))
        return applied.delta

    def _take(self, query: Query, body: bytes | None, at_s: float, sent_s: float) -> Applied:
        sent_s += self._generation * APART_S
        return self._store.apply(Observation(query, body, sent_s, at_s))

    def _drop(self, run_ids: Iterable[str]) -> Delta:
        gone = tuple(run_ids)
        delta = self._store.drop(gone)
        self._tracker.forget(gone)
        self._tracker.drop(delta.rollouts_removed)
        return delta

    # -- snapshots -------------------------------------------------------------------------

    def _restore(self, snapshot: Snapshot, at_us: int, needed: frozenset[str]) -> Delta:
        """Know what a snapshot says; what is known already is left alone."""
        self._generation += 1
        self.at_us, self.lead_us, self._snapshot = at_us, snapshot.lead_us, snapshot
        self._answers.begin(snapshot)
        runs = self._answers.runs
        kept = [*snapshot.rollouts.values(), *snapshot.strays.values()]
        # Older than whatever follows, which may have been asked before the snapshot was made.
        at_s, sent_s = at_us / 1_000_000, 0.0
        store = self._store
        # Of a run whose rollouts were not listed, some may be known all the same: what runs.
        known = store.knows_rollouts_of
        loose = {row.run_id for row in store.rollouts.values() if not known(row.run_id)}
        differ = {run_id for run_id in store.runs if self._differs(run_id, snapshot)}
        deltas = [store.drop(loose | differ)]
        pages = []
        for page in snapshot.listed:
            try:
                query = unpack_query(page.asked)
            except ValueError:
                continue
            if isinstance(query, RunsPage):
                pages.append((query, page))
        listed: set[str] = set()
        for query, page in sorted(pages, key=lambda found: found[0].offset, reverse=True):
            ids = [i for i in page.ids if i in runs]
            listed.update(ids)
            body = body_of(query, page.total, (runs[i] for i in ids))
            deltas.append(self._take(query, body, at_s, sent_s).delta)
        for run_id in runs.keys() - listed - store.runs.keys():
            deltas.append(self._take(OneRun(run_id), runs[run_id], at_s, sent_s).delta)
        for run_id, items in snapshot.rollouts.items():
            deltas.append(self._hold(run_id, items, at_s, sent_s))
        strays = [item for items in snapshot.strays.values() for item in items]
        if strays:
            raws = [item.raw for item in strays if item.raw]
            running = body_of(RunningRollouts(), len(raws), raws)
            deltas.append(self._take(RunningRollouts(), running, at_s, sent_s).delta)
        deleted = [i for i, run in snapshot.runs.items() if run.deleted]
        self._missing = bool(deleted)
        deltas.append(store.mark_deleted(deleted, self._generation * APART_S))
        deltas.append(store.remember(read_summaries(snapshot.summaries.values())))
        store.order.begin_with(snapshot.order)
        store.date({item.rollout_id: item.at_us / 1_000_000 for i in kept for item in i})
        wanted = needed | self._tracker.recalled_runs | store.active_runs
        self._tracker.restore(state_of(snapshot.watching, wanted.__contains__))
        return merge_deltas(deltas)

    def _differs(self, run_id: str, snapshot: Snapshot) -> bool:
        """Whether what is known of a run cannot become what the snapshot says by answers alone."""
        store, run = self._store, snapshot.runs.get(run_id)
        row = store.runs[run_id]
        if run is None or run.raw != row.raw or run.deleted is not row.is_deleted:
            return True
        if store.knows_rollouts_of(run_id) is not (run_id in snapshot.rollouts):
            return True
        if run_id not in snapshot.rollouts:
            return (store.summary(run_id) is None) is not (run_id not in snapshot.summaries)
        rows = store.rollouts_of(run_id)
        items = snapshot.rollouts[run_id]
        return [(r.rollout_id, r.raw) for r in rows] != [(i.rollout_id, i.raw) for i in items]

    def _hold(
        self, run_id: str, items: tuple[KeptRollout, ...], at_s: float, sent_s: float
    ) -> Delta:
        query = RolloutsOf(run_id)
        if self._store.knows_rollouts_of(run_id):
            return NOTHING
        raws = [item.raw for item in items if item.raw]
        return self._take(query, body_of(query, len(raws), raws), at_s, sent_s).delta
