"""What `C` does on a rollout: two that are marked, or one after the other, from wherever they are.

The first of two that are not in one list is remembered by the app until the second is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gymtui.session.rollout_ref import Listed
from gymtui.tui.compare.screen import CompareScreen
from gymtui.tui.kit.refusal import UNREAD_ROLLOUT

if TYPE_CHECKING:
    from gymtui.tui.app.app import GymtuiApp


def compare(gym: GymtuiApp, chosen: Sequence[Listed]) -> None:
    """Compare two rollouts, or remember the first of them.

    Args:
        gym: The app.
        chosen: The marked rollouts, else the one under the cursor.
    """
    first = gym.compared_first
    rows = (gym.store.rollouts.get(listed.rollout_id) for listed in chosen)
    if any(row is not None and row.malformed is not None for row in rows):
        gym.notify(f"not compared: {UNREAD_ROLLOUT}", timeout=3)
        return
    if len(chosen) == 2:
        pair = (chosen[0], chosen[1])
    elif len(chosen) == 1 and first is not None and first != chosen[0]:
        pair = (first, chosen[0])
    elif len(chosen) == 1 and first is None:
        gym.compared_first = chosen[0]
        key = gym.bound.spelt("compare-rollouts")
        said = f"{chosen[0].rollout_id} will be compared: {key} on another rollout, of any run"
        gym.notify(said, timeout=4)
        return
    elif len(chosen) == 1:
        gym.compared_first = None
        gym.notify(f"{chosen[0].rollout_id} will not be compared", timeout=3)
        return
    else:
        gym.notify("two rollouts are compared: mark two, or none and choose each", timeout=3)
        return
    gym.compared_first = None
    gym.push_screen(CompareScreen(*pair))
