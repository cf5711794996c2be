"""A terminal driver whose writes never hold up the event loop, however slowly the terminal reads.

What is drawn is decided elsewhere; here whole writes are queued, and whole frames are refused.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

from textual.drivers.linux_driver import LinuxDriver

STALL_S: Final = 1.0
"""A write the terminal has not taken for so long counts as a stall."""
FRAME_LIMIT: Final = 128 * 1024
"""Bytes waiting above which frames are refused: some ten screens, a second or two of slow SSH."""
HARD_LIMIT: Final = 1024 * 1024
"""Bytes waiting above which any write is dropped, so that memory is bounded."""
_CHUNK: Final = 4096
"""Bytes a system call: small enough that a slow terminal still shows progress."""
_LEAVE_S: Final = 1.0
"""Seconds the last bytes have on the way out before they are abandoned."""


class TerminalWriter(threading.Thread):
    """Writes to a descriptor in the background. `write` returns at once, whatever the reader does.

    Args:
        fd: Where to write; may block.
        on_resumed: Called in this thread with the seconds a write was held up, once it went out.
        on_drained: Called in this thread when everything is out and frames had been refused.
    """

    def __init__(
        self,
        fd: int,
        *,
        on_resumed: Callable[[float], object],
        on_drained: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name="gymtui-output", daemon=True)
        self._fd = fd
        self._on_resumed = on_resumed
        self._on_drained = on_drained
        self._clock = clock
        self._ready = threading.Condition()
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._refused = False
        self._closed = False
        self._abandoned = False
        self._held_since: float | None = None

    @property
    def stalled_since(self) -> float | None:
        """When the write in progress was begun, in the clock's seconds, if that is too long ago."""
        held = self._held_since
        return held if held is not None and self._clock() - held >= STALL_S else None

    def takes_frame(self) -> bool:
        """Whether a frame is worth drawing now. If not, `on_drained` will tell when it is."""
        with self._ready:
            if self._bytes <= FRAME_LIMIT and self.stalled_since is None:
                return True
            self._refused = True
            return False

    def write(self, data: bytes) -> None:
        """Queue complete escape sequences and text, whole or, above the hard limit, not at all."""
        with self._ready:
            if self._closed or self._bytes + len(data) > HARD_LIMIT:
                self._refused = True
                return
            self._waiting.append(data)
            self._bytes += len(data)
            self._ready.notify()

    def stop(self, timeout_s: float = _LEAVE_S) -> None:
        """Let what is queued go out; what is left after so many seconds is abandoned."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        self.join(timeout_s)
        self._abandoned = True

    def run(self) -> None:
        while True:
            with self._ready:
                while not self._waiting and not self._closed:
                    self._ready.wait()
                batch = b"".join(self._waiting)
                self._waiting.clear()
            if not batch or not self._put(memoryview(batch)):
                break
        with self._ready:
            self._closed = True
            self._waiting.clear()

    def _put(self, batch: memoryview) -> bool:
        for start in range(0, len(batch), _CHUNK):
            chunk = batch[start : start + _CHUNK]
            self._held_since = since = self._clock()
            gone = not self._push(chunk)
            held_s = self._clock() - since
            self._held_since = None
            if gone or self._abandoned:
                return False
            with self._ready:
                self._bytes -= len(chunk)
                drained = self._refused and not self._bytes
                if drained:
                    self._refused = False
            if held_s >= STALL_S:
                self._on_resumed(held_s)
            if drained:
                self._on_drained()
        return True

    def _push(self, chunk: memoryview) -> bool:
        """Write one chunk whole; False if the terminal is gone."""
        while chunk:
            try:
                chunk = chunk[os.write(self._fd, chunk) :]
            except BlockingIOError:
                # Somebody left the shared terminal non-blocking: wait as if it were not.
                poller = select.poll()
                poller.register(self._fd, select.POLLOUT)
                poller.poll(1000)
            except OSError as error:
                if error.errno in _GONE:
                    return False
                raise
        return True


_GONE: Final = frozenset({errno.EIO, errno.ENXIO, errno.EPIPE, errno.EBADF})
"""What a descriptor answers whose terminal was taken away; the watchdog ends the process."""


class TerminalListener(Protocol):
    """What the driver tells the app."""

    def terminal_resumed(self, gap_s: float) -> None:
        """The terminal reads again."""

    def redraw(self) -> None:
        """What the terminal shows is not what it should: draw everything."""


class GuardedDriver(LinuxDriver):
    """Textual's driver with its blocking output replaced.

    Textual's own writer has thirty slots and blocks the event loop when they are full (a stalled
    SSH connection, a stopped tmux client), polling included. Here the app asks `takes_frame`
    before it draws, and draws all anew once the terminal has caught up.
    """

    _writer: TerminalWriter | None = None
    _drawn_on: int = 2
    _continued: bool = False
    stops_group: bool = False
    """Whether the next stop is one for all that the shell started with this process. A key that
    is read in raw mode reaches no other process, and a `make` or a script in front of this one
    that goes on keeps the shell from its terminal."""

    @property
    def stalled_since(self) -> float | None:
        """Monotonic seconds at which the terminal stopped reading, or None while it reads."""
        return self._writer.stalled_since if self._writer else None

    def takes_frame(self) -> bool:
        """Whether a frame should be drawn now; if not, the app will be told when."""
        return self._writer is None or self._writer.takes_frame()

    def start_application_mode(self) -> None:
        if self._writer is not None:
            self._writer.stop()
        stream: Any = sys.__stderr__
        stream.flush()
        self._drawn_on = stream.fileno()
        self._encoding: str = stream.encoding or "utf-8"
        self._writer = TerminalWriter(
            self._drawn_on,
            on_resumed=lambda gap_s: self._tell(self._listener.terminal_resumed, gap_s),
            on_drained=lambda: self._tell(self._listener.redraw),
        )
        self._writer.start()
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def write(self, data: str) -> None:
        if self._writer is not None:
            self._writer.write(data.encode(self._encoding, "replace"))

    def close(self) -> None:
        """End the output; a terminal that does not read is not waited for."""
        super().close()
        if self._writer is not None:
            self._writer.stop()

    def resume_application_mode(self) -> None:
        """Come back from a suspension: the framework alone leaves the screen empty."""
        super().resume_application_mode()
        self._tell(self._listener.redraw)

    def _sigtstp_application(self, *_: object) -> None:
        group, self.stops_group = self.stops_group, False
        if not self._auto_restart:  # another program has the terminal
            super()._sigtstp_application()
            return
        # Restored first: once the shell has the terminal, it is no longer ours to change.
        self.suspend_application_mode()
        self._must_signal_resume = True
        self._continued = False
        # The plain signal, where the framework's own SIGSTOP would end up stopped for ever if no
        # shell is there to continue it: the kernel knows, and then ignores this one.
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        if group and self._is_in_front():
            os.killpg(os.getpgrp(), signal.SIGTSTP)
        else:
            os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._sigtstp_application)
        if not self._continued:
            self.resume_application_mode()

    def _sigcont_application(self, *_: object) -> None:
        self._continued = True
        super()._sigcont_application()

    def _is_in_front(self) -> bool:
        try:
            return os.tcgetpgrp(self._drawn_on) == os.getpgrp()
        except OSError:  # it is no terminal, or another session's
            return False

    def restore(self) -> None:
        """Give the terminal back from any thread, when the event loop no longer can."""
        self.stop_application_mode()
        self.close()

    def _get_terminal_size(self) -> tuple[int, int]:
        # Of the terminal that is drawn on. The framework believes COLUMNS and LINES first: where a
        # shell exports them, no resize would ever be seen.
        try:
            size = os.get_terminal_size(self._drawn_on)
        except OSError:
            return super()._get_terminal_size()
        return size.columns, size.lines

    def _run_input_thread(self) -> None:
        # Any other error reaches threading.excepthook, which `crash_report` takes for a defect.
        try:
            self.run_input_thread()
        except OSError as error:
            if error.errno not in _GONE:
                raise

    @property
    def _listener(self) -> TerminalListener:
        return cast("TerminalListener", self._app)

    def _tell(self, what: Callable[..., None], *args: object) -> None:
        """Call the app in its own time, from any thread, signal handlers included."""
        if self._app._running:
            self._loop.call_soon_threadsafe(self._app.call_later, what, *args)
