"""A model that plays the person who wants something done (as τ²-bench does: Barres et al. 2025)."""

from typing import Any

from gymtui.gym.models.agent import AgentError, Turn
from gymtui.gym.models.answers import read_answer
from gymtui.gym.models.model_servers import ModelServers
from gymtui.gym.wire import ModelConfig

STOP = "###STOP###"
"""What it says when there is nothing left to want."""
GREETING = "Hi! How can I help you today?"  # what it is told first, so that it begins

PROMPT = f"""\
You play a person who talks to an assistant. The assistant can act; you cannot. What you want is
written below as it was given to you. Write your next message as that person would: short, in your
own words, one thing at a time. Tell details when they matter or are asked for, and make none up:
what is not written below you do not know. Say nothing about this being played.
Once the assistant has done what you want, or says for certain that it cannot, answer {STOP} alone.

What you want:
"""


class SimulatedUserError(AgentError):
    """The simulated user cannot go on."""


class SimulatedUser:
    """A person who knows the task's story and answers until it is done."""

    def __init__(self, servers: ModelServers, settings: ModelConfig, story: str) -> None:
        """Begin.

        Args:
            settings: The model's; a system prompt is more about the person, `max_steps` is how
                often they speak at most.
        """
        self._servers = servers
        self._settings = settings
        about = f"\n\nAbout you:\n{settings.system_prompt}" if settings.system_prompt else ""
        self._messages: list[dict[str, Any]] = [
            {"role": "system", "content": PROMPT + story + about}
        ]
        self._spoken = 0

    @property
    def is_out_of_turns(self) -> bool:
        """Whether they have spoken as often as they may."""
        return self._spoken >= self._settings.max_steps

    async def answer(self, agent_text: str = GREETING) -> Turn:
        """Return what they say to what the agent said.

        Raises:
            SimulatedUserError: The model does not answer.
        """
        self._messages.append({"role": "user", "content": agent_text})
        body: dict[str, Any] = {
            "messages": self._messages,
            "temperature": self._settings.temperature,
        }
        if self._settings.log_prob:
            body["logprobs"] = True
        try:
            answer = read_answer(await self._servers.complete(self._settings, body))
        except AgentError as error:
            raise SimulatedUserError(str(error)) from None
        self._spoken += 1
        # They have no tools, so a call of one stays without an answer, which no server takes.
        said = {} if answer.turn.calls or not answer.echo["content"] else answer.echo
        self._messages.append({"role": "assistant", "content": answer.turn.text, **said})
        return answer.turn


def is_done(turn: Turn) -> bool:
    """Return whether the person wants nothing more."""
    return STOP in turn.text
