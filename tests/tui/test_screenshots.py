"""The script that draws the README's pictures still runs, and draws every screen and theme."""

from __future__ import annotations

from pathlib import Path

from tests.draw_screenshots import SCENES, SCREENSHOTS, draw
from tests.tui.palettes import NAMES


async def test_every_scene_and_every_theme_is_drawn(tmp_path: Path) -> None:
    drawn = await draw(tmp_path)
    assert [path.stem for path in drawn] == [*SCENES, *(f"theme-{name}" for name in NAMES)]
    pictures = {path.stem: path.read_text() for path in drawn}
    for name, text in pictures.items():
        assert text.startswith("<svg") and text.count("<text") > 50, name
    themes = [text for name, text in pictures.items() if name.startswith("theme-")]
    assert len(set(themes)) == len(NAMES)
    kept = {path.name for path in SCREENSHOTS.glob("*.svg")}
    assert {path.name for path in drawn} <= kept, "make screenshots"
