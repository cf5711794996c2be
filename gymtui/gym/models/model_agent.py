"""Agents on a model server: any that speaks OpenAI's chat completions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gymtui.gym.models.agent import Turn
from gymtui.gym.models.answers import Answer, read_answer
from gymtui.gym.models.history import History
from gymtui.gym.models.model_servers import ModelServers
from gymtui.gym.tools.toolbox import Observation
from gymtui.gym.wire import ModelConfig

DEFAULT_PROMPT = (
    "You are a diligent assistant. Use the tools to do what is asked, then say in a sentence or"
    " two what you did."
)


class ModelAgent:
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
        """
        self._servers = servers
        self._settings = settings
        self._functions = functions
        self._last: Answer | None = None
        self._turns_to_summarise = 0
        prompt = DEFAULT_PROMPT if settings.system_prompt is None else settings.system_prompt
        system = [{"role": "system", "content": prompt}] if prompt else []
        self._history = History([*system, {"role": "user", "content": instruction}])

    def thinks_for_s(self) -> float:
        """Return 0: it takes the time it takes."""
        return 0.0

    async def act(self, results: Sequence[Observation], user_text: str | None = None) -> Turn:
        """Send the conversation so far and return what the model makes of it."""
        self._history.follow(self._told(results))
        if user_text is not None:
            self._history.follow([{"role": "user", "content": user_text}])
        summary = await self._summarise()
        answer = await self._answer(self._history.messages, self._functions)
        self._history.begin_exchange(answer.echo)
        self._last = answer
        self._turns_to_summarise += bool(answer.turn.calls)
        return answer.turn if summary is None else _after(summary, answer.turn)

    async def _answer(
        self, messages: Sequence[Mapping[str, Any]], functions: Sequence[Mapping[str, Any]]
    ) -> Answer:
        body: dict[str, Any] = {"messages": messages, "temperature": self._settings.temperature}
        if functions:
            body["tools"] = functions
        if self._settings.log_prob:
            body["logprobs"] = True
        return read_answer(await self._servers.complete(self._settings, body))

    async def _summarise(self) -> Turn | None:
        """Put a summary in place of the older exchanges when it is time, and return it."""
        every, stride = self._settings.summarize_every_n_turns, self._settings.context_stride
        if not every or self._turns_to_summarise < every:
            return None
        request = self._history.summary_request(stride)
        if request is None:
            return None
        self._turns_to_summarise = 0
        turn = (await self._answer(request, ())).turn
        if not turn.text:
            return None
        sent = self._history.put_summary(turn.text, stride)
        return replace(turn, before=({**sent, "name": "summary"},))

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


def _after(summary: Turn, turn: Turn) -> Turn:
    """Return a turn with the summary that it was taken on, and the tokens of both."""

    def both(one: int | None, other: int | None) -> int | None:
        return one if other is None else other if one is None else one + other

    return replace(
        turn,
        before=summary.before,
        prompt_tokens=both(summary.prompt_tokens, turn.prompt_tokens),
        completion_tokens=both(summary.completion_tokens, turn.completion_tokens),
    )
