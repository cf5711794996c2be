"""Themes on the screen: what is really drawn can be read, and another one is drawn at once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.segment import Segment
from textual.app import App
from textual.command import CommandPalette

from gymtui.config.theme_files import shipped_themes
from gymtui.core.terminal_caps import Abilities
from gymtui.session.saved_layout import SavedLayout
from gymtui.tui.app.file_app import FileApp
from gymtui.tui.context.preferences import Appearance, Preferences
from gymtui.tui.runtime.crash_report import Reporter
from tests.helpers.observations import contrast
from tests.tui.palettes import NAMES, theme
from tests.tui.person import Person
from tests.tui.scripted import ScriptedGym, scripted_dashboard

NAMED = [name for name in NAMES if not theme(name).ansi]
NIGHT = (shipped_themes() / "night.toml").read_text()
MONO = Appearance(terminal=Abilities(colour=False))
PLAIN = Appearance(ascii=True)


@pytest.fixture
def gym() -> ScriptedGym:
    gym = ScriptedGym()
    gym.add("alpha", "book_room", "pass", "fail", "env", "limit", "running", "waiting")
    gym.add("alpha", "order_lunch", "pass", "agent", "cancelled", "running")
    gym.add("beta", "book_room", "pass", "pass")
    for rollout, phase in zip(
        gym.runs["alpha"], ["building_environment", "seeding", "verifying"], strict=False
    ):
        gym.rollout(rollout["rollout_id"])
        gym.add("alpha", f"task_{phase}", "running", phase=phase)
    return gym


def drawn(app: App[Any]) -> Iterator[Segment]:
    """Everything that is on screen, as it would be written."""
    for strip in app.screen._compositor.render_strips():
        yield from strip


async def every_screen(person: Person, look: Callable[[], None]) -> None:
    """Go through the screens and dialogs of a run, looking at each."""
    await person.sees("alpha", "beta")
    look()
    await person.press("space", "colon")
    await person.until(lambda: isinstance(person.app.screen, CommandPalette))
    await person.press(*"theme")
    await person.sees("theme: night")
    look()
    await person.press("escape")
    await person.until(lambda: not isinstance(person.app.screen, CommandPalette))
    await person.press("u", "G", "x")
    await person.sees("keep")
    look()
    await person.press("escape", "o")
    await person.sees("sort by")
    look()
    await person.press("escape", "u", "slash", *"alpha")
    look()
    await person.press("enter", "g", "d")
    await person.sees("run_id")
    look()
    await person.press("escape", "question_mark")
    look()
    await person.press("escape", "g", "enter")
    await person.sees("book_room", "pass")
    look()
    await person.press("m")
    await person.sees("CRITERION")
    look()
    person.app.notify("a notice", title="title", severity="warning")
    await person.sees("a notice")
    look()


_WORD = re.compile(r"[^\W_]")


@pytest.mark.fair_part(3)
@pytest.mark.parametrize("name", NAMED)
async def test_every_text_that_is_drawn_can_be_read(
    name: str, gym: ScriptedGym, tmp_path: Path
) -> None:
    faint: dict[tuple[str, str], str] = {}

    def look() -> None:
        for text, style, _ in drawn(person.app):
            if style is None or not _WORD.search(text):
                continue
            ink, paper = style.color, style.bgcolor
            assert ink is not None and ink.triplet and paper is not None and paper.triplet, text
            if contrast(ink.triplet.hex, paper.triplet.hex) < 4.5 and not behind(person.app):
                faint[ink.triplet.hex, paper.triplet.hex] = text

    async with scripted_dashboard(gym, tmp_path, theme=name) as person:
        await every_screen(person, look)
    assert not faint


def behind(app: App[Any]) -> bool:
    """Whether a dialog lies over a screen, which is drawn faint behind it on purpose."""
    return app.screen.is_modal


@asynccontextmanager
async def dashboard(gym: ScriptedGym, tmp_path: Path, looks: Appearance, **more: Any) -> Any:
    async with scripted_dashboard(gym, tmp_path, appearance=looks, **more) as person:
        await person.sees("alpha", "beta")
        yield person


async def command(person: Person, words: str) -> None:
    """Do what the palette offers under these words."""
    await person.press("colon")
    await person.until(lambda: isinstance(person.app.screen, CommandPalette))
    await person.press(*[" " if c == " " else "colon" if c == ":" else c for c in words])
    await person.sees(words)
    await person.press("enter")
    if isinstance(person.app.screen, CommandPalette):
        await person.press("enter")
    await person.until(lambda: not isinstance(person.app.screen, CommandPalette))


def papers(person: Person) -> set[str]:
    return {s.style.bgcolor.name for s in drawn(person.app) if s.style and s.style.bgcolor}


async def test_another_theme_is_drawn_at_once_everywhere_and_kept(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    looks, kept = Appearance(), SavedLayout.read(tmp_path)
    night, day = theme("night").colours, theme("day").colours
    async with dashboard(gym, tmp_path, looks, saved_layout=kept) as person:
        await person.press("g", "enter")
        await person.sees("book_room")
        await command(person, "theme: day")
        await person.until(lambda: day.background in papers(person))
        assert not papers(person) & {night.background, night.surface, night.cursor}
        await person.press("escape")
        await person.sees("alpha", "beta")
        assert not papers(person) & {night.background, night.surface, night.cursor}
    again = SavedLayout.read(tmp_path)
    async with dashboard(gym, tmp_path, looks, saved_layout=again) as person:
        assert day.background in papers(person)
    told = Appearance("high-contrast", "--theme")
    async with dashboard(gym, tmp_path, told, saved_layout=again) as person:
        assert person.app.palette.name == "high-contrast", "who says it now is heard first"
        await command(person, "theme: night")
        await person.sees("theme night until exit; --theme sets high-contrast")


async def test_the_word_theme_alone_offers_the_themes_with_the_one_in_force(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with dashboard(gym, tmp_path, Appearance()) as person:
        await command(person, "theme")
        await person.sees("▌night", "●", "colour-blind", "↵ choose")
        assert person.app.palette.name == "night"
        await person.press("down", "enter")  # around its end
        await person.until(lambda: person.app.palette.name == "ansi")


async def test_a_broken_theme_is_told_and_the_last_good_stays(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    own = tmp_path / "themes"
    own.mkdir()
    mine = own / "mine.toml"
    mine.write_text(NIGHT.replace('"night"', '"mine"').replace("#11131a", "#001122"))
    async with dashboard(
        gym, tmp_path, Appearance("mine", theme_directories=(own, shipped_themes()))
    ) as person:
        assert "#001122" in papers(person)
        mine.write_text(mine.read_text().replace("passed =", "pased ="))
        await command(person, "reload theme")
        await person.sees("outcomes.pased", "did you mean passed?")
        assert "#001122" in papers(person)
        mine.write_text(mine.read_text().replace("pased", "passed").replace("#001122", "#002211"))
        await command(person, "reload theme")
        await person.until(lambda: "#002211" in papers(person))
        assert "#001122" not in papers(person)


async def test_a_theme_that_is_none_is_told_on_screen_and_to_who_starts_it(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with dashboard(gym, tmp_path, Appearance("nihgt", "config.toml:1: theme")) as person:
        await person.sees("no theme named 'nihgt'; did you mean night?")
        [problem] = person.app.theme_problems
        assert problem.place == "config.toml:1: theme"
        assert person.app.palette.name == "night"


async def test_where_no_theme_can_be_read_it_goes_on_without_colours(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with dashboard(
        gym, tmp_path, Appearance(theme_directories=(tmp_path / "nowhere",))
    ) as person:
        await person.sees("no theme named 'night'")
        assert "alpha" in person.screen()


async def test_sixteen_colours_get_the_theme_made_for_them(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    few = Appearance(terminal=Abilities(few_colours=True))
    async with dashboard(gym, tmp_path, few) as person:
        assert person.app.palette.name == "ansi"
        looked: set[str] = set()

        def look() -> None:
            for text, style, _ in drawn(person.app):
                seen = (style.color if text.strip() else None, style.bgcolor) if style else ()
                for colour in seen:
                    if colour is not None:
                        looked.add(colour.name)
                        assert colour.is_system_defined or colour.is_default, text

        await every_screen(person, look)
        assert {"green", "bright_red"} <= looked


async def test_the_frameworks_own_themes_are_not_offered(gym: ScriptedGym, tmp_path: Path) -> None:
    async with dashboard(gym, tmp_path, Appearance()) as person:
        await person.press("colon")
        await person.until(lambda: isinstance(person.app.screen, CommandPalette))
        await person.press(*"theme")
        screen = await person.sees("theme: night", "reload theme")
        assert "Change" not in screen and "nord" not in screen


async def test_a_file_on_disk_is_read_with_a_theme_too(tmp_path: Path) -> None:
    path = tmp_path / "messages.json"
    path.write_text('{"messages": [{"role": "user", "content": "hello there"}]}')
    kept = SavedLayout.read(tmp_path)
    app = FileApp([path], Reporter(tmp_path, secrets=[]), Preferences(Appearance("day"), kept))
    async with app.run_test(size=(100, 30)) as pilot:
        async with asyncio.timeout(60):
            while "hello there" not in "".join(s.text for s in drawn(app)):
                await pilot.pause(0.02)
        day, night = theme("day").colours, theme("night").colours
        assert day.background in {s.style.bgcolor.name for s in drawn(app) if s.style}  # type: ignore[union-attr]
        app.choose_theme("night")
        await pilot.pause()
        await pilot.pause()
        after = {s.style.bgcolor.name for s in drawn(app) if s.style and s.style.bgcolor}
        assert night.background in after and day.background not in after
    assert SavedLayout.read(tmp_path).theme == "night"


# -- without colours, without glyphs -------------------------------------------------------------


async def test_without_colours_none_is_drawn_and_every_distinction_stays(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    def look() -> None:
        for text, style, _ in drawn(person.app):
            assert style is None or (style.color is None and style.bgcolor is None), text

    async with dashboard(gym, tmp_path, MONO) as person:
        await every_screen(person, look)
        await person.press("escape", "escape", "escape", "g", "space")
        screen = await person.sees("1 marked")
        [row] = [line for line in screen.splitlines() if "alpha" in line]
        assert {"✓", "✗", "!", "▸", "·"} <= set(row), "the bar's outcomes by their signs"
        [marked] = [line for line in screen.splitlines() if "beta" in line]
        assert "●" in marked, "the mark"
        cursor = [s for s in drawn(person.app) if s.style and s.style.reverse and "alpha" in s.text]
        assert cursor, "the cursor's line is reversed"
        person.app.screen.dim(True)
        await person.pilot.pause()
        assert any(s.style and s.style.dim and "beta" in s.text for s in drawn(person.app))


async def test_a_theme_cannot_be_chosen_where_there_are_no_colours(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    async with dashboard(gym, tmp_path, MONO) as person:
        person.app.choose_theme("day")
        await person.sees("no colours (NO_COLOR)")


async def test_with_ascii_all_that_the_program_draws_is_ascii(
    gym: ScriptedGym, tmp_path: Path
) -> None:
    def look() -> None:
        assert not set(person.screen()) - set(map(chr, range(128)))

    async with dashboard(gym, tmp_path, PLAIN) as person:
        await every_screen(person, look)
