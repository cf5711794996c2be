import itertools
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from gymtui.api.lenient import loads, read
from gymtui.api.list_answer import parse_rollout, parse_run
from gymtui.api.models import (
    CreatedRun,
    Malformed,
    Result,
    Rollout,
    RunStatus,
    Task,
)
from tests.api.samples import JUDGED, ROLLOUT, RUN

ABSENT = object()
ODD: tuple[Any, ...] = (
    ABSENT,
    None,
    "\x1b[31mnever heard of\x1b[0m",
    -7,
    3.75,
    True,
    [],
    ["x", 1, None],
    {},
    {"some": {"other": "thing"}},
    10**400,
    "9" * 5000,
)


def _bytes(document: Any) -> bytes:
    return json.dumps(document).encode()


def _with(sample: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    rest = {key: held for key, held in sample.items() if key != name}
    return rest if value is ABSENT else {**rest, name: value}


def _attribute(name: str) -> str:
    return "settings" if name == "model_config" else name


@pytest.mark.parametrize(
    ("model", "sample", "id_field"),
    [(RunStatus, RUN, "run_id"), (Rollout, ROLLOUT, "rollout_id")],
    ids=["run", "rollout"],
)
def test_an_odd_field_costs_only_itself(
    model: type[RunStatus | Rollout], sample: dict[str, Any], id_field: str
) -> None:
    whole = read(model, _bytes(sample))
    assert isinstance(whole, model)
    for name, value in itertools.product(sample, ODD):
        if name == id_field:
            continue
        item = read(model, _bytes(_with(sample, name, value)))
        assert isinstance(item, model), (name, value)
        for other in sample:
            if other != name:
                mine, theirs = getattr(item, _attribute(other)), getattr(whole, _attribute(other))
                assert mine == theirs, (name, value, other)
        if value is ABSENT or value is None:
            assert getattr(item, _attribute(name)) is None


@pytest.mark.parametrize("value", ["a word", [1], {"a": 1}, True, 2.5])
@pytest.mark.parametrize(
    "name", ["total", "completed", "failed", "in_progress", "pending", "running"]
)
def test_a_counter_that_is_no_number_is_unknown_not_zero(name: str, value: Any) -> None:
    run = parse_run(_bytes(_with(RUN, name, value)))
    assert isinstance(run, RunStatus)
    assert getattr(run, name) is None


@pytest.mark.parametrize("value", ["true", 1, 0, "PASS", [True], {"ok": True}])
def test_only_a_boolean_is_a_verdict(value: Any) -> None:
    rollout = parse_rollout(_bytes(_with(ROLLOUT, "result", {"success": value, "message": "m"})))
    assert isinstance(rollout, Rollout)
    assert rollout.result is not None
    assert rollout.result.success is None
    assert rollout.result.message == "m"


def test_every_field_of_a_judged_result_is_read_and_each_may_be_odd() -> None:
    whole = read(Result, _bytes(JUDGED))
    assert isinstance(whole, Result)
    assert whole.dimension_scores is not None
    assert whole.dimension_scores[0].score == 0.5
    for name, value in itertools.product(JUDGED, ODD):
        item = read(Result, _bytes(_with(JUDGED, name, value)))
        assert isinstance(item, Result), (name, value)
        for other in JUDGED.keys() - {name}:
            assert getattr(item, other) == getattr(whole, other), (name, value, other)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-20T10:00:00Z", datetime(2026, 3, 20, 10, tzinfo=UTC)),
        ("2026-03-20T10:00:00", datetime(2026, 3, 20, 10, tzinfo=UTC)),
        ("2026-03-20 10:00:00.123456789+00:00", datetime(2026, 3, 20, 10, 0, 0, 123456, UTC)),
        ("2026-03-20T12:00:00+02:00", datetime(2026, 3, 20, 10, tzinfo=UTC)),
        (1774000800, datetime(2026, 3, 20, 10, tzinfo=UTC)),
        (1774000800.5, datetime(2026, 3, 20, 10, 0, 0, 500000, UTC)),
        (1774000800000, datetime(2026, 3, 20, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        (0, None),
        (1e300, None),
        ("yesterday", None),
        ("", None),
        (True, None),
    ],
)
def test_times_are_aware_and_in_utc_or_unknown(written: Any, meant: datetime | None) -> None:
    rollout = parse_rollout(_bytes(_with(ROLLOUT, "started_at", written)))
    assert isinstance(rollout, Rollout)
    assert rollout.started_at == meant
    assert rollout.started_at is None or rollout.started_at.tzinfo is UTC


def test_a_time_without_a_zone_is_utc_wherever_this_machine_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        rollout = parse_rollout(_bytes({**ROLLOUT, "started_at": "2026-03-20T10:00:00"}))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert isinstance(rollout, Rollout)
    assert rollout.started_at == datetime(2026, 3, 20, 10, tzinfo=UTC)


def test_numbers_in_another_guise_are_still_numbers() -> None:
    run = parse_run(_bytes({**RUN, "total": 100.0, "completed": "58"}))
    assert isinstance(run, RunStatus)
    assert (run.total, run.completed) == (100, 58)


def test_an_unknown_status_and_phase_are_kept_as_they_came() -> None:
    rollout = parse_rollout(_bytes({**ROLLOUT, "status": "paused?", "phase": "warming_up"}))
    assert isinstance(rollout, Rollout)
    assert (rollout.status, rollout.phase) == ("paused?", "warming_up")


def test_an_unknown_field_is_kept() -> None:
    rollout = parse_rollout(_bytes({**ROLLOUT, "gpu": {"kind": "h100"}, "settings": 1}))
    assert isinstance(rollout, Rollout)
    assert rollout.model_extra == {"gpu": {"kind": "h100"}, "settings": 1}
    assert rollout.settings is not None
    assert rollout.settings.model == "gpt-4o"


@pytest.mark.parametrize(
    "item",
    [
        b"{}",
        b'{"run_id": null}',
        b'{"run_id": ""}',
        b'{"run_id": {}}',
        b'{"run_id": true}',
        b"[]",
        b"null",
        b"7",
        b'"run"',
        b"",
        b"<html>",
        b'{"run_id": "r"',
        b"[" * 100_000,
    ],
)
def test_an_item_without_a_usable_id_is_malformed_and_keeps_its_bytes(item: bytes) -> None:
    outcome = parse_run(item)
    assert isinstance(outcome, Malformed)
    assert outcome.raw == item
    assert outcome.reason


def test_a_numeric_id_is_an_id() -> None:
    run = parse_run(b'{"run_id": 42, "rollout_ids": [1, null, "x"]}')
    assert isinstance(run, RunStatus)
    assert run.run_id == "42"
    assert run.rollout_ids == ("1", "x")


def test_what_cannot_be_read_in_a_list_is_left_out_and_the_rest_stays() -> None:
    events = [None, "?", {"status": "running", "timestamp": "?"}, 7, {"status": "completed"}]
    rollout = parse_rollout(_bytes({**ROLLOUT, "status_events": events}))
    assert isinstance(rollout, Rollout)
    assert rollout.status_events is not None
    assert [event.status for event in rollout.status_events] == ["running", "completed"]


def test_an_inner_object_without_its_id_costs_only_itself() -> None:
    rollouts = [{"status": "pending"}, {"rollout_id": "b", "status": 3}, {"rollout_id": None}, 4]
    body = _bytes({"run_id": "r", "run_status": {"total": "x", "failed": {}}, "rollouts": rollouts})
    created = read(CreatedRun, body)
    assert isinstance(created, CreatedRun)
    assert created.run_status is None
    assert created.rollouts is not None
    assert [(rollout.rollout_id, rollout.status) for rollout in created.rollouts] == [("b", None)]


def test_json_that_is_not_quite_json_is_read() -> None:
    item = b'\xef\xbb\xbf{"rollout_id": "a\\ud800b", "result": {"score": NaN}, "phase": "\xff\x01"}'
    rollout = parse_rollout(item)
    assert isinstance(rollout, Rollout)
    assert rollout.rollout_id == "a\ufffdb"
    assert rollout.phase == "\ufffd\x01"
    assert rollout.result is not None
    assert rollout.result.score is None
    # Nothing that cannot be encoded gets past here.
    assert rollout.model_dump_json()


def test_surrogate_pairs_survive_beside_a_lone_one() -> None:
    assert loads(b'["\\ud83d\\ude00", "\\ud83d", "\\\\ud800"]') == ["😀", "\ufffd", "\\ud800"]


def test_models_cannot_be_changed() -> None:
    run = parse_run(_bytes(RUN))
    assert isinstance(run, RunStatus)
    with pytest.raises(ValidationError):
        run.total = 3  # type: ignore[misc]


def test_a_key_in_model_config_is_never_shown() -> None:
    settings = {**ROLLOUT["model_config"], "api_key": "sk-leaked-0123456789"}
    rollout = parse_rollout(_bytes({**ROLLOUT, "model_config": settings}))
    assert isinstance(rollout, Rollout)
    assert rollout.settings is not None
    assert rollout.settings.api_key is not None
    for text in (repr(rollout), str(rollout), rollout.model_dump_json(), str(rollout.model_dump())):
        assert "leaked" not in text


@pytest.mark.parametrize("difficulty", ["hard", 3, 0.5])
def test_a_difficulty_may_be_a_word_or_a_number(difficulty: Any) -> None:
    task = read(Task, _bytes({"task_id": "t", "difficulty": difficulty}))
    assert isinstance(task, Task)
    assert task.difficulty == difficulty


def test_reading_does_not_cost_an_http_library() -> None:
    code = (
        "import sys, gymtui.api.models, gymtui.api.list_answer, gymtui.api.errors;"
        "import gymtui.config.settings;"
        "print({'httpx', 'textual', 'starlette'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
