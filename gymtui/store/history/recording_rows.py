"""What is in a recording's chunks: answers of the gym, snapshots of all that is known, marks.

Pure: data to bytes and back, by MessagePack. What each means is in RECORDING.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from gymtui.store.delta import OneRun, Query, RolloutsOf, RunningRollouts, RunsPage

Patch = tuple[str, int, int, bytes]
"""An item's id, how many bytes of it stay at its start and end, and what stands between."""
PackedObservation = tuple[str | None, str | None, int, int, int | None, int | None]
"""Status, phase, `seen_from`, `seen_at`, `last_otherwise_at` (microseconds) and step."""
PackedWindow = tuple[int, int]  # earliest and latest, microseconds


class Answer(msgspec.Struct, array_like=True, tag=1):
    """An answer of the gym."""

    asked: tuple[str | int | None, ...]  # which question: its letter and what it is about
    late_us: int  # the latest instant at which it was given, by the server's clock
    width_us: int  # how long before that it was given at the earliest
    age_us: int  # how long before that the server's clock is taken to have stood
    lead_us: int  # how far the server's clock was ahead of ours
    total: int | None  # the server's own count, where it gave one
    ids: tuple[str, ...] | None  # what it listed; None for what the question's last answer listed
    items: tuple[Patch, ...] = ()  # those that are new or another than they were last
    found: bool = True  # whether there was such a thing (no 404)


class Recalled(msgspec.Struct, array_like=True, tag=2):
    """What an earlier session had observed of a run came in."""

    run_id: str
    lives: dict[str, tuple[PackedObservation, ...]]  # by rollout, all that was observed of it
    watched: dict[str, PackedWatched] = {}  # by rollout, what is remembered of it from then on
    gaps_ds: tuple[int, ...] = ()  # the run's latest tenths of seconds between steps


class Dropped(msgspec.Struct, array_like=True, tag=3):
    """Runs that are no longer listed because they were deleted."""

    run_ids: tuple[str, ...]


class Remembered(msgspec.Struct, array_like=True, tag=4):
    """Numbers of runs from an earlier session: each a summary as the journal keeps it, in JSON."""

    summaries: tuple[str, ...]


Row = Answer | Recalled | Dropped | Remembered


class PackedWatched(msgspec.Struct, array_like=True):
    """What is remembered of a rollout that is watched; `gaps_ds` are tenths of seconds."""

    run_id: str
    observation: PackedObservation
    first: PackedWindow
    last: PackedWindow
    turn: int
    step: int | None
    last_step: int | None
    moved: PackedWindow
    gaps_ds: tuple[int, ...] = ()


class Watching(msgspec.Struct, array_like=True):
    """What was observed so far, beside what the gym itself says."""

    # By run, by rollout, its observations; in a key only those that differ, but all of runs whose
    # rollouts are not all known.
    lives: dict[str, dict[str, tuple[PackedObservation, ...]]]
    watched: dict[str, PackedWatched]  # by rollout; always all of them
    # By run, which list of all its rollouts was the last, and when.
    lists: dict[str, tuple[int, int, int]]
    turn: int
    # By run, the latest tenths of seconds between steps; in a key those that came since.
    gaps_ds: dict[str, tuple[int, ...]]
    steps: dict[str, int]  # by rollout, the last step it was seen at
    listed_us: dict[str, int]  # by run, when its rollouts were last listed
    running_listed_us: int | None
    # In a key, rollouts of which the last step is no longer known.
    unknown_steps: tuple[str, ...] = ()
    whole_gaps: tuple[str, ...] = ()  # in a key, runs whose `gaps_ds` are all there are


class KeptRollout(msgspec.Struct, array_like=True):
    """A rollout as it was known."""

    rollout_id: str
    raw: bytes | None  # its bytes as received; None where they are those the key builds on
    at_us: int  # when these were first seen, by the server's clock; 0 where that stands there too


class KeptRun(msgspec.Struct, array_like=True):
    """A run as it was known: its bytes, and whether the gym no longer has it."""

    raw: bytes
    deleted: bool


class Page(msgspec.Struct, array_like=True):
    """What the last answer to a question listed, and the earliest instant at which it was given."""

    asked: tuple[str | int | None, ...]
    total: int | None
    ids: tuple[str, ...]
    early_us: int


class Head(msgspec.Struct, array_like=True, frozen=True):
    """What a segment is of."""

    gym: str  # the gym's URL, without a login
    source: str | None
    scenario: str | None
    interval_s: float  # how often it was asked
    follows: int = 0  # which segment this one goes on from without a gap; 0 for none
    follows_chunks: int = 0  # how many chunks that one has
    # When it began by our clock, which orders segments: that of the gym is known a little
    # otherwise each time.
    began_us: int = 0
    # Whether it has the rollouts of all runs: without a filter.
    whole: bool = False


class Snapshot(msgspec.Struct, array_like=True):
    """All that was known at an instant; in a `KEY` what differs from the segment's `BASE`."""

    lead_us: int  # how far the server's clock was ahead of ours
    listed: tuple[Page, ...]  # by question, what its last answer listed
    order: tuple[str, ...]  # the runs as the gym lists them
    runs: dict[str, KeptRun]  # by id
    rollouts: dict[str, tuple[KeptRollout, ...]]  # by run whose rollouts were all listed
    strays: dict[str, tuple[KeptRollout, ...]]  # rollouts known only because they run, by their run
    # Of runs whose rollouts are not held, as the journal keeps them, in JSON.
    summaries: dict[str, str]
    watching: Watching
    dropped: tuple[str, ...] = ()  # runs that the base has and that are gone
    # Runs whose rollouts the base has and that are not held any more.
    given_up: tuple[str, ...] = ()
    # Of a `KEY`, the number of the chunk that takes the base's place in all this: the base, or a
    # key before it.
    builds_on: int = 0


class Mark(msgspec.Struct, array_like=True, frozen=True):
    """Something that happened, to jump to."""

    at_us: int  # by the server's clock
    what: str  # `began`, `ended`, `error` or `stuck`
    run_id: str
    rollout_id: str | None = None


# -- bytes of rows -----------------------------------------------------------------------------

T = TypeVar("T")

_pack = msgspec.msgpack.Encoder().encode
_LONE = "\x00lone:"
"""What a text begins with whose lone surrogates, which JSON can carry, UTF-8 cannot hold; its
UTF-16 follows in hex digits."""


def pack(rows: Head | Snapshot | Sequence[Row] | Sequence[Mark]) -> bytes:
    """What is in a chunk, as MessagePack, not compressed yet."""
    try:
        return _pack(rows)
    except UnicodeEncodeError:
        return _pack(_in_texts(msgspec.to_builtins(rows, builtin_types=(bytes,)), _escape))


def unpack(data: bytes, decoder: msgspec.msgpack.Decoder[T]) -> T:
    """What was packed, by `ROWS`, `SNAPSHOT`, `MARKS` or `HEAD`; else a `MsgspecError`."""
    if _LONE.encode() not in data:
        return decoder.decode(data)
    document = _in_texts(msgspec.msgpack.decode(data), _unescape)
    return msgspec.convert(document, decoder.type, builtin_types=(bytes,))


def _in_texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {_in_texts(k, change): _in_texts(v, change) for k, v in value.items()}
    return [_in_texts(v, change) for v in value] if isinstance(value, list | tuple) else value


def _escape(text: str) -> str:
    whole = text.encode("utf-8", "ignore").decode() == text
    return text if whole else _LONE + text.encode("utf-16-be", "surrogatepass").hex()


def _unescape(text: str) -> str:
    if not text.startswith(_LONE):
        return text
    try:
        return bytes.fromhex(text.removeprefix(_LONE)).decode("utf-16-be", "surrogatepass")
    except ValueError:
        return text


ROWS = msgspec.msgpack.Decoder(tuple[Row, ...])
SNAPSHOT = msgspec.msgpack.Decoder(Snapshot)
MARKS = msgspec.msgpack.Decoder(tuple[Mark, ...])
HEAD = msgspec.msgpack.Decoder(Head)


def make_patch(item_id: str, before: bytes, after: bytes) -> Patch:
    """What makes an item of what it was before."""
    short = min(len(before), len(after))
    start = _alike(before, after, short)
    end = _alike(before[::-1], after[::-1], short - start)
    return item_id, start, end, after[start : len(after) - end]


def apply_patch(before: bytes, change: Patch) -> bytes:
    """The item after a change; ValueError if it is one of another item."""
    _, start, end, middle = change
    if start < 0 or end < 0 or start + end > len(before):
        raise ValueError("a change of another item")
    return before[:start] + middle + before[len(before) - end :]


def _alike(one: bytes, other: bytes, most: int) -> int:
    """How many of the first bytes are the same."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def pack_query(query: Query) -> tuple[str | int | None, ...]:
    """A question as it is written."""
    match query:
        case RunsPage():
            return ("p", query.offset, query.limit, query.source, query.scenario_id)
        case OneRun(run_id):
            return ("o", run_id)
        case RolloutsOf(run_id):
            return ("r", run_id)
        case RunningRollouts(scenario_id):
            return ("a", scenario_id)


def unpack_query(asked: tuple[str | int | None, ...]) -> Query:
    """A question as it was asked; ValueError for none."""
    match asked:
        case ("p", int(offset), int(limit), (str() | None) as source, (str() | None) as scenario):
            return RunsPage(offset, limit, source, scenario)
        case ("o", str(run_id)):
            return OneRun(run_id)
        case ("r", str(run_id)):
            return RolloutsOf(run_id)
        case ("a", (str() | None) as scenario):
            return RunningRollouts(scenario)
    raise ValueError("no question")
