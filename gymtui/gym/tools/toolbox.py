"""What an agent can call: tools over a workspace, grouped by the server that offers them.

The tools themselves belong to the scenarios; here is how one is described, called and answered.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from gymtui.gym.tools.workspace import Workspace

SEPARATOR = "__"  # between server and tool in the name a model sees, as in the vendor's messages


class Parameters(BaseModel):
    """What a tool takes; unknown parameters are refused, so that an agent learns of its mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolError(Exception):
    """A tool refuses; the agent sees `payload` as an erroneous observation."""

    def __init__(self, error: str, **details: object) -> None:
        super().__init__(error)
        self.payload: dict[str, object] = {"error": error, **details}


@dataclass(frozen=True)
class Tool:
    server: str
    name: str  # its name on that server
    description: str  # what it does, for models
    parameters: type[Parameters]
    # Does it on a workspace and returns the observation, any JSON value.
    run: Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Call:
    """A tool call an agent makes; `call_id` pairs it with its result."""

    server: str
    tool: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    call_id: str = ""
    # As the model wrote it, with whatever else it holds, such as the signature of a thought.
    received: Mapping[str, Any] = field(default_factory=dict)

    @property
    def function_name(self) -> str:
        """The name a model sees: `<server>__<tool>`, or what it made of it."""
        return f"{self.server}{SEPARATOR}{self.tool}" if self.server else self.tool

    def as_function_call(self) -> dict[str, Any]:
        """Return the call as OpenAI's messages hold it, with what else was received in it."""
        arguments = json.dumps(dict(self.parameters), ensure_ascii=False)
        function = {"name": self.function_name, "arguments": arguments}
        given = self.received.get("function")
        if not isinstance(given, Mapping):
            return {"id": self.call_id, "type": "function", "function": function}
        beside = {"id": self.call_id, "type": "function"}
        return {**self.received, **beside, "function": {**given, **function}}


def call_named(function_name: str, parameters: Mapping[str, Any], call_id: str) -> Call:
    """Return the call of a function by the name that a model sees."""
    server, separator, tool = function_name.partition(SEPARATOR)
    if not separator:
        server, tool = "", function_name
    return Call(server, tool, parameters, call_id)


@dataclass(frozen=True)
class Observation:
    """What a call returned: any JSON value."""

    value: Any
    is_error: bool = False

    @property
    def text(self) -> str | None:
        """The text in it, where it is text or carries one: what the recorder calls a summary."""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, dict) and isinstance(self.value.get("text"), str):
            return str(self.value["text"])
        return None


class Toolbox:
    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools = {(tool.server, tool.name): tool for tool in tools}
        self._functions: list[dict[str, Any]] | None = None

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def call(self, workspace: Any, call: Call) -> Observation:
        """Make a call. Whatever is wrong with it is an observation, never an exception."""
        tool = self._tools.get((call.server, call.tool))
        if tool is None:
            return Observation({"error": "unknown_tool", "tool": call.function_name}, is_error=True)
        try:
            parameters = tool.parameters.model_validate(dict(call.parameters))
        except ValidationError as error:
            problems = [
                {"parameter": ".".join(map(str, problem["loc"])), "problem": problem["msg"]}
                for problem in error.errors(include_url=False, include_input=False)
            ]
            payload = {"error": "invalid_parameters", "problems": problems}
            return Observation(payload, is_error=True)
        try:
            value = tool.run(workspace, parameters)
        except ToolError as refusal:
            return Observation(refusal.payload, is_error=True)
        # A bundle's world may be anything: only one that notes its changes has a diff.
        changes = workspace.take_changes() if isinstance(workspace, Workspace) else []
        return Observation(_with_diff(value, changes))

    def functions(self) -> list[dict[str, Any]]:
        """Return the tools as OpenAI function definitions; not to be changed."""
        if self._functions is None:
            # Kept: a schema takes a millisecond to make, and every rollout wants them all.
            self._functions = [
                {
                    "type": "function",
                    "function": {
                        "name": f"{tool.server}{SEPARATOR}{tool.name}",
                        "description": tool.description,
                        "parameters": tool.parameters.model_json_schema(),
                    },
                }
                for tool in self
            ]
        return self._functions


def _with_diff(value: Any, changes: list[str]) -> Any:
    if not changes:
        return value
    diff = "\n".join(["", "", "[STATE DIFF]", *changes])
    if isinstance(value, dict):
        return {**value, "text": str(value.get("text", "")) + diff}
    return str(value) + diff
