"""Where one can go: a frozen value for each full screen. Which screen it is, the router knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from gymtui.session.rollout_ref import RolloutList, RolloutRef

if TYPE_CHECKING:
    from gymtui.session.hit_list import HitList


class OpenRun(Struct, frozen=True):
    """The rollouts of a run."""

    run_id: str


class OpenRollouts(Struct, frozen=True):
    """Some rollouts of one run or of several."""

    run_ids: tuple[str, ...]
    filter: str  # what they are narrowed to


class OpenActive(Struct, frozen=True):
    """Every running rollout of every run."""


class OpenMatrix(Struct, frozen=True):
    """Tasks by attempts of one run, or tasks by runs of several."""

    run_ids: tuple[str, ...]
    combined: bool = False  # whether several are a run and its reruns, and their attempts one run's
    task: str | None = None  # the task that the cursor starts on
    replace: bool = False  # whether it takes the place of the screen one is on


class OpenTranscript(Struct, frozen=True):
    """One rollout's transcript."""

    run_id: str
    rollout_id: str
    opened_from: RolloutList | None = None  # the list whose other rollouts can be gone on to
    # The list of hits that it was opened from: it begins at the one under the cursor.
    hits: HitList | None = None


class OpenCharts(Struct, frozen=True):
    """Charts of some runs."""

    run_ids: tuple[str, ...]
    chart: str = ""  # which comes first; "" for the pass rate


class OpenSearch(Struct, frozen=True):
    """A search through transcripts."""

    run_ids: tuple[str, ...]  # of which runs
    rollout_ids: tuple[str, ...] | None  # of which of their rollouts; None for all
    scope: str  # what that is, in words
    typed: str = ""  # what is searched for; "" asks for it


class CompareRuns(Struct, frozen=True):
    """Several runs side by side, compared with the first."""

    run_ids: tuple[str, ...]
    replace: bool = False  # whether it takes the place of the screen one is on


class CompareRollouts(Struct, frozen=True):
    """Rollouts to compare: two, or one that is remembered until another is chosen."""

    chosen: tuple[RolloutRef, ...]  # the marked rollouts, else the one under the cursor


class Describe(Struct, frozen=True):
    """Every field of one item as received."""

    name: str  # the item's id
    raw: bytes
    malformed: str | None = None  # why it could not be read, if so


class OpenLaunch(Struct, frozen=True):
    """The launch form."""

    run_id: str | None = None  # the run that it starts from, or None
    rerun: bool = False  # whether it is to be a rerun of that
    tasks: tuple[str, ...] | None = None  # of a rerun, its tasks; None for those that went wrong


class OpenRules(Struct, frozen=True):
    """The rules that are armed on runs."""


class OpenActions(Struct, frozen=True):
    """What was cancelled and deleted from here, run by run."""


Route = (
    OpenRun
    | OpenRollouts
    | OpenActive
    | OpenMatrix
    | OpenTranscript
    | OpenSearch
    | OpenCharts
    | CompareRuns
    | CompareRollouts
    | Describe
    | OpenLaunch
    | OpenRules
    | OpenActions
)

PLACES: Mapping[str, Route] = {"active": OpenActive(), "launch": OpenLaunch()}
"""Where a key leads wherever one stands, by the word in its action: `go('active')`."""
