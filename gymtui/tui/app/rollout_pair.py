"""What `C` does on a rollout: two that are marked, or one after the other, from wherever they are.

The first of two that are not in one list is remembered by the session until the second is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence

from gymtui.session.rollout_ref import RolloutRef
from gymtui.session.session import Session
from gymtui.tui.context.services import Services
from gymtui.tui.kit.refusal import UNREAD_ROLLOUT


def choose_pair(
    services: Services, session: Session, chosen: Sequence[RolloutRef]
) -> tuple[RolloutRef, RolloutRef] | None:
    """The two rollouts to compare; of one alone, remember it and say so.

    Args:
        chosen: The marked rollouts, else the one under the cursor.
    """
    first = session.compared_first
    rows = (session.store.rollouts.get(listed.rollout_id) for listed in chosen)
    if any(row is not None and row.malformed is not None for row in rows):
        services.notify(f"cannot compare: {UNREAD_ROLLOUT}", timeout=3)
        return None
    if len(chosen) == 2:
        pair = (chosen[0], chosen[1])
    elif len(chosen) == 1 and first is not None and first != chosen[0]:
        pair = (first, chosen[0])
    elif len(chosen) == 1 and first is None:
        session.compared_first = chosen[0]
        key = services.keys.label("compare-rollouts")
        said = (
            f"{chosen[0].rollout_id} chosen to compare: press {key} on another rollout, of any run"
        )
        services.notify(said, timeout=4)
        return None
    elif len(chosen) == 1:
        session.compared_first = None
        services.notify(f"{chosen[0].rollout_id} no longer chosen to compare", timeout=3)
        return None
    else:
        services.notify(
            "compare needs two rollouts: mark two, or mark none and press it on each", timeout=3
        )
        return None
    session.compared_first = None
    return pair
