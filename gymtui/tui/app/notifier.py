"""Tells a person who may look elsewhere: toast, bell, the terminal's notification, their command.

What is worth telling is `session.alerts`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gymtui.config.schema import EVENT_PREFIX
from gymtui.core.text import clean, fit
from gymtui.session.alerts import AlertKind, RunAlert, describe_alert

if TYPE_CHECKING:
    from gymtui.config.settings import Settings
    from gymtui.tui.runtime.guard import GuardedApp

COMMAND_S = 60.0
"""How long the person's command may take while we are there to see."""
NOTICE_CELLS = 200
"""Longest notification: terminals show a line or two of it."""

_BAD = frozenset({AlertKind.STALLED, AlertKind.FAILING, AlertKind.DELETED, AlertKind.RULE})


def notify_alert(
    app: GuardedApp,
    settings: Settings,
    alerts: Sequence[RunAlert],
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Tell, each in every way that the settings want.

    Args:
        environ: Read for TMUX; what the person's command inherits.
    """
    for alert in alerts:
        text = describe_alert(alert)
        bad = alert.event in _BAD
        app.notify(text, severity="warning" if bad else "information", timeout=15)
        if settings.desktop:
            app.write_terminal(notification_sequence(text, in_tmux=bool(environ.get("TMUX"))))
        if settings.on_finish:
            environment = {**environ, **event_variables(alert, settings.base_url)}
            app.run_worker(
                _run(app, settings.on_finish, environment), group="on_finish", exit_on_error=False
            )
    if settings.bell:
        app.bell()


def notification_sequence(text: str, *, in_tmux: bool) -> str:
    """The escape sequence for a desktop notification (OSC 9, as iTerm2 defined it).

    Args:
        in_tmux: Wrap it so that tmux hands it on (`allow-passthrough`).
    """
    # Some terminals take OSC 9 with a number first for a progress bar: words come first.
    sequence = f"\x1b]9;gymtui: {fit(clean(text), NOTICE_CELLS, cut='middle').rstrip()}\x07"
    if in_tmux:
        return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    return sequence


def event_variables(alert: RunAlert, base_url: str) -> dict[str, str]:
    """What the person's command is told, in its environment: data, never part of a command line.

    Returns:
        `GYMTUI_EVENT` (`finished`, `stalled`, `failing`, `deleted` or `rule`),
        `GYMTUI_EVENT_RUN_ID` and the other ids and figures exactly as received,
        `GYMTUI_EVENT_TEXT` fit for a terminal.
    """
    variables = {
        EVENT_PREFIX if name == "event" else f"{EVENT_PREFIX}_{name.upper()}": value
        for name, value in alert.figures.items()
    }
    variables[f"{EVENT_PREFIX}_BASE_URL"] = base_url
    variables[f"{EVENT_PREFIX}_TEXT"] = clean(describe_alert(alert))
    return {name: environment_value(value) for name, value in variables.items()}


def environment_value(value: str) -> str:
    """A text as an environment can hold it: without NUL and halves of surrogate pairs."""
    return value.replace("\0", "").encode("utf-8", "replace").decode()


async def _run(app: GuardedApp, command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run the person's command, without a shell, and say if that went wrong."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            # It outlives the terminal: it may be about to send the message that matters.
            start_new_session=True,
        )
    except OSError as error:
        app.notify(f"on_finish: {command[0]}: {error.strerror}", severity="warning")
        return
    try:
        status = await asyncio.wait_for(process.wait(), COMMAND_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        app.notify(f"on_finish killed after {COMMAND_S:.0f} s", severity="warning")
        return
    if status:
        app.notify(f"on_finish failed with exit status {status}", severity="warning")
