"""How fresh what a screen shows is, wherever it comes from: a gym, a recording or files."""

from __future__ import annotations

from gymtui.session.replay import ReplaySession
from gymtui.tui.context.services import Services
from gymtui.tui.kit import status_line
from gymtui.tui.kit.replay_bar import replay_cell, time_bar
from gymtui.tui.kit.styled_text import Cell, StyledText


def freshness(services: Services, room: int) -> Cell:
    """The status line's right end."""
    session, clock = services.session, services.wall_clock()
    if session is None:
        return (StyledText("from disk", "muted"),)
    if isinstance(session, ReplaySession):
        return replay_cell(session.playback, clock, room)
    return status_line.link_cell(session.link, session.monotonic(), clock, room)


def banner(services: Services, cells: int) -> tuple[Cell, ...]:
    """What the person must know before anything else, or nothing."""
    session = services.session
    if session is None:
        return ()
    if isinstance(session, ReplaySession):
        return (time_bar(session.playback, cells, plain=services.appearance.ascii),)
    return status_line.banner(session.link, session.settings, services.keys.label("refresh"))
