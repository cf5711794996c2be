"""The guard's parts by themselves: what is redacted, dropped, queued, copied and said."""

from __future__ import annotations

import base64
import json
import os
import select
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.traceback import Traceback
from textual.app import ComposeResult
from textual.color import Color
from textual.widgets import Static

from gymtui.tui import clipboard
from gymtui.tui.backstop import BACKSTOP, scrub
from gymtui.tui.crash import EXIT_DEFECT, Boundary, Reporter, redact
from gymtui.tui.driver import FRAME_LIMIT, HARD_LIMIT, Outlet
from gymtui.tui.guard import GuardedApp, missing_terminal

SECRET = "ck_live_Zm9vYmFyYmF6cXV4"
BLACK = Color(0, 0, 0)


def reporter(directory: Path, *secrets: str) -> Reporter:
    return Reporter(
        directory, secrets=secrets, now=lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    )


def raised(error: Exception) -> Exception:
    """The error as it looks once it was raised."""
    secret_local = SECRET
    try:
        assert secret_local
        raise error
    except type(error) as caught:
        return caught


# redact


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        SECRET[:10] + "…" + SECRET[-9:],
        repr(SECRET.encode()),
        json.dumps({"key": SECRET}),
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_no_eight_characters_of_a_secret_are_shown_in_any_form(shown: str) -> None:
    left = redact(f"before {shown} after", [SECRET])
    assert left.startswith("before ")
    assert left.endswith(" after")
    assert not any(SECRET[at : at + 8] in left for at in range(len(SECRET) - 7))
    assert "[redacted]" in left


def test_a_short_secret_goes_as_a_whole_and_text_without_secrets_stays() -> None:
    assert redact("pw=abc; abcd ab", ["abc"]) == "pw=[redacted]; [redacted]d ab"
    assert redact("KeyError: 'run_name' in run rol_001", [SECRET, ""]) == (
        "KeyError: 'run_name' in run rol_001"
    )


@pytest.mark.parametrize(
    "shown",
    [
        "sk-proj-abcdefgh0ijklmnop",
        "Authorization: Bearer abcdefgh.ijkl",
        "API_KEY='hunter2hunter2'",
        "http://user:pa55word@host/",
        "ck_0123456789abcdef",
    ],
)
def test_what_looks_like_a_key_goes_though_nobody_named_it(shown: str) -> None:
    left = redact(shown, [])
    assert "[redacted]" in left
    assert not any(part in left for part in ("abcdefgh", "hunter2", "pa55word", "0123456789"))


@pytest.mark.parametrize(
    "shown",
    ["ckpt-nightly-s4000-step12", "skip_whitespace_only2", "api_key: ApiKey | None", "a@b"],
)
def test_what_only_resembles_a_key_stays(shown: str) -> None:
    assert redact(shown, []) == shown


# Reports


def test_a_report_is_its_owners_alone_and_holds_neither_values_nor_secrets(tmp_path: Path) -> None:
    ours = reporter(tmp_path / "a" / "log", SECRET)
    defect = ours.examine(raised(ValueError(f"bad {SECRET}\x1b]52;c;eA==\x07\nsecond line")))
    path = ours.keep(defect)
    assert path == tmp_path / "a" / "log" / f"crash-20260102T030405Z-{os.getpid()}.txt"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    text = path.read_text()
    assert "ValueError: bad [redacted]" in text
    assert "in raised" in text
    assert SECRET not in text
    assert "\x1b" not in text
    assert "second line" in text
    assert "\n" not in defect.headline
    assert defect.frames[-1].endswith("in raised")


def test_later_defects_of_a_run_go_into_the_same_report(tmp_path: Path) -> None:
    ours = reporter(tmp_path)
    for name in ("first", "second"):
        ours.keep(ours.examine(raised(ValueError(name))))
    (path,) = tmp_path.iterdir()
    assert path.read_text().index("ValueError: first") < path.read_text().index(
        "ValueError: second"
    )


def test_a_secret_learnt_later_is_hidden_too(tmp_path: Path) -> None:
    ours = reporter(tmp_path)
    ours.hide(SECRET)
    assert SECRET not in ours.examine(raised(ValueError(SECRET))).trace


def test_a_chain_of_errors_is_told_whole_and_clean(tmp_path: Path) -> None:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise RuntimeError("outer\x9b2J") from error
    except RuntimeError as error:
        defect = reporter(tmp_path, SECRET).examine(error)
    assert "KeyError" in defect.trace
    assert SECRET not in defect.trace
    assert "\x9b" not in defect.trace + defect.headline


def test_where_no_report_can_be_written_the_trace_is_told_instead(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ours = reporter(tmp_path / "file")
    defect = ours.examine(raised(ValueError("why")))
    assert ours.keep(defect) is None
    assert "No report could be written" in ours.farewell(defect)
    assert "in raised" in ours.farewell(defect)


def test_an_existing_report_is_never_written_through_a_link(tmp_path: Path) -> None:
    ours = reporter(tmp_path)
    target = tmp_path / "precious"
    target.write_text("kept")
    (tmp_path / f"crash-20260102T030405Z-{os.getpid()}.txt").symlink_to(target)
    assert ours.keep(ours.told("words")) is None
    assert target.read_text() == "kept"


def test_a_defect_outside_of_any_app_ends_in_a_report_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left, Boundary(reporter(tmp_path)):
        raise ValueError("deep")
    assert left.value.code == EXIT_DEFECT
    assert "ValueError: deep" in capsys.readouterr().err
    assert len(list(tmp_path.iterdir())) == 1


# The backstop


HARMLESS = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]))


@given(HARMLESS)
@example("日本語 ✓ \u00a0 \ue0b0 e\u0301")
def test_the_backstop_leaves_harmless_text_alone(text: str) -> None:
    segments = [Segment(text, Style(bold=True))]
    assert BACKSTOP.apply(segments, BLACK) == segments
    if text.isprintable():
        assert BACKSTOP.apply(segments, BLACK) is segments


@given(st.text(st.characters()))
def test_what_passes_the_backstop_cannot_act_and_keeps_its_width(text: str) -> None:
    left = scrub(text)
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in left)
    assert not any(0x202A <= ord(c) <= 0x202E or 0x2066 <= ord(c) <= 0x2069 for c in left)
    left.encode()
    assert cell_len(left) == cell_len(text)


def test_a_link_that_could_end_its_sequence_is_dropped() -> None:
    evil, fine = Style(link="http://x\x1b\\\x1b]52;c;eA==\x07"), Style(link="https://example.org/a")
    kept = BACKSTOP.apply([Segment("a", evil), Segment("b", fine)], BLACK)
    assert [segment.style.link for segment in kept if segment.style] == [
        None,
        "https://example.org/a",
    ]


def test_control_stays_as_it_was() -> None:
    (kept,) = BACKSTOP.apply([Segment("a\x07", None, None)], BLACK)
    assert kept == Segment("a", None, None)


# The outlet


def drained(fd: int, enough: Callable[[bytes], bool]) -> bytes:
    """Read from a pipe until enough has come."""
    got = b""
    while not enough(got):
        assert select.select([fd], [], [], 10)[0], "nothing more came"
        got += os.read(fd, 65536)
    return got


class Events:
    """What an outlet told."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self.drained = threading.Event()
        self.now_s = 0.0


@pytest.fixture
def pipe() -> tuple[int, int]:
    return os.pipe()


def outlet(fd: int, events: Events) -> Outlet:
    made = Outlet(
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
    assert events.drained.wait(10)
    assert out.takes_frame()
    out.stop()
    assert not out.is_alive()


def test_an_outlet_drops_whole_writes_rather_than_grow_without_bound(pipe: tuple[int, int]) -> None:
    events = Events()
    out = outlet(pipe[1], events)
    for _ in range(300):
        out.write(b"\x1b[31m" + b"x" * 9_990 + b"\x1b[0m"[:5])
    got = b""
    while not events.drained.is_set() or select.select([pipe[0]], [], [], 0)[0]:
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
    drained_some = select.select([pipe[0]], [], [], 10)[0]
    assert drained_some
    while out._held_since is None or select.select([], [pipe[1]], [], 0)[1]:
        pass  # until the pipe is full
    assert out.stalled_since is None
    events.now_s = 5.0
    assert out.stalled_since == 0.0
    assert not out.takes_frame()
    drained(pipe[0], lambda data: len(data) == 100_000)
    assert events.drained.wait(10)
    assert events.gaps == [5.0]
    assert out.stalled_since is None
    out.stop()


def test_an_outlet_whose_reader_is_gone_swallows_and_ends() -> None:
    read, write = os.pipe()
    os.close(read)
    out = outlet(write, Events())
    out.write(b"x")
    out.join(10)
    assert not out.is_alive()
    out.write(b"y")
    os.close(write)


def test_an_outlet_that_cannot_leave_is_abandoned(pipe: tuple[int, int]) -> None:
    out = outlet(pipe[1], Events())
    out.write(b"x" * 200_000)
    out.stop(0.05)
    got = drained(pipe[0], lambda data: len(data) >= 65_536)
    out.join(10)
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
    assert base64.b64decode(sequence[7:-1]).decode() == "a\x1b[2J?✓"


async def test_too_much_is_refused_with_its_size() -> None:
    terminal = Written()
    said = await clipboard.copy(terminal, "x" * 200_000, environ={})
    assert said == "not copied: 200 kB, a clipboard takes 75 kB; export it"
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


# The app


class Small(GuardedApp[None]):
    def compose(self) -> ComposeResult:
        yield Static("x")


async def test_a_notice_is_cleaned_and_never_read_as_markup(tmp_path: Path) -> None:
    app = Small(reporter=reporter(tmp_path))
    async with app.run_test(notifications=True) as pilot:
        app.query_one(Static).notify("[/x] [red]a\x1b[2Jb", title="t\x07")  # a widget's own default
        await pilot.pause()
        (notice,) = app._notifications
        assert notice.message == "[/x] [red]ab"
        assert notice.title == "t␇"
        assert not notice.markup


async def test_a_panic_of_the_framework_prints_no_local_variables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = Small(reporter=reporter(tmp_path))
    error = raised(ValueError("why"))
    async with app.run_test():
        app.panic(
            Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True)
        )
    told = capsys.readouterr().err
    assert app.return_code == EXIT_DEFECT
    assert "ValueError: why" in told
    assert "in raised" in told
    assert SECRET not in told
    assert "secret_local" not in told


async def test_an_error_in_the_app_reaches_the_tests_pilot(tmp_path: Path) -> None:
    app = Small(reporter=reporter(tmp_path))
    with pytest.raises(ZeroDivisionError):
        async with app.run_test() as pilot:
            app.call_later(lambda: 1 / 0)
            await pilot.pause()


async def test_a_message_on_leaving_is_cleaned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = Small(reporter=reporter(tmp_path))
    async with app.run_test():
        app.exit(message="bye\x1b]0;x\x07 [red]")
    assert capsys.readouterr().err == "bye [red]\n"


def test_without_a_terminal_it_is_said_which_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "isatty", lambda fd: fd != 0)
    assert missing_terminal() == "standard input is not a terminal"
    monkeypatch.setattr(os, "isatty", lambda fd: True)
    assert missing_terminal() is None
