"""The app that gymtui's screens are shown in, with a gym or without: what both have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Input

from gymtui.config.schema import Problem
from gymtui.config.settings import ProfileInfo
from gymtui.core.replacement import replace
from gymtui.session.actions import Verb
from gymtui.session.input_priority import InputPriority
from gymtui.session.saved_layout import SavedLayout
from gymtui.session.session import Session
from gymtui.tui.app import router
from gymtui.tui.app.palette import PaletteCommands
from gymtui.tui.app.themed_app import ThemedApp
from gymtui.tui.context.appearance import Appearance
from gymtui.tui.context.key_bindings import KeyBindings, put_in_force
from gymtui.tui.context.keymap import Scope
from gymtui.tui.context.routes import Route
from gymtui.tui.context.services import Services
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.runtime.crash_report import Reporter
from gymtui.tui.runtime.gc_control import GcControl

FIRST = 1
"""Where the first screen stands on the framework's stack."""


class HostApp(ThemedApp[None]):
    """Shows `GymScreen`s, one on top of another.

    Args:
        appearance: How it is to look; by default on a terminal that can all.
        saved_layout: What the person arranged on screen; by default nothing, kept nowhere.
        problems: What was wrong with the settings, to be told at the start.
        guided: Whether each screen says what there is to try.
    """

    TITLE = "gymtui"
    quit_remark = "; the runs continue"
    """What goes on without it, said to whoever wants to quit."""
    session: Session | None = None
    """Without a gym there is none."""
    CSS_PATH = "app.tcss"
    # The framework's own key for its palette would act before, and on top of, any question.
    ENABLE_COMMAND_PALETTE = False
    COMMANDS = {PaletteCommands}  # noqa: RUF012  (the framework's own declaration)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", show=False, priority=True, id="quit"),
        Binding("ctrl+z", "suspend_process", show=False, priority=True, id="suspend"),
    ]

    def __init__(
        self,
        *,
        reporter: Reporter,
        appearance: Appearance | None,
        saved_layout: SavedLayout | None,
        keys: KeyBindings,
        problems: Sequence[Problem],
        guided: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(reporter=reporter, appearance=appearance, saved_layout=saved_layout)
        self.use_command_palette = True
        self.keys = replace(keys, plain=self.appearance.ascii)
        self.guided = guided
        self._problems = tuple(problems)
        self._monotonic = monotonic
        self.input_priority = InputPriority(monotonic)
        self.gc_control = GcControl(monotonic())

    def start_with(self, screen: GymScreen) -> None:
        """Show the first screen, and what was wrong with settings and themes."""
        self.apply_theme()
        put_in_force(self, self.keys)
        self.push_screen(screen)
        self.tell_problems((*self._problems, *self.theme_problems))

    async def on_unmount(self) -> None:
        """Leave the collector of garbage as it was."""
        self.gc_control.end()

    async def on_event(self, event: events.Event) -> None:
        """See that somebody is there, whoever handles the key."""
        if isinstance(event, events.InputEvent):
            self.gc_control.key_pressed(self._monotonic())
        if isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded:
            self._keep_typing()
        if isinstance(event, events.Key) and self._opens_filter(event):
            return
        await super().on_event(event)

    def _opens_filter(self, event: events.Key) -> bool:
        """Open the filter's line before the next key is looked at, if that is what the key does.

        A key's binding runs when the key has been handed from widget to widget, by which time
        the rest of what was typed in a burst (over a slow line, or pasted) has been handed to
        the list, and would be lost.
        """
        screen = self.screen
        if event.is_forwarded or not isinstance(screen, GymScreen):
            return False
        if isinstance(screen.focused, Input):  # there it is a character
            return False
        active = screen.active_bindings.get(event.key)
        if active is None or not active.enabled or active.binding.action != "filter":
            return False
        screen.action_filter()
        return True

    def _keep_typing(self) -> None:
        """Give an open line the focus back, whatever took it.

        A click on the list and a terminal that loses the focus leave the line looking active:
        what is typed or pasted belongs into it.
        """
        screen = self.screen
        if (
            isinstance(screen, GymScreen)
            and screen.filtering
            and not isinstance(screen.focused, Input)
        ):
            screen.set_focus(screen.query_one("#prompt Input", Input))

    def go_back(self, *, quit_at_end: bool) -> None:
        """Leave the top screen; at the first one quit, if that is meant."""
        if len(self.screen_stack) > 2:
            self.pop_screen()
        elif quit_at_end:
            self.exit()
        else:
            self.notify(f"nothing to go back to · {self.keys.label('leave')} quits", timeout=2)

    def action_user_command_at(self, key: str) -> None:
        """Run the person's own command that a key is bound to on this screen."""
        if isinstance(self.screen, GymScreen):
            name = self.keys.command_at(key, self.screen.scopes)
            if name is not None:
                self.action_user_command(name)

    def action_user_command(self, name: str) -> None:
        """Run a command of the person's own on what is selected."""
        from gymtui.tui.app import user_commands

        if isinstance(self.screen, GymScreen):
            user_commands.start(self, self.keys.commands[name], self.screen.selection())

    @property
    def top(self) -> GymScreen | None:
        """The full screen that is seen, under whatever asks on top of it, once it is there."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, GymScreen):
                return screen if screen.ready and screen.is_attached else None
        return None

    @property
    def services(self) -> Services:
        """What screens may use of this."""
        return self

    @property
    def read_only(self) -> bool:
        """Files are only read."""
        return True

    @property
    def away_since(self) -> datetime | None:
        """Files do not change."""
        return None

    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)

    def wall_clock(self) -> str:
        """The time of day here."""
        return datetime.now().astimezone().strftime("%H:%M")

    def navigate(self, route: Route) -> None:
        """Show what a route leads to."""
        self.push_screen(router.screen_of(route))

    def show_replay(self, run_id: str | None) -> None:
        """Nothing is recorded without a gym."""

    def go_to_runs(self) -> None:
        """Leave every screen but the first."""
        while len(self.screen_stack) > FIRST + 1:
            self.pop_screen()

    def show_help(self, scopes: Sequence[Scope]) -> None:
        """Show the keys."""
        self.push_screen(router.help_screen(scopes))

    def view_changed(self) -> None:
        """Nobody polls."""

    def refresh_now(self) -> None:
        """Draw everything anew."""
        self.redraw()

    def ask_to(
        self, verb: Verb, run_ids: Sequence[str], *, hidden: frozenset[str] = frozenset()
    ) -> None:
        """There is nothing to change."""

    @property
    def other_profiles(self) -> Sequence[ProfileInfo]:
        """There are none."""
        return ()

    def switch_profile(self, profile: ProfileInfo) -> None:
        """There are none."""

    def switch_source(self, source: str | None) -> None:
        """There are no sources."""
