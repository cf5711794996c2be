"""Whether the themes that ship can be read, and told apart by eyes of every kind."""

from __future__ import annotations

import pytest

from gymtui.config.theme_files import Outcomes, Phases, ThemeFile
from gymtui.tui.context.theme import PHASE_COLOURS, colourless_palette, palette_of
from tests.helpers.observations import EYES, ciede2000, contrast, lab, least_difference, linear
from tests.tui.palettes import NAMES, theme

NAMED = [name for name in NAMES if not theme(name).ansi]
"""The themes that name their colours; what the terminal's own look like nobody here knows."""

READABLE = 4.5
"""WCAG 2.1, success criterion 1.4.3, level AA."""
READABLE_MORE = 7.0
"""1.4.6, level AAA."""
AREA = 3.0
"""1.4.11, for what is no text."""
APART = 15.0
"""CIEDE2000 between any two outcomes, any two phases: no doubt even for small signs, far apart."""


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        # Sharma, Wu and Dalal 2005, table 1: pairs 1, 7, 17, 20, 34.
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.5, 0), (58, 24, 15), 19.4535),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_differences_are_those_that_were_published(
    one: tuple[float, float, float], other: tuple[float, float, float], difference: float
) -> None:
    assert ciede2000(one, other) == pytest.approx(difference, abs=1e-4)


def test_the_yardsticks_measure_what_they_say() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    white = lab(linear("#ffffff"))
    assert white == pytest.approx((100, 0, 0), abs=0.02)
    for eye, see in EYES.items():
        assert lab(see("#ffffff")) == pytest.approx(white, abs=0.1), f"{eye} sees grey as grey"
    red, green = "#e00000", "#008000"
    apart = {eye: ciede2000(lab(see(red)), lab(see(green))) for eye, see in EYES.items()}
    assert apart["deuteranopia"] < apart["all cones"] / 2


def inks(file: ThemeFile) -> dict[str, str]:
    """The colours of text: outcomes, phases and roles are written in theirs too."""
    colours = file.named()
    no_text = {"background", "surface", "panel", "cursor", "primary", "secondary"}
    return {name: colour for name, colour in colours.items() if name not in no_text}


@pytest.mark.parametrize("name", NAMED)
def test_all_text_can_be_read_on_all_that_it_stands_on(name: str) -> None:
    file = theme(name)
    least = READABLE_MORE if name == "high-contrast" else READABLE
    papers = {paper: getattr(file.colours, paper) for paper in ("background", "surface", "cursor")}
    faint = {
        (ink, paper): round(ratio, 2)
        for ink, colour in inks(file).items()
        for paper, behind in papers.items()
        if (ratio := contrast(colour, behind)) < least
    }
    assert not faint


@pytest.mark.parametrize("name", NAMED)
def test_every_style_that_says_both_its_colours_can_be_read(name: str) -> None:
    palette = palette_of(theme(name))
    for style_name in ("match", "match-here"):
        style = palette.styles[style_name]
        assert style.color and style.bgcolor
        assert contrast(style.color.name, style.bgcolor.name) >= READABLE


@pytest.mark.parametrize("name", NAMED)
def test_bars_stand_out_from_the_background(name: str) -> None:
    file = theme(name)
    styles = palette_of(file).styles
    for phase in PHASE_COLOURS:
        paper = styles[f"bar {phase}"].bgcolor
        assert paper is not None
        assert contrast(paper.name, file.colours.background) >= AREA, phase


@pytest.mark.parametrize("eye", ["all cones", "protanopia", "deuteranopia"])
@pytest.mark.parametrize("kind", ["outcomes", "phases"])
def test_the_colour_blind_theme_tells_all_apart(kind: str, eye: str) -> None:
    colours = dict(getattr(theme("colour-blind"), kind)).values()
    difference, one, other = least_difference(colours, eye)
    assert difference >= APART, f"{one} and {other} differ by {difference:.1f}"


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("kind", ["outcomes", "phases"])
def test_every_theme_tells_all_apart_for_eyes_with_all_cones(name: str, kind: str) -> None:
    difference, one, other = least_difference(
        dict(getattr(theme(name), kind)).values(), "all cones"
    )
    assert difference >= APART, f"{one} and {other} differ by {difference:.1f}"


@pytest.mark.parametrize("name", NAMES)
def test_no_colour_means_two_things(name: str) -> None:
    file = theme(name)
    outcomes, phases = dict(file.outcomes).values(), dict(file.phases).values()
    assert len(set(outcomes)) == len(Outcomes.model_fields)
    assert len(set(phases)) == len(Phases.model_fields)
    assert not set(outcomes) & set(phases)


@pytest.mark.parametrize("name", NAMES)
def test_every_theme_has_every_style_that_the_colourless_one_has(name: str) -> None:
    assert set(palette_of(theme(name)).styles) >= set(colourless_palette().styles)
    assert set(colourless_palette().styles) >= set(palette_of(theme("night")).styles) - {
        "surface",
        "panel",
    }


def test_without_colour_no_style_has_one_and_every_distinction_an_attribute() -> None:
    palette = colourless_palette()
    styles = [*palette.styles.values(), palette.base, palette.cursor, palette.bar]
    assert all(style.color is None and style.bgcolor is None for style in styles)
    assert palette.cursor.reverse
    for name in ("match", "match-here", "selected", "|agent"):
        assert palette.styles[name].reverse, name
    assert palette.styles["match"] != palette.styles["match-here"]
