"""What `S` lists: what happened since the person left, and where each of it leads."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil

from gymtui.store.digest import Digest
from gymtui.tui.context.routes import OpenRollouts, OpenRun
from gymtui.tui.kit.menu import Choice, MenuScreen
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.screen import GymScreen

HALF_A_DAY = timedelta(hours=12)
MOST_RUNS = 50
"""Runs whose rollouts are listed together."""


def open_digest_menu(screen: GymScreen) -> None:
    """List what happened since the person left, else in the last half day, to go there."""
    session, services = screen.session, screen.services
    digest = session.digest(services.away_since or services.now() - HALF_A_DAY)
    if not digest:
        refuse(screen, digest.line)
        return
    rows = digest_rows(digest, services.now())
    choices = [Choice(str(number), words) for number, (words, _) in enumerate(rows)]

    def chosen(key: str | None) -> None:
        if key is None:
            return
        route = rows[int(key)][1]
        if isinstance(route, OpenRun) and route.run_id not in session.store.runs:
            services.notify(f"{route.run_id} no longer exists", timeout=3)
        else:
            services.navigate(route)

    screen.app.push_screen(MenuScreen(digest.line, choices, wide=True), chosen)


def digest_rows(digest: Digest, now: datetime) -> list[tuple[str, OpenRun | OpenRollouts]]:
    """What happened, and what it is about: runs, and rollouts that ended without a verdict.

    The time is on the gym's clock, as `digest.since` is.
    """
    rows: list[tuple[str, OpenRun | OpenRollouts]] = [
        (words, OpenRun(run_id)) for run_id, words in digest.lines()
    ]
    minutes = ceil((now - digest.since) / timedelta(minutes=1))
    for cause, words in digest.causes():
        runs = digest.failing_by[cause][:MOST_RUNS]
        rows.append((words, OpenRollouts(runs, f"outcome:{cause} ended<{minutes}m")))
    return rows
