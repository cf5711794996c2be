"""Rules on runs: when they hold, that they do so once, and that they survive a restart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gymtui.session.rules import RuleBook
from gymtui.store.delta import OneRun, RolloutsOf
from gymtui.store.lists.query import FilterError
from gymtui.store.rules import RuleError, RuleKind, read_rules
from gymtui.store.store import Store
from tests.helpers.model_gym import rollout, rollouts_body, run, saw

NOW = 1_800_000_000.0


def told(store: Store, name: str, passes: int, fails: int, *errors: str, left: int = 1) -> None:
    """Let a run be known with so many verdicts, errors and unfinished rollouts."""
    items: list[dict[str, Any]] = []

    def add(number: int, **fields: Any) -> None:
        for _ in range(number):
            items.append(rollout(f"{name}.{len(items):03}", name, task_id="t") | fields)

    times = {"completed_at": f"2026-03-20T10:01:{passes + fails:02}Z"}
    add(passes, status="completed", result={"success": True}, **times)
    add(fails, status="completed", result={"success": False}, **times)
    for reason in errors:
        add(1, status="failed", termination_reason=reason, **times)
    add(left, status="running")
    store.apply(saw(OneRun(name), json.dumps(run(name, len(items), left)).encode()))
    store.apply(saw(RolloutsOf(name), rollouts_body(*items)))


@pytest.fixture
def store() -> Store:
    return Store()


def test_a_run_is_cancelled_once_its_rate_is_certain_and_only_once(store: Store) -> None:
    rules = RuleBook(None)
    rules.arm(["a"], RuleKind.CANCEL, "pass<30%", NOW)
    told(store, "a", 0, 5)
    assert rules.evaluate(store, NOW) == ()
    (rule,) = rules
    assert rule.evaluation == "pass@1 0%, certainly 0–62% of 5"
    told(store, "a", 0, 20)
    (firing,) = rules.evaluate(store, NOW)
    assert firing.cancels
    assert firing.reason == "pass<30% holds: pass@1 0%, certainly 0–26% of 20"
    assert rules.evaluate(store, NOW) == () and len(rules) == 0
    rules.note(rule.key, "cancelled a: 1 rollout")
    assert [r.outcome for r in rules] == ["cancelled a: 1 rollout"]


def test_what_is_watched_is_kept_until_that_was_told(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    rules = RuleBook(path)
    rules.arm(["a"], RuleKind.WATCH, "", NOW)
    told(store, "a", 1, 1, left=0)
    assert rules.evaluate(store, NOW) == ()
    (rule,) = rules
    assert (rule.outcome, rule.words) == (None, "tell at end, stall or failures")
    again = RuleBook(path)
    assert again.watched_runs() == ["a"]
    again.note(rule.key, "told: the run ended")
    assert again.watched_runs() == RuleBook(path).watched_runs() == []


def test_a_rule_on_errors_says_that_there_are_none(store: Store) -> None:
    rules = RuleBook(None)
    rules.arm(["a"], RuleKind.CANCEL, "errors>=2", NOW)
    told(store, "a", 0, 5)
    assert rules.evaluate(store, NOW) == ()
    assert [r.evaluation for r in rules] == ["pass@1 0%, certainly 0–62% of 5 · 0 errors"]


def test_what_was_not_armed_is_not_touched(store: Store) -> None:
    rules = RuleBook(None)
    rules.arm(["a"], RuleKind.CANCEL, "errors>=1", NOW)
    told(store, "b", 0, 30, "down")
    assert rules.evaluate(store, NOW) == ()


def test_a_run_that_is_over_is_not_cancelled(store: Store) -> None:
    rules = RuleBook(None)
    rules.arm(["a"], RuleKind.CANCEL, "errors>=1", NOW)
    told(store, "a", 0, 1, "down", left=0)
    assert rules.evaluate(store, NOW) == ()
    assert [rule.outcome for rule in rules] == ["nothing: the run ended"]


def test_each_kind_of_error_is_told_once(store: Store) -> None:
    rules = RuleBook(None)
    rules.arm(["a"], RuleKind.FIRST_ERRORS, "", NOW)
    told(store, "a", 1, 0, "503 after 3 s")
    assert [f.reason for f in rules.evaluate(store, NOW)] == [
        "first error of its kind: 503 after 3 s"
    ]
    told(store, "a", 1, 0, "503 after 3 s", "503 after 9 s")
    assert rules.evaluate(store, NOW) == ()
    told(store, "a", 1, 0, "503 after 3 s", "503 after 9 s", "no image")
    assert [f.reason for f in rules.evaluate(store, NOW)] == ["first error of its kind: no image"]
    told(store, "a", 1, 1, "503 after 3 s", "503 after 9 s", "no image", left=0)
    assert rules.evaluate(store, NOW) == ()
    assert [rule.outcome for rule in rules] == ["told 2 errors: the run ended"]


def test_a_regression_is_told_once_the_bounds_of_both_are_apart(store: Store) -> None:
    rules = RuleBook(None)
    rules.arm(["new"], RuleKind.REGRESSION, "old", NOW)
    told(store, "old", 30, 2, left=0)
    told(store, "new", 1, 5)
    assert rules.evaluate(store, NOW) == ()
    told(store, "new", 2, 30)
    (firing,) = rules.evaluate(store, NOW)
    assert firing.reason.startswith("worse than old: 6% ")
    assert not firing.cancels


def test_rules_survive_a_restart_with_what_they_told(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "gym.rules.json"
    rules = RuleBook(path)
    rules.arm(["a", "b"], RuleKind.CANCEL, "errors>=2", NOW)
    rules.arm(["a"], RuleKind.FIRST_ERRORS, "", NOW)
    told(store, "a", 0, 0, "down", "down")
    assert len(rules.evaluate(store, NOW)) == 2
    again = RuleBook(path)
    assert [(r.run_id, r.kind, r.outcome is None) for r in again] == [
        ("a", RuleKind.CANCEL, False),
        ("b", RuleKind.CANCEL, True),
        ("a", RuleKind.FIRST_ERRORS, True),
    ]
    assert again.evaluate(store, NOW) == ()
    again.disarm([rule.key for rule in again])
    assert list(RuleBook(path)) == []


def test_what_another_program_armed_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "gym.rules.json"
    one, other = RuleBook(path), RuleBook(path)
    one.arm(["a"], RuleKind.TELL, "errors>=1", NOW)
    other.arm(["b"], RuleKind.TELL, "errors>=1", NOW)
    assert {rule.run_id for rule in RuleBook(path)} == {"a", "b"}


def test_a_broken_file_and_a_condition_that_is_none_are_no_rules(tmp_path: Path) -> None:
    path = tmp_path / "gym.rules.json"
    rules = RuleBook(path)
    for text in ("", "nonsense<3", "pass=30%", "!pass<30%"):
        with pytest.raises(FilterError):
            rules.arm(["a"], RuleKind.CANCEL, text, NOW)
    for broken in ("{", "[]", '{"rules": [1, {"kind": "x"}, {"run_id": "a"}]}'):
        path.write_text(broken)
        assert list(RuleBook(path)) == []


def test_what_another_program_removes_is_armed_no_longer(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "gym.rules.json"
    one = RuleBook(path)
    one.arm(["a"], RuleKind.CANCEL, "errors>=1", NOW)
    other = RuleBook(path)
    (rule,) = other
    one.disarm([rule.key])
    told(store, "a", 0, 0, "down")
    assert other.evaluate(store, NOW) == () and list(other) == []
    other.arm(["b"], RuleKind.TELL, "errors>=1", NOW)
    assert [rule.run_id for rule in RuleBook(path)] == ["b"], "the removed one does not come back"


def test_what_another_program_arms_holds_here_and_cancels_once(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "gym.rules.json"
    here, elsewhere = RuleBook(path), RuleBook(path)
    told(store, "a", 0, 0, "down")
    elsewhere.arm(["a"], RuleKind.CANCEL, "errors>=1", NOW)
    elsewhere.arm(["a"], RuleKind.TELL, "errors>=1", NOW)
    assert [f.rule.kind for f in here.evaluate(store, NOW)] == [RuleKind.CANCEL, RuleKind.TELL]
    # Each dashboard tells its person; the run is cancelled by one of them.
    assert [f.rule.kind for f in elsewhere.evaluate(store, NOW)] == [RuleKind.TELL]


def test_where_nobody_hears_it_nothing_is_told_and_it_stays_armed(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "gym.rules.json"
    recorder = RuleBook(path)
    recorder.arm(["a"], RuleKind.TELL, "errors>=1", NOW)
    recorder.arm(["a"], RuleKind.CANCEL, "errors>=1", NOW)
    told(store, "a", 0, 0, "down")
    assert [f.rule.kind for f in recorder.evaluate(store, NOW, tells=False)] == [RuleKind.CANCEL]
    assert [f.rule.kind for f in RuleBook(path).evaluate(store, NOW)] == [RuleKind.TELL]


def test_a_file_that_breaks_takes_no_rule_away(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "gym.rules.json"
    rules = RuleBook(path)
    rules.arm(["a"], RuleKind.TELL, "errors>=1", NOW)
    path.write_text("{")
    told(store, "a", 0, 0, "down")
    assert len(rules.evaluate(store, NOW)) == 1


def test_rules_are_read_as_they_are_listed() -> None:
    text = (
        " Cancel when  pass<30% ;tell the first error of each kind\n"
        "tell if certainly worse than p-s2000;; tell when errors>=2 pass<50% ; cancel when pass<30%"
    )
    assert [rule.words for rule in read_rules(text)] == [
        "cancel when pass<30%",
        "tell the first error of each kind",
        "tell if certainly worse than p-s2000",
        "tell when errors>=2 pass<50%",
    ]
    assert read_rules(" ; ") == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("pass<30%", "a rule begins with one of: tell when, cancel when"),
        ("cancel when", "a condition is missing"),
        ("cancel when nonsense<3", "no column nonsense"),
        ("cancel whenever pass<30%", "a rule begins with"),
        ("tell the first error of each kind pass<3", "nothing follows"),
        ("tell if certainly worse than", "a run is missing"),
        ("tell when errors>=1; nonsense", "nonsense: a rule begins with"),
    ],
)
def test_what_is_no_rule_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(RuleError, match=why):
        read_rules(text)
