"""When active runs will be done and how fast verdicts come, kept up to date by what changed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from gymtui.api.models import Result, Rollout, RunStatus
from gymtui.store.outcome import outcome_of
from gymtui.store.records import RolloutRow, RunRow
from gymtui.store.stats.eta import Eta
from gymtui.store.stats.forecast import AT_ONCE, FRESH_S, RunForecast
from gymtui.store.stats.run_stats_builder import run_numbers

T0 = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NOW_S = T0.timestamp()


def rollout(name: str, status: str, start_s: float | None = None, ran_s: float = 60) -> RolloutRow:
    began = None if start_s is None else T0 + timedelta(seconds=start_s)
    ended = began + timedelta(seconds=ran_s) if began and status == "completed" else None
    item = Rollout(
        rollout_id=name,
        run_id="run",
        status=status,
        started_at=began,
        completed_at=ended,
        result=Result(success=True) if status == "completed" else None,
    )
    return RolloutRow(name, "run", name.encode(), 0.0, 0.0, item, outcome=outcome_of(item))


def run(total: int, running: int = 1) -> RunRow:
    return RunRow("run", b"", 0.0, RunStatus(run_id="run", total=total, running=running))


def take(
    outlook: RunForecast, rows: dict[str, RolloutRow], row: RunRow, now_s: float = NOW_S
) -> bool:
    return outlook.take(rows, rows, {"run"} if row.active else set(), now_s)


def some(count: int, seed: int = 1) -> dict[str, RolloutRow]:
    chance = random.Random(seed)
    rows = {}
    for index in range(count):
        status = chance.choice(("pending", "running", "completed", "completed"))
        start_s = None if status == "pending" else -chance.uniform(100, 250)
        rows[f"r{index}"] = rollout(f"r{index}", status, start_s, chance.uniform(20, 90))
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_it_says_what_the_numbers_of_the_run_say_however_the_changes_came(seed: int) -> None:
    rows = some(40, seed)
    outlook, chance = RunForecast(), random.Random(seed)
    take(outlook, some(40, seed + 100), run(40))
    names = list(rows)
    chance.shuffle(names)
    known = {**some(40, seed + 100)}
    while names:
        part, names = names[:7], names[7:]
        known.update({name: rows[name] for name in part})
        outlook.take(part, known, {"run"}, NOW_S)
    items = [row.rollout for row in rows.values() if row.rollout]
    plain = run_numbers(items, total=40).eta(NOW_S)
    found = outlook.eta(run(40), NOW_S)
    assert isinstance(plain, Eta) and isinstance(found, Eta)
    assert (found.low_s, found.high_s) == pytest.approx((plain.low_s, plain.high_s))
    rate = run_numbers(items).rate(NOW_S)
    assert rate is not None and outlook.rate(NOW_S) is not None


def test_nothing_is_said_while_rollouts_are_missing() -> None:
    outlook, rows = RunForecast(), some(20)
    take(outlook, rows, run(21))
    assert outlook.eta(run(21), NOW_S) is None
    assert outlook.eta(run(20), NOW_S) is not None


def test_much_at_once_is_taken_in_parts_and_none_is_lost() -> None:
    outlook, rows = RunForecast(), some(2 * AT_ONCE + 10)
    row = run(len(rows))
    assert take(outlook, rows, row)
    assert outlook.eta(row, NOW_S) is None
    assert outlook.take((), rows, {"run"}, NOW_S)
    assert not outlook.take((), rows, {"run"}, NOW_S)
    assert outlook.eta(row, NOW_S) is not None


def test_an_estimate_is_made_anew_only_when_it_is_old() -> None:
    outlook, rows = RunForecast(), some(20)
    take(outlook, rows, run(20))
    first = outlook.eta(run(20), NOW_S)
    assert outlook.eta(run(20), NOW_S + FRESH_S / 2) is first
    assert outlook.eta(run(20), NOW_S + FRESH_S) != first


def test_a_run_that_waits_while_none_runs_is_stalled() -> None:
    outlook = RunForecast()
    rows = {f"d{i}": rollout(f"d{i}", "completed", -200) for i in range(3)}
    rows["w"] = rollout("w", "pending")
    take(outlook, rows, run(4))
    assert outlook.eta(run(4), NOW_S) == "stalled"


def test_a_run_is_no_longer_stalled_once_one_of_its_rollouts_runs() -> None:
    forecast, rows = (
        RunForecast(),
        {"a": rollout("a", "completed", -90), "b": rollout("b", "pending")},
    )
    take(forecast, rows, run(2))
    assert forecast.eta(run(2), NOW_S) == "stalled"
    rows["b"] = rollout("b", "running", 0)
    take(forecast, rows, run(2), NOW_S + 1)
    assert forecast.eta(run(2), NOW_S + 1) != "stalled"


@pytest.mark.parametrize("looked_before_s", [0.5, 3, 9])
def test_what_is_expected_at_a_time_is_the_same_whenever_it_was_asked_before(
    looked_before_s: float,
) -> None:
    at_s, forecasts = NOW_S + 14, (RunForecast(), RunForecast())
    for forecast in forecasts:
        take(forecast, some(20), run(20))
    forecasts[0].eta(run(20), at_s - looked_before_s)
    one, other = (forecast.eta(run(20), at_s) for forecast in forecasts)
    assert one == other


def test_once_all_that_is_left_is_stuck_that_is_said_at_once_and_taken_back() -> None:
    outlook = RunForecast()
    rows = {f"d{i}": rollout(f"d{i}", "completed", -200) for i in range(3)}
    rows["r"] = rollout("r", "running", -150)
    take(outlook, rows, run(4))
    assert isinstance(outlook.eta(run(4), NOW_S), Eta)
    assert outlook.eta(run(4), NOW_S, stuck=1) == "stuck"
    assert isinstance(outlook.eta(run(4), NOW_S), Eta)


def test_a_run_that_ended_or_went_is_forgotten() -> None:
    outlook, rows = RunForecast(), some(20)
    take(outlook, rows, run(20))
    assert outlook.moved_s("run") == NOW_S
    outlook.take((), rows, set(), NOW_S)
    assert outlook.moved_s("run") is None
    assert outlook.eta(run(20, running=0), NOW_S) is None


def test_the_rate_counts_each_verdict_once_and_only_those_of_the_last_five_minutes() -> None:
    outlook = RunForecast()
    rows = {f"d{i}": rollout(f"d{i}", "completed", -60 * i - 61) for i in range(10)}
    take(outlook, rows, run(10))
    take(outlook, rows, run(10))
    rate = outlook.rate(NOW_S)
    assert rate is not None
    assert (rate.verdicts, rate.window_s) == (5, 300.0)
    later = outlook.rate(NOW_S + 120)
    assert later is not None and later.verdicts == 3
    assert RunForecast().rate(NOW_S) is None
