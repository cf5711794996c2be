"""A person's notes on runs and rollouts, a line each with its tags, kept beside a gym's journal."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from gymtui.core.atomic_write import locked, replace_text
from gymtui.core.paths import beside

log = logging.getLogger(__name__)

LONGEST: Final = 500  # characters of a note; what is longer is cut

_TAG = re.compile(r"(?<!\S)#([\w-]+)")


class NoteOf(StrEnum):
    """What a note is on."""

    RUN = "runs"
    ROLLOUT = "rollouts"


def tags(note: str | None) -> tuple[str, ...]:
    """The tags of a note: its words that begin with `#`, without that."""
    return tuple(_TAG.findall(note or ""))


class Notes:
    """The notes of one gym, kept in a file that may be there or not; without one, in memory."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._texts = _read(path)

    @classmethod
    def beside(cls, journal: Path | None) -> Notes:
        """Those of the gym whose journal lies there."""
        return cls(beside(journal, "notes"))

    def all(self, kind: NoteOf) -> Mapping[str, str]:
        """The notes by id."""
        return self._texts[kind]

    def write(self, kind: NoteOf, ids: Iterable[str], text: str) -> None:
        """Put a note, in the place of what was there; nothing removes it.

        Raises:
            OSError: It could not be kept; until the program ends it stands all the same.
        """
        note = " ".join(text.split())[:LONGEST]
        changed = dict.fromkeys(ids, note)
        if self._path is None:
            _put(self._texts[kind], changed)
            return
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self._path.parent):
                # Another program of the same person may have written meanwhile.
                kept = _read(self._path)
                _put(kept[kind], changed)
                replace_text(self._path, json.dumps(kept))
            self._texts = kept
        except OSError:
            _put(self._texts[kind], changed)
            raise


def _put(texts: dict[str, str], changed: Mapping[str, str]) -> None:
    for name, note in changed.items():
        if note:
            texts[name] = note
        else:
            texts.pop(name, None)


def _read(path: Path | None) -> dict[NoteOf, dict[str, str]]:
    """What is kept; a file that is broken is as good as none, and what is no note is left out."""
    try:
        document = json.loads(path.read_bytes()) if path is not None else {}
    except FileNotFoundError:
        document = {}
    except (OSError, ValueError, RecursionError) as error:
        log.warning("notes cannot be read: %s", error)
        document = {}
    kept = document if isinstance(document, dict) else {}
    return {kind: _notes(kept.get(kind)) for kind in NoteOf}


def _notes(kept: object) -> dict[str, str]:
    texts = kept.items() if isinstance(kept, dict) else ()
    return {name: text for name, text in texts if isinstance(text, str) and text}
