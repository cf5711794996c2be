"""A run's numbers and reach kept up to date by what changed: the same as from scratch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from gymtui.api.models import Rollout
from gymtui.store.outcome import Outcome, outcome_of
from gymtui.store.records import RolloutRow
from gymtui.store.stats.run_stats import share_of, started_at
from gymtui.store.stats.run_stats_builder import RunStatsBuilder, run_numbers
from gymtui.store.stats.time_extent import Extent, TimeExtent

START = datetime(2026, 3, 20, 10, tzinfo=UTC)
TIMES = st.none() | st.integers(0, 5).map(lambda s: (START + timedelta(seconds=s)).isoformat())
FIELDS = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["pending", "running", "completed", "failed", "workspace_error"]),
        "task_id": st.sampled_from([None, "a", "b"]),
        "created_at": TIMES,
        "started_at": TIMES,
        "completed_at": TIMES,
        "current_step": st.none() | st.integers(0, 3),
        "termination_reason": st.sampled_from([None, "max steps reached", "cancelled"]),
        "result": st.none()
        | st.fixed_dictionaries(
            {"success": st.booleans(), "score": st.sampled_from([None, 0.25, 1, 7])}
        ),
    }
)
CHANGES = st.lists(
    st.tuples(st.integers(0, 4), st.none() | FIELDS, st.booleans()), min_size=1, max_size=25
)


def row(place: int, fields: dict[str, object], at: float) -> RolloutRow:
    rollout = Rollout.model_validate({"rollout_id": f"r{place}"} | fields)
    return RolloutRow(f"r{place}", "run", b"", at, at, rollout, outcome=outcome_of(rollout))


@settings(deadline=None)
@given(CHANGES)
def test_numbers_by_what_changed_are_those_of_adding_all_up_anew(
    changes: list[tuple[int, dict[str, object] | None, bool]],
) -> None:
    built, known = RunStatsBuilder(), {}
    last_steps = {"r0": 9, "r3": 2}
    for place, fields, ours in changes:
        we_cancelled = {"r1"} if ours else frozenset[str]()
        known.pop(f"r{place}", None)
        part = None
        if fields is not None:
            rollout = row(place, fields, 0.0).rollout
            assert rollout is not None
            known[f"r{place}"] = (rollout, we_cancelled)
            part = share_of(rollout, we_cancelled, last_steps)
        built.put(f"r{place}", part)
    cancelled = {"r1"} if known.get("r1", (None, ()))[1] else frozenset[str]()
    anew = RunStatsBuilder()
    for name, (rollout, _) in known.items():
        anew.put(name, share_of(rollout, cancelled, last_steps))
    plain = anew.numbers(4)
    found = built.numbers(4)
    assert found == plain
    assert found.interval == plain.interval


def test_numbers_given_out_stay_as_they_are() -> None:
    built = RunStatsBuilder()
    done = {"status": "completed", "started_at": START.isoformat(), "result": {"success": True}}
    ends = (START + timedelta(seconds=5)).isoformat()
    first = row(0, done | {"completed_at": ends}, 0.0).rollout
    assert first is not None
    built.put("r0", share_of(first))
    given_out = built.numbers()
    built.put("r0", None)
    assert given_out.durations_s == [5.0]
    assert built.numbers() == run_numbers([])


def plainly(rows: list[RolloutRow], looked_at: datetime) -> Extent:
    longest_s, firsts_s, lasts_s = 0.0, [], []
    for each in rows:
        rollout = each.rollout
        assert rollout is not None
        start = started_at(rollout)
        created = rollout.created_at or start
        if created is not None:
            firsts_s.append(created.timestamp())
        running = looked_at if each.outcome is Outcome.RUNNING else None
        end = rollout.completed_at or running
        if start is not None and end is not None:
            lasts_s.append(end.timestamp())
            longest_s = max(longest_s, (end - start).total_seconds())
    if not firsts_s:
        return Extent(longest_s)
    return Extent(longest_s, min(firsts_s), max(lasts_s, default=min(firsts_s)))


@settings(deadline=None)
@given(CHANGES, st.integers(0, 9))
def test_a_run_reaches_as_far_as_its_rollouts_do(
    changes: list[tuple[int, dict[str, object] | None, bool]], looked_s: int
) -> None:
    reach, known = TimeExtent(), {}
    for place, fields, _ in changes:
        known.pop(place, None)
        if fields is not None:
            known[place] = row(place, fields, START.timestamp())
        reach.put(f"r{place}", known.get(place))
    looked_at = START + timedelta(seconds=looked_s)
    assert reach.extent(looked_at) == plainly(list(known.values()), looked_at)


def test_without_a_look_it_reaches_to_the_last_news() -> None:
    reach = TimeExtent()
    running = {"status": "running", "started_at": START.isoformat()}
    reach.put("r0", row(0, running, START.timestamp() + 30))
    assert reach.extent(None).longest_s == 30
