"""Agents on a model server: any that speaks OpenAI's chat completions."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gymtui.gym.models.agent import Turn
from gymtui.gym.models.answers import Answer, read_answer
from gymtui.gym.models.model_servers import ModelServers
from gymtui.gym.tools.toolbox import Observation
from gymtui.gym.wire import ModelConfig

DEFAULT_PROMPT = (
    "You are a diligent assistant. Use the tools to do what is asked, then say in a sentence or"
    " two what you did."
)


class ServedAgent:
    """An agent whose turns come from a model server."""

    def __init__(
        self,
        servers: ModelServers,
        settings: ModelConfig,
        instruction: str,
        functions: Sequence[Mapping[str, Any]],
    ) -> None:
        """Begin a conversation.

        Args:
            servers: The way to the model; closed by whoever made it.
            settings: The model's.
            instruction: What the agent is told.
            functions: The tools as OpenAI function definitions.
        """
        self._servers = servers
        self._settings = settings
        self._functions = functions
        self._last: Answer | None = None
        prompt = DEFAULT_PROMPT if settings.system_prompt is None else settings.system_prompt
        self._messages: list[dict[str, Any]] = [{"role": "user", "content": instruction}]
        if prompt:
            self._messages.insert(0, {"role": "system", "content": prompt})

    def thinks_for_s(self) -> float:
        """Return 0: it takes the time it takes."""
        return 0.0

    async def act(self, results: Sequence[Observation]) -> Turn:
        """Send the conversation so far and return what the model makes of it."""
        self._messages += self._told(results)
        body: dict[str, Any] = {
            "messages": self._messages,
            "temperature": self._settings.temperature,
        }
        if self._functions:
            body["tools"] = self._functions
        if self._settings.log_prob:
            body["logprobs"] = True
        answer = read_answer(await self._servers.complete(self._settings, body))
        self._messages.append(dict(answer.echo))
        self._last = answer
        return answer.turn

    def _told(self, results: Sequence[Observation]) -> list[dict[str, Any]]:
        """Return what the last turn's calls returned, as messages."""
        if self._last is None:
            return []
        messages = []
        for made, result in zip(self._last.turn.calls, results, strict=True):
            content = json.dumps(result.value, ensure_ascii=False)
            if self._last.is_legacy:
                place = {"role": "function", "name": made.function_name}
            else:
                place = {"role": "tool", "tool_call_id": made.call_id}
            messages.append({**place, "content": content})
        return messages
