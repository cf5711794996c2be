"""Writes the README's tables of keys and of settings from those in the code: `make docs`."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from gymtui.commands import settings_table
from gymtui.tui import keys

README = Path(__file__).parent.parent / "README.md"
_TABLES = {"keys": keys.markdown, "settings": settings_table.markdown}
"""What stands between `<!-- NAME: … -->` and `<!-- /NAME -->`, by that name."""


def written(readme: str) -> str:
    """The README with the tables as they are; one that it has no place for is left out."""
    for name, table in _TABLES.items():
        place = re.compile(rf"(<!-- {name}: .*? -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        # A function, since a table may hold what `sub` would take for its own.
        readme = place.sub(partial(_between, table()), readme)
    return readme


def _between(text: str, found: re.Match[str]) -> str:
    return f"{found[1]}{text}{found[2]}"


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
