"""`gymtui failures`: what runs fail in, by criterion, tool or message, for people and programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gymtui.api.endpoints import Endpoints
from gymtui.cli.gym_access import GymReader, load_runs_and_rollouts, with_gym
from gymtui.cli.options import tell
from gymtui.cli.output import Cell, Column, Printer
from gymtui.cli.report import finished_rollouts, read_artifacts
from gymtui.cli.reporting.failures import count_failures, failure_document, rows_of
from gymtui.config.settings import Settings
from gymtui.core.pieces import result_of
from gymtui.core.text import ABSENT
from gymtui.store.formats import GLYPH, WORD, join_names, of_many, percent, points
from gymtui.store.outcome import Outcome
from gymtui.store.stats.failure_changes import CoFailures, FailureRow
from gymtui.store.stats.failures import FailureView
from gymtui.store.stats.matrix import Matrix
from gymtui.store.stats.tool_errors import ToolTally, tool_tallies

TOOL = "tool"


def print_failures(
    settings: Settings,
    run_ids: Sequence[str],
    by: str,
    form: str,
    *,
    against: str | None = None,
) -> None:
    """Print what runs fail in.

    Args:
        by: `criterion`, `message` or `tool`.
        against: The run that they are compared with; by default the first of them.
    """

    async def fetch(client: Endpoints) -> tuple[GymReader, list[str], str | None]:
        reader = GymReader(client)
        wanted = await load_runs_and_rollouts(reader, settings, run_ids)
        other = [] if against is None else await load_runs_and_rollouts(reader, settings, [against])
        if by == TOOL:
            await read_artifacts(client, settings, reader.store, wanted)
        return reader, wanted, other[0] if other else None

    reader, names, compared = with_gym(settings, fetch)
    if by == TOOL:
        _print_tools(reader, names, form)
        return
    rows, matrix = failures_of(reader, names, by, compared)
    before = names[0] if compared is None else compared
    others = [name for name in names if name != before]
    if form == "table":
        if not rows:
            tell("no finished rollout failed")
        if others:
            tell(f"CHANGE of {join_names(others)} against {before}, in percentage points (95 %)")
        Printer.standard().table(_columns(rows, by, others), rows)
        return
    shared = CoFailures(row.group for row in rows)
    documents = [failure_document(row, shared, others, matrix) for row in rows]
    against = before if others else None
    Printer.standard().records(form, "failures", documents, against=against)


def failures_of(
    reader: GymReader, names: Sequence[str], by: str, compared: str | None = None
) -> tuple[Sequence[FailureRow], Matrix]:
    """What runs fail in, of what is listed of them, and the tasks and attempts that is of.

    Args:
        by: `criterion` or `message`.
        compared: The run that they are compared with; by default the first of them.

    Returns:
        The failures, the commonest first.
    """
    others = [compared] if compared is not None else []
    failures, matrix = count_failures(reader.store, (*names, *others))
    return rows_of(failures, matrix, names, FailureView(by), compared), matrix


def _columns(
    rows: Sequence[FailureRow], by: str, others: Sequence[str]
) -> tuple[Column[FailureRow], ...]:
    shared = CoFailures(row.group for row in rows)

    def name(row: FailureRow) -> Cell:
        guess = "~ " if row.group.guessed and by == "criterion" else ""
        return Cell(f"{guess}{row.group.text}")

    def cause(row: FailureRow) -> Cell:
        outcome = row.group.outcome
        words = f"{GLYPH[outcome]} {WORD[outcome]}"
        return Cell(words, "red" if outcome is Outcome.FAILED else "yellow")

    def with_(row: FailureRow) -> Cell:
        found = shared.with_group(row.group, 1)
        if not found or row.group.outcome is not Outcome.FAILED:
            return Cell(ABSENT, "dim")
        return Cell(f"{found[0][1]}× {found[0][0].text}", "dim")

    shown = (Column("FAILS WITH", with_, least=16, priority=3),) if by == "criterion" else ()
    return (
        Column("OUTCOME", cause),
        Column(by.upper(), name, least=24),
        Column("ROLLOUTS", lambda row: Cell(len(row.group.rollout_ids)), right=True),
        Column("TASKS", lambda row: Cell(len(row.group.task_row_ids)), right=True, priority=2),
        *change_columns("CHANGE", others),
        *shown,
    )


def change_columns(title: str, others: Sequence[str]) -> Iterator[Column[FailureRow]]:
    """How often other runs fail in something, against the one compared with: a column each."""

    def change(place: int) -> Callable[[FailureRow], Cell]:
        def cell(row: FailureRow) -> Cell:
            found = row.changes[place]
            if found is None:
                return Cell(ABSENT, "dim")
            low, high = points(found.interval.low), points(found.interval.high)
            words = f"{points(found.difference)} ({low} to {high})"
            return Cell(words, "yellow" if found.clear else "dim")

        return cell

    for place, name in enumerate(others):
        heading = f"CHANGE {name}" if len(others) > 1 else title
        yield Column(heading, change(place), right=True, priority=1)


# -- by tool -------------------------------------------------------------------------------


def _print_tools(reader: GymReader, names: Sequence[str], form: str) -> None:
    ended = finished_rollouts(reader.store, names)
    known = {
        rollout_id: tools
        for rollout_id in ended
        if (tools := reader.store.rollouts[rollout_id].tools) is not None
    }
    tallies = result_of(tool_tallies(known))
    if form == "table":
        tell(f"known for {len(known)} of {of_many(len(ended), 'finished rollout')}")
        Printer.standard().table(_TOOL_COLUMNS, tallies)
        return
    documents = [
        {
            "tool": tally.tool,
            "calls": tally.calls,
            "errors": tally.errors,
            "error_share": tally.error_share,
            "commonest_error": tally.commonest,
            "commonest_count": tally.commonest_count,
            "rollouts": len(tally.rollout_ids),
            "rollout_ids": list(tally.rollout_ids),
        }
        for tally in tallies
    ]
    known_for, of_all = len(known), len(ended)
    Printer.standard().records(form, "tools", documents, known=known_for, of_rollouts=of_all)


_TOOL_COLUMNS: tuple[Column[ToolTally], ...] = (
    Column("TOOL", lambda row: Cell(row.tool), least=16),
    Column("CALLS", lambda row: Cell(row.calls), right=True),
    Column("ERRORS", lambda row: Cell(row.errors, "yellow" if row.errors else "dim"), right=True),
    Column("SHARE", lambda row: Cell(percent(row.error_share)), right=True, priority=1),
    Column("ROLLOUTS", lambda row: Cell(len(row.rollout_ids)), right=True, priority=2),
    Column("COMMONEST ERROR", lambda row: Cell(row.commonest or ABSENT, "dim"), least=24),
)
