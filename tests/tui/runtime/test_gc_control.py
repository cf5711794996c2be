"""Housekeeping: full collections wait until nobody is there, and what is known is set aside."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from gymtui.tui.runtime.gc_control import AWAY_S, EVERY_S, ROWS, GcControl


class Knot:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.enable()
    gc.unfreeze()
    gc.collect()
    gc.freeze()  # as before the first test: the others collect garbage, too


def test_what_is_known_is_set_aside_once_there_is_enough_of_it() -> None:
    keeping = GcControl(0.0)
    gc.unfreeze()
    keeping.rows_changed(ROWS - 1)
    assert gc.get_freeze_count() == 0
    keeping.rows_changed(1)
    assert gc.get_freeze_count() > 0


def test_full_collections_no_longer_begin_by_themselves() -> None:
    gc.disable()
    GcControl(0.0).begin()
    assert gc.isenabled()
    assert gc.get_threshold()[2] > 100_000


def test_at_the_end_all_is_left_to_python_again() -> None:
    before = gc.get_threshold()
    keeping = GcControl(0.0)
    keeping.begin()
    keeping.end()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_garbage_that_was_set_aside_goes_while_nobody_is_there() -> None:
    keeping = GcControl(0.0)
    knot = Knot()
    gone = weakref.ref(knot)
    gc.freeze()
    del knot
    gc.collect()
    assert gone() is not None
    keeping.key_pressed(EVERY_S)
    assert not keeping.idle(EVERY_S + AWAY_S - 1)
    assert keeping.idle(EVERY_S + AWAY_S)
    assert gone() is None
    assert not keeping.idle(EVERY_S + 2 * AWAY_S)
