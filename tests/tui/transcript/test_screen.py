"""Reading a rollout on the dashboard: opening, finding, folding, saving, going on to the next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gymtui.transcript.blocks import Extras, ToolResult
from gymtui.tui.transcript.screen import TranscriptScreen
from tests.gym.running_gym import running_gym
from tests.tui.person import Person, dashboard
from tests.tui.scripted import ScriptedGym, scripted_dashboard


async def opened(person: Person, **changes: object) -> TranscriptScreen:
    """Open the first rollout of a finished run."""
    person.launch("nightly", **{"rollout_count": 2, **changes})
    await person.sees("nightly", "2/2")
    await person.press("enter")
    await person.sees("2/2 done")
    await person.press("enter")
    await person.sees("1 user", "turn 1 of")
    screen = person.app.screen
    assert isinstance(screen, TranscriptScreen)
    return screen


async def test_the_outline_moves_with_the_body_and_the_body_with_it(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        screen = await opened(person)
        await person.sees("● → ", "⚙ ← ")
        await person.press("J", "J")
        await person.sees("turn 3 of")
        assert "▌ 3 " in person.screen()
        await person.press("shift+tab")
        await person.until(lambda: screen.query_one("#outline").has_focus)
        await person.press("j", "j")
        await person.sees("turn 5 of")
        await person.press("ctrl+o")
        await person.until(lambda: not screen.query_one("#outline").display)
        await person.until(lambda: screen.query_one("#text").has_focus)


async def test_a_narrow_terminal_starts_without_the_outline(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path, size=(80, 24)) as person:
        screen = await opened(person)
        assert not screen.query_one("#outline").display
        await person.press("ctrl+o")
        await person.until(lambda: screen.query_one("#outline").display)
        assert all(len(line) <= 80 for line in person.screen().split("\n"))


async def test_a_search_counts_marks_and_goes_round(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await opened(person)
        await person.press("slash", *"calendar", "enter")
        await person.sees("/calendar 1 of")
        await person.press("n", "n")
        await person.sees("/calendar 3 of")
        await person.press("N", "N", "N")
        shown = await person.until(lambda: person.screen())
        first = shown.split("\n")[1]
        assert (
            first.rstrip().split("/calendar ")[1].split(" of ")[0] == first.rstrip().rsplit(" ")[-1]
        )
        await person.press("escape")
        await person.sees_no("/calendar")
        assert isinstance(person.app.screen, TranscriptScreen)


async def test_what_is_folded_is_found_and_unfolded(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        screen = await opened(person)
        await person.sees("more lines · z unfolds")
        transcript = screen.transcript
        assert transcript is not None
        hidden = next(
            line.strip()
            for turn in transcript.turns
            for block in turn.blocks
            if isinstance(block, ToolResult) and block.text.count("\n") > 18
            for line in reversed(block.text.split("\n"))
            if ":" in line
        )
        assert hidden not in person.screen()
        screen.apply_filter(hidden)
        await person.until(lambda: screen._search.done)
        await person.sees(hidden, "1 of")


@pytest.mark.parametrize("typed", ["re:cal[a-z]+\\.", "re:(a+)+$"])
async def test_a_regular_expression_is_searched_without_hanging(tmp_path: Path, typed: str) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        screen = await opened(person)
        screen.apply_filter(typed)
        await person.until(lambda: screen._search.done)
        await person.press("J")
        await person.sees("/re:")


async def test_where_there_is_no_error_that_is_said(tmp_path: Path) -> None:
    gym = ScriptedGym()
    (rollout_id,) = gym.add("nightly", "book_room", "pass")
    call = {"id": "c", "type": "function", "function": {"name": "a__b", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "book it"},
        {"role": "assistant", "content": {"content": "", "tool_calls": [call]}},
        {"role": "tool", "content": {"tool_call_id": "c", "is_error": False, "summary": "ok"}},
    ]
    gym.artifacts = {rollout_id: {"artifacts": {"messages": messages}}}
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("nightly")
        await person.press("enter")
        await person.sees("1/1 done")
        await person.press("enter")
        await person.sees("1 user", "turn 1 of 3")
        await person.press("e")
        await person.sees("no errors here")
        await person.press("t", "t")
        await person.sees("no other tool call below")


async def test_a_mistake_in_a_regular_expression_is_told(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await opened(person)
        await person.press("slash", *"re", "colon", "left_parenthesis")
        await person.sees("no regular expression")


async def test_roles_are_hidden_and_shown(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await opened(person)
        assert "⚙ 3 tool" in person.screen()
        await person.press("4")
        await person.sees("without tool")
        assert "⚙ 3 tool" not in person.screen()
        await person.press("2", "3")
        await person.sees("all turns are hidden")
        await person.press("2", "3", "4")
        await person.sees("⚙ 3 tool")


async def test_a_turn_is_unfolded_and_everything_is(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        screen = await opened(person)
        await person.sees("z unfolds")
        await person.press("Z")
        await person.sees_no("z unfolds")
        await person.press("Z")
        await person.sees("z unfolds")
        folded = next(
            turn.index
            for turn in screen.transcript.turns  # type: ignore[union-attr]
            if any(
                block.text.count("\n") > 18
                for block in turn.blocks
                if not isinstance(block, Extras)
            )
        )
        for _ in range(folded):
            await person.press("J")
        before = person.screen().count("z unfolds")
        await person.press("z")
        await person.until(lambda: person.screen().count("z unfolds") < before)
        await person.press("z")
        await person.until(lambda: person.screen().count("z unfolds") >= before)


async def test_tool_calls_are_hidden_by_the_gym_and_that_is_said(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await opened(person)
        await person.press("H")
        await person.sees("redacted by the gym")
        assert "→ " not in person.screen()
        await person.press("H")
        await person.sees("→ ")
        assert "redacted" not in person.screen()


async def test_brackets_read_one_rollout_of_the_list_after_the_other(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        screen = await opened(person)
        first = screen.rollout_id
        await person.press("right_square_bracket")
        await person.until(lambda: screen.rollout_id != first)
        second = screen.rollout_id
        await person.sees(f"› {second}", "1 user", "turn 1 of")
        await person.press("right_square_bracket")
        await person.sees("end of the list")
        assert screen.rollout_id == second
        await person.press("left_square_bracket")
        await person.sees(f"› {first}", "1 user")


async def test_brackets_go_on_from_a_rollout_that_has_left_the_list(tmp_path: Path) -> None:
    gym = ScriptedGym()
    first, second = gym.add("nightly", "book_room", "running", "running")
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("nightly")
        await person.press("a")
        await person.until(lambda: person.screen().count("book_room") == 2)
        await person.press("g", "enter")
        await person.sees("Not finished yet")
        screen = person.app.screen
        assert isinstance(screen, TranscriptScreen)
        here, other = screen.rollout_id, ({first, second} - {screen.rollout_id}).pop()
        gym.rollout(here).update(status="completed", result={"success": True}, phase=None)
        await person.sees("✓ pass")
        await person.press("right_square_bracket")
        await person.sees(other)
        await person.until(lambda: screen.rollout_id == other)


async def test_raw_shows_what_was_received_and_goes_back(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await opened(person)
        await person.press("r")
        await person.sees("as received", '"rollout_id":', '"artifacts":')
        await person.press("r")
        await person.sees("1 user", "turn 1 of")


async def test_it_is_saved_as_received_or_to_be_read_and_never_over_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        screen = await opened(person)
        name = screen.rollout_id
        await person.press("ctrl+s")
        await person.sees(f"{name}.json")
        await person.press("enter")
        await person.sees("saved")
        body = (tmp_path / f"{name}.json").read_bytes()
        assert body == person.http.get(f"/rollouts/{name}/artifacts").content
        await person.press("ctrl+s")
        await person.sees(f"{name}-2.json")
        await person.press(*["backspace"] * 7, *".md", "enter")
        path = tmp_path / f"{name}.md"
        await person.until(path.exists)
        assert "## 2 assistant" in path.read_text()
        await person.press("ctrl+s", *["backspace"] * 7, *".json", "enter")
        await person.sees("not saved")
        assert (tmp_path / f"{name}.json").read_bytes() == body


async def test_escape_leaves_the_saving_line_and_the_search_alone(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        await opened(person)
        await person.press("ctrl+s", "escape")
        await person.press("slash", *"zebra", "enter")
        await person.sees("/zebra no match")


async def test_the_message_of_the_current_turn_is_copied(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        screen = await opened(person)
        await person.press("J", "c")
        await person.sees("sent")
        assert person.app.clipboard == screen.transcript.turns[1].text  # type: ignore[union-attr]


async def test_the_raw_view_is_copied_as_received_and_that_is_said(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        screen = await opened(person)
        screen.action_raw()
        await person.press("c")
        await person.sees("as received")
        assert person.app.clipboard.encode() == screen._artifacts.body  # type: ignore[union-attr]


async def test_lines_are_cut_and_moved_sideways_without_wrapping(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path, size=(80, 24)) as person:
        screen = await opened(person)
        task = screen.transcript.turns[0].text.split("\n")[0]  # type: ignore[union-attr]
        assert len(task) > 90
        await person.press("w")
        await person.until(lambda: task[:60] in person.screen())
        assert task[80:90] not in person.screen()
        await person.press("right", "right")
        await person.until(lambda: task[80:90] in person.screen())
        await person.press("w")
        await person.until(lambda: task[:60] in person.screen())


async def test_a_running_rollout_says_how_far_it_is(tmp_path: Path) -> None:
    async with running_gym(tmp_path, held=True) as gym, dashboard(gym, tmp_path) as person:
        person.launch("slow")
        await person.sees("slow", "0/1")
        await person.press("enter")
        await person.sees("0/1 done", "schedule_phone_screen")
        await person.press("enter")
        await person.sees("Not finished yet", "step")


async def test_a_download_is_stopped_by_escape_and_asked_for_again(tmp_path: Path) -> None:
    async with running_gym(tmp_path, faults=True) as gym, dashboard(gym, tmp_path) as person:
        person.launch("nightly")
        await person.sees("nightly", "1/1")
        order = {"method": "GET", "path": "/artifacts", "latency_s": 60.0}
        person.http.post("/__faults__", json=order).raise_for_status()
        await person.press("enter")
        await person.sees("1/1 done")
        await person.press("enter")
        await person.sees("downloading the artifacts")
        await person.press("escape")
        await person.sees("stopped · ctrl+r downloads")
        person.http.delete("/__faults__").raise_for_status()
        await person.press("ctrl+r")
        await person.sees("1 user", "turn 1 of")


async def test_artifacts_too_large_to_open_are_saved_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        person.app.session.transcripts.loader.cap_bytes = 100
        person.launch("nightly")
        await person.sees("nightly", "1/1")
        await person.press("enter")
        await person.sees("1/1 done")
        await person.press("enter")
        await person.sees("larger than", "ctrl+s", "saves them to a file")
        await person.press("ctrl+s", "enter")
        await person.sees("saved", "bytes to")
        path, record = sorted(tmp_path.glob("rol_*.json"))  # noqa: ASYNC240
        assert json.loads(path.read_bytes())["artifacts"]["messages"]
        assert json.loads(record.read_bytes())["rollout_id"] == path.stem


async def test_how_large_is_too_large_is_a_setting(tmp_path: Path) -> None:
    async with (
        running_gym(tmp_path) as gym,
        dashboard(gym, tmp_path, artifact_limit_mib=3) as person,
    ):
        assert person.app.session.transcripts.loader.cap_bytes == 3 * 1024 * 1024


async def test_saving_what_is_too_large_is_stopped_by_escape_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    async with running_gym(tmp_path, faults=True) as gym, dashboard(gym, tmp_path) as person:
        person.app.session.transcripts.loader.cap_bytes = 100
        person.launch("nightly")
        await person.sees("nightly", "1/1")
        await person.press("enter")
        await person.sees("1/1 done")
        await person.press("enter")
        await person.sees("larger than", "saves them to a file")
        order = {"method": "GET", "path": "/artifacts", "latency_s": 60.0}
        person.http.post("/__faults__", json=order).raise_for_status()
        await person.press("ctrl+s", "enter")
        await person.sees("saving into rol_", "esc stops")
        await person.press("ctrl+s")
        await person.sees("already saving")
        await person.press("escape")
        await person.sees("nothing saved", "ctrl+s")
        await person.until(lambda: list(home.iterdir()) == [])
        person.http.delete("/__faults__").raise_for_status()
        taken = home / "taken.json"
        taken.write_text("mine")
        await person.press("ctrl+s", *["backspace"] * 60, *"taken.json", "enter")
        await person.sees("not saved", "exists")
        assert [path.read_text() for path in home.iterdir()] == ["mine"]


async def test_two_marked_rollouts_are_compared(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        model = {"model": "scripted/hasty", "api_key": "k", "provider": "custom"}
        person.launch("nightly", rollout_count=2, model_config=model)
        await person.sees("nightly", "2/2")
        await person.press("enter")
        await person.sees("2/2 done")
        await person.press("space", "space", "C")
        await person.sees("compare › ", " with ")
        shown = await person.until(
            lambda: "difference 1 of" in person.screen() or "the same calls" in person.screen()
        )
        assert shown
        assert "◆ 1 user" in person.screen() or "● " in person.screen()
        await person.press("n", "N", "q")
        await person.sees("2/2 done")


async def test_rollouts_of_two_runs_are_compared_wherever_they_are_listed(tmp_path: Path) -> None:
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path) as person:
        person.launch("first")
        person.launch("second")
        # Their order is that of their beginning once that is known, which a verdict tells.
        await person.until(lambda: person.screen().count(" of 1 ") == 2)
        await person.press("g", "enter")
        one = "second" if "runs › second" in await person.sees("1/1 done") else "first"
        await person.press("m")
        await person.sees("matrix", "pass@1")
        await person.press("C")
        await person.sees("chosen to compare: press C on another rollout, of any run")
        await person.press("C")
        await person.sees("no longer chosen to compare")
        await person.press("C", "q", "q")
        await person.sees("2 runs")
        await person.press("j", "enter")
        await person.sees("1/1 done", f"runs › {'first' if one == 'second' else 'second'}")
        await person.press("enter")
        await person.sees("1 user", "turn 1 of")
        await person.press("C")
        await person.sees("compare › ", "· first", "· second", "difference 1 of")
        await person.press("q", "C")
        await person.sees("chosen to compare")


async def test_a_rollout_that_still_runs_is_compared_when_it_has_finished(tmp_path: Path) -> None:
    async with running_gym(tmp_path, held=True) as gym, dashboard(gym, tmp_path) as person:
        run_id = person.launch("slow", rollout_count=2)
        await person.sees("slow", "0/2")
        await person.press("enter")
        await person.until(lambda: person.screen().count("schedule_phone_screen") == 2)
        await person.press("g", "space", "space", "C")
        await person.sees("has not finished; the comparison starts when it has")
        person.http.post(f"/runs/{run_id}/cancel").raise_for_status()
        gym.let_go()
        await person.until(
            lambda: "difference " in person.screen() or "the same calls" in person.screen()
        )


async def test_why_a_rollout_failed_is_read_under_its_transcript(tmp_path: Path) -> None:
    gym = ScriptedGym()
    message = "Wrong: " + "the request was never approved, " * 12 + "and Missing: event 7"
    result = {"success": False, "message": message, "failed_criteria": ["names the \x1b[2Jroom"]}
    (rollout_id,) = gym.add("nightly", "book_room", "fail", result=result)
    messages = [
        {"role": "user", "content": "book it"},
        *[{"role": "x", "content": "line\n" * 9}] * 9,
    ]
    gym.artifacts = {rollout_id: {"rollout_id": rollout_id, "artifacts": {"messages": messages}}}
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("nightly")
        await person.press("enter")
        await person.sees("✗ fail")
        await person.press("enter")
        await person.sees("1 user", "turn 1 of", "○ result  ")
        assert "event 7" not in person.screen()
        await person.press("G")
        await person.sees("and Missing: event 7", "- names the room")
        await person.press("g")
        await person.sees("1 user")
        await person.press("slash", *"Missing", "enter")
        await person.sees("/Missing 1 of 1", "event 7")
        await person.press("escape", "g")
        await person.sees("1 user")
        await person.press("e")
        await person.sees("and Missing: event 7")
        await person.press("K")
        await person.sees("turn 10 of 10")
        # The verifier changes its mind: what is read under the transcript does too.
        gym.rollout(rollout_id)["result"] = {"success": True, "message": "All is well after all"}
        await person.press("ctrl+r", "G")
        await person.sees("All is well after all")


async def test_log_probabilities_and_other_fields_of_a_turn_are_unfolded(tmp_path: Path) -> None:
    gym = ScriptedGym()
    (rollout_id,) = gym.add("nightly", "book_room", "pass")
    token = {"token": "Bo", "logprob": -0.25, "top_logprobs": []}
    said = {
        "role": "assistant",
        "content": "Booked.",
        "log_probs": {"content": [token]},
        "content_blocks": [{"type": "thinking", "thinking": "hm", "signature": "c2lnbmVk"}],
    }
    messages = [{"role": "user", "content": "book it"}, said]
    gym.artifacts = {rollout_id: {"artifacts": {"messages": messages}}}
    async with scripted_dashboard(gym, tmp_path) as person:
        await person.sees("nightly")
        await person.press("enter")
        await person.sees("1/1 done")
        await person.press("enter")
        await person.sees("1 user", "turn 1 of 2")
        await person.press("J")
        await person.sees("Booked.")
        assert "-0.25" not in person.screen()
        await person.press("z")
        await person.sees("log_probs", "-0.25", "c2lnbmVk")
        await person.press("z")
        await person.sees_no("-0.25")
