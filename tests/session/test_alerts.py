"""What of watched runs is told, and when: each thing once, and nothing that is not so."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from gymtui.config.schema import EVENT_PREFIX
from gymtui.session.alerts import (
    NONE_RUNS_S,
    NOTHING_MOVES_S,
    RESULTS_S,
    AlertKind,
    AlertMonitor,
    RunAlert,
    describe_alert,
)
from gymtui.store.delta import Observation, RolloutsOf, RunsPage
from gymtui.store.stats.forecast import RunForecast
from gymtui.store.store import Store
from gymtui.tui.app.notifier import event_variables, notification_sequence
from tests.helpers.clean_text import is_clean

NOW_S = 1_800_000_000.0


class World:
    """A gym's answers, taken in, at a time that a test moves."""

    def __init__(self) -> None:
        self.store, self.forecast, self.now_s, self._sent = Store(), RunForecast(), NOW_S, 0.0

    def lists(self, run_id: str = "run", **counters: int) -> None:
        self._sent += 1
        body = json.dumps({"runs": [{"run_id": run_id, "scenario_id": "hr", **counters}]})
        self._take(Observation(RunsPage(), body.encode(), self._sent, self.now_s))

    def rollouts(self, outcomes: Iterable[bool | str], run_id: str = "run") -> None:
        """A rollout each: passed, failed, or of this status."""
        self._sent += 1
        items = [
            {
                "rollout_id": f"{run_id}-{index}",
                "run_id": run_id,
                "status": outcome if isinstance(outcome, str) else "completed",
                **({"result": {"success": outcome}} if isinstance(outcome, bool) else {}),
            }
            for index, outcome in enumerate(outcomes)
        ]
        body = json.dumps({"rollouts": items}).encode()
        self._take(Observation(RolloutsOf(run_id), body, self._sent, self.now_s))

    def ended(self, ago_s: float, run_id: str = "run") -> None:
        """One rollout, passed, that ended so long ago."""
        self._sent += 1
        at = datetime.fromtimestamp(self.now_s - ago_s, UTC).isoformat()
        item = {"rollout_id": "one", "run_id": run_id, "status": "completed", "completed_at": at}
        body = json.dumps({"rollouts": [item | {"result": {"success": True}}]}).encode()
        self._take(Observation(RolloutsOf(run_id), body, self._sent, self.now_s))

    def _take(self, seen: Observation) -> None:
        delta = self.store.apply(seen).delta
        self.forecast.take(delta.rollouts, self.store.rollouts, self.store.active_runs, self.now_s)

    def told(self, teller: AlertMonitor) -> list[AlertKind]:
        return [t.event for t in teller.notice(self.store, self.forecast, self.now_s)]


def watching(world: World, fail_share: float | None = None) -> AlertMonitor:
    teller = AlertMonitor(fail_share=fail_share)
    teller.watch(["run"])
    return teller


@pytest.mark.parametrize(("ago_s", "told"), [(5.0, [AlertKind.FINISHED]), (60.0, [])])
def test_a_run_that_began_and_ended_between_two_looks_is_told_of_unless_it_is_an_old_one(
    ago_s: float, told: list[AlertKind]
) -> None:
    world = World()
    teller = AlertMonitor(everything=True)
    world.lists(total=1, completed=1)
    teller.listed([], world.now_s - 30, whole=True)
    teller.listed([world.store.runs["run"]], world.now_s, whole=True)
    assert world.told(teller) == [], "its results are waited for"
    world.ended(ago_s)
    assert world.told(teller) == told
    assert world.told(teller) == []


def test_a_run_that_turns_up_over_is_told_of_only_where_every_run_is() -> None:
    world = World()
    teller = AlertMonitor()
    world.lists(total=1, completed=1)
    world.ended(5.0)
    teller.listed([], world.now_s - 30, whole=True)
    teller.listed([world.store.runs["run"]], world.now_s, whole=True)
    assert world.told(teller) == []
    silent = AlertMonitor(everything=True)
    silent.listed([], world.now_s - 30, whole=True)
    silent.listed([world.store.runs["run"]], world.now_s, whole=True)
    world.rollouts(["completed"])
    world.told(silent)
    world.now_s += RESULTS_S + 1
    assert world.told(silent) == [], "nothing says that it ended now"


def test_a_run_is_told_of_once_it_ended_and_its_results_are_known() -> None:
    world = World()
    world.lists(total=2, completed=1, running=1)
    teller = watching(world)
    assert world.told(teller) == []
    world.lists(total=2, completed=2, running=0)
    world.rollouts([True, "running"])
    assert world.told(teller) == []
    world.rollouts([True, False])
    assert world.told(teller) == [AlertKind.FINISHED]
    assert world.told(teller) == []
    assert not teller.watches("run")


def test_results_that_never_come_are_not_waited_for_without_end() -> None:
    world = World()
    world.lists(total=2, completed=1, running=1)
    teller = watching(world)
    world.lists(total=2, completed=2, running=0)
    assert world.told(teller) == []
    world.now_s += RESULTS_S + 1
    assert world.told(teller) == [AlertKind.FINISHED]


def test_failures_are_told_once_when_enough_ended_to_say_so() -> None:
    world = World()
    world.lists(total=20, completed=4, running=16)
    teller = watching(world, fail_share=0.5)
    world.rollouts([False] * 4 + ["running"] * 16)
    assert world.told(teller) == []
    world.rollouts([False] * 4 + ["workspace_error", True] + ["running"] * 14)
    assert world.told(teller) == [AlertKind.FAILING]
    world.rollouts([False] * 8 + ["running"] * 12)
    assert world.told(teller) == []


@pytest.mark.parametrize(
    ("outcomes", "failing"),
    [
        ([False] * 4, False),
        ([False] * 5, True),
        ([True] * 2 + [False] * 3, True),
        ([True] * 3 + [False] * 3, True),
        ([True] * 4 + [False] * 3, False),
        (["cancelled"] * 9 + [False] * 4, False),
    ],
)
def test_half_of_five_ended_is_the_least_that_is_failing(
    outcomes: list[bool | str], failing: bool
) -> None:
    world = World()
    world.lists(total=20, completed=0, running=20)
    teller = watching(world, fail_share=0.5)
    world.rollouts([*outcomes, "running"])
    assert world.told(teller) == ([AlertKind.FAILING] if failing else [])


def test_few_failures_and_cancelled_rollouts_are_no_news() -> None:
    world = World()
    world.lists(total=20, completed=12, running=8)
    teller = watching(world, fail_share=0.5)
    world.rollouts([True] * 4 + [False] * 3 + ["cancelled"] * 8 + ["running"] * 5)
    assert world.told(teller) == []


def test_waiting_rollouts_of_which_none_runs_are_a_stall_after_a_while_and_anew_after_it() -> None:
    world = World()
    world.lists(total=9, completed=3, running=0, pending=6)
    world.rollouts([True] * 3 + ["pending"] * 6)
    teller = watching(world)
    assert world.told(teller) == []
    world.now_s += NONE_RUNS_S
    assert world.told(teller) == [AlertKind.STALLED]
    world.now_s += 1
    assert world.told(teller) == []
    world.lists(total=9, completed=3, running=1, pending=5)
    world.rollouts([True] * 3 + ["running"] + ["pending"] * 5)
    assert world.told(teller) == []
    world.lists(total=9, completed=4, running=0, pending=5)
    assert world.told(teller) == []
    world.now_s += NONE_RUNS_S
    assert world.told(teller) == [AlertKind.STALLED]


def test_an_active_run_in_which_nothing_moves_has_stalled() -> None:
    world = World()
    world.lists(total=2, running=2)
    world.rollouts(["running", "running"])
    teller = watching(world)
    world.now_s += NOTHING_MOVES_S - 1
    assert world.told(teller) == []
    world.now_s += 1
    assert world.told(teller) == [AlertKind.STALLED]


def test_a_run_that_vanished_is_told_of_and_no_longer_watched() -> None:
    world = World()
    world.lists(total=2, running=2)
    teller = watching(world)
    world.store.mark_deleted(["run"], 99.0)
    assert world.told(teller) == [AlertKind.DELETED]
    assert not teller.watches("run")


def test_those_are_watched_that_are_named_and_what_is_known_of_them_stays() -> None:
    world = World()
    world.lists(total=2, pending=2)
    teller = watching(world)
    assert world.told(teller) == []
    world.now_s += NONE_RUNS_S
    teller.watch(["other", "run"])
    assert world.told(teller) == [AlertKind.STALLED]
    teller.watch([])
    assert not teller.watches("run")


def test_with_everything_watched_only_what_was_seen_active_is_told() -> None:
    world = World()
    world.lists("over", total=1, completed=1)
    world.lists("run", total=1, running=1)
    teller = AlertMonitor(everything=True)
    assert world.told(teller) == []
    world.lists("run", total=1, completed=1)
    world.rollouts([True])
    assert world.told(teller) == [AlertKind.FINISHED]


def hostile_tiding() -> RunAlert:
    world = World()
    name = "\x1b]52;c;eA==\x07 [/red] 4;1;2\0$(reboot)"
    world.lists(name, total=3, completed=3, running=0)
    world.rollouts([True, False, "failed"], name)
    from gymtui.store.lists.columns import RunView

    return RunAlert(AlertKind.FINISHED, RunView(world.store.runs[name], world.store.summary(name)))


def test_nothing_in_a_name_reaches_the_terminal_through_a_notification() -> None:
    alert = hostile_tiding()
    plain = notification_sequence(describe_alert(alert), in_tmux=False)
    assert plain.startswith("\x1b]9;gymtui: ") and plain.endswith("\x07")
    assert is_clean(plain[4:-1])
    wrapped = notification_sequence(describe_alert(alert), in_tmux=True)
    assert wrapped == "\x1bPtmux;\x1b" + plain + "\x1b\\"


def test_the_persons_command_is_told_ids_exactly_and_figures_plainly() -> None:
    told = event_variables(hostile_tiding(), "http://127.0.0.1:1")
    assert told[EVENT_PREFIX] == "finished"
    assert told["GYMTUI_EVENT_RUN_ID"] == "\x1b]52;c;eA==\x07 [/red] 4;1;2$(reboot)"
    assert {name: told[f"GYMTUI_EVENT_{name}"] for name in ("DONE", "TOTAL", "PASSES")} == {
        "DONE": "3",
        "TOTAL": "3",
        "PASSES": "1",
    }
    assert (told["GYMTUI_EVENT_PASS_AT_1"], told["GYMTUI_EVENT_ERRORS"]) == ("0.5000", "1")
    assert is_clean(told["GYMTUI_EVENT_TEXT"])
