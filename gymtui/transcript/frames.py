"""Progress bars in what tools print: of frames that a terminal draws over each other, the last."""

from __future__ import annotations

import re

_LETTERS = re.compile(r"[^\W\d_]+")
_MANY = 1000
"""Frames of a line that are compared one by one; more are one bar where both its ends look so."""
_SAME = 6  # so many letters at the start of two frames make them frames of one bar


def last_frames(text: str) -> str:
    """Leave out frames that were drawn over: what a bare CR parts and looks alike."""
    if text.count("\r") == text.count("\r\n"):
        return text
    return "\n".join(_last_frame(line) if "\r" in line else line for line in text.split("\n"))


def _last_frame(line: str) -> str:
    line_itself = line.rstrip("\r")
    if "\r" not in line_itself:
        return line
    frames = [frame for frame in line_itself.split("\r") if frame.strip()]
    if len(frames) > _MANY and _alike(*frames[:2]) and _alike(*frames[-2:]):
        return frames[-1]
    kept: list[str] = []
    for frame in frames[:_MANY]:
        if kept and _alike(kept[-1], frame):
            kept[-1] = frame
        else:
            kept.append(frame)
    kept += frames[_MANY:]
    return "\r".join(kept) if len(kept) < len(frames) else line


def _alike(before: str, after: str) -> bool:
    first, second = ("".join(_LETTERS.findall(frame[:200])) for frame in (before, after))
    same = min(_SAME, len(first), len(second))
    if same and first[:same] == second[:same]:
        return True
    return "%" in before and "%" in after
