"""Two transcripts turn by turn: where their tool calls are the same, and where they part.

Turns are aligned by a longest common subsequence of their calls, name and arguments; what is left
between is aligned by the tools' names alone. Words are no differences: no two runs say the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from gymtui.core.text import ABSENT, clean
from gymtui.transcript.blocks import ToolCall, Transcript, Turn
from gymtui.transcript.pretty_json import compact

MOST_CELLS = 4_000_000
"""The largest table that is filled to align calls; longer stretches are aligned by their order."""


class Same(Enum):
    """How the two sides of a row compare."""

    EQUAL = auto()  # the same calls with the same arguments
    CHANGED = auto()  # the same tools with other arguments
    ONE_SIDE = auto()  # calls that the other side does not make there
    WORDS = auto()  # no calls: answers and words, which are not compared


@dataclass(frozen=True, slots=True)
class DiffRow:
    """A row of a comparison."""

    left: int | None  # A turn of the first transcript, or None
    right: int | None  # A turn of the second, or None
    same: Same

    @property
    def differs(self) -> bool:
        """Whether it counts as a difference."""
        return self.same in (Same.CHANGED, Same.ONE_SIDE)


@dataclass(frozen=True, slots=True)
class ArgumentChange:
    """An argument that differs, in clean text."""

    name: str  # the tool and the argument, `calendar.create: title`
    left: str | None  # its value in the first, as JSON; None when it has none
    right: str | None  # the same of the second


def compare(left: Transcript, right: Transcript) -> tuple[DiffRow, ...]:
    """Align two transcripts; rows in which every turn of both stands once, in order."""
    lefts, rights = _calling(left), _calling(right)
    rows: list[DiffRow] = []
    at_left = at_right = 0
    for first, second, same in _anchors(lefts, rights):
        rows += _between(left, right, range(at_left, first), range(at_right, second))
        rows.append(DiffRow(first, second, same))
        at_left, at_right = first + 1, second + 1
    ends = range(at_left, len(left.turns)), range(at_right, len(right.turns))
    return (*rows, *_between(left, right, *ends))


def changes(left: Turn, right: Turn) -> list[ArgumentChange]:
    """Tell which arguments differ between two turns that call the same tools."""
    found: list[ArgumentChange] = []
    for mine, theirs in zip(_calls(left), _calls(right), strict=False):
        tool = clean(mine.tool)
        ours, others = _named(mine), _named(theirs)
        for name in [*ours, *(key for key in others if key not in ours)]:
            if ours.get(name) != others.get(name):
                title = f"{tool}: {clean(name)}" if name else tool
                found.append(ArgumentChange(title, ours.get(name), others.get(name)))
    return found


def fit_difference(left: str | None, right: str | None, cells: int) -> tuple[str, str]:
    """Two values as they fit a line: too long ones from shortly before they part."""
    if left is None or right is None:
        return (_cut(left or ABSENT, 0, cells), _cut(right or ABSENT, 0, cells))
    alike, most = 0, min(len(left), len(right))
    while alike < most:  # what they have in common at their start, halving where it can end
        middle = (alike + most + 1) // 2
        if left[alike:middle] == right[alike:middle]:
            alike = middle
        else:
            most = middle - 1
    begin = max(0, alike - cells // 3) if max(len(left), len(right)) > cells else 0
    return (_cut(left, begin, cells), _cut(right, begin, cells))


def longest_common(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Find a longest common subsequence (Wagner and Fischer, 1974), bounded.

    Returns:
        The places of equal items in both, in order. Between a common beginning and end that are
        longer than `MOST_CELLS` together allow, equal items at equal places.
    """
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    middle = _middle(left[start : len(left) - end], right[start : len(right) - end])
    return [
        *((place, place) for place in range(start)),
        *((start + first, start + second) for first, second in middle),
        *((len(left) - place, len(right) - place) for place in range(end, 0, -1)),
    ]


def _middle(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[tuple[int, int]]:
    if len(left) * len(right) > MOST_CELLS:
        pairs = zip(left, right, strict=False)
        return [(place, place) for place, (one, other) in enumerate(pairs) if one == other]
    lengths = [[0] * (len(right) + 1)]
    for one in reversed(left):
        below, row = lengths[-1], [0] * (len(right) + 1)
        for place in range(len(right) - 1, -1, -1):
            same = one == right[place]
            row[place] = below[place + 1] + 1 if same else max(below[place], row[place + 1])
        lengths.append(row)
    lengths.reverse()
    found: list[tuple[int, int]] = []
    first = second = 0
    while first < len(left) and second < len(right):
        if left[first] == right[second]:
            found.append((first, second))
            first, second = first + 1, second + 1
        elif lengths[first + 1][second] >= lengths[first][second + 1]:
            first += 1
        else:
            second += 1
    return found


def _anchors(lefts: list[Turn], rights: list[Turn]) -> list[tuple[int, int, Same]]:
    """Turns beside each other, by their calls: the same ones, else those of the same tools."""
    equal = longest_common([_key(turn) for turn in lefts], [_key(turn) for turn in rights])
    found: list[tuple[int, int, Same]] = []
    at_left = at_right = 0
    for first, second in [*equal, (len(lefts), len(rights))]:
        names = longest_common(
            [_tools(turn) for turn in lefts[at_left:first]],
            [_tools(turn) for turn in rights[at_right:second]],
        )
        found += [
            (lefts[at_left + one].index, rights[at_right + other].index, Same.CHANGED)
            for one, other in names
        ]
        if first < len(lefts):
            found.append((lefts[first].index, rights[second].index, Same.EQUAL))
        at_left, at_right = first + 1, second + 1
    return found


def _between(left: Transcript, right: Transcript, lefts: range, rights: range) -> list[DiffRow]:
    """Rows of turns that have no counterpart: calls by themselves, words beside words."""
    found: list[DiffRow] = []
    mine, theirs = list(lefts), list(rights)
    while mine or theirs:
        if mine and _calls(left.turns[mine[0]]):
            found.append(DiffRow(mine.pop(0), None, Same.ONE_SIDE))
        elif theirs and _calls(right.turns[theirs[0]]):
            found.append(DiffRow(None, theirs.pop(0), Same.ONE_SIDE))
        else:
            one = mine.pop(0) if mine else None
            found.append(DiffRow(one, theirs.pop(0) if theirs else None, Same.WORDS))
    return found


def _calls(turn: Turn) -> list[ToolCall]:
    return [block for block in turn.blocks if isinstance(block, ToolCall)]


def _calling(transcript: Transcript) -> list[Turn]:
    return [turn for turn in transcript.turns if _calls(turn)]


def _key(turn: Turn) -> Hashable:
    return tuple((call.name, _canonical(call.parameters)) for call in _calls(turn))


def _tools(turn: Turn) -> Hashable:
    return tuple(call.name for call in _calls(turn))


def _canonical(value: object) -> str:
    """Arguments as text that does not depend on the order of their names."""
    if isinstance(value, Mapping):
        return compact({str(key): value[key] for key in sorted(value, key=str)})
    return compact(value)


def _named(call: ToolCall) -> dict[str, str]:
    """Arguments by name, each as clean JSON; what has no names has the name ""."""
    value = call.parameters
    if isinstance(value, Mapping):
        return {str(key): clean(compact(item)) for key, item in value.items()}
    return {} if value is None else {"": clean(compact(value))}


def _cut(value: str, begin: int, cells: int) -> str:
    """So many characters of a value, with a mark where some are missing."""
    before = "…" if begin else ""
    room = cells - len(before)
    shown = value[begin : begin + room]
    return f"{before}{shown}" if len(value) <= begin + room else f"{before}{shown[:-1]}…"
