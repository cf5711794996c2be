"""The ids of a list, filtered and in order, kept so by what changed rather than sorted anew.

What the filter says is `store.lists.query`, what rows sort by is `store.column_def`, drawing
them is the grid's.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain, islice
from typing import Generic, TypeVar, overload

from gymtui.core.pieces import result_of
from gymtui.store.column_def import MICROS, Field, Key, Schema, SortOrder, ValueKind, micros
from gymtui.store.lists.expiry import ExpiryQueue
from gymtui.store.lists.query import Filter
from gymtui.store.lists.sorted_chunks import SortedChunks

R = TypeVar("R")

_ANEW = 8  # sorting everything is quicker than moving more than one row in so many
_AT_ONCE = 500  # rows moved one by one, or filtered, before others get their turn: some 5 ms


class OrderedView(Sequence[str], Generic[R]):
    """A list's ids as filtered and ordered, for records that come, change and go.

    Rows that sort alike go by id; reversing turns those too, but what is not known stays last. A
    change of k rows costs O(k log n) and so do places and ids; a new filter or column costs
    O(n log n), turning the order round nothing. `now` is UNIX seconds on the clock of the
    records' moments. It may go back, at the price of filtering everything again if the filter
    depends on time.
    """

    def __init__(self, schema: Schema[R], order: str, *, reverse: bool = False) -> None:
        """Begin empty and unfiltered."""
        self._schema = schema
        self.order = schema[order]  # the chosen one, also while another stands in for it
        self._sort_order = SortOrder(self.order)
        self.reverse = reverse  # whether the largest comes first
        self._descending = reverse
        self._stand_in: Field[R] | None = None
        self._places: dict[str, int] | None = None  # where rows stand while they are held
        self.filter: Filter[R] = Filter("")
        self._timed = False
        self._now = 0.0
        self.records: dict[str, R] = {}  # every one, as last applied, shown or hidden
        self._keys: dict[str, Key | None] = {}  # of the rows shown
        self._known = SortedChunks([], self._keys.__getitem__)
        self._unknown = SortedChunks([], str)
        self._expiry = ExpiryQueue()
        self._version = 0

    @property
    def is_provisional(self) -> bool:
        """Whether another order stands in for the chosen one."""
        return self._sort_order.column is not self.order

    @property
    def next_tick(self) -> float | None:
        """When `tick` will have something to do, in UNIX seconds; None if never."""
        return self._expiry.next

    def set_order(self, order: str, *, reverse: bool = False) -> bool:
        """Order by another column, or the other way round; whether anything moved."""
        self.order, self.reverse = self._schema[order], reverse
        return self._reorder()

    def stand_in(self, column: Field[R] | None) -> bool:
        """Order by another column, if not None, while history fills the chosen one; if any moved.

        Rows would move for no other reason than that something old became known. The order of
        moments can still be reversed.
        """
        self._stand_in = column
        return self._reorder()

    @property
    def is_held(self) -> bool:
        """Whether rows stand where they came."""
        return self._places is not None

    def hold(self, held: bool) -> bool:
        """Let rows stay where they stand, new ones last; or put all in order again, once.

        For a list of which older parts are still read: rows would move for no other reason. What
        comes together is in order among itself, and another order is heeded at once.
        """
        if held is self.is_held:
            return False
        before = list(self)
        self._version += 1
        self._places = {row_id: place for place, row_id in enumerate(before)} if held else None
        self._arrange({row_id: self.records[row_id] for row_id in self._keys})
        return before != list(self)

    def _reorder(self) -> bool:
        """Order by the chosen column, or by what stands in for it."""
        if self.is_held:
            before = list(self)
            self.hold(False)
            self._reorder()
            self.hold(True)
            return before != list(self)
        column, turned = self.order, self.reverse
        if self._stand_in is not None and column.from_history:
            column, turned = self._stand_in, turned and column.kind is ValueKind.TIME
        if column is self._sort_order.column:
            moved = turned is not self._descending and len(self._known) > 0
            self._descending = turned
            return moved
        before = list(self)
        self._version += 1
        self._sort_order, self._descending = SortOrder(column), turned
        self._arrange({row_id: self.records[row_id] for row_id in self._keys})
        return before != list(self)

    def apply(self, changed: Mapping[str, R], removed: Iterable[str], now: float) -> bool:
        """Take in what is new, and what the time brought about.

        Args:
            removed: Ids that are gone, whether known or not; they outweigh `changed`.

        Returns:
            Whether anything that is shown came, went, moved or changed.
        """
        removed_ids = frozenset(removed)
        if changed or removed_ids or self._timed:
            self._version += 1
        self.records.update(changed)
        for row_id in removed_ids:
            self.records.pop(row_id, None)
        last, self._now = self._now, _whole_micros(now)
        went_back = self._timed and self._now < last
        if self._places is not None:
            # What comes together is in order among itself.
            known = self._places.keys() | removed_ids
            new = {row_id: row for row_id, row in changed.items() if row_id not in known}
            self._keys_of(self.filter.select(new, self._now))
        if went_back or (len(changed) + len(removed_ids)) * _ANEW > len(self.records):
            return result_of(self._rebuild(changed, removed_ids, None, self._now))
        return self._update_rows(
            {*changed, *removed_ids, *self._expiry.take_due(self._now)}, changed
        )

    def apply_in_pieces(
        self, changed: Mapping[str, R], removed: Iterable[str], now: float
    ) -> Generator[None, None, bool]:
        """Take in what is new, stopping now and then so that keys are answered meanwhile.

        Nothing changes before the last step, which changes everything at once. Between two steps
        the list may be filtered, ordered and ticked. Arguments and result are those of `apply`.
        """
        removed_ids = frozenset(removed)
        if len(changed) + len(removed_ids) <= _AT_ONCE:
            return self.apply(changed, removed_ids, now)
        return (yield from self._rebuild(changed, removed_ids, None, now))

    def set_filter_in_pieces(self, wanted: Filter[R], now: float) -> Generator[None, None, bool]:
        """Narrow to another filter as `apply_in_pieces` takes in; whether anything came or went."""
        return (yield from self._rebuild({}, frozenset(), wanted, now))

    def _rebuild(
        self,
        changed: Mapping[str, R],
        removed: Set[str],
        wanted: Filter[R] | None,
        now: float,
    ) -> Generator[None, None, bool]:
        """Filter and sort everything aside, with another filter if there is one, then show it."""
        moment = _whole_micros(now)
        while True:
            version = self._version
            held = self.filter if wanted is None else wanted
            records = {**self.records, **changed}
            for row_id in removed:
                records.pop(row_id, None)
            keys: dict[str, Key | None] = {}
            expiry = ExpiryQueue()
            rest = iter(records.items())
            while version == self._version and (part := dict(islice(rest, _AT_ONCE))):
                shown = held.select(part, moment)
                keys.update(self._keys_of(shown))
                if held.timed:
                    for row_id, record in part.items():
                        expiry.put(row_id, held.next_change(record, moment))
                yield
            if version == self._version:
                lanes = _lanes(keys)
                yield
            if version == self._version and not (held.timed and self._now > moment):
                break
            moment = max(moment, self._now)
        before = list(self)
        self._version += 1
        self.records, self._now = records, moment
        self.filter, self._timed = held, held.timed
        self._keys, self._expiry, (self._known, self._unknown) = keys, expiry, lanes
        return not changed.keys().isdisjoint(keys) or before != list(self)

    def tick(self, now: float) -> bool:
        """Take in what the time brought about; whether anything came or went."""
        return self.apply({}, (), now)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, row_id: object) -> bool:
        return row_id in self._keys

    def __iter__(self) -> Iterator[str]:
        return chain(reversed(self._known) if self._is_descending else self._known, self._unknown)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[index] for index in range(*place.indices(len(self)))]
        index = place + len(self) if place < 0 else place
        if not 0 <= index < len(self):
            raise IndexError(place)
        known = len(self._known)
        if index >= known:
            return self._unknown[index - known]
        return self._known[known - 1 - index if self._is_descending else index]

    def index(self, row_id: object, start: int = 0, stop: int | None = None) -> int:
        """The place of an id; ValueError for one that is not shown within these places."""
        if isinstance(row_id, str) and row_id in self._keys:
            place = self._place(row_id)
            if place in range(*slice(start, stop).indices(len(self))):
                return place
        raise ValueError(f"{row_id!r} is not in the list")

    def _place(self, row_id: str) -> int:
        known = len(self._known)
        if self._keys[row_id] is None:
            return known + self._unknown.index(row_id)
        index = self._known.index(row_id)
        return known - 1 - index if self._is_descending else index

    def _update_rows(self, touched: Iterable[str], changed: Mapping[str, R]) -> bool:
        """Bring some ids up to date, one by one."""
        leaving: list[str] = []
        arriving: dict[str, Key | None] = {}
        changed_here = False
        for row_id in touched:
            was, is_now = row_id in self._keys, self._is_shown(row_id)
            key = self._key_of(row_id) if is_now else None
            changed_here |= was and is_now and row_id in changed
            if was == is_now and (not was or self._keys[row_id] == key):
                continue
            if was:
                leaving.append(row_id)
            if is_now:
                arriving[row_id] = key
        for row_id in leaving:
            self._lane(row_id).remove(row_id)
            del self._keys[row_id]
        self._keys.update(arriving)
        for row_id in arriving:
            self._lane(row_id).add(row_id)
        return changed_here or bool(leaving or arriving)

    def _is_shown(self, row_id: str) -> bool:
        """Whether an id is to be in the list; it is put down for when that changes."""
        if row_id not in self.records:
            self._expiry.put(row_id, None)
            return False
        record = self.records[row_id]
        if self._timed:
            self._expiry.put(row_id, self.filter.next_change(record, self._now))
        return self.filter.matches(record, self._now)

    def _lane(self, row_id: str) -> SortedChunks:
        return self._unknown if self._keys[row_id] is None else self._known

    def _arrange(self, shown: Mapping[str, R]) -> None:
        """Put these records, and no others, in order."""
        self._keys = self._keys_of(shown)
        self._known, self._unknown = _lanes(self._keys)

    def _keys_of(self, shown: Mapping[str, R]) -> dict[str, Key | None]:
        """What rows sort by: their values, or while they are held their places."""
        keys = dict(zip(shown, self._sort_order.keys(shown.values()), strict=True))
        places = self._places
        if places is None:
            return keys
        known, unknown = _lanes({i: key for i, key in keys.items() if i not in places})
        for row_id in chain(reversed(known) if self._descending else known, unknown):
            places[row_id] = len(places)
        return {row_id: places[row_id] for row_id in shown}

    def _key_of(self, row_id: str) -> Key | None:
        if self._places is not None:
            return self._places.setdefault(row_id, len(self._places))
        return self._sort_order.key(self.records[row_id])

    @property
    def _is_descending(self) -> bool:
        return self._descending and not self.is_held


def _lanes(keys: dict[str, Key | None]) -> tuple[SortedChunks, SortedChunks]:
    """Ids by their keys, those whose key is not known apart."""
    known = [row_id for row_id, key in keys.items() if key is not None]
    unknown = [row_id for row_id, key in keys.items() if key is None]
    return SortedChunks(known, keys.__getitem__), SortedChunks(unknown, str)


def _whole_micros(seconds: float) -> float:
    """The same moment as the filter sees it, so that none falls between the two."""
    return micros(seconds) / MICROS
