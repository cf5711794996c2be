"""What came of looking at one thing. Data only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How something stands, the worst last."""

    OK = "ok"
    WARNING = "warning"
    BAD = "bad"


_RANK = {state: rank for rank, state in enumerate(State)}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        subject: What it belongs to: versions, paths, settings, gym, terminal.
        message: How it is; may hold wire text, so clean it to draw it.
        advice: What to do, or "".
    """

    subject: str
    name: str
    message: str
    state: State = State.OK
    advice: str = ""

    @property
    def document(self) -> Mapping[str, Any]:
        """As JSON."""
        return {**asdict(self), "state": self.state.value}


def worst(checks: Iterable[Check]) -> State:
    """The worst that was found; all is well of nothing."""
    return max((check.state for check in checks), key=_RANK.__getitem__, default=State.OK)
