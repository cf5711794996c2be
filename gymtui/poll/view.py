"""What the person looks at, as far as it decides what is asked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """What the person looks at and how often they want it.

    Attributes:
        interval_s: Seconds between ticks while anything is active.
        source: The `source` of the run list; like `scenario_id` fixed for a store's life.
        scenario_id: The scenario it is narrowed to, or None.
        open_run: The run whose rollouts are on screen, or None.
        runs_in_view: Ids of the runs on screen, top to bottom.
        all_running: Whether every running rollout is on screen.
    """

    interval_s: float = 2.0
    source: str | None = None
    scenario_id: str | None = None
    open_run: str | None = None
    runs_in_view: tuple[str, ...] = ()
    all_running: bool = False
