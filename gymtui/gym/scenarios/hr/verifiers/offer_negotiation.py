"""The verifier of `offer_negotiation`."""

from gymtui.gym.scenarios.hr.judgement import verify_offer
from gymtui.gym.scenarios.hr.world import verifier

verify = verifier(verify_offer)
