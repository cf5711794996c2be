"""Where one can go: a frozen value for each full screen. Which screen it is, the router knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gymtui.session.rollout_ref import RolloutList, RolloutRef

if TYPE_CHECKING:
    from gymtui.session.hit_list import HitList


@dataclass(frozen=True, slots=True)
class OpenRun:
    """The rollouts of a run."""

    run_id: str


@dataclass(frozen=True, slots=True)
class OpenRollouts:
    """Some rollouts of one run or of several."""

    run_ids: tuple[str, ...]
    filter: str  # what they are narrowed to


@dataclass(frozen=True, slots=True)
class OpenActive:
    """Every running rollout of every run."""


@dataclass(frozen=True, slots=True)
class OpenMatrix:
    """Tasks by attempts of one run, or tasks by runs of several."""

    run_ids: tuple[str, ...]
    as_one: bool = False  # whether several are a run and its reruns, and their attempts one run's
    task: str | None = None  # the task that the cursor starts on
    replace: bool = False  # whether it takes the place of the screen one is on


@dataclass(frozen=True, slots=True)
class OpenTranscript:
    """One rollout's transcript."""

    run_id: str
    rollout_id: str
    opened_from: RolloutList | None = None  # the list whose other rollouts can be gone on to
    # The list of hits that it was opened from: it begins at the one under the cursor.
    hits: HitList | None = None


@dataclass(frozen=True, slots=True)
class OpenCharts:
    """Charts of some runs."""

    run_ids: tuple[str, ...]
    chart: str = ""  # which comes first; "" for the pass rate


@dataclass(frozen=True, slots=True)
class OpenSearch:
    """A search through transcripts."""

    run_ids: tuple[str, ...]  # of which runs
    rollout_ids: tuple[str, ...] | None  # of which of their rollouts; None for all
    scope: str  # what that is, in words
    typed: str = ""  # what is searched for; "" asks for it


@dataclass(frozen=True, slots=True)
class CompareRuns:
    """Several runs side by side, compared with the first."""

    run_ids: tuple[str, ...]
    replace: bool = False  # whether it takes the place of the screen one is on


@dataclass(frozen=True, slots=True)
class CompareRollouts:
    """Rollouts to compare: two, or one that is remembered until another is chosen."""

    chosen: tuple[RolloutRef, ...]  # the marked rollouts, else the one under the cursor


@dataclass(frozen=True, slots=True)
class Describe:
    """Every field of one item as received."""

    name: str  # the item's id
    raw: bytes
    malformed: str | None = None  # why it could not be read, if so


@dataclass(frozen=True, slots=True)
class OpenLaunch:
    """The launch form."""

    run_id: str | None = None  # the run that it starts from, or None
    rerun: bool = False  # whether it is to be a rerun of that
    tasks: tuple[str, ...] | None = None  # of a rerun, its tasks; None for those that went wrong


@dataclass(frozen=True, slots=True)
class OpenRules:
    """The rules that are armed on runs."""


@dataclass(frozen=True, slots=True)
class OpenActions:
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
