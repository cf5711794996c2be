"""Published trajectories, where there are any: all, or those that show most for their size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.conftest import THOROUGH
from tests.helpers.places import TRAJECTORIES

ALL = sorted(TRAJECTORIES.glob("*.json.gz"))


def smallest_of_each_source(paths: Sequence[Path]) -> list[Path]:
    """One of each, for what must be seen of every shape and costs by the line."""
    larger_first = sorted(paths, key=lambda path: -path.stat().st_size)
    return sorted({path.name.partition("__")[0]: path for path in larger_first}.values())


def fewer(paths: Sequence[Path]) -> list[Path]:
    """All of these where it is looked thoroughly, the smallest of each source elsewhere."""
    return list(paths) if THOROUGH else smallest_of_each_source(paths)
