"""Where one can go: a frozen value for each full screen. Which screen it is, the router knows."""

from __future__ import annotations

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
    """Some rollouts of one run or of several.

    Attributes:
        filter: What they are narrowed to.
    """

    run_ids: tuple[str, ...]
    filter: str


@dataclass(frozen=True, slots=True)
class OpenActive:
    """Every running rollout of every run."""


@dataclass(frozen=True, slots=True)
class OpenMatrix:
    """Tasks by attempts of one run, or tasks by runs of several.

    Attributes:
        as_one: Whether several are a run and its reruns, and their attempts one run's.
        task: The task that the cursor starts on.
        replace: Whether it takes the place of the screen one is on.
    """

    run_ids: tuple[str, ...]
    as_one: bool = False
    task: str | None = None
    replace: bool = False


@dataclass(frozen=True, slots=True)
class OpenTranscript:
    """One rollout's transcript.

    Attributes:
        opened_from: The list whose other rollouts can be gone on to.
        hits: The list of hits that it was opened from: it begins at the one under the cursor.
    """

    run_id: str
    rollout_id: str
    opened_from: RolloutList | None = None
    hits: HitList | None = None


@dataclass(frozen=True, slots=True)
class OpenCharts:
    """Charts of some runs.

    Attributes:
        chart: Which comes first; "" for the pass rate.
    """

    run_ids: tuple[str, ...]
    chart: str = ""


@dataclass(frozen=True, slots=True)
class OpenSearch:
    """A search through transcripts.

    Attributes:
        run_ids: Of which runs.
        rollout_ids: Of which of their rollouts; None for all.
        scope: What that is, in words.
        typed: What is searched for; "" asks for it.
    """

    run_ids: tuple[str, ...]
    rollout_ids: tuple[str, ...] | None
    scope: str
    typed: str = ""


@dataclass(frozen=True, slots=True)
class CompareRuns:
    """Several runs side by side, compared with the first.

    Attributes:
        replace: Whether it takes the place of the screen one is on.
    """

    run_ids: tuple[str, ...]
    replace: bool = False


@dataclass(frozen=True, slots=True)
class CompareRollouts:
    """Rollouts to compare: two, or one that is remembered until another is chosen.

    Attributes:
        chosen: The marked rollouts, else the one under the cursor.
    """

    chosen: tuple[RolloutRef, ...]


@dataclass(frozen=True, slots=True)
class Describe:
    """Every field of one item as received.

    Attributes:
        name: The item's id.
        malformed: Why it could not be read, if so.
    """

    name: str
    raw: bytes
    malformed: str | None = None


@dataclass(frozen=True, slots=True)
class OpenLaunch:
    """The launch form.

    Attributes:
        run_id: The run that it starts from, or None.
        rerun: Whether it is to be a rerun of that.
        tasks: Of a rerun, its tasks; None for those that went wrong.
    """

    run_id: str | None = None
    rerun: bool = False
    tasks: tuple[str, ...] | None = None


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
