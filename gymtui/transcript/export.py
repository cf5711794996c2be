"""A transcript as a document: Markdown to read elsewhere, or plain text for a terminal or a pipe.

Text is cleaned as it is for the screen, since people look at these files in terminals. The bytes as
the server sent them are not made here: they are written as they are.
"""

from __future__ import annotations

import re
from textwrap import dedent

from gymtui.core.text import clean, clean_block, fit
from gymtui.transcript import passages
from gymtui.transcript.blocks import (
    Block,
    Ending,
    Extras,
    Fault,
    Image,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Transcript,
    Turn,
)
from gymtui.transcript.call_names import error_mark
from gymtui.transcript.facts import facts, untold_task

NO_MESSAGES = "the artifacts hold no messages"  # what is said where there is nothing to read
_TITLE_CELLS = 200
_MOMENT_S = 0.05
_HEAD_LINES = 12  # in which the facts stand, the rollout's id among them


def render(transcript: Transcript, form: str) -> str:
    """Write a transcript as `markdown`, or as `text` for any other form."""
    return markdown(transcript) if form == "markdown" else text(transcript)


def markdown(transcript: Transcript) -> str:
    """Write a Markdown document: facts first, then each turn under its heading, unfolded."""
    named = transcript.task or transcript.task_id or transcript.rollout_id or "Transcript"
    title = fit(clean(named.strip().split("\n", 1)[0]), _TITLE_CELLS, cut="end")
    parts = [
        f"# {title}",
        "\n".join(f"- **{name}**: {value}" for name, value in facts(transcript)),
        untold_task(transcript),
    ]
    if not transcript.turns:
        parts.append(f"*{NO_MESSAGES}*")
    for turn in transcript.turns:
        parts.append(f"## {heading(turn)}")
        parts += [shown for block in turn.blocks if (shown := _markdown(block))]
    for ending in transcript.endings:
        if ending is transcript.result:
            parts.append(_result_as_markdown(ending))
        elif ending.text != transcript.error:  # which is a fact
            parts += [f"## {clean(ending.title).capitalize()}", clean_block(ending.text)]
    if transcript.extras.value:
        parts += ["## Further fields", _fenced(transcript.extras.text, "json")]
    return "\n\n".join(filter(None, parts)) + "\n"


def text(transcript: Transcript) -> str:
    """Write plain text: facts first, then each turn, indented under its heading, unfolded."""
    lines = [f"{name}: {value}" for name, value in facts(transcript)]
    if task := untold_task(transcript):
        lines += ["", "== task", *_indented(task)]
    if not transcript.turns:
        lines += ["", NO_MESSAGES]
    for turn in transcript.turns:
        lines += ["", f"== {heading(turn)}"]
        for block in turn.blocks:
            if not isinstance(block, Extras):
                lines += _indented(clean_block(passages.block_text(block)))
    for ending in transcript.endings:
        if ending is transcript.result or ending.text != transcript.error:  # which is a fact
            lines += ["", *_result_as_text(ending)]
    return "\n".join(lines).lstrip("\n") + "\n"


def fault_in(document: str, form: str, rollout_id: str, result: Ending | None) -> str | None:
    """Why a document is not what `written` makes of a rollout's artifacts and its result.

    An earlier version wrote whatever was answered, a page of a proxy's say: that names no rollout.
    """
    as_markdown = form == "markdown"
    fact = f"- **rollout**: {clean(rollout_id)}" if as_markdown else f"rollout: {clean(rollout_id)}"
    if fact not in document.split("\n", _HEAD_LINES)[:_HEAD_LINES]:
        return "not a transcript of this rollout"
    if result is not None:
        shown = _result_as_markdown(result) if as_markdown else "\n".join(_result_as_text(result))
        if shown not in document:
            return "without the rollout's result as it is now"
    return None


def _result_as_markdown(result: Ending) -> str:
    return f"## {clean(result.title).capitalize()}\n\n{_fenced(result.text, '')}"


def _result_as_text(result: Ending) -> list[str]:
    return [f"== {clean(result.title)}", *_indented(clean_block(result.text))]


def _indented(text: str, by: str = "   ") -> list[str]:
    return [f"{by}{line}".rstrip() for line in text.split("\n")]


def heading(turn: Turn) -> str:
    """A turn's number, role, name, time and whether it failed, as one clean line."""
    words = [f"{turn.index + 1}", clean(turn.role or str(turn.kind))]
    if turn.name:
        words.append(clean(turn.name))
    if turn.timestamp is not None:
        words.append(f"{turn.timestamp:%H:%M:%S}")
    if turn.duration_s is not None and turn.duration_s >= _MOMENT_S:
        words.append(f"+{turn.duration_s:.1f}s")
    if turn.used:
        words.append(turn.used)
    if mark := error_mark(turn):
        words.append(mark)
    words += map(clean, turn.notes)
    return " ".join(words)


def _markdown(block: Block) -> str:
    match block:
        case Text() | Refusal() | Fault():
            return clean_block(passages.block_text(block))
        case Thinking():
            return "\n".join(_indented(clean_block(passages.block_text(block)), "> "))
        case ToolCall() | ToolResult():
            name, _, inside = clean_block(passages.block_text(block)).partition("\n")
            if name.endswith("(") and inside.endswith("\n)"):
                name, inside = name[:-1], dedent(inside[:-2])
            name = name.replace("`", "'")
            language = "json" if inside[:1] in ("{", "[") else ""
            return f"`{name}`" + (f"\n\n{_fenced(inside, language)}" if inside else "")
        case Image():
            return clean(block.text)
        case Extras():
            if not block.value:
                return ""
            inside = _fenced(block.text, "json")
            return f"<details><summary>further fields</summary>\n\n{inside}\n\n</details>"
        case _:
            return _fenced(passages.block_text(block), "json")


def _fenced(inside: str, language: str) -> str:
    """Text within a fence longer than any in it."""
    inside = clean_block(inside)
    longest = max((len(found) for found in re.findall(r"`{3,}", inside)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{inside}\n{fence}"
