"""What is seen of a folded text, and that what is said of the rest is right."""

import pytest

from gymtui.transcript.blocks import ToolResult
from gymtui.transcript.folds import Hidden, fold
from gymtui.transcript.frames import last_frames
from gymtui.transcript.passages import block_text

LINES = [f"line {number}" for number in range(100)]


def seen_and_hidden(text: str) -> tuple[list[str], int]:
    """The lines that are seen, and how many are said to be hidden."""
    pieces = fold(text, 12)
    seen = [line for piece in pieces if isinstance(piece, str) for line in piece.split("\n")]
    return seen, sum(piece.lines for piece in pieces if isinstance(piece, Hidden))


def test_start_and_end_are_seen_and_all_between_is_counted() -> None:
    seen, hidden = seen_and_hidden("\n".join(LINES))
    assert seen == [*LINES[:9], *LINES[96:]]
    assert len(seen) + hidden == len(LINES)


@pytest.mark.parametrize("count", [*range(1, 20), 500])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028"])
def test_seen_and_hidden_lines_are_all_lines(count: int, end: str) -> None:
    lines = [f"line {number}" for number in range(count)]
    seen, hidden = seen_and_hidden(end.join(lines))
    assert len(seen) + hidden == count
    assert [line for line in lines if line in seen] == seen
    assert hidden != 1


def test_blank_lines_are_counted_too() -> None:
    seen, hidden = seen_and_hidden("\n" * 99)
    assert len(seen) + hidden == 100


@pytest.mark.parametrize(
    "failure",
    [
        "E   AssertionError: 1 != 2",
        "ERROR: no such shelf",
        "ValueError: kettle",
        "bash: kettle: command not found",
        "FAILED tests/test_shelf.py::test_kettle",
        "fatal: not a git repository",
        "make: *** [all] Error 2",
        "exit code 1",
        "  × should hold a kettle",
    ],
)
@pytest.mark.parametrize("place", [9, 50, 95])
def test_a_failure_is_never_hidden(failure: str, place: int) -> None:
    lines = [*LINES[:place], failure, *LINES[place + 1 :]]
    seen, hidden = seen_and_hidden("\n".join(lines))
    assert failure in seen
    assert len(seen) + hidden == len(lines)


def test_of_many_failures_the_first_and_the_last_are_seen() -> None:
    lines = [*LINES, *(f"Error: {number}" for number in range(50)), *LINES]
    seen, hidden = seen_and_hidden("\n".join(lines))
    assert [line for line in seen if "Error" in line] == [
        *("Error: 0", "Error: 1", "Error: 2", "Error: 49")
    ]
    assert len(seen) + hidden == len(lines)


def test_no_failure_is_no_failure() -> None:
    lines = [*LINES[:50], "0 errors, no failures", *LINES[50:]]
    assert "0 errors, no failures" not in seen_and_hidden("\n".join(lines))[0]


def test_long_lines_are_counted_in_characters() -> None:
    pieces = fold("x" * 50_000, 12)
    [hidden] = [piece for piece in pieces if isinstance(piece, Hidden)]
    assert hidden.lines == 0
    shown = sum(len(piece) for piece in pieces if isinstance(piece, str))
    assert shown + hidden.characters == 50_000


@pytest.mark.parametrize(
    ("printed", "left"),
    [
        (
            "Receiving:  10%\rReceiving:  50%\rReceiving: 100%, done.\r\nok",
            "Receiving: 100%, done.\nok",
        ),
        (" 1%|#   | 1/9\r99%|### | 9/9\n", "99%|### | 9/9\n"),
        ("loading kettle\rloading pot\r", "loading pot"),
        ("first line\rother line\rthird", "first line\rother line\rthird"),
        ("a\r\nb\r\n", "a\r\nb\r\n"),
        ("no bar", "no bar"),
    ],
)
def test_a_progress_bar_shows_its_last_frame(printed: str, left: str) -> None:
    assert last_frames(printed) == left


def test_bars_in_results_and_within_json_are_seen_as_they_were_left() -> None:
    bar = "\r".join(f"Downloading {percent}%" for percent in range(101))
    for value in (f"{bar}\nok", {"output": f"{bar}\nok"}):
        lines = block_text(ToolResult(value)).split("\n")
        assert [line.strip() for line in lines if "Downloading" in line] == ["Downloading 100%"]


def test_one_line_between_two_that_are_seen_is_seen_itself() -> None:
    failure = ["Traceback (most recent call last):", '  File "x"', "ValueError: boom"]
    seen, hidden = seen_and_hidden("\n".join([*LINES[:40], *failure, *LINES[40:]]))
    assert seen[9:12] == failure
    assert len(seen) + hidden == len(LINES) + 3
