"""Reads transcripts for a search, in a process of its own where that takes long.

A thread would do the same, but holds the interpreter, and with it the keys, for as long as it is
busy in Python.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from gymtui.core.child_environment import helper_environment
from gymtui.transcript.blocks import Ending
from gymtui.transcript.reader_process import Order, packs_of, read_frame, write_frame

SHORT_BYTES = 16 * 1024  # artifacts up to this are read here: a process to start takes far longer
_MODULE = "gymtui.transcript.reader_process"
_decoder = msgspec.msgpack.Decoder(list[bytes])


class ReaderEndedError(Exception):
    """The process ended over a transcript."""


class TranscriptReader:
    """Reads one transcript at a time; the process is started when it is needed."""

    def __init__(self, command: Sequence[str] = (sys.executable, "-P", "-m", _MODULE)) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._cannot_start = False
        self._is_closed = False
        self._starting = threading.Lock()
        self._turn = asyncio.Lock()

    async def read(self, body: bytes, result: Ending | None) -> Sequence[bytes]:
        """Read a rollout's artifacts into what can be searched, as `packed_passages` has it.

        Raises:
            ReaderEndedError: The process was killed over them, or `close` was called.
        """
        async with self._turn:
            if len(body) > SHORT_BYTES and not self._cannot_start:
                packs = await asyncio.to_thread(self._ask, body, result)
                if packs is not None:
                    return packs
            return await asyncio.to_thread(packs_of, body, result)

    def close(self) -> None:
        """End the process; what is under way raises."""
        with self._starting:
            self._is_closed = True
            process, self._process = self._process, None
        if process is not None:
            _end(process)

    def _ask(self, body: bytes, result: Ending | None) -> Sequence[bytes] | None:
        process = self._started()
        if process is None:
            return None
        assert process.stdin is not None and process.stdout is not None  # noqa: S101  (asked for)
        order: Order = (body, result)
        try:
            write_frame(process.stdin, order)
            return _decoder.decode(read_frame(process.stdout))
        except (OSError, EOFError, ValueError) as error:  # ValueError: closed meanwhile
            self._process = None
            _end(process)
            raise ReaderEndedError from error

    def _started(self) -> subprocess.Popen[bytes] | None:
        """The process; None where none can be started."""
        with self._starting:
            if self._is_closed:
                raise ReaderEndedError
            if self._process is not None:
                return self._process
            try:
                # A session of its own: ^C in the terminal is not for it.
                process = subprocess.Popen(  # noqa: S603  (this interpreter, this package)
                    self._command,
                    env=helper_environment(os.environ),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError:
                self._cannot_start = True
                return None
            self._process = process
        assert process.stdout is not None  # noqa: S101  (asked for)
        try:
            read_frame(process.stdout)
        except (EOFError, ValueError):
            self._process = None
            _end(process)
            if self._is_closed:
                raise ReaderEndedError from None
            self._cannot_start = True
            return None
        return process


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it at once: it keeps nothing."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):  # what was not written yet is written by nobody
            if pipe is not None:
                pipe.close()
