"""Invented transcripts, one of each shape that agents are known to write: API.md and FORMATS.md.

In each a tool `lookup` is called once and finds `a red kettle`.
"""

from __future__ import annotations

import json
from typing import Any

ARGUMENTS = {"name": "kettle"}
TEXT = json.dumps(ARGUMENTS)
FOUND = "a red kettle"
ASKED = {"role": "user", "content": "What is on the shelf?"}
SAID = {"role": "assistant", "content": "There is a red kettle."}
OPENAI = {"id": "c1", "type": "function", "function": {"name": "lookup", "arguments": TEXT}}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def _text(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **more}


def _calls(*calls: Any, content: Any = "", **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "tool_calls": list(calls), **more}


def _tool(content: Any = FOUND, **more: Any) -> dict[str, Any]:
    return {"role": "tool", "content": content, **more}


WRAPPED = {"tool_call_id": "c1", "tool_server": "shop", "tool_name": "lookup", "is_error": False}

MESSAGES: dict[str, list[Any]] = {
    "tagged": [
        {"User": {"id": "u1", "content": [{"Text": "What is on the shelf?"}]}},
        {
            "Agent": {
                "content": [
                    {"Thinking": {"text": "I look.", "signature": "s"}},
                    {"ToolUse": {"id": "c1", "name": "lookup", "input": ARGUMENTS}},
                    {"Text": "There is a red kettle."},
                ],
                "tool_results": {
                    "c1": {"tool_use_id": "c1", "is_error": False, "content": {"Text": FOUND}}
                },
            }
        },
    ],
    "native": [
        ASKED | {"timestamp": "2026-03-20T10:00:06+00:00"},
        {"role": "assistant", "content": {"content": "", "tool_calls": [OPENAI]}},
        _tool(WRAPPED | {"summary": FOUND}),
        SAID,
    ],
    "native without a summary": [
        ASKED,
        {"role": "assistant", "content": {"content": "I look.", "tool_calls": [OPENAI]}},
        _tool(WRAPPED),
    ],
    "no messages": [],
    "openai chat": [ASKED, _calls(OPENAI, content=None), _tool(tool_call_id="c1", name="lookup")],
    "openai parts": [
        {"role": "system", "content": [_text("Be brief.", cache_control={"type": "ephemeral"})]},
        {"role": "user", "content": [_text("What is on the shelf?")]},
        _calls({"index": 1, **OPENAI}, content=[_text("I look.")]),
        _tool([_text(FOUND)], tool_call_id="c1", name="lookup"),
    ],
    "openai image": [
        _calls(OPENAI, content=None, provider_specific_fields={"refusal": None}),
        _tool([_text(FOUND)], tool_call_id="c1"),
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]},
    ],
    "exit and reasoning": [
        ASKED,
        _calls(OPENAI, reasoning_content="It may be a kettle.", function_call=None),
        _tool(tool_call_id="c1", extra={"returncode": 0, "timestamp": 1774000000.5}),
        {"role": "exit", "content": "Submitted"},
    ],
    "calls as strings": [ASKED, _calls(json.dumps(OPENAI)), _tool(tool_calls=None)],
    "flat calls": [
        {"role": "assistant", "content": "Hello, how can I help?", "turn_idx": 0},
        _calls({"id": "c1", "name": "lookup", "arguments": ARGUMENTS, "requestor": "assistant"}),
        _tool(id="c1", requestor="assistant", error=False, timestamp="2026-03-20T10:00:06.5"),
    ],
    "text actions": [
        {**ASKED, "agent": "primary", "is_demo": True},
        {
            **{"role": "assistant", "content": "I look.\n<command>\nls\n</command>"},
            **{"thought": "I look.", "action": "ls", "agent": "primary"},
        },
        {"role": "user", "content": "\x1b[31mkettle\x1b[0m\r\n", "agent": "primary"},
    ],
    "call ids in a list": [
        ASKED,
        _calls(OPENAI, content="I look.", thought="I look.", action="lookup"),
        _tool(tool_call_ids=["c1"], message_type="observation"),
    ],
    "xml in text": [
        ASKED,
        {
            "role": "assistant",
            "content": "<function=bash>\n<parameter=command>ls</parameter>\n</function>",
        },
        {"role": "user", "content": "Observation: kettle\r\n"},
    ],
    "anthropic": [
        ASKED,
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Where is it?", "signature": "c2ln"},
                _text("I look."),
                {"type": "tool_use", "id": "c1", "name": "lookup", "input": ARGUMENTS},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c1", "content": [_text(FOUND)]}],
        },
    ],
    "message in entries": [
        {
            **{"id": "m1", "role": "assistant", "model": "m", "type": "message"},
            **{"content": [_text("\n\n")], "timestamp": "2026-03-20T10:00:06.5Z"},
        },
        {
            **{"id": "m1", "role": "assistant", "model": "m", "type": "message"},
            "content": [{"type": "tool_use", "id": "c1", "name": "lookup", "input": ARGUMENTS}],
        },
        {
            "role": "user",
            "content": [
                {
                    **{"type": "tool_result", "tool_use_id": "c1"},
                    **{"content": FOUND, "is_error": False},
                }
            ],
        },
    ],
    "responses items": [
        {"role": "developer", "type": "message", "content": [{"type": "input_text", "text": "Hi"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Where?"}]},
        {"type": "function_call", "call_id": "c1", "name": "lookup", "arguments": TEXT},
        {"type": "function_call_output", "call_id": "c1", "output": FOUND},
        {
            **{"type": "message", "role": "assistant"},
            "content": [{"type": "output_text", "text": "A kettle.", "annotations": []}],
        },
    ],
    "nested list": [[ASKED, _calls(OPENAI), _tool(tool_call_id="c1")], SAID],
    "function is a name": [
        ASKED,
        _calls({"id": "c1", "type": "function", "function": "lookup", "arguments": ARGUMENTS}),
        _tool(tool_call_id="c1", function="lookup", error=None),
        {"role": "user", "content": [{"type": "image", "image": PIXEL}]},
    ],
    "gemini": [
        {"role": "user", "parts": [{"text": "What is on the shelf?"}]},
        {
            "role": "model",
            "parts": [
                {"text": "Where is it?", "thought": True},
                {"functionCall": {"name": "lookup", "args": ARGUMENTS}, "thoughtSignature": "c2"},
            ],
        },
        {
            "role": "user",
            "parts": [
                {
                    "functionResponse": {
                        **{"id": "lookup-1", "name": "lookup", "response": {"output": FOUND}}
                    }
                }
            ],
        },
    ],
    "events": [
        {
            **{"id": 1, "source": "agent", "message": "I look.", "action": "lookup"},
            "args": ARGUMENTS,
        },
        {
            **{"id": 2, "source": "agent", "message": "Done.", "observation": "lookup", "cause": 1},
            **{"content": FOUND, "extras": {"metadata": {"exit_code": 0}}},
        },
    ],
    "atif": [
        {"step_id": 1, "source": "user", "message": "What is on the shelf?"},
        {
            **{"step_id": 2, "source": "agent", "message": "I look."},
            "tool_calls": [
                {"tool_call_id": "c1", "function_name": "lookup", "arguments": ARGUMENTS}
            ],
            "observation": {"results": [{"source_call_id": "c1", "content": FOUND}]},
        },
    ],
    "server and tool": [
        {**ASKED, "content": "架子上有什么？", "tool_calls": [], "reasoning_content": ""},
        _calls({"id": "c1", "index": 0, "tool_name": "shop---lookup", "arguments": TEXT}),
        _tool(tool_call_id="c1", tool_calls=[], partial=False),
    ],
    "legacy function": [
        ASKED,
        {**SAID, "content": None, "function_call": {"name": "lookup", "arguments": TEXT}},
        {"role": "function", "name": "lookup", "content": FOUND},
    ],
    "a shell of its own": [
        ASKED,
        {
            **{"role": "bashExecution", "command": "ls shelf", "output": FOUND, "exitCode": 1},
            **{"cancelled": False, "truncated": False, "timestamp": 1774000806500},
        },
        _calls({"id": "c1", "name": "lookup", "arguments": ARGUMENTS}, model="m-1"),
        {
            **{"role": "toolResult", "toolCallId": "c1", "toolName": "lookup", "isError": False},
            **{"content": [_text(FOUND)], "details": {"diff": "+1 a kettle\n-1 a pot"}},
        },
        {
            **{"role": "assistant", "content": [], "model": "m-2", "stopReason": "error"},
            "errorMessage": "529 overloaded",
        },
    ],
    "steps of actions": [
        {
            **{"thought": "I look.", "action": "ls shelf", "observation": "kettle"},
            **{"response": "I look.\n```\nls shelf\n```", "state": "{}"},
        },
    ],
    "role is the tool": [
        ASKED,
        _calls({"id": "", "name": "lookup", "arguments": TEXT, "type": "function"}),
        {"role": "lookup", "content": FOUND},
    ],
}
"""By shape."""

CALL_LESS = {"text actions", "xml in text", "steps of actions", "a shell of its own"}
"""Shapes whose actions are told by other means than calls of `lookup`."""


def document(shape: str) -> dict[str, Any]:
    """The answer of the artifacts' endpoint that holds a shape, calls recorded beside it."""
    call = {"tool_server": "shop", "tool_name": "lookup", "parameters": ARGUMENTS}
    recorded = shape not in CALL_LESS
    artifacts = {
        **{"version": "0.1", "task_id": "shelf", "task": "Look.", "model": "m", "provider": "p"},
        **{"messages": MESSAGES[shape], "steps_taken": 1, "max_steps": 30},
        **{"created_at": "2026-03-20T10:00:00+00:00", "final_observation": None},
        "tool_calls": [call] if recorded else [],
        "tool_results": [{"observation": FOUND, "is_error": False}] if recorded else [],
    }
    return {"rollout_id": f"rol {shape}", "artifacts": artifacts}


BODIES = {shape: json.dumps(document(shape), ensure_ascii=False).encode() for shape in MESSAGES}
"""As bytes, by shape."""
