"""The verifier of `cover_sick_interviewer`."""

from gymtui.gym.scenarios.hr.interviews import verify_sick_day
from gymtui.gym.scenarios.hr.world import verifier

verify = verifier(verify_sick_day)
