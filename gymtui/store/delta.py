"""What was asked, what came back, what it changed: the words between poller, store and screens.

Data only. Deciding what to ask is `poll.plan`, knowing it is `store.store`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct, field

PAGE_LIMIT = 200  # most runs one `GET /runs` page may hold (`API.md`: limit 1 to 200)


class RunsPage(Struct, frozen=True):
    """`GET /runs`: one page of the list, in the server's own (unknown) order."""

    offset: int = 0
    limit: int = PAGE_LIMIT
    source: str | None = None
    scenario_id: str | None = None
    label: ClassVar[str] = "GET /runs"  # the request as the status line names it


class OneRun(Struct, frozen=True):
    """`GET /runs/{run_id}`: the only question whose 404 means that a run is gone."""

    run_id: str
    label: ClassVar[str] = "GET /runs/{run_id}"  # the request as the status line names it


class RolloutsOf(Struct, frozen=True):
    """`GET /rollouts?run_id=`: every rollout of one run (the call has no paging)."""

    run_id: str
    label: ClassVar[str] = "GET /rollouts"  # the request as the status line names it


class RunningRollouts(Struct, frozen=True):
    """`GET /rollouts?status=running`: the running rollouts of all runs in one answer."""

    scenario_id: str | None = None
    label: ClassVar[str] = "GET /rollouts?status=running"  # the request as the status line names it


class ScenarioRollouts(Struct, frozen=True):
    """`GET /rollouts?scenario_id=`: the rollouts of hundreds of runs in one answer.

    Taken apart it is as many answers about one run each: `poll.scenario_answer`.
    """

    scenario_id: str
    label: ClassVar[str] = "GET /rollouts?scenario_id="  # the request as the status line names it


Query = RunsPage | OneRun | RolloutsOf | RunningRollouts  # what the store takes the answers of in

Request = Query | ScenarioRollouts  # what may be asked


class Observation(Struct, frozen=True):
    """One answer, as it came."""

    query: Query
    body: bytes | None  # the answer's bytes, or None for a 404
    # When it was asked, monotonic seconds: an answer to an older question never overwrites one to
    # a newer question.
    sent_s: float
    at: float  # the server's clock when it answered, UNIX seconds
    wire_bytes: int = 0  # what crossed the network for it, compressed
    # All of a list that was taken apart while it came, in place of the body.
    items: tuple[bytes, ...] = ()


class Delta(Struct, frozen=True):
    """The ids that one observation (or several, merged) added, changed or removed."""

    runs_added: frozenset[str] = frozenset()  # runs that were not known before
    # Known runs of which something displayed may differ, their summary included.
    runs_changed: frozenset[str] = frozenset()
    runs_removed: frozenset[str] = frozenset()  # runs that are no longer known
    rollouts_added: frozenset[str] = frozenset()  # rollouts that were not known before
    rollouts_changed: frozenset[str] = frozenset()  # rollouts whose bytes differ
    rollouts_removed: frozenset[str] = frozenset()  # rollouts that are no longer known
    total_changed: bool = False  # whether the server's own count of runs moved

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__struct_fields__)

    def then(self, later: Delta) -> Delta:
        """This one and a later one as one; what came and went again is among what went."""
        runs_added = (self.runs_added - later.runs_removed) | later.runs_added
        added = (self.rollouts_added - later.rollouts_removed) | later.rollouts_added
        runs_removed = (self.runs_removed - later.runs_added) | later.runs_removed
        removed = (self.rollouts_removed - later.rollouts_added) | later.rollouts_removed
        return Delta(
            runs_added,
            (self.runs_changed | later.runs_changed) - runs_added - runs_removed,
            runs_removed,
            added,
            (self.rollouts_changed | later.rollouts_changed) - added - removed,
            removed,
            self.total_changed or later.total_changed,
        )

    @property
    def runs(self) -> frozenset[str]:
        """Every run it touches."""
        return self.runs_added | self.runs_changed | self.runs_removed

    @property
    def rollouts(self) -> frozenset[str]:
        """Every rollout it touches."""
        return self.rollouts_added | self.rollouts_changed | self.rollouts_removed


NOTHING = Delta()


def merge_deltas(deltas: Sequence[Delta]) -> Delta:
    """Changes that came one after the other as one, by halves: none is copied time and again."""
    if len(deltas) <= 1:
        return deltas[0] if deltas else NOTHING
    middle = len(deltas) // 2
    return merge_deltas(deltas[:middle]).then(merge_deltas(deltas[middle:]))


class DeltaBuilder(Struct):
    """Collects ids while an observation is applied."""

    runs_added: set[str] = field(default_factory=set)
    runs_changed: set[str] = field(default_factory=set)
    runs_removed: set[str] = field(default_factory=set)
    rollouts_added: set[str] = field(default_factory=set)
    rollouts_changed: set[str] = field(default_factory=set)
    rollouts_removed: set[str] = field(default_factory=set)
    total_changed: bool = False

    def build(self) -> Delta:
        """The frozen result; an id that was added is not also listed as changed."""
        return Delta(
            frozenset(self.runs_added),
            frozenset(self.runs_changed - self.runs_added - self.runs_removed),
            frozenset(self.runs_removed),
            frozenset(self.rollouts_added),
            frozenset(self.rollouts_changed - self.rollouts_added - self.rollouts_removed),
            frozenset(self.rollouts_removed),
            self.total_changed,
        )
