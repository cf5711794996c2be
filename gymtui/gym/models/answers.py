"""Reading a model server's chat completions, whatever of the form they keep to.

What a model said is never refused for its form: what is not understood is kept as it came. Only an
answer that holds no message at all is an error.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gymtui.gym.models.agent import AgentError, Turn
from gymtui.gym.tools.toolbox import Call, call_named

MOST_WORDS = 500
"""Of a server's error, in characters: some answer with a page."""

_READ = ("role", "content", "tool_calls", "function_call")


@dataclass(frozen=True)
class Answer:
    """A model's turn, and its message as the next request repeats it."""

    turn: Turn
    echo: Mapping[str, Any]

    @property
    def is_legacy(self) -> bool:
        """Whether the call is of the form that came before `tool_calls`."""
        return "function_call" in self.echo


def server_words(value: Any) -> str:
    """Return what a server says in an error's body, in any of the usual places; may be empty."""
    if isinstance(value, str):
        return value.strip()[:MOST_WORDS]
    if isinstance(value, list) and value:
        return server_words(value[0])
    if isinstance(value, Mapping):
        for key in ("error", "message", "detail", "msg", "errors", "reason", "code"):
            if words := server_words(value.get(key)):
                return words
    return ""


def read_answer(answer: Any) -> Answer:
    """Return what a chat completion says.

    Raises:
        AgentError: There is no message in it.
    """
    choices = answer.get("choices") if isinstance(answer, Mapping) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    choice = choice if isinstance(choice, Mapping) else {}
    message = choice.get("message", choice.get("text"))
    if isinstance(message, str):
        message = {"content": message}
    if not isinstance(message, Mapping):
        words = server_words(answer)
        problem = "the endpoint's answer is no chat completion"
        raise AgentError(f"{problem}: {words}" if words else problem)
    return _read_message(message, choice, answer.get("usage"))


def _read_message(message: Mapping[str, Any], choice: Mapping[str, Any], usage: Any) -> Answer:
    content = message.get("content")
    text = _text(content)
    echo: dict[str, Any] = {"role": "assistant", "content": content}
    extras = {key: value for key, value in message.items() if key not in _READ and value}
    if calls := tuple(_calls(message.get("tool_calls"))):
        echo["tool_calls"] = [call.as_function_call() for call in calls]
    elif isinstance(message.get("function_call"), Mapping):
        calls = (_call(message["function_call"], 1),)
        echo["function_call"] = calls[0].as_function_call()["function"]
    elif message.get("tool_calls"):
        extras["tool_calls"] = message["tool_calls"]
    elif message.get("function_call"):
        extras["function_call"] = message["function_call"]
    if calls:
        # Models that think between calls want to see what they thought.
        echo |= {key: extras[key] for key in ("reasoning_content", "reasoning") if key in extras}
    for key, name in (("finish_reason", "finish_reason"), ("logprobs", "log_probs")):
        if choice.get(key):
            extras[name] = choice[key]
    usage = usage if isinstance(usage, Mapping) else {}
    turn = Turn(
        text or "",
        calls,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        content=content if text is None else None,
        extras=extras,
    )
    return Answer(turn, echo)


def _text(content: Any) -> str | None:
    """Return content that is nothing but text; None where that would lose something."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        return None
    texts = []
    for part in content:
        text = part.get("text") if isinstance(part, Mapping) else part
        if not isinstance(text, str):
            return None
        texts.append(text)
    return "".join(texts)


def _calls(made: Any) -> Iterator[Call]:
    for number, item in enumerate(made if isinstance(made, list) else [made], 1):
        if isinstance(item, str):
            try:
                item = json.loads(item)
            except ValueError:
                item = {"arguments": item}
        if isinstance(item, Mapping):
            yield _call(item, number)


def _call(made: Mapping[str, Any], number: int) -> Call:
    function = made.get("function")
    function = function if isinstance(function, Mapping) else made
    arguments = function.get("arguments")
    parameters = arguments or {}
    if isinstance(arguments, str) and arguments:
        try:
            parameters = json.loads(arguments)
        except (ValueError, RecursionError):
            parameters = None
    if not isinstance(parameters, dict):
        # Kept, so that the tool's refusal tells the model what it sent.
        parameters = {"_unparsed": arguments}
    call_id = made.get("id")
    return call_named(str(function.get("name") or ""), parameters, str(call_id or f"call_{number}"))


def _count(value: Any) -> int | None:
    """Return a count of tokens, which some servers write as text; None where it is none."""
    try:
        count = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return count if count >= 0 and not isinstance(value, bool) else None
