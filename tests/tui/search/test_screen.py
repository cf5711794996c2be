"""The search through many transcripts, as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gymtui.session import transcript_search
from gymtui.transcript.blocks import BlockKind
from gymtui.transcript.hits import Hit, SpokenPassage
from gymtui.transcript.search import Passage
from gymtui.tui.search.columns import snippet_cell
from gymtui.tui.search.screen import SearchScreen
from gymtui.tui.transcript.screen import TranscriptScreen
from tests.session.test_transcript_search import artifacts
from tests.tui.person import Person
from tests.tui.staged import StillGym, staged_dashboard

SIZE = (120, 30)


def gym_with_hits() -> StillGym:
    """Two runs; in three of their rollouts a tool said that something was not found."""
    gym = StillGym()
    newer, older = (
        dict.fromkeys(("created_at", "started_at"), f"2026-03-20T0{hour}:00:00Z") for hour in (9, 8)
    )
    gym.add("alpha", "book_room", "pass", "fail", "running", **newer)
    gym.add("beta", "call_back", "fail", "fail", "env", **older)
    for name in ("alpha.001", "alpha.002", "beta.001", "beta.002"):
        said = "all well" if name == "beta.002" else f"user {name} not found"
        gym.artifacts[name] = json.loads(artifacts(said, error=name == "alpha.002"))
    return gym


async def typed(person: Person, words: str) -> None:
    """Type a phrase and search for it."""
    await person.press(*("space" if c == " " else c for c in words), "enter")
    await person.until(lambda: person.app.screen._work is None, "it never ended")


async def open_search(person: Person) -> SearchScreen:
    """Open the search from wherever one is."""
    await person.press("ctrl+f")
    await person.until(
        lambda: isinstance(person.app.screen, SearchScreen) and person.app.screen.is_filtering
    )
    screen = person.app.screen
    assert isinstance(screen, SearchScreen)
    return screen


async def test_a_phrase_is_found_in_all_runs_and_read_hit_by_hit(tmp_path: Path) -> None:
    async with staged_dashboard(gym_with_hits(), tmp_path, SIZE) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 6)
        screen = await open_search(person)
        await typed(person, "r alpha")
        shown = person.screen()
        assert "search in 2 runs" in shown
        assert "2 hits" in shown and "in 2 rollouts" in shown
        assert "4 of 6 transcripts searched, 1 not finished, 1 without artifacts" in shown
        await person.press("slash", *"not", "space", *"found", "space", *"role:tool", "enter")
        await person.sees("3 hits")
        assert person.screen().count("shop.lookup") >= 3
        await person.press("down", "enter")
        await person.sees("hit 2 of 3", "alpha.002", "not found 1 of 2")
        reader = person.app.screen
        assert isinstance(reader, TranscriptScreen)
        assert reader._view.current == 2
        await person.press("n")
        await person.sees("hit 3 of 3", "beta.001")
        await person.press("n")
        assert reader.rollout_id == "beta.001"
        await person.press("N", "N")
        await person.sees("hit 1 of 3", "alpha.001")
        await person.press("right_square_bracket")
        await person.sees("hit 2 of 3", "alpha.002")
        # Another search of this transcript alone is gone through as ever.
        await person.press("slash", *"kettle", "enter", "n")
        await person.sees("/kettle")
        assert reader.rollout_id == "alpha.002"
        await person.press("escape", "escape")
        assert person.app.screen is screen
        assert screen.hit_place() == (2, 3)


async def test_marked_runs_a_run_and_what_a_filter_leaves(tmp_path: Path) -> None:
    async with staged_dashboard(gym_with_hits(), tmp_path, SIZE) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 6)
        await person.press("slash", *"beta", "enter")
        await open_search(person)
        await typed(person, "not found role:tool")
        await person.sees("search in beta", "1 hit")
        await person.press("escape", "enter")
        await person.sees("call_back")
        await person.press("slash", *"state:fail", "enter")
        await open_search(person)
        await typed(person, "not found role:tool")
        await person.sees("search in 2 rollouts of beta", "1 hit", "2 of 2 transcripts searched")
        await person.press("enter")
        await person.sees("hit 1 of 1")
        await person.press("ctrl+f")
        await person.sees("search in 2 rollouts of beta")


async def test_from_a_transcript_the_list_that_it_was_opened_from_is_searched(
    tmp_path: Path,
) -> None:
    async with staged_dashboard(gym_with_hits(), tmp_path, SIZE) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 6)
        await person.press("slash", *"beta", "enter", "enter")
        await person.sees("call_back")
        await person.press("slash", *"state:fail", "enter", "enter")
        await person.sees("1 of 2")
        await open_search(person)
        await person.sees("search in 2 rollouts")


async def test_what_would_be_too_much_is_left_until_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gymtui.tui.search.screen.MOST_BYTES", 1)
    monkeypatch.setattr(transcript_search, "AT_ONCE", 1)
    async with staged_dashboard(gym_with_hits(), tmp_path, SIZE) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 6)
        await open_search(person)
        await typed(person, "not found role:tool")
        await person.sees("1 hit", "4 not downloaded", "+ downloads more")
        monkeypatch.setattr("gymtui.tui.search.screen.MOST_BYTES", 10**9)
        await person.press("plus")
        await person.sees("3 hits", "4 of 6 transcripts searched")


async def test_a_mistake_is_said_and_a_search_is_left_by_esc(tmp_path: Path) -> None:
    async with staged_dashboard(gym_with_hits(), tmp_path, SIZE) as person:
        await person.until(lambda: len(person.app.session.store.rollouts) == 6)
        screen = await open_search(person)
        await person.press(*"role:x", "enter")
        await person.sees("role: is one of")
        assert screen.is_filtering
        await person.press("escape")
        assert not isinstance(person.app.screen, SearchScreen)


async def test_what_one_dashboard_read_the_next_one_does_not_ask_for(tmp_path: Path) -> None:
    gym = gym_with_hits()
    fetched: list[str] = []
    answer = gym._found

    def found(method: str, parts: list[str], params: dict[str, str]) -> object:
        if parts[-1] == "artifacts":
            fetched.append(parts[1])
        return answer(method, parts, params)

    gym._found = found  # type: ignore[method-assign]
    for _ in range(2):
        async with staged_dashboard(gym, tmp_path, SIZE) as person:
            person.app.sessions.archive_path = tmp_path / "cache" / "transcripts.sqlite3"
            await person.until(lambda: len(person.app.session.store.rollouts) == 6)
            await open_search(person)
            await typed(person, "not found role:tool")
            await person.sees("3 hits")
            await person.press("enter")
            await person.sees("hit 1 of 3", "turn")
    assert sorted(fetched) == sorted([*gym.artifacts, "beta.003", "beta.003"])


@pytest.mark.parametrize("cells", [8, 20, 40, 400])
def test_what_was_found_is_seen_at_any_width(cells: int) -> None:
    passage = Passage(0, 0, "b" * 80 + "found" + "a" * 160)
    hit = Hit(SpokenPassage(passage, BlockKind.USER, "", error=False), 0, 80, 85)
    shown = "".join(piece.text for piece in snippet_cell(hit, cells))[:cells]
    assert "found" in shown
