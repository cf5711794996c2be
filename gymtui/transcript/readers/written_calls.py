"""Calls that agents write in their text, and what they then observe: read as calls and results.

Known are SWE-agent's ``action``; the tags ``<function=…>``, ``<tool_call>``, ``<invoke>`` and
``<execute_…>``; fences of a shell that is answered; `Action:` lines, and Terminus's keystrokes in
JSON. The rest of a text stays where it stood, and each call keeps the words it was read from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gymtui.transcript.blocks import Block, BlockKind, Image, Text, ToolCall, ToolResult, split_name
from gymtui.transcript.pretty_json import parse_container
from gymtui.transcript.readers.fields import Draft

_NAMED_WITHIN = 500
"""How many characters before its longest argument the name of a written call is looked for."""
_OPENING = re.compile(r"[ \t]*(?:<[^<>\n]{1,80}>|```[ \t\w]*|[\w *-]{1,20}:[ *]*)[ \t\r]*")
"""A line that only opens a call: `<command>`, a fence, `Action:`."""
_CLOSING = re.compile(r"\s*(?:</[^<>\n]{1,80}>|```|end_of_edit|[\])}]{1,4})*\s*")
_OPENINGS = 3

_TAGS = re.compile(
    r"<function=(?P<function>[^\s<>=]{1,120})>(?P<inside>.*?)(?:</function>|\Z)"
    r"|<tool_call>(?P<json>.*?)(?:</tool_call>|\Z)"
    r"|(?:<(?:antml:)?function_calls>\s*)?"
    r"<(?:antml:)?invoke name=\"(?P<invoke>[^\"\n]{1,120})\">(?P<inner>.*?)"
    r"(?:</(?:antml:)?invoke>(?:\s*</(?:antml:)?function_calls>)?|\Z)"
    r"|<execute_(?P<execute>bash|ipython|browse)>(?P<code>.*?)(?:</execute_\w{1,10}>|\Z)",
    re.DOTALL,
)
_PARAMETER = re.compile(
    r"<(?:antml:)?parameter(?:=|\s+name=\")(?P<name>[^\"<>\n]{1,120})\"?[^<>\n]*>"
    r"(?P<value>.*?)(?:</(?:antml:)?parameter>|\Z)",
    re.DOTALL,
)
_FENCE = re.compile(r"^```[ \t]*([\w-]{0,40})[ \t\r]*$", re.MULTILINE)
_SHELLS = ("mswea_bash_command", "bash", "sh", "shell")
_REACT = re.compile(
    r"(?:^|(?<=\n))Action:[ \t]*(?P<tool>[\w.:/-]{1,120})[ \t\r]*\nAction Input:[ \t]*"
    r"(?P<input>.*?)(?=\nObservation:|\Z)",
    re.DOTALL,
)
_OBSERVED = re.compile(
    r"\s*(?:<(?:returncode|output|observation|tool_response|function_results|exit_?code)\b"
    r"|\[?observation\b|EXECUTION RESULT|OBSERVATION\b)",
    re.IGNORECASE,
)
"""How an answer begins that can be nothing else."""
_RAN = re.compile(r"\s*<bash-input>(.*?)</bash-input>\s*", re.DOTALL)
_PRINTED = re.compile(r"\s*<bash-std(?:out|err)>")
_ANSWERS = re.compile(r"<tool_response>\s*(.*?)\s*(?:</tool_response>|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Found:
    """A call, and the stretch of a text that says it."""

    start: int
    end: int
    name: str
    arguments: object


def read_written(drafts: list[Draft]) -> None:
    """Make calls of what agents write, and results of what answers them, in place."""
    for number, draft in enumerate(drafts):
        if draft.kind is BlockKind.USER:
            _take_shell(draft)
        if draft.kind is not BlockKind.ASSISTANT:
            continue
        after = drafts[number + 1] if number + 1 < len(drafts) else None
        if after is not None and _hands_over(draft, after):
            make_answer(after)
        if not may_write(draft):
            continue
        answered = after is not None and _answers(after)
        if (_take_action(draft) or _take_calls(draft, answered=answered)) and after is not None:
            make_answer(after)


def may_write(draft: Draft) -> bool:
    """Whether calls may stand in a turn's text: it has no others, and is no demonstration."""
    return draft.rest.get("is_demo") is not True and not any(
        isinstance(block, ToolCall | ToolResult) for block in draft.blocks
    )


def make_answer(draft: Draft) -> None:
    """Make a tool's answer of the turn after a call, if it is one that says something."""
    texts = [block.text for block in draft.blocks if isinstance(block, Text)]
    plain = all(isinstance(block, Text | Image) for block in draft.blocks)
    if draft.kind is not BlockKind.USER or not texts or not plain:
        return
    draft.kind = BlockKind.TOOL
    whole = "\n".join(texts)
    several = _ANSWERS.findall(whole) if whole.count("<tool_response>") > 1 else [whole]
    others = [block for block in draft.blocks if isinstance(block, Image)]
    draft.blocks = [*(ToolResult(text) for text in several), *others]


def insert_call(draft: Draft, place: tuple[int, int, int], name: str, arguments: object) -> int:
    """Make a call of a `stretch` of a turn's text; its place among the blocks."""
    number, start, end = place
    made = list(_divided(draft.blocks[number].text, [_Found(start, end, name, arguments)]))
    draft.blocks[number : number + 1] = made
    return number + next(n for n, block in enumerate(made) if isinstance(block, ToolCall))


def find_stretch(draft: Draft, argument: str, tool: str) -> tuple[int, int, int] | None:
    """Where in a turn a call is written.

    Args:
        argument: Its longest argument.

    Returns:
        The text block, where in it the line begins that names the tool, with what opens it, and
        where what closes it ends; None if it is nowhere.
    """
    for number in range(len(draft.blocks) - 1, -1, -1):
        block = draft.blocks[number]
        if isinstance(block, Text) and (at := block.text.rfind(argument)) >= 0:
            return number, _beginning(block.text, at, tool), _ending(block.text, at, argument)
    return None


def _beginning(text: str, argument: int, tool: str) -> int:
    named = text.rfind(split_name(tool)[1], max(0, argument - _NAMED_WITHIN), argument)
    start = text.rfind("\n", 0, named if named >= 0 else argument) + 1
    for _ in range(_OPENINGS):
        before = text.rfind("\n", 0, max(0, start - 1)) + 1
        if before == start or not _OPENING.fullmatch(text, before, start - 1):
            break
        start = before
    return start


def _ending(text: str, argument: int, written: str) -> int:
    end = argument + len(written)
    line = text.find("\n", end)
    end = len(text) if line < 0 else line
    for _ in range(_OPENINGS):
        after = text.find("\n", end + 1)
        after = len(text) if after < 0 else after
        if end >= len(text) or not _CLOSING.fullmatch(text, end + 1, after):
            break
        end = after
    return end


def _take_action(draft: Draft) -> bool:
    """Take SWE-agent's ``action``, out of the text where that repeats it; whether there is one."""
    action = draft.rest.get("action")
    if not isinstance(action, str) or not (written := action.strip()):
        return False
    name, arguments = written.split(None, 1)[0], {"action": written}
    place = find_stretch(draft, written, "")
    if place is None and "thought" not in draft.rest and "response" not in draft.rest:
        return False
    del draft.rest["action"]
    if place is not None:
        insert_call(draft, place, name, arguments)
    else:
        draft.blocks.append(ToolCall(name, arguments, wording=action))
    return True


def _take_shell(draft: Draft) -> None:
    """Read what the user ran beside an agent (Claude Code): the command, or what it printed."""
    block = draft.blocks[0] if len(draft.blocks) == 1 else None
    if not isinstance(block, Text):
        return
    if (ran := _RAN.fullmatch(block.text)) is not None:
        draft.blocks = [ToolCall("bash", {"command": ran[1]}, wording=block.text)]
    elif _PRINTED.match(block.text):
        draft.kind = BlockKind.TOOL
        draft.blocks = [ToolResult(block.text, name="bash")]


def _take_calls(draft: Draft, *, answered: bool) -> bool:
    """Take the calls that a turn's texts spell out; whether there are any."""
    blocks: list[Block] = []
    for block in draft.blocks:
        found = list(_calls_in(block.text, answered=answered)) if isinstance(block, Text) else []
        blocks += _divided(block.text, found) if found else [block]
    anything = len(blocks) != len(draft.blocks) or any(isinstance(b, ToolCall) for b in blocks)
    draft.blocks = blocks
    return anything


def _calls_in(text: str, *, answered: bool) -> Iterator[_Found]:
    if "<" in text and (found := list(_tagged(text))):
        yield from found
    elif "```" in text and answered and len(fenced := list(_commands(text))) == 1:
        yield from fenced  # one a turn is what these agents may write: more are examples
    elif "Action Input:" in text:
        for match in _REACT.finditer(text):
            given = match["input"].strip()
            arguments = {"input": given} if parse_container(given) is None else given
            yield _Found(*match.span(), match["tool"], arguments)
    elif '"keystrokes"' in text:
        yield from _keystrokes(text)


def _commands(text: str) -> Iterator[_Found]:
    """Commands in fences of a shell."""
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence
            continue
        if opened[1] in _SHELLS:
            command = text[opened.end() : fence.start()].strip("\r\n")
            yield _Found(opened.start(), fence.end(), "bash", {"command": command})
        opened = None


def _tagged(text: str) -> Iterator[_Found]:
    for match in _TAGS.finditer(text):
        kind = match.lastgroup
        read: tuple[str, object] | None
        if kind == "json":
            read = _from_json(match["json"])
        elif kind == "code":
            read = match["execute"], {"code": match["code"].strip("\n")}
        else:
            name = match["function"] or match["invoke"]
            read = name, _parameters(match["inside"] or match["inner"] or "")
        if read is not None:
            yield _Found(*match.span(), *read)


def _from_json(text: str) -> tuple[str, object] | None:
    value = parse_container(text.strip())
    if isinstance(value, Mapping) and isinstance(name := value.get("name"), str):
        return name, value.get("arguments", value.get("parameters"))
    if (inner := _TAGS.search(text)) is not None and inner["function"]:
        return inner["function"], _parameters(inner["inside"])
    return None


def _parameters(text: str) -> dict[str, str]:
    return {
        match["name"]: match["value"].removeprefix("\n").removesuffix("\n")
        for match in _PARAMETER.finditer(text)
    }


def _keystrokes(text: str) -> Iterator[_Found]:
    start, end = text.find("{"), text.rfind("}") + 1
    value = parse_container(text[start:end]) if 0 <= start < end else None
    commands = value.get("commands") if isinstance(value, Mapping) else None
    if isinstance(commands, list) and commands:
        yield _Found(start, end, "terminal", value)


def _divided(text: str, found: list[_Found]) -> Iterator[Block]:
    """A text's blocks: what is said, and calls; blanks between them belong to the calls."""
    place = 0
    for number, each in enumerate(found):
        before = text[place : each.start]
        if before.strip():
            yield Text(before)
            place = each.start
        end = each.end
        begin = found[number + 1].start if number + 1 < len(found) else len(text)
        end = begin if not text[end:begin].strip() else end
        yield ToolCall(each.name, each.arguments, wording=text[place:end])
        place = end
    if place < len(text):
        yield Text(text[place:])


def _hands_over(draft: Draft, after: Draft) -> bool:
    """Whether a user's turn that is JSON stands where calls are answered (Google's ADK)."""
    calls = any(isinstance(block, ToolCall) for block in draft.blocks)
    block = after.blocks[0] if len(after.blocks) == 1 else None
    return calls and isinstance(block, Text) and isinstance(parse_container(block.text), Mapping)


def _answers(draft: Draft) -> bool:
    """Whether a turn begins as only an answer does."""
    first = draft.blocks[0] if draft.blocks else None
    return isinstance(first, ToolResult) or (
        isinstance(first, Text) and _OBSERVED.match(first.text) is not None
    )
