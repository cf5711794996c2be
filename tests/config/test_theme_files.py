"""Themes as files: what is found, what is told of what is wrong, and what is read in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from gymtui.config import theme_files
from gymtui.config.theme_files import ThemeSearch, read_theme, shipped_themes
from tests.tui.palettes import NAMES

NIGHT = (shipped_themes() / "night.toml").read_text()


def own(directory: Path, text: str, name: str = "mine") -> ThemeSearch:
    """What comes of reading a person's own theme, named `mine` where it says so itself."""
    directory.mkdir(exist_ok=True)
    (directory / f"{name}.toml").write_text(text.replace('name = "night"', f'name = "{name}"'))
    return read_theme(name, [directory, shipped_themes()])


def told(found: ThemeSearch) -> str:
    return "\n".join(map(str, found.problems))


@pytest.mark.parametrize("name", NAMES)
def test_every_theme_that_ships_is_in_order(name: str) -> None:
    found = read_theme(name, [shipped_themes()])
    assert found.problems == ()
    assert found.theme is not None
    assert found.theme.name == name


def test_five_kinds_of_theme_ship() -> None:
    assert set(NAMES) >= {"night", "day", "high-contrast", "colour-blind", "ansi", "ansi-light"}
    night, day = (read_theme(name, [shipped_themes()]).theme for name in ("night", "day"))
    assert night is not None and night.dark
    assert day is not None and not day.dark


def test_the_defaults_ship() -> None:
    assert {theme_files.DEFAULT, theme_files.DEFAULT_ANSI} <= set(NAMES)


def test_only_the_themes_of_the_terminals_own_colours_leave_them_to_it() -> None:
    ansi = {
        name
        for name in NAMES
        if (theme := read_theme(name, [shipped_themes()]).theme) and theme.ansi
    }
    assert ansi == {"ansi", "ansi-light"}


def test_a_persons_own_theme_is_found_and_stands_in_for_one_of_ours(tmp_path: Path) -> None:
    mine = own(tmp_path, NIGHT.replace("#11131a", "#000011"))
    assert mine.problems == ()
    assert mine.theme is not None and mine.theme.colours.background == "#000011"
    assert "mine" in theme_files.theme_names([tmp_path, shipped_themes()])
    night = own(tmp_path, NIGHT.replace("#11131a", "#000022"), name="night")
    assert night.theme is not None and night.theme.colours.background == "#000022"


def test_colours_may_be_written_large(tmp_path: Path) -> None:
    mine = own(tmp_path, NIGHT.replace("#11131a", "#ABCDEF"))
    assert mine.theme is not None and mine.theme.colours.background == "#abcdef"


def test_a_name_that_is_none_is_told_with_the_nearest(tmp_path: Path) -> None:
    found = read_theme("nihgt", [tmp_path, shipped_themes()], "--theme")
    assert found.theme is None
    assert told(found) == "--theme: no theme named 'nihgt'; did you mean night?"
    found = read_theme("zzz", [tmp_path, shipped_themes()], "config.toml:3: theme")
    assert told(found).startswith("config.toml:3: theme: no theme named 'zzz'; there are ansi, ")


@pytest.mark.parametrize("name", ["../night", "/etc/passwd", ".", "", "night.toml"])
def test_a_theme_is_a_name_never_a_path(name: str) -> None:
    assert read_theme(name, [shipped_themes()]).theme is None


def test_files_with_other_signs_in_their_names_are_not_offered(tmp_path: Path) -> None:
    for name in ("a b", "x\x1b]0;y", "-rf", "ünder", ".hidden", "fine_1-2"):
        (tmp_path / f"{name}.toml").write_text("")
    (tmp_path / "notes.txt").write_text("")
    assert theme_files.theme_names([tmp_path, tmp_path / "not there"]) == ["fine_1-2"]


BROKEN = {
    "a colour that is none": (
        ('foreground = "#d7dbe5"', 'foreground = "reddish"'),
        'mine.toml:8: colours.foreground: should be a colour, "#rrggbb" or one of the terminal',
    ),
    "a colour of the terminal misspelt": (
        ('foreground = "#d7dbe5"', 'foreground = "ansi_brightred"'),
        "; did you mean ansi_bright_red?",
    ),
    "a colour too short": (('"#f36863"', '"#f36"'), "outcomes.failed: should be a colour"),
    "a number for a colour": (('"#f36863"', "17"), "outcomes.failed: should be text"),
    "an outcome left out": (
        ('running = "#4ec6fc"\n', ""),
        "mine.toml:14: outcomes: lacks the key 'running'",
    ),
    "a table left out": (
        ("[roles]", "[outcomes.roles]"),
        "mine.toml: lacks the table 'roles'",
    ),
    "a key misspelt": (
        ("running =", "runing ="),
        "mine.toml:18: outcomes.runing: unknown field; did you mean running?",
    ),
    "a table misspelt": (
        ("[phases]", "[phase]"),
        "mine.toml:22: phase: unknown field; did you mean phases?",
    ),
    "dark is no yes or no": (("dark = true", 'dark = "yes"'), "dark: should be true or false"),
    "no style of text": (
        ('cursor = "#262d40"', 'cursor = "#262d40"\ncursor_style = "blink"'),
        "colours.cursor_style: should be bold, underline, reverse or two of them",
    ),
    "a table that is none": (("[roles]", "roles = 1\n[other]"), "roles"),
    "another name than its file's": (
        ('name = "night"', 'name = "other"'),
        "mine.toml:2: name: should be 'mine', like the file name",
    ),
    "no TOML": (("dark = true", "dark = "), "is not valid TOML"),
}


@pytest.mark.parametrize(("change", "words"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_with_a_theme_is_told_with_its_place(
    change: tuple[str, str], words: str, tmp_path: Path
) -> None:
    assert change[0] in NIGHT
    found = own(tmp_path, NIGHT.replace(*change))
    assert found.theme is None
    assert words in told(found)
    assert not any(problem.fatal for problem in found.problems)


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    found = own(tmp_path, NIGHT.replace("running", "runing").replace('"#f36863"', '"red"'))
    assert len(found.problems) == 3


def test_a_broken_one_in_the_place_of_ours_is_told_and_ours_is_used(tmp_path: Path) -> None:
    found = own(tmp_path, "dark = 1", name="night")
    assert found.theme is not None
    assert found.problems


def test_a_file_that_cannot_be_read_as_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in told(read_theme("mine", [tmp_path]))


def test_themes_lie_in_the_package_or_in_the_checkout_beside_it(tmp_path: Path) -> None:
    package = tmp_path / "gymtui"
    package.mkdir()
    assert shipped_themes(package) == tmp_path / "themes"
    (package / "themes").mkdir()
    assert shipped_themes(package) == package / "themes"
    assert (shipped_themes() / "night.toml").is_file()


def test_a_persons_themes_lie_beside_their_configuration() -> None:
    env = {"GYMTUI_CONFIG_DIR": "/somewhere"}
    assert theme_files.theme_directories(env)[0] == Path("/somewhere/themes")
