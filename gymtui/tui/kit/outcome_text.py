"""Outcomes in their colours: how a rollout stands, a run's outcomes as a bar.

Pure; what the numbers mean is decided in `store`, how they are written in `store.formats`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gymtui.core.text import ABSENT
from gymtui.store import formats
from gymtui.store.formats import GLYPH, PHASE_WORD, state_words
from gymtui.store.lists.columns import RunView
from gymtui.store.outcome import Outcome
from gymtui.store.records import RolloutRow
from gymtui.tui.kit.styled_text import Cell, StyledText, value_cell

OUTCOME_STYLES: Mapping[Outcome, str] = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.DONE: "done",
    Outcome.ENVIRONMENT: "error",
    Outcome.AGENT: "error",
    Outcome.CANCELLED: "error",
    Outcome.RUNNING: "running",
    Outcome.WAITING: "waiting",
    Outcome.NOT_RUN: "waiting",
    Outcome.UNKNOWN: "warning",
}


def state_cell(row: RolloutRow) -> Cell:
    """How a rollout stands: glyph and word; while it runs, its phase."""
    outcome, rollout = row.outcome, row.rollout
    if outcome is None or rollout is None:
        return (StyledText("malformed", "warning"),)
    style = OUTCOME_STYLES[outcome]
    if outcome is Outcome.RUNNING and rollout.phase is not None:
        plain = PHASE_WORD.get(rollout.phase, "")
        return (StyledText(f"{GLYPH[outcome]} ", style), StyledText(state_words(row), plain))
    return (StyledText(f"{GLYPH[outcome]} {state_words(row)}", style),)


# -- outcome bar ---------------------------------------------------------------------------

_BLOCK = {
    Outcome.PASSED: "█",
    Outcome.FAILED: "█",
    Outcome.AGENT: "█",
    Outcome.DONE: "▓",
    Outcome.RUNNING: "▒",
    Outcome.WAITING: "░",
    Outcome.NOT_RUN: "╌",
}
"""What each is drawn with, in their order on the bar; `AGENT` stands for every error."""


def outcome_counts(run: RunView) -> list[int]:
    """Passed, failed, errors, done without a known verdict, running, waiting, not run: of one run.

    What the run's own counters say is authoritative for what is over, running and waiting;
    rollouts, where seen, say how what is over ended.
    """
    status, summary = run.row.run, run.summary
    if status is None:
        return [0] * len(_BLOCK)
    least = status.total if run.grouped else status.total or 0
    if summary is not None and summary.known and least is not None and summary.known >= least:
        counts = summary.counts
        errors = summary.errors + counts[Outcome.UNKNOWN]
        return [
            *(counts[Outcome.PASSED], counts[Outcome.FAILED], errors, counts[Outcome.DONE]),
            *(counts[Outcome.RUNNING], counts[Outcome.WAITING], counts[Outcome.NOT_RUN]),
        ]
    finished, running, waiting = run.finished, status.running, status.pending
    if finished is None or running is None or waiting is None:
        return [0] * len(_BLOCK)  # a share of what is not known is none
    return [0, 0, 0, finished, running, waiting, 0]


def apportion(counts: Sequence[int], cells: int) -> list[int]:
    """Share cells out by counts; what exists gets one cell at least, the rest by largest remainder.

    Returns:
        Cells for each, adding up to `cells` unless there is nothing to show; where there are
        fewer cells than kinds, the first kinds get one each.
    """
    total = sum(counts)
    if not total or cells <= 0:
        return [0] * len(counts)
    present = [index for index, number in enumerate(counts) if number > 0]
    if len(present) >= cells:
        return [1 if index in present[:cells] else 0 for index in range(len(counts))]
    given = [max(1, number * cells // total) if number > 0 else 0 for number in counts]
    while sum(given) < cells:
        index = max(present, key=lambda i: counts[i] * cells / total - given[i])
        given[index] += 1
    while sum(given) > cells:
        index = max(
            (i for i in present if given[i] > 1), key=lambda i: given[i] - counts[i] * cells / total
        )
        given[index] -= 1
    return given


def outcome_bar(run: RunView, cells: int, *, plain: bool = False) -> Cell:
    """The run's outcomes as a bar; `plain` draws their glyphs, for terminals without colour."""
    shares = apportion(outcome_counts(run), cells)
    return tuple(
        StyledText((GLYPH[outcome] if plain else block) * share, OUTCOME_STYLES[outcome])
        for share, (outcome, block) in zip(shares, _BLOCK.items(), strict=True)
        if share
    )


def score_cell(score: float | None) -> Cell:
    """A score as a cell of a list."""
    return value_cell(formats.score(score), "muted" if score is None else "")


def outcome_glyph(row: RolloutRow) -> StyledText:
    """How a rollout stands, in one sign."""
    if row.outcome is None:
        return StyledText(ABSENT, "muted")
    return StyledText(GLYPH[row.outcome], OUTCOME_STYLES[row.outcome])
