"""`gymtui rollouts`: the rollouts of some runs, of those under way, or of all there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gymtui.api.endpoints import Endpoints
from gymtui.cli import document_keys
from gymtui.cli.documents import rollout_document
from gymtui.cli.gym_access import UNSTEADY, GymReader, with_gym
from gymtui.cli.list_filters import (
    FilteredRows,
    ListRequest,
    check_order,
    filter_rows,
    read_filters,
    unknown_columns,
)
from gymtui.cli.options import tell
from gymtui.cli.output import Cell, Colour, Column, Printer
from gymtui.config.settings import Settings
from gymtui.core.text import ABSENT
from gymtui.store.formats import GLYPH, duration, score, state_words, steps, why
from gymtui.store.history import journal_reader
from gymtui.store.history.journal_place import Place
from gymtui.store.lists.columns import ROLLOUTS
from gymtui.store.outcome import Outcome, steps_of
from gymtui.store.records import RolloutRow, score_of
from gymtui.store.rollout_times import elapsed_s

_COLOUR: dict[Outcome, Colour] = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "red",
    Outcome.ENVIRONMENT: "yellow",
    Outcome.AGENT: "yellow",
    Outcome.CANCELLED: "yellow",
    Outcome.RUNNING: "cyan",
    Outcome.WAITING: "dim",
    Outcome.NOT_RUN: "dim",
}


def print_rollouts(
    settings: Settings,
    run_ids: Sequence[str],
    form: str,
    request: ListRequest,
    *,
    journal: Place,
    every: bool = False,
) -> None:
    """Print rollouts of some runs; of none named, those of the runs under way, or of all.

    Raises:
        click.UsageError: The request is none.
    """
    check_order(request.order, ROLLOUTS)
    read_filters(request.filters, ROLLOUTS)

    async def fetch(client: Endpoints) -> tuple[FilteredRows[RolloutRow], datetime]:
        reader = GymReader(client)
        reader.take_notes(journal)
        wanted = list(dict.fromkeys(run_ids))
        if wanted:
            wanted = await reader.find_runs(wanted)
        else:
            if not await reader.list_every_run(settings.source, settings.scenario):
                tell(UNSTEADY)
            known = reader.store.runs.items()
            wanted = [i for i, row in known if row.malformed is None and (every or row.active)]
            if not wanted:
                tell("no runs" if every else "no active runs; name a run, or pass --all")
        await reader.list_rollouts_of(wanted)
        rows = {row.rollout_id: row for run in wanted for row in reader.store.rollouts_of(run)}
        for column in unknown_columns(request, ROLLOUTS, rows.values()):
            tell(f"{column} is unknown for every rollout: the gym does not list it")
        return filter_rows(rows, request, ROLLOUTS, reader.now_s), reader.clock.now()

    found, now = with_gym(settings, fetch)
    if form == "table":
        shown = {row.run_id for row in found.rows}
        last_steps = journal_reader.last_steps(journal, shown)
        several = len(shown) > 1
        scored = any(score_of(row) is not None for row in found.rows)
        noted = any(row.note for row in found.rows)
        # The gym says it of rollouts that run, and a dashboard remembers it.
        stepped = any(
            steps_of(row.rollout, last_steps.get(row.rollout_id)) is not None
            for row in found.rows
            if row.rollout is not None
        )
        there = {"RUN": several, "SCORE": scored, "NOTE": noted, "STEPS": stepped}
        columns = [c for c in _columns(now, last_steps) if there.get(c.title, True)]
        Printer.standard().table(columns, found.rows)
        return
    documents = [rollout_document(row, now) for row in found.rows]
    keys, total = document_keys.ROLLOUT, found.matching
    Printer.standard().records(form, "rollouts", documents, keys, total=total)


def _columns(now: datetime, last_steps: Mapping[str, int]) -> tuple[Column[RolloutRow], ...]:
    def state(row: RolloutRow) -> Cell:
        if row.rollout is None or row.outcome is None:
            return Cell("? malformed", "yellow")
        words = f"{GLYPH[row.outcome]} {state_words(row)}"
        return Cell(words, _COLOUR.get(row.outcome, ""))

    def step(row: RolloutRow) -> Cell:
        if row.rollout is None or row.rollout.current_step is not None:
            return Cell(steps(row.rollout) if row.rollout else None)
        # Seen by a dashboard, not said: there may have been another step after it.
        return Cell(steps(row.rollout, last_steps.get(row.rollout_id)), "dim")

    return (
        Column("ROLLOUT", lambda row: Cell(row.rollout_id), least=16),
        Column("TASK", lambda row: Cell(row.rollout and row.rollout.task_id), least=18),
        Column("STATE", state),
        Column("STEPS", step, right=True),
        Column("ELAPSED", lambda row: Cell(duration(elapsed_s(row, now))), right=True),
        Column("SCORE", lambda row: Cell(score(score_of(row))), right=True, priority=3),
        Column("RUN", lambda row: Cell(row.run_id), least=20, priority=1),
        Column("NOTE", lambda row: Cell(row.note), least=8, priority=2),
        Column("MESSAGE", lambda row: Cell(why(row) or ABSENT), least=16, priority=2),
    )
