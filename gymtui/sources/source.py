"""What a source is, and where in a directory there is something of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gymtui.sources.files import Entries, Files, last_modified_s
from gymtui.sources.rollout_facts import QUIET_S, RunFacts

LOOKED_AT = 32  # so many files of a directory are looked into to see whether it belongs to a source
_DEEPEST = 8  # directories below the one that is opened in which nothing is looked for any more


@dataclass(frozen=True, slots=True)
class ReadContext:
    """With what a source reads."""

    files: Files  # reads each file as often as it changes
    now_s: float  # the time, UNIX seconds

    def is_quiet(self, *paths: Path) -> bool:
        """Whether nobody wrote any of these for so long that who did is dead."""
        return self.now_s - last_modified_s(*paths) > QUIET_S


class Source(Protocol):
    """Reads what one program leaves on disk. One that others add is an entry point."""

    name: str  # what it is called in `--as`, a word
    title: str  # what it reads, in a few words
    # Directories below one that it owns which are its own, too; None for all.
    inner: frozenset[str] | None = None
    # May have, too: `by_file = True`. Each file that it reads is a run or a rollout by itself, so
    # that files of another such source may lie beside them.

    def owns(self, place: Path, found: Entries, files: Files) -> bool:
        """Whether a directory holds a run of it, or several."""

    def owns_file(self, file: Path, files: Files) -> bool:
        """Whether a single file that was named is one of it; none of who writes directories."""
        return False

    def read(self, place: Path, context: ReadContext) -> Iterable[RunFacts]:
        """The runs in a directory or a file that it owns, as they stand now.

        Nothing raises: what cannot be read is left out, or is not there yet.
        """


def find_places(
    place: Path, sources: Sequence[Source], files: Files
) -> Iterator[tuple[Source, Path]]:
    """What in a directory, or which file, belongs to which source; the first one that takes it.

    Args:
        place: A file, or a directory that is looked through but for what some source owns.
    """
    if place.is_file():
        yield from ((one, place) for one in sources if one.owns_file(place, files))
        return
    yield from _find_below(place, sources, files, _DEEPEST, set())


def _find_below(
    place: Path, sources: Sequence[Source], files: Files, levels: int, seen: set[str]
) -> Iterator[tuple[Source, Path]]:
    """As `find_places`; `seen` are directories that links may lead to again."""
    seen.add(os.path.realpath(place))
    found = files.entries(place)
    owners = _owners(place, found, sources, files)
    yield from ((owner, place) for owner in owners)
    inner = owners[0].inner if owners else frozenset()
    if not levels or inner is None:
        return
    below = [place / name for name in sorted(found.directories - inner)]
    for directory in sorted(below, key=Path.is_symlink):  # what a link leads to has its own name
        if os.path.realpath(directory) not in seen:
            yield from _find_below(directory, sources, files, levels - 1, seen)


def _owners(place: Path, found: Entries, sources: Sequence[Source], files: Files) -> list[Source]:
    """Whose a directory is: the first one's; of files beside one another, of all who read such."""
    owners: list[Source] = []
    for one in sources:
        shares = getattr(one, "by_file", False)
        if (not owners or shares) and one.owns(place, found, files):
            owners.append(one)
            if not shares:
                break
            # The next ones need not read what has its owner: that may take long.
            left = (name for name in found.files if not one.owns_file(place / name, files))
            found = Entries(frozenset(left), found.directories)
    return owners
