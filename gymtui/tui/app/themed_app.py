"""The app that every app with a theme is: which theme it is drawn with, and how that is changed.

What was chosen and arranged in it is written here, beside the event loop. What a theme's file may
say is `theme_files`, what is drawn with it `tui.context.theme`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from textual import events, on
from textual.filter import LineFilter, Monochrome, NoColor
from textual.timer import Timer
from textual.worker import Worker

from gymtui.config import theme_files
from gymtui.config.schema import Problem
from gymtui.config.theme_files import ThemeFile
from gymtui.core.replacement import replace
from gymtui.session.saved_layout import SavedLayout
from gymtui.tui.context.preferences import Appearance
from gymtui.tui.context.theme import Palette, colourless_palette, palette_of
from gymtui.tui.kit.themed_widget import ThemedWidget
from gymtui.tui.runtime.crash_report import Reporter
from gymtui.tui.runtime.guard import GuardedApp
from gymtui.tui.runtime.line_filters import Ascii, Colourless
from gymtui.tui.runtime.stylesheet import ThemeStylesheet

SAVED_AFTER_S = 0.5
"""How long what was arranged waits to be written: a key held down is one write."""
PROBLEMS_SHOWN = 4
"""How many of them: a picture is to be seen beside them."""
PROBLEMS_SHOWN_S = 15.0
"""How long what is wrong with settings or themes is told."""


class ThemedApp(GuardedApp):
    """An app that is drawn with a theme; one that is chosen in it is kept with the layout."""

    def __init__(
        self,
        *,
        reporter: Reporter,
        appearance: Appearance,
        saved_layout: SavedLayout,
        **options: Any,
    ) -> None:
        self.appearance = appearance
        self.saved_layout = saved_layout
        self.theme_problems: list[Problem] = []
        """What was wrong with themes when it started."""
        self._theme_number = 0
        self._reducing_filters: list[LineFilter] = []
        if not self.appearance.colour:
            self._reducing_filters.append(Colourless())
        if self.appearance.ascii:
            self._reducing_filters.append(Ascii(self.appearance.terminal.charset))
        self.palette: Palette = self._first_palette()
        super().__init__(reporter=reporter, colour=self.appearance.colour, **options)
        self.no_color = not self.appearance.colour
        # Its rules are parsed for the theme from the beginning, not for the framework's own first.
        self._register_palette()
        self.set_reactive(ThemedApp.theme, self._theme_name)
        self.stylesheet = ThemeStylesheet(variables=self.get_css_variables())
        self._saving: Timer | None = None
        self.saved_layout.on_change = self._save_soon

    # -- what was arranged -----------------------------------------------------------------

    def _save_soon(self) -> None:
        """Write a little later and elsewhere: a disk may be slow, and keys come in bursts."""
        if self._saving is None:
            self._saving = self.set_timer(SAVED_AFTER_S, self._save)

    def _save(self) -> None:
        self._saving = None
        saving = partial(asyncio.to_thread, self.saved_layout.save)
        _: Worker[None] = self.run_worker(saving, group="arrangement", exit_on_error=True)

    @on(events.Unmount)
    def _save_now(self) -> None:
        """Write what is not written yet."""
        self.saved_layout.on_change = None
        self.saved_layout.save()

    # -- themes ----------------------------------------------------------------------------

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Put what the terminal cannot show behind everything else."""
        # The framework draws without colours in shades of grey, which are colours too.
        others = super().get_line_filters()
        kept = [each for each in others if not isinstance(each, Monochrome | NoColor)]
        return [*kept, *self._reducing_filters]

    def _first_palette(self) -> Palette:
        """The theme to start with: as told, else as chosen last time, else our own choice."""
        appearance = self.appearance
        if not appearance.colour:
            return colourless_palette()
        few = appearance.terminal.few_colours
        for name, theme_origin in (
            (appearance.theme, appearance.theme_origin),
            (self.saved_layout.theme, "the last chosen theme"),
            (theme_files.DEFAULT_ANSI if few else theme_files.DEFAULT, "theme"),
        ):
            if name is not None and (
                theme := self._read_theme(name, theme_origin, self.theme_problems)
            ):
                return palette_of(theme)
        return colourless_palette()

    def _read_theme(
        self, name: str, theme_origin: str, problems: list[Problem]
    ) -> ThemeFile | None:
        found = theme_files.read_theme(name, self.appearance.theme_directories, theme_origin)
        problems += found.problems
        return found.theme

    def theme_names(self) -> list[str]:
        """The themes there are."""
        return theme_files.theme_names(self.appearance.theme_directories)

    def choose_theme(self, name: str) -> None:
        """Draw everything with another theme from now on, and start with it the next time.

        If it is broken that is told, and all stays as it is.
        """
        if not self.appearance.colour:
            term = self.appearance.terminal.term
            bare = term.startswith("vt") or term.endswith("-m")
            why = f"TERM is {term}" if bare else "NO_COLOR"
            self.notify(f"theme {name} not applied: no colours ({why})")
            return
        if not self._switch_theme(name):
            return
        self.saved_layout.choose_theme(name)
        wanted = self.appearance.theme
        if wanted is not None and wanted != name:
            self.notify(f"theme {name} until exit; {self.appearance.theme_origin} sets {wanted}")

    def apply_named_theme(self, name: str) -> None:
        """Draw everything with the theme that settings name; it is not the person's choice.

        If it is broken that is told, and all stays as it is.
        """
        if self.appearance.colour:
            self._switch_theme(name)

    def reload_theme(self) -> None:
        """Read the theme's file again; if it is broken that is told, and the last good stays."""
        name = self.palette.name
        if self.appearance.colour and self._switch_theme(name):
            self.notify(f"reloaded theme {name}", timeout=3)

    def _switch_theme(self, name: str) -> bool:
        problems: list[Problem] = []
        theme = self._read_theme(name, "theme", problems)
        self.notify_problems(problems)
        if theme is None:
            return False
        self.palette = palette_of(theme)
        self.apply_theme()
        for screen in self.screen_stack:
            for node in screen.walk_children():
                if isinstance(node, ThemedWidget):
                    node.paint(self.palette)
        return True

    def apply_theme(self) -> None:
        """Hand the palette to the framework, which knows a theme by its name alone."""
        before = self._theme_name
        self._theme_number += 1
        self._register_palette()
        self.theme = self._theme_name
        self.unregister_theme(before)

    @property
    def _theme_name(self) -> str:
        return f"gymtui-{self._theme_number}"

    def _register_palette(self) -> None:
        self.register_theme(replace(self.palette.framework, name=self._theme_name))

    def notify_problems(self, problems: Sequence[Problem]) -> None:
        """Say what is wrong with settings or themes, for who sees no standard error."""
        if problems:
            words = "\n".join(map(str, problems[:PROBLEMS_SHOWN]))
            title = "settings"
            if len(problems) > PROBLEMS_SHOWN:
                title = f"settings: {len(problems)} problems, see `gymtui doctor`"
            self.notify(words, title=title, severity="warning", timeout=PROBLEMS_SHOWN_S)
