"""A recording as a list of changes: what a run or rollout was before and after, and when.

What `record export` and `watch` print, for tools that know nothing of this program.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec

from gymtui.core.instants import from_micros
from gymtui.store.delta import OneRun, Query, RolloutsOf, RunsPage
from gymtui.store.history.recorded_answers import body_of
from gymtui.store.history.recording_reader import Moment, Recording
from gymtui.store.history.recording_rows import (
    Answer,
    Dropped,
    Row,
    Snapshot,
    apply_patch,
)

T = TypeVar("T")

_CURSOR = re.compile(r"1-([0-9a-f]{8})-(\d{1,9})-(\d{1,9})", re.ASCII)


class _OfRun(msgspec.Struct):
    run_id: str | None = None


class UnknownCursorError(Exception):
    """A cursor that is none, or that the recording no longer goes back to."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a recording, after a change."""

    segment: int  # which segment
    chunk: int  # the number of the chunk in it
    change: int  # how many changes of the chunk were told

    def __str__(self) -> str:
        return f"1-{self.segment:08x}-{self.chunk}-{self.change}"

    @classmethod
    def read(cls, text: str) -> Cursor:
        """From its text; raises `UnknownCursorError` where that is none."""
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise UnknownCursorError(f"no cursor: {text}")
        return cls(int(found[1], 16), int(found[2]), int(found[3]))


@dataclass(frozen=True, slots=True)
class ItemChange:
    """A run or rollout that is another than before."""

    kind: str  # `run` or `rollout`
    item_id: str  # its id, exactly
    before: bytes | None  # its bytes before; None for one that was not known
    after: bytes | None  # its bytes after, as received but for keys; None for one that is gone
    otherwise_at: datetime | None  # when it was last seen as before; None if it never was
    seen_from: datetime  # the earliest instant at which the gym gave that answer, by its own clock
    seen_at: datetime  # the latest instant
    ours_at: datetime  # what our clock said at `seen_at`
    first: bool  # whether the recording begins with it, here or after a gap
    cursor: Cursor


_Change = tuple[
    str, str, bytes | None, bytes | None, datetime | None, datetime, datetime, datetime, bool
]
"""An `ItemChange` without its cursor."""


class ChangeList:
    """The changes of a recording, in the order in which they were seen."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._known: dict[str, dict[str, bytes]] = {"run": {}, "rollout": {}}
        self._seen_us: dict[str, dict[str, int]] = {"run": {}, "rollout": {}}
        self._members: dict[str, set[str]] = {}
        self._unlisted: set[str] = set()
        self._total_runs = 0
        self._times = (from_micros(0),) * 3
        self._listed: dict[tuple[str | int | None, ...], tuple[str, ...]] = {}
        self._skip: Cursor | None = None
        self._last: Cursor | None = None

    def known(self, kind: str) -> Mapping[str, bytes]:
        """By id, the bytes of what is listed where it is now: of `run` or `rollout`."""
        return self._known[kind]

    def every(self) -> Iterator[ItemChange]:
        """All of them, from the recording's begin to its end."""
        if self._recording:
            found = self._recording.at(self._recording.from_us)
            yield from (change for change in self._from(found, goes_on=False) if change)

    def after(self, cursor: Cursor) -> Iterator[ItemChange | None]:
        """Those after a place, and later ones; None while there are no more.

        Raises:
            UnknownCursorError: The recording does not go back to that any more.
        """
        found = self._recording.after(cursor.segment, cursor.chunk, goes_on=True)
        if found is None:
            raise UnknownCursorError("the recording does not go back to this cursor")
        self._skip = cursor
        self._take_snapshot(found.snapshot)
        return self._from(found, goes_on=True, known=True)

    def from_now(self) -> Iterator[ItemChange | None]:
        """Those that are written later; None while there are no more."""
        there = self._from(self._recording.at(self._recording.to_us, goes_on=True), goes_on=True)
        while next(there) is not None:
            pass
        return there

    def read_from(self, at_us: int) -> None:
        """Go from what was known at a time, microseconds since 1970, to the recording's end."""
        for _ in self._from(self._recording.at(at_us), goes_on=False):
            pass

    def answers(self, page: RunsPage) -> dict[Query, bytes]:
        """What is listed where it is now, as the gym would say it.

        Args:
            page: The question that all runs answer, if all are known.
        """
        runs, known = self._known["run"], self._known["rollout"]
        pages = sorted(
            (a for a in self._listed if a[0] == "p"), key=lambda asked: str(asked[1]).zfill(9)
        )
        ids = dict.fromkeys(i for asked in pages for i in self._listed[asked] if i in runs)
        found: dict[Query, bytes] = {}
        if self._lists_every_run:
            raws = [runs[i] for i in ids | dict.fromkeys(runs)]
            found[page] = body_of(page, len(raws), raws)
        found |= {OneRun(run_id): raw for run_id, raw in runs.items()}
        for (about, of, *_), listed in self._listed.items():
            if about == "r" and of in runs and all(i in known for i in listed):
                query = RolloutsOf(str(of))
                members = listed + tuple(self._members.get(str(of), set()).difference(listed))
                found[query] = body_of(query, len(members), (known[i] for i in members))
        return found

    def _from(
        self, found: Moment | None, *, goes_on: bool, known: bool = False
    ) -> Iterator[ItemChange | None]:
        where = (0, 0)
        while found is not None or goes_on:
            if found is None:
                yield None
            else:
                where = (found.segment, found.number)
                if not known:
                    yield from self._first(found)
                known = False
                for piece in found.events:
                    if piece is None:
                        yield None
                        continue
                    where = (piece.segment, piece.number)
                    yield from self._changes(piece.rows, piece.segment, piece.number)
            found = self._recording.following(*where, goes_on=goes_on)

    def _first(self, found: Moment) -> Iterator[ItemChange]:
        """What differs between what was known and a snapshot after a gap."""
        known, seen_us, members = self._known, self._seen_us, self._members
        self._take_snapshot(found.snapshot)
        # A recorder that has just begun has not listed them all yet: they are as they were, but
        # for rollouts of runs that are no more.
        if not self._lists_every_run:
            self._unlisted = known["run"].keys() - self._known["run"].keys()
            _keep(self._unlisted, known["run"], self._known["run"])
            _keep(self._unlisted, seen_us["run"], self._seen_us["run"])
        for run_id in (self._known["run"].keys() & members.keys()) - found.snapshot.rollouts.keys():
            _keep(members[run_id], known["rollout"], self._known["rollout"])
            _keep(members[run_id], seen_us["rollout"], self._seen_us["rollout"])
            self._members.setdefault(run_id, set()).update(members[run_id])
        at, ours = from_micros(found.at_us), from_micros(found.at_us - found.snapshot.lead_us)
        cursor = Cursor(found.segment, found.number, 0)
        changes = []
        for kind, items in self._known.items():
            missing = [i for i in known[kind] if i not in items]
            for item_id in (*items, *missing):
                was, now = known[kind].get(item_id), items.get(item_id)
                if was != now:
                    otherwise = _when(seen_us[kind].get(item_id))
                    changes.append((kind, item_id, was, now, otherwise, at, at, ours, True))
        for number, change in enumerate(changes, start=1):
            # Whoever goes on from among them is told all of them again.
            last = cursor if number == len(changes) or self._last is None else self._last
            yield ItemChange(*change, last)
        self._last = cursor

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        kept = [*snapshot.rollouts.items(), *snapshot.strays.items()]
        self._known = {
            "run": {i: run.raw for i, run in snapshot.runs.items() if not run.deleted},
            "rollout": {item.rollout_id: item.raw or b"" for _, items in kept for item in items},
        }
        self._unlisted = set()
        self._members = {run_id: {item.rollout_id for item in items} for run_id, items in kept}
        self._seen_us = {"run": {}, "rollout": {}}
        for page in sorted(snapshot.listed, key=lambda page: page.early_us):
            kind = _kind(page.asked)
            self._seen_us[kind].update(dict.fromkeys(page.ids, page.early_us))
        self._listed = {page.asked: page.ids for page in snapshot.listed}
        totals = (page.total or 0 for page in snapshot.listed if page.asked[0] == "p")
        self._total_runs = max(totals, default=0)

    def _changes(self, rows: Iterable[Row], segment: int, chunk: int) -> Iterator[ItemChange]:
        count, skip = 0, self._skip
        for row in rows:
            for change in self._changes_of(row):
                count += 1
                cursor = Cursor(segment, chunk, count)
                is_known = skip is not None and segment == skip.segment
                if is_known and skip is not None and (chunk, count) <= (skip.chunk, skip.change):
                    continue
                self._skip = skip = None
                self._last = cursor
                if change[2] == change[3]:
                    continue  # listed again after a gap, as it was
                yield ItemChange(*change, cursor)

    def _changes_of(self, row: Row) -> Iterator[_Change]:
        if isinstance(row, Dropped):
            for run_id in row.run_ids:
                yield from self._run_gone(run_id)
            return
        if not isinstance(row, Answer):
            return
        kind, (about, of) = _kind(row.asked), row.asked[:2]
        known, seen_us = self._known[kind], self._seen_us[kind]
        early_us = row.late_us - row.width_us
        times = (
            from_micros(early_us),
            from_micros(row.late_us),
            from_micros(row.late_us - row.lead_us),
        )
        self._times = times
        if about == "o" and not row.found:
            yield from self._run_gone(str(of))
        for change in row.items:
            item_id = change[0]
            before = known.get(item_id)
            try:
                after = apply_patch(before or b"", change)
            except ValueError:
                continue
            known[item_id] = after
            if kind == "rollout" and before is None:
                run_id = str(of) if about == "r" else _run_of(after)
                self._members.setdefault(run_id, set()).add(item_id)
            yield kind, item_id, before, after, _when(seen_us.get(item_id)), *times, False
        listed = row.ids if row.ids is not None else self._listed.get(row.asked, ())
        self._listed[row.asked] = listed
        if about == "p":
            self._total_runs = row.total or 0
            self._unlisted.difference_update(listed)
            if self._unlisted and self._lists_every_run:
                gone, self._unlisted = self._unlisted, set()
                for run_id in sorted(gone):
                    yield from self._run_gone(run_id)
        # A list that is shorter than its own count was cut: absence from it says nothing.
        if about == "r" and row.ids is not None and (row.total or 0) <= len(listed):
            missing = self._members.get(str(of), set()).difference(listed)
            yield from self._rollouts_gone(
                str(of), [i for i in missing if seen_us.get(i, 0) < early_us]
            )
        seen_us.update(dict.fromkeys(listed, early_us))

    @property
    def _lists_every_run(self) -> bool:
        listed = {i for asked, ids in self._listed.items() if asked[0] == "p" for i in ids}
        return len(listed) >= self._total_runs

    def _run_gone(self, run_id: str) -> Iterator[_Change]:
        """A run is no more, and with it its rollouts."""
        if run_id in self._known["run"]:
            before, seen = self._known["run"].pop(run_id), self._seen_us["run"].get(run_id)
            yield "run", run_id, before, None, _when(seen), *self._times, False
        yield from self._rollouts_gone(run_id, self._members.get(run_id, ()))

    def _rollouts_gone(self, run_id: str, gone: Iterable[str]) -> Iterator[_Change]:
        for rollout_id in sorted(gone):
            self._members[run_id].discard(rollout_id)
            before = self._known["rollout"].pop(rollout_id)
            seen = self._seen_us["rollout"].get(rollout_id)
            yield "rollout", rollout_id, before, None, _when(seen), *self._times, False


def _kind(asked: tuple[str | int | None, ...]) -> str:
    """What a question is about."""
    return "run" if asked[0] in ("p", "o") else "rollout"


def _keep(ids: Iterable[str], known: Mapping[str, T], to: dict[str, T]) -> None:
    for item_id in ids:
        if item_id in known:
            to.setdefault(item_id, known[item_id])


def _run_of(raw: bytes) -> str:
    """Which run a rollout says that it is of."""
    try:
        run_id = msgspec.json.decode(raw, type=_OfRun).run_id
    except (msgspec.MsgspecError, RecursionError):
        return ""
    return run_id or ""


def _when(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
