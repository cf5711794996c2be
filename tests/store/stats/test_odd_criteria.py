"""Criteria as verifiers write them otherwise than expected: named where they can be, never lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gymtui.api.list_answer import parse_rollout
from gymtui.api.models import Rollout
from gymtui.core.pieces import result_of
from gymtui.store.outcome import Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.stats.criteria import criteria_of
from gymtui.store.stats.failures import Failures, FailureView


def read(result: Any) -> Rollout:
    item = {"rollout_id": "r", "status": "completed", "result": result}
    rollout = parse_rollout(json.dumps(item).encode())
    assert isinstance(rollout, Rollout)
    return rollout


@pytest.mark.parametrize(
    ("result", "names"),
    [
        ({"failed_criteria": [{"name": "told", "reason": "x"}, {"criteria": "sent"}]}, "told sent"),
        ({"failed_criteria": {"told": "no", "sent": False}}, "told sent"),
        ({"failed_criteria": "told"}, "told"),
        ({"failed_criteria": [None, 3, "told", ["x"], {}, {"name": 4}]}, "told"),
        ({"failed_criteria": ["Told", "told", "told ", "TOLD"]}, "Told"),
        ({"failed_criteria": [], "output": {"failed_criteria": [{"id": "a1"}]}}, "a1"),
        ({"failed_criteria": None, "message": "a; b"}, "a b"),
        ({"failed_criteria": [""], "message": "a"}, "a"),
        ({"output": {"checks": {"told": False, "sent": True, "late": None}}}, "told"),
        ({"output": {"checks": {"told": {"passed": False}, "sent": {"pass": True}}}}, "told"),
        ({"output": {"results": [{"name": "told", "passed": "false"}]}, "message": "a"}, "a"),
        ({"message": "Lost; lost; LOST"}, "Lost"),
    ],
)
def test_criteria_are_named_whatever_their_shape(result: Any, names: str) -> None:
    found = criteria_of(read({"success": False} | result), Outcome.FAILED)
    assert [criterion.words for criterion in found] == names.split()


def test_what_differs_in_case_alone_is_one_group() -> None:
    failures = Failures()
    for number, message in enumerate(["No answer", "no answer", "NO ANSWER", "no question"]):
        rollout = read({"success": False, "message": message})
        rollout = rollout.model_copy(update={"rollout_id": f"r{number}"})
        name = rollout.rollout_id
        failures.take(RolloutRow(name, "run", b"", 0.0, 0.0, rollout, outcome=Outcome.FAILED))
    for by in FailureView:
        first, second = result_of(failures.groups_in_pieces(by=by))
        assert (first.folded, first.rollout_ids) == ("No answer", ("r0", "r1", "r2"))
        assert second.rollout_ids == ("r3",)
