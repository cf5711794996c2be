"""What all tests of the screens have in common: when the app counts as having come to rest."""

from __future__ import annotations

import pytest
import textual.app
import textual.pilot

from gymtui.tui import session

from .resting import at_rest


@pytest.fixture(autouse=True)
def _rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textual.app, "wait_for_idle", at_rest)
    monkeypatch.setattr(textual.pilot, "wait_for_idle", at_rest)


@pytest.fixture
def soon_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is gone does not stay on screen for long."""
    monkeypatch.setattr(session, "GONE_SHOWN_S", 0.3)
