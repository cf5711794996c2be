"""Colours: one palette a theme, from which both the framework's theme and the drawn styles come.

Outcomes, phases and roles each have colours of their own, so that no colour means two things.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rich.style import Style
from textual.theme import Theme

PHASE_COLOURS = ("building", "seeding", "agent", "verifying")


def blend(colour: str, towards: str, share: float) -> str:
    """A colour some way to another.

    Args:
        colour: A `#rrggbb`.
        towards: Another.
        share: How far, 0..1.
    """
    pairs = zip(bytes.fromhex(colour[1:]), bytes.fromhex(towards[1:]), strict=True)
    return "#" + "".join(f"{round(one + (other - one) * share):02x}" for one, other in pairs)


@dataclass(frozen=True)
class Palette:
    """The colours of one theme, each a `#rrggbb`.

    Attributes:
        name: What it is called.
        dark: Whether its background is dark.
        background: Behind everything.
        surface: Behind dialogs and bars.
        cursor: Behind the cursor's line.
        foreground: Ordinary text.
        muted: Text of second rank.
        accent: What can be acted on.
        warning: What wants attention.
        passed: Outcome: the verifier said yes.
        failed: Outcome: the verifier said no.
        error: Outcome: there is no verdict.
        running: Outcome: under way.
        waiting: Outcome: queued.
        done: Outcome: finished, verdict not known here.
        building: Phase `building_environment`.
        seeding: Phase `seeding`.
        agent: Phase `agent_running`.
        verifying: Phase `verifying`.
        system: Role.
        user: Role.
        assistant: Role.
        tool: Role.
    """

    name: str
    dark: bool
    background: str
    surface: str
    cursor: str
    foreground: str
    muted: str
    accent: str
    warning: str
    passed: str
    failed: str
    error: str
    running: str
    waiting: str
    done: str
    building: str
    seeding: str
    agent: str
    verifying: str
    system: str
    user: str
    assistant: str
    tool: str

    @cached_property
    def styles(self) -> dict[str, Style]:
        """A style by name, for everything that is drawn line by line."""
        named = {
            field: Style(color=getattr(self, field))
            for field in (
                *("muted", "accent", "warning", "passed", "failed", "error", "running", "waiting"),
                "done",
                *PHASE_COLOURS,
                *("system", "user", "assistant", "tool"),
            )
        }
        return named | {
            "": Style(color=self.foreground),
            "strong": Style(color=self.foreground, bold=True),
            "heading": Style(color=self.muted, bold=True),
            "key": Style(color=self.accent, bold=True),
            "gone": Style(color=self.muted, strike=True),
            "mark": Style(color=self.accent, bold=True),
            "bar": Style(color=self.cursor),
            "plain": Style(color=self.foreground),
            "bold": Style(bold=True),
            "italic": Style(italic=True),
            "thinking": Style(color=self.muted, italic=True),
            "code": Style(color=self.tool),
            "comment": Style(color=self.muted, italic=True),
            "key-name": Style(color=self.assistant),
            "string": Style(color=self.user),
            "number": Style(color=self.tool),
            "keyword": Style(color=self.system),
            "link": Style(color=self.accent, underline=True),
            "added": Style(color=self.passed),
            "removed": Style(color=self.failed),
            "place": Style(color=self.system),
            "match": Style(color=self.background, bgcolor=self.warning),
            "match-here": Style(color=self.background, bgcolor=self.accent, bold=True),
            "selected": Style(bgcolor=self.cursor),
            **self._bars,
        }

    @property
    def _bars(self) -> dict[str, Style]:
        """Of a timeline: a whole cell of a phase, and cells that two phases share.

        `bar agent` is a texture on the phase's colour, `agent|verifying` the one beside the
        other, `|agent` the phase beside nothing: reversed, so that it also holds on a cursor.
        """
        colours = {phase: getattr(self, phase) for phase in PHASE_COLOURS}
        drawn: dict[str, Style] = {}
        for phase, colour in colours.items():
            drawn[f"bar {phase}"] = Style(color=blend(colour, self.background, 0.3), bgcolor=colour)
            drawn[f"|{phase}"] = Style(color=colour, reverse=True)
            for other, its in colours.items():
                drawn[f"{phase}|{other}"] = Style(color=colour, bgcolor=its)
        return drawn

    @cached_property
    def base(self) -> Style:
        """Ordinary text on the background."""
        return Style(color=self.foreground, bgcolor=self.background)

    def framework_theme(self) -> Theme:
        """The same colours under the framework's names."""
        return Theme(
            name=self.name,
            dark=self.dark,
            primary=self.accent,
            secondary=self.assistant,
            accent=self.accent,
            warning=self.warning,
            error=self.failed,
            success=self.passed,
            foreground=self.foreground,
            background=self.background,
            surface=self.surface,
            panel=self.surface,
            variables={
                "scrollbar": self.cursor,
                "scrollbar-background": self.background,
                "scrollbar-corner-color": self.background,
                "scrollbar-hover": self.muted,
                "scrollbar-active": self.accent,
                "border": self.muted,
                "input-selection-background": self.cursor,
            },
        )


NIGHT = Palette(
    name="gymtui-night",
    dark=True,
    background="#11131a",
    surface="#1a1e29",
    cursor="#2a3246",
    foreground="#d7dbe5",
    muted="#8a93a8",
    accent="#7aa7ff",
    warning="#e8b455",
    passed="#5fcf80",
    failed="#f0636f",
    error="#e89a3c",
    running="#5fc3e8",
    waiting="#76809a",
    done="#a9b3c9",
    building="#8a78c8",
    seeding="#c58ad8",
    agent="#4f8fd0",
    verifying="#d6c25a",
    system="#b79bff",
    user="#6fc7b8",
    assistant="#9db8ff",
    tool="#d8b07a",
)
"""The theme that it starts with."""
