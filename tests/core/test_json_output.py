"""JSON that leaves: JSON, whatever came in; and there is no other way out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import gymtui
from gymtui.api.list_answer import item_text, parse_run, split
from gymtui.api.models import RunStatus
from gymtui.core.json_output import json_text

PACKAGE = Path(gymtui.__file__).parent
READ_BACK_BY_US = {
    "sources/inspect_logs.py",
    "session/baseline.py",
    "session/rules.py",
    "sources/harbor.py",  # by msgspec, which writes null for what is no number
    "store/history/notes.py",
    "tui/app/absence.py",
    "api/client.py",
    "api/lenient.py",
    "launching/launch_history.py",
    "session/saved_layout.py",
}
"""Requests of strict models, and files that only this program reads."""


def strict(text: str) -> object:
    def refuse(name: str) -> object:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 1e999])
def test_what_is_no_number_leaves_as_null(number: float) -> None:
    document = {"a": number, "b": [number, {"c": (number, 1.5)}], "d": "NaN"}
    assert strict(json_text(document)) == {"a": None, "b": [None, {"c": [None, 1.5]}], "d": "NaN"}


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_an_item_that_holds_none_is_described_with_null(written: str) -> None:
    body = '{"runs": [{"run_id": "r", "total": X, "extra": [X]}]}'.replace("X", written)
    (item,) = split(body.encode(), "runs").items
    assert strict(item_text(item)) == {"run_id": "r", "total": None, "extra": [None]}
    run = parse_run(item)
    assert isinstance(run, RunStatus)
    assert run.total is None


def test_nothing_else_writes_json_for_others() -> None:
    """The local gym stands alone; what transcripts show is text."""
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\bjson\.dumps\b|model_dump_json|json\.encode\(", path.read_text())
    }
    ours = {name for name in found if not name.startswith(("gym/", "transcript/"))}
    assert ours - READ_BACK_BY_US == {"core/json_output.py", "store/history/journal_store.py"}
