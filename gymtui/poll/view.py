"""What the person looks at, as far as it decides what is asked."""

from __future__ import annotations

from msgspec import Struct


class View(Struct, frozen=True):
    """What the person looks at and how often they want it."""

    interval_s: float = 2.0  # seconds between ticks while anything is active
    # The `source` of the run list; like `scenario_id` fixed for a store's life.
    source: str | None = None
    scenario_id: str | None = None  # the scenario it is narrowed to, or None
    open_run: str | None = None  # the run whose rollouts are on screen, or None
    runs_in_view: tuple[str, ...] = ()  # ids of the runs on screen, top to bottom
    all_running: bool = False  # whether every running rollout is on screen
