"""The run that others are compared with: how it is chosen, on whichever screen."""

from __future__ import annotations

from gymtui.session.session import Session
from gymtui.tui.context.services import Services


def toggle_baseline(services: Services, session: Session, run_id: str) -> bool:
    """Make a run the baseline, or no longer if it is; tell which.

    Returns:
        Whether it is now.
    """
    is_now = session.baseline.chosen != run_id
    session.baseline.choose(run_id if is_now else None)
    compared = f"{run_id} is the baseline: runs and failures are compared with it"
    without = "no baseline: a run is compared with the checkpoint before it"
    services.notify(compared if is_now else without, timeout=3)
    return is_now
