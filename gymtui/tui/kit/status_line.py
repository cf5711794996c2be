"""What the top lines say: how fresh the picture is, what time it is, what must be known first.

The picture comes from a gym, a recording or files.
"""

from __future__ import annotations

from gymtui.api.errors import Forbidden, Intercepted, Redirected
from gymtui.config.api_key import fix_advice
from gymtui.config.settings import Settings
from gymtui.core.text import fit
from gymtui.poll.connection import Link, LinkState
from gymtui.session.replay import Playback, ReplaySession, describe_position
from gymtui.store.formats import duration
from gymtui.tui.context.services import Services
from gymtui.tui.kit.line_parts import BETWEEN, LinePart, join_fitting, part
from gymtui.tui.kit.styled_text import Cell, StyledText, join_alike, width_of

LEAST_CELLS = 30
"""What the words have at least, however long the way to here is."""


def freshness_cell(services: Services, room: int) -> Cell:
    """The status line's right end."""
    session, clock = services.session, services.wall_clock()
    if session is None:
        return (StyledText("from disk", "muted"),)
    if isinstance(session, ReplaySession):
        words = part(describe_position(session.playback), "accent")
        return join_fitting([words, part(clock, "muted", 1)], room)
    return link_cell(session.link, session.monotonic(), clock, room)


def banner(services: Services, cells: int) -> tuple[Cell, ...]:
    """What the person must know before anything else, or nothing."""
    session = services.session
    if session is None:
        return ()
    if isinstance(session, ReplaySession):
        return (time_bar(session.playback, cells, plain=services.appearance.ascii),)
    return link_banner(session.link, session.settings, services.keys.label("refresh"))


# -- a gym ---------------------------------------------------------------------------------


def link_cell(link: Link, now_s: float, clock: str, room: int) -> Cell:
    """How fresh the picture is, and what time it is, as far as there is room.

    The clock goes first, then when the next try is, then why there is nothing fresh.

    Returns:
        `● live, every 2s   12:04`, `● live, every 2s · rest every 18s   12:04`,
        `○ stale 42s · 503 · next try 8s   12:04`, `‖ paused`, `✗ key refused · next try 42s`.
    """
    room = max(room, LEAST_CELLS)
    state, why = _state(link, now_s)
    refused = link.state(now_s) is LinkState.REFUSED
    waits = refused or link.state(now_s) is LinkState.STALE or bool(why and link.since_s is None)
    then = _next(link, now_s) if waits and not link.paused else "paused" if refused else ""
    style = state[-1].style
    rest = _rest(link) if link.state(now_s) is LinkState.LIVE and not why else ""
    for_why = room - width_of(state) - len(BETWEEN)
    parts = [
        LinePart(state),
        part(rest, "muted", 3),
        LinePart((StyledText(fit(why, for_why, cut="end"), "warning"),) if why else (), 1),
        part(then, style, 2),
    ]
    words = join_fitting(parts, room)
    time = StyledText(f"   {clock}", "muted")
    whole = width_of(words) + width_of((time,)) <= room and len(join_fitting(parts, 10**6)) == len(
        words
    )
    return (*words, time) if whole else words


def _rest(link: Link) -> str:
    """How old what is not on screen may be."""
    every = "" if link.rest_s is None else f"rest every {_every(link.rest_s)}"
    return BETWEEN.join(filter(None, (every, "rest from recorder" if link.recorded else "")))


def _state(link: Link, now_s: float) -> tuple[Cell, str]:
    """What to call it, and why, where something is wrong."""
    age = "" if link.since_s is None else duration(now_s - link.since_s)
    why = link.error.brief if link.error is not None else ""
    match link.state(now_s):
        case LinkState.REFUSED:
            word = "forbidden" if isinstance(link.stopped, Forbidden) else "key refused"
            # The last try may have met something else, which tells nothing of the key.
            return (StyledText(f"✗ {word}", "failed"),), "" if link.error == link.stopped else why
        case LinkState.PAUSED:
            return (StyledText(f"‖ paused{f', {age} old' if age else ''}", "warning"),), ""
        case LinkState.CONNECTING:
            if not why:
                return (StyledText("○ connecting", "muted"),), ""
            return (StyledText("○ no answer yet", "warning"),), why
        case LinkState.STALE:
            return (StyledText(f"○ stale {age}", "warning"),), why
        case LinkState.LIVE:
            if why:
                # Answered not long ago, but not at the last try: how old it is says both at once.
                return (StyledText("● ", "passed"), StyledText(f"live, {age} old", "muted")), why
            every = f"live, every {_every(link.interval_s)}"
            return (StyledText("● ", "passed"), StyledText(every, "muted")), ""


def changes_every_second(link: Link, now_s: float) -> bool:
    """Whether the words change with every second, so that a timer is worth its bytes."""
    moving = (LinkState.STALE, LinkState.CONNECTING, LinkState.REFUSED)
    return link.error is not None or link.state(now_s) in moving


def _next(link: Link, now_s: float) -> str:
    if link.next_try_s is None or link.next_try_s <= now_s:
        return "trying"
    return f"next try {duration(max(link.next_try_s - now_s, 0.0))}"


def _every(interval_s: float) -> str:
    """An interval without the jitter's decimals."""
    return f"{interval_s:.1g}s" if interval_s < 1 else f"{round(interval_s)}s"


def link_banner(link: Link, settings: Settings, refresh: str) -> tuple[Cell, ...]:
    """What must be known of a gym that refuses the key, or that something stands before."""
    stopped = link.stopped
    if stopped is None:
        between = isinstance(link.error, Intercepted | Redirected)
        return ((StyledText(link.error.line, "warning"),),) if link.error and between else ()
    key = settings.key
    what = f"{key.hint} from {settings.key_origin}" if key else "no API key found"
    verb = "lacks permission (403)" if isinstance(stopped, Forbidden) else "was refused (401)"
    first = f"The key {verb}: {what}" + (f" · {stopped.detail}" if stopped.detail else "")
    todo = fix_advice(settings.key_origin if key else "")
    if isinstance(stopped, Forbidden):
        todo = f"request the permission, or {todo}"
    tries = "no retries while paused" if link.paused else "else once a minute"
    second = f"{todo[0].upper()}{todo[1:]}; {refresh} retries, {tries}."
    return ((StyledText(first, "failed"),), (StyledText(second, "muted"),))


# -- a recording ---------------------------------------------------------------------------

_GLYPHS = {"error": "!", "stuck": "~", "ended": "✓", "began": "▸"}
_PLAIN = {"ended": "v", "began": ">"}
_STYLES = {"error": "error", "stuck": "warning", "ended": "passed", "began": "running"}
"""What a mark looks like; of several in a cell the first of these is seen."""


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
    return join_alike(line)
