"""What there is to say about one rollout: why it ended, its phases, its model. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from gymtui.api.models import ModelSettings, Result, Rollout
from gymtui.core.text import ABSENT, clean, width
from gymtui.store import formats
from gymtui.store.formats import STRETCH
from gymtui.store.history.timeline import Segment
from gymtui.store.phases import PHASES, SegmentKind
from gymtui.store.records import RolloutRow
from gymtui.store.rollout_times import waited_so_long
from gymtui.store.stats.formulas import quantile
from gymtui.tui.kit import outcome_text
from gymtui.tui.kit.line_parts import LinePart, join_fitting, part
from gymtui.tui.kit.sparkline import sparkline
from gymtui.tui.kit.styled_text import Cell, StyledText

if TYPE_CHECKING:
    from gymtui.session.session import Session
    from gymtui.transcript.usage import Usage

OWN_LINES = 3
"""How it ended, its phases, its model: a line each, beside those of its message."""


def details_height(screen_height: int) -> int:
    """How many lines the details have: more on a larger screen."""
    return next(
        lines for least, lines in ((45, 7), (30, 5), (16, 4), (0, 2)) if screen_height >= least
    )


def watched_details(
    session: Session, row: RolloutRow | None, cells: int, height: int, *, plain: bool
) -> list[Cell]:
    """The details of a rollout that a session watches, so many lines; empty ones for none."""
    if row is None:
        return [()] * height
    life = session.tracker.segments(row)
    gaps_s = session.tracker.observer.own_gaps_s(row.rollout_id)
    lines = max(height, OWN_LINES + 1)
    return rollout_details(row, life, cells, lines, gaps_s, plain=plain)[:height]


def rollout_details(
    row: RolloutRow,
    life: Sequence[Segment],
    cells: int,
    height: int,
    gaps_s: Sequence[float] = (),
    *,
    plain: bool = False,
) -> list[Cell]:
    """The details of a rollout in exactly so many lines; those its own leave are its message's.

    Args:
        gaps_s: The latest times between its steps while it runs, in seconds.
        plain: Whether its cadence is drawn with ASCII alone.
    """
    rollout = row.rollout
    if rollout is None:
        message_lines = _message(row.rollout_id, (), row.malformed or "malformed", cells, height)
        return _pad(message_lines, height)
    result = rollout.result
    message = (result.message or result.error or "") if result is not None else ""
    lines = _message(
        row.rollout_id, outcome_text.state_cell(row), message, cells, height - OWN_LINES
    )
    note = part(f"note: {row.note}" if row.note else "", "accent")
    ending = _ending_parts(rollout.termination_reason, result)
    phases = [LinePart(cell, number) for number, cell in enumerate(_phases(life, rollout))]
    own = (
        join_fitting([note, *_cadence(gaps_s, plain=plain), *ending], cells),
        join_fitting(phases, cells),
        join_fitting([*_model(rollout.settings), *_usage_parts(row.usage)], cells),
    )
    return _pad([*lines, *(cell for cell in own if cell)], height)


def _cadence(gaps_s: Sequence[float], *, plain: bool) -> Sequence[LinePart]:
    """The latest times between steps, and what is usual."""
    usual_s = quantile(sorted(gaps_s), 0.5)
    if usual_s is None:
        return ()
    cells = (
        StyledText("step time p50 ", "muted"),
        StyledText(f"{format_seconds(usual_s)} "),
        StyledText(sparkline(gaps_s, plain=plain), "agent"),
    )
    return [LinePart(cells)]


def _pad(lines: list[Cell], height: int) -> list[Cell]:
    return [*lines, *[()] * (height - len(lines))]


def _message(name: str, state: Cell, message: str, cells: int, height: int) -> list[Cell]:
    """The name, how it stands, and the message in as many lines as it takes."""
    head: Cell = (StyledText(f"{name}  ", "strong"), *state, StyledText("  "))
    used = sum(width(clean(piece.text)) for piece in head)
    first, *rest = wrap_words(clean(message), cells - used, cells, height)
    return [(*head, StyledText(first)), *[(StyledText(line),) for line in rest]]


def wrap_words(text: str, first: int, cells: int, height: int) -> list[str]:
    """Break clean text at its blanks, into `height` lines; the first has another width.

    What does not fit into the last line stays in it, to be cut.
    """
    lines: list[str] = []
    line, room = "", first
    words = text.split(" ")
    for index, word in enumerate(words):
        longer = f"{line} {word}" if line else word
        if width(longer) <= room or not line:
            line = longer
        elif len(lines) + 1 >= height:
            line = " ".join([line, *words[index:]])
            break
        else:
            lines.append(line)
            line, room = word, cells
    return [*lines, line]


def _ending_parts(reason: str | None, result: Result | None) -> list[LinePart]:
    parts = [LinePart((StyledText("ended: ", "muted"), StyledText(reason)))] if reason else []
    if result is None:
        return parts
    if result.error and result.message:
        error = (StyledText("error: ", "muted"), StyledText(result.error, "error"))
        parts.append(LinePart(error, 1))
    if result.score is not None:
        verdict = f" {result.verdict}" if result.verdict else ""
        score = StyledText(f"{formats.score(result.score)}{verdict}", "strong")
        parts.append(LinePart((StyledText("score ", "muted"), score)))
    if result.confidence is not None:
        parts.append(part(f"confidence {result.confidence:g}", "muted", 3))
    if result.failed_criteria:
        criteria = "; ".join(result.failed_criteria)
        parts.append(LinePart((StyledText("failed: ", "muted"), StyledText(criteria, "failed"))))
    for scored in result.dimension_scores or ():
        reached = ABSENT if scored.score is None else f"{scored.score:g}"
        parts.append(part(f"{scored.dimension or 'dimension'} {reached}", "muted", 2))
    return parts


def _phases(life: Sequence[Segment], rollout: Rollout) -> list[Cell]:
    """Each stretch with its length and how far that may be off; `–` where the times contradict."""
    cells: list[Cell] = []
    for segment in life:
        if segment.kind is SegmentKind.ENDED:
            continue
        slack = segment.start_slack + segment.end_slack
        possible = segment.kind is not SegmentKind.QUEUED or waited_so_long(rollout, segment.end)
        pieces = [
            StyledText(format_seconds(segment.duration.total_seconds()) if possible else ABSENT)
        ]
        if possible and slack >= timedelta(seconds=0.05):
            pieces.append(StyledText(f" ±{format_seconds(slack.total_seconds())}", "muted"))
        style = str(segment.kind) if segment.kind in PHASES else "muted"
        word = segment.phase or STRETCH[segment.kind]
        cells.append((StyledText(f"{word} ", style), *pieces))
    return cells


def format_seconds(length_s: float) -> str:
    """A length of time: short ones to a tenth of a second."""
    return f"{length_s:.1f}s" if length_s < 9.95 else formats.duration(length_s)


def _model(settings: ModelSettings | None) -> list[LinePart]:
    if settings is None:
        return []
    turns, prompt = settings.summarize_every_n_turns, settings.system_prompt
    server = settings.tool_server_url
    settings_texts: list[tuple[str | None, int]] = [
        (" ".join(name for name in (settings.model, settings.provider) if name), 0),
        (_number("T", settings.temperature), 0),
        (None if settings.max_steps is None else f"max {settings.max_steps} steps", 0),
        (settings.base_url, 2),
        (f"tools at {server}" if server else None, 3),
        ("log-probs" if settings.log_prob else None, 1),
        (f"summary every {turns} turns" if turns else None, 1),
        (_number("stride", settings.context_stride), 3),
        (f"“{prompt}”" if prompt else None, 4),
    ]
    return [part(text, "muted", priority) for text, priority in settings_texts if text]


def _usage_parts(usage: Usage | None) -> list[LinePart]:
    if usage is None:
        return []
    texts = [] if usage.tokens is None else [f"{formats.thousands(usage.tokens)} tokens"]
    texts += [] if usage.cost_usd is None else [formats.cost(usage.cost_usd)]
    return [part(text, "muted", 1) for text in texts]


def _number(name: str, value: float | None) -> str | None:
    return None if value is None else f"{name} {value:g}"
