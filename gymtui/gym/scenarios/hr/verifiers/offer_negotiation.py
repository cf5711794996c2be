"""The verifier of `offer_negotiation`."""

from gymtui.gym.scenarios.base import judge
from gymtui.gym.scenarios.hr.judgement import verify_offer
from gymtui.gym.scenarios.run_artifacts import RunArtifacts
from gymtui.gym.wire import Result


def verify(run_artifacts: RunArtifacts) -> Result:
    """Return the verdict on the office that the agent left behind."""
    return judge(verify_offer(run_artifacts.world, run_artifacts.world.facts))
