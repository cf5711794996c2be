"""What happened while nobody looked is said when somebody comes back, and listed by a key."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gymtui.store.digest import digest
from gymtui.tui.app.absence import AWAY_S, Absence
from tests.tui.staged import Clock, Life, StagedGym, pass_time, staged_dashboard

PASSED = {"status": "completed", "result": {"success": True, "message": "ok"}}


class Session:
    """A session of a gym in which something happened, or nothing."""

    def __init__(self, *, known: bool = True, happened: bool = True) -> None:
        self.settings = SimpleNamespace(base_url="https://gym.test", source="rl-gym")
        self.link = SimpleNamespace(synced=known, reading=not known)
        self._happened = happened
        self.asked: list[Any] = []

    def digest(self, since: Any) -> Any:
        self.asked.append(since)
        told = digest((), {}, since)
        return SimpleNamespace(line="since then", since=since) if self._happened else told


def test_whoever_comes_back_is_told_once(tmp_path: Path) -> None:
    now = [1_000_000.0]
    left = Absence(tmp_path, lambda: now[0])
    assert left.due(Session()) is None  # type: ignore[arg-type]  # never here before
    left.keep()
    now[0] += 7200
    asked_at_once = Absence(tmp_path, lambda: now[0]).since(Session())  # type: ignore[arg-type]
    assert asked_at_once is not None and asked_at_once.timestamp() == 1_000_000.0
    back = Absence(tmp_path, lambda: now[0])
    assert back.due(Session(known=False)) is None  # type: ignore[arg-type]
    session = Session()
    assert back.due(session) is not None  # type: ignore[arg-type]
    assert [since.timestamp() for since in session.asked] == [1_000_000.0]
    assert back.due(session) is None  # type: ignore[arg-type]
    back.key_pressed()
    now[0] += AWAY_S + 1
    assert back.due(session) is None  # type: ignore[arg-type]  # nobody is back yet
    back.key_pressed()
    assert back.due(session) is not None  # type: ignore[arg-type]
    back.key_pressed()
    now[0] += AWAY_S + 1
    back.key_pressed()
    assert back.due(Session(happened=False)) is None  # type: ignore[arg-type]


def test_where_nothing_is_kept_nobody_was_away() -> None:
    now = [0.0]
    played = Absence(None, lambda: now[0])
    now[0] = 1e9
    played.key_pressed()
    assert played.since(Session()) is None and played.due(Session()) is None  # type: ignore[arg-type]


def test_a_broken_file_is_no_absence(tmp_path: Path) -> None:
    for text in ("", "[]", '{"https://gym.test rl-gym": "x"}', '{"https://gym.test rl-gym": 1e99}'):
        (tmp_path / "last-seen.json").write_text(text)
        assert Absence(tmp_path, lambda: 5.0).due(Session()) is None  # type: ignore[arg-type]


async def test_a_key_lists_it_and_leads_to_the_run(tmp_path: Path) -> None:
    gym = StagedGym(clock=Clock())
    gym.live("night-1", "book", Life(2, (4, 3, 12, 4), PASSED))
    async with staged_dashboard(gym, tmp_path, (100, 24)) as person:
        await person.sees("night-1")
        await pass_time(person, 40.0)
        await person.press("S")
        await person.sees("1 finished", "night-1: finished, pass@1 100% of 1")
        await person.press("enter")
        await person.until(lambda: type(person.app.screen).__name__ == "RolloutsScreen")
