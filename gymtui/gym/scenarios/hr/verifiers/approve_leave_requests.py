"""The verifier of `approve_leave_requests`."""

from gymtui.gym.scenarios.hr.people import verify_leave
from gymtui.gym.scenarios.hr.world import verifier

verify = verifier(verify_leave)
