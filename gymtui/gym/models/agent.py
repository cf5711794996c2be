"""What an agent is to the rest of the gym: something that takes turns until it is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gymtui.gym.tools.toolbox import Call, Observation


class AgentError(Exception):
    """The agent cannot go on; the rollout fails with these words, which hold no secret."""


@dataclass(frozen=True)
class Turn:
    """What an agent does next: says something and calls tools, or, without calls, is done."""

    text: str  # what it says; may be empty when it calls tools
    calls: tuple[Call, ...] = ()  # tool calls, made together
    prompt_tokens: int | None = None  # what the turn read, None when unknown
    completion_tokens: int | None = None  # what the turn wrote, None when unknown
    content: Any = None  # what it says as it came, where that is more than text; None otherwise
    # What else the model's message holds: its reasoning, why it ended, and the like.
    extras: Mapping[str, Any] = field(default_factory=dict)


class Agent(Protocol):
    """Something that acts turn by turn."""

    async def act(self, results: Sequence[Observation], user_text: str | None = None) -> Turn:
        """Return the next turn.

        Args:
            results: What the last turn's calls returned; nothing at first.
            user_text: What the person said to it, where there is one.

        Raises:
            AgentError: The agent cannot go on.
        """

    def take_summaries(self) -> Sequence[Turn]:
        """Return what it has written since it was last asked, to be sent in place of its past."""

    def thinks_for_s(self) -> float:
        """Return how many simulated seconds the next turn takes; 0 for those that really think."""
