"""Settings of the dashboard, from what was settled to the part of it that heeds them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gymtui.cli import dashboard
from gymtui.cli.dashboard import Storage, open_dashboard
from gymtui.config.settings import LoadedSettings, Settings
from gymtui.session.alerts import AlertKind, RunAlert
from gymtui.store.lists.columns import RunView
from gymtui.store.records import RunRow
from gymtui.tui.app import notifier
from gymtui.tui.app.app import GymtuiApp
from tests.helpers.environment import isolated

URL = "http://127.0.0.1:9"


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., GymtuiApp]]:
    """Makes a dashboard as far as it goes without a terminal."""
    log = logging.getLogger("gymtui")
    level, handlers = log.level, [*log.handlers]
    monkeypatch.setattr(log, "propagate", log.propagate)
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    apps: list[GymtuiApp] = []
    monkeypatch.setattr(dashboard, "run_guarded", lambda app: apps.append(app) or 0)

    def make(**settings: Any) -> GymtuiApp:
        env = isolated(tmp_path, {"GYMTUI_STATE_DIR": str(tmp_path)})
        loaded = LoadedSettings(Settings(base_url=URL, **settings))
        assert open_dashboard(loaded, env, storage=Storage()) == 0
        return apps[-1]

    yield make
    log.setLevel(level)
    for handler in [one for one in log.handlers if one not in handlers]:
        log.removeHandler(handler)
        handler.close()


@pytest.mark.parametrize(
    ("name", "value", "heeded"),
    [
        ("source", "all", lambda app: app.session._view.source),
        ("scenario", "sales", lambda app: app.session._view.scenario_id),
        ("interval_s", 7.0, lambda app: app.session.poller.link.interval_s),
        ("max_requests_per_s", 2.0, lambda app: app.session.poller._flights.budget.most_per_s),
        ("theme", "day", lambda app: app.appearance.theme),
        ("ascii", True, lambda app: app.appearance.ascii),
        ("debug", True, lambda _: logging.getLogger("gymtui").level == logging.DEBUG),
        ("watch_all", True, lambda app: app.session.alerts._everything),
        ("fail_share", 0.25, lambda app: app.session.alerts._fail_share),
        ("read_only", True, lambda app: app.read_only),
    ],
)
def test_a_setting_is_heeded(
    opened: Callable[..., GymtuiApp],
    name: str,
    value: object,
    heeded: Callable[[GymtuiApp], object],
) -> None:
    assert heeded(opened()) != value
    assert heeded(opened(**{name: value})) == value


class Listener:
    """Hears in which ways a person is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def notify(self, *_: object, **__: object) -> None:
        self.heard.append("toast")

    def bell(self) -> None:
        self.heard.append("bell")

    def write_terminal(self, _: str) -> None:
        self.heard.append("desktop")


@pytest.mark.parametrize(
    ("settings", "ways"),
    [
        ({}, ["toast", "bell"]),
        ({"bell": False}, ["toast"]),
        ({"desktop": True}, ["toast", "desktop", "bell"]),
    ],
)
def test_one_is_told_in_the_ways_that_are_wanted(settings: dict[str, Any], ways: list[str]) -> None:
    listener: Any = Listener()
    ended = RunAlert(AlertKind.FINISHED, RunView(RunRow("nightly", b"{}", 0.0, None), None))
    notifier.notify_alert(listener, Settings(base_url=URL, **settings), [ended], {})
    assert listener.heard == ways
