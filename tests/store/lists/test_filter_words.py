"""What STATE shows is what `state:` takes, our own cancel included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gymtui.api.models import Rollout
from gymtui.core.replacement import replace
from gymtui.store.column_def import Field, Schema, ValueKind
from gymtui.store.formats import state_word, state_words
from gymtui.store.history.observer import StateObservation
from gymtui.store.history.timeline import segments
from gymtui.store.lists.columns import ROLLOUTS, RUNS
from gymtui.store.lists.completion import completions
from gymtui.store.lists.query import FilterError, parse
from gymtui.store.outcome import Outcome, outcome_of
from gymtui.store.records import RolloutRow
from gymtui.store.rollout_result import rollout_result
from gymtui.store.running_rollouts import RUNNING, RunningRow
from gymtui.store.stats.run_summary import SummaryBuilder
from gymtui.tui.kit import outcome_text


def row_of(outcome: Outcome, **fields: object) -> RolloutRow:
    """A rollout that was decided to stand so."""
    rollout = Rollout.model_validate({"rollout_id": "r", "status": "failed", **fields})
    return RolloutRow("r", "run", b"{}", 0.0, 0.0, rollout, outcome=outcome)


ROWS = [
    *(row_of(one) for one in Outcome if one not in (Outcome.UNKNOWN, Outcome.NOT_RUN)),
    *(
        row_of(Outcome.RUNNING, status="running", phase=phase)
        for phase in ("building_environment", "seeding", "agent_running", "verifying")
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=state_word)
def test_what_the_column_shows_finds_the_row(row: RolloutRow) -> None:
    shown = "".join(ink.text for ink in outcome_text.state_cell(row)).split()[1]
    for word in (shown, state_word(row)):
        wanted = parse(f"state:{word}", ROLLOUTS)
        found = [other for other in ROWS if wanted.matches(other, 0.0)]
        # Only what shows that word; `running` is all that runs, whatever its phase.
        assert row in found
        assert found == [row] or word == "running"


def test_a_cancel_from_here_is_cancelled_everywhere() -> None:
    row = row_of(Outcome.CANCELLED, termination_reason="agent gave up")
    assert state_word(row) == state_words(row) == "cancelled"
    assert parse("state:cancel outcome:cancelled", ROLLOUTS).matches(row, 0.0)
    assert not parse("state:agent", ROLLOUTS).matches(row, 0.0)


@pytest.mark.parametrize("status", ["not run", "interrupted"])
def test_what_a_dead_run_left_is_neither_a_fail_nor_an_error(status: str) -> None:
    rollout = Rollout.model_validate({"rollout_id": "r", "status": status})
    row = replace(row_of(Outcome.WAITING), rollout=rollout, outcome=outcome_of(rollout))
    assert row.outcome is Outcome.NOT_RUN and state_words(row) == status
    for text in ("state:not", "outcome:not_run") if status == "not run" else ("outcome:not_run",):
        assert parse(text, ROLLOUTS).matches(row, 0.0)
    builder = SummaryBuilder()
    builder.add(row)
    summary = builder.summary([row])
    assert (summary.errors, summary.verdicts, summary.ended) == (0, 0, 0)
    assert rollout_result(rollout) is None
    # That it stood so while somebody looked is no part of its life.
    now = datetime(2026, 5, 1, tzinfo=UTC)
    seen = StateObservation("r", "run", status, None, now, now, None)
    assert segments(rollout, [seen], now + timedelta(hours=1)) == ()


def test_what_runs_is_running_whatever_its_phase() -> None:
    row = row_of(Outcome.RUNNING, status="running", phase="verifying")
    assert parse("state:running state:verif phase:verify", ROLLOUTS).matches(row, 0.0)


@pytest.mark.parametrize("text", ["state:faild", "status:x", "phase:agnt", "outcome:nix"])
def test_a_word_that_fits_nothing_is_refused_with_the_choices(text: str) -> None:
    with pytest.raises(FilterError) as refused:
        parse(text, ROLLOUTS)
    assert refused.value.position == text.index(":") + 1
    assert ", " in refused.value.message


@pytest.mark.parametrize("phase", ["building_environment", "agent_running", "verifying", None])
def test_what_is_shown_as_phase_of_what_runs_finds_it(phase: str | None) -> None:
    row = row_of(Outcome.RUNNING, status="running", phase=phase)
    shown = "".join(ink.text for ink in outcome_text.state_cell(row)).split()[1]
    for word in (shown, phase or "running"):
        assert parse(f"phase:{word}", RUNNING).matches(RunningRow(row), 0.0)


@pytest.mark.parametrize(
    ("text", "schema", "choice"),
    [
        ("phase:agnt", RUNNING, "acting"),
        ("phase:env", RUNNING, "building"),
        ("source:rl_gym", RUNS, "rl-gym"),
        ("provider:opnai", RUNS, "custom"),
    ],
)
def test_what_can_match_nothing_is_refused_with_what_is_known(
    text: str, schema: Schema[Any], choice: str
) -> None:
    with pytest.raises(FilterError, match=choice):
        parse(text, schema)


def test_a_word_of_the_gym_alone_is_found_quoted() -> None:
    row = row_of(Outcome.UNKNOWN, status="paused")
    assert parse('state:"paused" status:"paused"', ROLLOUTS).matches(row, 0.0)
    assert parse("state:pau*", ROLLOUTS).matches(replace(row), 0.0)


@pytest.mark.parametrize(
    ("typed", "after"),
    [
        ("sta", ("state:", "status:")),
        ("state:fa", ("state:failed ",)),
        ("hr state:failed,pas", ("hr state:failed,passed ",)),
        ("!phase:ver", ("!phase:verifying ",)),
        ("elap", ("elapsed:",)),
        ("", ()),
        ("task:ph", ()),
    ],
)
def test_what_is_typed_can_be_gone_on_with(typed: str, after: tuple[str, ...]) -> None:
    assert completions(typed, ROLLOUTS) == after


def test_the_runs_have_words_too() -> None:
    with pytest.raises(FilterError, match="cancelled"):
        parse("status:completed", RUNS)


def test_the_values_of_an_open_column_are_those_that_are_listed() -> None:
    schema: Schema[dict[str, object]] = Schema(
        [
            Field("model", ValueKind.TEXT, lambda row: row.get("model")),
            Field("steps", ValueKind.NUMBER, lambda row: row.get("steps")),
            Field("tag", ValueKind.TEXT, lambda row: None, each=lambda row: ("infra", "x y")),
        ]
    )
    names = ("ckpt-1000", "ckpt-400", "Qwen 3", 'a"b', "e\x1bvil", "x" * 200, None)
    rows = [{"model": name, "steps": 3} for name in names]
    assert completions("model:", schema, rows) == (
        *('model:"Qwen 3" ', 'model:"a\\"b" ', "model:ckpt-400 ", "model:ckpt-1000 "),
        'model:"e"*"vil" ',
    )
    assert completions("a model:CK", schema, rows) == ("a model:ckpt-400 ", "a model:ckpt-1000 ")
    assert completions("tag:", schema, rows) == ("tag:infra ", 'tag:"x y" ')
    assert completions("steps:", schema, rows) == ()
