"""What was seen in one session is known in the next."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gymtui.store.history.timeline import Segment, SegmentKind
from gymtui.tui.rollouts.timeline_bar import FILLS
from tests.gym.running_gym import RunningGym, running_gym
from tests.tui.person import Person, dashboard


def lives(person: Person, run_id: str) -> dict[str, tuple[Segment, ...]]:
    """The segments of each rollout of a run, as they are drawn."""
    app = person.app
    return {
        row.rollout_id: app.session.tracker.segments(row)
        for row in app.session.store.rollouts_of(run_id)
    }


def building(life: tuple[Segment, ...]) -> Segment | None:
    """When it was built, as it is drawn."""
    return next((segment for segment in life if segment.kind is SegmentKind.BUILDING), None)


def final_summaries(journal: Path) -> int:
    """How many runs the journal keeps final numbers of."""
    with closing(sqlite3.connect(journal)) as kept:
        (count,) = kept.execute("SELECT count(*) FROM summaries WHERE final").fetchone()
    return int(count)


async def watch_to_the_end(gym: RunningGym, tmp_path: Path, journal: Path) -> tuple[str, object]:
    """Watch a run from its launch until it has ended, and quit."""
    async with dashboard(gym, tmp_path, journal=journal) as person:
        person.launch("nightly", rollout_count=2)
        await person.sees("nightly", "AGE")
        await person.press("enter")
        await person.sees("runs › nightly", "▸ build")
        await person.sees_every_step("nightly")
        await person.sees("2/2 done", "of 2 verdicts")
        await person.sees("(from 2 of 2)", "steps p50")
        await person.until(lambda: re.search(r"took \d", person.screen()), "never how long")
        return person.screen(), lives(person, "nightly")


async def test_phases_seen_before_are_still_there_after_a_restart(tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite3"
    async with running_gym(tmp_path, held=True) as gym:
        before, lived = await watch_to_the_end(gym, tmp_path, journal)
        async with dashboard(gym, tmp_path, journal=journal) as person:
            await person.sees("nightly", "2/2")
            await person.press("enter")
            await person.sees("runs › nightly", "(from 2 of 2)", "steps p50")
            assert lives(person, "nightly") == lived
            assert all(SegmentKind.UNSEEN not in {s.kind for s in life} for life in lived.values())
            numbers = before.split("\n")[2:4]
            await person.until(lambda: person.screen().split("\n")[2:4] == numbers, "as before")


async def test_without_a_journal_the_same_run_was_not_seen(tmp_path: Path) -> None:
    async with running_gym(tmp_path, held=True) as gym:
        await watch_to_the_end(gym, tmp_path, tmp_path / "journal.sqlite3")
        async with dashboard(gym, tmp_path) as person:
            await person.sees("nightly", "2/2")
            await person.press("enter")
            # How long the bar is depends on how fast the gym was: what it is made of does not.
            await person.sees("2/2 done", FILLS[SegmentKind.UNSEEN], "build –", "not observed ")
            watched = {SegmentKind.BUILDING, SegmentKind.SEEDING, SegmentKind.AGENT}
            for life in lives(person, "nightly").values():
                assert watched.isdisjoint(segment.kind for segment in life)


async def test_what_happened_between_two_sessions_is_not_seen_and_the_rest_is(
    tmp_path: Path,
) -> None:
    journal = tmp_path / "journal.sqlite3"
    async with running_gym(tmp_path, held=True) as gym:
        async with dashboard(gym, tmp_path, journal=journal) as person:
            person.launch("nightly")
            await person.sees("nightly", "AGE")
            await person.press("enter")
            await person.sees("▸ build")
            gym.step()
            await person.sees("▸ seeding")
            (built,) = map(building, lives(person, "nightly").values())
            assert built is not None and built.end_slack
        async with dashboard(gym, tmp_path, journal=journal) as person:
            await person.sees("nightly", "AGE")
            await person.press("enter")
            # Until the journal has been read it is drawn by what this session saw alone.
            await person.until(
                lambda: [*map(building, lives(person, "nightly").values())] == [built], "as before"
            )


async def test_finished_runs_out_of_view_have_their_numbers_at_once(tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite3"
    async with running_gym(tmp_path) as gym:
        async with dashboard(gym, tmp_path, journal=journal) as person:
            for number in range(12):
                person.launch(f"old-{number:02d}")
            await person.until(lambda: person.screen().count(" of 1") == 12)
        asked: list[str] = []
        async with dashboard(gym, tmp_path, journal=journal, size=(120, 10)) as person:
            client = person.app.session.client
            listed = client.list_rollouts

            async def listening(**query: str) -> object:
                asked.append(query.get("run_id", ""))
                return await listed(**query)

            client.list_rollouts = listening  # type: ignore[method-assign, assignment]
            await person.sees("12 runs", "old-", " of 1")
            summaries = [person.app.session.store.summary(f"old-{n:02d}") for n in range(12)]
            assert all(s is not None and s.verdicts == 1 for s in summaries)
            assert not asked, "nothing had to be asked for it"


async def test_a_deleted_run_leaves_the_journal(tmp_path: Path, soon_gone: None) -> None:
    journal = tmp_path / "journal.sqlite3"
    async with running_gym(tmp_path, held=True) as gym:
        async with dashboard(gym, tmp_path, journal=journal) as person:
            person.launch("nightly")
            await person.sees("nightly", "1 active")
            await person.sees_every_step("nightly")
            await person.sees("nightly", "1/1", " of 1", " done ")
            await person.press("ctrl+d", "y")
            await person.sees("deleted nightly")
            await person.sees("no runs")
        with sqlite3.connect(journal) as kept:
            assert kept.execute("SELECT count(*) FROM sightings").fetchone() == (0,)
            assert kept.execute("SELECT count(*) FROM summaries").fetchone() == (0,)
        kept.close()


@pytest.mark.parametrize("trouble", ["corrupt", "newer", "a folder"])
async def test_trouble_with_the_journal_is_told_once_and_the_dashboard_goes_on(
    tmp_path: Path, trouble: str
) -> None:
    journal = tmp_path / "journal.sqlite3"
    if trouble == "corrupt":
        journal.write_bytes(b"no database at all" * 500)
    elif trouble == "newer":
        connection = sqlite3.connect(journal)
        connection.execute("PRAGMA application_id = 0x67796D74")
        connection.execute("PRAGMA user_version = 99")
        connection.close()
    else:
        journal.mkdir()
    async with running_gym(tmp_path) as gym, dashboard(gym, tmp_path, journal=journal) as person:
        await person.sees("No journal")
        assert len(person.app._notifications) == 1
        person.launch("nightly")
        await person.sees("nightly", "1/1", " of 1")
        await person.press("enter")
        await person.sees("runs › nightly", "1/1 done")
