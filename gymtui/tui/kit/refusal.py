"""Why a key does nothing, told for a moment: no key is silent."""

from __future__ import annotations

from typing import Final

from textual.dom import DOMNode

_SHOWN_S: Final = 2.5

UNREAD_RUN: Final = "this run could not be read: its id is unknown"
UNREAD_ROLLOUT: Final = "this rollout could not be read: its id is unknown"


def refuse(node: DOMNode, why: str) -> None:
    """Tell why a key does nothing: in a few words, and which key helps."""
    node.app.notify(why, timeout=_SHOWN_S)
