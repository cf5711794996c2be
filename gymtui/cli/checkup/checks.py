"""What came of looking at one thing. Data only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class CheckState(StrEnum):
    """How something stands, the worst last."""

    OK = "ok"
    WARNING = "warning"
    BAD = "bad"


_RANK = {state: rank for rank, state in enumerate(CheckState)}


@dataclass(frozen=True, slots=True)
class Check:
    subject: str  # what it belongs to: versions, paths, settings, gym, terminal
    name: str
    message: str  # how it is; may hold wire text, so clean it to draw it
    state: CheckState = CheckState.OK
    advice: str = ""  # what to do, or ""

    @property
    def document(self) -> Mapping[str, Any]:
        return {**asdict(self), "state": self.state.value}


def worst_state(checks: Iterable[Check]) -> CheckState:
    """The worst that was found; all is well of nothing."""
    return max((check.state for check in checks), key=_RANK.__getitem__, default=CheckState.OK)
