"""Writes the README's list of keys from the one table of keys; run by `make docs`."""

from __future__ import annotations

import re
from pathlib import Path

from gymtui.tui.keys import markdown

README = Path(__file__).parent.parent / "README.md"
_KEYS = re.compile(r"(<!-- keys: .*? -->\n).*?(<!-- /keys -->)", re.DOTALL)


def written(readme: str) -> str:
    """The README with the keys that are in force."""
    return _KEYS.sub(lambda found: f"{found[1]}{markdown()}{found[2]}", readme)


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
