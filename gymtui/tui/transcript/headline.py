"""The line over a rollout's transcript: how it stands, and what it took."""

from __future__ import annotations

from datetime import datetime

from gymtui.api.models import Rollout
from gymtui.core.text import ABSENT, fit, width
from gymtui.store import formats
from gymtui.store.records import RolloutRow
from gymtui.store.rollout_times import elapsed_s
from gymtui.transcript.blocks import Transcript
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.line_parts import LinePart, join_fitting, part
from gymtui.tui.kit.styled_text import Cell, StyledText

_WHY = 24
"""Cells of why it ended so that stay before figures do."""
_TASK = 16
"""Cells of a task's name before it goes altogether."""


def headline(
    row: RolloutRow | None, transcript: Transcript | None, place: Cell, now: datetime, cells: int
) -> Cell:
    """Its place in the list it was opened from, and how it stands.

    What matters least goes where there is no room.
    """
    if row is None or row.rollout is None:
        return place
    rollout = row.rollout
    why = formats.why(row)
    room = cells - (min(width(why), _WHY) + 3 if why else 0)
    ran = formats.duration(elapsed_s(row, now))
    steps = part(f"{_steps(rollout, transcript)} steps", "muted", 1)
    numbers = (steps, part(ran, "muted", 2), *_spent(transcript))
    task = rollout.task_id or ABSENT
    for name in (task, fit(task, _TASK, cut="middle")):
        task_said = part(name, "strong", 4)
        things = (LinePart(place), LinePart(outcome_text.state_cell(row)), task_said, *numbers)
        line = join_fitting(things, room)
        if any(piece.style == "strong" for piece in line):
            break
    return (*line, StyledText(f" · {why}")) if why else line


def _spent(transcript: Transcript | None) -> tuple[LinePart, ...]:
    """Tokens and cost, where the artifacts have them."""
    usage = transcript.usage if transcript is not None else None
    if usage is None:
        return ()
    tokens = "" if usage.tokens is None else f"{formats.thousands(usage.tokens)} tokens"
    cost = "" if usage.cost_usd is None else formats.cost(usage.cost_usd)
    return (part(tokens, "muted", 3), part(cost, "muted", 1))


def _steps(rollout: Rollout, transcript: Transcript | None) -> str:
    """How far it is, or how far it came: once it has finished only its artifacts know."""
    if rollout.current_step is None and transcript and transcript.steps_taken is not None:
        limit = transcript.max_steps or rollout.max_steps
        return f"{transcript.steps_taken}/{ABSENT if limit is None else limit}"
    return formats.steps(rollout)
