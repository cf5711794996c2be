"""The framework's style sheet, whose rules are parsed once for the colours of a theme.

The framework parses all of them with each refresh, which a start asks for before the first frame,
and once more with the next widget that brings rules of its own.
"""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet


class ThemeStylesheet(Stylesheet):
    """Keeps rules that were parsed, as long as the colours in them are the same."""

    def set_variables(self, variables: dict[str, str]) -> None:
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse what was not parsed for the colours of now."""
        self.parse()
