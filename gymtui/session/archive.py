"""Transcripts on disk: artifacts as received, compressed, and an index of what stands in them.

One SQLite file for all gyms, in the cache directory: what is in it, a gym can give again, so
whatever is wrong with it costs a download and nothing else. Every method may be called from any
thread, and none raises for the sake of the file. Which transcripts are searched is
`session.transcript_search`.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gymtui import __version__
from gymtui.api.list_answer import without_secrets
from gymtui.session.archive_file import (
    NUMBERS,
    USED_S,
    ArchiveFile,
    file_bytes,
    packs_at,
    rows_of,
    writing,
)
from gymtui.session.archive_key import ArchiveKey
from gymtui.session.trigrams import trigram_query
from gymtui.transcript.hits import SpokenPassage
from gymtui.transcript.packed_passages import IN_A_PACK, LEVEL, texts_in, unpack_passages
from gymtui.transcript.search import Query

IN_MEMORY_BYTES = 32 * 1024 * 1024  # what an archive holds that has no file
_READING = __version__
"""What texts were read by: another version may read other turns into the same artifacts."""


@dataclass(frozen=True, slots=True)
class ArchiveContents:
    # By the key of each transcript that is indexed, the passages that can hold what is looked
    # for; None for all of them.
    passages: Mapping[ArchiveKey, Sequence[int] | None] = field(default_factory=dict)
    kept: frozenset[ArchiveKey] = frozenset()  # those whose artifacts are here, indexed or not


class Archive:
    """Transcripts that were read before.

    Args:
        path: The file, made where it is missing; None keeps them in memory.
        limit_bytes: What it may hold, index included.
    """

    def __init__(
        self,
        path: Path | None,
        limit_bytes: int = IN_MEMORY_BYTES,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._secrets: set[bytes] = set()
        self._now = now
        self._file = ArchiveFile(path, limit_bytes, now)

    def exclude(self, secret: str) -> None:
        """Never keep what holds this text."""
        if secret:
            self._secrets.add(secret.encode("utf-8", "replace"))

    def body(self, key: ArchiveKey) -> bytes | None:
        """A rollout's artifacts as they were received, if they are here."""

        def read(db: sqlite3.Connection) -> bytes | None:
            found = db.execute(
                "SELECT id, body, used_at FROM transcripts JOIN bodies USING (id)"
                " WHERE gym = ? AND rollout_id = ? AND redacted = ? AND version = ?",
                (key.gym, key.rollout_id, key.redacted, key.version),
            ).fetchone()
            if found is None:
                return None
            if found[2] < self._now() - USED_S:
                self._file.note_use(db, [found[0]])
            return zlib.decompress(found[1])

        return self._file.use(read, None)

    def keep(self, key: ArchiveKey, body: bytes) -> bool:
        """Keep a rollout's artifacts in the place of others of its id; whether they are here."""
        body = without_secrets(body)
        if not body or any(secret in body for secret in self._secrets):
            return False
        packed = zlib.compress(body, LEVEL)

        def write(db: sqlite3.Connection) -> bool:
            if not self._file.make_room(db, len(packed)):
                return False
            with writing(db):
                self._file.drop(db, self._file.ids(db, key))
                row = db.execute(
                    "INSERT INTO transcripts (gym, rollout_id, redacted, version, used_at, size)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        *(key.gym, key.rollout_id, key.redacted, key.version),
                        *(self._now(), len(packed)),
                    ),
                )
                db.execute("INSERT INTO bodies VALUES (?, ?)", (row.lastrowid, packed))
            return True

        return self._file.use(write, False)

    def index(self, key: ArchiveKey, packs: Sequence[bytes]) -> bool:
        """Keep what can be searched in artifacts, which are here; whether it is here now.

        Args:
            packs: All their passages, as `packed_passages` has them.
        """
        texts = [text for pack in packs for text in texts_in(pack)]
        held = sum(map(len, packs))
        # Of text, the index takes about half.
        size = held + sum(map(len, texts)) // 2

        def write(db: sqlite3.Connection) -> bool:
            ids = self._file.ids(db, key, version=key.version)
            if not ids or not self._file.make_room(db, size, spare=ids[0]):
                return False
            (place,) = ids
            before = file_bytes(db)
            with writing(db):
                if self._file.ids(db, key, version=key.version) != ids:
                    return False  # another dashboard dropped it meanwhile
                self._file.drop_text(db, place)
                db.executemany(
                    "INSERT INTO texts VALUES (?, ?)",
                    (
                        (place << NUMBERS | number * IN_A_PACK, pack)
                        for number, pack in enumerate(packs)
                    ),
                )
                if self._file.has_trigrams:
                    db.executemany(
                        "INSERT INTO trigrams (rowid, text) VALUES (?, ?)",
                        rows_of(place << NUMBERS, texts),
                    )
                db.execute("UPDATE transcripts SET reading = ? WHERE id = ?", (_READING, place))
            # Only now it is known what the index took.
            grown = max(file_bytes(db) - before, held)
            with writing(db):
                db.execute("UPDATE transcripts SET size = size + ? WHERE id = ?", (grown, place))
            return self._file.make_room(db, 0, spare=place)

        return self._file.use(write, False)

    def known(self, keys: Sequence[ArchiveKey], query: Query) -> ArchiveContents:
        """See which of some transcripts are here, and where in them a phrase can be."""
        wanted = trigram_query(query) if self._file.has_trigrams else None

        def read(db: sqlite3.Connection) -> ArchiveContents:
            places: dict[int, ArchiveKey] = {}
            kept: set[ArchiveKey] = set()
            unused: list[int] = []
            by_name = {(key.gym, key.rollout_id, int(key.redacted)): key for key in keys}
            for gym in {key.gym for key in keys}:
                rows = db.execute(
                    "SELECT id, rollout_id, redacted, version, reading, used_at FROM transcripts"
                    " WHERE gym = ?",
                    (gym,),
                )
                for place, rollout_id, redacted, version, reading, used_at in rows:
                    key = by_name.get((gym, rollout_id, redacted))
                    if key is None or key.version != version:
                        continue
                    kept.add(key)
                    if reading == _READING:
                        places[place] = key
                        if used_at < self._now() - USED_S:
                            unused.append(place)
            self._file.note_use(db, unused)
            if wanted is None or not self._file.has_trigrams:
                return ArchiveContents(dict.fromkeys(places.values()), frozenset(kept))
            found: dict[ArchiveKey, list[int]] = {key: [] for key in places.values()}
            if places:
                first, last = min(places) << NUMBERS, (max(places) + 1) << NUMBERS
                rows = db.execute(
                    "SELECT rowid FROM trigrams"
                    " WHERE trigrams MATCH ? AND rowid >= ? AND rowid < ?",
                    (wanted, first, last),
                )
                for (row,) in rows:
                    place = row >> NUMBERS
                    if place in places:
                        found[places[place]].append(row & ((1 << NUMBERS) - 1))
            return ArchiveContents(found, frozenset(kept))

        return self._file.use(read, ArchiveContents())

    def passages(
        self, key: ArchiveKey, numbers: Sequence[int] | None
    ) -> Sequence[SpokenPassage] | None:
        """Some or all of an indexed transcript's passages; None if they are here no more."""
        places: defaultdict[int, set[int]] = defaultdict(set)
        for number in numbers or ():
            places[number - number % IN_A_PACK].add(number % IN_A_PACK)

        def read(db: sqlite3.Connection) -> list[tuple[int, bytes]] | None:
            found = db.execute(
                "SELECT id FROM transcripts WHERE gym = ? AND rollout_id = ? AND redacted = ?"
                " AND version = ? AND reading = ?",
                (key.gym, key.rollout_id, key.redacted, key.version, _READING),
            ).fetchone()
            if found is None:
                return None
            first = found[0] << NUMBERS
            if numbers is None:
                packs = packs_at(db, found[0])
            else:
                one = "SELECT number, text FROM texts WHERE number = ?"
                packs = [row for at in sorted(places) for row in db.execute(one, (first | at,))]
            return [(number - first, pack) for number, pack in packs]

        packs = self._file.use(read, None)
        if packs is None:
            return None
        return [
            spoken
            for first, pack in packs
            for spoken in (
                unpack_passages(pack) if numbers is None else unpack_passages(pack, places[first])
            )
        ]

    def close(self) -> None:
        self._file.close()
