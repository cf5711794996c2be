"""Style sheets parsed once a process, though every test has an app of its own.

A program is one app; a process of tests is some hundred, and parsing was a third of each one's
start and of every screen's that it opened.
"""

from __future__ import annotations

from typing import Any

from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

_theirs = Stylesheet._parse_rules
_known: dict[tuple[Any, ...], list[RuleSet]] = {}


def parse_once(sheet: Stylesheet, css: str, *place: Any, **options: Any) -> list[RuleSet]:
    """What the framework makes of a text in its place, under the variables of a sheet."""
    named = tuple(sorted(sheet._variables.items())) if "$" in css else ()
    key = (css, place, tuple(sorted(options.items())), named)
    if key not in _known:
        _known[key] = _theirs(sheet, css, *place, **options)
    return _known[key]
