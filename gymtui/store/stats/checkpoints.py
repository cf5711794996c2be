"""Which runs are checkpoints of one training, by their names, and which came before. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LAST_NUMBER = re.compile(r"(?<!\d)\d{1,15}(?=\D*\Z)")


def checkpoint_of(name: str) -> tuple[str, int] | None:
    """What a run is a checkpoint of, if any, and its number: `qwen-s*` and 4000."""
    found = _LAST_NUMBER.search(name)
    if found is None:
        return None
    return (f"{name[: found.start()]}*{name[found.end() :]}", int(found[0]))


def checkpoint_before(name: str, names: Iterable[str]) -> str | None:
    """The checkpoint of the same series with the next smaller number; None if there is none."""
    own = checkpoint_of(name)
    if own is None:
        return None
    series, number = own
    known = (
        (found[1], other)
        for other in names
        if (found := checkpoint_of(other)) is not None and found[0] == series and found[1] < number
    )
    return max(known, default=(0, None))[1]
