"""Groups of runs: who belongs together, and numbers that stay right as runs change."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gymtui.api.models import RunStatus
from gymtui.core.replacement import replace
from gymtui.store.lists.columns import RunView
from gymtui.store.lists.groups import UNNAMED, Grouping, Groups, key_of, stem
from gymtui.store.outcome import Outcome
from gymtui.store.records import RunRow
from gymtui.store.stats.formulas import Interval, Tally, pass_rate_interval, wilson
from gymtui.store.stats.run_summary import RunSummary
from gymtui.store.stats.task_tallies import TaskTallies
from gymtui.tui.kit.outcome_text import outcome_counts


def run(name: str, *, model: str | None = "m", scenario: str = "hr", passed: int = 1) -> RunView:
    status = RunStatus(run_id=name, scenario_id=scenario, total=4, completed=passed, running=1)
    counts = Counter({Outcome.PASSED: passed})
    summary = RunSummary(passed, counts, model, None, None, None, None) if model else None
    return RunView(RunRow(name, b"", 0.0, status), summary)


@pytest.mark.parametrize(
    ("name", "common"),
    [
        ("nightly-qwen3-32b-s4000", "nightly"),
        ("ckpt-hasty-s4250", "ckpt-hasty"),
        ("eval/2026-03-01/s400", "eval"),
        ("smoke", "smoke"),
        ("4000", "4000"),
        ("日本語-v2", "日本語"),
    ],
)
def test_a_name_is_shared_up_to_what_counts_it_off(name: str, common: str) -> None:
    assert stem(name) == common


def test_what_is_not_known_is_a_group_of_its_own() -> None:
    assert key_of(run("a", model=None), Grouping.MODEL) == UNNAMED


def test_a_group_has_the_numbers_of_its_runs() -> None:
    groups = Groups(Grouping.MODEL)
    changed, gone = groups.apply({"a": run("a", passed=1), "b": run("b", passed=3)}, ())
    assert not gone
    together = changed["m"]
    assert together.row.run is not None and together.summary is not None
    assert (together.row.run.total, together.row.run.running) == (8, 2)
    assert together.summary.passes == 4


def judged(name: str, scenario: str = "hr", **tasks: tuple[int, int]) -> RunView:
    """A run with so many passes of so many verdicts a task."""
    tallies = {task: Tally(*tally) for task, tally in tasks.items()}
    passes = sum(tally.passes for tally in tallies.values())
    verdicts = sum(tally.verdicts for tally in tallies.values())
    counts = Counter({Outcome.PASSED: passes, Outcome.FAILED: verdicts - passes})
    summary = RunSummary(verdicts, counts, "m", None, None, None, None)
    summary = replace(summary, tallies=TaskTallies.of(tallies))
    status = RunStatus(run_id=name, scenario_id=scenario, total=verdicts, completed=verdicts)
    return RunView(RunRow(name, b"", 0.0, status), summary)


def interval_of(*runs: RunView) -> Interval | None:
    changed, _ = Groups(Grouping.MODEL).apply({run.row.run_id: run for run in runs}, ())
    summary = changed["m"].summary
    assert summary is not None
    return summary.interval


def test_attempts_of_a_task_are_alike_in_whichever_run_of_the_group_they_were_made() -> None:
    several = [judged(f"r{n}", easy=(1, 1), hard=(0, 1), odd=(n % 2, 1)) for n in range(8)]
    shared = [Tally(8, 8), Tally(0, 8), Tally(4, 8)]
    assert interval_of(*several) == pass_rate_interval(shared)
    # Tasks of the same name in another scenario are others: more is known then.
    apart = [judged(f"r{n}", f"s{n}", easy=(1, 1), hard=(0, 1), odd=(n % 2, 1)) for n in range(8)]
    assert interval_of(*apart) == wilson(12, 24)
    assert interval_of(*several) != interval_of(*apart)


def test_where_one_run_is_not_known_task_by_task_the_group_has_no_interval() -> None:
    known = judged("a", easy=(3, 4))
    unknown = judged("b", easy=(1, 4))
    assert unknown.summary is not None
    unknown = replace(unknown, summary=replace(unknown.summary, tallies=None))
    assert interval_of(known) is not None
    assert interval_of(known, unknown) is None
    # One that has no verdict yet takes nothing away.
    assert interval_of(known, judged("c")) == interval_of(known)


task_tallies = st.dictionaries(
    st.sampled_from("xyz"),
    st.integers(1, 3).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | task_tallies), max_size=20))
def test_a_groups_interval_is_kept_by_what_changed(
    changes: list[tuple[str, dict[str, tuple[int, int]] | None]],
) -> None:
    groups = Groups(Grouping.MODEL)
    runs: dict[str, dict[str, tuple[int, int]]] = {}
    shown: Interval | None = None
    for name, tasks in changes:
        if tasks is None:
            runs.pop(name, None)
            changed, _ = groups.apply({}, [name])
        else:
            runs[name] = tasks
            changed, _ = groups.apply({name: judged(name, **tasks)}, ())
        summary = changed["m"].summary if "m" in changed else None
        if changed or not runs:
            shown = summary.interval if summary is not None else None
    together = {
        task: Tally(
            sum(tasks.get(task, (0, 0))[0] for tasks in runs.values()),
            sum(tasks.get(task, (0, 0))[1] for tasks in runs.values()),
        )
        for task in "xyz"
    }
    assert shown == pass_rate_interval(together.values())


names = st.sampled_from("abcdef")
models = st.sampled_from(["m", "n", None])
steps = st.lists(st.tuples(names, models | st.just("gone"), st.integers(0, 4)), max_size=30)


@given(steps)
def test_kept_by_what_changed_they_are_what_they_would_be_made_anew(
    changes: list[tuple[str, str | None, int]],
) -> None:
    groups = Groups(Grouping.MODEL)
    runs: dict[str, RunView] = {}
    shown: dict[str, RunView] = {}
    for name, model, passed in changes:
        if model == "gone":
            runs.pop(name, None)
            changed, gone = groups.apply({}, [name])
        else:
            runs[name] = run(name, model=model, passed=passed)
            changed, gone = groups.apply({name: runs[name]}, ())
        shown = {key: view for key, view in (shown | changed).items() if key not in gone}
    anew, _ = Groups(Grouping.MODEL).apply(runs, ())
    assert shown.keys() == anew.keys()
    for key, view in anew.items():
        assert shown[key].row.run == view.row.run
        assert (shown[key].summary and shown[key].summary.counts) == (
            view.summary and view.summary.counts
        )


def test_a_group_names_what_its_runs_have_in_common_and_how_many_others_there_are() -> None:
    groups = Groups(Grouping.SCENARIO)
    models = {"a": "small", "b": None, "c": "small"}
    changed, _ = groups.apply({name: run(name, model=model) for name, model in models.items()}, ())
    assert changed["hr"].summary is not None and changed["hr"].summary.model == "small"
    changed, _ = groups.apply({"d": run("d", model="large"), "e": run("e", model="wide")}, ())
    assert changed["hr"].summary is not None and changed["hr"].summary.model == "small +2"


def test_a_group_has_any_name_and_any_sum() -> None:
    groups = Groups(Grouping.SCENARIO)
    name = "x" * 5_000
    most = 2**62
    runs = {
        run_id: RunView(
            RunRow(run_id, b"", 0.0, RunStatus(run_id=run_id, scenario_id=name, total=most))
        )
        for run_id in "abc"
    }
    changed, _ = groups.apply(runs, ())
    together = changed[name].row.run
    assert together is not None
    assert (together.run_id, together.total) == (name, 3 * most)


def test_a_group_of_which_a_run_does_not_say_how_many_ended_does_not_either() -> None:
    groups = Groups(Grouping.SCENARIO)
    counters = {"total": 2, "completed": 2, "failed": 0}
    told = RunStatus(run_id="a", scenario_id="hr", **counters)
    silent = RunStatus(run_id="b", scenario_id="hr")
    runs = {
        "a": RunView(RunRow("a", b"", 0.0, told), run("a", passed=2).summary),
        "b": RunView(RunRow("b", b"", 0.0, silent)),
    }
    changed, _ = groups.apply(runs, ())
    assert changed["hr"].finished is None
    assert not any(outcome_counts(changed["hr"]))
