"""Hits: where something is found in one transcript of many, with who speaks there and which tool.

What is typed for such a search is read here, too. Where the transcripts are kept, and which of them
can hold a phrase at all, is `session.archive`; finding text in a passage is `search`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from typing import NamedTuple

from msgspec import Struct

from gymtui.core.normalization import fold_case
from gymtui.core.replacement import replace
from gymtui.core.text import clean
from gymtui.transcript.blocks import BlockKind, Tooled, ToolResult, Transcript
from gymtui.transcript.call_names import tool_name
from gymtui.transcript.search import (
    MOST,
    Match,
    Passage,
    PatternError,
    Query,
    Span,
    finder,
    parse,
    passages_of,
    take_until,
)

BEFORE, AFTER = 80, 160  # characters of a snippet left and right of what was found
_QUOTED = re.compile(r'(?<!\S)"([^"]*)"(?!\S)')
_TERM = re.compile(r'(?<!\S)(?:error:|(tool|role):(?:"([^"]*)"|(\S*)))(?!\S)')
_ROLES = tuple(str(kind) for kind in BlockKind)


class SpokenPassage(Struct, frozen=True):
    """A passage, and what can be asked of it besides its text."""

    passage: Passage
    kind: BlockKind
    tool: str  # the tool that is called or that answers, `server.tool`; "" for neither
    error: bool  # whether it is a failure


class Hit(NamedTuple):
    """One place where something was found. A tuple, as `Match` is."""

    spoken: SpokenPassage
    left: int  # where in the passage its snippet begins
    start: int  # where it begins itself
    end: int

    @property
    def match(self) -> Match:
        """Its place in the transcript."""
        return self.spoken.passage.match(self.start, self.end)

    @property
    def who(self) -> str:
        """The tool that is called or answers there, else who speaks."""
        return self.spoken.tool or str(self.spoken.kind)

    @property
    def before(self) -> str:
        """What stands left of it, as one clean line."""
        return _line(self.spoken.passage.text[self.left : self.start]).lstrip()

    @property
    def text(self) -> str:
        """What was found, as one clean line."""
        return _line(self.spoken.passage.text[self.start : self._shown_end])

    @property
    def after(self) -> str:
        """What stands right of it, as one clean line; nothing if it is long itself."""
        if self._shown_end < self.end:
            return ""
        return _line(self.spoken.passage.text[self.end : self.end + AFTER]).rstrip()

    @property
    def _shown_end(self) -> int:
        return min(self.end, self.start + AFTER)

    def alone(self) -> Hit:
        """The same with no more of the passage than it shows, for whoever keeps many."""
        passage, left = self.spoken.passage, self.left
        shown = replace(
            passage,
            text=passage.text[left : self._shown_end + AFTER],
            starts=tuple(start - left for start in passage.starts),
        )
        spoken = replace(self.spoken, passage=shown)
        return Hit(spoken, 0, self.start - left, self.end - left)


class Hits:
    """Hits in a transcript, in order, `MOST` at most.

    Kept as places alone: of thousands few are ever written out, and each is made then.
    """

    __slots__ = ("_count", "_places")

    def __init__(self, places: Iterable[tuple[SpokenPassage, Sequence[Span]]] = ()) -> None:
        self._places: list[tuple[SpokenPassage, Sequence[Span]]] = []
        self._count = 0
        for spoken, spans in places:
            taken = spans if self._count + len(spans) <= MOST else spans[: MOST - self._count]
            self._places.append((spoken, taken))
            self._count += len(taken)
            if self._count >= MOST:
                return

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Hit]:
        for spoken, spans in self._places:
            heading = _heading(spoken)
            for start, end in spans:
                least = heading if start >= heading else 0
                left = start - BEFORE
                yield Hit(spoken, left if left > least else least, start, end)


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """What to look for; all of it must hold. Without a phrase, every passage that fits is a hit."""

    query: Query  # the phrase, or the regular expression
    tool: str = ""  # part of a tool's name, or a glob; "" for any
    error: bool = False  # whether only failures count
    role: BlockKind | None = None  # who speaks; None for anybody

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked."""
        return not self.has_phrase and not (self.tool or self.error or self.role)

    @property
    def has_phrase(self) -> bool:
        """Whether a text or an expression is looked for."""
        return bool(self.query.text) or self.query.pattern is not None

    @property
    def typed(self) -> str:
        """The phrase as it is typed to find it within one transcript."""
        return self.query.text if self.query.pattern is None else f"re:{self.query.pattern}"

    def takes(self, spoken: SpokenPassage) -> bool:
        """Whether a passage is one in which to look."""
        if (self.error and not spoken.error) or self.role not in (None, spoken.kind):
            return False
        return not self.tool or _names(self.tool, spoken.tool)


def parse_search(typed: str) -> SearchTerms:
    """Read what was typed: a phrase or `/expression/`, and `tool:NAME`, `error:`, `role:WHO`.

    Args:
        typed: What is quoted as a whole is a phrase, whatever it looks like.

    Raises:
        PatternError: The expression is none, or there is no such role; the text says why.
    """
    quoted = _QUOTED.search(typed)
    rest = typed if quoted is None else typed[: quoted.start()] + typed[quoted.end() :]
    wanted = SearchTerms(Query())
    for name, long, short in _TERM.findall(rest):
        if not name:
            wanted = replace(wanted, error=True)
        elif name == "tool":
            wanted = replace(wanted, tool=long or short)
        else:
            wanted = replace(wanted, role=role_of(long or short))
    phrase = quoted[1] if quoted is not None else _TERM.sub("", rest).strip()
    if quoted is None and len(phrase) > 2 and phrase[0] == phrase[-1] == "/":
        return replace(wanted, query=parse(f"re:{phrase[1:-1]}"))
    return replace(wanted, query=Query(phrase))


def role_of(typed: str) -> BlockKind:
    """A role from its name or the beginning of that; else a `PatternError` that names them all."""
    fitting = [role for role in _ROLES if typed and role.startswith(typed.lower())]
    if len(fitting) != 1:
        raise PatternError(f"role: is one of {', '.join(_ROLES)}")
    return BlockKind(fitting[0])


def spoken_passages(transcript: Transcript) -> Iterator[SpokenPassage]:
    """All that can be searched, in order, with who speaks there."""
    for passage in passages_of(transcript):
        if passage.turn < 0:
            yield SpokenPassage(passage, BlockKind.OTHER, "", False)
            continue
        if passage.turn >= len(transcript.turns):
            ending = transcript.endings[passage.turn - len(transcript.turns)]
            yield SpokenPassage(passage, BlockKind.OTHER, "", ending.failed)
            continue
        turn = transcript.turns[passage.turn]
        block = turn.blocks[passage.block]
        if isinstance(block, Tooled):
            failed = isinstance(block, ToolResult) and bool(block.error)
            yield SpokenPassage(passage, turn.kind, tool_name(block), failed)
        else:
            answers = any(isinstance(other, ToolResult) for other in turn.blocks)
            yield SpokenPassage(passage, turn.kind, "", turn.error and not answers)


def find_hits(
    passages: Iterable[SpokenPassage], wanted: SearchTerms, stop: Callable[[], bool] = lambda: False
) -> Hits:
    """Find what is wanted in a transcript's passages; arguments and errors are as `find`'s."""
    look = finder(wanted.query) if wanted.has_phrase else None
    found = take_until(filter(wanted.takes, passages), stop)
    if look is None:
        return Hits((spoken, (_first_line(spoken),)) for spoken in found)
    return Hits((spoken, [*islice(look(spoken.passage.text), MOST)]) for spoken in found)


def _first_line(spoken: SpokenPassage) -> Span:
    """Where the first line of a passage is, without that which names a tool."""
    text, heading = spoken.passage.text, _heading(spoken)
    end = text.find("\n", heading)
    return heading, len(text) if end < 0 else end


def _heading(spoken: SpokenPassage) -> int:
    """Characters of the line that names the tool, which a hit says anyway; 0 if it says more."""
    text = spoken.passage.text
    return text.find("\n") + 1 if spoken.tool and text[:1] in {"←", "→"} else 0


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", clean(text, newline=" "))


def _names(typed: str, tool: str) -> bool:
    """Whether a tool is the one that is meant: by a part of its name, or by a glob."""
    meant, name = fold_case(typed), fold_case(tool)
    if any(character in meant for character in "*?["):
        return any(fnmatchcase(part, meant) for part in (name, name.rpartition(".")[2]) if name)
    return meant in name
