"""The rollouts of a whole scenario, taken apart into answers about its runs while they come in.

One answer about hundreds of runs costs one request; what it says of a run is then taken in as if
that run alone had been asked about, so that nothing else need know of it. A run leaves as soon as
all its rollouts were seen; what is not wanted is not kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from gymtui.api.errors import Garbled
from gymtui.api.list_splitter import PART_BYTES, ListSplitter

MOST_BYTES = 256_000_000  # more is not read of one answer, decompressed: a gym may go on for ever


class _Owner(msgspec.Struct):
    run_id: str | None = None


_OWNER = msgspec.json.Decoder(_Owner)


class ScenarioAnswer:
    """The answer to `GET /rollouts?scenario_id=`, as far as it has come.

    Args:
        total_of: How many rollouts a run has, by its own counters; None for one that no answer is
            wanted about. Asked once for each run.
    """

    def __init__(self, total_of: Callable[[str], int | None]) -> None:
        self._total_of = total_of
        self._splitter = ListSplitter("rollouts")
        self._waiting: deque[memoryview] = deque()
        self._bytes = self._wire_bytes = 0
        self._totals: dict[str, int | None] = {}
        self._open: dict[str, list[bytes]] = {}
        self._whole: deque[tuple[str, tuple[bytes, ...]]] = deque()
        self.found: set[str] = set()  # the runs of which all rollouts were seen
        # Those of them of which more came afterwards: what was taken for all was not.
        self.more: set[str] = set()

    def put(self, data: bytes) -> None:
        """Take the next bytes, to be taken apart in steps."""
        view = memoryview(data)
        self._waiting.extend(view[at : at + PART_BYTES] for at in range(0, len(view), PART_BYTES))

    def note_progress(self, received: int, _announced: int | None) -> None:
        """Note how many bytes came on the wire for all of it until now."""
        self._wire_bytes = received

    def wire_bytes(self, items: tuple[bytes, ...]) -> int:
        """How many bytes some items took on the wire, about."""
        return sum(map(len, items)) * self._wire_bytes // max(1, self._bytes)

    def step(self) -> bool:
        """Take some of what waits apart, if any; raises `Garbled`."""
        if not self._waiting:
            return False
        part = self._waiting.popleft()
        self._bytes += len(part)
        if self._bytes > MOST_BYTES:
            raise Garbled(f"GET /rollouts: larger than {MOST_BYTES / 1e6:.0f} MB")
        self._sort(self._splitter.feed(part))
        return True

    def close(self) -> None:
        """The answer is complete, and all of it was taken apart; raises `Garbled`."""
        self._sort(self._splitter.close().items)

    def take_runs(self) -> Iterator[tuple[str, tuple[bytes, ...]]]:
        """Take out each run that is whole, with what `GET /rollouts?run_id=` would have listed.

        A run of which not all rollouts come never is: the answer was cut, or the gym means
        something else by it.
        """
        while self._whole:
            yield self._whole.popleft()

    def _sort(self, items: list[bytes] | tuple[bytes, ...]) -> None:
        totals = self._totals
        for item in items:
            run_id = _run_of(item)
            if run_id is None:
                continue
            if run_id not in totals:
                totals[run_id] = self._total_of(run_id)
            total = totals[run_id]
            if total is None:
                continue
            if run_id in self.found:
                self.more.add(run_id)
                continue
            own = self._open.setdefault(run_id, [])
            own.append(item)
            if len(own) >= total:
                del self._open[run_id]
                self.found.add(run_id)
                self._whole.append((run_id, tuple(own)))


def _run_of(item: bytes) -> str | None:
    try:
        return _OWNER.decode(item).run_id
    except (msgspec.MsgspecError, RecursionError):
        return None
