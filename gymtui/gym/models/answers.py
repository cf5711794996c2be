"""Reading a model server's chat completions, whatever of the form they keep to.

What a model said is never refused for its form: what is not understood is kept as it came. Only an
answer that holds no message at all is an error.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gymtui.gym.models.agent import AgentError, Turn
from gymtui.gym.tools.toolbox import Call, call_named

MOST_WORDS = 500  # of a server's error, in characters: some answer with a page

_READ = ("role", "content", "tool_calls", "function_call")
_REASONING = ("reasoning", "reasoning_content")
_NOTHING: tuple[Any, ...] = (None, "", [], {})


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
    text, is_all = _text(content)
    more = {key: value for key, value in message.items() if key not in _READ}
    extras = {key: value for key, value in more.items() if value not in _NOTHING}
    made, legacy = message.get("tool_calls"), message.get("function_call")
    items = made if isinstance(made, list) else [made] if made else []
    calls = tuple(call for number, item in enumerate(items, 1) for call in _calls(item, number))
    echo: dict[str, Any] = {"role": "assistant", "content": content}
    if calls:
        echo["tool_calls"] = [call.as_function_call() for call in calls]
    elif isinstance(legacy, Mapping):
        calls = (_call({"function": legacy}, 1),)
        echo["function_call"] = calls[0].as_function_call()["function"]
    # Models that think between calls want to see what they thought, others refuse it.
    echo |= {key: extras[key] for key in extras if calls or key not in _REASONING}
    # What is beside the calls that are made, or is none.
    if len(calls) != len(items) and made:
        extras["tool_calls"] = made
    if legacy and "function_call" not in echo:
        extras["function_call"] = legacy
    for key, name in (("finish_reason", "finish_reason"), ("logprobs", "log_probs")):
        if choice.get(key):
            extras[name] = choice[key]
    usage = usage if isinstance(usage, Mapping) else {}
    turn = Turn(
        text,
        calls,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        content=None if is_all else content,
        extras=extras,
    )
    return Answer(turn, echo)


def _text(content: Any) -> tuple[str, bool]:
    """Return the text in a message's content, and whether that is all of it."""
    if content is None or isinstance(content, str):
        return content or "", True
    parts = content if isinstance(content, list) else []
    whole = isinstance(content, list)
    said = []
    for part in parts:
        text = part.get("text") if isinstance(part, Mapping) else part
        if isinstance(text, str):
            said.append(text)
        beside = part if isinstance(part, Mapping) else {}
        is_more = any(beside[key] not in _NOTHING for key in beside if key not in ("type", "text"))
        whole = whole and isinstance(text, str) and not is_more
    return "".join(said), whole


def _calls(item: Any, number: int) -> list[Call]:
    """Return the call that an item is, if it is one."""
    if isinstance(item, str):
        try:
            item = json.loads(item)
        except ValueError:
            item = {"arguments": item}
    return [_call(item, number)] if isinstance(item, Mapping) else []


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
    call_id = str(made.get("id") or f"call_{number}")
    call = call_named(str(function.get("name") or ""), parameters, call_id)
    return replace(call, received=made)


def _count(value: Any) -> int | None:
    """Return a count of tokens, which some servers write as text; None where it is none."""
    try:
        count = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return count if count >= 0 and not isinstance(value, bool) else None
