"""The run that others are compared with: kept over a restart, and not where it is not listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gymtui.session.baseline import Baseline, read_baseline
from gymtui.store.delta import RunsPage
from gymtui.store.store import Store
from tests.helpers.model_gym import run, saw


def store_of(*names: str) -> Store:
    store = Store()
    runs = [run(name, 1, 0) for name in names]
    body = json.dumps({"total": len(runs), "runs": runs}).encode()
    store.apply(saw(RunsPage(), body))
    return store


def test_a_choice_survives_a_restart_and_can_be_taken_back(tmp_path: Path) -> None:
    path, store = tmp_path / "made" / "b.json", store_of("p-s1", "p-s2", "p-s3")
    Baseline(path, store).choose("p-s1")
    again = Baseline(path, store)
    assert again.run_id == again.chosen == "p-s1"
    assert again.compared_with("p-s3") == "p-s1" and again.compared_with("p-s1") is None
    assert again.first(["p-s2", "p-s1"]) == ("p-s1", "p-s2")
    again.choose(None)
    assert Baseline(path, store).compared_with("p-s3") == "p-s2"


def test_a_choice_that_is_not_listed_is_kept_and_stands_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    Baseline(path, store_of()).choose("gone")
    baseline = Baseline(path, store_of("p-s1", "p-s2"))
    assert (baseline.chosen, baseline.run_id) == ("gone", None)
    assert baseline.compared_with("p-s2") == "p-s1"


@pytest.mark.parametrize("kept", ["", "[]", '{"baseline": 3}', '{"baseline": ""}', "[" * 9999])
def test_a_broken_file_is_as_good_as_none(tmp_path: Path, kept: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(kept)
    assert read_baseline(path) is None


def test_where_nothing_can_be_kept_it_holds_until_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    baseline = Baseline(tmp_path / "file" / "b.json", store_of("a"))
    baseline.choose("a")
    assert baseline.run_id == "a"
