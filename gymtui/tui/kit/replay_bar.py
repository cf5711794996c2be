"""Where one is in a recording that is played: words for the status line, and a line of its time."""

from __future__ import annotations

from itertools import groupby

from gymtui.session.replay import Playback, replay_words
from gymtui.tui.kit.line_parts import LinePart, join_fitting
from gymtui.tui.kit.styled_text import Cell, StyledText

_GLYPHS = {"error": "!", "stuck": "~", "ended": "✓", "began": "▸"}
_PLAIN = {"ended": "v", "began": ">"}
_STYLES = {"error": "error", "stuck": "warning", "ended": "passed", "began": "running"}
"""What a mark looks like; of several in a cell the first of these is seen."""


def replay_cell(playback: Playback, clock: str, room: int) -> Cell:
    """The status line's right end.

    Args:
        clock: The time of day that is shown.
    """
    words = LinePart((StyledText(replay_words(playback), "accent"),))
    return join_fitting([words, LinePart((StyledText(clock, "muted"),), 1)], room)


def time_bar(playback: Playback, cells: int, *, plain: bool = False) -> Cell:
    """The whole recording in a line: what was recorded, marks, and the moment that is shown."""
    begin, end = playback.recording.from_us, playback.recording.to_us
    span = max(1, end - begin)

    def place(at_us: int) -> int:
        return min(max((at_us - begin) * cells // span, 0), cells - 1)

    line = [("-" if plain else "─", "muted")] * max(cells, 1)
    for gap in playback.gaps:
        for at in range(place(gap.from_us), place(gap.to_us) + 1):
            line[at] = (" ", "muted")
    for what in reversed(_GLYPHS):
        glyph = _PLAIN.get(what, _GLYPHS[what]) if plain else _GLYPHS[what]
        for mark in playback.marks:
            if mark.what == what:
                line[place(mark.at_us)] = (glyph, _STYLES[what])
    line[place(playback.position_us)] = ("#" if plain else "█", "accent")
    return tuple(
        StyledText("".join(glyph for glyph, _ in together), style)
        for style, together in groupby(line, key=lambda cell: cell[1])
    )
