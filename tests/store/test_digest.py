"""What happened since a time: which runs and rollouts count, and against which run one is held."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gymtui.store.delta import RolloutsOf, RunsPage
from gymtui.store.digest import Digest, digest
from gymtui.store.lists.columns import RunView
from gymtui.store.outcome import Outcome
from gymtui.store.store import Store
from tests.helpers.model_gym import rollout, rollouts_body, run, runs_body, saw

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=5)


def at(hours_ago: float) -> str:
    return (NOW - timedelta(hours=hours_ago)).isoformat()


def judged(run_id: str, passes: int, fails: int, hours_ago: float) -> list[dict[str, Any]]:
    return [
        rollout(
            f"{run_id}{i}",
            run_id,
            status="completed",
            result={"success": i < passes, "message": ""},
            created_at=at(hours_ago + 1),
            completed_at=at(hours_ago),
        )
        for i in range(passes + fails)
    ]


def told(runs: dict[str, list[dict[str, Any]]], *, listed: bool = True, **more: Any) -> Digest:
    store = Store()
    store.apply(saw(RunsPage(), runs_body(*(run(name, **more.get(name, {})) for name in runs))))
    for name, items in runs.items():
        if items:
            store.apply(saw(RolloutsOf(name), rollouts_body(*items)))
    views = [RunView(row, store.summary(name)) for name, row in store.runs.items()]
    rollouts = {name: store.rollouts_of(name) for name, items in runs.items() if items}
    return digest(views, rollouts if listed else {}, SINCE)


def test_a_run_is_held_against_the_one_of_its_name_that_ended_last_before_it() -> None:
    runs = {
        "night-s1": judged("night-s1", 20, 0, 9),
        "night-s2": judged("night-s2", 19, 1, 8),
        "other-s1": judged("other-s1", 20, 0, 7),
        "night-s3": judged("night-s3", 2, 18, 1),
    }
    found = told(runs)
    (worse,) = found.regressed
    assert (worse.run.name, worse.before.name) == ("night-s3", "night-s2")
    assert [view.name for view in found.finished] == ["night-s3"]
    assert found.lines()[0] == (
        "night-s3",
        "night-s3: regressed from 95% of night-s2, pass@1 10% of 20",
    )


def test_what_ended_or_began_before_is_no_news() -> None:
    found = told(
        {"a": judged("a", 2, 0, 6), "b": judged("b", 1, 0, 2), "c": judged("c", 1, 0, 4.5)}
    )
    assert [view.name for view in found.finished] == ["b", "c"]
    assert [view.name for view in found.began] == ["b"]
    assert not told({"a": judged("a", 2, 0, 6)})
    assert told({"c": judged("c", 1, 0, 4.5)}), "one finished, none began"


def test_errors_count_by_when_each_rollout_ended_or_by_when_its_run_began() -> None:
    def broken(name: str, hours_ago: float, began: float) -> dict[str, Any]:
        times = {"created_at": at(began), "completed_at": at(hours_ago)}
        return rollout(name, name[0], status="workspace_error", **times)

    runs = {"a": [broken("a1", 1, 9), broken("a2", 6, 9)], "b": [broken("b1", 1, 2)]}
    runs["a"] += judged("a", 1, 0, 1)
    assert told(runs).errors == {Outcome.ENVIRONMENT: 2}
    assert told(runs).failing == {"a": 1, "b": 1}
    # Of rollouts that are not listed only those of a run that began since did surely end since.
    assert told(runs, listed=False).failing == {"b": 1}


def test_runs_whose_rollouts_are_not_known_are_counted_as_unread_once_they_ended() -> None:
    assert told({"a": [], "b": []}, b={"running": 1}).unread == 1
    assert told({"a": judged("a", 1, 0, 6)}).unread == 0
