"""A person's own commands: asked first where they want that, run, and told how they ended."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Mapping, Sequence

from textual.app import SuspendNotSupported

from gymtui.config.schema import COMMAND_PREFIX
from gymtui.config.user_commands import UserCommand
from gymtui.core.text import clean, clean_block
from gymtui.session.session import Session
from gymtui.store.formats import of_many
from gymtui.tui.app.notifier import environment_value
from gymtui.tui.context.selection import Selection
from gymtui.tui.context.services import services_of
from gymtui.tui.kit.dialog import QuestionScreen
from gymtui.tui.kit.styled_text import Cell, StyledText
from gymtui.tui.runtime.guard import GuardedApp

OUTPUT_BYTES = 64 * 1024
"""Of what a command prints the last so many bytes are looked at."""
_READ_S = 15.0
_LISTED = 8


def command_variables(
    command: UserCommand, selection: Selection, session: Session | None
) -> dict[str, str]:
    """What a command is told in its environment: data, never part of a command line.

    Returns:
        `GYMTUI_COMMAND` (its name), `GYMTUI_COMMAND_BASE_URL`, `…_PROFILE`, `GYMTUI_COMMAND_RUN_ID`
        and `…_ROLLOUT_ID` (the first), `…_RUN_IDS` and `…_ROLLOUT_IDS` (a line each), of the first
        `…_SCENARIO_ID`, `…_MODEL`, `…_TASK_ID`, and of a rollout `…_STATUS`, as received; what is
        not known is left out.
    """
    values: dict[str, str | None] = {"": command.name}
    if session is not None:
        values["_BASE_URL"] = session.settings.base_url
        values["_PROFILE"] = session.settings.profile_name
        run_row = session.store.runs.get(next(iter(selection.run_ids), ""))
        if run_row is not None and run_row.run is not None:
            values["_SCENARIO_ID"] = run_row.run.scenario_id
            summary = session.store.summary(run_row.run_id)
            values["_MODEL"] = summary.model if summary is not None else None
        row = session.store.rollouts.get(next(iter(selection.rollout_ids), ""))
        if row is not None and row.rollout is not None:
            values["_TASK_ID"] = row.rollout.task_id
            values["_STATUS"] = row.rollout.status
    for name, ids in (("RUN", selection.run_ids), ("ROLLOUT", selection.rollout_ids)):
        if ids:
            values |= {f"_{name}_ID": ids[0], f"_{name}_IDS": "\n".join(ids)}
    return {
        f"{COMMAND_PREFIX}{name}": environment_value(value)
        for name, value in values.items()
        if value is not None
    }


def run_command(
    app: GuardedApp,
    command: UserCommand,
    selection: Selection,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Run a command on what is selected, after asking where it wants that."""
    services = services_of(app)
    if command.destroys and services.read_only:
        app.notify(f"read-only: {command.name} is disabled", severity="warning")
        return
    environment = {**environ, **command_variables(command, selection, services.session)}

    def answered(do_it: bool | None) -> None:
        if do_it:
            # Not one after the other: each is its own.
            app.run_worker(_run(app, command, environment), group="command", exit_on_error=True)

    if command.confirm or command.destroys:
        lines = (*_target_lines(selection), (), (StyledText(_command_line(command), "muted"),))
        app.push_screen(
            QuestionScreen(f"Run {command.name}?", lines, do="run", keep="cancel"), answered
        )
    else:
        answered(True)


def _target_lines(selection: Selection) -> Sequence[Cell]:
    kind, ids = (
        ("rollout", selection.rollout_ids) if selection.rollout_ids else ("run", selection.run_ids)
    )
    lines: list[Cell] = [(StyledText(f"  {row_id}", "strong"),) for row_id in ids[:_LISTED]]
    if len(ids) > _LISTED:
        lines.append((StyledText(f"  and {of_many(len(ids) - _LISTED, kind)} more", "muted"),))
    return lines or [(StyledText("  nothing is selected", "muted"),)]


def _command_line(command: UserCommand) -> str:
    return " ".join(command.command)


async def _run(app: GuardedApp, command: UserCommand, environment: Mapping[str, str]) -> None:
    words = ("sh", "-c", *command.command) if command.shell else command.command
    try:
        if command.terminal:
            status, output = await run_in_terminal(app, words, environment), ""
        else:
            status, output = await _run_in_background(words, environment)
    except OSError as error:
        app.notify(f"{command.name}: {command.command[0]}: {error.strerror}", severity="warning")
        return
    except SuspendNotSupported:
        app.notify(f"{command.name}: the terminal cannot be given away", severity="warning")
        return
    if status:
        words_of = f"{command.name} failed with exit status {status}"
        message = f"{words_of}: {output}" if output else words_of
        app.notify(message, severity="warning", timeout=_READ_S)
    elif not command.terminal:
        app.notify(f"{command.name}: {output}" if output else f"{command.name}: done")
    if command.destroys:
        services_of(app).refresh_now()


async def run_in_terminal(
    app: GuardedApp, words: Sequence[str], environment: Mapping[str, str]
) -> int:
    """Give the terminal to a command until it ends, with which status; polling goes on."""
    with app.suspend():
        ended = await asyncio.to_thread(subprocess.run, words, env=dict(environment), check=False)
    return ended.returncode


async def _run_in_background(
    words: Sequence[str], environment: Mapping[str, str]
) -> tuple[int, str]:
    """Run a command without a terminal; its exit status, and the last line it printed, cleaned."""
    process = await asyncio.create_subprocess_exec(
        *words,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # It outlives the terminal, as what a shell sends to the background may.
        start_new_session=True,
    )
    stream, end = process.stdout, b""
    while stream is not None and (more := await stream.read(OUTPUT_BYTES)):
        end = (end + more)[-OUTPUT_BYTES:]
    lines = clean_block(end.decode(errors="replace")).strip().splitlines()
    return await process.wait(), clean(lines[-1]).strip() if lines else ""
