"""`gymtui runs`: the run list for people and for programs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import Forbidden
from gymtui.cli import document_keys
from gymtui.cli.documents import run_document
from gymtui.cli.gym_access import UNSTEADY, GymReader, with_gym
from gymtui.cli.list_filters import (
    COMMAND_RUNS,
    FilteredRows,
    ListRequest,
    check_order,
    filter_rows,
    fits,
    read_filters,
)
from gymtui.cli.options import tell
from gymtui.cli.output import Cell, Colour, Column, Printer
from gymtui.config.settings import Settings
from gymtui.core.text import ABSENT, clean
from gymtui.store.column_def import Schema
from gymtui.store.formats import (
    age,
    count,
    eta_words,
    interval_words,
    join_names,
    of_many,
    percent,
    score,
)
from gymtui.store.history.journal_place import Place
from gymtui.store.lists.columns import RunView, pass_rate

FETCHED_BY_DEFAULT = 50
"""Of so many runs a table or CSV has the numbers without being told to ask for them."""

NUMBER_COLUMNS = frozenset(
    (
        *("model", "provider", "pass", "low", "high", "score"),
        *("verdicts", "errors", "age", "stalled", "eta"),
    )
)
"""Columns that need a run's rollouts."""

COUNTERS: Schema[RunView] = Schema(
    field for field in COMMAND_RUNS if field.name not in NUMBER_COLUMNS
)
"""The columns that `GET /runs` alone fills."""

_STATUS: dict[str, Colour] = {"running": "cyan", "waiting": "dim", "malformed": "yellow"}


def print_runs(
    settings: Settings,
    form: str,
    request: ListRequest,
    *,
    numbers: bool | None,
    journal: Place,
) -> None:
    """Print runs.

    Args:
        numbers: Whether to ask for the rollouts of each; None: where they are wanted for the
            filter or the order, or for a table or CSV of few.

    Raises:
        click.UsageError: The request is none.
    """
    check_order(request.order, COMMAND_RUNS)
    read_filters(request.filters, COMMAND_RUNS)
    needed = _needs_numbers(request)

    async def fetch(client: Endpoints) -> tuple[FilteredRows[RunView], datetime]:
        reader = GymReader(client)
        denied: dict[str, Forbidden] = {}
        if not await reader.list_every_run(settings.source, settings.scenario):
            tell(UNSTEADY)
        reader.remember(journal)
        if needed:
            cheap = tuple(text for text in request.filters if _is_cheap(text))
            denied |= await reader.list_allowed_rollouts(
                _unknown(reader, _now(reader, ListRequest(cheap)))
            )
        found = _now(reader, request)
        unknown = [run_id for run_id in _unknown(reader, found) if run_id not in denied]
        if unknown and (numbers or (numbers is None and form in ("table", "csv"))):
            if numbers or len(unknown) <= FETCHED_BY_DEFAULT:
                denied |= await reader.list_allowed_rollouts(unknown)
                found = _now(reader, request)
            else:
                runs = of_many(len(unknown), "run")
                tell(f"the numbers of {runs} were not fetched; pass --numbers, or a --limit")
        if denied:
            runs = clean(join_names(list(denied)))
            tell(f"forbidden (403): the numbers of {runs}")
        return found, reader.clock.now()

    found, now = with_gym(settings, fetch)
    if form == "table":
        scored = any(run.summary is not None and run.summary.scored for run in found.rows)
        noted = any(run.note for run in found.rows)
        Printer.standard().table(_columns(now, scored=scored, noted=noted), found.rows)
        return
    with_numbers = needed or bool(numbers) or (numbers is None and form == "csv")
    documents = [run_document(run, numbers=with_numbers) for run in found.rows]
    keys, total = document_keys.RUN, found.matching
    Printer.standard().records(form, "runs", documents, keys, total=total)


def _now(reader: GymReader, request: ListRequest) -> FilteredRows[RunView]:
    views = {run_id: reader.view(run_id) for run_id in reader.store.runs}
    return filter_rows(views, request, COMMAND_RUNS, reader.now_s)


async def runs_with_numbers(reader: GymReader, request: ListRequest) -> FilteredRows[RunView]:
    """Runs as filtered, with the numbers of those that are left; all runs were listed before.

    What the key may not see is left out.

    Raises:
        click.UsageError: The filter is none.
    """
    if _needs_numbers(request):
        cheap = tuple(text for text in request.filters if _is_cheap(text))
        await reader.list_allowed_rollouts(_unknown(reader, _now(reader, ListRequest(cheap))))
    await reader.list_allowed_rollouts(_unknown(reader, _now(reader, request)))
    return _now(reader, request)


def _needs_numbers(request: ListRequest) -> bool:
    order = COMMAND_RUNS[request.order].name if request.order is not None else None
    return order in NUMBER_COLUMNS or not all(fits(text, COUNTERS) for text in request.filters)


def _is_cheap(text: str) -> bool:
    """Whether a filter is one term over counters: bare words may mean a model not known yet."""
    return not re.search(r"\s", text) and bool(re.search(r"[:<>=]", text)) and fits(text, COUNTERS)


def _unknown(reader: GymReader, found: FilteredRows[RunView]) -> list[str]:
    missing = []
    for view in found.rows:
        total = view.row.run.total if view.row.run is not None else 0
        summary = view.summary
        whole = summary is not None and not view.row.active and summary.known == total
        if total != 0 and not whole and not reader.store.knows_rollouts_of(view.name):
            missing.append(view.name)
    return missing


def _columns(now: datetime, *, scored: bool, noted: bool) -> tuple[Column[RunView], ...]:
    def name(run: RunView) -> Cell:
        if run.row.malformed is not None:
            return Cell(f"(malformed: {run.row.malformed})", "yellow")
        return Cell(run.name, "bold" if run.row.active else "")

    def done(run: RunView) -> Cell:
        if run.row.run is None:
            return Cell(ABSENT, "dim")
        return Cell(f"{count(run.finished)}/{count(run.row.run.total)}")

    def passes(run: RunView) -> Cell:
        rate, summary = pass_rate(run), run.summary
        if rate is None or summary is None:
            return Cell(ABSENT, "dim")
        between = f" {interval_words(summary.interval)}" if summary.interval is not None else ""
        # An unfinished run's rate flatters: slow rollouts fail more often.
        words = f"{percent(rate)}{between} of {summary.verdicts}"
        return Cell(words, "dim" if run.row.active else "")

    def errors(run: RunView) -> Cell:
        number = run.summary.errors if run.summary is not None else None
        return Cell(count(number), "yellow" if number else "dim")

    def counter(field: str) -> Callable[[RunView], Cell]:
        return lambda run: Cell(count(getattr(run.row.run, field, None)))

    def left(run: RunView) -> Cell:
        if run.left is None:
            return Cell(ABSENT, "dim")
        return Cell(eta_words(run.left), "yellow" if isinstance(run.left, str) else "")

    def scenario(run: RunView) -> Cell:
        return Cell(run.row.run and run.row.run.scenario_id)

    def mean(run: RunView) -> Cell:
        return Cell(score(run.summary.score if run.summary is not None else None))

    columns: tuple[Column[RunView], ...] = (
        Column("RUN", name, least=28),
        Column("STATUS", lambda run: Cell(run.status, _STATUS.get(run.status, "")), priority=3),
        Column("DONE", done, right=True),
        Column("PASS@1", passes),
        Column("SCORE", mean, right=True, priority=5),  # most verifiers give none
        Column("ERR", errors, right=True, priority=1),
        Column("RUNNING", counter("running"), right=True, priority=4),
        Column("WAITING", counter("pending"), right=True, priority=5),
        Column("ETA", left, right=True, priority=3),
        Column("AGE", lambda run: Cell(age(run.began_at, now), "dim"), right=True, priority=2),
        Column("NOTE", lambda run: Cell(run.note), least=8, priority=4),
        Column("SCENARIO", scenario, least=8, priority=7),
        Column("MODEL", lambda run: Cell(run.summary and run.summary.model), least=10, priority=6),
    )
    there = {"SCORE": scored, "NOTE": noted}
    return tuple(column for column in columns if there.get(column.title, True))
