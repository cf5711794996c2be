"""Two rollouts beside each other: going from difference to difference, and what is told of each."""

from __future__ import annotations

from pathlib import Path

from gymtui.session.rollout_ref import RolloutRef
from gymtui.tui.compare.screen import CompareScreen
from gymtui.tui.context.routes import CompareRollouts
from tests.tui.scripted import ScriptedGym, scripted_dashboard
from tests.tui.transcript.test_pictures import answer, artifacts, calling


async def test_differences_are_gone_through_and_told(tmp_path: Path) -> None:
    gym = ScriptedGym()
    (left,) = gym.add("nightly", "schedule_phone_screen", "pass")
    (right,) = gym.add("weekly", "schedule_phone_screen", "fail")
    gym.artifacts = {left: artifacts(), right: artifacts("Phone screen")}
    messages = gym.artifacts[right]["artifacts"]["messages"]
    messages[5:5] = [calling(20, "", "calendar__list", attendee="jun"), answer(21, 20, "[]")]
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 2)
        screen = CompareScreen(RolloutRef("nightly", left), RolloutRef("weekly", right))
        person.app.push_screen(screen)
        shown = await person.sees("difference 1 of 2", "compare › nightly.001 with weekly.001")
        assert f"A {left}  ✓ pass  schedule_phone_screen · 3 steps · nightly" in shown
        assert f"B {right}  ✗ fail  schedule_phone_screen · 3 steps · weekly · Missing" in shown
        await person.press("N")
        await person.sees("no more differences above")

        shown = await person.sees("difference 1 of 2", '≠ create_event: title  A "Panel"  B "Phone')
        assert "only" not in shown
        assert shown.count("create_event(title=") == 2, "both bodies are at the call"
        await person.press("n")
        await person.sees("difference 2 of 2", "± only in B weekly.001")
        # The side that makes no such call stays at what it said last.
        await person.sees("▌⚙ 5 tool", '▌   → calendar.list(attendee="jun")')
        await person.press("n")
        await person.sees("no more differences below", "difference 2 of 2")
        await person.press("g")
        shown = await person.sees("difference 0 of 2")
        assert "≠ create_event" not in shown and "± only" not in shown
        await person.press("n")
        await person.sees("difference 1 of 2")
        assert screen.copy_text() == f"{left} {right}"
        await person.press("slash")
        await person.sees("nothing to filter here")


async def test_the_same_calls_have_no_difference_to_go_to(tmp_path: Path) -> None:
    gym = ScriptedGym()
    left, right = gym.add("nightly", "schedule_phone_screen", "pass", "pass")
    gym.artifacts = {left: artifacts(), right: artifacts()}
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 2)
        person.app.push_screen(
            CompareScreen(RolloutRef("nightly", left), RolloutRef("nightly", right))
        )
        shown = await person.sees("the same calls")
        assert "· nightly" not in shown.split("\n", 1)[1], "of one run, it need not be said"
        await person.press("n")
        await person.until(lambda: person.screen().count("the same calls") == 2)


async def test_a_failed_rollout_is_offered_the_passes_of_its_task(tmp_path: Path) -> None:
    gym = ScriptedGym()
    gym.add("weekly", "call", "pass")
    failed, own = gym.add("nightly", "call", "fail", "pass")
    gym.add("nightly", "other task", "pass")
    gym.artifacts = {name: artifacts() for name in (failed, own, "weekly.001")}
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 4)
        person.app.navigate(CompareRollouts((RolloutRef("nightly", failed),)))
        shown = await person.sees("compare with a pass", "nightly · 2m00s", "weekly · 2m00s")
        assert shown.index("nightly ·") < shown.index("weekly ·") < shown.index("another rollout")
        await person.press("enter")
        await person.sees(f"compare › {own} with {failed}")
        await person.press("q")
        person.app.navigate(CompareRollouts((RolloutRef("nightly", failed),)))
        await person.sees("another rollout")
        await person.press("down", "down", "enter")
        await person.until(
            lambda: person.app.session.compared_first == RolloutRef("nightly", failed)
        )
