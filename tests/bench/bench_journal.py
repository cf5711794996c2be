"""What a team's journal costs on our side: 1,000 observed changes a second into PostgreSQL.

It needs what the tests of that journal need, and says so where it is not there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gymtui.store.history.journal import Journal
from gymtui.store.history.journal_place import SharedPlace
from gymtui.store.history.observer import StateObservation
from tests.bench.rows import Row, at_most
from tests.helpers.postgres_server import own_server, why_not

A_SECOND, SECONDS, AT_ONCE = 1_000, 10, 100
PHASES = ("building_environment", "seeding", "agent_running", "verifying")
START = datetime(2026, 3, 20, tzinfo=UTC)
SHARE = 0.1


def rows() -> Iterator[Row]:
    """Measure; the yardstick is a core for as long as the changes take to happen."""
    if (reason := why_not()) is not None:
        yield Row("changes into a team's journal", "not measured", note=reason)
        return
    with own_server() as server:
        place = SharedPlace(server.url, "http://gym", Path("none"))
        journal = Journal(place, now=lambda: START)
        journal.flush()  # the driver is imported, and the tables are there
        began_s, cpu_s = time.monotonic(), time.process_time()
        for first in range(0, A_SECOND * SECONDS, AT_ONCE):
            journal.record(map(change, range(first, first + AT_ONCE)))
            time.sleep(max(0.0, began_s + first / A_SECOND - time.monotonic()))
        journal.flush()
        took_s = time.process_time() - cpu_s
        assert len(journal.load("nightly")) == A_SECOND * SECONDS
        journal.close()
    note = f"processor time for {SECONDS} s of {A_SECOND:,} changes a second"
    yield at_most("changes into a team's journal", took_s, SECONDS, SHARE, "s", note)


def change(number: int) -> StateObservation:
    """Of 2,500 rollouts in turn the next phase."""
    moment = START + timedelta(seconds=number / A_SECOND)
    return StateObservation(
        *(f"rollout-{number % 2_500:06d}", "nightly", "running", PHASES[number // 2_500 % 4]),
        *(moment, moment, moment - timedelta(seconds=2), 3),
    )
