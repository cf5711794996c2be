"""What there is to read in a block, as text in parts of bounded size: drawn, searched and exported.

Text is as received until `clean_part`, which cleans it; how it looks is decided where it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeGuard

from gymtui.core.replacement import replace
from gymtui.core.text import clean, clean_block
from gymtui.transcript import facts
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
from gymtui.transcript.call_names import heading
from gymtui.transcript.edits import diff_lines, edit_in
from gymtui.transcript.frames import last_frames
from gymtui.transcript.pretty_json import (
    compact,
    compact_in_steps,
    is_short,
    parse_container,
    readable,
)

PART = 16_384
"""Characters of a part: what is cleaned, wrapped and coloured at once, so it has to be quick."""
LAID_OUT = 256 * 1024
"""Characters of JSON up to which it is laid out anew; more is shown as it came."""
_MCP = {
    *("content", "isError", "is_error", "meta", "_meta", "data"),
    *("structuredContent", "structured_content"),
}
"""Members of a result of the Model Context Protocol, as clients write them."""
INLINE = 100  # characters of arguments that still stand in the line of their call


def block_text(block: Block) -> str:
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
        case Text() if _is_short(block.text) and parse_container(block.text) is not None:
            return readable(block.text)
        case Thinking():
            text = block.text.strip().removeprefix("<think>").removesuffix("</think>")
            return f"∴ {text.strip()}"
        case Text() | Refusal():
            return block.text.rstrip().lstrip("\r\n")
        case ToolCall():
            return f"{_asked(block)}  (no result)" if block.unanswered else _asked(block)
        case ToolResult():
            values = [block.observation] if block.covered else [block.value, block.observation]
            laid = [value for value in values if value is not None]
            if all(_is_short(value) for value in laid):
                texts = [_of_protocol(value) or readable(value) for value in laid]
            else:
                texts = list(map(_as_it_came, laid))
            text = last_frames("\n".join(filter(None, (*texts, block.problem))))
            if laid and not text.strip():
                return f"{heading(block)}  (no output)"
            return f"{heading(block)}\n{text}".rstrip()
        case Unknown() | Extras():
            return readable(block.value) if _is_short(block.value) else _as_it_came(block.value)
        case _:
            return block.text


def write_long(transcript: Transcript) -> Transcript:
    """Write out blocks for which that takes long, so that nobody who looks waits for it."""
    turns = tuple(
        replace(turn, blocks=tuple(map(_written, turn.blocks)))
        if any(map(_is_long, turn.blocks))
        else turn
        for turn in transcript.turns
    )
    return replace(transcript, turns=turns)


def _written(block: Block) -> Block:
    if isinstance(block, Tooled | Unknown | Extras) and _is_long(block):
        return replace(block, written=block_text(block))
    return block


def message(turn: Turn) -> str:
    """All that a turn says, to be copied: extras only where there is nothing else."""
    if not any(map(_is_long, turn.blocks)):
        return turn.text or turn.plain()
    return "\n".join(block_text(block) for block in turn.blocks if not isinstance(block, Extras))


def message_at(transcript: Transcript, place: int) -> str | None:
    """What stands at a place: a turn's message, or beyond them how it ended; None for nothing."""
    if place < 0:
        return facts.opening(transcript)
    if place < len(transcript.turns):
        return message(transcript.turns[place])
    beyond = transcript.endings[place - len(transcript.turns) :]
    return beyond[0].text if beyond else None


def split_text(text: str) -> list[str]:
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


def clean_part(part: str) -> str:
    """Clean a part; a line end that closes it goes, since the next part starts a line."""
    return clean_block(part.removesuffix("\n"))


def may_be_coloured(text: str) -> bool:
    """Whether there are escape sequences in a text, which may say in which colours it was."""
    return "\x1b" in text or "\x9b" in text


def lines_in(text: str) -> int:
    """Count the lines of a text."""
    return text.count("\n") + 1


def parameters(call: ToolCall) -> Iterator[tuple[str, str]]:
    """A call's arguments by name, each as one clean line."""
    values = call.parameters
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield clean(str(name)), clean(_quoted(value) or "")


def _asked(call: ToolCall) -> str:
    head = heading(call)
    if call.arguments is None:
        return f"{head}()"
    if _is_short(call.arguments) and isinstance(values := call.parameters, Mapping):
        inline = ", ".join(f"{name}={value}" for name, value in parameters(call))
        if len(inline) <= INLINE and not _takes_lines(values):
            return f"{head}({inline})"
        return "\n".join([f"{head}(", *_laid_parameters(values), ")"])
    laid = readable if _is_short(call.arguments) else _as_it_came
    text = laid(call.arguments)
    if isinstance(call.arguments, str) and text.startswith("{") and call.parameters == text:
        head = f"{head}  (no valid JSON)"
    return f"{head}\n{text}" if text else head


def _of_protocol(value: object) -> str:
    """What a result of the Model Context Protocol says, without its frame; empty for any other."""
    found = parse_container(value) if isinstance(value, str) else value
    if not isinstance(found, Mapping) or not found.keys() <= _MCP:
        return ""
    split_text = found.get("content")
    if not isinstance(split_text, list) or not split_text:
        return ""
    texts = [part.get("text") if isinstance(part, Mapping) else None for part in split_text]
    words = [text for text in texts if isinstance(text, str)]
    if len(words) < len(texts):
        return ""
    said_again = [parse_container(text) or text for text in words]
    rest = {
        key: more
        for key, more in found.items()
        if key != "content"
        and more
        and more is not True
        and more not in (*said_again, {"result": words[0]})
    }
    return "\n".join([*map(readable, words), *([readable(rest)] if rest else [])])


def _laid_parameters(values: Mapping[str, object], indent: str = "  ") -> Iterator[str]:
    """One argument after another: several lines as such, edits as diffs, all else as JSON."""
    edit = edit_in(values)
    for name, value in values.items():
        if edit is not None and name in edit:
            if name == edit[0]:
                yield f"{indent}{' → '.join(map(clean, edit))}="
                changed = diff_lines(str(values[edit[0]]), str(values[edit[1]]))
                yield from (f"{indent}  {line}" for line in changed)
        elif _is_edits(value):
            for number, each in enumerate(value, 1):
                yield f"{indent}{clean(str(name))} {number}:"
                yield from _laid_parameters(each, indent + "  ")
        elif isinstance(value, str) and ("\n" in value or _quoted(value) is None):
            yield f"{indent}{clean(str(name))}="
            yield from (f"{indent}  {line}" for line in value.removesuffix("\n").split("\n"))
        else:
            written = _quoted(value) or "" if isinstance(value, str) else readable(value)
            first, *rest = written.split("\n")
            yield f"{indent}{clean(str(name))}={first}"
            yield from (f"{indent}{line}" for line in rest)


def _quoted(value: object) -> str | None:
    """An argument in a line, as it would be typed; None for a text that no quotes hold as it is."""
    if not isinstance(value, str) or "\\" not in compact(value.removesuffix("\n")):
        return compact(value)
    only_quotes = "'" not in value and "\\" not in compact(value.replace('"', ""))
    return f"'{value}'" if only_quotes else None


def _takes_lines(values: Mapping[str, object]) -> bool:
    """Whether an argument is shown in lines of its own, however short it is."""
    texts = (value for value in values.values() if isinstance(value, str))
    several = any("\n" in text.removesuffix("\n") or _quoted(text) is None for text in texts)
    return several or edit_in(values) is not None or any(map(_is_edits, values.values()))


def _is_edits(value: object) -> TypeGuard[list[Mapping[str, object]]]:
    """Whether an argument is a list of edits."""
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(each, Mapping) and edit_in(each) is not None for each in value)


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
