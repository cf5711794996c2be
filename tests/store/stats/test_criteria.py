"""What rollouts failed in: where it is read, and what is one criterion."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gymtui.api.models import Rollout
from gymtui.store.outcome import Outcome, outcome_of
from gymtui.store.stats.criteria import Criterion, criteria_of
from gymtui.store.stats.failure_reasons import fold


def of(result: dict[str, Any] | None, **fields: Any) -> tuple[Criterion, ...]:
    told = {"rollout_id": "r", "status": "completed", "result": result} | fields
    rollout = Rollout.model_validate(told)
    return criteria_of(rollout, outcome_of(rollout))


def words(result: dict[str, Any], **fields: Any) -> list[str]:
    return [criterion.words for criterion in of({"success": False} | result, **fields)]


CHECKS = [
    {"name": "meeting_created", "passed": True},
    {"name": "attendees", "passed": False, "detail": "nobody"},
    {"criteria": "sent", "pass": False},
    {"name": "odd", "passed": "no"},
    "text",
]


@pytest.mark.parametrize("where", ["results", "criteria_results", "checks"])
def test_checks_are_read_wherever_the_vendors_client_looks(where: str) -> None:
    assert words({"output": {where: CHECKS}, "message": "a; b"}) == ["attendees", "sent"]
    nested = [{"success": False, "output": json.dumps({where: [{"check": "x", "passed": False}]})}]
    assert words({"output": nested}) == ["x"]


def test_failed_criteria_come_first_and_the_message_last() -> None:
    both = {"failed_criteria": ["given"], "checks": CHECKS}
    assert words({"output": both, "message": "a; b"}) == ["given"]
    assert words({"failed_criteria": ["top"], "message": "a; b"}) == ["top"]
    guessed = of({"success": False, "message": "Missing: a; Wrong: b;\nTraceback"})
    assert [(each.words, each.guessed) for each in guessed] == [
        ("Missing: a", True),
        ("Wrong: b", True),
    ]
    # All checks passed, and still it failed: only the message says why.
    assert words({"output": {"checks": CHECKS[:1]}, "message": "too late"}) == ["too late"]


def test_an_error_has_its_cause_and_silence_has_a_word() -> None:
    (cause,) = of(None, status="failed", termination_reason="503 from endpoint; retried")
    assert cause == Criterion("503 from endpoint; retried", "503 from endpoint; retried")
    assert of({"success": False})[0].words == "no reason given"
    assert of(None, termination_reason="max_steps_reached")[0].words == "max_steps_reached"
    cancelled = Rollout.model_validate({"rollout_id": "r", "status": "failed"})
    assert criteria_of(cancelled, Outcome.CANCELLED)[0].words == "cancelled"


def test_the_same_criterion_twice_counts_once() -> None:
    said = {"success": False, "message": "Missing: email to Ruth Abara; Missing: email to Ali Can"}
    assert [each.folded for each in of(said)] == ["Missing: email to *"]


def test_an_output_that_is_deep_or_broken_is_no_defect() -> None:
    deep: Any = []
    for _ in range(100):
        deep = [{"results": deep}]
    assert words({"output": deep, "message": "m"}) == ["m"]
    assert words({"output": "{broken", "message": "m"}) == ["m"]


@pytest.mark.parametrize(
    ("first", "second", "folded"),
    [
        (
            "Missing: email to Ruth Abara",
            "Missing: email to Rafael Souza",
            "Missing: email to *",
        ),
        ("Missing: email to jo@a.example, x.y@b.example", "Missing: email to Ali Can",
         "Missing: email to *"),
        ("Oliver Brandt's request denied", "Aisha Karim's request denied", "*'s request denied"),
        ("Jean-Luc O'Brien told", "Ana de la Cruz told", "* told"),
        ("flag on rev_04", "flag on rev_01, rev_07 and rev_09", "flag on <id>"),
        ("interview on Wednesday", "interview on Monday", "interview on <time>"),
        ("due March 3rd, 2026", "due 4 Apr 2026", "due <time>"),
        ("salary is 1, not 2", "salary is 127000, not 127500", "salary is #, not #"),
    ],
)  # fmt: skip
def test_names_addresses_dates_and_lists_are_folded(first: str, second: str, folded: str) -> None:
    assert fold(first) == fold(second) == folded


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Error: Rate Limit Exceeded for model", "Error: Context Length Exceeded for model"),
        ("Email Ruth about the offer", "Call Ruth about the offer"),
        ("request denied", "request approved"),
        ("exited with code 137 early", "exited with code 1 early"),
        ("503 Service Unavailable from host", "504 Gateway Timeout from host"),
        ("ValueError: bad input", "KeyError: bad input"),
        ("Missing: calendar event", "Wrong: calendar event"),
    ],
)  # fmt: skip
def test_what_differs_in_kind_is_not_folded(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    "kept", ["step_1_email", "step_2_email", "AC-3", "Criterion 3", "2. email sent", "Ruth Abara"]
)
def test_what_names_or_numbers_a_criterion_is_kept(kept: str) -> None:
    (found,) = of({"success": False, "output": {"failed_criteria": [kept]}})
    assert found.folded == kept
