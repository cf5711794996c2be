import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gymtui.api import errors
from gymtui.api.models import ConfigCheck, Deleted, Scenario
from gymtui.api.response import (
    date_of,
    error_of,
    model_of,
    models_of,
    retry_after_s,
    rubric_of,
)
from gymtui.core.secret import ApiKey

NOW = datetime(2026, 3, 20, 10, tzinfo=UTC)


def _error(status: int, body: Any = b"", **headers: str) -> errors.GymError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_of(status, named, data, call="GET /runs", now=NOW)


@pytest.mark.parametrize(
    ("status", "kind", "brief"),
    [
        (400, errors.Refused, "400 no"),
        (401, errors.Unauthorized, "401"),
        (403, errors.Forbidden, "403"),
        (404, errors.NotFound, "404"),
        (408, errors.ServerError, "408"),
        (409, errors.Refused, "409 no"),
        (418, errors.Refused, "418 no"),
        (422, errors.Refused, "422 no"),
        (429, errors.RateLimited, "429"),
        (500, errors.ServerError, "500"),
        (503, errors.ServerError, "503"),
        (599, errors.ServerError, "599"),
        (304, errors.Garbled, "garbled answer from GET /runs: status 304"),
    ],
)
def test_each_status_has_its_error_and_its_word(
    status: int, kind: type[errors.GymError], brief: str
) -> None:
    error = _error(status, {"detail": "no"})
    assert type(error) is kind
    assert error.brief == brief
    if kind is not errors.Garbled:
        assert error.detail == "no"


def test_a_validation_error_names_its_fields() -> None:
    detail = [
        {"loc": ["body", "model_config", "temperature"], "msg": "too hot", "type": "le"},
        {"loc": ["body", "task_ids", 0], "msg": "unknown", "type": "value_error"},
        {"loc": [], "msg": "all wrong"},
        "noise",
        {"msg": 7},
    ]
    error = _error(422, {"detail": detail})
    assert isinstance(error, errors.Refused)
    assert [(field.field, field.msg) for field in error.fields] == [
        ("model_config.temperature", "too hot"),
        ("task_ids.0", "unknown"),
        ("", "all wrong"),
    ]
    assert error.fields[0].loc == ("body", "model_config", "temperature")
    assert error.brief == "422 model_config.temperature: too hot; task_ids.0: unknown; all wrong"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", ""),
        (b"<html><head><title>x</title></head><h1>Bad</h1> gate&amp;way", "Bad gate&way"),
        (b"upstream\n  gone", "upstream gone"),
        ({"message": "m"}, "m"),
        ({"error": {"code": 1}}, '{"code": 1}'),
        ({"detail": {"why": "é"}}, '{"why": "é"}'),
        ({"detail": ["a", "b"]}, '["a", "b"]'),
        (["a"], '["a"]'),
        ({}, ""),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"[" * 5000, "[" * 2000),
    ],
)
def test_any_error_body_is_survived_and_its_words_kept(body: Any, detail: str) -> None:
    assert _error(500, body).detail == detail


def test_a_server_that_quotes_the_key_is_not_quoted() -> None:
    key = ApiKey("ck_secret_0123456789")
    body = json.dumps({"detail": [{"loc": ["body"], "msg": f"bad key {key.reveal()}"}]}).encode()
    for status in (401, 403, 422, 500):
        error = error_of(status, {}, body, call="GET /runs", now=NOW, secrets=[key])
        assert "secret_0123" not in repr((error, error.detail, error.brief, error.__dict__))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "Fri, 20 Mar 2026 10:00:30 GMT"}, 30.0),
        (
            {
                "retry-after": "Fri, 20 Mar 2026 10:00:30 GMT",
                "date": "Fri, 20 Mar 2026 10:00:20 GMT",
            },
            10.0,
        ),
        ({"retry-after": "Fri, 20 Mar 2026 09:00:00 GMT"}, 0.0),
        ({"retry-after": "Friday, 20-Mar-26 10:00:05 GMT"}, 5.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds_and_as_a_date(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_s(headers, NOW) == seconds
    for status in (429, 503):
        error = error_of(status, headers, b"", call="GET /runs", now=NOW)
        assert isinstance(error, errors.RateLimited | errors.ServerError)
        assert error.retry_after_s == seconds


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("Fri, 20 Mar 2026 10:00:00 GMT", NOW),
        ("Fri, 20 Mar 2026 10:00:00 -0000", NOW),
        ("Fri, 20 Mar 2026 12:00:00 +0200", NOW),
        ("Fri, 99 Mar 2026 10:00:00 GMT", None),
        ("Fri, 20 Mar 99999 10:00:00 GMT", None),
        ("today", None),
        ("", None),
    ],
)
def test_the_date_is_aware_or_unknown(text: str, when: datetime | None) -> None:
    assert date_of({"date": text}) == when


def test_lists_of_models_come_bare_wrapped_or_null() -> None:
    body = b'[{"scenario_id": "hr", "num_tasks": "?"}, {"name": "no id"}, 7]'
    for answer in (body, b'{"scenarios": ' + body + b"}"):
        scenarios = models_of(Scenario, answer, "scenarios", "GET /scenarios")
        assert [(s.scenario_id, s.num_tasks) for s in scenarios] == [("hr", None)]
    assert models_of(Scenario, b'{"scenarios": null}', "scenarios", "GET /scenarios") == ()
    with pytest.raises(errors.Intercepted):
        models_of(Scenario, b"<html>", "scenarios", "GET /scenarios")
    for wrong in (b"{}", b"7"):
        with pytest.raises(errors.Garbled, match=r"GET /scenarios"):
            models_of(Scenario, wrong, "scenarios", "GET /scenarios")


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b"", None),
        (b"{}", None),
        (b'{"run_id": null, "deleted_rollouts": 5}', 5),
        (b'{"deleted_rollouts": ["a", "b"]}', 2),
        (b'{"deleted_rollouts": "?"}', None),
    ],
)
def test_a_delete_is_known_to_have_happened_however_little_is_said(
    body: bytes, count: int | None
) -> None:
    deleted = model_of(Deleted, body, "DELETE /runs/{run_id}", {"run_id": "r"})
    assert (deleted.run_id, deleted.deleted_rollouts) == ("r", count)


def test_an_answer_about_another_run_is_none_about_this_one() -> None:
    with pytest.raises(errors.Garbled, match="about another run"):
        model_of(Deleted, b'{"run_id": "told"}', "DELETE /runs/{run_id}", {"run_id": "r"})


def test_a_check_of_settings_is_read() -> None:
    body = b'{"success": false, "message": "no", "error_type": "rate_limit"}'
    check = model_of(ConfigCheck, body, "POST /test-model-config")
    assert (check.success, check.error_type) == (False, "rate_limit")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'"# R"', "# R"),
        (b'{"rubric_markdown": "# R"}', "# R"),
        (b'{"task_id": "t", "rubric": "# R"}', "# R"),
        (b"# R\n", "# R\n"),
        (b'{"weights": 1}', '{\n  "weights": 1\n}'),
    ],
)
def test_a_rubric_is_text_however_it_is_wrapped(body: bytes, text: str) -> None:
    assert rubric_of(body) == text


def test_a_long_story_is_cut_for_the_status_line() -> None:
    assert len(errors.Garbled("x" * 5000).brief) <= 160
    assert len(errors.Refused(400, "x" * 5000).brief) <= 160
    assert len(errors.Refused(400, "x" * 1500).detail) == 1500
