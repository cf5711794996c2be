"""Cancelling and deleting from the screens: what is under way, unclear or refused is shown so."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from gymtui.session import actions, run_actions
from gymtui.tui.actions.screen import ActionsScreen
from gymtui.tui.app.confirm import ConfirmScreen
from gymtui.tui.runs.screen import RunsScreen
from tests.tui.person import Person
from tests.tui.scripted import ScriptedGym, scripted_dashboard


@pytest.fixture(autouse=True)
def _looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "LOOKS_S", (0.0, 0.0))


@dataclass(frozen=True)
class Fault:
    """How a request about a run goes wrong.

    Attributes:
        answer: A status, an error of the connection, or a body that comes with 200.
        done: Whether the gym has done it all the same.
        headers: Of the answer.
    """

    answer: int | type[httpx.TransportError] | str
    done: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def commit(self) -> httpx.Response:
        if isinstance(self.answer, int):
            return httpx.Response(self.answer, json={"detail": "so told"}, headers=self.headers)
        if isinstance(self.answer, str):
            return httpx.Response(200, text=self.answer)
        raise self.answer("so told")


@dataclass
class ActingGym(ScriptedGym):
    """It cancels and deletes, or goes wrong with that.

    Attributes:
        faults: What goes wrong, by method and run, in turn.
        held: Requests of a method about a run are answered once the event is set.
        sent: The cancels and deletes, in turn.
        ends: Whether what is cancelled ends at once.
        down: Whether nothing that is looked at is told.
    """

    faults: dict[tuple[str, str], list[Fault]] = field(default_factory=dict)
    held: dict[tuple[str, str], asyncio.Event] = field(default_factory=dict)
    sent: list[tuple[str, str]] = field(default_factory=list)
    ends: bool = True
    down: bool = False

    def hold(self, method: str, run_id: str) -> asyncio.Event:
        """Answer such requests no sooner than the event is set."""
        return self.held.setdefault((method, run_id), asyncio.Event())

    async def answer(self, request: httpx.Request) -> httpx.Response:  # type: ignore[override]
        """What it says to a request."""
        kind, *rest = request.url.path.strip("/").split("/")
        if self.down and request.method == "GET":
            raise httpx.ConnectError("so told")
        if kind != "runs" or not rest:
            return super().answer(request)
        about = (request.method, rest[0])
        if request.method != "GET":
            self.sent.append(about)
        if about in self.held:
            await self.held[about].wait()
        fault = self.faults[about].pop(0) if self.faults.get(about) else None
        if fault is not None and not fault.done:
            return fault.commit()
        answer = self._act(request, rest[0])
        return answer if fault is None else fault.commit()

    def _act(self, request: httpx.Request, run_id: str) -> httpx.Response:
        if request.method == "GET":
            return super().answer(request)
        if run_id not in self.runs:
            return httpx.Response(404)
        if request.method == "DELETE":
            return httpx.Response(200, json={"deleted_rollouts": len(self.runs.pop(run_id))})
        active = [r for r in self.runs[run_id] if r["status"] in ("running", "pending")]
        if self.ends:
            for rollout in active:
                rollout.update(status="failed", phase=None, termination_reason="cancelled")
        return httpx.Response(200, json={"run_id": run_id, "cancelled_rollouts": len(active)})


def row_of(person: Person, name: str) -> str:
    """The first line on screen with a name; empty if there is none."""
    return next((line for line in person.screen().split("\n") if name in line), "")


def notices(person: Person) -> list[str]:
    """What is said, in turn."""
    return [str(notice.message) for notice in person.app._notifications]


async def test_a_slow_cancel_is_shown_at_its_row_and_sent_once_whatever_is_pressed(
    tmp_path: Path,
) -> None:
    gym = ActingGym()
    gym.add("slow", "enrol", "running", "running", "pass")
    gym.add("other", "enrol", "pass")
    answered = gym.hold("POST", "slow")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("slow", "other")
        person.app.screen._grid.select("slow")
        # In one burst: what the second y confirms was begun by the first.
        await person.press("x", "y", "x", "y")
        await person.sees("cancelling … slow", "nothing to cancel: slow is being cancelled")
        await person.press("x", "y", "x")
        assert isinstance(person.app.screen, RunsScreen), "there is nothing to ask"
        await person.press("enter")
        await person.sees("runs › slow", "cancelling …")
        await person.press("x", "y")
        await person.press("escape")
        assert gym.sent == [("POST", "slow")]
        answered.set()
        await person.sees("cancelled 2 rollouts of slow")
        await person.sees_no("cancelling …")
        await person.press("x")
        await person.sees("nothing to cancel: slow is finished")
        assert gym.sent == [("POST", "slow")]
        assert sum(said.startswith("cancelled") for said in notices(person)) == 1


@pytest.mark.parametrize(("width", "shown"), [(60, "cancel… "), (200, "cancelling … policy")])
async def test_beside_what_is_done_to_a_run_both_ends_of_its_name_stay(
    tmp_path: Path, width: int, shown: str
) -> None:
    gym = ActingGym(ends=False)
    gym.add("policy-8b-grpo-long-s1000", "enrol", "running")
    async with scripted_dashboard(gym, tmp_path, size=(width, 24)) as person:
        await person.sees("1 active")
        await person.press("x", "y")
        await person.sees(shown)
        assert " po" in (row := row_of(person, shown))
        assert "000 " in row


async def test_what_the_gym_agreed_to_cancel_is_shown_so_and_not_sent_again_until_it_has_ended(
    tmp_path: Path,
) -> None:
    gym = ActingGym(ends=False)
    gym.add("graceful", "enrol", "running", "pass")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("graceful")
        await person.press("x", "y")
        await person.sees("cancelled 1 rollout of graceful", "cancelling … graceful")
        await person.press("x")
        await person.sees("graceful is being cancelled")
        assert gym.sent == [("POST", "graceful")]
        gym.rollout("graceful.001").update(status="failed", termination_reason="cancelled")
        await person.sees_no("cancelling …")


async def test_a_cancel_that_the_gym_agreed_to_and_does_not_carry_out_is_told_and_may_be_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_actions, "CARRIED_OUT_S", 0.0)
    gym = ActingGym(ends=False)
    gym.add("stubborn", "enrol", "running")
    gym.add("slow", "enrol", "running", "running")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("2 active")
        person.app.screen._grid.marks = {"slow", "stubborn"}
        await person.press("x", "y")
        await person.sees("cancelled 3 rollouts of 2 runs", "2 accepted, still running")
        await person.sees_no("cancelling …")
        await person.press("A")
        await person.sees("stubborn: cancel accepted, still running")
        await person.press("escape")
        gym.ends = True
        person.app.screen._grid.select("stubborn")
        await person.press("x", "y")
        await person.sees("cancelled 1 rollout of stubborn")
        await person.sees("1 active")
        assert gym.sent.count(("POST", "stubborn")) == 2
        assert gym.sent.count(("POST", "slow")) == 1


async def test_what_is_not_fresh_does_not_show_that_a_cancelled_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_actions, "CARRIED_OUT_S", 0.0)
    gym = ActingGym(ends=False)
    gym.add("graceful", "enrol", "running")
    answered = gym.hold("POST", "graceful")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("1 active")
        await person.press("x", "y")
        await person.sees("cancelling … graceful")
        gym.down = True
        await person.sees("stale")
        answered.set()
        await person.sees("cancelled 1 rollout of graceful")
        # As often as it is looked whether it still runs while nothing is heard of it.
        await person.pilot.pause(0.3)
        assert "cancelling … graceful" in person.screen()
        gym.down = False
        await person.press("ctrl+r")
        await person.sees("graceful: cancel accepted, still running")
        await person.sees_no("cancelling …")


@pytest.mark.fair_part(5)
@pytest.mark.parametrize("answer", [500, httpx.ReadError, "<p>"])
@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("verb", ["cancel", "delete"])
async def test_after_no_clear_answer_it_is_looked_at_and_what_is_so_is_said(
    tmp_path: Path, answer: int | type[httpx.TransportError] | str, done: bool, verb: str
) -> None:
    method, keys = {"cancel": ("POST", "xy"), "delete": ("DELETE", ("ctrl+d", *"nightly"))}[verb]
    gym = ActingGym(faults={(method, "nightly"): [Fault(answer, done)]})
    gym.add("nightly", "enrol", "running")
    looked = gym.hold("GET", "nightly")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("nightly")
        await person.press(*keys)
        if not done:
            await person.sees("checking … nightly")
            await person.press("x")
            await person.sees("nightly is being checked")
        looked.set()
        words = {
            ("cancel", True): "nightly is cancelled",
            ("cancel", False): "nightly is still running",
            ("delete", True): "nightly no longer exists",
            ("delete", False): "nightly still exists",
        }
        await person.sees(words[verb, done], "no clear answer")
        assert gym.sent == [(method, "nightly")]
        if not done:
            await person.sees_no("checking …")
            assert "ing …" not in row_of(person, "nightly")
        elif verb == "delete":
            row = person.app.session.store.runs.get("nightly")
            assert row is None or row.is_deleted


async def test_a_run_that_cannot_be_looked_at_is_told_as_unknown(tmp_path: Path) -> None:
    lost = Fault(httpx.ReadError)
    gym = ActingGym(faults={("POST", "a"): [lost], ("GET", "a"): [Fault(403)] * 9})
    gym.add("a", "enrol", "running")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("1 running")
        await person.press("x", "y")
        await person.sees("whether a was cancelled is unknown", "could not check (forbidden")
        await person.press("x", "y")
        await person.sees("cancelled 1 rollout of a")


async def test_a_429_is_waited_out(tmp_path: Path) -> None:
    limited = [Fault(429, headers={"Retry-After": "0"})] * 2
    gym = ActingGym(faults={("DELETE", "old"): limited})
    gym.add("old", "enrol", "pass")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("old")
        await person.press("ctrl+d", "y")
        await person.sees("deleted old and 1 rollout")
        assert gym.sent == [("DELETE", "old")] * 3
        assert len(notices(person)) == 1


async def test_a_429_that_asks_for_too_long_is_called_rate_limited(tmp_path: Path) -> None:
    gym = ActingGym(faults={("DELETE", "old"): [Fault(429, headers={"Retry-After": "3600"})]})
    gym.add("old", "enrol", "pass")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("old")
        await person.press("ctrl+d", "y")
        await person.sees("old was not deleted: rate limited, retry in 1h00m")
        await person.sees_no("deleting …")


async def test_of_many_one_notice_tells_and_what_failed_stays_marked(tmp_path: Path) -> None:
    gym = ActingGym()
    names = [f"run-{number:02d}" for number in range(48)]
    for number, name in enumerate(names):
        gym.add(name, "enrol", "pass")
        if number < 4:
            gym.faults["DELETE", name] = [Fault(409)]
        elif number < 14:
            gym.faults["DELETE", name] = [Fault(502, done=True)]
        elif number < 19:
            gym.faults["DELETE", name] = [Fault(httpx.ReadError)]
    held = gym.hold("DELETE", "run-47")
    async with scripted_dashboard(gym, tmp_path, size=(100, 60)) as person:
        await person.sees(*names)
        grid = person.app.screen._grid
        grid.marks = set(names)
        await person.press("ctrl+d", *"48")
        await person.until(lambda: len(gym.sent) == 48)
        await person.press("A")
        await person.sees("delete 48 runs · 1 in progress", "run-47: deleting …")
        await person.press("A", "ctrl+d")
        await person.sees("Delete these 9 runs?")  # those that failed; run-47 is under way
        await person.press("escape")
        held.set()
        said = "29 deleted · 4 refused · 10 checked: not found · 5 still exists"
        await person.sees(said, "A shows each run", "9 marked")
        assert grid.marks == set(names[:4] + names[14:19])
        assert len(notices(person)) == 1
        await person.press("A")
        assert isinstance(person.app.screen, ActionsScreen)
        shown = await person.sees(f"delete 48 runs · {said}", "run-14 still exists")
        assert shown.index("run-00 was not deleted: so told") < shown.index("deleted run-19")
        await person.press("escape")
        await person.press("ctrl+d", "9")
        await person.sees("deleted 9 runs and 9 rollouts")
        assert not grid.marks


async def test_several_that_all_went_well_are_unmarked_and_told_in_a_sentence(
    tmp_path: Path,
) -> None:
    gym = ActingGym(ends=False)
    gym.add("a", "enrol", "running")
    gym.add("b", "enrol", "running", "running")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("2 active")
        grid = person.app.screen._grid
        grid.marks = {"a", "b"}
        await person.press("x", "y")
        await person.sees("cancelled 3 rollouts of 2 runs")
        await person.until(lambda: not grid.marks)
        assert not any("shows each" in said for said in notices(person))


async def test_the_screen_is_left_and_the_run_deleted_elsewhere_while_a_cancel_is_slow(
    tmp_path: Path,
) -> None:
    gym = ActingGym()
    gym.add("slow", "enrol", "running")
    gym.add("other", "enrol", "pass")
    answered = gym.hold("POST", "slow")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("slow", "other")
        person.app.screen._grid.select("slow")
        await person.press("enter")
        await person.sees("runs › slow")
        await person.press("x", "y")
        await person.sees("cancelling …")
        await person.press("escape")
        person.app.screen._grid.select("other")
        await person.press("enter")
        await person.sees("runs › other")
        del gym.runs["slow"]
        await person.until(
            lambda: (r := person.app.session.store.runs.get("slow")) is None or r.is_deleted
        )
        answered.set()
        await person.sees("slow no longer exists")
        await person.press("escape")
        await person.sees("other")
        assert "ing …" not in person.screen()


async def test_a_delete_goes_before_a_cancel_that_is_under_way_and_gives_way_to_it_again(
    tmp_path: Path,
) -> None:
    gym = ActingGym(ends=False, faults={("DELETE", "a"): [Fault(409)]})
    gym.add("a", "enrol", "running")
    cancelled, deleted = gym.hold("POST", "a"), gym.hold("DELETE", "a")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("1 running")
        await person.press("x", "y")
        await person.sees("cancelling … a")
        await person.press("ctrl+d", "a")
        await person.sees("deleting … a")
        await person.press("ctrl+d")
        await person.sees("a is being deleted")
        cancelled.set()
        await person.sees("cancelled 1 rollout of a", "deleting … a")
        deleted.set()
        await person.sees("a was not deleted: so told", "cancelling … a")
        assert gym.sent == [("POST", "a"), ("DELETE", "a")]
        await person.press("ctrl+d", "a")
        await person.sees("deleted a and 1 rollout")


async def test_what_ended_while_it_was_asked_about_is_not_cancelled(tmp_path: Path) -> None:
    gym = ActingGym()
    gym.add("quick", "enrol", "running")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("1 running")
        await person.press("x")
        assert isinstance(person.app.screen, ConfirmScreen)
        gym.rollout("quick.001").update(status="completed", result={"success": True})
        await person.until(lambda: not person.app.session.store.active_runs)
        await person.press("y")
        await person.sees("nothing to cancel: quick is finished")
        assert not gym.sent


async def test_nobody_goes_to_another_source_while_something_is_under_way(tmp_path: Path) -> None:
    gym = ActingGym()
    gym.add("slow", "enrol", "running")
    answered = gym.hold("POST", "slow")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("1 running")
        await person.press("x", "y")
        await person.sees("cancelling …")
        person.app.switch_source("all")
        await person.sees("still in progress", "cancelling …", "source rl-gym")
        answered.set()
        await person.sees("cancelled 1 rollout of slow")


async def test_whoever_quits_is_told_what_was_not_answered(tmp_path: Path) -> None:
    gym = ActingGym()
    for name in ("slow", "quick"):
        gym.add(name, "enrol", "running")
    answered = gym.hold("POST", "slow")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("2 active")
        person.app.screen._grid.marks = {"slow", "quick"}
        await person.press("x", "y")
        await person.until(lambda: person.app.session.run_actions.recent[0].results)
        person.app.exit()
        said = "whether slow was cancelled is unknown: gymtui quit before the gym answered"
        assert person.app._exit_renderables == [said]
        answered.set()


async def test_a_rollout_shows_that_its_run_is_being_cancelled(tmp_path: Path) -> None:
    gym = ActingGym()
    gym.add("slow", "enrol", "running", "running")
    answered = gym.hold("POST", "slow")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("2 running")
        await person.press("a")
        await person.sees("active rollouts", "slow.001", "slow.002")
        grid = person.app.screen._grid
        grid.marks = {"slow.001", "slow.002"}
        await person.press("x", "y")
        await person.sees("cancelling …")
        assert grid.marks
        answered.set()
        await person.sees("cancelled 2 rollouts of slow")
        await person.sees_no("cancelling …")
        assert not grid.marks


async def test_nothing_done_is_said_so_and_the_key_closes_again(tmp_path: Path) -> None:
    gym = ActingGym()
    gym.add("a", "enrol", "pass")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("1 run")
        await person.press("A")
        await person.sees("cancelled and deleted", "nothing cancelled or deleted yet")
        await person.press("A")
        assert isinstance(person.app.screen, RunsScreen)
