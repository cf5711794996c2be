"""Agents on a model server: any that speaks OpenAI's chat completions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gymtui.gym.models.agent import Turn
from gymtui.gym.models.answers import Answer, read_answer
from gymtui.gym.models.exchange import BLOCKS
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
        guidance: str = "",
    ) -> None:
        """Begin a conversation.

        Args:
            servers: The way to the model; closed by whoever made it.
            guidance: What goes behind the system prompt.
        """
        self._servers = servers
        self._settings = settings
        self._functions = functions
        self._last: Answer | None = None
        self._summaries: list[Turn] = []
        self._turns_to_summarise = 0
        prompt = DEFAULT_PROMPT if settings.system_prompt is None else settings.system_prompt
        prompt = "\n\n".join(text for text in (prompt, guidance) if text)
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
        await self._summarise()
        answer = await self._answer(self._history.messages, self._functions)
        self._history.begin_exchange(answer.echo)
        self._last = answer
        self._turns_to_summarise += bool(answer.turn.calls)
        return answer.turn

    def take_summaries(self) -> Sequence[Turn]:
        """Return the summaries that were written since it was last asked."""
        taken, self._summaries = self._summaries, []
        return taken

    async def _answer(
        self, messages: Sequence[Mapping[str, Any]], functions: Sequence[Mapping[str, Any]]
    ) -> Answer:
        body: dict[str, Any] = {"messages": messages, "temperature": self._settings.temperature}
        if functions:
            body["tools"] = functions
        if self._settings.log_prob:
            body["logprobs"] = True
        return read_answer(await self._servers.complete(self._settings, body))

    async def _summarise(self) -> None:
        """Put a summary in place of the older exchanges when it is time."""
        every, stride = self._settings.summarize_every_n_turns, self._settings.context_stride
        if not every or self._turns_to_summarise < every:
            return
        request = self._history.summary_request(stride)
        if request is None:
            return
        self._turns_to_summarise = 0
        turn = (await self._answer(request, ())).turn
        if turn.text:
            sent = self._history.put_summary(turn.text, stride)
            more = {} if turn.content is None else {BLOCKS: turn.content}
            extras = {**turn.extras, **more}
            turn = replace(turn, text=sent["content"], content=None, extras=extras)
        self._summaries.append(turn)

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
