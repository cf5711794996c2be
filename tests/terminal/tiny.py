"""A guarded app of a few lines with every way to go wrong: `python -m tests.terminal.tiny MODE`."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import DataTable, OptionList, Static

from gymtui.tui.runtime.crash_report import Reporter
from gymtui.tui.runtime.driver import GuardedDriver
from gymtui.tui.runtime.guard import GuardedApp, run_guarded
from gymtui.tui.runtime.watchdog import Watchdog

SECRET = "ck_live_0123456789abcdef"
HOSTILE = (
    "A\x1b]52;c;aGFja2Vk\x07B\x9b31mC\x9d52;c;eA==\x9cD\x1b[2JE\x00F\x7fG\u202eH\u2066I\x85J"
    "\x1bPq\x1b\\K"
)


class Tiny(GuardedApp):
    BINDINGS: ClassVar = [
        Binding("q", "quit", "quit"),
        Binding("ctrl+z", "suspend_process", "suspend"),
        Binding("x", "fail", "fail"),
        Binding("w", "fail_worker", "fail in a worker"),
        Binding("t", "fail_thread", "fail in a thread"),
        Binding("f", "forget", "fail in a forgotten task"),
        Binding("b", "block", "block the event loop for ever"),
        Binding("c", "copy", "copy"),
    ]
    CSS = "#big { height: auto; } Tooltip { width: auto; }"

    def __init__(self, mode: str, home: Path) -> None:
        super().__init__(reporter=Reporter(home / "log", secrets=[SECRET]))
        self.mode = mode
        self.home = home
        self.ticks = 0
        self.done = False
        self.gaps: list[float] = []

    def compose(self) -> ComposeResult:
        yield Static("ready", id="state")
        yield Static("", id="big")
        if self.mode == "hostile":
            yield (hostile := Static(HOSTILE, markup=False))
            hostile.border_title = HOSTILE.replace("[", "(")
            hostile.styles.border = ("round", "red")
            hostile.tooltip = HOSTILE.replace("[", "(")
            yield OptionList(HOSTILE.replace("[", "("))
            yield DataTable()

    def on_mount(self) -> None:
        if self.mode == "hostile":
            table = self.query_one(DataTable)
            table.add_column("column")
            table.add_row(HOSTILE.replace("[", "("))
            self.notify(HOSTILE, title=HOSTILE)
            super(GuardedApp, self).notify(HOSTILE, title=HOSTILE, markup=False)
        if self.mode in ("flood", "count"):
            self.set_interval(0.02, self.tick)

    def tell(self, name: str, value: str) -> None:
        """Leave a value where the test reads it, whole."""
        (self.home / f".{name}").write_text(value)
        (self.home / f".{name}").replace(self.home / name)

    def tick(self) -> None:
        self.ticks += 1
        if self.mode == "flood" and not self.done:
            lines = [f"{self.ticks % 10} {row} " + "#" * (self.ticks % 50) for row in range(18)]
            self.done = (self.home / "stop").exists()
            if self.done:
                lines = [f"done {row}" for row in range(18)]
            self.query_one("#big", Static).update("\n".join(lines))
        self.tell("ticks", str(self.ticks))
        self.tell("stalled", "yes" if self.stalled_since is not None else "no")

    def terminal_resumed(self, gap_s: float) -> None:
        self.gaps.append(gap_s)
        self.tell("gap", f"{max(self.gaps):.2f}")

    def action_fail(self) -> None:
        key = SECRET
        local = "a local variable"
        raise RuntimeError(f"\x1b]0;boom\x07 of {key} in {len(local)}")

    @work
    async def action_fail_worker(self) -> None:
        self.action_fail()

    def action_fail_thread(self) -> None:
        threading.Thread(target=self.action_fail).start()

    def action_forget(self) -> None:
        async def failing() -> None:
            self.action_fail()

        loop = asyncio.get_running_loop()
        loop.create_task(failing())  # noqa: RUF006  (nobody keeps it)
        # Python notices as soon as it collects the task, which it does in its own time.
        loop.call_later(0.1, gc.collect)

    def action_block(self) -> None:
        (self.home / "blocked").touch()
        while True:
            time.sleep(0.1)

    def action_copy(self) -> None:
        self.copy_to_clipboard("héllo \x1b[31m ✓")


def main(mode: str) -> int:
    home = Path(os.environ["HOME"])
    with Watchdog() as watchdog:
        child = subprocess.Popen(["sleep", "120"], start_new_session=True)
        watchdog.on_lost(child.kill)
        app = Tiny(mode, home)
        try:
            return run_guarded(app, watchdog)
        finally:
            assert app._driver is None or isinstance(app._driver, GuardedDriver)
            child.kill()
            child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "plain"))
