"""Rules on runs: when they hold, that they do so once, and that they survive a restart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gymtui.session.rules import RuleBook, RuleKind
from gymtui.store.delta import OneRun, RolloutsOf
from gymtui.store.lists.query import FilterError
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
    assert rules.look(store, NOW) == ()
    (rule,) = rules
    assert rule.evaluation == "pass@1 0%, certainly 0–62% of 5"
    told(store, "a", 0, 20)
    (firing,) = rules.look(store, NOW)
    assert firing.cancels
    assert firing.reason == "pass<30% holds: pass@1 0%, certainly 0–26% of 20"
    assert rules.look(store, NOW) == () and len(rules) == 0
    rules.note(rule.key, "cancelled a: 1 rollout")
    assert [r.outcome for r in rules] == ["cancelled a: 1 rollout"]


def test_what_was_not_armed_is_not_touched(store: Store) -> None:
    rules = RuleBook(None)
    rules.arm(["a"], RuleKind.CANCEL, "errors>=1", NOW)
    told(store, "b", 0, 30, "down")
    assert rules.look(store, NOW) == ()


def test_a_run_that_is_over_is_not_cancelled(store: Store) -> None:
    rules = RuleBook(None)
    rules.arm(["a"], RuleKind.CANCEL, "errors>=1", NOW)
    told(store, "a", 0, 1, "down", left=0)
    assert rules.look(store, NOW) == ()
    assert [rule.outcome for rule in rules] == ["nothing: the run ended"]


def test_each_kind_of_error_is_told_once(store: Store) -> None:
    rules = RuleBook(None)
    rules.arm(["a"], RuleKind.FIRST_ERRORS, "", NOW)
    told(store, "a", 1, 0, "503 after 3 s")
    assert [f.reason for f in rules.look(store, NOW)] == ["first error of its kind: 503 after 3 s"]
    told(store, "a", 1, 0, "503 after 3 s", "503 after 9 s")
    assert rules.look(store, NOW) == ()
    told(store, "a", 1, 0, "503 after 3 s", "503 after 9 s", "no image")
    assert [f.reason for f in rules.look(store, NOW)] == ["first error of its kind: no image"]
    told(store, "a", 1, 1, "503 after 3 s", "503 after 9 s", "no image", left=0)
    assert rules.look(store, NOW) == ()
    assert [rule.outcome for rule in rules] == ["told 2 errors: the run ended"]


def test_a_regression_is_told_once_the_bounds_of_both_are_apart(store: Store) -> None:
    rules = RuleBook(None)
    rules.arm(["new"], RuleKind.REGRESSION, "old", NOW)
    told(store, "old", 30, 2, left=0)
    told(store, "new", 1, 5)
    assert rules.look(store, NOW) == ()
    told(store, "new", 2, 30)
    (firing,) = rules.look(store, NOW)
    assert firing.reason.startswith("worse than old: 6% ")
    assert not firing.cancels


def test_rules_survive_a_restart_with_what_they_told(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "gym.rules.json"
    rules = RuleBook(path)
    rules.arm(["a", "b"], RuleKind.CANCEL, "errors>=2", NOW)
    rules.arm(["a"], RuleKind.FIRST_ERRORS, "", NOW)
    told(store, "a", 0, 0, "down", "down")
    assert len(rules.look(store, NOW)) == 2
    again = RuleBook(path)
    assert [(r.run_id, r.kind, r.outcome is None) for r in again] == [
        ("a", RuleKind.CANCEL, False),
        ("b", RuleKind.CANCEL, True),
        ("a", RuleKind.FIRST_ERRORS, True),
    ]
    assert again.look(store, NOW) == ()
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
