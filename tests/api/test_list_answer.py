import json

import pytest

from gymtui.api.errors import Garbled
from gymtui.api.list_answer import ListAnswer, item_text, parse_rollout, parse_run, read_step, split
from gymtui.api.models import Malformed, Rollout, RunStatus
from tests.api.samples import ROLLOUT, RUN


def test_items_keep_their_bytes_exactly() -> None:
    items = [b'{"run_id":  "a", "x": 1.50}', b'{ "run_id": "b" }']
    listing = split(b'{"total": 7, "runs": [' + b" , ".join(items) + b"\n]}", "runs")
    assert listing == ListAnswer(7, tuple(items))
    assert all(type(item) is bytes for item in listing.items)


def test_rollouts_are_found_under_their_own_name() -> None:
    body = json.dumps({"total": 1, "rollouts": [ROLLOUT]}).encode()
    assert [json.loads(item) for item in split(body, "rollouts").items] == [ROLLOUT]
    with pytest.raises(Garbled, match=r"GET /runs"):
        split(body, "runs")


@pytest.mark.parametrize(
    ("total", "read"), [("3", 3), ('"3"', None), ("null", None), ("true", None), ("[]", None)]
)
def test_a_total_is_a_number_or_unknown(total: str, read: int | None) -> None:
    assert split(f'{{"total": {total}, "runs": []}}'.encode(), "runs").total == read


def test_a_missing_total_a_bare_list_and_a_null_list_are_lists() -> None:
    assert split(b'{"runs": [{"run_id": "a"}]}', "runs").items == (b'{"run_id": "a"}',)
    assert len(split(json.dumps([RUN, RUN]).encode(), "runs").items) == 2
    assert split(b'{"total": 0, "runs": null}', "runs") == ListAnswer(0, ())


@pytest.mark.parametrize(
    "oddity", [b"NaN", b"-Infinity", b'"\\ud800"', b'"\x01"', b"9" * 5000, b'"\xff"']
)
def test_one_oddity_costs_no_other_item(oddity: bytes) -> None:
    body = b'{"total": 3, "runs": [{"run_id": "a"}, {"run_id": "b", "odd": ' + oddity
    body += b'}, 7, {"run_id": "c"}]}'
    listing = split(body, "runs")
    assert listing.total == 3
    runs = [parse_run(item) for item in listing.items]
    assert [run.run_id for run in runs if isinstance(run, RunStatus)] == ["a", "b", "c"]
    assert isinstance(runs[2], Malformed)
    # The same body gives the same bytes, so that nothing looks changed.
    assert split(body, "runs") == listing


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502</html>",
        b'{"total": 1, "runs": [{"run_id": "a"}',
        b"null",
        b"7",
        b'{"detail": "no"}',
        b'{"runs": {"a": 1}}',
        b'{"runs": 3}',
        b"[" * 200_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_list_is_garbled(body: bytes) -> None:
    with pytest.raises(Garbled) as caught:
        split(body, "runs")
    assert caught.value.brief.startswith("garbled answer from GET /runs: ")


def test_describe_shows_everything_but_keys() -> None:
    item = {"run_id": "ü", "model_config": {"api_key": "sk-1", "apiKey": ["sk-2"], "model": "m"}}
    text = item_text(json.dumps([item, {"API-Key": "sk-3", "api_key": None}]).encode())
    assert "sk-" not in text
    assert '"model": "m"' in text
    assert '"run_id": "ü"' in text
    assert '"api_key": null' in text
    assert item_text(b"\xff not json") == "\ufffd not json"


RAW = b'{"rollout_id": "r", "current_step": 3, "max_steps": 30, "result": null}'


@pytest.mark.parametrize(
    ("raw", "item", "step"),
    [
        (RAW, RAW.replace(b": 3,", b": 14,"), 14),
        (RAW, RAW.replace(b": 3,", b": 3 ,"), None),
        # More than the step differs, or may: none of these is told from the step alone.
        (RAW, RAW.replace(b": 3,", b": 4,").replace(b"null", b"{}"), None),
        (RAW, RAW.replace(b": 3,", b": null,"), None),
        (RAW, RAW.replace(b": 3,", b": 4.5,"), None),
        (RAW, RAW.replace(b": 3,", b": -4,"), None),
        (RAW.replace(b": 3,", b": null,"), RAW, None),
        (
            b'{"rollout_id":"r","output":{"current_step":3},"current_step":3}',
            b'{"rollout_id":"r","output":{"current_step":4},"current_step":3}',
            None,
        ),
        (
            b'{"rollout_id":"r","output":{"current_step":3}}',
            b'{"rollout_id":"r","output":{"current_step":4}}',
            None,
        ),
        (
            b'{"rollout_id":"r","message":"\\"current_step\\": 3"}',
            b'{"rollout_id":"r","message":"\\"current_step\\": 4"}',
            None,
        ),
    ],
)
def test_a_step_alone_is_read_without_the_rest(raw: bytes, item: bytes, step: int | None) -> None:
    known = parse_rollout(raw)
    assert isinstance(known, Rollout)
    now = read_step(item, raw, known)
    assert (now.current_step if now is not None else None) == step
    assert now is None or now == parse_rollout(item)
