"""What a rollout is given: what it is about, and what it shares with every other."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from gymtui.gym.clock import Clock, Pace
from gymtui.gym.engine.cancellation import Cancellation
from gymtui.gym.engine.records import Ending, PhaseSpan
from gymtui.gym.engine.troubles import Troubles, no_troubles
from gymtui.gym.models.agent import Agent
from gymtui.gym.models.simulated_user import SimulatedUser
from gymtui.gym.scenarios.base import Scenario, Task
from gymtui.gym.tools.remote import RemoteTools
from gymtui.gym.wire import ModelConfig, Phase, Result, TaskOverride

Functions = Sequence[Mapping[str, Any]]  # tools as OpenAI function definitions


class MakeAgent(Protocol):
    def __call__(
        self,
        instruction: str,
        functions: Functions,
        guidance: str,
        *,
        decisions: Random,
        durations: Random,
    ) -> Agent:
        """Return the agent, told what to do, with its tools and two sources of randomness.

        Args:
            guidance: What it is told apart from that; may be empty.
        """


class RolloutLog(Protocol):
    """Where it is written how rollouts go on; what cannot be written is a `StorageError`."""

    def begin(self, rollout_id: str, stamp: str) -> bool:
        """Begin a rollout; False where it is not to begin any more."""

    def set_phase(self, rollout_id: str, phase: Phase, phases: Sequence[PhaseSpan]) -> None:
        """Enter a phase; the step is unknown until the agent takes one."""

    def set_step(self, rollout_id: str, step: int) -> None:
        """Say how many tool-calling turns the agent has taken."""

    def add_progress(self, rollout_id: str, body: str) -> None:
        """Keep what a rollout has just recorded."""

    def finish(self, rollout_id: str, ending: Ending) -> None:
        """Write how a rollout ended, with its artifacts."""


@dataclass(frozen=True)
class RolloutContext:
    """What every rollout of a gym shares."""

    log: RolloutLog
    clock: Clock
    pace: Pace
    failure_share: float  # which share of scripted agents' workspaces fail to build, 0 to 1
    troubles: Troubles = no_troubles  # what else goes wrong for them


@dataclass(frozen=True)
class Assignment:
    rollout_id: str
    run_id: str
    scenario: Scenario
    task: Task  # as the run changes it
    settings: ModelConfig
    override: TaskOverride | None
    seed: str  # what the agent decides, how long things take and what breaks is drawn from it
    # What the workspace holds is drawn from it, so that it can be the same for every agent that
    # tries the same task.
    world_seed: str
    make_agent: MakeAgent
    cancellation: Cancellation  # the run's
    is_scripted: bool  # whether the agent only plays one: then phases take time and things go wrong
    attempt: int = 0  # which try of the task this is, from 0
    # Makes the person who wants the task done; None has the agent told itself.
    make_user: Callable[[str], SimulatedUser] | None = None
    # Makes the tools of servers elsewhere, for each attempt anew.
    make_tools: Callable[[], Sequence[RemoteTools]] = tuple
    has_own_tools: bool = True  # whether the agent has the scenario's own tools, too
    # Judges what happened, given the record, in place of the task's verifier.
    judge: Callable[[Mapping[str, Any]], Awaitable[Result]] | None = None


class EndedError(Exception):
    """The rollout ends here, without a verdict."""

    def __init__(self, status: Any, reason: str, error: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.error = error


def randomness(seed: str, purpose: str) -> Random:
    """Return a source of randomness that is the same for the same seed and purpose."""
    return Random(f"{seed}|{purpose}")  # noqa: S311 - repeatable, not secret
