"""What a source is, and where in a directory there is something of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gymtui.sources.files import Entries, Files, entries
from gymtui.sources.rollout_facts import RunFacts

LOOKED_AT = 32
"""So many files of a directory are looked into to see whether it belongs to a source."""
_DEEPEST = 8
"""Directories below the one that is opened in which nothing is looked for any more."""


@dataclass(frozen=True, slots=True)
class Look:
    """With what a source reads."""

    files: Files  # reads each file as often as it changes
    now_s: float  # the time, UNIX seconds


class Source(Protocol):
    """Reads what one program leaves on disk. One that others add is an entry point."""

    name: str  # what it is called in `--as`, a word
    title: str  # what it reads, in a few words
    # Directories below one that it owns which are its own, too; None for all.
    inner: frozenset[str] | None

    def owns(self, place: Path, found: Entries, files: Files) -> bool:
        """Whether a directory holds a run of it, or several."""

    def owns_file(self, file: Path, files: Files) -> bool:
        """Whether a single file that was named is one of it."""

    def read(self, place: Path, look: Look) -> Iterable[RunFacts]:
        """The runs in a directory or a file that it owns, as they stand now.

        Nothing raises: what cannot be read is left out, or is not there yet.
        """


def places(place: Path, sources: Sequence[Source], files: Files) -> Iterator[tuple[Source, Path]]:
    """What in a directory, or which file, belongs to which source; the first one that takes it.

    Args:
        place: A file, or a directory that is looked through but for what some source owns.
    """
    if place.is_file():
        yield from ((one, place) for one in sources if one.owns_file(place, files))
        return
    yield from _below(place, sources, files, _DEEPEST)


def _below(
    place: Path, sources: Sequence[Source], files: Files, levels: int
) -> Iterator[tuple[Source, Path]]:
    found = entries(place)
    owner = next((one for one in sources if one.owns(place, found, files)), None)
    if owner is not None:
        yield owner, place
    inner = frozenset() if owner is None else owner.inner
    if levels and inner is not None:
        for name in sorted(found.directories - inner):
            yield from _below(place / name, sources, files, levels - 1)
