"""The verifier of `flag_biased_adjustment`."""

from gymtui.gym.scenarios.hr.judgement import verify_calibration
from gymtui.gym.scenarios.hr.world import verifier

verify = verifier(verify_calibration)
