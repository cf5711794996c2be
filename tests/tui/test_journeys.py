"""What a person does at the dashboard, on a real local gym."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gymtui.gym.demo.schedule import FIRST_RUNS, PAST_RUNS, later_run
from gymtui.tui.app.confirm import ConfirmScreen
from gymtui.tui.rollouts.screen import RolloutsScreen
from gymtui.tui.runs.screen import RunsScreen
from gymtui.tui.transcript.screen import TranscriptScreen
from tests.gym.running_gym import running_gym, unfinished
from tests.tui.person import Person, dashboard
from tests.tui.scripted import ScriptedGym, scripted_dashboard
from tests.tui.staged import StillGym, staged_dashboard


async def test_a_run_is_watched_opened_and_read_down_to_what_the_agent_did(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await person.sees("no runs")
        person.launch("nightly", rollout_count=2)
        await person.sees("nightly", "2/2", "100% 34–100 of 2", "areful")
        await person.press("enter")
        await person.sees("runs › nightly", "2/2 done", "schedule_phone_screen")
        await person.press("enter")
        await person.sees("1 user", "2 assistant", "→ ", "create_event")
        assert isinstance(person.app.screen, TranscriptScreen)
        await person.press("q")
        assert isinstance(person.app.screen, RolloutsScreen)
        await person.press("escape")
        assert isinstance(person.app.screen, RunsScreen)


async def test_a_transcript_opens_by_itself_when_its_rollout_finishes(tmp_path: Path) -> None:
    async with running_gym(tmp_path, held=True) as gym, dashboard(gym, tmp_path) as person:
        person.launch("nightly")
        await person.sees("nightly")
        await person.press("enter")
        await person.sees("schedule_phone_screen")
        await person.press("enter")
        await person.sees("Not finished yet")
        gym.let_go()
        await person.sees("1 user", "2 assistant")


def endings(person: Person, run_id: str) -> list[str]:
    """Why each rollout of a run ended, as the gym says."""
    listed = person.http.get("/rollouts", params={"run_id": run_id}).raise_for_status().json()
    return [rollout["termination_reason"] for rollout in listed["rollouts"]]


async def test_cancelling_asks_and_really_cancels(tmp_path: Path) -> None:
    async with running_gym(tmp_path, held=True) as gym, dashboard(gym, tmp_path) as person:
        run_id = person.launch("nightly", rollout_count=5, max_parallel=2)
        await person.sees("nightly", "running")
        await person.press("x")
        await person.sees("Cancel this run?", "nightly", "5 unfinished")
        await person.press("x", "left", "tab", "space")
        assert isinstance(person.app.screen, ConfirmScreen), "only named keys do anything"
        await person.press("enter")
        assert isinstance(person.app.screen, RunsScreen)
        assert unfinished(person.ask(run_id).json()) == 5, "enter keeps"
        await person.press("x", "y")
        await person.sees("cancelled 5 rollouts of nightly")
        gym.let_go()
        await person.until(lambda: unfinished(person.ask(run_id).json()) == 0)
        assert endings(person, run_id) == ["cancelled"] * 5
        await person.sees("5/5", "–")


async def test_deleting_a_finished_run_asks_and_really_deletes(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        run_id = person.launch("old")
        await person.sees("old", "1/1", " done ")
        await person.press("ctrl+d")
        await person.sees("Delete this run?")
        await person.press("y")
        await person.sees("deleted old and 1 rollout")
        assert person.ask(run_id).status_code == 404


async def test_deleting_a_run_that_still_runs_wants_its_id_typed(tmp_path: Path) -> None:
    async with running_gym(tmp_path, held=True) as gym, dashboard(gym, tmp_path) as person:
        run_id = person.launch("any")
        await person.sees("any", "running")
        await person.press("ctrl+d")
        await person.sees("To delete, type any")
        await person.press("y", "backspace", "a", "n")
        assert isinstance(person.app.screen, ConfirmScreen), "n is a letter of the id here"
        assert person.ask(run_id).status_code == 200
        await person.press("y")
        await person.sees("deleted any")
        assert person.ask(run_id).status_code == 404


async def test_deleting_several_wants_their_count_and_names_those_the_filter_hides(
    tmp_path: Path, soon_gone: None
) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        for name in ("one", "two", "three"):
            person.launch(name)
        await person.sees("one", "two", "three")
        await person.until(lambda: person.screen().count("of 1 ") == 3)
        await person.press("g", "space", "space", "space")
        await person.sees("3 marked")
        await person.press("slash", *"three", "enter")
        await person.sees("filter: three", "(1 shown)", "2 hidden")
        await person.press("ctrl+d")
        await person.sees("Delete these 3 runs?", "hidden by the filter", "type 3")
        await person.press("y")
        assert isinstance(person.app.screen, ConfirmScreen)
        await person.press("backspace", "3")
        await person.sees("deleted 3 runs and 3 rollouts")
        assert person.http.get("/runs").json()["total"] == 0
        await person.press("escape")
        await person.sees("no runs")


@pytest.mark.fair_part(3)
@pytest.mark.parametrize(
    "name", ["a/b c%2F..", "..", "日本語 ✓", "[/x][@click=app.quit]\x1b]52;c;eA==\x07"]
)
async def test_a_run_of_any_name_is_opened_cancelled_and_deleted(tmp_path: Path, name: str) -> None:
    async with running_gym(tmp_path, held=True) as gym, dashboard(gym, tmp_path) as person:
        run_id = person.launch(name, rollout_count=2)
        await person.until(lambda: person.app.session.store.runs)
        await person.sees("0/2")
        await person.press("enter")
        await person.sees("0/2 done", "schedule_phone_screen")
        await person.press("x")
        await person.sees("Cancel this run?")
        await person.press("y")
        await person.sees("cancelled 2 rollouts")
        gym.let_go()
        await person.until(lambda: unfinished(person.ask(run_id).json()) == 0)
        assert endings(person, run_id) == ["cancelled"] * 2
        await person.sees("2/2 done")
        await person.press("q")
        await person.sees("2/2", "AGE")
        await person.press("ctrl+d")
        await person.sees("Delete this run?")
        await person.press("y")
        await person.until(lambda: person.ask(run_id).status_code == 404)
        assert all(ch.isprintable() or ch == "\n" for ch in person.screen())


async def test_read_only_hides_and_disables_what_destroys(tmp_path: Path) -> None:
    async with (
        running_gym(tmp_path) as gym,
        dashboard(gym, tmp_path, read_only=True) as person,
    ):
        run_id = person.launch("old")
        await person.sees("old", "1/1")
        assert "delete" not in person.screen()
        await person.press("ctrl+d")
        await person.sees("read-only")
        await person.press("y", "x", "question_mark")
        assert "delete the marked" not in await person.sees("keys", "first row")
        assert person.ask(run_id).status_code == 200


async def test_a_gym_that_goes_leaves_its_last_picture_and_is_live_again_by_itself(
    tmp_path: Path,
) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        person.launch("nightly")
        await person.sees("nightly", "1/1", "● live")
        await gym.stop()
        await person.sees("○ stale", "nightly", "1/1")
        grid = person.app.screen.query_one("#grid")
        await person.until(lambda: grid.dimmed)  # type: ignore[attr-defined]
        await gym.restart()
        await person.sees("● live", "nightly")
        await person.until(lambda: not grid.dimmed)  # type: ignore[attr-defined]


async def test_a_refused_key_is_told_without_showing_it_and_tried_again_on_demand(
    tmp_path: Path,
) -> None:
    secret = "ck_live_0123456789abcdef"
    async with (
        running_gym(tmp_path, key="another") as gym,
        dashboard(gym, tmp_path, key=secret) as person,
    ):
        shown = await person.sees("401", "a test", "…cdef", "ctrl+r retries")
        assert secret not in shown
        assert secret not in repr(person.app.__dict__)
        await person.press("ctrl+r")
        await person.sees("key refused", "next try", "401")


async def test_pausing_stops_asking_until_resumed(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await person.sees("● live")
        await person.press("p")
        await person.sees("‖ paused")
        person.launch("later")
        await person.press("p")
        await person.sees("● live", "later")


async def test_a_refusal_is_told_and_the_run_stays(tmp_path: Path) -> None:
    async with running_gym(tmp_path, faults=True) as gym, dashboard(gym, tmp_path) as person:
        person.launch("old")
        await person.sees("old", "1/1", " done ")
        fault = {"kind": "status", "status": 403, "detail": "not yours"}
        order = {"method": "DELETE", "path": "/runs/", "fault": fault}
        person.http.post("/__faults__", json=order).raise_for_status()
        await person.press("ctrl+d", "y")
        await person.sees("old was not deleted", "not yours")
        assert "deleting" not in await person.sees("1/1")


async def test_a_run_deleted_elsewhere_is_shown_as_gone_and_then_goes(
    tmp_path: Path, soon_gone: None
) -> None:
    async with running_gym(tmp_path, held=True) as gym, dashboard(gym, tmp_path) as person:
        person.launch("nightly")
        await person.sees("nightly", "running")
        await person.press("enter")
        await person.sees("0/1 done")
        person.http.delete("/runs/nightly").raise_for_status()
        await person.sees("this run was deleted")
        await person.press("q")
        await person.sees("no runs")


async def test_describe_shows_every_field_as_received(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        person.launch("nightly")
        await person.sees("nightly", "1/1")
        await person.press("d")
        await person.sees("describe › nightly", "run_id", "in_progress")


async def test_help_lists_the_keys_of_its_screen_first(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await person.sees("no runs")
        await person.press("question_mark")
        shown = await person.sees("keys", "cancel the marked runs")
        assert shown.index("runs") < shown.index("lists")
        await person.press("question_mark")
        await person.sees("no runs")


async def test_help_is_searched_by_typing(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await person.sees("no runs")
        await person.press("question_mark")
        await person.sees("cancel the marked runs", "first row")
        await person.press(*"mark", "space", *"range")
        shown = await person.sees_no("cancel the marked runs")
        assert "mark from the last mark to here" in shown and "lists" in shown
        match = person.app.palette.styles["match"].bgcolor
        lines = person.app.screen._compositor.render_strips()
        drawn = [part for line in lines for part in line if part.style is not None]
        assert [part.text for part in drawn if part.style.bgcolor == match] == ["mark", "mark"]
        await person.press(*"zzz")
        await person.sees("no matching keys")
        await person.press("escape")
        await person.sees("cancel the marked runs", "esc closes")
        await person.press(*"pgdn")
        await person.sees("page down", "esc clears")
        await person.press("escape", "pagedown")
        await person.sees_no("cancel the marked runs")
        await person.press("escape")
        await person.sees("no runs")


async def test_the_palette_does_what_the_key_does(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await person.sees("● live")
        await person.press("colon")
        await person.sees("describe: show every field")
        await person.press(*"pause")
        await person.sees("pause or resume")
        await person.press("enter")
        await person.sees("‖ paused")


async def test_a_mistake_in_the_filter_is_told_and_the_last_good_one_stays(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        for name in ("alpha", "beta"):
            person.launch(name)
        await person.sees("alpha", "beta")
        await person.press("slash", *"alp")
        await person.sees_no("beta")
        # At once: nothing that comes from the gym may be needed for it.
        await person.press("ctrl+u", *"statu:x")
        shown = person.screen()
        assert "no column statu" in shown and "did you mean status?" in shown
        assert "beta" not in shown
        assert underlined(person) == ["statu"]
        await person.press("ctrl+u", *"pass<x")
        await person.until(lambda: underlined(person) == ["x"])
        await person.press("escape")
        assert "no column" not in person.screen() and "pass<x" not in person.screen()
        await person.sees("alpha", "beta")
        await person.press("slash", *"statu:x")
        assert "no column statu" in person.screen()
        await person.press("enter")
        # Refused: the line stays, with what is wrong in it.
        assert "no column statu" in person.screen()
        await person.press("escape")
        assert "no column" not in person.screen()
        await person.sees("alpha", "beta")


def underlined(person: Person) -> list[str]:
    """What is underlined on screen."""
    strips = person.app.screen._compositor.render_strips()
    return [s.text for strip in strips for s in strip if s.style is not None and s.style.underline]


@pytest.mark.parametrize("keys", [(), ("enter",), ("enter", "m")])
async def test_the_footer_always_has_the_keys_to_filter_for_help_and_to_leave(
    tmp_path: Path, keys: tuple[str, ...]
) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path, size=(80, 24)) as person:
        person.launch("alpha")
        await person.sees("alpha", "1/1")
        for key in keys:
            await person.press(key)
        await person.until(lambda: person.screen().split("\n")[-1].strip())
        leave = "quit" if not keys else "back"
        assert person.screen().split("\n")[-1].endswith(f"/ filter  ? help  q {leave}")


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_no_number_is_cut_at_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    gym = ScriptedGym()
    name = "nightly-qwen3-32b-instruct-very-long-name-step-4000"
    gym.add(name, "onboard_new_hire", *["pass"] * 80, *["fail"] * 40)
    async with scripted_dashboard(gym, tmp_path, size=size) as person:
        shown = await person.sees("120/120", " of 120", "4000")
        lines = shown.split("\n")
        assert all(title in shown for title in ("RUN", "PROGRESS", "DONE", "PASS@1", "ERR"))
        assert max(len(line) for line in lines) <= size[0]
        await person.press("enter")
        await person.sees("120/120 done", "TASK", "STATE", "STEPS", "ELAPSED", "✓ pass")


async def test_what_the_client_found_out_on_the_way_is_said_once(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await person.sees("no runs")
        person.app.session.client._note = "the gym's paths start with /v1"
        person.launch("one")
        await person.sees("the gym's paths start with /v1")
        person.launch("two")
        await person.sees("two")
        assert len(person.app._notifications) == 1


async def test_from_the_demos_start_to_a_failure_of_the_worse_checkpoint_in_eight_keys(
    tmp_path: Path,
) -> None:
    """The README's tour says the keys: down to it, what failed, the commonest, one such."""
    gym = StillGym()
    began = datetime.now(UTC) - timedelta(hours=40)
    launched = [run.name for run in (*PAST_RUNS, *FIRST_RUNS)]
    launched += [later_run(number, 0).name for number in (1, 2)]
    for place, name in enumerate(launched):
        worse = name == "policy-8b-s3000"
        at = (began + timedelta(hours=place)).isoformat()
        for task in ("approve", "book"):
            gym.add(name, task, *(["fail"] * 3 if worse else ["pass"] * 3), created_at=at)
    lost = {"success": False, "failed_criteria": ["Ruth Abara told"]}
    for rollout in gym.runs["policy-8b-s3000"]:
        rollout["result"] = lost
    keys = [*["down"] * 4, "m", "tab", "enter", "enter"]
    async with staged_dashboard(gym, tmp_path, (120, 36)) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 6 * len(launched))
        await person.sees("policy-8b-s3000", "0% 0–")
        await person.press(*keys[:5])
        await person.sees("runs › policy-8b-s3000 › matrix", "vs policy-8b-s2000", "+100")
        await person.press(*keys[5:7])
        await person.sees("filter: criterion:", "(6 shown)")
        await person.press(*keys[7:])
        await person.until(lambda: isinstance(person.app.screen, TranscriptScreen))
        assert person.app.screen.rollout_id in {f"policy-8b-s3000.{n:03}" for n in range(1, 7)}
    assert len(keys) <= 8
