"""The keys for the next call, error and turn land on it, however far down its turn it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gymtui.tui.transcript.screen import TranscriptScreen
from tests.tui.person import Person
from tests.tui.scripted import ScriptedGym, scripted_dashboard

CALLS = 10


def long_turns() -> dict[str, Any]:
    """Artifacts: two turns that make ten calls each after much talk, answered in one turn each."""
    talk = "\n\n".join(f"I think about step {number}." for number in range(20))
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Book a room."}]
    for turn in range(2):
        calls = [
            {
                "id": f"c{turn}{n}",
                "type": "function",
                "function": {"name": f"look_{turn}{n}", "arguments": '{"a": 1,\n"b": 2}'},
            }
            for n in range(CALLS)
        ]
        messages.append({"role": "assistant", "content": talk, "tool_calls": calls})
        answers = [
            {
                "role": "tool",
                "tool_call_id": f"c{turn}{n}",
                "content": "\n".join(f"line {line} of {turn}{n}" for line in range(9))
                + (f"\nError: no room {turn}{n}" if n == 7 else ""),
                "is_error": n == 7,
            }
            for n in range(CALLS)
        ]
        messages += answers
    return {"messages": messages}


WRITTEN = {
    "tags": "<function=look>\n<parameter=name>\n{name}\n</parameter>\n</function>",
    "fence": "```bash\nlook {name}\n```",
    "action": 'Action: look\nAction Input: {{"name": "{name}"}}',
    "opened": "**Action:**\n<command>\nlook {name}\n</command>",
    "json": '<tool_call>\n{{"name": "look", "arguments": {{"name": "{name}"}}}}\n</tool_call>',
}


def written_calls(how: str) -> dict[str, Any]:
    """Artifacts: calls that stand in the text of their turns, after much talk that names them."""
    talk = "\n\n".join(f"\x1b[31mStep\x1b[0m {number}: shall I look?" for number in range(30))
    messages = [{"role": "user", "content": "Book a room."}]
    for number in range(2):
        call = WRITTEN[how].format(name=f"alpha-{number}")
        messages.append({"role": "assistant", "content": f"\n{talk}\n{call}\nthat was all"})
        messages.append({"role": "user", "content": f"room {number}"})
    calls = [
        {"tool_server": "s", "tool_name": "look", "parameters": {"name": f"alpha-{number}"}}
        for number in range(2)
    ]
    results = [{"observation": f"room {number}", "is_error": False} for number in range(2)]
    return {"messages": messages, "tool_calls": calls, "tool_results": results}


@pytest.mark.parametrize("how", WRITTEN)
async def test_a_call_that_is_written_in_text_is_a_call_to_land_on(
    how: str, tmp_path: Path
) -> None:
    written = gym()
    written.artifacts["nightly.001"] = written_calls(how)
    async with scripted_dashboard(written, tmp_path, size=(80, 24)) as person:
        screen = await reading(person)
        for number in range(2):
            await person.press("t")
            assert "→ " in marked(person)
            assert f"alpha-{number}" in person.screen()
            assert screen._view.current == 1 + 2 * number
        await person.press("t")
        await person.sees("no other tool call below")
        await person.press("T")
        assert "alpha-0" in person.screen()
        await person.press("K")
        assert screen._view.top_place == (1, -1, 0, 0)


async def reading(person: Person) -> TranscriptScreen:
    await person.sees("nightly")
    await person.press("enter")
    await person.sees("1/1 done")
    await person.press("enter")
    await person.sees("1 user", "turn 1 of")
    screen = person.app.screen
    assert isinstance(screen, TranscriptScreen)
    return screen


def gym() -> ScriptedGym:
    gym = ScriptedGym()
    (rollout_id,) = gym.add("nightly", "book_room", "pass")
    gym.artifacts[rollout_id] = long_turns()
    return gym


def screen_of_body(person: Person) -> str:
    """What of the transcript is on screen, beside its outline."""
    lines = [line.split("│", 1) for line in person.screen().splitlines()]
    return "\n".join(body for _, *rest in lines for body in rest)


def marked(person: Person) -> str:
    """The line of the body that is marked as where one is."""
    lines = [line for line in person.screen().splitlines() if line.startswith("▌")]
    assert len(lines) == 1, person.screen()
    return lines[0]


async def test_each_call_is_landed_on_one_after_the_other(tmp_path: Path) -> None:
    async with scripted_dashboard(gym(), tmp_path, size=(80, 24)) as person:
        await reading(person)
        names = [f"look_{turn}{n}" for turn in range(2) for n in range(CALLS)]
        for name in names:
            await person.press("t")
            assert name in marked(person)
        await person.press("t")
        await person.sees("no other tool call below")
        for name in reversed(names[:-1]):
            await person.press("T")
            assert name in marked(person)
        await person.press("T")
        await person.sees("no other tool call above")


async def test_a_call_goes_back_first_to_its_own_start_then_to_its_turns(tmp_path: Path) -> None:
    async with scripted_dashboard(gym(), tmp_path, size=(80, 24)) as person:
        screen = await reading(person)
        await person.press(*"ttt", "down", "down")
        await person.press("T")
        assert "look_02" in marked(person)
        await person.press("K")
        assert screen._view.top_place == (1, -1, 0, 0)
        await person.press("J")
        assert "3 tool" in person.screen()


async def test_an_error_is_landed_on_under_the_name_of_its_turn(tmp_path: Path) -> None:
    async with scripted_dashboard(gym(), tmp_path, size=(80, 24)) as person:
        await reading(person)
        for number in ("07", "17"):
            await person.press("e")
            lines = person.screen().splitlines()
            at = next(n for n, line in enumerate(lines) if line.startswith("▌"))
            assert any(f"of {number}" in line for line in lines[at : at + 4])
            assert "✗ error" in lines[at - 1] or "✗ error" in lines[at]
        await person.press("E")
        assert "of 07" in person.screen()


async def test_a_call_chosen_in_the_outline_is_landed_on(tmp_path: Path) -> None:
    async with scripted_dashboard(gym(), tmp_path, size=(120, 24)) as person:
        screen = await reading(person)
        assert "look_00 " not in screen_of_body(person)
        await person.press("tab", "down")
        assert screen._view.place == (1, 1, 0, 0)
        assert "look_00" in screen_of_body(person).splitlines()[1]
        await person.press("down")
        assert screen._view.current == 2  # it answers: its name is where it begins


async def test_a_call_below_is_folded_and_one_stays_at_it(tmp_path: Path) -> None:
    async with scripted_dashboard(gym(), tmp_path, size=(80, 24)) as person:
        await reading(person)
        await person.press(*"tttttttt")
        assert "look_07" in marked(person)
        await person.press("z")
        await person.press("t")
        assert "look_08" in marked(person)
