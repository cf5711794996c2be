"""The verifier of `schedule_phone_screen`."""

from gymtui.gym.scenarios.hr.interviews import verify_phone_screen
from gymtui.gym.scenarios.hr.world import verifier

verify = verifier(verify_phone_screen)
