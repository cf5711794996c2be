"""A transcript that does not come: why is said, and what was there before stays."""

from __future__ import annotations

from pathlib import Path

from gymtui.core.replacement import replace
from gymtui.session.rollout_ref import RolloutRef
from gymtui.transcript.usage import Usage
from gymtui.tui.compare.screen import CompareScreen
from gymtui.tui.transcript.screen import TranscriptScreen
from tests.tui.scripted import ScriptedGym, scripted_dashboard
from tests.tui.transcript.test_pictures import artifacts


async def test_why_there_is_no_transcript_is_said(tmp_path: Path) -> None:
    gym = ScriptedGym()
    running, missing, broken, read = gym.add("nightly", "t", "running", "pass", "pass", "pass")
    gym.artifacts = {broken: [], read: artifacts()}
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 4)
        person.app.push_screen(TranscriptScreen("nightly", running))
        await person.sees("step 3/30", "Not finished yet; the transcript opens here when it is.")
        person.app.push_screen(TranscriptScreen("nightly", missing))
        await person.sees("the gym has no artifacts of this rollout")
        person.app.push_screen(TranscriptScreen("nightly", broken))
        shown = await person.sees("could not download the artifacts: ", " · ctrl+r retries")
        assert "has no artifacts" not in shown
        person.app.push_screen(
            CompareScreen(RolloutRef("nightly", read), RolloutRef("nightly", broken)),
        )
        await person.sees("could not get nightly.003: garbled answer", " · ctrl+r retries")
        await person.press("n")
        await person.sees("nothing to compare yet")
        await person.press("slash")
        await person.sees("nothing to filter here")
        person.app.push_screen(
            CompareScreen(RolloutRef("nightly", read), RolloutRef("nightly", missing))
        )
        await person.sees("the gym has no artifacts of nightly.002 · ctrl+r retries")
        person.app.push_screen(
            CompareScreen(RolloutRef("nightly", running), RolloutRef("nightly", read))
        )
        await person.sees("nightly.001 has not finished; the comparison starts when it has")
        for _ in range(3):
            await person.press("q")
        gym.artifacts[broken] = artifacts()
        await person.press("ctrl+r")
        await person.sees("turn 1 of")

        # What is read stays when the other view of it does not come, and it is no other view.
        screen = TranscriptScreen("nightly", read)
        person.app.push_screen(screen)
        await person.sees("turn 1 of", "I'll check the calendars first.")
        del gym.artifacts[read]
        await person.press("H")
        shown = await person.sees("could not download: ")
        assert "turn 1 of" in shown and "redacted" not in shown
        gym.artifacts[read] = artifacts()
        await person.press("H")
        await person.sees("redacted by the gym")


async def test_how_far_a_download_is(tmp_path: Path) -> None:
    gym = ScriptedGym()
    (only,) = gym.add("nightly", "t", "running")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 1)
        screen = TranscriptScreen("nightly", only)
        person.app.push_screen(screen)
        await person.sees("Not finished yet")
        screen._show_progress(5_000_000, 20_000_000)
        await person.sees("━" * 5 + "─" * 15 + " 5.0 of 20.0 MB  · esc stops")
        screen._show_progress(5_000_000, 5_000_000)
        await person.sees("━" * 20 + " 5.0 of 5.0 MB")
        # Announced too little, or nothing: there is no whole to be a part of.
        screen._show_progress(5_000_000, 4_000_000)
        shown = await person.sees_no("━")
        assert "5.0 MB  · esc stops" in shown and " of 4.0 MB" not in shown
        screen._show_progress(7_140_000, None)
        await person.sees("7.1 MB  · esc stops")


async def test_what_matters_least_leaves_the_headline_first(tmp_path: Path) -> None:
    gym = ScriptedGym()
    (only,) = gym.add("nightly", "schedule_phone_screen", "fail")
    gym.artifacts[only] = artifacts()
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 1)
        screen = TranscriptScreen("nightly", only)
        person.app.push_screen(screen)
        await person.sees("turn 1 of")
        read = screen._artifacts
        assert read is not None
        usage = Usage(16_000, 970, cost_usd=0.5)
        screen._artifacts = replace(read, transcript=replace(read.transcript, usage=usage))
        said: dict[str, int] = {}
        for cells in range(130, 10, -1):
            said.setdefault("".join(piece.text for piece in screen.headline(cells)), cells)
        task, why = "schedule_phone_screen", " · Missing: calendar event 7"
        assert list(said) == [
            f"✗ fail · {task} · 3/30 steps · 2m00s · 17k tokens · $0.5{why}",
            f"✗ fail · schedul…e_screen · 3/30 steps · 2m00s · 17k tokens · $0.5{why}",
            f"✗ fail · 3/30 steps · 2m00s · 17k tokens · $0.5{why}",
            f"✗ fail · 3/30 steps · 2m00s · $0.5{why}",
            f"✗ fail · 3/30 steps · $0.5{why}",
            f"✗ fail · 3/30 steps{why}",
            f"✗ fail{why}",
        ]
