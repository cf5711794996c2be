"""Which result answers which call: by id and occurrence, by order where ids are missing.

Ids are used twice in real transcripts, calls go unanswered, and several calls are made before the
first is answered, within one message or over several; the rules below are made for these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from gymtui.core.replacement import replace
from gymtui.transcript.blocks import Block, ToolCall, ToolResult, split_name
from gymtui.transcript.call_names import argument, distinguish_calls
from gymtui.transcript.readers.fields import Draft

_BATCHES_BACK = 8  # how many earlier rounds of calls a result without an id may still answer


@dataclass(slots=True)
class DraftPlace:
    """A place in a turn that is still being read."""

    draft: Draft
    block: int

    @property
    def content(self) -> Block:
        """The block that is there; another can be put in its place."""
        return self.draft.blocks[self.block]

    @content.setter
    def content(self, block: Block) -> None:
        self.draft.blocks[self.block] = block


@dataclass(slots=True)
class CallPair:
    """A call and its result, while they are being found."""

    call: DraftPlace | None = None
    result: DraftPlace | None = None


@dataclass(slots=True)
class _Queue:
    """Numbers of calls, oldest first; a list and a place in it, since most hold one."""

    numbers: list[int] = field(default_factory=list)
    passed: int = 0


@dataclass(slots=True)
class _Batch:
    """Calls made before the next answer came, those still open in front of each queue.

    A queue is kept for each way of asking: all calls, those without an id, and each by tool name.
    """

    queues: defaultdict[tuple[bool, str], _Queue] = field(
        default_factory=lambda: defaultdict(_Queue)
    )

    def add(self, number: int, call: ToolCall) -> None:
        tool = split_name(call.name)[1]
        for name in ("", tool):
            self.queues[False, name].numbers.append(number)
            if call.id is None:
                self.queues[True, name].numbers.append(number)


class _OpenCalls:
    """The calls seen so far and not answered yet."""

    def __init__(self) -> None:
        self.open: set[int] = set()
        self.by_id: dict[str, defaultdict[int, _Queue]] = {}
        self.batches: list[_Batch] = []
        self.answering = True

    def call(self, number: int, turn: int, call: ToolCall) -> None:
        if self.answering:
            self.batches.append(_Batch())
            self.answering = False
        self.open.add(number)
        self.batches[-1].add(number, call)
        if call.id is not None:
            self.by_id.setdefault(call.id, defaultdict(_Queue))[turn].numbers.append(number)

    def answer(self, result: ToolResult) -> int | None:
        """Find the call a result answers, and close it."""
        self.answering = True
        if result.call_id is not None and result.call_id in self.by_id:
            number = self._by_id(result.call_id)
        else:
            number = self._by_order(result, nameless=result.call_id is not None)
        if number is not None:
            self.open.discard(number)
        return number

    def _by_id(self, call_id: str) -> int | None:
        """Take the first open call of this id in the latest turn that has one."""
        turns = self.by_id[call_id]
        while turns:
            latest = next(reversed(turns))
            if (number := self._first(turns[latest])) is not None:
                return number
            del turns[latest]
        return None

    def _by_order(self, result: ToolResult, *, nameless: bool) -> int | None:
        """Take the first open call of the latest round, of the result's tool if it says which.

        A result with an id that no call has (Gemini's) can only answer a call without one.
        """
        tool = split_name(result.name)[1] if result.name else ""
        for batch in self.batches[: -_BATCHES_BACK - 1 : -1]:
            queue = batch.queues.get((nameless, tool))
            if queue and (number := self._first(queue)) is not None:
                return number
        return None

    def _first(self, queue: _Queue) -> int | None:
        """Take the oldest that is still open."""
        while queue.passed < len(queue.numbers):
            number = queue.numbers[queue.passed]
            queue.passed += 1
            if number in self.open:
                return number
        return None


@dataclass(frozen=True, slots=True)
class Label:
    """What a result says of the call that it answers, and both of their number."""

    asked: str = ""  # what the call asks for; empty for a result that follows its call
    ordinal: int = 0  # which it is of several calls made at once that look alike; 0 where none does


def label_pairs(pairs: list[CallPair], turn_of: Mapping[int, int]) -> dict[int, Label]:
    """Tell which results do not follow their calls at once, and which of these look alike.

    Args:
        turn_of: The place of each turn, by its draft's id.

    Returns:
        By the pair's place; only those that have something to say.
    """
    places = [
        (turn_of[id(place.draft)], place.block, number, place is pair.call)
        for number, pair in enumerate(pairs)
        for place in (pair.call, pair.result)
        if place is not None
    ]
    found: dict[int, Label] = {}
    apart: set[int] = set()
    calls_by_wording: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    before, calling, made = -1, False, 0
    for _, _, number, is_call in sorted(places):
        if is_call:
            if not calling:
                _tell_apart(calls_by_wording, pairs, apart, found)
                calls_by_wording.clear()
                made = 0
            made += 1
            call = _call_of(pairs[number])
            calls_by_wording[call.name, argument(call)].append(number)
        elif (number != before or made > 1) and pairs[number].call is not None:
            apart.add(number)
            found[number] = Label(argument(_call_of(pairs[number])))
        before, calling = number, is_call
    _tell_apart(calls_by_wording, pairs, apart, found)
    return found


def _tell_apart(
    calls_by_wording: Mapping[tuple[str, str], list[int]],
    pairs: list[CallPair],
    apart: set[int],
    found: dict[int, Label],
) -> None:
    """Label the calls of a round that look alike, if any of their results stands apart.

    By the arguments in which they differ; by numbers where those do not tell.
    """
    for alike in calls_by_wording.values():
        if len(alike) > 1 and not apart.isdisjoint(alike):
            names = distinguish_calls([_call_of(pairs[number]) for number in alike])
            if len(set(names)) == len(names):
                for number, words in zip(alike, names, strict=True):
                    if number in apart:
                        found[number] = Label(words)
                continue
            for ordinal, number in enumerate(alike, 1):
                found[number] = replace(found.get(number, Label()), ordinal=ordinal)


def _call_of(pair: CallPair) -> ToolCall:
    block = pair.call and pair.call.content
    return block if isinstance(block, ToolCall) else ToolCall("")


def pair_calls(drafts: list[Draft]) -> list[CallPair]:
    """Find the pairs in a message list.

    Returns:
        Every call with its result, if it has one, and every result without a call, in the order
        in which they appear.
    """
    pairs: list[CallPair] = []
    open_calls = _OpenCalls()
    for turn, draft in enumerate(drafts):
        for index, block in enumerate(draft.blocks):
            if isinstance(block, ToolCall):
                open_calls.call(len(pairs), turn, block)
                pairs.append(CallPair(call=DraftPlace(draft, index)))
            elif isinstance(block, ToolResult):
                number = open_calls.answer(block)
                if number is None:
                    pairs.append(CallPair(result=DraftPlace(draft, index)))
                else:
                    pairs[number].result = DraftPlace(draft, index)
    return pairs
