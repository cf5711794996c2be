"""The matrix: tasks by attempts of a run, tasks by runs of several, and what went wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gymtui.session.rollout_ref import RolloutRef
from gymtui.store.stats import matrix
from gymtui.tui.app.app import GymtuiApp
from gymtui.tui.context.routes import OpenLaunch
from gymtui.tui.matrix import panes
from gymtui.tui.matrix.runs_screen import RunsMatrixScreen
from gymtui.tui.matrix.screen import MatrixScreen
from gymtui.tui.rollouts.screen import RolloutsScreen
from gymtui.tui.transcript.screen import TranscriptScreen
from tests.tui.person import Person
from tests.tui.scripted import ScriptedGym, at, scripted_dashboard

SIZES = [(80, 24), (120, 36), (200, 50)]


@pytest.fixture
def gym() -> ScriptedGym:
    """Four tasks: all pass, mixed, all fail, and one in which an environment broke."""
    gym = ScriptedGym()
    gym.add("nightly", "book_room", "pass", "pass", "pass")
    gym.add("nightly", "call_back", "pass", "fail", "fail")
    gym.add("nightly", "draft_plan", "limit", "fail", "fail")
    gym.add("nightly", "enrol", "env", "cancelled", "pass")
    return gym


def line(person: Person, word: str) -> str:
    """The line of the screen with this word in it, without the pane beside it."""
    return next(text for text in person.screen().split("\n") if word in text).split("│")[0]


def cursor(person: Person) -> str | None:
    """The rollout that the cell cursor stands on."""
    copied: str | None = person.app.screen.copy_text()  # type: ignore[attr-defined]
    return copied


async def opened(person: Person, *words: str) -> None:
    """Open the matrix of the run under the cursor."""
    await person.sees("nightly")
    await person.press("m")
    await person.until(lambda: isinstance(person.app.screen, MatrixScreen))
    await person.sees(*(words or ("enrol",)))


@pytest.mark.parametrize("size", SIZES)
async def test_each_task_has_its_attempts_and_their_numbers(
    gym: ScriptedGym, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with scripted_dashboard(gym, tmp_path, size=size) as person:
        await opened(person)
        await person.press("down", "down", "down")
        assert "✓ ✓ ✓" in line(person, "book_room")
        assert "100% of 3" in line(person, "book_room")
        mixed = line(person, "call_back")
        assert "✓ ✗ ✗" in mixed
        assert " 33% of 3" in mixed
        # Of three attempts of which one passed: one of three passes, all three do not.
        assert "100%" in mixed.split("of 3")[1]
        assert "  0%" in mixed.split("of 3")[1]
        assert "  0% of 3" in line(person, "draft_plan")


async def test_broken_and_cancelled_attempts_are_in_no_rate(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person)
        row = line(person, "enrol")
        assert "! ! ✓" in row
        assert "100% of 1" in row
        assert row.split("of 1")[1].split()[:2] == ["–", "–"], "one verdict is too few for k = 3"
        await person.sees("pass@1 50% ", " of 10", "pass@3 67% (3/4 tasks)", "pass^3 33% (3/4")
        await person.sees("2 all-pass", "1 mixed", "1 all-fail", "2 errors")


async def test_its_search_is_in_its_run(gym: ScriptedGym, tmp_path: Path) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person)
        await person.press("ctrl+f")
        await person.sees("search in nightly")


async def test_what_is_unfinished_is_not_counted_as_anything(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("nightly", "book_room", "running", "waiting")
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "book_room", "0/2 done", "pass@1 –", "1 no verdict")
        assert "▸" in line(person, "book_room")
        assert "·" in line(person, "book_room")
        assert "0%" not in line(person, "book_room")


async def test_what_was_not_run_is_neither_unfinished_nor_a_fail(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("nightly", "book_room", "pass")
    gym.add("nightly", "book_room", "waiting", status="not run")
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "1/2 done", "pass@1 100%", "1 all-pass", "1 not run")
        assert "✓]–" in line(person, "book_room")
        await person.press("right")
        await person.sees("2/2  – not run")
        await person.press("enter")
        await person.sees("no artifacts of this rollout: not run")


async def test_a_run_whose_rollouts_are_not_known_says_so(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("nightly", "book_room", "running")
    gym.hidden.add("nightly")
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "not known yet")
        assert "%" not in person.screen()
        gym.hidden.clear()
        await person.press("ctrl+r")
        await person.sees("book_room", "0/1 done")


async def test_left_and_right_walk_the_attempts_and_enter_opens_the_one(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person)
        assert "[✓]✓ ✓" in line(person, "book_room")
        await person.press("down", "right", "l")
        assert "✓ ✗[✗]" in line(person, "call_back")
        assert cursor(person) == "nightly.006"
        await person.press("right")
        assert cursor(person) == "nightly.006", "the last attempt is the last"
        await person.press("h")
        assert "✓[✗]✗" in line(person, "call_back")
        await person.sees("2/3", "✗ fail", "Missing: calendar event 7")
        await person.press("enter")
        screen = await person.until(
            lambda: person.app.screen if isinstance(person.app.screen, TranscriptScreen) else None
        )
        assert (screen.run_id, screen.rollout_id) == ("nightly", "nightly.005")
        await person.press("q")
        assert cursor(person) == "nightly.005"


async def test_attempts_stand_in_order_of_creation_then_of_id(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("nightly", "book_room", "fail", created_at=at(10))
    gym.add("nightly", "book_room", "pass", created_at=at(100))
    same = at(1000)
    gym.add("nightly", "book_room", "running", "waiting", created_at=same)
    gym.runs["nightly"].reverse()
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "book_room")
        assert "[▸]· ✓ ✗" in line(person, "book_room")


async def test_the_cursor_stays_on_its_rollout_while_others_end(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    gym.add("nightly", "zoo", "running")
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person)
        await person.press("down", "right")
        before = cursor(person)
        gym.rollout("nightly.013").update(
            status="completed", completed_at=at(), result={"success": False, "message": "no"}
        )
        await person.until(lambda: "✗" in line(person, "zoo"))
        assert cursor(person) == before
        await person.sees("0% of 1")


async def test_enter_on_a_criterion_goes_to_its_rollouts_one_after_the_other(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "failures by criterion", "Missing: calendar", "image pull")
        await person.press("tab", "enter")
        screen: Any = await person.until(
            lambda: person.app.screen if isinstance(person.app.screen, RolloutsScreen) else None
        )
        await person.sees('filter: criterion:"Missing: calendar event #"', "(4 shown)")
        assert sorted(screen.rollout_ids()) == [f"nightly.00{n}" for n in (5, 6, 8, 9)]
        await person.press("enter")
        reader: Any = await person.until(
            lambda: person.app.screen if isinstance(person.app.screen, TranscriptScreen) else None
        )
        assert reader.rollout_id == screen.rollout_ids()[0]
        await person.press("q", "q")
        assert isinstance(person.app.screen, MatrixScreen)


async def test_failures_are_seen_by_tool_and_by_message_too(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    gym.artifacts = {
        f"nightly.{number:03d}": {
            "artifacts": {
                "messages": [],
                "tool_calls": [{"tool_server": "mail", "tool_name": "send"}],
                "tool_results": [
                    {"observation": "Error: mailbox full", "is_error": True}
                    if number > 6
                    else {"observation": "sent"}
                ],
            }
        }
        for number in range(1, 12)
    }
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person)
        await person.press("F")
        await person.press("f")
        await person.sees("failures by tool", "known for 0 of 12", "no transcripts read yet")
        assert "F reads the others" in person.screen()
        await person.press("F")
        await person.sees("known for 11 of 12", "mail.send", "Error: mailbox full", "45%")
        await person.press("tab", "enter")
        await person.sees('filter: failed_tool:"mail.send"', "(5 shown)")
        await person.press("q", "f")
        await person.sees("failures by message", "Missing: calendar event 7")
        await person.press("f")
        await person.sees("failures by criterion")


async def test_a_checkpoint_is_compared_with_the_one_before(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("nightly-s1000", "call", *["pass"] * 8)
    gym.add("nightly-s2000", "call", *["fail"] * 8)
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("nightly-s2000")
        person.app.push_screen(MatrixScreen("nightly-s2000"))
        await person.sees("vs nightly-s1000", "CHANGE, pp", "+100 (+54 to +100)")


async def test_the_baseline_is_chosen_on_the_list_and_on_the_matrix(tmp_path: Path) -> None:
    gym = ScriptedGym()
    for name, outcome in (("base", "pass"), ("s1000", "fail"), ("s2000", "fail")):
        gym.add(name, "call", *[outcome] * 8)
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.until(lambda: person.screen().count(" of 8 ") == 3)
        await person.press("slash", *"run:s2000", "enter", "C")
        await person.sees("compare 2 runs", "1: s1000", "2: s2000")
        await person.press("q", "escape", "slash", *"run:base", "enter", "B")
        await person.sees("baseline: base")
        await person.press("escape", "slash", *"run:s2000", "enter", "C")
        await person.sees("1: base", "2: s2000", "by task -100pp")
        await person.press("B", "right", "B")
        await person.sees("1: s2000", "2: base", "by task +100pp")
        assert person.app.session.baseline.run_id == "s2000"
        await person.press("q", "m")
        await person.sees("runs › s2000 › matrix")
        assert "vs " not in person.screen(), "the baseline is compared with nothing"
        await person.press("B")
        await person.sees("vs s1000")


async def test_the_failures_follow_the_rollouts(gym: ScriptedGym, tmp_path: Path) -> None:
    gym.add("nightly", "zoo", "running")
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person)
        gym.rollout("nightly.013").update(
            status="failed", completed_at=at(), termination_reason="disk quota exceeded"
        )
        await person.sees("! disk quota")


async def test_it_is_filtered_and_ordered_like_every_list(gym: ScriptedGym, tmp_path: Path) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person)
        await person.press("slash", *"kind:mixed", "enter")
        await person.sees_no("book_room", "draft_plan")
        await person.press("escape")
        await person.sees("book_room")
        screen: Any = person.app.screen
        screen.order_by("pass", reverse=False)
        await person.pilot.pause()
        shown = person.screen()
        assert shown.index("draft_plan") < shown.index("call_back") < shown.index("book_room")


async def test_k_is_chosen_with_plus_and_minus_within_what_there_is(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "pass@3 67%", "PASS@3  PASS^3")
        await person.press("minus")
        await person.sees("pass@2 56% (3/4 tasks)", "PASS@2  PASS^2")
        await person.press("plus", "plus", "plus")
        await person.sees("pass@3 67%")
        await person.press("minus", "minus", "minus")
        shown = await person.sees("pass@1", "(4/4 tasks)")
        assert (shown.count("PASS@1"), shown.count("PASS^")) == (1, 0), "it stands there once"


async def test_more_attempts_than_fit_are_scrolled_with_the_cursor(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("nightly", "book_room", *["fail"] * 60, "pass")
    async with scripted_dashboard(gym, tmp_path, size=(80, 24)) as person:
        await opened(person, "book_room")
        assert "✓" not in line(person, "book_room").split("of")[0]
        assert "›" in line(person, "book_room")
        for _ in range(60):
            await person.press("right")
        assert "[✓]" in line(person, "book_room")
        assert "‹" in line(person, "book_room")


async def test_a_click_on_an_attempt_goes_to_it(gym: ScriptedGym, tmp_path: Path) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person)
        lines = person.screen().split("\n")
        y = next(n for n, text in enumerate(lines) if "draft_plan" in text)
        begin = lines[y].index("✗")
        for attempt, drawn in ((2, " ✗ ✗[✗]"), (0, "[✗]✗ ✗ "), (1, " ✗[✗]✗ ")):
            await person.pilot.click(offset=(begin + 2 * attempt, y))
            await person.pilot.pause()
            assert drawn in line(person, "draft_plan")
            assert cursor(person) == f"nightly.{7 + attempt:03d}"
        # Behind the last attempt, and on what is no attempt.
        await person.pilot.click(offset=(begin + 5, y))
        await person.pilot.pause()
        assert cursor(person) == "nightly.009"
        await person.pilot.click(offset=(3, y))
        await person.pilot.pause()
        assert cursor(person) == "nightly.009"


async def test_describe_and_copy_are_of_the_attempt(gym: ScriptedGym, tmp_path: Path) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person)
        await person.press("right", "d")
        await person.sees("describe › nightly.002", "rollout_id")


async def test_it_opens_from_the_rollouts_too(gym: ScriptedGym, tmp_path: Path) -> None:
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("nightly")
        await person.press("enter")
        await person.until(lambda: isinstance(person.app.screen, RolloutsScreen))
        await person.press("m")
        await person.sees("nightly › matrix", "draft_plan")
        await person.press("q")
        assert isinstance(person.app.screen, RolloutsScreen)


async def test_rollouts_without_a_task_share_a_row_that_is_in_no_pass_at_k(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("nightly", None, "pass", "fail")
    gym.add("nightly", "book_room", "pass", "pass")
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "no task", "pass@1 75%", "pass@2 100% (1/1 task)")
        assert line(person, "no task").split("of 2")[1].split()[:2] == ["–", "–"]


async def test_names_from_the_wire_draw_as_text(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("nightly", "[/x]\x1b]52;c;eA==\x07 task", "fail", result={
        "success": False, "message": "[@click=app.quit]\x9b2J gone"})  # fmt: skip
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "[/x]", "gone")
        assert all(ch.isprintable() or ch == "\n" for ch in person.screen())


# -- several runs --------------------------------------------------------------------------


@pytest.fixture
def two() -> ScriptedGym:
    """Two runs of the same tasks: one fixed since, one broken since, one the same."""
    gym = ScriptedGym()
    gym.add("step-1000", "book_room", *["fail"] * 4)
    gym.add("step-1000", "call_back", "pass", "pass", "pass", "fail")
    gym.add("step-1000", "draft_plan", "pass", "env")
    gym.add("step-2000", "book_room", *["pass"] * 4)
    gym.add("step-2000", "call_back", "pass", "fail", "fail", "fail")
    gym.add("step-2000", "enrol", "cancelled")
    return gym


async def across(person: Person) -> None:
    """Mark both runs and open their matrix."""
    await person.sees("step-1000", "step-2000")
    await person.until(lambda: person.screen().count(" of ") == 2)
    await person.press("g", "space", "space", "m")
    await person.until(lambda: isinstance(person.app.screen, RunsMatrixScreen))
    await person.sees("book_room", "enrol")


@pytest.mark.parametrize("size", SIZES)
async def test_several_marked_runs_are_tasks_by_runs_with_their_differences(
    two: ScriptedGym, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with scripted_dashboard(two, tmp_path, size=size) as person:
        await across(person)
        assert " 100pp" in line(person, "book_room")
        assert "0% of 4" in line(person, "book_room")
        assert "100% of 4" in line(person, "book_room")
        assert "~50pp" in line(person, "call_back"), "one in four against three may be chance"
        await person.sees("2 differ, 1 significant", "62% ", "44% ")
        shown = person.screen()
        assert shown.index("book_room") < shown.index("call_back") < shown.index("draft_plan")


async def test_a_search_from_several_is_in_all_of_them(two: ScriptedGym, tmp_path: Path) -> None:
    async with scripted_dashboard(two, tmp_path) as person:
        await across(person)
        await person.press("ctrl+f")
        await person.sees("search in 2 runs")


async def test_where_a_run_has_no_verdict_there_is_no_rate_and_no_difference(
    two: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(two, tmp_path) as person:
        await across(person)
        assert line(person, "enrol").split()[1:] == ["–", "–", "–"]
        assert "%" not in line(person, "enrol")
        assert "100% of 1" in line(person, "draft_plan")


async def test_enter_on_a_run_opens_its_matrix_at_that_task(
    two: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(two, tmp_path) as person:
        await across(person)
        await person.press("right", "down", "enter")
        await person.until(lambda: isinstance(person.app.screen, MatrixScreen))
        chosen: Any = person.app.screen
        assert chosen.run_id == person.app.screen_stack[-2].run_ids[1]  # type: ignore[attr-defined]
        await person.sees("[✓]" if chosen.run_id == "step-1000" else "[✓]✗ ✗ ✗")
        assert "[" in line(person, "call_back")


async def test_of_runs_read_as_one_an_attempt_is_compared_as_its_own_runs(
    two: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(two, tmp_path) as person:
        await person.sees("step-1000", "step-2000")
        person.app.push_screen(MatrixScreen("step-1000", related=["step-2000"]))
        await person.sees("combined with step-2000", "enrol")
        await person.press("G")
        await person.until(lambda: cursor(person) == "step-2000.009")
        await person.press("C")
        assert person.app.session.compared_first == RolloutRef("step-2000", "step-2000.009")


async def test_failures_of_several_runs_are_grouped_together(
    two: ScriptedGym, tmp_path: Path
) -> None:
    async with scripted_dashboard(two, tmp_path) as person:
        await across(person)
        shown = await person.sees("CRITERION", "RUNS", "Missing: calend")
        row = next(text for text in shown.split("\n") if "Missing: calend" in text)
        # Rollouts, tasks, runs.
        assert row.split("event 7")[1].split()[:3] == ["8", "2", "2"]
        await person.press("tab", "enter")
        shown = await person.sees("rollouts of 2 runs", "(8 shown)", "step-1000", "step-2000")


async def test_more_runs_than_fit_are_scrolled_with_the_cursor(tmp_path: Path) -> None:
    gym = ScriptedGym()
    for number in range(9):
        gym.add(f"step-{number}", "book_room", "pass" if number == 8 else "fail")
    async with scripted_dashboard(gym, tmp_path, size=(80, 24)) as person:
        await person.until(lambda: person.screen().count(" of 1") == 9)
        await person.press("g", "v", "G", "v", "m")
        await person.until(lambda: isinstance(person.app.screen, RunsMatrixScreen))
        await person.sees("runs 1–3 of 9")
        for _ in range(8):
            await person.press("right")
        await person.sees("–9 of 9")
        assert "[" in line(person, "book_room")
        assert cursor(person) == person.app.screen.run_ids[8]  # type: ignore[attr-defined]
        for _ in range(8):
            await person.press("left")
        await person.sees("runs 1–3 of 9")


async def test_of_a_group_all_its_runs_stand_side_by_side(tmp_path: Path) -> None:
    gym = ScriptedGym()
    for step in (9000, 10000):
        gym.add(f"nightly-s{step}", "book_room", "pass", "fail")
    gym.add("smoke", "book_room", "pass")
    async with scripted_dashboard(gym, tmp_path) as person:
        # Of what age they are is told by their rollouts.
        await person.until(lambda: person.screen().count(" of 2 ") == 2)
        await person.press("b", "b", "b")
        await person.sees("by name", "smoke")
        await person.press("slash", *"nightly", "enter", "g", "m")
        await person.until(lambda: isinstance(person.app.screen, RunsMatrixScreen))
        shown = await person.sees("matrix of 2 runs", "nightly-s9000", "nightly-s10000")
        heading = next(text for text in shown.split("\n") if "s10000" in text)
        assert heading.index("s9000") < heading.index("s10000"), "by age, then counted"


async def test_of_a_group_of_very_many_the_latest_are_shown_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gymtui.tui.runs.destinations.MATRIX_RUNS", 2)
    gym = ScriptedGym()
    for step in range(4):
        gym.add(f"nightly-s{step}", "book_room", "pass")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("nightly-s3")
        await person.press("b", "b", "b")
        await person.sees("by name")
        await person.press("m")
        shown = await person.sees("matrix of 2 runs", "the latest 2 of 4 runs", "nightly-s3")
        assert "nightly-s1" not in shown


async def test_a_large_run_is_taken_in_between_keys_and_adds_up_the_same(
    gym: ScriptedGym, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panes, "AT_ONCE", 1)
    monkeypatch.setattr(matrix, "AT_ONCE", 1)
    (open_one,) = gym.add("nightly", "enrol", "running")
    async with scripted_dashboard(gym, tmp_path) as person:
        await opened(person, "12/13 done", "pass@3 67% (3/4 tasks)", "2 errors")
        await person.sees("2 all-pass  1 mixed  1 all-fail", "▌ book_room", "[✓]✓ ✓")
        ended = {"status": "completed", "result": {"success": False}, "completed_at": at()}
        gym.rollout(open_one).update(ended)
        await person.sees("13/13 done", "1 all-pass  2 mixed  1 all-fail")


@pytest.mark.parametrize("size", SIZES)
async def test_the_reason_under_the_cursor_is_told_in_full_and_its_attempts_stand_out(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    gym = ScriptedGym()
    message = "Wrong: " + "the request was not approved " * 3 + "and so on to the end"
    said = {"success": False, "message": message}
    (wrong,) = gym.add("nightly", "book_room", "fail", result=said)
    missing = gym.add("nightly", "call_back", "fail", "fail")
    async with scripted_dashboard(gym, tmp_path, size=size) as person:
        await opened(person, "CRITERION", "call_back")
        screen = person.app.screen
        assert isinstance(screen, MatrixScreen)
        await person.press("tab")
        await person.sees("✗ fail  2 rollouts of 1 task  Missing: calendar event")
        assert screen.highlighted == frozenset(missing)
        assert faint(screen) == {"book_room"}
        await person.press("j")
        await person.sees("✗ fail  1 rollout of 1 task  Wrong: the request")
        last = person.screen().split("\n")[-5:]
        words = " ".join(word for text in last for word in text.split())
        assert "Wrong:" in words and ("to the end" in words or size[1] < 30)
        assert screen.highlighted == {wrong}
        assert faint(screen) == {"call_back"}
        await person.press("tab")
        await person.sees("1/1  ✗ fail")
        assert screen.highlighted is None
        assert faint(screen) == set()


def faint(screen: MatrixScreen) -> set[str]:
    """The tasks whose attempts stand back, as they are drawn."""
    drawn = screen._compositor.render_strips()
    bar = screen.services.palette.styles["bar"].color
    return {
        task
        for strip in drawn
        for task in ("book_room", "call_back")
        if task in strip.text
        for segment in strip
        if "✗" in segment.text and segment.style is not None and segment.style.color == bar
    }


async def test_what_is_marked_is_run_again_and_else_what_failed(
    gym: ScriptedGym, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(GymtuiApp, "navigate", lambda app, route: asked.append(route))
    gym.add("nightly", None, "fail")
    async with scripted_dashboard(gym, tmp_path) as person:
        person.app.push_screen(MatrixScreen("nightly"))
        await person.sees("call_back", "[", "]")
        screen = person.app.screen
        assert isinstance(screen, MatrixScreen)
        screen.action_launch_again()
        await person.press("g", "space", "space", "G", "space")
        screen.action_launch_again()
    what_failed, marked = asked
    assert what_failed == OpenLaunch("nightly", rerun=True, tasks=None)
    assert (marked.run_id, marked.rerun) == ("nightly", True)
    assert sorted(marked.tasks) == ["book_room", "call_back"]
