"""Work in pieces: a generator that stops now and then, so that others get their turn between."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


def result_of(work: Generator[None, None, T]) -> T:
    """Do all of the work at once."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: T = end.value
            return found
