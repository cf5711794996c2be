"""Edits that calls ask for, as diffs: what is replaced and what by, under the names in use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

PAIRS = (
    ("old_str", "new_str"),
    ("old_string", "new_string"),
    ("oldText", "newText"),
    ("old_text", "new_text"),
    ("oldString", "newString"),
    ("search", "replace"),
)
"""Arguments that are what is replaced, and what by."""
_MOST_CELLS = 250_000
"""The largest table that is filled to tell which lines stay; larger edits are two texts."""


def edit_in(values: Mapping[str, object]) -> tuple[str, str] | None:
    """Which of a call's arguments are an edit, if any are."""
    for old, new in PAIRS:
        if isinstance(values.get(old), str) and isinstance(values.get(new), str):
            return old, new
    return None


def diff_lines(old: str, new: str) -> Iterator[str]:
    """The lines of both, each after `-`, `+` or a blank."""
    before, after = _lines(old), _lines(new)
    if len(before) * len(after) > _MOST_CELLS:
        yield from (f"-{line}" for line in before)
        yield from (f"+{line}" for line in after)
        return
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, left, left_end, right, right_end in matcher.get_opcodes():
        if tag == "equal":
            yield from (f" {line}" for line in before[left:left_end])
            continue
        yield from (f"-{line}" for line in before[left:left_end])
        yield from (f"+{line}" for line in after[right:right_end])


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []
