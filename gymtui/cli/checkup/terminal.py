"""What the terminal can do, as far as it says so without being asked: nothing is written to it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from gymtui.cli.checkup.checks import Check, CheckState
from gymtui.core import child_environment
from gymtui.core.terminal_caps import TRUE_COLOUR, Abilities, abilities, locale_of

LEAST_COLUMNS, LEAST_ROWS = 80, 24
SLOW_ESCAPE_MS = 100
TMUX_TIMEOUT_S = 2.0

_check = partial(Check, "terminal")

Run = Callable[[Sequence[str]], str | None]
"""Runs a command and returns what it printed, or None if that did not work."""


@dataclass(frozen=True, slots=True)
class Streams:
    terminals: tuple[bool, bool, bool]  # whether all are TTYs
    size: tuple[int, int] | None  # columns and rows of the terminal, or None without one
    encoding: str


def check_terminal(streams: Streams, env: Mapping[str, str], run: Run) -> Iterator[Check]:
    """Look at it; tmux is run, and asked for its options."""
    yield _streams(streams)
    if streams.size is not None:
        yield _size(*streams.size)
    able = abilities(env, streams.encoding)
    yield from _kind(able, env)
    yield _locale(able, streams, env)
    if env.get("NO_COLOR"):
        yield _check("NO_COLOR", "set: glyphs instead of colours")
    if env.get("SSH_CONNECTION") or env.get("SSH_TTY"):
        advice = "on a slow connection, use ssh -C"
        yield _check("SSH", "over SSH", advice=advice)
    if env.get("TMUX"):
        yield from _tmux(run)
    elif env.get("STY"):
        advice = "GNU screen drops OSC 52, so c cannot copy; use tmux"
        yield _check("screen", "inside GNU screen", CheckState.WARNING, advice)
    else:
        message = "by OSC 52; some terminals need it enabled"
        yield _check("clipboard", message)


def _streams(streams: Streams) -> Check:
    names = ("input", "output", "error")
    off = [
        name for name, is_terminal in zip(names, streams.terminals, strict=True) if not is_terminal
    ]
    if not off:
        return _check("streams", "all are TTYs")
    message = f"not a TTY: {', '.join(off)}"
    needs = streams.terminals[0] and streams.terminals[2]
    advice = "" if needs else "the dashboard needs a TTY on input and error; other commands do not"
    return _check("streams", message, advice=advice)


def _size(columns: int, rows: int) -> Check:
    message = f"{columns}x{rows}"
    if columns >= LEAST_COLUMNS and rows >= LEAST_ROWS:
        return _check("size", message)
    advice = f"use at least {LEAST_COLUMNS}x{LEAST_ROWS}"
    return _check("size", message, CheckState.WARNING, advice)


def _kind(able: Abilities, env: Mapping[str, str]) -> Iterator[Check]:
    if not able.term or not able.screen:
        advice = "set TERM to the terminal type, e.g. xterm-256color"
        yield _check("TERM", able.term or "not set", CheckState.WARNING, advice)
        return
    yield _check("TERM", able.term)
    colorterm = env.get("COLORTERM", "")
    if colorterm.lower() in TRUE_COLOUR:
        yield _check("colours", f"16 million (COLORTERM={colorterm})")
        return
    if not able.colour and not env.get("NO_COLOR"):
        yield _check("colours", "none (TERM)")
        return
    number = "16" if able.few_colours else "256"
    advice = "if the terminal has 24-bit colour, set COLORTERM=truecolor (over SSH: SendEnv)"
    yield _check("colours", f"{number} (TERM; COLORTERM is not set)", advice=advice)


def _locale(able: Abilities, streams: Streams, env: Mapping[str, str]) -> Check:
    message = f"{streams.encoding}, locale {locale_of(env) or 'not set'}"
    if able.charset == "utf-8":
        return _check("encoding", message)
    advice = "set LANG=C.UTF-8 or similar; until then gymtui draws with --ascii"
    return _check("encoding", message, CheckState.WARNING, advice)


def _tmux(run: Run) -> Iterator[Check]:
    version = run(["tmux", "-V"])
    if version is None:
        advice = "c copies by OSC 52, which tmux may drop"
        yield _check("tmux", "inside tmux, which does not respond", CheckState.WARNING, advice)
        return
    yield _check("tmux", version)
    clipboard = run(["tmux", "show-options", "-sv", "set-clipboard"])
    if clipboard == "off":
        advice = "tmux set -s set-clipboard on, so that c reaches the outer terminal"
        yield _check("set-clipboard", clipboard, CheckState.WARNING, advice)
    elif clipboard is not None:
        yield _check("set-clipboard", f"{clipboard}: c copies by tmux's buffer")
    escape = run(["tmux", "show-options", "-sv", "escape-time"])
    if escape is not None and escape.isdecimal() and int(escape) > SLOW_ESCAPE_MS:
        advice = "tmux set -s escape-time 10, so that esc acts immediately"
        yield _check("escape-time", f"{escape} ms", CheckState.WARNING, advice)
    focus = run(["tmux", "show-options", "-gv", "focus-events"])
    if focus is not None:
        yield _check("focus-events", f"{focus}; gymtui polls with or without focus")
    passes = run(["tmux", "show-options", "-gv", "allow-passthrough"])
    if passes == "off":
        advice = "tmux set -g allow-passthrough on, for notifications (desktop = true)"
        yield _check("allow-passthrough", passes, advice=advice)
    elif passes is not None:
        yield _check("allow-passthrough", passes)


def run_quickly(command: Sequence[str]) -> str | None:
    """Run a command that answers at once or not at all."""
    try:
        done = subprocess.run(  # noqa: S603  (tmux, with our own words)
            command,
            env=child_environment.helper_environment(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TMUX_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
