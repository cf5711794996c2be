"""What a transcript is made of: frozen turns and blocks, holding text as received, not cleaned.

Values are shared with the document; what takes work to write out waits until it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gymtui.transcript.pretty_json import parse_container, pretty
from gymtui.transcript.usage import Usage

NOTHING: Mapping[str, object] = {}


class BlockKind(StrEnum):
    """Who speaks in a turn, whatever the role is called there."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Spoken:
    """What somebody says or thinks, or what is said of a message."""

    text: str

    def plain(self) -> str:
        """Everything in the block, as text."""
        return self.text


class Text(Spoken):
    """What was said."""

    __slots__ = ()


class Thinking(Spoken):
    """What was thought before it was said; ``<think>`` tags are part of it where they were sent."""

    __slots__ = ()


class Refusal(Spoken):
    """What the model declined, in its own words."""

    __slots__ = ()


class Fault(Spoken):
    """What a message says went wrong with itself: an error of the model's provider, an abort."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool."""

    name: str  # as received: ``email__send_email``
    # As received: a JSON value, a string that holds one, or one that should have.
    arguments: object = None
    id: str | None = None
    given_server: str | None = None  # the server, where the message names it apart
    number: int = -1  # which of `Transcript.exchanges` it belongs to
    # Which of several calls made at once that look alike, from 1; 0 where none does.
    ordinal: int = field(default=0, compare=False)
    # Whether no result is known for it, in a transcript that has some.
    unanswered: bool = field(default=False, compare=False)
    # The text that it was read from, where the agent wrote it in a message's text.
    wording: str | None = field(default=None, compare=False, repr=False)
    # How it is read, where writing that out takes noticeably long (`passages.write_long`).
    written: str | None = field(default=None, compare=False, repr=False)

    @property
    def server(self) -> str | None:
        """The tool server, named or read from the tool's name."""
        return self.given_server or split_name(self.name)[0]

    @property
    def tool(self) -> str:
        """The tool's name without its server."""
        server, tool = split_name(self.name)
        return tool if self.given_server in (None, server) else self.name

    @property
    def parameters(self) -> object:
        """The arguments as a JSON value where they hold one, else as they came."""
        if isinstance(self.arguments, str):
            value = parse_container(self.arguments)
            return self.arguments if value is None else value
        return self.arguments

    @property
    def text(self) -> str:
        """The arguments for reading; as they came when they are no JSON."""
        return "" if self.arguments is None else pretty(self.arguments)

    def plain(self) -> str:
        """Everything in the block, as text."""
        heading = f"→ {_heading(self.given_server, self.name, self.id)}"
        if self.wording is not None:
            return f"{self.wording}\n{heading}"
        return f"{heading}\n{self.text}"


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered."""

    value: object = None  # as the message has it: text or a JSON value; None when it has none
    name: str | None = None
    server: str | None = None
    call_id: str | None = None
    error: bool | None = None  # whether it failed, if anything says so
    inferred: bool = False  # whether `error` is a guess from the answer's text
    problem: str | None = None  # what the message says about the failure, apart from the answer
    # The full answer from the artifact's ``tool_results``, where it says more than the message.
    observation: object = None
    covered: bool = False  # whether `observation` holds all that `value` says
    number: int = -1  # which of `Transcript.exchanges` it belongs to
    exit_code: int | None = None  # what a command ended with, wherever that is said
    # The call that it was paired with.
    answers: ToolCall | None = field(default=None, compare=False, repr=False)
    # What that call asks for, where others stand between the two.
    asked: str = field(default="", compare=False)
    ordinal: int = field(default=0, compare=False)  # the call's `ToolCall.ordinal`
    # How it is read, where writing that out takes noticeably long (`passages.write_long`).
    written: str | None = field(default=None, compare=False, repr=False)

    @property
    def text(self) -> str:
        """The answer for reading."""
        values = [self.observation] if self.covered else [self.value, self.observation]
        parts = [pretty(value) for value in values if value is not None]
        if self.problem is not None:
            parts.append(self.problem)
        return "\n".join(parts)

    def plain(self) -> str:
        """Everything in the block, as text."""
        return f"← {_heading(self.server, self.name, self.call_id)}\n{self.text}"


@dataclass(frozen=True, slots=True)
class Image:
    """A picture, which is not drawn."""

    source: str  # a URL, a ``data:`` URL or bare base64, as received
    media: str | None = None  # the media type the message claims, which may be wrong

    @property
    def text(self) -> str:
        """What stands in its place: type and size, or the address."""
        media = self.media
        head, comma, _ = self.source[:128].partition(",")
        if head.startswith("data:") and comma:
            media = media or head[5:].partition(";")[0]
            size = _decoded_size(len(self.source) - len(head) - 1, self.source)
        elif "://" in head:
            return f"[image {media or ''} {self.source}]".replace("  ", " ")
        else:
            size = _decoded_size(len(self.source), self.source)
        return f"[image {media or 'of unknown type'}, {size:,} bytes]"

    def plain(self) -> str:
        """Everything in the block, as text."""
        return f"{self.text}\n{self.media or ''}\n{self.source}"


def _decoded_size(characters: int, base64: str) -> int:
    """Bytes that so many characters at the end of a text stand for, without decoding them."""
    return characters * 3 // 4 - base64[-2:].count("=")


@dataclass(frozen=True, slots=True)
class _Json:
    """Something that is read as JSON."""

    value: object
    # How it is read, where writing that out takes noticeably long (`passages.write_long`).
    written: str | None = field(default=None, compare=False, repr=False)

    @property
    def text(self) -> str:
        """The value for reading."""
        return pretty(self.value)

    def plain(self) -> str:
        """Everything in the block, as text."""
        return self.text


@dataclass(frozen=True, slots=True)
class Unknown(_Json):
    """What no reader understands, shown as JSON."""


@dataclass(frozen=True, slots=True)
class Extras(_Json):
    """What a message holds besides: usage, raw provider answers, flags, and copies of its text.

    Without keys whose value is null or empty, and tags of a part (``"type": "text"``).
    """

    value: Mapping[str, object]


Tooled = ToolCall | ToolResult  # what goes to a tool or comes from it
Block = Text | Thinking | Refusal | Fault | Tooled | Image | Unknown | Extras


@dataclass(frozen=True, slots=True)
class Turn:
    """One message, or what stands for one."""

    index: int  # its place in `Transcript.turns`
    role: str  # as received; empty when the message has none
    kind: BlockKind
    blocks: tuple[Block, ...]
    # The place of its message in the artifact's list; None when it was made from other fields.
    source: int | None = None
    # Who it is from, beyond the role, if the message says: an agent or a tool.
    name: str | None = None
    stamp: str = ""  # the time as received
    timestamp: datetime | None = None  # the time in UTC; without a zone it is taken to be UTC
    # Seconds since the turn before: messages are stamped when they are done.
    duration_s: float | None = None
    error: bool = False  # whether it, or an answer in it, failed
    # What is to be known of it: another model, a sub-agent, a demonstration, a cut-off answer.
    notes: tuple[str, ...] = ()
    used: str = ""  # the tokens that its model read and wrote, where it says so

    @property
    def text(self) -> str:
        """What there is to read in it, extras apart."""
        return "\n".join(block.text for block in self.blocks if not isinstance(block, Extras))

    def plain(self) -> str:
        """Everything in the turn, as text."""
        words = (str(self.index), self.role, self.name, self.stamp, *self.notes)
        heading = " ".join(filter(None, words))
        return "\n".join([heading, *(block.plain() for block in self.blocks)])


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: in `Transcript.turns`, and in `Turn.blocks`."""

    turn: int
    block: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """A tool call and its result."""

    number: int  # its place in `Transcript.exchanges`
    server: str | None
    tool: str
    call: Place | None  # None for a result that no call is known for
    result: Place | None  # None for a call that was not answered
    error: bool | None = None
    duration_s: float | None = None  # seconds from the call's turn to the result's
    inferred: bool = False  # whether `error` is a guess from the answer's text


@dataclass(frozen=True, slots=True)
class Ending:
    """What stands under the last turn: how it all ended, in some respect."""

    title: str
    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Transcript:
    """An artifact, read. Fields of an unexpected type are None and stay in `extras`."""

    turns: tuple[Turn, ...]
    exchanges: tuple[Exchange, ...] = ()
    rollout_id: str | None = None
    version: str | None = None
    task_id: str | None = None
    task: str | None = None
    model: str | None = None
    provider: str | None = None
    steps_taken: int | None = None
    max_steps: int | None = None
    error: str | None = None
    final_observation: str | None = None
    created_at: datetime | None = None
    usage: Usage = field(default_factory=Usage)
    # Fields that are not shown elsewhere, ``metadata`` among them.
    extras: Extras = field(default_factory=lambda: Extras(NOTHING))
    # What the rollout's own record says of its end, where it is known: artifacts have none.
    result: Ending | None = None

    @property
    def endings(self) -> tuple[Ending, ...]:
        """What stands under the last turn, each in the place of a turn, the result last."""
        error, seen = self.error, self.final_observation
        found = [Ending("error", error, failed=True)] if error else []
        if errors := self._errors:
            found.append(Ending("errors", "\n".join(map(pretty, errors)), failed=True))
        found += [Ending("final observation", seen)] if seen else []
        return (*found, self.result) if self.result is not None else tuple(found)

    @property
    def _errors(self) -> list[object]:
        """The lists of errors beside the messages."""
        inner = (self.extras.value.get(name) for name in ("metadata", "answer"))
        holders = [self.extras.value, *(value for value in inner if isinstance(value, Mapping))]
        lists = (holder.get("errors") for holder in holders)
        return [item for found in lists if isinstance(found, list) for item in found]

    def plain(self) -> str:
        """Everything in the transcript, as text."""
        names = ("rollout_id", "version", "task_id", "task", "model", "provider", "error")
        header = [str(value) for name in names if (value := getattr(self, name)) is not None]
        header.append(self.extras.plain())
        turns = [turn.plain() for turn in self.turns]
        result = self.result.text if self.result is not None else ""
        return "\n".join([*header, *turns, self.final_observation or "", result])


def split_name(name: str) -> tuple[str | None, str]:
    """Divide a tool's name into server and tool.

    Args:
        name: ``server__tool`` (the vendor's), ``mcp__server__tool`` or ``server---tool`` (found in
            the wild), or a bare name.
    """
    for separator in ("__", "---"):
        server, _, tool = name.removeprefix("mcp__").partition(separator)
        if server and tool:
            return server, tool
    return None, name


def _heading(server: str | None, name: str | None, call_id: str | None) -> str:
    named = ".".join(filter(None, (server, name)))
    return " ".join(filter(None, (named, call_id and f"#{call_id}")))
