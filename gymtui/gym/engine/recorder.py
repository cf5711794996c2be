"""Artifacts in the making: what was said and done in a rollout, in the vendor's message shape."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gymtui.gym.clock import Clock
from gymtui.gym.engine.assignment import Assignment
from gymtui.gym.models.agent import Turn
from gymtui.gym.models.exchange import BLOCKS
from gymtui.gym.tools.toolbox import Call, Observation
from gymtui.gym.wire import Artifacts, Rollout, ToolCallRecord, ToolResultRecord

NOTIONAL_USD_PER_TOKEN = {"prompt": 0.4e-6, "completion": 1.6e-6}
"""What a small model costs: scripted agents cost nothing, but their rollouts should look alive."""

WITH_CALLS = ("tool_calls", "function_call", BLOCKS)
"""What of a message may hold calls, besides its content."""
PARTS_WITH_CALLS = ("tool_use", "tool_result", "tool_call", "function_call")
"""The types of parts of a content that are calls or what they returned."""


@dataclass
class Recorder:
    """Takes down one rollout and makes its artifacts."""

    clock: Clock
    notional_cost: bool  # whether to estimate a cost by `NOTIONAL_USD_PER_TOKEN`
    # Keeps a piece of what is recorded, as JSON, in case the gym ends before the rollout.
    keep: Callable[[str], None] = lambda _piece: None
    messages: list[dict[str, Any]] = field(default_factory=list)
    tool_calls: list[ToolCallRecord] = field(default_factory=list)
    tool_results: list[ToolResultRecord] = field(default_factory=list)
    steps_taken: int = 0
    final_observation: str | None = None
    error: str | None = None
    thinking_s: float = 0.0
    tools_s: float = 0.0
    duration_s: float = 0.0
    _tokens: dict[str, int] = field(default_factory=dict)
    _user: dict[str, int] = field(default_factory=dict)
    _kept: tuple[int, int] = (0, 0)

    def system(self, text: str) -> None:
        """Record what goes into the system prompt besides the run's own."""
        self._message("system", text)
        self._keep()

    def user(self, text: str) -> None:
        """Record what the agent was told."""
        self._message("user", text)
        self._keep()

    def user_turn(self, turn: Turn) -> None:
        """Record what the simulated user said; its tokens are counted apart from the agent's."""
        self._user["messages"] = self._user.get("messages", 0) + 1
        for kind, count in _tokens_of(turn).items():
            name = f"{kind}_tokens_total"
            self._user[name] = self._user.get(name, 0) + count
        self._message("user", _content_of(turn), turn.extras)
        self._keep()

    def summary(self, turn: Turn) -> None:
        """Record a summary of the agent's, as it is sent from now on."""
        self._count(turn)
        self._message("user", _content_of(turn), {**turn.extras, "name": "summary"})
        self._keep()

    def turn(self, turn: Turn) -> None:
        """Record what the agent said; calls go inside `content`, as the vendor writes them."""
        self._count(turn)
        if turn.calls:
            self.steps_taken += 1
        else:
            self.final_observation = turn.text
        self._message("assistant", _content_of(turn), turn.extras)
        self._keep()

    def result(self, call: Call, observation: Observation) -> None:
        """Record what a call returned: text as a summary, everything in the results."""
        content = {
            "tool_call_id": call.call_id,
            "tool_server": call.server,
            "tool_name": call.tool,
            "is_error": observation.is_error,
        }
        if observation.text is not None:
            content["summary"] = observation.text
        self._message("tool", content)
        self.tool_calls.append(
            ToolCallRecord(
                tool_server=call.server, tool_name=call.tool, parameters=dict(call.parameters)
            )
        )
        self.tool_results.append(
            ToolResultRecord(observation=observation.value, is_error=observation.is_error)
        )
        self._keep()

    def _count(self, turn: Turn) -> None:
        for kind, count in _tokens_of(turn).items():
            self._tokens[kind] = self._tokens.get(kind, 0) + count

    def record(self) -> dict[str, Any]:
        """Return what happened, for whoever judges it."""
        return {
            "messages": self.messages,
            "tool_calls": [call.model_dump() for call in self.tool_calls],
            "tool_results": [result.model_dump() for result in self.tool_results],
        }

    def _message(self, role: str, content: Any, extras: Mapping[str, Any] = {}) -> None:
        stamp = self.clock.stamp()
        self.messages.append({"role": role, "content": content, "timestamp": stamp, **extras})

    def _keep(self) -> None:
        messages, calls = self._kept
        piece = {
            "messages": self.messages[messages:],
            "tool_calls": [call.model_dump() for call in self.tool_calls[calls:]],
            "tool_results": [result.model_dump() for result in self.tool_results[calls:]],
        }
        self._kept = (len(self.messages), len(self.tool_calls))
        self.keep(msgspec.json.encode(piece).decode())

    def _metrics(self) -> dict[str, Any]:
        metrics: dict[str, Any] = {
            "timing": {
                "duration_seconds": round(self.duration_s, 4),
                "llm_inference_seconds_total": round(self.thinking_s, 4),
                "tool_execution_seconds_total": round(self.tools_s, 4),
            }
        }
        if self._tokens:
            usage = {f"{kind}_tokens_total": count for kind, count in self._tokens.items()}
            metrics["token_usage"] = {**usage, "total_tokens_total": sum(self._tokens.values())}
        if self._user:
            metrics["simulated_user"] = self._user
        if self._tokens and self.notional_cost:
            price = NOTIONAL_USD_PER_TOKEN
            cost = sum(count * price[kind] for kind, count in self._tokens.items())
            metrics["cost"] = {"estimated_cost_usd": round(cost, 8), "pricing_source": "notional"}
        return metrics

    def artifacts(
        self, given: Assignment, created_at: str, metadata: Mapping[str, Any]
    ) -> Artifacts:
        """Return what was recorded, with the rollout's own data around it."""
        return Artifacts(
            task_id=given.task.task_id,
            task=given.task.instruction,
            model=given.settings.model,
            provider=given.settings.provider,
            messages=self.messages,
            tool_calls=self.tool_calls,
            tool_results=self.tool_results,
            steps_taken=self.steps_taken,
            max_steps=given.settings.max_steps,
            final_observation=self.final_observation,
            created_at=created_at,
            metadata={**metadata, "rollout_metrics": self._metrics()},
            error=self.error,
        )


def _tokens_of(turn: Turn) -> dict[str, int]:
    counts = {"prompt": turn.prompt_tokens, "completion": turn.completion_tokens}
    return {kind: count for kind, count in counts.items() if count is not None}


def _content_of(turn: Turn) -> Any:
    """Return what a turn says; calls go inside, as the vendor writes them."""
    content = turn.text if turn.content is None else turn.content
    calls = [call.as_function_call() for call in turn.calls]
    return {"content": content, "tool_calls": calls} if calls else content


def assemble_artifacts(
    pieces: Sequence[Mapping[str, Any]],
    rollout: Rollout,
    *,
    task: str,
    metadata: dict[str, Any],
    error: str | None,
) -> Artifacts:
    """Return the artifacts of a rollout that could not write them, from what was kept of it."""
    messages = [message for piece in pieces for message in piece["messages"]]
    return Artifacts(
        task_id=rollout.task_id,
        task=task,
        model=rollout.settings["model"],
        provider=rollout.settings["provider"],
        messages=messages,
        tool_calls=[ToolCallRecord(**call) for piece in pieces for call in piece["tool_calls"]],
        tool_results=[
            ToolResultRecord(**item) for piece in pieces for item in piece["tool_results"]
        ],
        steps_taken=sum(
            message["role"] == "assistant"
            and isinstance(message["content"], dict)
            and "tool_calls" in message["content"]
            for message in messages
        ),
        max_steps=rollout.max_steps,
        created_at=rollout.started_at or rollout.created_at,
        metadata=metadata,
        error=error,
    )


def redact(artifacts: Artifacts) -> Artifacts:
    """Return the artifacts without tool calls and tool responses.

    An assistant message that only called tools has nothing left to say and goes too.
    """
    messages = []
    for message in artifacts.messages:
        content = message["content"]
        if message["role"] == "tool":
            continue
        if isinstance(content, dict) and "tool_calls" in content:
            content = content.get("content") or ""
            if not content:
                continue
        if isinstance(content, list):
            content = [part for part in content if not _is_call(part)]
        plain = {key: message[key] for key in message if key not in WITH_CALLS}
        messages.append({**plain, "content": content})
    kept = {"messages": messages, "tool_calls": [], "tool_results": []}
    return artifacts.model_copy(update=kept)


def _is_call(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type") in PARTS_WITH_CALLS
