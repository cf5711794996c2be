"""Which run is a rerun of which: remembered where it was launched, and told by its name elsewhere.

The gym knows nothing of it. What was launched from this machine is remembered
(`launching.launch_history`); for what was launched from another, the name that a rerun is given
says it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Container, Iterable, Mapping
from typing import Final

from gymtui.api.launch_request import TAIL, new_tail

_AGAIN: Final = re.compile(rf"(?P<parent>.+)-again-{TAIL}(?:-[a-z0-9.-]+)?", re.S)


def rerun_name(parent: str, rng: random.Random) -> str:
    """A name for a rerun: `nightly-again-k7x2m`; of a rerun, what it is a rerun of is named."""
    found = _AGAIN.fullmatch(parent)
    first = found["parent"] if found else parent
    return f"{first}-again-{new_tail(rng)}"


def parent_of(run_id: str, remembered: Mapping[str, str], known: Container[str]) -> str | None:
    """The run that a run is a rerun of, as far as anything says so.

    Args:
        known: The runs there are: a name counts only if the run that it tells is one.
    """
    parent = remembered.get(run_id)
    if parent is None and "-again-" in run_id:  # of thousands, few
        found = _AGAIN.fullmatch(run_id)
        parent = found["parent"] if found else None
    return parent if parent is not None and parent != run_id and parent in known else None


def rerun_family(
    run_id: str, remembered: Mapping[str, str], runs: Iterable[str]
) -> tuple[str, ...]:
    """A run with all that it is a rerun of, and all reruns of these, the first of them first.

    Args:
        runs: The runs there are, in the order in which reruns are to stand.
    """
    known = dict.fromkeys(runs)
    parents = {run: parent_of(run, remembered, known) for run in known}
    first, seen = run_id, {run_id}
    while (parent := parents.get(first)) is not None and parent not in seen:
        first = parent
        seen.add(first)
    found = {first: None}
    grown = True
    while grown:  # as often as generations are listed youngest first
        grown = False
        for run, parent in parents.items():
            if parent in found and run not in found:
                found[run] = None
                grown = True
    return tuple(found)
