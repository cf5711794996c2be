"""What happened since the person left leads to what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gymtui.store.delta import RolloutsOf, RunsPage
from gymtui.store.digest import digest
from gymtui.store.lists.columns import ROLLOUTS, RunView
from gymtui.store.lists.query import parse
from gymtui.store.store import Store
from gymtui.tui.context.routes import OpenRollouts, OpenRun
from gymtui.tui.runs.digest_menu import digest_rows
from tests.helpers.model_gym import rollout, rollouts_body, run, runs_body, saw

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)


def broken(name: str, hours_ago: float) -> dict[str, object]:
    ended = (NOW - timedelta(hours=hours_ago)).isoformat()
    return rollout(name, name[:1], status="workspace_error", completed_at=ended)


def test_errors_lead_to_the_rollouts_that_ended_so_since() -> None:
    store = Store()
    store.apply(saw(RunsPage(), runs_body(run("a"), run("b"), run("c"))))
    for run_id, *rollouts in (
        ("a", broken("a1", 1), broken("a2", 6)),
        ("b", broken("b1", 2)),
        ("c", broken("c1", 6)),
    ):
        store.apply(saw(RolloutsOf(run_id), rollouts_body(*rollouts)))
    views = [RunView(row, store.summary(run_id)) for run_id, row in store.runs.items()]
    rollouts_of = {run_id: store.rollouts_of(run_id) for run_id in store.runs}
    rows = digest_rows(digest(views, rollouts_of, NOW - timedelta(hours=5)), NOW)
    assert {route.run_id for _, route in rows if isinstance(route, OpenRun)} >= {"a", "b"}
    words, route = rows[-1]
    assert words == "2 environment errors in 2 runs"
    assert isinstance(route, OpenRollouts) and set(route.run_ids) == {"a", "b"}
    wanted = parse(route.filter, ROLLOUTS)
    listed = [row for run_id in route.run_ids for row in store.rollouts_of(run_id)]
    found = [row.rollout_id for row in listed if wanted.matches(row, NOW.timestamp())]
    assert sorted(found) == ["a1", "b1"]
