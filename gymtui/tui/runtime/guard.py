"""The app that every gymtui app is: it leaves no terminal broken and prints no local variable.

It draws nothing a terminal could obey, and ends with its terminal. What it shows is no part of it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from rich.console import RenderableType
from rich.text import Text
from textual import constants
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.css.query import NoMatches
from textual.driver import Driver
from textual.filter import LineFilter
from textual.notifications import Notification, Notify, SeverityLevel
from textual.screen import Screen
from textual.widgets._toast import ToastRack
from textual.worker import WorkerFailed

from gymtui.core.text import clean, clean_block
from gymtui.tui.runtime import clipboard, notices
from gymtui.tui.runtime.cell_diff import Frames
from gymtui.tui.runtime.crash_report import (
    EXIT_DEFECT,
    Boundary,
    Defect,
    Reporter,
    short_path,
    write_message,
)
from gymtui.tui.runtime.driver import GuardedDriver
from gymtui.tui.runtime.output_filter import BACKSTOP
from gymtui.tui.runtime.watchdog import Watchdog

_WEDGED_S = 10.0
"""Seconds the framework has to shut down after a defect before the process is ended for it."""
_GONE_S = 0.2
"""Within so many seconds a notice that was taken away is no longer laid out."""


class GuardedApp(App[None]):
    """An app with the framework's crash path, output and notices replaced by safe ones.

    Args:
        watchdog: Ends the process with its terminal; `run_guarded` gives it.
        colour: Whether any colour may be written.
    """

    def __init__(
        self,
        *,
        reporter: Reporter,
        watchdog: Watchdog | None = None,
        colour: bool = True,
        **options: Any,
    ) -> None:
        self.reporter = reporter
        self.watchdog = watchdog
        self._defect: Defect | None = None
        self._is_reported = False
        self._frames = Frames(colour=colour)
        super().__init__(**options)

    # What the app may want to know

    def terminal_resumed(self, gap_s: float) -> None:
        """The terminal reads again after it did not. Polling went on; nobody saw it."""

    @property
    def stalled_since(self) -> float | None:
        """Monotonic seconds at which the terminal stopped reading; None while it reads."""
        return self._driver.stalled_since if isinstance(self._driver, GuardedDriver) else None

    # Output

    def get_driver_class(self) -> type[Driver]:
        """Use the driver that cannot be blocked, unless TEXTUAL_DRIVER names one."""
        return super().get_driver_class() if constants.DRIVER else GuardedDriver

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Put the backstop behind the framework's filters."""
        return [*super().get_line_filters(), BACKSTOP]

    def action_suspend_process(self) -> None:
        """Suspend to the shell, with all that the shell started together with this process."""
        if isinstance(self._driver, GuardedDriver):
            self._driver.stops_group = True
        super().action_suspend_process()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        driver = self._driver
        if isinstance(driver, GuardedDriver) and not driver.takes_frame():
            self.post_display_hook()  # not drawn: all is drawn anew when the terminal reads again
            return
        if isinstance(renderable, CompositorUpdate):
            renderable = self._frames.diff(renderable)
        super()._display(screen, renderable)

    def on_resize(self) -> None:
        """A terminal of another size has moved what it showed."""
        self._frames.forget()

    def redraw(self) -> None:
        """Draw everything: frames were left out, or another program had the terminal."""
        self._frames.forget()
        self.refresh()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a notice. Any text may be given: it is cleaned, and never read as markup.

        What there is no room for is left out: of a text its end, of notices the oldest. `markup`,
        which the framework's widgets pass, has no effect.
        """
        cells, lines = self.size
        super().notify(
            notices.shorten(clean_block(message), cells, lines),
            title=clean(title) if title else "",
            severity=severity,
            timeout=timeout,
            markup=False,
        )

    def _on_notify(self, event: Notify) -> None:
        """Make room for a notice; the framework's own handler, called after this, shows it."""
        *shown, new = [*self._notifications, event.notification]
        texts = [f"{notice.title}\n{notice.message}" for notice in shown]
        text = f"{new.title}\n{new.message}"
        for notice, shown_text in zip(shown, texts, strict=True):
            if shown_text == text:  # a key that is held says the same once
                self._unnotify(notice, refresh=False)
        for notice in shown[: notices.count_removed(texts, text, *self.size)]:
            self._unnotify(notice, refresh=False)

    def _unnotify(self, notification: Notification, refresh: bool = True) -> None:
        """Take a notice away, and see that nothing of it stays on the terminal.

        Where they were higher than their place, the framework draws nothing where they stood.
        """
        super()._unnotify(notification, refresh)
        if self.notices_overflow():
            self.set_timer(_GONE_S, self.redraw)

    def notices_overflow(self) -> bool:
        """Whether notices are higher than their place."""
        whole = self.screen.region
        racks = self.screen.query(ToastRack)
        return any(r.max_scroll_y or not whole.contains_region(r.region) for r in racks)

    def copy_to_clipboard(self, text: str, *, as_received: bool = False) -> None:
        """Copy, and say so: through tmux where OSC 52 would be lost.

        If `as_received`, exactly, with what would act where it is pasted.
        """
        self._clipboard = text if as_received else clipboard.pasteable(text)
        self.run_worker(self._copy(text, as_received), group="clipboard")

    async def _copy(self, text: str, as_received: bool) -> None:
        self.notify(await clipboard.copy(self, text, as_received=as_received), timeout=3)

    def write_terminal(self, sequence: str) -> None:
        """Send an escape sequence of our own making; nothing off the wire is in it unencoded."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    # Defects

    async def _process_messages(self, *args: Any, **options: Any) -> None:
        asyncio.get_running_loop().set_exception_handler(self._loop_failed)
        if self.watchdog is not None:
            self.watchdog.on_terminate(self._asked_to_end)
        await super()._process_messages(*args, **options)

    def _handle_exception(self, error: Exception) -> None:
        inner = error.error if isinstance(error, WorkerFailed) else error
        if self._exit and isinstance(inner, NoMatches):
            return  # asked to leave, the framework gives a screen that was just opened no widgets
        if self._exception is None:  # what pilots raise again in tests
            self._exception = error
            self._exception_event.set()
        self._fail(self.reporter.examine(inner or error))

    def _fatal_error(self) -> None:
        error = sys.exc_info()[1]
        if isinstance(error, Exception):
            self._handle_exception(error)
        else:
            self._fail(self.reporter.defect_of("the framework failed without a reason"))

    def panic(self, *renderables: RenderableType) -> None:
        """End the app after what the framework takes for an error, without printing values."""
        for renderable in renderables:
            self._fail(self.reporter.defect_of(*_words_of(renderable)))

    def _fail(self, defect: Defect) -> None:
        self._return_code = EXIT_DEFECT
        self.reporter.keep(defect)
        if self._defect is None:  # what fails while all is torn down is in the report alone
            self._defect = defect
            if self.watchdog is not None:
                self.watchdog.end_within(_WEDGED_S, EXIT_DEFECT)
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        self._print_exit_message(sys.stderr)

    def _print_exit_message(self, stream: TextIO | None) -> None:
        for renderable in self._exit_renderables:
            write_message(f"{clean_block(_words_of(renderable)[0])}\n", stream)
        self._exit_renderables.clear()
        if self._defect is not None and not self._is_reported:
            self._is_reported = True
            write_message(self.reporter.exit_message(self._defect), stream)

    def _thread_failed(self, error: BaseException) -> None:
        # A thread that dies leaves the program maimed (no input, say): better to end and say so.
        if isinstance(error, Exception) and self._running:
            self.call_later(self._handle_exception, error)
        else:
            self.reporter.keep(self.reporter.examine(error))

    def _loop_failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        # Forgotten tasks and dying transports: worth a report, not worth the person's screen.
        error = context.get("exception")
        if isinstance(error, BaseException):
            defect = self.reporter.examine(error)
        else:
            defect = self.reporter.defect_of(str(context.get("message", "error in the event loop")))
        path = self.reporter.keep(defect)
        if self._running:
            self.call_later(self.notify, f"{defect.headline}\nReport: {path}", severity="warning")

    # The end

    def _asked_to_end(self, code: int) -> None:
        """Called in the watchdog's thread on SIGTERM and its like."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(lambda: self.exit(return_code=code))

    def restore_terminal(self) -> None:
        """Give the terminal back and say what happened, from a thread: the event loop is stuck."""
        if isinstance(self._driver, GuardedDriver):
            self._driver.restore()
        self._print_exit_message(sys.__stderr__)  # sys.stderr is still the framework's


def run_guarded(app: GuardedApp, watchdog: Watchdog | None = None) -> int:
    """Run an app so that neither the terminal nor a process is left behind, come what may.

    Args:
        watchdog: One already entered, with its callbacks; else one is made for the run.

    Returns:
        The exit code: the app's own, `EXIT_DEFECT` after a defect, 143 after SIGTERM (128 and
        the number of any other signal that ends a process). A lost
        terminal ends the process with 129 instead of returning.

    Raises:
        SystemExit: With `EXIT_DEFECT`, when the framework failed outside of the app's own reach.
    """
    if watchdog is None:
        with Watchdog() as watchdog:
            return run_guarded(app, watchdog)
    app.watchdog = watchdog
    forget = watchdog.on_lost(app.restore_terminal)
    try:
        with Boundary(app.reporter, app._thread_failed):
            app.run()
    finally:
        forget()
        watchdog.on_terminate(None)
    return app.return_code or 0


def _words_of(renderable: object) -> tuple[str, tuple[str, ...]]:
    """What the framework wants printed after a panic: what happened, and `file:line in function`.

    Of a rich traceback neither the local variables nor the source survive.
    """
    # Only here: it brings a highlighter for every language there is, and this is the last resort.
    from rich.traceback import Traceback as RichTraceback

    if isinstance(renderable, RichTraceback):
        stack = renderable.trace.stacks[0]
        where = tuple(f"{short_path(f.filename)}:{f.lineno} in {f.name}" for f in stack.frames)
        return f"{stack.exc_type}: {stack.exc_value}", where
    if isinstance(renderable, str | Text):
        return str(renderable), ()
    return f"the framework failed ({type(renderable).__name__})", ()
