"""A search through many indexed transcripts, beside grep over the same transcripts as files.

A quarter of the transcripts stand for all of them unless `--long` is given. Processor time, of
grep's process too: the pages that both read are in memory.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from gymtui.api.client import GymClient
from gymtui.cli.dashboard import THREAD_SWITCH_S
from gymtui.session.archive import Archive
from gymtui.session.archive_key import ArchiveKey
from gymtui.session.artifacts import ArtifactLoader
from gymtui.session.rollout_ref import RolloutRef
from gymtui.session.transcript_search import SearchTarget, TranscriptSearch
from gymtui.transcript.hits import parse_search
from gymtui.tui.runtime.gc_control import GcControl
from tests.bench.bench_transcript import body
from tests.bench.rows import Row, faster, told, within

TRANSCRIPTS, MESSAGES, BYTES = 600, 60, 170_000
RARE, COMMON = "the zebra crossing", "calendar panel"
_HELD, _TICK_S = 60, 0.001
_RARE_IN = 20
"""One transcript in so many holds what is rare."""


class Files:
    """A client whose artifacts are files."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def stream_artifacts(self, rollout_id: str, sink: Any, *_: object) -> None:
        """Read one."""
        sink(await asyncio.to_thread((self._directory / f"{rollout_id}.json").read_bytes))


def rows(*, long: bool) -> Iterator[Row]:
    """Measure.

    Args:
        long: All transcripts.
    """
    count = TRANSCRIPTS if long else TRANSCRIPTS // 4
    note = "" if long else f"{count} of {TRANSCRIPTS} transcripts"
    with TemporaryDirectory() as there:
        files = Path(there) / "exported"
        files.mkdir()
        for number in range(count):
            _write(files / f"r{number}.json", number)
        archive = Archive(Path(there) / "transcripts.sqlite3", 2 << 30)
        collecting = GcControl(0.0)
        collecting.begin()  # as the dashboard does, which never looks through everything meanwhile
        try:
            yield from _searched(files, archive, count, note)
        finally:
            collecting.end()
            archive.close()


def _write(path: Path, number: int) -> None:
    data = body(MESSAGES, BYTES, seed=number)
    if number % _RARE_IN == 7:
        at = data.index(b"alpha", random.Random(number).randrange(len(data) // 2))
        data = data[:at] + RARE.encode() + b" " + data[at:]
    path.write_bytes(data)


def _searched(files: Path, archive: Archive, count: int, note: str) -> Iterator[Row]:
    before = _memory_bytes()
    first_s, all_s, hits = asyncio.run(_search(files, archive, count, RARE))
    yield told("search: read, index and search what was not read before", all_s, note=note)
    used = _memory_bytes() - before + _memory_bytes(resource.RUSAGE_CHILDREN)
    yield within("search: memory while indexing, above idle", used, 150e6, "bytes", note)
    held_s = min(_longest_hold(files, files.parent) for _ in range(3))
    yield within("search: event loop held, at most", held_s, 0.02, "s", note)
    grep_s = min(_grep(files, RARE) for _ in range(3))
    first_s, all_s, hits = min(asyncio.run(_search(files, archive, count, RARE)) for _ in range(3))
    assert hits >= count // _RARE_IN
    yield within("search: first hit of a rare phrase", first_s, 0.2, "s", note)
    yield faster(f"search: all {hits} hits, against grep", all_s, grep_s, 5, note)
    first_s, all_s, hits = min(
        asyncio.run(_search(files, archive, count, COMMON)) for _ in range(3)
    )
    yield within("search: first hit of a common phrase", first_s, 0.2, "s", note)
    yield within(f"search: all {hits} hits of it", all_s, 2.0, "s", note)


async def _search(
    files: Path, archive: Archive, count: int, phrase: str
) -> tuple[float, float, int]:
    """Processor seconds to the first hit and to the end, and how many hits there are."""
    targets = [
        SearchTarget(RolloutRef("run", f"r{number}"), "1", True, None) for number in range(count)
    ]
    loader = ArtifactLoader(
        cast("GymClient", Files(files)),
        cache_bytes=0,
        archive=archive,
        key_of=lambda name, redacted: ArchiveKey("gym", name, "1", redacted),
    )
    search = TranscriptSearch(loader, archive, "gym", targets, parse_search(phrase))
    began_s, first_s, hits = time.process_time(), None, 0
    async for found in search.hits():
        if found and first_s is None:
            first_s = time.process_time() - began_s
        hits += len(found)
    assert search.progress.searched == count
    all_s = time.process_time() - began_s
    return (all_s if first_s is None else first_s), all_s, hits


def _grep(files: Path, phrase: str) -> float:
    """Processor seconds of grep."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        ["grep", "-rioF", phrase, str(files)],
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _memory_bytes(whose: int = resource.RUSAGE_SELF) -> float:
    return resource.getrusage(whose).ru_maxrss * 1024.0


def _longest_hold(files: Path, there: Path) -> float:
    """For how long the event loop is held at most while transcripts are indexed and searched.

    Processor seconds of this process between two turns of the loop: what other programs take is
    not counted.
    """
    sys.setswitchinterval(THREAD_SWITCH_S)
    archive = Archive(there / f"{random.random()}.sqlite3", 2 << 30)

    async def measured(phrase: str) -> float:
        searching = asyncio.create_task(_search(files, archive, _HELD, phrase))
        longest_s, before_s = 0.0, time.process_time()
        while not searching.done():
            await asyncio.sleep(_TICK_S)
            now_s = time.process_time()
            longest_s, before_s = max(longest_s, now_s - before_s), now_s
        await searching
        return longest_s

    try:
        return max(asyncio.run(measured(phrase)) for phrase in (RARE, COMMON))
    finally:
        archive.close()
