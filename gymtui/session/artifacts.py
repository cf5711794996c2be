"""Gets artifacts: streamed with progress, capped, tried again when the gym is busy, and kept.

What was read last is kept in memory, what cannot change any more in the archive, too.

Only these downloads are repeated, and they are GETs: polling is its own retry, and what changes the
gym is never sent twice. (httpx-retries would do this inside the transport, for one dependency more
and without telling the person that it waits.) Cancelling the task ends the download.
"""

from __future__ import annotations

import asyncio
import mmap
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from weakref import WeakValueDictionary

from msgspec import Struct

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import Garbled, GymError
from gymtui.api.request import Progress
from gymtui.api.response import detect_interception
from gymtui.api.retry import with_retry
from gymtui.core.new_file import NewFile
from gymtui.session.archive import Archive
from gymtui.session.archive_key import ArchiveKey
from gymtui.transcript.blocks import Transcript
from gymtui.transcript.body_check import no_artifacts
from gymtui.transcript.body_reader import open_body

CAP_BYTES = 64 * 1024 * 1024
"""The largest artifacts that are opened, in bytes after decompression; larger ones can be saved."""
CACHE_BYTES = 64 * 1024 * 1024  # bytes of artifacts that are kept, besides the last
_READ_AT_ONCE = 4  # transcripts under way at the same time, where many are to be read
_LOOKED_AT = 4096  # bytes by which a web page is known
_CALL = "GET /rollouts/{rollout_id}/artifacts"


class TooLargeError(Exception):
    """The artifacts are larger than what is opened."""

    def __init__(self, cap_bytes: int) -> None:
        super().__init__(f"larger than {cap_bytes:,} bytes")
        self.cap_bytes = cap_bytes


class Artifacts(Struct, frozen=True):
    """A rollout's artifacts: the answer's bytes, and what was read in them."""

    body: bytes
    transcript: Transcript
    redacted: bool = False  # whether the gym was asked to leave tool calls out


class ArtifactLoader:
    """Where artifacts are asked for.

    Args:
        on_read: Told of what was read, and whose it is.
        key_of: A rollout's key in the archive, given its id and whether it is redacted; None for
            artifacts that may still change.
    """

    def __init__(
        self,
        client: Endpoints,
        *,
        cap_bytes: int = CAP_BYTES,
        cache_bytes: int = CACHE_BYTES,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        on_read: Callable[[str, Artifacts], object] = lambda _rollout_id, _artifacts: None,
        archive: Archive | None = None,
        key_of: Callable[[str, bool], ArchiveKey | None] = lambda _rollout_id, _redacted: None,
    ) -> None:
        self._client = client
        self.cap_bytes = cap_bytes
        self._cache_bytes = cache_bytes
        self._sleep = sleep
        self._on_read = on_read
        self._archive = archive
        self._key_of = key_of
        self._locks: WeakValueDictionary[tuple[str, bool], asyncio.Lock] = WeakValueDictionary()
        self._kept: OrderedDict[tuple[str, bool], Artifacts] = OrderedDict()

    def kept(self, rollout_id: str, *, redacted: bool = False) -> Artifacts | None:
        """The artifacts, if they are still here from before."""
        found = self._kept.get((rollout_id, redacted))
        if found is not None:
            self._kept.move_to_end((rollout_id, redacted))
        return found

    def forget(self, rollout_id: str) -> None:
        """Ask the gym the next time."""
        for redacted in (False, True):
            self._kept.pop((rollout_id, redacted), None)

    async def get(
        self, rollout_id: str, *, redacted: bool = False, on_progress: Progress | None = None
    ) -> Artifacts:
        """Get a rollout's artifacts, from here or from the gym, and read them.

        Raises:
            GymError: As the client, after some tries; Garbled if the answer is not artifacts.
            TooLargeError: They are larger than the cap.
        """
        found = self.kept(rollout_id, redacted=redacted)
        if found is not None:
            return found
        body = await self.body(rollout_id, redacted=redacted, on_progress=on_progress)
        found = Artifacts(body, await asyncio.to_thread(open_body, body), redacted)
        self._keep(rollout_id, found)
        self._on_read(rollout_id, found)
        return found

    async def get_all(self, rollout_ids: Iterable[str]) -> list[GymError | TooLargeError]:
        """Get and read many, some at a time; gives what went wrong."""
        due, failed = iter(rollout_ids), list[GymError | TooLargeError]()

        async def read() -> None:
            for rollout_id in due:
                try:
                    await self.get(rollout_id)
                except (GymError, TooLargeError) as error:
                    failed.append(error)

        await asyncio.gather(*(read() for _ in range(_READ_AT_ONCE)))
        return failed

    async def body(
        self,
        rollout_id: str,
        *,
        redacted: bool = False,
        key: ArchiveKey | None = None,
        on_progress: Progress | None = None,
    ) -> bytes:
        """Get a rollout's artifacts as received, from the archive or from the gym; not read.

        Progress is that of a download only. Errors are those of `get`.

        Args:
            key: Their key in the archive, where whoever asks knows that.
        """
        archive, key = self._archive, key or self._key_of(rollout_id, redacted)
        if archive is None or key is None:
            return await self._downloaded(rollout_id, redacted, on_progress)
        # Who comes second waits, and finds them here.
        turn = self._locks.setdefault((rollout_id, redacted), asyncio.Lock())
        async with turn:
            body = await asyncio.to_thread(archive.body, key)
            if body is None:
                body = await self._downloaded(rollout_id, redacted, on_progress)
                await asyncio.to_thread(archive.keep, key, body)
            elif len(body) > self.cap_bytes:
                raise TooLargeError(self.cap_bytes)
            return body

    async def _downloaded(
        self, rollout_id: str, redacted: bool, on_progress: Progress | None
    ) -> bytes:
        body = bytearray()

        def progressed(received: int, announced: int | None) -> None:
            # Unpacked it is not smaller: no need to have it all to know that it is too much.
            if announced is not None and announced > self.cap_bytes:
                raise TooLargeError(self.cap_bytes)
            if on_progress is not None:
                on_progress(received, announced)

        def take(data: bytes) -> None:
            body.extend(data)
            if len(body) > self.cap_bytes:
                raise TooLargeError(self.cap_bytes)

        async def fetch() -> None:
            body.clear()
            await self._client.stream_artifacts(rollout_id, take, redacted, progressed)

        await with_retry(fetch, sleep=self._sleep)
        received = bytes(body)
        body.clear()
        await asyncio.to_thread(_must_be_artifacts, received)
        return received

    async def save(
        self,
        rollout_id: str,
        path: Path,
        *,
        redacted: bool = False,
        on_progress: Progress | None = None,
    ) -> None:
        """Write a rollout's artifacts to a new file as they come, whatever their size.

        Raises:
            GymError: As the client, after some tries, and Garbled if the answer is not artifacts;
                there is no file then.
            FileExistsError: There is such a file.
            OSError: It cannot be written.
        """
        with NewFile(path) as file:

            async def fetch() -> None:
                file.restart()
                await self._client.stream_artifacts(rollout_id, file.write, redacted, on_progress)

            await with_retry(fetch, sleep=self._sleep)
            # Written through to the disk, which can take long; stopped meanwhile, it is waited for.
            finishing = asyncio.ensure_future(asyncio.to_thread(_finish, file))
            try:
                await asyncio.shield(finishing)
            except asyncio.CancelledError:
                await finishing
                raise

    def _keep(self, rollout_id: str, artifacts: Artifacts) -> None:
        self._kept[rollout_id, artifacts.redacted] = artifacts
        size = sum(len(item.body) for item in self._kept.values())
        while size - len(artifacts.body) > self._cache_bytes and len(self._kept) > 1:
            _, old = self._kept.popitem(last=False)
            size -= len(old.body)


def _finish(file: NewFile) -> None:
    with file.written() as body:
        _must_be_artifacts(body)
    file.finish()


def _must_be_artifacts(body: bytes | mmap.mmap) -> None:
    if (fault := no_artifacts(body)) is not None:
        raise detect_interception(bytes(body[:_LOOKED_AT])) or Garbled(f"{_CALL}: {fault}")
