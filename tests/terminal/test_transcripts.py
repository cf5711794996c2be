"""Published trajectories, some with real escape codes in them, on a real terminal: byte by byte."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import THOROUGH
from tests.helpers.places import TRAJECTORIES as DATA
from tests.helpers.trajectories import ALL as FILES
from tests.helpers.trajectories import fewer, smallest_of_each_source
from tests.terminal.harness import PYTHON, Pty, Size

KINDS = (
    list({path.name.partition("__")[0]: path for path in FILES}.values())
    if THOROUGH
    else smallest_of_each_source(FILES)[::3]
)
"""One of each source; for `make test`, of each third one."""
ACTS = re.compile(
    rb"\\u(?:00(?:0[0-8bcef]|1[0-9a-f]|7f)|00[89][0-9a-f]|200[ef]|202[8-9a-e]|206[6-9]|061c)"
    rb"|\x7f|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xaf]|\xd8\x9c"
)
"""In JSON: what would act if it came to the terminal as it is."""

ALLOWED = re.compile(
    rb"\x1b\[[0-9;]*m"  # colours
    rb"|\x1b\[[0-9]+;[0-9]+H|\x1b\[[0-9]+G"  # where to, in frames and in frames made smaller
    rb"|\x1b\[\?(?:1|7|25|47|1000|1002|1003|1004|1006|1015|1016|1049|2004|2026|2048)[hl]"  # modes
    rb"|\x1b\[\?(?:2026|2048)\$p"  # which modes there are
    rb"|\x1b\[>[0-9]+u|\x1b\[<u"  # the keyboard
    rb"|\x1b\]22;[a-z-]+\x07"  # the mouse's pointer
)
"""What the framework and `tui.runtime.cell_diff` send by themselves, whatever is read."""


def strays(written: bytes) -> list[bytes]:
    """What is neither text nor an allowed sequence, with what stands around it."""
    text = ALLOWED.sub(b"", written)
    acting = re.compile(
        rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]"  # C0 but CR and LF, DEL, C1
        rb"|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xaf]|\xd8\x9c"  # directions, separators
    )
    return [text[max(0, m.start() - 30) : m.end() + 30] for m in acting.finditer(text)]


class Screen(Pty):
    """A pty whose screen can hold wide characters that are cut in half, which pyte trips over."""

    def screen(self) -> str:
        buffer, columns = self._screen.buffer, range(self._screen.columns)
        lines = ("".join(buffer[y][x].data for x in columns) for y in range(self._screen.lines))
        return "\n".join(line.rstrip() for line in lines)


def opened(home: Path, size: Size, *arguments: str | Path) -> Screen:
    """`gymtui open` on a screen."""
    return Screen([PYTHON, "-m", "gymtui", "open", *map(str, arguments)], home, size, fork=True)


def search(program: Pty, what: bytes) -> None:
    """Type a search."""
    program.send(b"/")
    program.read_until("search: text, or re:")
    program.send(what + b"\r")


def read_through(program: Pty, count: int) -> None:
    """Scroll every file to its end and back, unfolded, and search it."""
    for number in range(1, count + 1):
        where = rf" {number} of {count} files" if count > 1 else "gymtui"
        program.read_until(rf"{where}[\s\S]*(turn \d+ of|no turns)")
        for keys in (b"Z", b"G", b"\x1b[5~\x1b[5~\x1b[5~", b"g", b"\x1b[6~" * 6, b"r"):
            program.send(keys)
            program.read(0.05)
        program.read_until("as received")
        program.send(b"G")
        program.send(b"r")
        program.read_until(r"turn \d+ of|no turns")
        search(program, b"e")
        program.read_until(r"/e (no match|\d+ of [\d,]+)\s")
        program.send(b"nnN\x1b")
        # What comes while the escape is unread would be one sequence with it.
        program.read_until(r"\A(?!(?s:.)*/e (no match|\d+ of [\d,]+)\s)")
        program.send(b"]")
    if count > 1:
        program.read_until("end of the list")


def only_allowed(paths: Sequence[Path], home: Path) -> None:
    """Read these through; what reached the terminal is text and the framework's own."""
    with opened(home, Size(100, 30), *paths) as program:
        read_through(program, len(paths))
        program.send(b"\x11")
        assert program.wait_exit() == 0
        written = bytes(program.written)
    assert strays(written) == []
    assert len(written) > 10_000


# That all of them are drawn clean, to the last line, is a test of what is drawn.
@pytest.mark.skipif(not FILES, reason=f"no trajectories in {DATA}")
@pytest.mark.parametrize("paths", [KINDS[::2], KINDS[1::2]], ids=["some", "the others"])
def test_of_every_source_only_the_frameworks_own_sequences_reach_the_terminal(
    paths: Sequence[Path], tmp_path: Path
) -> None:
    only_allowed(paths, tmp_path)


@pytest.mark.skipif(not FILES, reason=f"no trajectories in {DATA}")
def test_where_there_are_escape_codes_none_of_them_reaches_the_terminal(tmp_path: Path) -> None:
    acting = [path for path in FILES if ACTS.search(gzip.decompress(path.read_bytes()))]
    assert len(acting) > 10
    only_allowed(acting if THOROUGH else fewer(acting)[::3], tmp_path)


HOSTILE = (
    "\x1b]52;c;aGVsbG8=\x07 \x1b[2J\x1b[H \x1bP+q544e\x1b\\ \x9b31m \x9d0;title\x9c "
    "\x1b[31mred\x1b[0m"
    " \x1b]8;;http://x\x07link\x1b]8;;\x07 \u202eevil\u202c \u2066x\u2069 \x1b[?1049l \x07 \x1bc"
    " [/x][@click=app.quit]quit[/] \x0e \x00 \x7f \x85 \u2028 \U000e0041"
)


def test_hostile_text_does_nothing_wherever_it_stands(tmp_path: Path) -> None:
    call = {"id": HOSTILE, "type": "function", "function": {"name": HOSTILE, "arguments": HOSTILE}}
    result = {"tool_call_id": HOSTILE, "tool_name": HOSTILE, "is_error": True, "summary": HOSTILE}
    artifacts = {
        "task_id": HOSTILE,
        "model": HOSTILE,
        "error": HOSTILE,
        "final_observation": HOSTILE,
        "messages": [
            {"role": HOSTILE, "content": HOSTILE, "name": HOSTILE, "timestamp": HOSTILE},
            {"role": "assistant", "content": {"content": HOSTILE, "tool_calls": [call]}},
            {"role": "tool", "content": result, HOSTILE: HOSTILE},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": HOSTILE}]},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": HOSTILE}}]},
        ],
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"rollout_id": HOSTILE, "artifacts": artifacts}))
    with opened(tmp_path, Size(80, 24), path) as program:
        read_through(program, 1)
        program.send(b"\x0f\x13")
        program.read_until("save as")
        program.send(b"\x1b")
        program.read_until(r"\A(?!(?s:.)*save as)")
        program.send(b"wJJ")
        search(program, b"re:evil")
        program.send(b"n")
        program.settle()
        program.send(b"\x11")
        assert program.wait_exit() == 0
        written = bytes(program.written)
    assert strays(written) == []
    assert "red" in written.decode()


def test_twenty_megabytes_are_opened_to_the_end_and_searched(tmp_path: Path) -> None:
    words = "alpha beta gamma delta " * 450
    messages = [{"role": "user", "content": f"{n} {words} 日本語🙂"} for n in range(2000)]
    path = tmp_path / "big.json.gz"
    path.write_bytes(gzip.compress(json.dumps(messages).encode(), 1))
    with opened(tmp_path, Size(120, 36), path) as program:
        program.read_until("turn 1 of 2000")
        program.send(b"G")
        program.read_until("turn 2000 of 2000")  # at once: `make bench`
        search(program, b"1234 alpha")
        program.read_until(r"/1234 alpha 1 of 1$")
        program.send(b"\x11")
        assert program.wait_exit() == 0


def test_text_and_markdown_are_printed_without_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"role": "user", "content": f"hello {HOSTILE}"}]))
    for form in ("--text", "--markdown"):
        with opened(tmp_path, Size(), form, path) as program:
            assert program.wait_exit() == 0
            assert "hello" in program.screen()
            assert strays(bytes(program.written)) == []


def test_a_selection_made_with_the_mouse_is_sent_as_the_text_it_is(tmp_path: Path) -> None:
    words = " ".join(f"word{number:03}" for number in range(60)) + " 日本語🙂 end"
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"role": "user", "content": f"{words}\nsecond line"}]))
    with opened(tmp_path, Size(60, 20), path) as program:
        program.read_until("second line")
        lines = program.screen().split("\n")
        top = next(y for y, line in enumerate(lines) if "word003" in line)
        end = next(y for y, line in enumerate(lines) if "second line" in line)
        left, right = lines[top].index("word003") + 1, lines[end].index("line") + 4
        program.send(f"\x1b[<0;{left};{top + 1}M\x1b[<32;{left + 9};{top + 2}M".encode())
        program.send(f"\x1b[<32;{right};{end + 1}M\x1b[<0;{right};{end + 1}m".encode())
        program.read_until("characters selected")
        program.send(b"\x03")
        program.read_until("sent")
        program.send(b"\x11")
        assert program.wait_exit() == 0
        (sent,) = re.findall(rb"\x1b\]52;c;([^\x07]*)\x07", bytes(program.written))
        assert base64.b64decode(sent).decode() == f"{words[words.index('word003') :]}\nsecond line"
