"""The guard's parts by themselves: what is redacted, dropped and said."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import stat
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

from gymtui.tui.runtime.crash_report import EXIT_DEFECT, Boundary, Reporter, redact
from gymtui.tui.runtime.guard import GuardedApp
from gymtui.tui.runtime.output_filter import BACKSTOP, scrub

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
    assert "No report could be written" in ours.exit_message(defect)
    assert "in raised" in ours.exit_message(defect)


def test_an_existing_report_is_never_written_through_a_link(tmp_path: Path) -> None:
    ours = reporter(tmp_path)
    target = tmp_path / "precious"
    target.write_text("kept")
    (tmp_path / f"crash-20260102T030405Z-{os.getpid()}.txt").symlink_to(target)
    assert ours.keep(ours.defect_of("words")) is None
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


# The app


class Small(GuardedApp):
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


async def test_of_many_notices_the_oldest_go_for_the_newest(tmp_path: Path) -> None:
    app = Small(reporter=reporter(tmp_path))
    async with app.run_test(notifications=True, size=(80, 40)) as pilot:
        for number in range(30):
            app.notify(f"{number}\n" * 6, timeout=600)
        await pilot.pause()
        left = [notice.message.split("\n")[0] for notice in app._notifications]
        assert left[-1] == "29"
        assert 1 < len(left) < 6


class Overflowing(Small):
    times = 0

    def notices_overflow(self) -> bool:
        return True

    def redraw(self) -> None:
        self.times += 1
        super().redraw()


async def test_of_notices_higher_than_their_place_nothing_stays_on_the_terminal(
    tmp_path: Path,
) -> None:
    app = Overflowing(reporter=reporter(tmp_path))
    async with app.run_test(notifications=True) as pilot:
        app.notify("gone at once", timeout=600)
        await pilot.pause()
        (notice,) = app._notifications
        app._unnotify(notice)
        async with asyncio.timeout(60):
            while not app.times:
                await pilot.pause(0.01)
        assert not app._notifications


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
