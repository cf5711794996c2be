"""A regular expression at work in a process of its own, which can be ended at any moment."""

from __future__ import annotations

import array
import contextlib
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from gymtui.core import child_environment

_WORKER = Path(__file__).with_name("regex_worker.py")


class PatternError(ValueError):
    """A regular expression that is none, or that took too long; its text is for the person."""


class RegexProcess:
    """A process that finds one pattern in text after text. A context manager: leaving it ends it.

    Args:
        pattern: A regular expression, as Python's `re` takes it.
        flags: For `re.compile`.
    """

    def __init__(self, pattern: str, flags: int) -> None:
        # Nothing of the environment or of installed packages is loaded: it starts in 20 ms.
        self._process = subprocess.Popen(  # noqa: S603  (this interpreter, a file of this package)
            [sys.executable, "-I", "-S", str(_WORKER), str(flags)],
            env=child_environment.environment(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._pattern = pattern
        self._started = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.end()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._process.wait()

    def end(self) -> None:
        """End it, from any thread; whoever waits for it gets a `PatternError`."""
        self._process.kill()

    def find(self, text: str, most: int) -> Iterator[tuple[int, int]]:
        """Find the pattern in a text.

        Args:
            text: Where.
            most: Matches wanted at most.

        Yields:
            Start and end of matches that are not empty.

        Raises:
            PatternError: It was ended, for taking too long.
        """
        try:
            if not self._started:
                self._started = True
                self._send(self._pattern.encode("utf-8", "surrogatepass"), 0)
            self._send(text.encode("utf-8", "surrogatepass"), most)
            found = self._receive()
        except (BrokenPipeError, EOFError):
            raise PatternError("ended, it took too long") from None
        yield from zip(found[::2], found[1::2], strict=True)

    def _send(self, data: bytes, most: int) -> None:
        assert self._process.stdin is not None  # noqa: S101  (it was asked for)
        self._process.stdin.write(struct.pack("=QQ", len(data), most) + data)
        self._process.stdin.flush()

    def _receive(self) -> array.array[int]:
        assert self._process.stdout is not None  # noqa: S101  (it was asked for)
        head = self._process.stdout.read(8)
        if len(head) < 8:
            raise EOFError
        (size,) = struct.unpack("=Q", head)
        data = self._process.stdout.read(size)
        if len(data) < size:
            raise EOFError
        return array.array("Q", data)
