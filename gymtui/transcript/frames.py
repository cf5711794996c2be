"""Progress bars in what tools print: of frames that a terminal draws over each other, the last."""

from __future__ import annotations

import re

_LETTERS = re.compile(r"[^\W\d_]+")
_SAME = 6
"""So many letters at the start of two frames make them frames of one bar."""


def last_frames(text: str) -> str:
    """Leave out frames that were drawn over: what a bare CR parts and looks alike.

    Args:
        text: As received.

    Returns:
        The same, each bar as it was left. Lines that merely end with CR are kept.
    """
    if "\r" not in text:
        return text
    return "\n".join(_last_frame(line) if "\r" in line else line for line in text.split("\n"))


def _last_frame(line: str) -> str:
    frames = [frame for frame in line.rstrip("\r").split("\r") if frame.strip()]
    kept: list[str] = []
    for frame in frames:
        if kept and _alike(kept[-1], frame):
            kept[-1] = frame
        else:
            kept.append(frame)
    return "\r".join(kept) if len(kept) < len(frames) else line


def _alike(before: str, after: str) -> bool:
    first, second = ("".join(_LETTERS.findall(frame[:200])) for frame in (before, after))
    same = min(_SAME, len(first), len(second))
    if same and first[:same] == second[:same]:
        return True
    return "%" in before and "%" in after
