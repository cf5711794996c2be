"""What calls and results are called where there is a line for them: the tool, and what it is asked.

A result that does not follow its call says which it answers: `← bash(cat prod.env)`; calls made at
once that look alike are numbered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gymtui.core.text import clean, fit
from gymtui.transcript.blocks import ToolCall, ToolResult, Turn
from gymtui.transcript.pretty_json import preview

ASKED = 60  # cells of what a call asks for, beside its name
_LOOKED_AT = 200
_MODES = ("command", "action", "mode", "operation", "cmd")
"""Arguments that may be one word for what is done, so that the next says to what."""
_MODE = 24
_TALK = ("description", "thought", "thoughts", "instruction", "explanation", "reasoning")
"""Arguments in which the model says what it is about."""
_GONE_THERE = re.compile(r"\s*cd \S+ *&& *")  # how shell commands often begin, saying nothing
_THINGS = ("path", "file_path", "file", "name", "url")


def tool_name(block: ToolCall | ToolResult) -> str:
    """A tool's name with its server, as one clean line; of a result that of its call."""
    server, name = block.server, block.tool if isinstance(block, ToolCall) else block.name
    call = block.answers if isinstance(block, ToolResult) else None
    # Some messages name the tool alone in the call, and its server in the result.
    if call is not None and (call.server or not (name and name.endswith(f".{call.tool}"))):
        server, name = call.server or server, call.tool
    return clean(".".join(filter(None, (server, name))))


def argument(call: ToolCall) -> str:
    """What a call asks for: its first text, with the thing it is done to where it is a mode.

    Returns:
        One clean line of at most `ASKED` cells; empty for a call without arguments.
    """
    values = call.parameters
    if not isinstance(values, Mapping):
        return "" if values is None else _shown(values)
    given = {key: value for key, value in values.items() if value not in (None, "", [], {})}
    telling = [key for key, value in given.items() if isinstance(value, str) and key not in _TALK]
    first = next(iter(telling or given), None)
    if first is None:
        return ""
    value = given[first]
    words = [_shown(value)]
    if first in _MODES and isinstance(value, str) and value.isidentifier() and len(value) < _MODE:
        words += [_shown(given[key]) for key in _THINGS if key in given][:1]
    line = " ".join(words)
    return fit(line, ASKED, cut="middle" if "/" in line and " " not in words[-1] else "end")


def distinguish_calls(calls: Sequence[ToolCall]) -> list[str]:
    """What each of some calls asks for: its `argument`, and those in which it differs from others.

    Returns:
        One clean line for each of at most `ASKED` cells; they may still be the same.
    """
    given = [call.parameters if isinstance(call.parameters, Mapping) else {} for call in calls]
    names = list(dict.fromkeys(name for values in given for name in values))
    shown = {
        name: [_shown(values[name]) if name in values else "" for values in given] for name in names
    }
    differing = [column for column in shown.values() if len(set(column)) > 1]
    rows = zip(map(argument, calls), *differing, strict=True)
    return [fit(", ".join(dict.fromkeys(filter(None, row))), ASKED, cut="end") for row in rows]


def heading(block: ToolCall | ToolResult) -> str:
    """The line over a call or result: `→ server.tool`, `← server.tool(argument)  ✗ error?`."""
    number = f" #{block.ordinal}" if block.ordinal else ""
    if isinstance(block, ToolCall):
        return f"→ {tool_name(block)}{number}"
    asked = f"({block.asked})" if block.asked else ""
    name = f"{tool_name(block)}{number}{asked}"
    code = "" if block.exit_code is None else f"exit {block.exit_code}"
    return "  ".join(filter(None, (f"← {name}".rstrip(), error_mark(block), code)))


def error_mark(where: ToolResult | Turn) -> str:
    """`✗ error` for what failed, `✗ error?` where that is a guess; empty for what did not."""
    if not where.error:
        return ""
    if isinstance(where, ToolResult):
        return "✗ error?" if where.inferred else "✗ error"
    failed = [block for block in where.blocks if isinstance(block, ToolResult) and block.error]
    return "✗ error?" if failed and all(block.inferred for block in failed) else "✗ error"


def _shown(value: object) -> str:
    if isinstance(value, str):
        value = _GONE_THERE.sub("", value[: 2 * _LOOKED_AT], count=1)
    text = value if isinstance(value, str) else preview(value, _LOOKED_AT)
    return clean(text[:_LOOKED_AT].strip(), newline=" ")
