"""The verifier of `cover_sick_interviewer`."""

from gymtui.gym.scenarios.base import judge
from gymtui.gym.scenarios.hr.interviews import verify_sick_day
from gymtui.gym.scenarios.run_artifacts import RunArtifacts
from gymtui.gym.wire import Result


def verify(run_artifacts: RunArtifacts) -> Result:
    """Return the verdict on the office that the agent left behind."""
    return judge(verify_sick_day(run_artifacts.world, run_artifacts.world.facts))
