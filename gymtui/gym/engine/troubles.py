"""Troubles on order: workspaces that do not build, endpoints that fail, agents that stand still.

A gym has none but its own share of broken workspaces; the demo orders them, so that a
person sees at once what trouble looks like.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto


class TroubleKind(Enum):
    WORKSPACE = auto()  # the workspace does not build; tried while it is built, at step 0
    ENDPOINT = auto()  # the model's endpoint fails the turn, and with it the rollout
    SILENCE = auto()  # the endpoint takes the request and never answers: the rollout stands still


@dataclass(frozen=True)
class RolloutPosition:
    """Where a rollout stands."""

    run_id: str
    task_id: str
    attempt: int  # which try of the task, from 0
    step: int  # the turn that is about to be taken, from 1; 0 while the workspace is built


@dataclass(frozen=True)
class Trouble:
    kind: TroubleKind
    reason: str = ""  # what the rollout's termination says of it


Troubles = Callable[[RolloutPosition], Trouble | None]
"""Asked before every build and every turn; None lets it go on."""


def no_troubles(_moment: RolloutPosition) -> Trouble | None:
    return None
