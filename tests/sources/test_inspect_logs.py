"""Inspect's logs: whole, being written, killed, superseded, with zstd members."""

from __future__ import annotations

import io
import json
import struct
import sys
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import zstandard

from gymtui.sources.zip_members import ZSTD, ZipMembers
from tests.sources.on_disk import Answers, opened, touch, write

HOUR_S = 3600.0
LOG = "2026-05-01T10-00-00+00-00_hello_abcdefghij"


def spec(**more: Any) -> dict[str, Any]:
    return {
        "run_id": "r",
        "created": "2026-05-01T10:00:00+00:00",
        "task": "hello",
        "task_id": "abcdefghij",
        "model": "openai/gpt-5",
        "dataset": {"samples": 2, "sample_ids": ["x", 7]},
        "config": {"epochs": 2},
        **more,
    }


def summary(sample: str | int, epoch: int, value: Any, **more: Any) -> dict[str, Any]:
    scores = {} if value is None else {"match": {"value": value}}
    times = {"started_at": "2026-05-01T10:00:00+00:00", "completed_at": "2026-05-01T10:00:08+00:00"}
    return {"id": sample, "epoch": epoch, "input": "?", "scores": scores, **times, **more}


def sample_of(one: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": "attachment://k"}, {"role": "assistant", "content": "yes"}]
    attached = {"attachments": {"k": "a long text"}}
    usage = {"model_usage": {"openai/gpt-5": {"input_tokens": 10, "output_tokens": 3}}}
    return {**one, "messages": said, **attached, **usage, **more}


def archive(members: Mapping[str, Any], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, json.dumps(content))
    return made.getvalue()


def log(*summaries: dict[str, Any], finished: bool = True, **more: Any) -> dict[str, Any]:
    start = {"version": 2, "eval": spec(**more), "plan": {}}
    samples = {f"samples/{s['id']}_epoch_{s['epoch']}.json": sample_of(s) for s in summaries}
    members: dict[str, Any] = {"_journal/start.json": start, **samples}
    members["_journal/summaries/1.json"] = list(summaries)
    if finished:
        metrics = {"accuracy": {"name": "accuracy", "value": 0.5}}
        scores = [{"name": "match", "scorer": "match", "reducer": "mean", "metrics": metrics}]
        members["summaries.json"] = list(summaries)
        members["header.json"] = {**start, "status": "success", "results": {"scores": scores}}
    return members


def four() -> list[dict[str, Any]]:
    return [summary(7, 1, "I"), summary("x", 1, "C"), summary("x", 2, "P"), summary(7, 2, "N")]


def test_samples_and_epochs_are_tasks_and_attempts(tmp_path: Path) -> None:
    write(tmp_path / f"{LOG}.eval", archive(log(*four())))
    disk = opened(tmp_path)
    run = disk.runs()[LOG]
    assert (run["source"], run["scenario_id"], run["total"]) == ("inspect", "hello", 4)
    assert run["reported"] == {"match (mean)": {"accuracy": 0.5}}  # its own name for its own number
    assert disk.outcomes() == {
        "x.1@abcdef": "passed",
        "x.2@abcdef": "failed",
        "7.1@abcdef": "failed",
        "7.2@abcdef": "failed",
    }
    partial = disk.rollouts()["x.2@abcdef"]
    assert partial.result is not None and partial.result.score == 0.5
    assert partial.task_id == "x" and partial.settings is not None
    assert (partial.settings.model, partial.settings.provider) == ("openai/gpt-5", "openai")
    found = disk.artifacts("7.1@abcdef")
    assert found["messages"][0]["content"] == "a long text"
    assert found["metadata"]["rollout_metrics"]["token_usage"]["prompt_tokens_total"] == 10


@pytest.mark.parametrize(
    ("one", "outcome", "score"),
    [
        (summary("x", 1, value=True), "passed", 1.0),
        (summary("x", 1, 1.0), "passed", 1.0),  # its scorer counts accuracy
        (summary("x", 1, "no"), "failed", 0.0),
        (summary("x", 1, {"a": 1.0, "b": 0.0}), "done", 1.0),
        (summary("x", 1, None, error="boom"), "agent", None),
        (summary("x", 1, "C", error="late"), "passed", 1.0),
        (summary("x", 1, None, limit="turn"), "failed", None),
        (summary("x", 1, None), "done", None),
    ],
)
def test_how_a_sample_stands(
    tmp_path: Path, one: dict[str, Any], outcome: str, score: float | None
) -> None:
    write(tmp_path / f"{LOG}.eval", archive(log(one, dataset={}, config={})))
    disk = opened(tmp_path)
    assert list(disk.outcomes().values()) == [outcome]
    [rollout] = disk.rollouts().values()
    assert (rollout.result.score if rollout.result is not None else None) == score


def test_a_number_has_no_pass_of_its_own(tmp_path: Path) -> None:
    members = log(summary("x", 1, 0.0), summary("x", 2, 1.0), dataset={})
    members["header.json"]["results"]["scores"][0]["metrics"] = {"mean": {"value": 0.5}}
    write(tmp_path / f"{LOG}.eval", archive(members))
    assert set(opened(tmp_path).outcomes().values()) == {"done"}


def test_a_log_that_is_written_and_one_that_was_killed_look_alike_but_for_their_age(
    tmp_path: Path,
) -> None:
    file = write(tmp_path / f"{LOG}.eval", archive(log(*four()[:2], finished=False)), age_s=60)
    disk = opened(tmp_path)
    assert disk.runs()[LOG]["pending"] == 2
    assert sorted(disk.outcomes().values()) == ["failed", "passed", "waiting", "waiting"]
    touch(file, HOUR_S)
    killed = opened(tmp_path)
    assert (killed.runs()[LOG]["pending"], killed.runs()[LOG]["failed"]) == (0, 0)
    assert [one.status for one in killed.rollouts().values()][2:] == ["not run", "not run"]


def test_an_archive_that_is_cut_off_waits(tmp_path: Path) -> None:
    whole = archive(log(*four()))
    file = write(tmp_path / f"{LOG}.eval", whole[:-40], age_s=60)
    disk = opened(tmp_path)
    assert disk.runs() == {}
    write(file, whole, age_s=50)
    assert disk.runs()[LOG]["completed"] == 4


def test_what_was_run_again_supersedes_and_a_list_of_logs_is_none(tmp_path: Path) -> None:
    write(tmp_path / f"{LOG}.eval", archive(log(*four()[:1])))
    later = archive(log(*four(), created="2026-05-01T12:00:00+00:00"))
    write(tmp_path / "2026-05-01T12-00-00+00-00_hello_abcdefghij.eval", later)
    write(tmp_path / "logs.json", {"eval": {"run_id": "r", "task": "hello"}})
    disk = opened(tmp_path)
    assert list(disk.runs()) == ["2026-05-01T12-00-00+00-00_hello_abcdefghij"]


def test_a_json_log_says_the_same(tmp_path: Path) -> None:
    samples = [sample_of(one, events=[]) for one in four()]
    scores = {"scores": [{"name": "match", "metrics": {"accuracy": {"value": 0.5}}}]}
    document = {"version": 2, "status": "success", "eval": spec(), "results": scores}
    file = write(tmp_path / f"{LOG}.json", {**document, "samples": samples})
    for there in (tmp_path, file):
        disk = opened(there)
        disk.runs()
        assert list(disk.outcomes().values()) == ["passed", "failed", "failed", "failed"]
    assert disk.artifacts("x.1@abcdef")["messages"][1]["content"] == "yes"


def test_without_messages_those_of_the_last_call_are_shown(tmp_path: Path) -> None:
    pool = [{"role": "user", "content": name} for name in ("a", "b", "c")]
    call = {
        "event": "model",
        "input": [],
        "input_refs": [[0, 1], [2, 3]],
        "output": {"choices": [{"message": {"role": "assistant", "content": "d"}}]},
    }
    one = summary("x", 1, None, error="boom")
    members = log(one, dataset={})
    members["samples/x_epoch_1.json"] = {
        **one,
        "messages": [],
        "events": [call],
        "events_data": {"messages": pool, "calls": []},
        "error": {"message": "boom", "traceback": "Traceback: boom"},
    }
    write(tmp_path / f"{LOG}.eval", archive(members))
    disk = opened(tmp_path)
    disk.runs()
    found = disk.artifacts("x.1@abcdef")
    assert [message["content"] for message in found["messages"]] == ["a", "c", "d"]
    assert found["error"] == "Traceback: boom"


def archive_of(path: Path, name: str, packed: bytes, body: bytes, method: int) -> None:
    """An archive with one member, packed by a method that Python may not have."""
    facts = (zlib.crc32(body), len(packed), len(body), len(name))
    local = struct.pack("<4sHHHHHLLLHH", b"PK\3\4", 63, 0, method, 0, 33, *facts, 0)
    offset = len(local) + len(name) + len(packed)
    central = struct.pack(
        "<4sHHHHHHLLLHHHHHLL", b"PK\1\2", 63, 63, 0, method, 0, 33, *facts, 0, 0, 0, 0, 0, 0
    )
    size = len(central) + len(name)
    end = struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, 1, 1, size, offset, 0)
    named = name.encode()
    path.write_bytes(local + named + packed + central + named + end)


def test_members_of_newer_archives_are_unpacked(tmp_path: Path) -> None:
    body = b'{"a": 1}' * 50
    path = tmp_path / "a.eval"
    stream = zstandard.ZstdCompressor().compressobj()  # which does not say how large it is
    packed = stream.compress(body) + stream.flush()
    archive_of(path, "header.json", packed, body, ZSTD)
    assert ZipMembers(path).read("header.json") == body
    archive_of(path, "header.json", packed[:-3], body, ZSTD)
    with pytest.raises(ValueError, match="damaged"):
        ZipMembers(path).read("header.json")


def test_what_nothing_here_unpacks_is_told(tmp_path: Path) -> None:
    archive_of(tmp_path / "a.eval", "header.json", b"??", b"{}", 98)
    disk = opened(tmp_path)
    assert disk.runs() == {}
    told = "cannot be read: a.eval: packed with method 98; pip install inspect_ai reads it"
    assert disk.gym.note == told


class OwnReader:
    """`inspect_ai.log`, which is not installed for tests: it gives a log as its JSON."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def read_eval_log(self, path: str, *, resolve_attachments: bool) -> OwnReader:
        if "broken" in path:
            raise RuntimeError("no log")
        return self

    def model_dump_json(self) -> str:
        return json.dumps(self._document)


def rows(disk: Answers) -> tuple[Any, ...]:
    """All that is told of the one run there, its name apart."""
    [run] = disk.runs().values()
    found = [one.model_dump(exclude={"run_id"}) for one in disk.rollouts().values()]
    return {**run, "run_id": ""}, found, [disk.artifacts(name) for name in disk.rollouts()]


@pytest.mark.parametrize("newer", [{"version": 3}, b"??"])
def test_what_inspect_reads_itself_has_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newer: dict[str, Any] | bytes
) -> None:
    scores = {"scores": [{"name": "match", "metrics": {"accuracy": {"value": 0.5}}}]}
    document = {"version": 2, "status": "success", "eval": spec(), "results": scores}
    document["samples"] = [sample_of(one) for one in four()]
    write(tmp_path / "read" / f"{LOG}.json", document)
    place = tmp_path / "given"
    if isinstance(newer, bytes):
        place.mkdir()
        archive_of(place / f"{LOG}.eval", "header.json", newer, b"{}", 98)
        write(place / "a_broken_b.eval", archive({"header.json": {"version": 3}}))
    else:
        write(place / f"{LOG}.json", {**document, **newer})
    monkeypatch.setitem(sys.modules, "inspect_ai.log", OwnReader(document))
    disk = opened(place)
    assert rows(disk) == rows(opened(tmp_path / "read"))
    told = "cannot be read: a_broken_b.eval: Inspect cannot read it: no log"
    assert disk.gym.note == (told if isinstance(newer, bytes) else None)


def test_a_score_of_several_values_is_named_value_by_value(tmp_path: Path) -> None:
    given = {"quality": 0.75, "style": 0}
    one = {"scores": {"graded": {"value": given}, "letters": {"value": {"x": "C", "y": "I"}}}}
    members = log(summary("x", 1, None, **one))
    scores = [
        {"name": name, "scorer": "graded", "reducer": how, "metrics": {"mean": {"value": worth}}}
        for how in ("mean", "max")
        for name, worth in given.items()
    ]
    members["header.json"]["results"] = {"scores": scores}
    write(tmp_path / f"{LOG}.eval", archive(members))
    disk = opened(tmp_path)
    assert disk.runs()[LOG]["reported"] == {
        "graded.quality (mean)": {"mean": 0.75},
        "graded.style (mean)": {"mean": 0},
        "graded.quality (max)": {"mean": 0.75},
        "graded.style (max)": {"mean": 0},
    }
    result = disk.rollouts()["x.1@abcdef"].result
    assert result is not None
    assert (result.score, result.success) == (0.75, None)  # the first of the results, and no pass
    assert result.message == "graded.quality 0.75 · graded.style 0"
    assert result.failed_criteria == ("graded.style", "letters.y")


def test_one_right_letter_of_several_is_no_pass(tmp_path: Path) -> None:
    one = {"scores": {"letters": {"value": {"x": "C", "y": "I"}}}}
    write(tmp_path / f"{LOG}.eval", archive(log(summary("x", 1, None, **one))))
    result = opened(tmp_path).rollouts()["x.1@abcdef"].result
    assert result is not None and (result.score, result.success) == (1.0, None)
