"""What there is to read in a block, as text in parts of bounded size: drawn, searched and exported.

Text is as received until `shown`, which cleans it; how it looks is decided where it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gymtui.core.text import clean, clean_block
from gymtui.transcript.blocks import (
    Block,
    Extras,
    Fault,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    Tooled,
    ToolResult,
    Transcript,
    Turn,
    Unknown,
)
from gymtui.transcript.pretty_json import compact, compact_in_steps, is_short

PART = 16_384
"""Characters of a part: what is cleaned, wrapped and coloured at once, so it has to be quick."""
LAID_OUT = 256 * 1024
"""Characters of JSON up to which it is laid out anew; more is shown as it came."""
INLINE = 100
"""Characters of arguments that still stand in the line of their call."""


def heading(block: ToolCall | ToolResult) -> str:
    """The name of a tool as people write it: `→ server.tool`, `← server.tool`.

    Returns:
        One clean line.
    """
    if isinstance(block, ToolCall):
        name = f"{block.server}.{block.tool}" if block.server else block.tool
        return f"→ {clean(name)}"
    own = ".".join(filter(None, (block.server, block.name))) if block.name else block.answers
    told = own or block.server
    return f"← {clean(told)}" if told else "←"


def body(block: Block) -> str:
    """All there is to read in a block.

    Returns:
        Text as received, blank lines around it left out; calls and results start with their
        `heading`. JSON is laid out unless that would take noticeably long.
    """
    if isinstance(block, Tooled | Unknown | Extras) and block.written is not None:
        return block.written
    match block:
        case Fault():
            return f"✗ {block.text.strip()}"
        case Text() | Thinking() | Refusal():
            return block.text.rstrip().lstrip("\r\n")
        case ToolCall():
            return _call(block)
        case ToolResult():
            values = [block.observation] if block.covered else [block.value, block.observation]
            laid = [value for value in values if value is not None]
            if all(_is_short(value) for value in laid):
                text = block.text
            else:
                told = [*(_as_it_came(value) for value in laid), block.problem or ""]
                text = "\n".join(filter(None, told))
            return f"{heading(block)}\n{text}".rstrip()
        case Unknown() | Extras():
            return block.text if _is_short(block.value) else _as_it_came(block.value)
        case _:
            return block.text


def write_long(transcript: Transcript) -> Transcript:
    """Write out what takes noticeably long, so that nobody who looks at it waits for that.

    Returns:
        The same, its long blocks written; for a thread, which is given up now and then.
    """
    turns = tuple(
        replace(turn, blocks=tuple(map(_written, turn.blocks)))
        if any(map(_is_long, turn.blocks))
        else turn
        for turn in transcript.turns
    )
    return replace(transcript, turns=turns)


def _written(block: Block) -> Block:
    if isinstance(block, Tooled | Unknown | Extras) and _is_long(block):
        return replace(block, written=body(block))
    return block


def message(turn: Turn) -> str:
    """All that a turn says, to be copied: extras only where there is nothing else."""
    if not any(map(_is_long, turn.blocks)):
        return turn.text or turn.plain()
    return "\n".join(body(block) for block in turn.blocks if not isinstance(block, Extras))


def message_at(transcript: Transcript, place: int) -> str | None:
    """What stands at a place: a turn's message, or beyond them how it ended; None for nothing."""
    if place < len(transcript.turns):
        return message(transcript.turns[place])
    beyond = transcript.endings[place - len(transcript.turns) :]
    return beyond[0].text if beyond else None


def parts(text: str) -> list[str]:
    """Divide text at line ends into parts of about `PART` characters.

    Returns:
        At least one part; joined they are the text. A part that ends within a line is one of a
        line longer than a part.
    """
    if len(text) <= PART:
        return [text]
    found: list[str] = []
    start = 0
    while start < len(text):
        end = min(start + PART, len(text))
        if end < len(text):
            cut = text.rfind("\n", start, end)
            end = cut + 1 if cut >= 0 else end
        found.append(text[start:end])
        start = end
    return found


def shown(part: str) -> str:
    """Clean a part for the screen; a line end that closes it goes, since the next part starts one.

    Args:
        part: From `parts`.

    Returns:
        Lines ended by LF alone.
    """
    return clean_block(part.removesuffix("\n"))


def may_be_coloured(text: str) -> bool:
    """Whether there are escape sequences in a text, which may say in which colours it was."""
    return "\x1b" in text or "\x9b" in text


def continues(part: str) -> bool:
    """Whether the part after this one goes on in the same line."""
    return not part.endswith("\n")


def lines_in(text: str) -> int:
    """Count the lines of a text."""
    return text.count("\n") + 1


def parameters(call: ToolCall) -> Iterator[tuple[str, str]]:
    """A call's arguments by name, each as one clean line of JSON."""
    values = call.parameters
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield clean(str(name)), clean(compact(value))


def _call(call: ToolCall) -> str:
    head = heading(call)
    if call.arguments is None:
        return f"{head}()"
    if _is_short(call.arguments) and isinstance(values := call.parameters, Mapping):
        inline = ", ".join(f"{name}={value}" for name, value in parameters(call))
        if len(inline) <= INLINE:
            return f"{head}({inline})"
        return "\n".join([f"{head}(", *_laid_parameters(values), ")"])
    text = call.text if _is_short(call.arguments) else _as_it_came(call.arguments)
    return f"{head}\n{text}" if text else head


def _laid_parameters(values: Mapping[str, object]) -> Iterator[str]:
    """One argument after another: text of several lines as such, all else as JSON."""
    for name, value in values.items():
        if isinstance(value, str) and "\n" in value:
            yield f"  {clean(str(name))}="
            yield from (f"    {line}" for line in value.split("\n"))
        else:
            written = ToolCall("", value).text if not isinstance(value, str) else compact(value)
            first, *rest = written.split("\n")
            yield f"  {clean(str(name))}={first}"
            yield from (f"  {line}" for line in rest)


def _is_short(value: object) -> bool:
    """Whether laying a value out is quick."""
    return is_short(value, LAID_OUT)


def _is_long(block: Block) -> bool:
    match block:
        case ToolCall():
            return not _is_short(block.arguments)
        case ToolResult():
            return not _is_short([block.value, block.observation])
        case Unknown() | Extras():
            return not _is_short(block.value)
        case _:
            return False


def _as_it_came(value: object) -> str:
    return value if isinstance(value, str) else compact_in_steps(value)
