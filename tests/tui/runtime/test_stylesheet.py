"""Rules are parsed once for the colours of a theme, and again for others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.css import stylesheet

from gymtui.session.saved_layout import SavedLayout
from gymtui.tui.app.themed_app import ThemedApp
from gymtui.tui.context.preferences import Appearance
from gymtui.tui.runtime.crash_report import Reporter
from gymtui.tui.runtime.stylesheet import ThemeStylesheet

RED, BLUE = {"ink": "#ff0000"}, {"ink": "#0000ff"}


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often each source was parsed, by its text."""
    counted: Counter[str] = Counter()
    parse = stylesheet.parse

    def count(scope: str, css: str, *args: Any, **options: Any) -> Any:
        counted[css] += 1
        return parse(scope, css, *args, **options)

    monkeypatch.setattr(stylesheet, "parse", count)
    yield counted


def _colours(sheet: ThemeStylesheet) -> list[str]:
    return [rule.styles.get_rule("color").hex for rule in sheet.rules]


def test_rules_are_parsed_once_for_a_theme_and_again_for_another(parsed: Counter[str]) -> None:
    label, button = "Label { color: $ink; }", "Button { color: $ink; }"
    sheet = ThemeStylesheet(variables=RED)
    sheet.add_source(label, read_from=("label", ""))
    assert _colours(sheet) == ["#FF0000"]
    sheet.set_variables(dict(RED))
    sheet.reparse()
    sheet.add_source(button, read_from=("button", ""))
    assert _colours(sheet) == ["#FF0000"] * 2
    assert parsed == {label: 1, button: 1}
    sheet.set_variables(BLUE)
    sheet.reparse()
    assert _colours(sheet) == ["#0000FF"] * 2
    assert parsed == {label: 2, button: 2}


class _App(ThemedApp):
    def on_mount(self) -> None:
        self.apply_theme()


async def test_until_the_first_frame_each_rule_is_parsed_once(
    tmp_path: Path, parsed: Counter[str]
) -> None:
    app = _App(reporter=Reporter(tmp_path), appearance=Appearance(), saved_layout=SavedLayout())
    async with app.run_test():
        assert parsed
        assert set(parsed.values()) == {1}
        assert app.get_css_variables()["background"] == app.palette.framework.background.upper()
