"""What all tests of the screens have in common: when an app is at rest, what is done but once."""

from __future__ import annotations

import pytest
import textual._callback
import textual.app
import textual.message_pump
import textual.pilot
from textual._compositor import Compositor
from textual.css.stylesheet import Stylesheet
from textual.message_pump import MessagePump
from textual.pilot import Pilot

from gymtui.session import run_actions
from gymtui.tui.app import host
from gymtui.tui.runtime.gc_control import GcControl
from tests.tui import dispatch, frames
from tests.tui.idle_app import at_rest, others_handled
from tests.tui.parsed import apply_once, parse_once, parse_rules_once


class NoHousekeeping(GcControl):
    """Leaves the process, in which some hundred apps follow each other, as it is."""

    def begin(self) -> None:
        """Set nothing aside."""

    def end(self) -> None:
        """Look through nothing that others set aside."""

    def came(self, rows: int) -> None:
        """Set nothing aside."""

    def freeze(self) -> None:
        """Set nothing aside: an app's garbage would stay with it."""


@pytest.fixture(autouse=True)
def _rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textual.app, "wait_for_idle", at_rest)
    monkeypatch.setattr(textual.pilot, "wait_for_idle", at_rest)
    monkeypatch.setattr(Pilot, "_wait_for_screen", others_handled)
    dispatch.places.clear()  # a test may have given a class another method
    monkeypatch.setattr(MessagePump, "_get_dispatch_methods", dispatch.dispatch_methods)
    monkeypatch.setattr(textual._callback, "_count_parameters", dispatch.count_parameters)
    monkeypatch.setattr(textual.message_pump, "log", dispatch.Silent())
    monkeypatch.setattr(Compositor, "render_update", frames.put_off)
    monkeypatch.setattr(Compositor, "render_strips", frames.strips_of)
    monkeypatch.setattr(Stylesheet, "_parse_rules", parse_rules_once)
    monkeypatch.setattr(Stylesheet, "parse", parse_once)
    monkeypatch.setattr(Stylesheet, "apply", apply_once)
    monkeypatch.setattr(host, "GcControl", NoHousekeeping)


@pytest.fixture
def soon_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is gone does not stay on screen for long."""
    monkeypatch.setattr(run_actions, "SHOWN_S", 0.3)
