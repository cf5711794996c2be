"""What others write into a shared journal is on one's own timelines, without asking the gym."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from gymtui.core.replacement import replace
from gymtui.poll.journal_intake import FOLLOWED_EVERY_S
from gymtui.store.history.journal import FLUSH_AFTER_S, Journal
from gymtui.store.history.journal_place import SharedPlace
from tests.helpers.journals import shared_place, wait_until
from tests.helpers.postgres_server import Server
from tests.poll.test_tracker import T0, Session, at, ended, recalled, rollout

SHORTEST_INTERVAL_S = 2.0
"""Between two polls of the gym, where nobody says otherwise."""


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> SharedPlace:
    """Of a gym that nobody knows yet."""
    return shared_place(request, tmp_path / "journal.sqlite3")


class Team:
    """SessionFactory on one gym, each with a journal of its own in the same place."""

    def __init__(self) -> None:
        self.journals: list[Journal] = []

    def session(self, place: SharedPlace) -> Session:
        journal = Journal(place, now=lambda: T0, away_s=(0.01, 0.05))
        self.journals.append(journal)
        return Session(journal)


@pytest.fixture
def team() -> Iterator[Team]:
    made = Team()
    yield made
    for journal in made.journals:
        journal.close(60)


async def heard(session: Session) -> None:
    """Let what others wrote by now come in."""
    assert session.watch.journal_intake is not None
    await session.watch.journal_intake.follow()


async def test_phases_that_another_saw_are_on_ones_own_timeline(
    place: SharedPlace, team: Team
) -> None:
    recorder, mate = team.session(place), team.session(place)
    recorder.lists(0, rollout("building_environment"))
    mate.lists(1, rollout("building_environment"))
    mate.watch.recall("run_1")
    await recalled(mate)
    recorder.lists(4, rollout("agent_running", 1))
    recorder.lists(8, rollout("verifying"))
    team.journals[0].flush()
    await heard(mate)
    recorder.lists(10, ended(9))
    mate.lists(10, ended(9))
    team.journals[0].flush()
    await heard(mate)
    seen = {(one.phase, one.last_otherwise_at) for one in mate.watch.observations("rol_1")}
    assert {("agent_running", at(0)), ("verifying", at(4))} <= seen
    assert mate.kinds() == recorder.kinds()


async def test_numbers_of_a_run_that_another_read_to_its_end_come_by_themselves(
    place: SharedPlace, team: Team
) -> None:
    recorder, mate = team.session(place), team.session(place)
    await heard(mate)
    assert mate.remembered == {}
    recorder.run("run_1", running=0, completed=1)
    recorder.lists(10, ended(9))
    team.journals[0].flush()
    await heard(mate)
    assert mate.remembered["run_1"].verdicts == 1
    mate.remembered.clear()
    await heard(mate)
    assert mate.remembered == {}, "nobody is told twice"


async def test_ones_own_is_no_news(place: SharedPlace, team: Team) -> None:
    session = team.session(place)
    await heard(session)
    session.lists(0, rollout("building_environment"))
    team.journals[0].flush()
    news = await asyncio.to_thread(team.journals[0].news)
    assert news.observations == ()


async def test_what_was_missed_while_the_database_was_away_comes_in_afterwards(
    place: SharedPlace, team: Team, postgres: Server
) -> None:
    name = f"late_{uuid.uuid4().hex}"
    place = replace(place, url=postgres.of(name))
    mate = team.session(place)
    wait_until(lambda: team.journals[0].notice is not None)
    mate.lists(1, rollout("agent_running", 1))
    mate.watch.recall("run_1")
    await heard(mate)
    postgres.sql(f"CREATE DATABASE {name}")
    recorder = team.session(place)
    recorder.lists(0, rollout("building_environment"))
    wait_until(lambda: len(team.journals[1].load("run_1")) == 2)
    wait_until(lambda: team.journals[0].opened == 1)
    await recalled(mate)
    assert [seen.phase for seen in mate.watch.observations("rol_1")] == [
        "building_environment",
        "agent_running",
    ]


def test_two_polls_are_time_enough() -> None:
    assert FLUSH_AFTER_S + FOLLOWED_EVERY_S < 2 * SHORTEST_INTERVAL_S
