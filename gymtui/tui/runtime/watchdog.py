"""Ends the process when its terminal is gone or it was asked to end, whatever else it is busy with.

A thread of its own watches; the screen, the event loop and what is on it live elsewhere.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, Self

EXIT_HANGUP: Final = 128 + signal.SIGHUP
"""Exit code after the terminal was lost, as a shell spells death by SIGHUP."""

_POLITE: Final = tuple(
    number
    for name in (
        *("SIGTERM", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF"),
        *("SIGXCPU", "SIGIO", "SIGPWR", "SIGSTKFLT", "SIGABRT", "SIGTRAP", "SIGSYS"),
    )
    if (number := getattr(signal, name, None)) is not None
)
"""Signals that would end a process and leave the terminal as it is, but for SIGHUP."""

_GRACE_S: Final = 1.0
"""Seconds that all callbacks together may take once the process must end."""
_POLITE_S: Final = 2.0
"""Seconds the program has to end by itself after SIGTERM."""
_LOOK_S: Final = 1.0
"""How often the terminal is looked at where its loss wakes nobody (poll on macOS ttys)."""
_DEFAULTS: Final = (signal.SIG_DFL, signal.default_int_handler)
_CLOSED: Final = b"\0"


class Watchdog:
    """Watches the terminal from a daemon thread; a context manager, entered on the main thread.

    A lost terminal shows as SIGHUP, or, when that is ignored (nohup), as POLLHUP on the terminal's
    descriptor: both end the process at once, also while the event loop or a write is stuck, since
    nothing of them is needed: callbacks given to `on_lost` run in threads of their own for at most
    `_GRACE_S`, then `os._exit`. SIGTERM, and whatever else calls `end_within`, is polite first.
    """

    def __init__(self) -> None:
        self._ttys = tuple(fd for fd in (0, 2) if os.isatty(fd))
        self._callbacks: list[Callable[[], object]] = []
        self._polite: Callable[[int], object] | None = None
        self._deadline: tuple[float, int] | None = None
        self._before: dict[signal.Signals, Any] = {}
        self._wake_read, self._wake_write = -1, -1
        self._thread: threading.Thread | None = None

    def on_lost(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Have something done when the watchdog ends the process: end a child, say.

        Args:
            callback: Called in a thread of its own. It must not need the event loop, and what it
                has not done within the grace time stays undone.

        Returns:
            A function that takes the callback off again.
        """
        self._callbacks.append(callback)

        def forget() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return forget

    def on_terminate(self, polite: Callable[[int], object] | None) -> None:
        """Say how the program is asked to end by itself.

        Args:
            polite: Called in the watching thread on SIGTERM and its like, with the exit code; None
                leaves them to be final.
        """
        self._polite = polite

    def end_within(self, seconds: float, code: int) -> None:
        """End the process so many seconds from now, unless it is closed or was to end before."""
        at = time.monotonic() + seconds
        if self._deadline is None or at < self._deadline[0]:
            self._deadline = (at, code)
            self._wake(b"d")

    def __enter__(self) -> Self:
        """Start to watch, and take over SIGHUP and all that would end the process.

        What is ignored stays so; what somebody else handles, SIGTERM excepted, is theirs.
        """
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        for number in (signal.SIGHUP, *_POLITE):
            now = signal.getsignal(number)
            theirs = number not in (signal.SIGHUP, signal.SIGTERM) and now not in _DEFAULTS
            if now is not signal.SIG_IGN and not theirs:
                self._before[number] = signal.signal(number, self._on_signal)
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Stop to watch and put the signals back."""
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before.clear()
        self._wake(_CLOSED)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        os.close(self._wake_read)
        os.close(self._wake_write)
        self._wake_read, self._wake_write = -1, -1

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        # Whatever the main thread was doing may hold locks: only the watching thread acts.
        self._wake(bytes([number]))

    def _wake(self, what: bytes) -> None:
        if self._wake_write >= 0:
            try:
                os.write(self._wake_write, what)
            except BlockingIOError:
                return  # 64 KiB of signals wait already

    def _watch(self) -> None:
        poller = select.poll()
        poller.register(self._wake_read, select.POLLIN)
        for fd in self._ttys:
            poller.register(fd, 0)  # hang-ups are reported unasked
        while True:
            left = _LOOK_S
            if self._deadline is not None:
                at, code = self._deadline
                left = min(left, at - time.monotonic())
                if left <= 0:
                    self._end(code)
                    return
            for fd, mask in poller.poll(left * 1000):
                if fd == self._wake_read:
                    if not self._obey(os.read(fd, 64)):
                        return
                elif mask & select.POLLNVAL:
                    poller.unregister(fd)  # a system that cannot poll terminals: isatty will tell
                else:
                    self._end(EXIT_HANGUP)
                    return
            if not all(os.isatty(fd) for fd in self._ttys):
                self._end(EXIT_HANGUP)
                return

    def _obey(self, woken: bytes) -> bool:
        """Act on what woke the thread; False when there is nothing more to watch."""
        if _CLOSED in woken:
            return False
        if signal.SIGHUP in woken:
            self._end(EXIT_HANGUP)
            return False
        for number in _POLITE:
            if number in woken:
                code = 128 + number
                self.end_within(_POLITE_S if self._polite else 0, code)
                if self._polite:
                    self._polite(code)
                break
        return True

    def _end(self, code: int) -> None:
        try:
            # One thread each: a callback that hangs or fails costs the others nothing.
            threads = [threading.Thread(target=call, daemon=True) for call in self._callbacks]
            for thread in threads:
                thread.start()
            until = time.monotonic() + _GRACE_S
            for thread in threads:
                thread.join(max(0.0, until - time.monotonic()))
        finally:
            os._exit(code)
