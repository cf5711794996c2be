"""Colours: one palette a theme, from which both the framework's theme and the drawn styles come.

Outcomes, phases and roles each have colours of their own, so that no colour means two things.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rich.style import Style
from textual.theme import Theme


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
                *("done", "building", "seeding", "agent", "verifying"),
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
        }

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
