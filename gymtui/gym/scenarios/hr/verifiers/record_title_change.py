"""The verifier of `record_title_change`."""

from gymtui.gym.scenarios.hr.people import verify_title_change
from gymtui.gym.scenarios.hr.world import verifier

verify = verifier(verify_title_change)
