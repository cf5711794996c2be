"""The columns by which runs and rollouts are filtered and ordered, on screens and in commands.

How a column is drawn is `tui.runs.columns`; the filter language over these names is
`store.lists.query`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, get_args

from msgspec import Struct

from gymtui.config.schema import SOURCES, Provider
from gymtui.core.replacement import replace
from gymtui.store.column_def import Field, Schema, ValueKind, name_column
from gymtui.store.formats import PHASE_WORD, WORD, state_word
from gymtui.store.history.notes import tags
from gymtui.store.outcome import Outcome
from gymtui.store.records import Intent, RolloutRow, RunRow, score_of
from gymtui.store.rollout_times import elapsed, started_at
from gymtui.store.stats.confidence_sequence import anytime_interval
from gymtui.store.stats.criteria import criteria_of
from gymtui.store.stats.eta import Eta, TimeLeft
from gymtui.store.stats.failure_reasons import fold, reason_of, silence_of
from gymtui.store.stats.failures import FAILED_OUTCOMES, ended_at
from gymtui.store.stats.formulas import Interval
from gymtui.store.stats.run_summary import RunSummary

TEXT, NUMBER, PERCENT = ValueKind.TEXT, ValueKind.NUMBER, ValueKind.PERCENT
FLAG, TIME, DURATION = ValueKind.FLAG, ValueKind.TIME, ValueKind.DURATION


class RunView(Struct, frozen=True):
    """A run with the numbers over its rollouts, if those were seen."""

    row: RunRow
    summary: RunSummary | None = None
    left: TimeLeft | None = None  # when it will be done, while it is active and that can be said
    watched: bool = False  # whether the person wants to be told of its end
    stuck: int = 0  # how many of its running rollouts are stuck, as far as they are watched
    grouped: bool = False  # whether it stands for several runs
    forbidden: bool = False  # whether the key may not see its rollouts
    place: float = 0.0  # where the gym's own list has it, the newest with the smallest number
    # When it was probably created, by those around it, while that is not known.
    placed_at: datetime | None = None
    behind: bool = False  # whether its numbers are older than three ticks although it has moved on
    note: str | None = None  # the person's own note on it

    @property
    def began_at(self) -> datetime | None:
        """When it started, else when it was created; None while that is not known."""
        return (self.summary.started_at or self.summary.created_at) if self.summary else None

    @property
    def name(self) -> str:
        """Its id as received."""
        return self.row.run_id

    @property
    def finished(self) -> int | None:
        """Rollouts that ended: by the counters, or by the rollouts themselves if these say more.

        Whether `failed` counts workspace errors is unknown (API.md); the rollouts know.
        """
        if self.row.run is None:
            return None
        counted, summary = self.row.finished, self.summary
        if counted is None:
            # A run's rollouts are all listed or none; of a group's runs some may not be.
            least = self.row.run.total if self.grouped else self.row.run.total or 1
            whole = summary is not None and least is not None and summary.known >= least
            return summary.ended if summary is not None and whole else None
        return max(counted, summary.ended if summary is not None else 0)

    @property
    def cancelled(self) -> bool:
        """Whether it is over, and not all of it came to its own end."""
        if self.row.active or self.grouped or self.summary is None:
            return False
        return bool(self.summary.counts[Outcome.CANCELLED])

    @property
    def status(self) -> str:
        """One word for how it stands; not the server's, which has none for a run."""
        if self.row.is_deleted:
            return "deleted"
        if self.row.malformed is not None:
            return "malformed"
        if self.row.intent is not None:
            return str(self.row.intent)
        run = self.row.run
        if run is not None and self.row.active:
            return "running" if run.running or self.finished else "waiting"
        return "cancelled" if self.cancelled else "finished"


def _counter(name: str) -> Field[RunView]:
    return Field(name, NUMBER, lambda run: getattr(run.row.run, name, None))


def progress(run: RunView) -> float | None:
    """The share of its rollouts that ended."""
    if run.row.run is None or not run.row.run.total or run.finished is None:
        return None
    return run.finished / run.row.run.total


def pass_rate(run: RunView) -> float | None:
    """pass@1: passes over verdicts; None without a verdict."""
    if run.summary is None or not run.summary.verdicts:
        return None
    return run.summary.passes / run.summary.verdicts


def certain_interval(run: RunView) -> Interval | None:
    """Between what pass@1 is, however often one looks; None without a verdict."""
    if run.summary is None or not run.summary.verdicts:
        return None
    return anytime_interval(run.summary.passes, run.summary.verdicts)


def pass_bounds(run: RunView) -> tuple[float, float] | None:
    """`certain_interval` as a pair."""
    found = certain_interval(run)
    return None if found is None else (found.low, found.high)


def certain(schema: Schema[RunView]) -> Schema[RunView]:
    """The columns for conditions that something is done by: pass@1 only as far as it is certain."""
    return Schema(
        replace(field, bounds=pass_bounds) if field.name == "pass" else field for field in schema
    )


RUN_STATUSES = (
    *("waiting", "running", "finished", "cancelled"),
    *(*map(str, Intent), "deleted", "malformed"),
)


def _later(
    name: str,
    kind: ValueKind,
    value: Callable[[RunView], object],
    aliases: tuple[str, ...] = (),
    **options: Any,
) -> Field[RunView]:
    """A column that is known of a finished run only once its rollouts were read."""
    return Field(name, kind, value, aliases, from_history=True, **options)


RUNS: Schema[RunView] = Schema(
    [
        name_column("run", lambda run: run.name, ("id",)),
        _later("status", TEXT, lambda run: run.status, choices=RUN_STATUSES),
        Field("scenario", TEXT, lambda run: run.row.run and run.row.run.scenario_id),
        _later("model", TEXT, lambda run: run.summary and run.summary.model),
        _later(
            "provider",
            TEXT,
            lambda run: run.summary and run.summary.provider,
            choices=get_args(Provider),
        ),
        Field("source", TEXT, lambda run: run.row.run and run.row.run.source, choices=SOURCES),
        _later("pass", PERCENT, pass_rate, ("pass@1",)),
        _later("low", PERCENT, lambda run: (bounds := pass_bounds(run)) and bounds[0]),
        _later("high", PERCENT, lambda run: (bounds := pass_bounds(run)) and bounds[1]),
        _later("score", NUMBER, lambda run: run.summary and run.summary.score),
        _later("progress", PERCENT, progress),
        # `finished` is what it was called in 0.1.
        _later(
            "done",
            PERCENT,
            progress,
            ("finished",),
            order=lambda run: run.finished,
            order_kind=NUMBER,
            count=lambda run: run.finished,
        ),
        _later("verdicts", NUMBER, lambda run: run.summary and run.summary.verdicts),
        _later("errors", NUMBER, lambda run: run.summary and run.summary.errors, ("err",)),
        _counter("total"),
        _counter("running"),
        Field("waiting", NUMBER, lambda run: run.row.run and run.row.run.pending, ("pending",)),
        Field("note", TEXT, lambda run: run.note),
        Field(
            "tag",
            TEXT,
            lambda run: " ".join(tags(run.note)) or None,
            words=False,
            each=lambda run: tags(run.note),
        ),
        Field("active", FLAG, lambda run: run.row.active),
        Field("watched", FLAG, lambda run: run.watched),
        Field("stuck", FLAG, lambda run: run.stuck > 0),
        Field("forbidden", FLAG, lambda run: run.forbidden),
        Field("stalled", FLAG, lambda run: run.left == "stalled"),
        Field(
            "eta",
            DURATION,
            lambda run: run.left.high_s if isinstance(run.left, Eta) else None,
            ("left",),
        ),
        _later(
            "age",
            TIME,
            lambda run: run.began_at,
            ("started",),
            order=lambda run: run.began_at or run.placed_at,
        ),
    ]
)

LISTED: Field[RunView] = Field("listed", NUMBER, lambda run: run.place)
"""Where the gym's own list has a run: stands in for what is not known yet."""


STATES = (*dict.fromkeys((*map(str, WORD), *PHASE_WORD.values(), "malformed")),)
"""What STATE shows, but for statuses and phases that nobody has described."""
STATUSES = ("pending", "running", "completed", "failed", "workspace_error")
"""The gym's own (API.md)."""


def failed_criteria(row: RolloutRow) -> tuple[str, ...]:
    """What a rollout failed, folded as the groups of failures are called; empty if it did not."""
    if row.rollout is None or row.outcome not in FAILED_OUTCOMES:
        return ()
    return tuple(criterion.folded for criterion in criteria_of(row.rollout, row.outcome))


def failed_tools(row: RolloutRow) -> tuple[str, ...]:
    """The tools of which a call failed, as far as the artifacts were read."""
    return tuple(use.tool for use in row.tools or () if use.errors)


def failure_message(row: RolloutRow) -> str | None:
    """What a rollout that went wrong says, folded as groups are called; None if it did not."""
    if row.rollout is None or row.outcome not in FAILED_OUTCOMES:
        return None
    return fold(reason_of(row.rollout, row.outcome) or silence_of(row.outcome))


ROLLOUTS: Schema[RolloutRow] = Schema(
    [
        name_column("rollout", lambda row: row.rollout_id, ("id",)),
        Field("run", TEXT, lambda row: row.run_id),
        name_column("task", lambda row: row.rollout and row.rollout.task_id),
        Field("scenario", TEXT, lambda row: row.rollout and row.rollout.scenario_id),
        Field(
            "state",
            TEXT,
            state_word,
            choices=STATES,
            also=lambda row: "running" if row.outcome is Outcome.RUNNING else None,
        ),
        Field("status", TEXT, lambda row: row.rollout and row.rollout.status, choices=STATUSES),
        Field("phase", TEXT, lambda row: row.rollout and row.rollout.phase, choices=(*PHASE_WORD,)),
        Field(
            "outcome",
            TEXT,
            lambda row: str(row.outcome) if row.outcome else None,
            choices=(*Outcome,),
        ),
        Field(
            "passed",
            FLAG,
            lambda row: row.rollout and row.rollout.result and row.rollout.result.success,
        ),
        Field("steps", NUMBER, lambda row: row.rollout and row.rollout.current_step, ("step",)),
        Field("max_steps", NUMBER, lambda row: row.rollout and row.rollout.max_steps),
        Field("score", NUMBER, score_of),
        Field("elapsed", DURATION, elapsed, ("time",)),
        Field("age", TIME, lambda row: row.rollout and started_at(row.rollout)),
        Field("created", TIME, lambda row: row.rollout and row.rollout.created_at),
        Field("reason", TEXT, lambda row: row.rollout and row.rollout.termination_reason),
        Field("note", TEXT, lambda row: row.note),
        Field(
            "tag",
            TEXT,
            lambda row: " ".join(tags(row.note)) or None,
            words=False,
            each=lambda row: tags(row.note),
        ),
        Field(
            "message",
            TEXT,
            lambda row: row.rollout and row.rollout.result and row.rollout.result.message,
        ),
        Field(
            "criterion",
            TEXT,
            lambda row: "; ".join(failed_criteria(row)) or None,
            words=False,
            each=failed_criteria,
        ),
        Field("failure", TEXT, failure_message, words=False),
        Field("ended", TIME, lambda row: row.rollout and ended_at(row.rollout)),
        Field(
            "model",
            TEXT,
            lambda row: row.rollout and row.rollout.settings and row.rollout.settings.model,
        ),
    ],
    elsewhere={
        "stuck": "only the dashboard's run list and active rollouts have it",
        **dict.fromkeys(
            ("tokens", "cost", "failed_tool"), "only the dashboard's rollout list has it"
        ),
    },
)

READ_ROLLOUTS: Schema[RolloutRow] = Schema(
    [
        *ROLLOUTS,
        Field("tokens", NUMBER, lambda row: row.usage and row.usage.tokens),
        Field("cost", NUMBER, lambda row: row.usage and row.usage.cost_usd),
        Field(
            "failed_tool",
            TEXT,
            lambda row: "; ".join(failed_tools(row)) or None,
            words=False,
            each=failed_tools,
        ),
    ],
    elsewhere={"stuck": "only the dashboard's run list and active rollouts have it"},
)
"""Those of rollouts whose artifacts are read, too."""
