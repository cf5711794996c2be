"""Frames are drawn where somebody looks: when the app has come to rest, and what is looked at.

Without a terminal nobody sees the frames between. Drawing them was a quarter of what the tests of
the screens did, the same picture drawn again for each look at it another part.
"""

from __future__ import annotations

from typing import Any, cast

from textual._compositor import Compositor
from textual._context import visible_screen_stack
from textual.geometry import Size
from textual.screen import Screen
from textual.strip import Strip

_theirs = Compositor.render_strips
_frame = Compositor.render_update
_OF_NOW = "_tests_strips"
"""Attribute of a compositor: the strips of its screen as it is, if they were drawn."""


def put_off(compositor: Compositor, full: bool = False, **how: Any) -> Any:
    """In place of a frame: note that there is one to draw. Who asks for all of it is given that."""
    if full:
        return _frame(compositor, full, **how)
    compositor._dirty_regions.clear()
    vars(compositor).pop(_OF_NOW, None)
    return None


def strips_of(compositor: Compositor, size: Size | None = None) -> list[Strip]:
    """The lines of a screen, drawn unless they are known and nothing of it has changed."""
    if compositor.root is None:  # never laid out
        return _theirs(compositor, size)
    screen = cast("Screen[Any]", compositor.root)
    known: list[Strip] | None = vars(compositor).get(_OF_NOW)
    if size is not None or known is None or waits(screen):
        visible_screen_stack.set(screen.app._background_screens)
        known = _theirs(compositor, size)
        if size is None and not waits(screen):
            setattr(compositor, _OF_NOW, known)
    return list(known)


def waits(screen: Screen[Any]) -> bool:
    """Whether anything of a screen waits for its next frame."""
    return bool(
        screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._recompose_required
        or screen._dirty_widgets
        or screen._callbacks
        or screen._compositor._dirty_regions
    )
