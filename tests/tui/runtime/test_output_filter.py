"""What goes out to the terminal: writes that never block, copies that cannot act."""

from __future__ import annotations

import base64
import os
import select
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gymtui.tui.runtime import clipboard
from gymtui.tui.runtime.driver import FRAME_LIMIT, HARD_LIMIT, TerminalWriter

# The outlet


def drained(fd: int, enough: Callable[[bytes], bool]) -> bytes:
    """Read from a pipe until enough has come."""
    got = b""
    while not enough(got):
        assert select.select([fd], [], [], 60)[0], "nothing more came"
        got += os.read(fd, 65536)
    return got


def filled(out: TerminalWriter, pipe: tuple[int, int]) -> None:
    """Wait until an outlet's write is held up, the pipe being full."""
    end = time.monotonic() + 60
    while out._held_since is None or select.select([], [pipe[1]], [], 0)[1]:
        assert time.monotonic() < end, "the pipe never filled"


class Events:
    """What an outlet told."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self.drained = threading.Event()
        self.now_s = 0.0


@pytest.fixture
def pipe() -> tuple[int, int]:
    return os.pipe()


def outlet(fd: int, events: Events) -> TerminalWriter:
    made = TerminalWriter(
        fd,
        on_resumed=events.gaps.append,
        on_drained=events.drained.set,
        clock=lambda: events.now_s,
    )
    made.start()
    return made


def test_an_outlet_never_blocks_writes_whole_and_tells_when_it_caught_up(
    pipe: tuple[int, int],
) -> None:
    events = Events()
    out = outlet(pipe[1], events)
    frame = b"\x1b[H" + b"#" * 10_000 + b"\x1b[0m"
    count = 0
    while out.takes_frame():
        out.write(frame)
        count += 1
    assert FRAME_LIMIT < count * len(frame) < FRAME_LIMIT + 300_000
    out.write(b"small")  # what is no frame still goes
    whole = count * len(frame) + 5
    got = drained(pipe[0], lambda data: len(data) == whole)
    assert got == frame * count + b"small"
    assert events.drained.wait(60)
    assert out.takes_frame()
    out.stop()
    assert not out.is_alive()


def test_an_outlet_drops_whole_writes_rather_than_grow_without_bound(pipe: tuple[int, int]) -> None:
    events = Events()
    out = outlet(pipe[1], events)
    for _ in range(300):
        out.write(b"\x1b[31m" + b"x" * 9_990 + b"\x1b[0m"[:5])
    got, end = b"", time.monotonic() + 60
    while not events.drained.is_set() or select.select([pipe[0]], [], [], 0)[0]:
        assert time.monotonic() < end, "nothing was dropped"
        if select.select([pipe[0]], [], [], 0.01)[0]:
            got += os.read(pipe[0], 65536)
    assert len(got) <= HARD_LIMIT + 200_000
    assert len(got) < 300 * 9_999
    assert set(got.split(b"\x1b[31m")[1:]) == {b"x" * 9_990 + b"\x1b[0m"}
    out.stop()


def test_an_outlet_tells_how_long_it_was_held_up(pipe: tuple[int, int]) -> None:
    events = Events()
    out = outlet(pipe[1], events)
    out.write(b"x" * 100_000)
    filled(out, pipe)
    assert out.stalled_since is None
    events.now_s = 5.0
    assert out.stalled_since == 0.0
    assert not out.takes_frame()
    drained(pipe[0], lambda data: len(data) == 100_000)
    assert events.drained.wait(60)
    assert events.gaps == [5.0]
    assert out.stalled_since is None
    out.stop()


def test_an_outlet_whose_reader_is_gone_swallows_and_ends() -> None:
    read, write = os.pipe()
    os.close(read)
    out = outlet(write, Events())
    out.write(b"x")
    out.join(60)
    assert not out.is_alive()
    out.write(b"y")
    os.close(write)


def test_an_outlet_that_cannot_leave_is_abandoned(pipe: tuple[int, int]) -> None:
    out = outlet(pipe[1], Events())
    out.write(b"x" * 200_000)
    filled(out, pipe)
    out.stop(0.05)
    got = drained(pipe[0], lambda data: len(data) >= 65_536)
    out.join(60)
    assert not out.is_alive()
    assert len(got) < 200_000


# Copying


class Written:
    """A terminal that remembers."""

    def __init__(self) -> None:
        self.sequences: list[str] = []

    def write_terminal(self, sequence: str) -> None:
        self.sequences.append(sequence)


async def test_any_text_can_be_copied_and_none_of_it_can_act() -> None:
    terminal = Written()
    said = await clipboard.copy(terminal, "a\x1b[2J\ud800✓", environ={})
    assert said.startswith("sent")
    (sequence,) = terminal.sequences
    assert sequence.startswith("\x1b]52;c;")
    assert base64.b64decode(sequence[7:-1]).decode() == "a?✓"


@pytest.mark.parametrize(
    ("text", "pasted"),
    [
        ("ls\x1b[201~\nrm -rf ~\n", "ls\nrm -rf ~\n"),
        ("ls\x9b201~\ttab", "ls\ttab"),
        ("a\x1b\x1b[201~[201~b", "a[201~b"),  # no ESC comes out of what is taken away
        ("run\r\nnext\rlast\x00\x7f\x85\x03", "run\nnext\nlast"),
        ("x\u202egpj.exe\u2066\U000e0041", "xgpj.exe"),
        ("می\u200cخواهم 👩\u200d💻", "می\u200cخواهم 👩\u200d💻"),
    ],
)
async def test_what_is_copied_does_not_act_where_it_is_pasted(text: str, pasted: str) -> None:
    terminal = Written()
    await clipboard.copy(terminal, text, environ={})
    assert base64.b64decode(terminal.sequences[0][7:-1]).decode() == pasted
    said = await clipboard.copy(terminal, text, environ={}, as_received=True)
    assert said.endswith(", as received")
    assert base64.b64decode(terminal.sequences[1][7:-1]).decode() == text


async def test_too_much_is_refused_with_its_size() -> None:
    terminal = Written()
    said = await clipboard.copy(terminal, "x" * 200_000, environ={})
    assert said == "not copied: 200 kB, the limit is 75 kB; export it"
    assert terminal.sequences == []


async def test_without_a_tmux_to_run_the_terminal_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    terminal = Written()
    assert (await clipboard.copy(terminal, "x", environ={"TMUX": "/s,1,0"})).startswith("sent")
    assert len(terminal.sequences) == 1


async def test_what_tmux_says_against_it_is_told_clean(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "tmux"
    fake.write_text("#!/bin/sh\nprintf 'no\\033[2J server' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    said = await clipboard.copy(Written(), "x", environ={"TMUX": "/s,1,0"})
    assert said == "not copied: tmux: no server"
