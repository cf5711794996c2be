"""What a screen is given: what is in force, and how to tell something or go somewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, cast

from textual.dom import DOMNode

from gymtui.config.settings import ProfileInfo
from gymtui.session.actions import Verb
from gymtui.session.input_priority import InputPriority
from gymtui.session.saved_layout import SavedLayout
from gymtui.session.session import Session
from gymtui.tui.context.key_bindings import KeyBindings
from gymtui.tui.context.keymap import Scope
from gymtui.tui.context.preferences import Appearance
from gymtui.tui.context.routes import Route
from gymtui.tui.context.theme import Palette
from gymtui.tui.runtime.gc_control import GcControl


class Services:
    """What every screen may use of the program around it; as it stands here, without a gym."""

    palette: Palette
    """The colours in force."""
    keys: KeyBindings
    """The keys in force."""
    appearance: Appearance
    saved_layout: SavedLayout
    """What the person arranged on screen."""
    guided: bool
    """Whether each screen says what there is to try."""
    quit_remark: str
    """What goes on without the program, said to whoever wants to quit."""
    input_priority: InputPriority
    gc_control: GcControl
    session: Session | None = None
    """The session with the gym; None where files are read."""

    @property
    def read_only(self) -> bool:
        """Whether nothing may be changed."""
        return True

    @property
    def away_since(self) -> datetime | None:
        """Since when the person was away last, on our clock; None if that is not known."""
        return None

    def now(self) -> datetime:
        """The server's time, else ours."""
        return datetime.now(UTC)

    def wall_clock(self) -> str:
        """The time of day here, as `14:05`."""
        return datetime.now().astimezone().strftime("%H:%M")

    def notify(
        self,
        message: str,
        *,
        severity: Literal["information", "warning", "error"] = "information",
        timeout: float | None = None,
    ) -> None:
        """Tell something for a while. Any text may be given."""

    def copy_to_clipboard(self, text: str, *, as_received: bool = False) -> None:
        """Copy, and say so; `as_received` keeps what would act where it is pasted."""

    def navigate(self, route: Route) -> None:
        """Go somewhere."""

    def show_replay(self, run_id: str | None) -> None:
        """Play what was recorded of the gym, at a run's begin; None for the recording's."""

    def go_back(self, *, quit_at_end: bool) -> None:
        """Leave the top screen; at the first one quit, if that is meant."""

    def go_to_runs(self) -> None:
        """Leave every screen but the first."""

    def show_help(self, scopes: Sequence[Scope]) -> None:
        """Show the keys, those of these scopes first."""

    def view_changed(self) -> None:
        """Another part of what is known is on screen: poll for that."""

    def refresh_now(self) -> None:
        """Ask the gym now, and draw everything anew."""

    def ask_to(
        self, verb: Verb, run_ids: Sequence[str], *, hidden: frozenset[str] = frozenset()
    ) -> None:
        """Ask whether to cancel or delete runs, some `hidden` by the filter, and do it if so."""

    @property
    def other_profiles(self) -> Sequence[ProfileInfo]:
        """The profiles that can be switched to, without the one in use."""
        return ()

    def switch_profile(self, profile: ProfileInfo) -> None:
        """Go to the gym of another profile."""

    def switch_source(self, source: str | None) -> None:
        """List another source's runs; None stays."""


def services_of(node: DOMNode) -> Services:
    """What the app around a node offers; every app of ours does."""
    return cast("Services", node.app)
