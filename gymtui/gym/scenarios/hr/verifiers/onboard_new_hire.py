"""The verifier of `onboard_new_hire`."""

from gymtui.gym.scenarios.hr.people import verify_new_hire
from gymtui.gym.scenarios.hr.world import verifier

verify = verifier(verify_new_hire)
