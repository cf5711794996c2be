"""A short list to choose from, on top of a screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from gymtui.core.text import clean
from gymtui.tui.context.keymap import Scope, bindings
from gymtui.tui.kit.dialog import Dialog
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.rollout_details import wrap_words
from gymtui.tui.kit.styled_text import Cell, StyledText

_FRAME = 6
"""Lines of the box that are no choice: border, title, keys, and the lines between."""
_TITLE_LINES = 3
_CELLS, _WIDE = 44, 100
"""The width of the box, as its style sheet says, and where choices are sentences."""
_SHARE = 0.9
"""Of the screen's height that the box takes at most, as its style sheet says."""


_KEYS = {"menu-choose": "choose", "menu-switch": "show or hide", "menu-leave": "leave"}


class Choice(Struct, frozen=True):
    """One line of a menu."""

    key: str
    title: str
    is_current: bool = False  # whether it is what is in force
    is_on: bool | None = None  # whether it is switched on; None where there is nothing to switch


class MenuScreen(Dialog[str | None]):
    """Its result is the key that was chosen, or None.

    Args:
        wide: Whether its choices are sentences.
        switch: Called with a choice to switch it on or off; gives the choices as they are then.
    """

    BINDINGS = bindings(Scope.MENU)
    DEFAULT_CSS = """
    MenuScreen > Vertical { width: 44; }
    MenuScreen.wide > Vertical { width: 100; }
    """

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        switch: Callable[[str], Sequence[Choice]] | None = None,
        *,
        wide: bool = False,
    ) -> None:
        super().__init__(classes="wide" if wide else None)
        self._title = title
        self._choices = tuple(choices)
        self._switch = switch
        self._top = 0
        self._cursor = next((n for n, choice in enumerate(self._choices) if choice.is_current), 0)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Lines(self.services.palette, id="menu")

    def on_mount(self) -> None:
        self._show()

    def on_resize(self, event: events.Resize) -> None:
        self._show()

    def _window(self) -> range:
        """The choices that are seen: all, or those around the one the cursor stands on."""
        room = max(int(self.app.size.height * _SHARE) - _FRAME - len(self._title_lines) + 1, 1)
        last = max(len(self._choices) - room, 0)
        self._top = min(max(self._top, self._cursor - room + 1), self._cursor, last)
        return range(self._top, min(self._top + room, len(self._choices)))

    @property
    def _title_lines(self) -> Sequence[str]:
        width = _WIDE if self.has_class("wide") else _CELLS
        cells = min(width, self.app.size.width * 96 // 100) - 6
        return wrap_words(clean(self._title), cells, cells, _TITLE_LINES)

    def _show(self) -> None:
        seen = self._window()
        above, below = seen.start, len(self._choices) - seen.stop
        lines = [Line((StyledText(line, "heading"),)) for line in self._title_lines]
        lines.append(Line(_more("↑", above)))
        switched = self._switch is not None
        for number in seen:
            choice = self._choices[number]
            here = number == self._cursor
            mark = {None: "  " if switched else "", True: "■ ", False: "□ "}[choice.is_on]
            style = "strong" if here else "muted" if choice.is_on is False else ""
            edge = StyledText("▌" if here else " ", "accent")
            left = (edge, StyledText(f"{mark}{choice.title}", style))
            lines.append(Line(left, (StyledText("●", "accent"),) if choice.is_current else ()))
        keys: list[StyledText] = []
        for name, words in _KEYS.items():
            if switched or name != "menu-switch":
                key = f"{'  ' if keys else ''}{self.services.keys.key_for(name)} "
                keys += [StyledText(key, "key"), StyledText(words, "muted")]
        lines += [Line(_more("↓", below)), Line(tuple(keys))]
        self.query_one("#menu", Lines).show(lines)

    def action_move(self, step: int) -> None:
        self._cursor = (self._cursor + step) % len(self._choices)
        self._show()

    def action_choose(self) -> None:
        self.dismiss(self._choices[self._cursor].key)

    def action_switch(self) -> None:
        if self._switch is None or self._choices[self._cursor].is_on is None:
            refuse(self, "nothing to show or hide here")
        else:
            self._choices = tuple(self._switch(self._choices[self._cursor].key))
            self._show()

    def action_leave(self) -> None:
        self.dismiss(None)


def _more(arrow: str, choices: int) -> Cell:
    return (StyledText(f" {arrow} {choices} more", "muted"),) if choices else ()
