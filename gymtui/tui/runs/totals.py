"""The numbers over all runs: the line above the run list."""

from __future__ import annotations

from datetime import datetime

from gymtui.poll.connection import Link
from gymtui.session.session import Session
from gymtui.store import formats
from gymtui.store.formats import of_many
from gymtui.store.lists.groups import Grouping
from gymtui.store.stats.formulas import known_sum
from gymtui.tui.kit.line_parts import LinePart, part
from gymtui.tui.kit.styled_text import StyledText

PAST_TOLD = 4
"""Of so many past runs it is said how far their results are read; fewer are there at once."""


def total_parts(session: Session, stuck: int, now: datetime, by: Grouping | None) -> list[LinePart]:
    """The parts of the line; rollouts count as stuck, runs may be grouped by something."""
    store = session.store
    active = [store.runs[run_id].run for run_id in store.active_runs]
    running = known_sum(run.running for run in active if run is not None)
    waiting = known_sum(run.pending for run in active if run is not None)
    parts = [part(of_many(len(store.runs), "run"), "strong")]
    if not session.link.synced:
        total = store.total_runs
        left = f" of {'?' if total is None else f'{total:,}'}, reading …"
        parts = [LinePart((*parts[0].cell, StyledText(left, "muted")))]
    parts.append(part(of_many(len(active), "active", "active")))
    if running != 0:
        words = f"{formats.count(running)} running"
        parts.append(part(words, "running", 1))
    if waiting != 0:
        words = f"{formats.count(waiting)} waiting"
        parts.append(part(words, "waiting", 3))
    if stuck:
        parts.append(part(f"{stuck} stuck", "warning"))
    rate = session.forecast.rate(now.timestamp())
    if rate is not None and rate.verdicts:
        minutes = rate.window_s / 60
        window = f"{minutes:.0f} min" if minutes >= 2 else formats.duration(rate.window_s)
        per_minute = StyledText(f"{rate.per_minute:.1f} verdicts/min ")
        parts.append(LinePart((per_minute, StyledText(f"({window})", "muted")), 2))
    if by is not None:
        parts.append(part(f"by {by}", "accent"))
    return [*parts, *_past(session.link)]


def _past(link: Link) -> list[LinePart]:
    """How far the results of runs are read that had finished before, and what could not be."""
    if link.past >= PAST_TOLD:
        words = f"results of past runs {link.past_read:,}/{link.past:,}"
        return [part(words, "accent")]
    if link.unread:
        words = f"results of {of_many(link.unread, 'past run')} could not be read"
        return [part(words, "warning", 1)]
    return []
