"""Colours: one palette a theme, from which both the framework's theme and the drawn styles come.

Outcomes, phases and roles each have colours of their own, so that no colour means two things.
What a theme's file may say is `theme_files`.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from rich.style import Style
from textual.theme import Theme

from gymtui.config.theme_files import Phases, ThemeFile

PHASE_COLOURS = tuple(Phases.model_fields)
_TEXTURE = 0.3
"""How far the texture of a phase's bar is from the phase's colour to the background."""

_LIGHTER = 0.25
"""How far the bars of a light theme are from their phase's colour to the background."""

_EDGES = "ansi_bright_black"
"""Of the terminal's own colours the one for scroll bars and lines between panes."""


def blend(colour: str, towards: str, share: float) -> str:
    """A colour, `#rrggbb`, some way to another: its `share`, 0..1."""
    pairs = zip(bytes.fromhex(colour[1:]), bytes.fromhex(towards[1:]), strict=True)
    return "#" + "".join(f"{round(one + (other - one) * share):02x}" for one, other in pairs)


class Palette(Struct, frozen=True):
    """What one theme is drawn with."""

    name: str
    styles: Mapping[str, Style]  # A style by name, for everything that is drawn line by line
    base: Style  # ordinary text on the background
    cursor: Style  # over the cursor's line
    bar: Style  # over the lines that frame a screen
    framework: Theme  # the same colours under the framework's names


def palette_of(theme: ThemeFile) -> Palette:
    """The palette of a theme as its file has it."""
    named = {name: _rich_colour(colour) for name, colour in theme.named().items()}
    text_styles = {name: Style(color=colour) for name, colour in named.items()}
    edges = Style(color=_rich_colour(_EDGES if theme.ansi else theme.colours.cursor))
    if theme.ansi:
        # Nobody knows what stands out from the terminal's own colours but its background.
        match = Style(color=named["warning"], reverse=True)
        match_here = Style(color=named["accent"], reverse=True, bold=True)
        selected = Style(reverse=True)
    else:
        match = Style(color=named["background"], bgcolor=named["warning"])
        match_here = Style(color=named["background"], bgcolor=named["accent"], bold=True)
        selected = Style(bgcolor=named["cursor"])
    styles = _styles(text_styles, match=match, match_here=match_here, selected=selected)
    return Palette(
        name=theme.name,
        styles={
            **styles,
            "bar": edges,
            **_bar_styles({phase: named[phase] for phase in PHASE_COLOURS}, theme),
        },
        base=Style(color=named["foreground"], bgcolor=named["background"]),
        cursor=Style(bgcolor=named["cursor"]) + Style.parse(theme.colours.cursor_style),
        bar=Style(bgcolor=named["surface"]),
        framework=_framework_theme(theme),
    )


def colourless_palette() -> Palette:
    """The palette without any colour: what stands out is bold, dim, underlined or reversed.

    For `NO_COLOR`, for terminals that have none, and for when no theme can be read.
    """
    plain, dim, bold, reverse = Style(), Style(dim=True), Style(bold=True), Style(reverse=True)
    text_styles = dict.fromkeys(("foreground", "passed", "running", "done", "assistant"), plain)
    text_styles |= dict.fromkeys(("muted", "waiting", "system", "tool"), dim)
    text_styles |= dict.fromkeys(("accent", "warning", "failed", "error", "user"), bold)
    text_styles |= dict.fromkeys((*PHASE_COLOURS, "cursor"), plain)
    bars = {f"bar {phase}": plain for phase in PHASE_COLOURS}
    bars |= {f"|{phase}": reverse for phase in PHASE_COLOURS}
    bars |= {f"{one}|{other}": plain for one in PHASE_COLOURS for other in PHASE_COLOURS}
    here = Style(reverse=True, bold=True, underline=True)
    marks = _styles(text_styles, match=reverse, match_here=here, selected=reverse)
    added = {"added": bold, "removed": Style(strike=True), "code": bold}
    names = dict.fromkeys(("primary", "secondary", "warning", "error", "success", "accent"))
    return Palette(
        name="none",
        styles=marks | bars | added,
        base=plain,
        cursor=Style(bold=True, reverse=True),
        bar=plain,
        framework=Theme(
            name="none",
            ansi=True,
            **dict.fromkeys(names, "ansi_default"),  # type: ignore[arg-type]
            variables=_ANSI_VARIABLES
            | dict.fromkeys(("ansi-background", "scrollbar", "border"), "ansi_default")
            | dict.fromkeys(("scrollbar-hover", "scrollbar-active"), "ansi_default"),
        ),
    )


def _styles(
    text_styles: Mapping[str, Style], *, match: Style, match_here: Style, selected: Style
) -> dict[str, Style]:
    """The styles that are drawn with, by name, from those of text by a theme's colours."""
    text, muted, accent = text_styles["foreground"], text_styles["muted"], text_styles["accent"]
    bold, italic = Style(bold=True), Style(italic=True)
    not_drawn = ("background", "foreground")
    named = {name: style for name, style in text_styles.items() if name not in not_drawn}
    return {
        **named,
        "": text,
        "plain": text,
        "strong": text + bold,
        "heading": muted + bold,
        "key": accent + bold,
        "deleted": muted + Style(strike=True),
        "mark": accent + bold,
        "bar": text,
        "bold": bold,
        "italic": italic,
        "thinking": muted + italic,
        "code": text_styles["tool"],
        "comment": muted + italic,
        "key-name": text_styles["assistant"],
        "string": text_styles["user"],
        "number": text_styles["tool"],
        "keyword": text_styles["system"],
        "link": accent + Style(underline=True),
        "added": text_styles["passed"],
        "removed": text_styles["failed"],
        "place": text_styles["system"],
        "match": match,
        "match-here": match_here,
        "selected": selected,
    }


def _bar_styles(colours: Mapping[str, str], theme: ThemeFile) -> dict[str, Style]:
    """Of a timeline: a whole cell of a phase, and cells that two phases share.

    `bar agent` is a texture on the phase's colour, `agent|verifying` the one beside the other,
    `|agent` the phase beside nothing: reversed, so that it also holds on a cursor.
    """
    drawn: dict[str, Style] = {}
    paper = _rich_colour(theme.colours.background)
    if not theme.dark and not theme.ansi:
        # What can be read as text on a light background weighs too much as an area.
        colours = {phase: blend(colour, paper, _LIGHTER) for phase, colour in colours.items()}
    for phase, colour in colours.items():
        texture = _texture_colour(colour, paper)
        drawn[f"bar {phase}"] = Style(color=texture, bgcolor=colour)
        drawn[f"|{phase}"] = Style(color=colour, reverse=True)
        for other, its in colours.items():
            drawn[f"{phase}|{other}"] = Style(color=colour, bgcolor=its)
    return drawn


def _texture_colour(colour: str, background: str) -> str:
    if colour.startswith("#"):
        paper = background if background.startswith("#") else "#000000"
        return blend(colour, paper, _TEXTURE)
    # Of the terminal's own colours the other one of the same hue is the nearest.
    bright = colour.removeprefix("bright_")
    return bright if bright != colour else f"bright_{colour}"


def _rich_colour(colour: str) -> str:
    """A theme's colour by the name that rich knows it by."""
    return colour.removeprefix("ansi_")


_ANSI_VARIABLES: dict[str, str] = {
    "block-cursor-text-style": "bold reverse",
    "block-cursor-background": "ansi_default",
    "block-cursor-blurred-text-style": "reverse",
    "scrollbar-background": "ansi_default",
    "scrollbar-background-hover": "ansi_default",
    "scrollbar-background-active": "ansi_default",
    "scrollbar-corner-color": "ansi_default",
    "input-cursor-text-style": "reverse",
}
"""How the framework's own widgets stand out without a colour known to do so."""


def _framework_theme(theme: ThemeFile) -> Theme:
    colours, outcomes = theme.colours, theme.outcomes
    variables = {
        "scrollbar": _EDGES if theme.ansi else colours.cursor,
        "scrollbar-hover": colours.muted,
        "scrollbar-active": colours.accent,
        "border": colours.muted,
    }
    if theme.ansi:
        variables |= {**_ANSI_VARIABLES, "ansi-background": "ansi_default"}
    else:
        variables |= {
            "scrollbar-background": colours.background,
            "scrollbar-corner-color": colours.background,
            "block-cursor-background": colours.cursor,
            "block-cursor-foreground": colours.foreground,
            "block-cursor-blurred-background": colours.cursor,
            "block-cursor-blurred-foreground": colours.foreground,
            "text-disabled": colours.muted,
            "text-muted": colours.muted,
            "text-success": outcomes.passed,
            "text-warning": colours.warning,
            "text-error": outcomes.failed,
            "text-accent": colours.accent,
            "text-primary": colours.accent,
            "input-selection-background": colours.cursor,
            "input-selection-foreground": colours.foreground,
        }
    return Theme(
        name=theme.name,
        dark=theme.dark,
        ansi=theme.ansi,
        primary=colours.primary or colours.accent,
        secondary=colours.secondary or theme.roles.assistant,
        accent=colours.accent,
        warning=colours.warning,
        error=colours.error or outcomes.failed,
        success=colours.success or outcomes.passed,
        foreground=colours.foreground,
        background=colours.background,
        surface=colours.surface,
        panel=colours.panel or colours.surface,
        variables=variables,
    )
