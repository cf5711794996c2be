"""What a guarded app leaves in a real terminal: nothing broken, nobody running, no secret."""

from __future__ import annotations

import re
import shutil
import signal
import stat
from pathlib import Path

import pytest

from tests.helpers.clean_text import is_clean
from tests.terminal.harness import PYTHON, Pty, Size, Terminal, until
from tests.terminal.processes import alive, cpu_seconds, family
from tests.terminal.tiny import HOSTILE, SECRET

TINY = [PYTHON, "-m", "tests.terminal.tiny"]


def ready(program: Pty) -> tuple[int, ...]:
    """Wait for the first frame; the program and its child."""
    program.read_until("ready")
    return family(program.process.pid)


def all_gone(pids: tuple[int, ...]) -> None:
    assert len(pids) == 2, "the program and its child"
    until(lambda: not any(map(alive, pids)), f"the end of {pids}")


# The terminal is lost


def test_a_closed_terminal_ends_the_program_and_its_child(
    terminal: Terminal,
) -> None:
    terminal.start(TINY).wait_for("ready")
    all_gone(terminal.kill_terminal())


def test_under_nohup_too_it_ends_with_its_terminal_and_does_not_spin(tmp_path: Path) -> None:
    with Pty(TINY, tmp_path, ignore_hangup=True, fork=True) as program:
        pids = ready(program)
        program.hang_up()
        all_gone(pids)
        assert program.process.wait() == 128 + signal.SIGHUP


def test_a_blocked_event_loop_does_not_outlive_the_terminal(tmp_path: Path) -> None:
    with Pty(TINY, tmp_path, ignore_hangup=True, fork=True) as program:
        pids = ready(program)
        program.send(b"b")
        until((tmp_path / "blocked").exists, "the blocked loop")
        program.hang_up()
        all_gone(pids)


def test_a_write_that_is_stuck_does_not_outlive_the_terminal(tmp_path: Path) -> None:
    with Pty([*TINY, "flood"], tmp_path, ignore_hangup=True, fork=True) as program:
        pids = ready(program)
        until(lambda: read(tmp_path / "stalled") == "yes", "the stall")
        program.hang_up()
        all_gone(pids)


@pytest.mark.parametrize(
    "number",
    [
        *(signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT),
        *(signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGXCPU),
    ],
)
def test_asked_to_end_it_restores_the_terminal_and_ends(tmp_path: Path, number: int) -> None:
    with Pty(TINY, tmp_path, fork=True) as program:
        ready(program)
        program.process.send_signal(number)
        assert program.wait_exit() == 128 + number
        assert b"\x1b[?1049l" in program.written
        assert program.is_cooked()


def test_asked_to_end_while_blocked_it_restores_the_terminal_and_ends_all_the_same(
    tmp_path: Path,
) -> None:
    with Pty(TINY, tmp_path, fork=True) as program:
        pids = ready(program)
        program.send(b"b")
        until((tmp_path / "blocked").exists, "the blocked loop")
        program.process.send_signal(signal.SIGTERM)
        assert program.wait_exit() == 128 + signal.SIGTERM
        assert b"\x1b[?1049l" in program.written
        assert program.is_cooked()
        all_gone(pids)


# The terminal stops reading


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_a_terminal_that_stops_reading_holds_nothing_up_and_is_right_again_afterwards(
    tmp_path: Path,
) -> None:
    with Pty([*TINY, "flood"], tmp_path, fork=True) as program:
        ready(program)
        until(lambda: read(tmp_path / "stalled") == "yes", "the stall")
        then = int(read(tmp_path / "ticks"))
        until(lambda: int(read(tmp_path / "ticks") or 0) > then + 50, "the event loop's ticks")
        (tmp_path / "stop").touch()
        then = int(read(tmp_path / "ticks"))
        until(lambda: int(read(tmp_path / "ticks") or 0) > then + 5, "the last picture's tick")
        whole = "\n".join(["ready", *(f"done {row}" for row in range(18))])
        program.read_until(rf"\A{whole}\Z")
        assert float(read(tmp_path / "gap")) >= 1.0
        until(lambda: read(tmp_path / "stalled") == "no", "the end of the stall")
        program.send(b"q")
        assert program.wait_exit() == 0
        assert program.is_cooked()


def test_quitting_does_not_wait_for_a_terminal_that_does_not_read(tmp_path: Path) -> None:
    with Pty([*TINY, "flood"], tmp_path, fork=True) as program:
        ready(program)
        until(lambda: read(tmp_path / "stalled") == "yes", "the stall")
        program.send(b"q")
        assert program.wait_exit(reading=False) == 0
        assert program.is_cooked()


# A defect


@pytest.mark.parametrize("key", ["x", "w", "t"])
def test_a_defect_is_told_on_the_restored_terminal_and_reported_without_secrets(
    tmp_path: Path, key: str
) -> None:
    with Pty(TINY, tmp_path, fork=True) as program:
        pids = ready(program)
        program.send(key.encode())
        assert program.wait_exit() == 70
        told = program.written.rpartition(b"\x1b[?1049l")[2].decode()
        assert program.is_cooked()
    all_gone(pids)
    (report,) = (tmp_path / "log").iterdir()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert "RuntimeError:" in told
    assert re.search(r"tiny\.py:\d+ in action_fail", told)
    assert str(report) in told
    for text in (told.partition("gymtui:")[2], report.read_text()):
        assert SECRET not in text
        assert "a local variable" not in text
        assert is_clean(text.replace("\r\n", "\n"), block=True)
    assert "textual 8" in report.read_text()


def test_an_error_in_a_forgotten_task_is_noted_and_the_program_goes_on(tmp_path: Path) -> None:
    with Pty(TINY, tmp_path, fork=True) as program:
        ready(program)
        program.send(b"f")
        program.read_until("RuntimeError")
        assert len(list((tmp_path / "log").iterdir())) == 1
        program.send(b"q")
        assert program.wait_exit() == 0


# What is drawn


def test_nothing_hostile_reaches_the_terminal_through_the_frameworks_own_widgets(
    tmp_path: Path,
) -> None:
    with Pty([*TINY, "hostile"], tmp_path, Size(100, 50), fork=True) as program:
        program.read_until("ready")
        program.send(b"\x1b[<35;20;4M")  # the mouse over the Static: its tooltip
        for letter in "BCDEFGHIJK":
            program.read_until(letter)
        program.settle(1.0)  # the tooltip too
    written = bytes(program.written).decode()
    ours = re.compile(r"\x1b\[[0-9;?<>=]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p|\x1b\]22;[a-z]*\x07|\r\n")
    assert re.findall("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", ours.sub("", written)) == []
    assert "\x1b[2J" not in written
    assert "aGFja2Vk" in written, "the text itself is there"
    assert HOSTILE not in written


# Suspending, resizing, copying


def test_suspended_and_resumed_the_screen_is_drawn_again(terminal: Terminal) -> None:
    terminal.start(["bash", "--norc", "-i"], env={"PS1": "shell> "}).wait_for("shell>")
    terminal.type(" ".join(TINY)).keys("Enter").wait_for("^ready")
    terminal.keys("C-z")
    terminal.wait_for(r"Stopped")
    terminal.type("echo $((6*7))").keys("Enter").wait_for("^42")
    terminal.type("fg").keys("Enter").wait_for("^ready")
    terminal.keys("q").wait_for(r"fg\n(.*\n)*shell>")
    terminal.type("echo $((6*8))").keys("Enter").wait_for("^48")


@pytest.mark.parametrize("parent", ["sh", "make"])
def test_what_started_it_is_suspended_with_it_so_that_the_shell_has_its_terminal(
    terminal: Terminal, tmp_path: Path, parent: str
) -> None:
    if shutil.which(parent) is None:
        pytest.skip(f"{parent} is not installed")
    (tmp_path / "Makefile").write_text(f"tiny:\n\t@exec {' '.join(TINY)}\n")
    command = {"sh": f"sh -c '{' '.join(TINY)}; exit $?'", "make": "make"}
    terminal.start(["bash", "--norc", "-i"], env={"PS1": "shell> "}).wait_for("shell>")
    terminal.type(command[parent]).keys("Enter").wait_for("^ready")
    for time in (1, 2):
        terminal.keys("C-z").wait_for("Stopped")
        terminal.type(f"clear; echo $((40+{time}))").keys("Enter").wait_for(f"^4{time}")
        terminal.type("fg").keys("Enter").wait_for("^ready")
    terminal.keys("q").wait_for(r"fg\n(.*\n)*shell>")
    terminal.type("echo over $?").keys("Enter").wait_for("^over 0")


def test_where_no_shell_could_bring_it_back_it_is_not_suspended(terminal: Terminal) -> None:
    terminal.start(TINY).wait_for("^ready")
    terminal.keys("C-z")
    assert terminal.copy(), "keys still act"
    terminal.keys("q")
    assert terminal.wait_exit() == 0


def test_a_suspended_program_ends_with_its_terminal(terminal: Terminal) -> None:
    terminal.start(["bash", "--norc", "-i"], env={"PS1": "shell> "}).wait_for("shell>")
    terminal.type(" ".join(TINY)).keys("Enter").wait_for("^ready")
    terminal.keys("C-z").wait_for("Stopped")
    pids = terminal.kill_terminal()
    assert len(pids) == 3, "the shell, the program and its child"
    until(lambda: not any(map(alive, pids)), f"the end of {pids}")


def test_a_resized_terminal_is_redrawn(terminal: Terminal) -> None:
    terminal.start([*TINY, "hostile"]).wait_for("ready")
    terminal.resize(Size(60, 40)).wait_for(r"^╭[^╮]*╮$")
    assert max(map(len, terminal.screen().splitlines())) <= 60


def test_a_resize_is_seen_where_a_shell_exports_the_size_it_once_had(terminal: Terminal) -> None:
    terminal.start([*TINY, "hostile"], env={"COLUMNS": "80", "LINES": "24"}).wait_for("ready")
    terminal.wait_for(r"^╭[^╮]{118}╮$")
    terminal.resize(Size(60, 40)).wait_for(r"^╭[^╮]{58}╮$")


def test_inside_tmux_what_is_copied_lies_in_its_buffer(terminal: Terminal) -> None:
    terminal.start(TINY).wait_for("ready")
    assert terminal.copy() == "héllo  ✓"


def test_outside_tmux_what_is_copied_goes_out_encoded(tmp_path: Path) -> None:
    with Pty(TINY, tmp_path, fork=True) as program:
        ready(program)
        program.send(b"c")
        program.read_bytes(b"\x1b]52;c;aMOpbGxvICDinJM=\x07")


def test_an_idle_program_writes_nothing_and_does_not_spin(tmp_path: Path) -> None:
    with Pty(TINY, tmp_path, fork=True) as program:
        ready(program)
        program.settle(2.0)
        before = cpu_seconds(program.process.pid)
        program.settle(2.0)
        assert cpu_seconds(program.process.pid) - before < 1  # what it costs: `make bench`
