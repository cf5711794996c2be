"""What the top line says: where one is, how fresh the picture is, what time it is."""

from __future__ import annotations

from gymtui.poll.poller import Link, LinkState
from gymtui.tui.ink import Cell, Ink
from gymtui.tui.show import duration


def link_words(link: Link, now_s: float) -> Cell:
    """How fresh the picture is.

    Args:
        link: How polling goes.
        now_s: Monotonic seconds.

    Returns:
        `● live, every 2s`, `○ stale 42s · 503 · next try 8s`, `‖ paused`.
    """
    age = "" if link.since_s is None else duration(now_s - link.since_s)
    match link.state(now_s):
        case LinkState.STOPPED:
            return (Ink(f"✗ stopped · {link.stopped.brief if link.stopped else ''}", "failed"),)
        case LinkState.PAUSED:
            return (Ink(f"‖ paused{f', {age} old' if age else ''}", "warning"),)
        case LinkState.CONNECTING:
            if link.error is None:
                return (Ink("○ connecting", "muted"),)
            return (Ink(f"○ no answer yet · {link.error.brief}{_next(link, now_s)}", "warning"),)
        case LinkState.STALE:
            why = f" · {link.error.brief}" if link.error is not None else ""
            return (Ink(f"○ stale {age}{why}{_next(link, now_s)}", "warning"),)
        case LinkState.LIVE:
            if link.error is not None:
                return (Ink("● live", "passed"), Ink(f" · {link.error.brief}", "warning"))
            return (Ink("● ", "passed"), Ink(f"live, every {_every(link.interval_s)}", "muted"))


def ticking(link: Link, now_s: float) -> bool:
    """Whether the words change with every second, so that a timer is worth its bytes."""
    return link.error is not None or link.state(now_s) in (LinkState.STALE, LinkState.CONNECTING)


def _next(link: Link, now_s: float) -> str:
    if link.next_try_s is None or link.next_try_s <= now_s:
        return " · trying"
    return f" · next try {duration(link.next_try_s - now_s + 0.5)}"


def _every(interval_s: float) -> str:
    """An interval without the jitter's decimals."""
    return f"{interval_s:.1g}s" if interval_s < 1 else f"{round(interval_s)}s"
