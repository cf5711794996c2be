"""What every full screen has: the status line, the footer, the filter's line, the common keys.

A screen shows what the store knows. It never fetches: it says what it looks at (`poll_target`), and
is told what changed (`changed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from gymtui.core.replacement import replace
from gymtui.poll.view import View
from gymtui.session.session import Session
from gymtui.store.delta import Delta
from gymtui.tui.context.keymap import Key, Scope, bindings, scopes_of
from gymtui.tui.context.routes import PLACES, OpenActions, OpenRun
from gymtui.tui.context.selection import Selection
from gymtui.tui.context.services import Services, services_of
from gymtui.tui.kit.breadcrumb import fit_name_in
from gymtui.tui.kit.footer import footer_line, tip
from gymtui.tui.kit.grid import Grid
from gymtui.tui.kit.lines import Line, Lines
from gymtui.tui.kit.prompt import PromptInput
from gymtui.tui.kit.refusal import refuse
from gymtui.tui.kit.status_line import banner, freshness_cell
from gymtui.tui.kit.styled_text import Cell, StyledText, width_of
from gymtui.tui.kit.text_question import edit_note
from gymtui.tui.runtime.frame_timer import FrameTimerMixin


def run_key_action(screen: Screen[Any], action: str) -> None:
    """Do what a key does, at whatever would have met it first."""
    name = action.partition("(")[0]
    start = screen.focused or screen
    for node in start.ancestors_with_self:
        if isinstance(node, Widget) and ("." in name or hasattr(node, f"action_{name}")):
            screen.app.call_later(node.run_action, action)
            return


class GymScreen(FrameTimerMixin, Screen[None]):
    """A full screen of the dashboard; a subclass names the `scope` of its own keys."""

    BINDINGS = bindings(Scope.EVERYWHERE)
    AUTO_FOCUS = ".main"
    BLANK = True
    """Its widgets cover it: nothing of its own is worth drawing line by line."""
    DEFAULT_CSS = """
    GymScreen { background: $background; }
    GymScreen #prompt { height: 1; display: none; background: $surface; }
    GymScreen #prompt Input { width: 1fr; border: none; padding: 0; background: $surface; }
    GymScreen #slash { width: 3; }
    GymScreen.filtering #prompt { display: block; }
    GymScreen.filtering #footer { display: none; }
    GymScreen #banner { display: none; }
    GymScreen #banner.shown { display: block; }
    """
    shows_run: str | None = None
    """The run whose rollouts it lists; None for screens that list something else."""
    scopes: ClassVar[tuple[Scope, ...]] = scopes_of(Scope.EVERYWHERE)
    """Where its keys are found, the screen's own before the general ones."""
    prompt: ClassVar[str] = "filter"
    can_filter: ClassVar[bool] = True
    """Whether there is anything in it to filter or to search."""
    is_first: ClassVar[bool] = False
    """Whether leaving it leaves the program."""
    has_tip: ClassVar[bool] = True
    """Whether what its scope suggests to try fits this very screen."""

    mistake_range = range(0)
    """Which characters of what is typed for a filter are wrong."""
    hint: str | None = None
    """What is to be said of what is typed."""
    ready = False
    """Whether its widgets are there, so that it can be told of changes."""

    def __init_subclass__(cls, scope: Scope | None = None, **options: Any) -> None:
        if scope is not None:
            cls.BINDINGS, cls.scopes = bindings(scope), scopes_of(scope)
        super().__init_subclass__(**options)

    def __init__(self) -> None:
        super().__init__()
        self._known_lines: dict[str, Lines] = {}

    @property
    def services(self) -> Services:
        """What the program around it offers."""
        return services_of(self)

    @property
    def session(self) -> Session:
        """The session with the gym; not to be asked for where files are read."""
        session = self.services.session
        if session is None:
            raise RuntimeError("no gym here")
        return session

    def lines(self, name: str) -> Lines:
        """Lines of this screen by their id.

        Those met once are remembered: what comes in while the screen is taken down finds them
        still, and what it writes there is simply not drawn.
        """
        known = self._known_lines.get(name)
        if known is None:
            known = self._known_lines[name] = self.query_one(f"#{name}", Lines)
        return known

    # -- for the screens -------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """The widgets between the status line and the footer."""
        raise NotImplementedError

    def breadcrumb(self) -> Cell:
        """The status line's left end."""
        raise NotImplementedError

    def fit_name(self, name: str, *, beside: int = 0) -> str:
        """A name on the way here, cut in the middle where the cells `beside` it need its room."""
        return fit_name_in(self.size.width - beside, name)

    def poll_target(self, view: View) -> View:
        """What the poller should ask for while this screen is up."""
        return view

    def changed(self, delta: Delta) -> None:
        """Show what the store knows now; an empty delta means that only time has passed."""

    def dim(self, dimmed: bool) -> None:
        """Show what is listed as old, or as fresh again."""
        for grid in self.query(Grid):
            grid.dimmed = dimmed

    def apply_filter(self, text: str) -> str | None:
        """Take what is typed as filter or search; what is wrong with it, or None."""
        return None

    def completions(self, text: str) -> Sequence[str]:
        """All that what is typed up to the cursor can be gone on with."""
        return ()

    def summarise(self) -> None:
        """Write what stands around the body anew: numbers, and what is wrong with what is typed."""

    def filter_text(self) -> str:
        """What the filter is now."""
        return ""

    def selection(self) -> Selection:
        """What is marked, else what the cursor is on."""
        return Selection()

    def selected_text(self) -> str:
        """What is selected of a text, with the mouse."""
        return ""

    def undo(self) -> bool:
        """Undo one thing (a filter, marks); False when there is nothing left to undo."""
        return False

    @property
    def _tip(self) -> Cell:
        """What to try here, in the demo."""
        if not (self.services.guided and self.has_tip):
            return ()
        return tip(self.scopes[0], self.size.width - 2, plain=self.services.appearance.ascii)

    def compose(self) -> ComposeResult:
        palette = self.services.palette
        yield Lines(palette, id="status")
        yield Lines(palette, id="banner")
        yield from self.body()
        if self._tip:
            yield Lines(palette, id="tip")
        with Horizontal(id="prompt"):
            yield Lines(palette, id="slash")
            yield self.prompt_input()
        yield Lines(palette, id="footer")

    def prompt_input(self) -> Input:
        """The line that a filter or a search is typed into."""
        return PromptInput(
            self.completions,
            placeholder=self.prompt,
            wrong=lambda: (self.mistake_range, self.services.palette.styles["failed"]),
        )

    def on_mount(self) -> None:
        self.query_one("#prompt Input", Input).cursor_blink = False
        self.lines("slash").show([Line((StyledText("/", "key"),), bar=True)])
        self.ready = True
        self._catch_up()

    # Of a message's handlers the framework calls those of base classes, too: none calls `super`.

    def on_screen_resume(self) -> None:
        if self.ready:
            self._catch_up()

    def _catch_up(self) -> None:
        self.show_frame()
        session = self.services.session
        self.changed(session.everything() if session is not None else Delta())
        self.services.view_changed()

    def on_resize(self, event: events.Resize) -> None:
        self.show_frame()

    def show_frame(self) -> None:
        """Write status line, banner and footer anew."""
        if not self.ready:
            return
        where = self.breadcrumb()
        link = freshness_cell(self.services, self.size.width - width_of(where) - 3)
        self.lines("status").show([Line(where, link, bar=True)])
        lines = self.lines("banner")
        cells = banner(self.services, self.size.width - 2)
        lines.set_class(bool(cells), "shown")
        if cells:
            again = "key:refresh_now"  # what it says can be done about it
            linked = (tuple(replace(piece, target=again) for piece in cell) for cell in cells)
            lines.show([Line(cell, bar=True) for cell in linked])
        self.show_footer()

    def show_footer(self) -> None:
        """Write the keys that there is room for, and in the demo what there is to try."""
        if not self.ready:
            return
        if self._tip:
            self.lines("tip").show([Line(self._tip)])
        line = footer_line(
            self.footer_keys(),
            self.size.width - 4,
            self.services.keys,
            first=self.is_first,
            searches=bool({Scope.TEXT, Scope.SEARCH} & set(self.scopes)),
        )
        self.lines("footer").show([line])

    def footer_keys(self) -> list[Key]:
        """The keys worth showing, most wanted first."""
        found = self.services.keys.of(self.scopes, read_only=self.services.read_only)
        left_out = () if self.can_filter else ("filter", "pause")
        return [key for key in found if key.short and key.name not in left_out]

    # -- mouse -----------------------------------------------------------------------------

    def on_lines_clicked(self, event: Lines.Clicked) -> None:
        """Do what the key that was clicked does, or go where the name that was clicked leads."""
        event.stop()
        kind, _, what = event.target.partition(":")
        if kind == "key":
            run_key_action(self, what)
        elif kind == "run":
            self.services.navigate(OpenRun(what))
        else:
            self.services.go_to_runs()

    # -- filter line -----------------------------------------------------------------------

    @property
    def is_filtering(self) -> bool:
        """Whether the filter's line is open."""
        return self.has_class("filtering")

    def action_filter(self) -> None:
        """Open the filter's line, what stood there selected: typing replaces it, an arrow keeps."""
        if not self.can_filter:
            refuse(self, "nothing to filter here")
            return
        field = self.query_one("#prompt Input", Input)
        self.add_class("filtering")
        field.value = self.filter_text()
        field.select_all()
        # At once: keys typed in one burst belong in it from the first on.
        self.set_focus(field)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed; a mistake is told and the last good filter stays."""
        event.stop()
        if not self.is_filtering:
            return
        self._set_hint(self.apply_filter(event.value))
        event.input.refresh()
        self.show_frame()

    def _set_hint(self, wrong: str | None) -> None:
        if wrong != self.hint:
            self.hint = wrong
            self.summarise()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and go back to the list; a mistake keeps the line open."""
        event.stop()
        if self.hint is None:
            self.close_prompt()

    def close_prompt(self) -> None:
        """Put the filter's line away."""
        self.mistake_range = range(0)
        self._set_hint(None)
        self.remove_class("filtering")
        self.set_focus(self.query(".main").first())
        self.show_frame()

    # -- keys that every screen has --------------------------------------------------------

    def action_back(self) -> None:
        if self.is_filtering:
            self.apply_filter("")
            self.close_prompt()
        elif not self.undo():
            self.services.go_back(quit_at_end=False)

    def action_leave(self) -> None:
        self.services.go_back(quit_at_end=True)

    def action_refresh_now(self) -> None:
        self.services.refresh_now()

    def action_pause(self) -> None:
        poller = self.session.poller
        poller.pause(not poller.link.paused)
        self.show_frame()

    def action_go(self, place: str) -> None:
        """Go to a screen that is the same wherever one comes from."""
        self.services.navigate(PLACES[place])

    def action_actions(self) -> None:
        self.services.navigate(OpenActions())

    def action_help(self) -> None:
        self.services.show_help(self.scopes)

    def action_interrupt(self) -> None:
        """Copy what is selected, else tell how to quit, as many who press ctrl+c want to."""
        if text := self.selected_text():
            self.services.copy_to_clipboard(text)
            return
        # The demo's gym, and so all in it, ends with the program.
        after = " and ends the demo" if self.services.guided else self.services.quit_remark
        self.services.notify(f"{self.services.keys.label('quit')} quits{after}", timeout=3)

    def action_copy(self) -> None:
        text = self.copy_text()
        if text:
            self.services.copy_to_clipboard(text)
        else:
            refuse(self, self.no_copy_reason())

    def action_note(self) -> None:
        edit_note(self, self.services, self.selection())

    def toggle_baseline(self, run_id: str) -> None:
        """Make a run the one that others are compared with, or no longer if it is; tell which."""
        baseline = self.session.baseline
        is_now = baseline.chosen != run_id
        baseline.choose(run_id if is_now else None)
        compared = f"{run_id} is the baseline: runs and failures are compared with it"
        without = "no baseline: a run is compared with the checkpoint before it"
        self.services.notify(compared if is_now else without, timeout=3)

    def action_panes(self) -> None:
        if len(self.focus_chain) > 1:
            self.focus_next()
        else:
            refuse(self, "no other pane here")

    def copy_text(self) -> str | None:
        """What `c` copies."""
        return None

    def no_copy_reason(self) -> str:
        """Why that is nothing."""
        return "nothing to copy here"
