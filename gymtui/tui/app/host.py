"""The app that gymtui's screens are shown in, with a gym or without: what both have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Input

from gymtui.core.replacement import replace
from gymtui.session.input_priority import InputPriority
from gymtui.store.delta import Delta
from gymtui.tui.app import router
from gymtui.tui.app.palette import PaletteCommands
from gymtui.tui.app.themed_app import ThemedApp
from gymtui.tui.context.keymap import Scope
from gymtui.tui.context.preferences import Appearance, Preferences
from gymtui.tui.context.routes import Route
from gymtui.tui.context.services import Services
from gymtui.tui.kit.screen import GymScreen
from gymtui.tui.runtime.crash_report import Reporter
from gymtui.tui.runtime.gc_control import GcControl

FIRST = 1
"""Where the first screen stands on the framework's stack."""


class HostApp(ThemedApp, Services):
    """Shows `GymScreen`s, one on top of another."""

    TITLE = "gymtui"
    quit_remark = "; the runs continue"
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
        preferences: Preferences,
        guided: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            reporter=reporter,
            appearance=preferences.appearance or Appearance(),
            saved_layout=preferences.saved_layout,
        )
        self.use_command_palette = True
        self.keys = replace(preferences.keys, plain=self.appearance.ascii)
        self.guided = guided
        self._problems = tuple(preferences.problems)
        self._monotonic = monotonic
        self.input_priority = InputPriority(monotonic)
        self.gc_control = GcControl(monotonic())

    def start_with(self, screen: GymScreen) -> None:
        """Show the first screen, and what was wrong with settings and themes."""
        self.apply_theme()
        self.set_keymap(self.keys.keymap)
        for key in self.keys.command_keys:
            self.bind(key, f"user_command_at('{key}')", show=False)
        self.push_screen(screen)
        self.notify_problems((*self._problems, *self.theme_problems))

    async def on_unmount(self) -> None:
        self.gc_control.end()

    async def on_event(self, event: events.Event) -> None:
        """See that somebody is there, whoever handles the key."""
        if isinstance(event, events.InputEvent):
            self.gc_control.key_pressed(self._monotonic())
        if isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded:
            self._restore_prompt_focus()
        if isinstance(event, events.Key) and self._open_filter_early(event):
            return
        await super().on_event(event)

    def _open_filter_early(self, event: events.Key) -> bool:
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

    def _restore_prompt_focus(self) -> None:
        """Give an open line the focus back, whatever took it.

        A click on the list and a terminal that loses the focus leave the line looking active:
        what is typed or pasted belongs into it.
        """
        screen = self.screen
        if isinstance(screen, GymScreen) and screen.is_filtering:
            screen.set_focus(screen.query_one("#prompt Input", Input))

    def go_back(self, *, quit_at_end: bool) -> None:
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
            user_commands.run_command(self, self.keys.commands[name], self.screen.selection())

    @property
    def top(self) -> GymScreen | None:
        """The full screen that is seen, under whatever asks on top of it, once it is there."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, GymScreen):
                return screen if screen.ready and screen.is_attached else None
        return None

    def changed(self, delta: Delta) -> None:
        """Show what changed just now."""
        if (screen := self.top) is not None:
            screen.changed(delta)

    def navigate(self, route: Route) -> None:
        self.push_screen(router.screen_of(route))

    def go_to_runs(self) -> None:
        while len(self.screen_stack) > FIRST + 1:
            self.pop_screen()

    def show_help(self, scopes: Sequence[Scope]) -> None:
        self.push_screen(router.help_screen(scopes))

    def refresh_now(self) -> None:
        self.redraw()
