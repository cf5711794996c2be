"""The demo's agents, and what goes wrong in its runs; when these run is `demo.schedule`.

The models are made up; what they do is carried out like anyone else's, criteria and all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gymtui.gym.clock import DurationRange
from gymtui.gym.engine.troubles import RolloutPosition, Trouble, TroubleKind, Troubles
from gymtui.gym.models.scripted_agent import TEMPERAMENTS, Temperament

POLICY = "policy-8b"
CHECKPOINT_STEPS = 1000
CHECKPOINTS = 200
WORSE_EVERY = 4  # every so many checkpoints one is worse than the one before, the third first

OUTAGE_S = (20.0, 22.0)
"""From when to when the policy's endpoint answers 503, in seconds since the start."""
SILENCE_S = 900.0  # for how long a request stays without an answer

IMAGE_PULL = "Container hr_records-mcp: image pull failed: 503 from the registry"
OUTAGE = "503 from endpoint"


def checkpoint(number: int) -> str:
    """Return the name of the policy's checkpoint of that number, from 1."""
    return f"{POLICY}-s{number * CHECKPOINT_STEPS}"


def is_worse(number: int) -> bool:
    """Return whether the checkpoint is a step back."""
    return number % WORSE_EVERY == WORSE_EVERY - 1


def _checkpoint(number: int) -> Temperament:
    if is_worse(number):
        # Quick and sloppy: it misnames parameters and does not look twice.
        return Temperament(0.5, 0.03, 0.2, True, DurationRange(0.9, 2.0))
    care = 0.975 - 0.275 * 0.3 ** (number - 1)
    return Temperament(care, 0.05, 0.03, True, DurationRange(1.2, 2.6))


AGENTS: Mapping[str, Temperament] = {
    **TEMPERAMENTS,
    "teacher-72b": Temperament(0.975, 0.03, 0.01, True, DurationRange(2.0, 4.2)),
    "baseline-8b": Temperament(0.6, 0.1, 0.08, True, DurationRange(1.0, 2.2)),
    "wanderer-3b": TEMPERAMENTS["scripted/lost"],
    **{checkpoint(number): _checkpoint(number) for number in range(1, CHECKPOINTS + 1)},
}
"""The demo's scripted agents, by model."""


@dataclass(frozen=True)
class RunTroubles:
    unbuilt: frozenset[int] = frozenset()  # the attempts whose workspaces do not build
    silent: str | None = None  # the task whose first attempt stands still from its sixth turn on
    outage: bool = False  # whether its endpoint is out while the policy's is


def plan_troubles(
    troubles_of: Callable[[str], RunTroubles | None], running_s: Callable[[], float]
) -> Troubles:
    """Return what goes wrong, as planned.

    Args:
        troubles_of: Of a run; None where nothing goes wrong.
        running_s: For how long the demo has been running, in seconds of the machine.
    """

    def happens(moment: RolloutPosition) -> Trouble | None:
        planned = troubles_of(moment.run_id)
        if planned is None:
            return None
        if moment.step == 0:
            broken = moment.attempt in planned.unbuilt
            return Trouble(TroubleKind.WORKSPACE, IMAGE_PULL) if broken else None
        stands = moment.attempt == 0 and moment.step == 6 and moment.task_id == planned.silent
        if stands and running_s() < SILENCE_S:
            return Trouble(TroubleKind.SILENCE)
        out = planned.outage and OUTAGE_S[0] <= running_s() < OUTAGE_S[1]
        return Trouble(TroubleKind.ENDPOINT, OUTAGE) if out else None

    return happens
