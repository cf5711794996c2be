"""What the demo suggests to try: whole suggestions, and keys that do that there."""

from __future__ import annotations

import pytest

from gymtui.tui.context.keymap import STACKS, TABLE, Scope, display_key
from gymtui.tui.kit.footer import TIPS, tip
from gymtui.tui.kit.styled_text import width_of


@pytest.mark.parametrize("scope", TIPS)
def test_a_tip_has_room_or_is_left_out_whole(scope: Scope) -> None:
    whole = "".join(ink.text for ink in tip(scope, 500))
    parts = whole.split(" · ")
    for cells in (78, 118):
        told = "".join(ink.text for ink in tip(scope, cells))
        assert width_of(tip(scope, cells)) <= cells
        assert told.split(" · ") == parts[: len(told.split(" · "))]


@pytest.mark.parametrize("scope", TIPS)
def test_the_keys_it_names_work_there(scope: Scope) -> None:
    stack = next(stack for stack in STACKS if scope in stack)
    there = {display_key(key) for row in TABLE if row.scope in stack for key in row.keys}
    named = TIPS[scope].split("`")[1::2]
    assert named and set(named) <= there


def test_with_ascii_alone_enter_is_spelt_out() -> None:
    told = "".join(ink.text for ink in tip(Scope.ROLLOUTS, 200, plain=True))
    assert "Enter on a" in told
    assert "↵" not in told


def test_elsewhere_nothing_is_suggested() -> None:
    assert tip(Scope.CONFIRM, 80) == ()
