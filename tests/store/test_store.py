"""The store: what an answer changes, whatever order, shape or condition it comes in."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gymtui.api.errors import Garbled
from gymtui.store import rollout_intake, rollout_table
from gymtui.store.delta import NOTHING, Delta, OneRun, RolloutsOf, RunningRollouts, RunsPage
from gymtui.store.outcome import Outcome
from gymtui.store.records import Intent
from gymtui.store.stats.tool_errors import ToolUse
from gymtui.store.store import Store
from gymtui.transcript.usage import Usage
from tests.conftest import examples
from tests.helpers.model_gym import (
    ModelGym,
    ended,
    rollout,
    rollouts_body,
    run,
    runs_body,
    saw,
)

HEAD = RunsPage()
RUNNING = RunningRollouts()


def filled(*runs: object) -> Store:
    store = Store()
    store.apply(saw(HEAD, runs_body(*runs)))
    return store


# -- runs ----------------------------------------------------------------------------------


def test_a_page_adds_runs_and_the_same_page_again_changes_nothing() -> None:
    store = Store()
    body = runs_body(run("a"), run("b", running=1))
    first = store.apply(saw(HEAD, body))
    assert first.delta.runs_added == {"a", "b"}
    assert first.delta.total_changed
    assert store.active_runs == {"b"}
    again = store.apply(saw(HEAD, body, 2.0))
    assert again.delta == NOTHING
    assert again.ids == ("a", "b")
    assert again.total == 2


def test_what_did_not_change_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    items = [rollout(f"r{i}", "a") for i in range(50)]
    store.apply(saw(RolloutsOf("a"), rollouts_body(*items)))
    read: list[bytes] = []
    parse = rollout_table.parse_rollout
    monkeypatch.setattr(rollout_table, "parse_rollout", lambda raw: read.append(raw) or parse(raw))
    items[7] = ended("r7", "a")
    delta = store.apply(saw(RolloutsOf("a"), rollouts_body(*items), 1.0)).delta
    assert delta.rollouts_changed == {"r7"}
    assert len(read) == 1


def test_a_step_is_not_read_with_all_the_rest_and_changes_no_number_of_its_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = filled(run("a", running=2), run("b"))
    items = [rollout(f"r{i}", "a", status="running", current_step=i) for i in range(3)]
    store.apply(saw(RolloutsOf("a"), rollouts_body(*items)))
    numbers = store.summary("a")
    monkeypatch.setattr(rollout_table, "parse_rollout", mock.Mock(side_effect=AssertionError))
    items[1] |= {"current_step": 9}
    for query in (RUNNING, RolloutsOf("a")):
        items[2]["current_step"] += 1
        delta = store.apply(saw(query, rollouts_body(*items), items[2]["current_step"])).delta
        assert not delta.runs and "r2" in delta.rollouts_changed
        assert store.runs_of(delta) == {"a"}
    assert [row.rollout.current_step for row in store.rollouts_of("a")] == [0, 9, 4]
    assert store.summary("a") is numbers


@pytest.mark.parametrize(
    "change",
    [
        {"started_at": "2026-03-20T10:00:05Z"},
        {"model_config": {"model": "gpt-4o"}},
        {"status": "running"},
        {"status": "completed", "result": {"success": True}},
        {"result": {"score": 0.5}},
    ],
)
def test_whatever_a_run_adds_up_changes_its_numbers(change: dict[str, object]) -> None:
    store = filled(run("a", running=1))
    store.apply(saw(RolloutsOf("a"), rollouts_body(rollout("r", "a", current_step=1))))
    before = store.summary("a")
    item = rollout("r", "a", current_step=2) | change
    assert store.apply(saw(RolloutsOf("a"), rollouts_body(item), 1.0)).delta.runs_changed == {"a"}
    assert store.summary("a") != before


def test_an_older_answer_never_overwrites_a_newer_one() -> None:
    store = filled(run("a", running=2))
    store.apply(saw(HEAD, runs_body(run("a", running=0)), 5.0))
    late = store.apply(saw(RunsPage(180), runs_body(run("a", running=1)), 4.0))
    assert not late.delta
    assert store.runs["a"].run.running == 0
    store.apply(saw(RolloutsOf("a"), rollouts_body(ended("r", "a")), 6.0))
    store.apply(saw(RUNNING, rollouts_body(rollout("r", "a", status="running")), 5.5))
    assert store.rollouts["r"].outcome is Outcome.PASSED


def test_an_older_list_does_not_remove_what_a_newer_answer_brought() -> None:
    store = filled(run("a", running=2))
    store.apply(saw(RolloutsOf("a"), rollouts_body(rollout("r1", "a")), 1.0))
    store.apply(saw(RUNNING, rollouts_body(rollout("r2", "a", status="running")), 3.0))
    store.apply(saw(RolloutsOf("a"), rollouts_body(rollout("r1", "a", phase="x")), 2.0))
    assert {row.rollout_id for row in store.rollouts_of("a")} == {"r1", "r2"}


def test_a_body_seen_before_counts_again_once_another_answer_changed_its_rows() -> None:
    store = filled(run("a", running=2))
    store.apply(saw(RunsPage(20), runs_body(run("a", running=1)), 1.0))
    delta = store.apply(saw(HEAD, runs_body(run("a", running=2)), 2.0)).delta
    assert delta.runs_changed == {"a"}
    running = rollouts_body(rollout("r", "a", status="running"))
    store.apply(saw(RolloutsOf("a"), running, 1.0))
    store.apply(saw(RUNNING, rollouts_body(rollout("r", "a", status="running", step=9)), 2.0))
    assert store.apply(saw(RolloutsOf("a"), running, 3.0)).delta.rollouts_changed == {"r"}


def test_absence_from_a_page_removes_nothing() -> None:
    store = filled(run("a"), run("b"))
    store.apply(saw(HEAD, runs_body(run("b")), 1.0))
    store.apply(saw(HEAD, runs_body(), 2.0))
    assert set(store.runs) == {"a", "b"}
    assert not store.runs["a"].is_deleted


def test_gone_is_a_404_of_the_run_itself_and_only_a_later_question_brings_it_back() -> None:
    store = filled(run("a", running=1))
    assert not store.apply(saw(RolloutsOf("a"), None, 1.0)).delta
    assert store.apply(saw(OneRun("a"), None, 2.0)).delta.runs_changed == {"a"}
    assert store.runs["a"].is_deleted
    assert not store.active_runs
    assert not store.apply(saw(RunsPage(180), runs_body(run("a", running=1)), 1.5)).delta
    assert store.runs["a"].is_deleted
    # The very body that was last seen of the head counts as news, since the run has gone since.
    assert store.apply(saw(HEAD, runs_body(run("a", running=1)), 3.0)).delta.runs_changed == {"a"}
    assert not store.runs["a"].is_deleted


def test_a_404_to_an_older_question_is_no_news_of_a_run_seen_since() -> None:
    store = filled()
    store.apply(saw(HEAD, runs_body(run("a")), 5.0))
    assert not store.apply(saw(OneRun("a"), None, 4.0)).delta


def test_dropping_forgets_a_run_with_its_rollouts_and_a_later_list_adds_it_anew() -> None:
    body = runs_body(run("a", running=1), run("b"))
    store = Store()
    store.apply(saw(HEAD, body))
    store.apply(saw(RolloutsOf("a"), rollouts_body(rollout("r", "a"))))
    delta = store.drop(["a", "never known"])
    assert (delta.runs_removed, delta.rollouts_removed) == ({"a"}, {"r"})
    assert not store.active_runs
    assert store.summary("a") is None
    assert store.apply(saw(HEAD, body, 1.0)).delta.runs_added == {"a"}


@pytest.mark.parametrize("item", [17, None, "x", [], {}, {"run_id": None}, {"id": "a"}])
def test_one_bad_item_costs_the_others_nothing(item: object) -> None:
    store = Store()
    store.apply(saw(HEAD, runs_body(run("a"), item, run("b"))))
    (bad,) = [row for row in store.runs.values() if row.malformed is not None]
    assert {"a", "b"} < set(store.runs)
    assert json.loads(bad.raw) == item
    assert not bad.active
    # It stays one row while its bytes move, and leaves with its place.
    store.apply(saw(HEAD, runs_body(run("a"), {"what": 1}, run("b")), 1.0))
    assert len(store.runs) == 3
    removed = store.apply(saw(HEAD, runs_body(run("a"), run("b"), run("c")), 2.0)).delta
    assert len(removed.runs_removed) == 1
    assert set(store.runs) == {"a", "b", "c"}


def test_the_same_bad_item_in_two_runs_is_two_rollouts() -> None:
    store = filled(run("a"), run("b"))
    store.apply(saw(RolloutsOf("a"), rollouts_body({}, ended("r", "a"))))
    store.apply(saw(RolloutsOf("b"), rollouts_body({})))
    assert [row.malformed is not None for row in store.rollouts_of("a")] == [True, False]
    assert len(store.rollouts_of("b")) == 1
    assert not store.apply(saw(RolloutsOf("b"), rollouts_body({}, total=9), 1.0)).delta.rollouts
    assert store.summary("a").known == 1


def test_an_item_whose_id_changed_is_another_row() -> None:
    store = filled(run("a"), run("b"))
    delta = store.apply(saw(HEAD, runs_body(run("a2"), run("b")), 1.0)).delta
    assert delta.runs_added == {"a2"}
    assert not delta.runs_changed


@pytest.mark.parametrize("body", [b"<html>", b'{"runs": 3}', b"{}", b'{"run_id": null}', b"[]"])
def test_what_is_no_answer_is_garbled_and_changes_nothing(body: bytes) -> None:
    store = filled(run("a", running=1))
    with pytest.raises(Garbled):
        store.apply(saw(OneRun("a"), body, 1.0))
    if body != b"[]":
        with pytest.raises(Garbled):
            store.apply(saw(HEAD, body, 1.0))
    assert set(store.runs) == {"a"}


def test_an_answer_about_another_run_is_garbled() -> None:
    store = filled(run("a"), run("b"))
    for other in ("b", "unknown"):
        with pytest.raises(Garbled):
            store.apply(saw(OneRun("a"), json.dumps(run(other)).encode(), 1.0))
    assert set(store.runs) == {"a", "b"}


def test_a_total_may_be_absent_and_the_last_one_stays() -> None:
    store = filled(run("a"))
    applied = store.apply(saw(HEAD, json.dumps([run("a"), run("b")]).encode(), 1.0))
    assert applied.total is None
    assert store.total_runs == 1


def test_of_two_items_with_one_id_the_later_counts_and_nothing_flaps() -> None:
    store = filled(run("a", running=1))
    first, second = rollout("r", "a"), ended("r", "a")
    for sent, other in enumerate(("x", "y", "z")):
        body = rollouts_body(first, second, rollout("s", "a", phase=other))
        changed = store.apply(saw(RolloutsOf("a"), body, float(sent))).delta.rollouts_changed
        assert "r" not in changed
        assert store.rollouts["r"].outcome is Outcome.PASSED
    assert store.summary("a").known == 2


def test_the_same_item_listed_twice_is_one_row() -> None:
    store = filled(run("a"), run("a"))
    twice = [{}, ended("r", "a"), {}, ended("r", "a")]
    delta = store.apply(saw(RolloutsOf("a"), rollouts_body(*twice))).delta
    assert len(delta.rollouts_added) == len(store.rollouts_of("a")) == 2
    assert store.summary("a").known == 1
    store.apply(saw(RolloutsOf("a"), rollouts_body(*twice, rollout("s", "a")), 1.0))
    assert len(store.rollouts_of("a")) == 3


# -- intents -------------------------------------------------------------------------------


def test_cancelling_shows_until_nothing_is_active_and_deleting_until_it_is_gone() -> None:
    store = filled(run("a", running=2), run("b"))
    assert store.intend(["a"], Intent.CANCEL).runs_changed == {"a"}
    store.apply(saw(HEAD, runs_body(run("a", running=1), run("b")), 1.0))
    assert store.runs["a"].intent is Intent.CANCEL
    store.apply(saw(HEAD, runs_body(run("a", running=0), run("b")), 2.0))
    assert store.runs["a"].intent is None
    store.intend(["b"], Intent.DELETE)
    store.apply(saw(HEAD, runs_body(run("a"), run("b", total=3)), 3.0))
    assert store.runs["b"].intent is Intent.DELETE
    assert store.mark_deleted(["b"], 4.0).runs_changed == {"b"}
    assert store.runs["b"].intent is None


def test_nothing_waits_to_be_cancelled_that_has_already_ended() -> None:
    store = filled(run("a"))
    assert not store.intend(["a", "unknown"], Intent.CANCEL)


def test_what_ends_after_our_own_cancel_is_told_from_what_failed() -> None:
    store = filled(run("a", running=2, total=3))
    before = [ended("done", "a", False), rollout("w", "a"), rollout("r", "a", status="running")]
    store.apply(saw(RolloutsOf("a"), rollouts_body(*before)))
    store.intend(["a"], Intent.CANCEL)
    assert store.we_cancelled == {"w", "r"}
    failed = {"status": "failed", "termination_reason": "terminated"}
    after = [ended("done", "a", False), rollout("w", "a", **failed), rollout("r", "a", **failed)]
    store.apply(saw(RolloutsOf("a"), rollouts_body(*after), 1.0))
    assert store.summary("a").counts == {Outcome.FAILED: 1, Outcome.CANCELLED: 2}


def test_a_verdict_reached_in_spite_of_our_cancel_counts_as_for_others() -> None:
    before = [rollout(name, "a", status="running") for name in ("v", "w")]
    after = [ended("v", "a", False), ended("w", "a", True)]
    counts = []
    for ours in (True, False):
        store = filled(run("a", running=2, total=2))
        store.apply(saw(RolloutsOf("a"), rollouts_body(*before)))
        if ours:
            store.intend(["a"], Intent.CANCEL)
        store.apply(saw(RolloutsOf("a"), rollouts_body(*after), 1.0))
        counts.append(store.summary("a").counts)
    assert counts == [{Outcome.FAILED: 1, Outcome.PASSED: 1}] * 2


def test_a_refused_cancel_leaves_no_mark() -> None:
    store = filled(run("a", running=1))
    store.apply(saw(RolloutsOf("a"), rollouts_body(rollout("r", "a"))))
    store.intend(["a"], Intent.CANCEL)
    store.intend(["a"], None)
    store.apply(saw(RolloutsOf("a"), rollouts_body(rollout("r", "a", status="failed")), 1.0))
    assert store.summary("a").counts == {Outcome.AGENT: 1}


# -- rollouts ------------------------------------------------------------------------------


def test_a_changed_summary_shows_as_a_changed_run_whichever_came_first() -> None:
    store = Store()
    early = store.apply(saw(RolloutsOf("a"), rollouts_body(ended("r", "a")))).delta
    assert not early.runs
    assert store.summary("a").passes == 1
    assert store.apply(saw(HEAD, runs_body(run("a"), run("b")))).delta.runs_added == {"a", "b"}
    assert store.summary("a").passes == 1
    later = store.apply(saw(RolloutsOf("b"), rollouts_body(ended("s", "b")))).delta
    assert later.runs_changed == {"b"}
    # None listed is news too: "not known" becomes "none".
    store.apply(saw(HEAD, runs_body(run("c")), 1.0))
    assert store.apply(saw(RolloutsOf("c"), rollouts_body())).delta.runs_changed == {"c"}
    assert store.summary("c").known == 0


def test_a_run_is_not_counted_by_its_running_part() -> None:
    store = filled(run("a", running=1, total=9))
    delta = store.apply(saw(RUNNING, rollouts_body(rollout("r", "a", status="running")))).delta
    assert delta.rollouts_added == {"r"}
    assert store.summary("a") is None
    assert not store.knows_rollouts_of("a")


def test_a_rollout_first_met_running_joins_its_run_when_that_is_listed_unchanged() -> None:
    store = filled(run("a", running=1))
    item = rollout("r", "a", status="running")
    store.apply(saw(RUNNING, rollouts_body(item)))
    delta = store.apply(saw(RolloutsOf("a"), rollouts_body(item, ended("s", "a")), 1.0)).delta
    assert delta.rollouts_added == {"s"}
    assert [row.rollout_id for row in store.rollouts_of("a")] == ["r", "s"]
    assert store.summary("a").known == 2
    # And is not dropped as a stray once it no longer runs.
    store.apply(saw(RUNNING, rollouts_body(), 2.0))
    assert len(store.rollouts_of("a")) == 2


def test_a_stray_that_no_longer_runs_is_dropped_and_a_held_one_asks_for_its_list() -> None:
    store = filled(run("a", running=1), run("b", running=1))
    both = [rollout("r", "a", status="running"), rollout("s", "b", status="running")]
    store.apply(saw(RolloutsOf("a"), rollouts_body(both[0])))
    store.apply(saw(RUNNING, rollouts_body(*both), 1.0))
    applied = store.apply(saw(RUNNING, rollouts_body(), 2.0))
    assert applied.delta.rollouts_removed == {"s"}
    assert applied.overtaken == {"a"}
    assert store.rollouts["r"].outcome is Outcome.RUNNING
    store.apply(saw(RolloutsOf("a"), rollouts_body(ended("r", "a")), 3.0))
    assert not store.apply(saw(RUNNING, rollouts_body(), 4.0)).overtaken


def test_what_artifacts_do_not_say_stays_as_it_was_known() -> None:
    store = filled(run("a"))
    store.apply(saw(RolloutsOf("a"), rollouts_body(ended("r", "a"))))
    used, called = Usage(1, 2), (ToolUse("send", 1),)
    assert store.note_artifacts("r", used, called).rollouts_changed == {"r"}
    store.note_artifacts("r", Usage(), (ToolUse("read", 2),))
    assert (store.rollouts["r"].usage, store.rollouts["r"].tools) == (used, (ToolUse("read", 2),))
    store.note_artifacts("r", Usage(3, 4), None)
    row = store.rollouts["r"]
    assert (row.usage, row.tools) == (Usage(3, 4), (ToolUse("read", 2),))
    assert not store.note_artifacts("r", Usage(), None)


@pytest.mark.parametrize(("total", "overtaken"), [(None, {"a"}), (0, {"a"}), (1, set())])
def test_a_list_of_running_ones_that_is_cut_short_says_nothing_of_those_it_lacks(
    total: int | None, overtaken: set[str]
) -> None:
    store = filled(run("a", running=1))
    store.apply(saw(RolloutsOf("a"), rollouts_body(rollout("r", "a", status="running"))))
    body = json.dumps({"total": total, "rollouts": []}).encode()
    assert store.apply(saw(RUNNING, body, 1.0)).overtaken == overtaken


def test_a_scenarios_running_ones_say_nothing_of_another_scenarios() -> None:
    store = filled(run("a", running=1), run("b", running=1))
    for name, scenario in (("a", "hr"), ("b", "it")):
        item = rollout(f"{name}1", name, status="running", scenario_id=scenario)
        store.apply(saw(RolloutsOf(name), rollouts_body(item)))
    for scenario, overtaken in (("hr", {"a"}), ("it", {"b"}), ("x", set())):
        answer = saw(RunningRollouts(scenario), rollouts_body(), 1.0)
        assert store.apply(answer).overtaken == overtaken


def test_an_empty_list_does_not_empty_a_run_and_a_cut_one_removes_nothing() -> None:
    store = filled(run("a"))
    store.apply(saw(RolloutsOf("a"), rollouts_body(ended("r", "a"), ended("s", "a"))))
    assert not store.apply(saw(RolloutsOf("a"), rollouts_body(), 1.0)).delta
    cut = rollouts_body(ended("r", "a"), total=2)
    assert not store.apply(saw(RolloutsOf("a"), cut, 2.0)).delta
    whole = rollouts_body(ended("r", "a"))
    assert store.apply(saw(RolloutsOf("a"), whole, 3.0)).delta.rollouts_removed == {"s"}
    assert store.summary("a").known == 1


def test_a_rollout_that_names_another_known_run_is_not_counted_to_the_one_asked_for() -> None:
    store = filled(run("a"), run("b"))
    body = rollouts_body(ended("r", "a"), ended("s", "b"), ended("t", "no such run"))
    store.apply(saw(RolloutsOf("a"), body))
    assert [row.rollout_id for row in store.rollouts_of("a")] == ["r", "t"]
    store.apply(saw(RolloutsOf("b"), body, 1.0))
    assert [row.rollout_id for row in store.rollouts_of("b")] == ["s"]


def test_a_rollout_that_moves_to_another_run_leaves_the_first() -> None:
    store = filled(run("a"))
    store.apply(saw(RolloutsOf("a"), rollouts_body(ended("r", "b"))))
    assert store.summary("a").known == 1
    store.apply(saw(HEAD, runs_body(run("a"), run("b")), 1.0))
    delta = store.apply(saw(RolloutsOf("b"), rollouts_body(ended("r", "b", False)), 2.0)).delta
    assert delta.runs_changed == {"a", "b"}
    assert store.summary("a").known == 0
    assert store.summary("b").verdicts == 1


def test_runs_whose_counters_say_nothing_are_judged_by_their_rollouts() -> None:
    store = filled({"run_id": "a"}, {"run_id": "b", "total": 2, "completed": 2})
    assert store.active_runs == {"a"}
    delta = store.apply(saw(RolloutsOf("a"), rollouts_body(ended("r", "a")))).delta
    assert delta.runs_changed == {"a"}
    assert not store.active_runs
    store.apply(saw(RolloutsOf("a"), rollouts_body(ended("r", "a"), rollout("s", "a")), 1.0))
    assert store.active_runs == {"a"}
    # Likewise when the rollouts came before the run.
    store.apply(saw(RolloutsOf("c"), rollouts_body(ended("t", "c"))))
    store.apply(saw(HEAD, runs_body({"run_id": "c"}), 2.0))
    assert store.active_runs == {"a"}


# -- memory --------------------------------------------------------------------------------


def test_memory_is_bounded_but_no_summary_is_ever_lost() -> None:
    store = Store(rollouts_kept=6)
    ids = [f"run{i}" for i in range(6)]
    store.apply(saw(HEAD, runs_body(*(run(i, running=int(i == "run1")) for i in ids))))
    for run_id in ids:
        items = [ended(f"{run_id}.{i}", run_id, i == 0) for i in range(2)]
        store.apply(saw(RolloutsOf(run_id), rollouts_body(*items)))
        store.trim(["run0"])
    assert len(store.rollouts) <= 6
    held = [run_id for run_id in ids if store.knows_rollouts_of(run_id)]
    assert {"run0", "run1"} <= set(held)
    for run_id in ids:
        assert store.summary(run_id).passes == 1
    # A running rollout of a run that gave up its own does not take its summary with it.
    lost = next(run_id for run_id in ids if run_id not in held)
    store.apply(saw(RUNNING, rollouts_body(rollout(f"{lost}.9", lost, status="running")), 1.0))
    assert store.summary(lost).known == 2
    # Fetched again they are there again, though the answer is the one from before.
    items = [ended(f"{lost}.{i}", lost, i == 0) for i in range(2)]
    delta = store.apply(saw(RolloutsOf(lost), rollouts_body(*items), 2.0)).delta
    assert delta.rollouts_added
    assert store.summary(lost).passes == 1


def test_the_runs_looked_at_last_keep_their_rollouts_longest() -> None:
    store = Store(rollouts_kept=2)
    store.apply(saw(HEAD, runs_body(*(run(i, total=1) for i in "abcd"))))
    for run_id in "abc":
        store.apply(saw(RolloutsOf(run_id), rollouts_body(ended(run_id * 2, run_id))))
        removed = store.trim([run_id]).rollouts_removed
    assert removed == {"aa"}
    # Fetched for its numbers alone, it makes no room at the expense of one that was looked at.
    store.apply(saw(RolloutsOf("d"), rollouts_body(ended("dd", "d"))))
    assert store.trim([]).rollouts_removed == {"dd"}
    assert store.summary("d").known == 1


def test_numbers_of_an_earlier_session_show_until_the_rollouts_are_listed() -> None:
    before, store = Store(), filled({"run_id": "a"}, run("b", total=1))
    before.apply(saw(RolloutsOf("a"), rollouts_body(ended("r", "a"))))
    store.apply(saw(RolloutsOf("b"), rollouts_body(ended("s", "b", False))))
    kept = dict.fromkeys(("a", "b", "later"), before.summary("a"))
    assert store.remember(kept).runs_changed == {"a"}
    assert store.summary("a").passes == 1
    assert not store.active_runs  # its own counters say nothing; its kept rollouts have ended
    assert store.summary("b").passes == 0
    store.apply(saw(RolloutsOf("a"), rollouts_body(ended("r", "a", False)), 1.0))
    assert store.summary("a").passes == 0
    store.apply(saw(HEAD, runs_body(run("later", total=1)), 2.0))
    assert store.summary("later").passes == 1


# -- all at once ---------------------------------------------------------------------------


def picture(store: Store) -> tuple[object, ...]:
    return (
        {row.run_id: (row.raw, row.is_deleted, row.active) for row in store.runs.values()},
        {row.rollout_id: (row.raw, row.run_id) for row in store.rollouts.values()},
        {run_id: [row.rollout_id for row in store.rollouts_of(run_id)] for run_id in store.runs},
    )


@pytest.mark.parametrize("midway", [False, True])
@settings(max_examples=examples(40), deadline=None)
@given(seed=st.integers(0, 10**6))
def test_deltas_add_up_to_the_store_and_summaries_to_their_rollouts(
    midway: bool, seed: int
) -> None:
    """Whoever only applies deltas knows the same as who looks at everything.

    Midway: answers overtake each other between the pieces in which they are taken in.
    """
    with (
        mock.patch.object(rollout_intake, "PARSED_AT_ONCE", 1 if midway else 100),
        mock.patch.object(rollout_intake, "COUNTED_AT_ONCE", 1 if midway else 100),
    ):
        deltas_add_up(seed, midway=midway)


def deltas_add_up(seed: int, *, midway: bool) -> None:
    rng = random.Random(seed)
    gym = ModelGym(rng, finishing=0.2)
    for _ in range(4):
        gym.launch(rng.randint(1, 5), finished=rng.random() < 0.3)
    store, runs, rollouts = Store(rollouts_kept=rng.choice([4, 100])), {}, {}
    pending = []

    def taken(steps: Iterator[None]) -> Delta | None:
        """What an answer changed, once the last of its pieces was taken in."""
        while True:
            try:
                next(steps)
            except StopIteration as done:
                return done.value.delta
            if midway and rng.random() < 0.5:
                return None

    for now in range(60):
        if rng.random() < 0.5:
            gym.step()
        if rng.random() < 0.1:
            gym.launch(2)
        if rng.random() < 0.05 and gym.runs:
            gym.delete(rng.choice(list(gym.runs)))
        some = rng.choice(sorted({*gym.runs, *store.runs}) or ["x"])
        query = rng.choice([HEAD, OneRun(some), RolloutsOf(some), RunningRollouts()])
        pending.append(store.apply_in_pieces(saw(query, gym.answer(query), float(now))))
        if rng.random() < 0.7:  # else it stays under way, and later ones pass it
            steps = pending.pop(rng.randrange(len(pending)))
            delta = taken(steps)
            if delta is None:
                pending.append(steps)
                continue
            for change in (lambda: delta, lambda: store.trim([])):  # noqa: B023
                other = change()
                assert other.runs_changed <= store.runs.keys()
                for known, rows, ids in (
                    (runs, store.runs, other.runs_added | other.runs_changed),
                    (rollouts, store.rollouts, other.rollouts_added | other.rollouts_changed),
                ):
                    known.update({i: rows[i] for i in ids if i in rows})
                for i in other.rollouts_removed:
                    del rollouts[i]
        assert runs == dict(store.runs)
        assert rollouts == dict(store.rollouts)
        for run_id in store.runs:
            rows = store.rollouts_of(run_id)
            if store.knows_rollouts_of(run_id):
                fresh = Store()
                fresh.apply(saw(RolloutsOf(run_id), b"[" + b",".join(r.raw for r in rows) + b"]"))
                if rows:
                    assert store.summary(run_id) == fresh.summary(run_id)


def test_a_large_answer_is_taken_in_piece_by_piece_and_shows_whole_or_not_at_all() -> None:
    store = filled(run("a", running=1))
    items = [ended(f"r{i}", "a") for i in range(1000)]
    steps = store.apply_in_pieces(saw(RolloutsOf("a"), rollouts_body(*items), 1.0))
    turns = 0
    while True:
        try:
            next(steps)
        except StopIteration as done:
            assert len(done.value.delta.rollouts_added) == 999
            break
        turns += 1
        assert not store.knows_rollouts_of("a")
        if turns == 3:  # another answer passes it, newer and about one of its rows
            store.apply(saw(RUNNING, rollouts_body(rollout("r5", "a", status="running")), 2.0))
    assert turns >= 5
    assert store.rollouts["r5"].outcome is Outcome.RUNNING
    assert store.summary("a").known == 1000


@pytest.mark.parametrize("known", [False, True])
def test_a_note_written_while_an_answer_is_read_in_pieces_is_on_its_rows(
    monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    monkeypatch.setattr(rollout_intake, "PARSED_AT_ONCE", 1)
    store = filled(run("a", running=3))
    items = [rollout(f"r{i}", "a") for i in range(3)]
    if known:
        store.apply(saw(RolloutsOf("a"), rollouts_body(*items)))
    store.note({"r1": "of old"})
    moved = [item | {"status": "running"} for item in items]
    steps = store.apply_in_pieces(saw(RolloutsOf("a"), rollouts_body(*moved), 1.0))
    for _ in range(2):
        next(steps)
    store.note({"r0": "new"})
    for _ in steps:
        pass
    assert [row.note for row in store.rollouts_of("a")] == ["new", None, None]
