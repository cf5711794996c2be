"""The verifier of every task: the office itself knows what its task is about."""

from gymtui.gym.scenarios.run_artifacts import RunArtifacts
from gymtui.gym.wire import Result


def verify(run_artifacts: RunArtifacts) -> Result:
    office = run_artifacts.world
    verdict: Result = office.verdict()
    return verdict
