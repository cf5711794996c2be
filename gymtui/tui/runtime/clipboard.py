"""Copies text out of the program: OSC 52, or tmux's own buffer where tmux would drop that."""

from __future__ import annotations

import asyncio
import base64
import os
import re
from collections.abc import Mapping
from typing import Final, Protocol

from gymtui.core import child_environment
from gymtui.core.text import SEQUENCE, clean

TERMINAL_LIMIT: Final = 74_994
"""Bytes that fit OSC 52 as the strictest common terminal takes it: 100,000 characters, hterm."""
TMUX_LIMIT: Final = 1024 * 1024
"""Bytes given to tmux; its buffers hold more, but what asks for it is a mistake."""
_TIMEOUT_S: Final = 2.0
_LINE_END = re.compile("\r+\n?")
_UNPASTED = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
"""What acts where it is pasted, and what reorders or hides what is seen there: bidi controls, tags.

Joiners and other characters without width stay: scripts and emoji are written with them.
"""


class Terminal(Protocol):
    """Something that takes escape sequences."""

    def write_terminal(self, sequence: str) -> None:
        """Send a whole sequence."""


def pasteable(text: str) -> str:
    """Make text that is safe to paste into a shell.

    It loses escape sequences, C0, DEL and C1 (tab and LF stay), bidi controls and tags.
    """
    return _UNPASTED.sub("", _LINE_END.sub("\n", SEQUENCE.sub("", text)))


async def copy(
    app: Terminal,
    text: str,
    environ: Mapping[str, str] = os.environ,
    *,
    as_received: bool = False,
) -> str:
    """Copy a text; encoded on the way, so that nothing in it acts on this terminal.

    Args:
        app: Where OSC 52 is written.
        as_received: Whether what would act where it is pasted stays in it; that is told.

    Returns:
        What to tell the person: "sent", since no terminal confirms, or why not.
    """
    data = (text if as_received else pasteable(text)).encode("utf-8", "replace")
    how = ", as received" if as_received else ""
    in_tmux = bool(environ.get("TMUX"))
    limit = TMUX_LIMIT if in_tmux else TERMINAL_LIMIT
    if len(data) > limit:
        return f"not copied: {_size(len(data))}, the limit is {_size(limit)}; export it"
    if in_tmux:
        try:
            return await _load_buffer(data) + how
        except OSError:
            pass  # in tmux's environment without tmux at hand, as in a container: the terminal then
    app.write_terminal(f"\x1b]52;c;{base64.b64encode(data).decode()}\x07")
    return f"sent {_size(len(data))} to the terminal's clipboard{how}"


async def _load_buffer(data: bytes) -> str:
    """Give the data to tmux, which hands it on to the terminal outside (-w) as it can."""
    process = await asyncio.create_subprocess_exec(
        "tmux",
        "load-buffer",
        "-w",
        "-",
        env=child_environment.helper_environment(os.environ),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, errors = await asyncio.wait_for(process.communicate(data), _TIMEOUT_S)
    except TimeoutError:
        return f"not copied: tmux did not answer within {_TIMEOUT_S:g} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        why = clean(errors.decode("utf-8", "replace").strip()) or f"exit {process.returncode}"
        return f"not copied: tmux: {why}"
    return f"sent {_size(len(data))} to tmux's buffer and the clipboard"


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"
