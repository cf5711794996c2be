"""The verifier of `book_panel_interview`."""

from gymtui.gym.scenarios.hr.interviews import verify_panel
from gymtui.gym.scenarios.hr.world import verifier

verify = verifier(verify_panel)
