"""Groups of runs: who belongs together, and numbers that stay right as runs change."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gymtui.api.models import RunStatus
from gymtui.store.grouping import UNNAMED, Grouping, Groups, key_of, stem
from gymtui.store.outcome import Outcome
from gymtui.store.records import RunRow
from gymtui.store.schemas import RunView
from gymtui.store.summary import RunSummary


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
    assert together.summary.passed == 4


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
