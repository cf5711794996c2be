"""Directories behind the protocol of a gym: what it answers, refuses, and reads anew."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from gymtui.api.errors import Garbled, NotFound, Refused, Unreachable
from gymtui.sources import registry
from gymtui.sources.artifacts import Artifacts
from gymtui.sources.directory_gym import DirectoryGym
from gymtui.sources.files import Entries, Files
from gymtui.sources.inspect_logs import InspectLogs
from gymtui.sources.source import Source, find_places
from gymtui.sources.tau_bench import TauBench
from tests.sources.on_disk import Answers, growing, opened, touch, write
from tests.sources.test_inspect_logs import archive, four, log


def record(rollout_id: str, run_id: str = "night", **more: Any) -> dict[str, Any]:
    return {
        "rollout_id": rollout_id,
        "run_id": run_id,
        "scenario_id": "hr",
        "task_id": "book",
        "status": "completed",
        "created_at": "2026-03-01T00:00:00Z",
        "result": {"success": True},
        **more,
    }


def exported(directory: Path, rollout_id: str, **more: Any) -> None:
    write(directory / f"{rollout_id}.rollout.json", record(rollout_id, **more))
    artifacts = {"rollout_id": rollout_id, "artifacts": {"messages": []}}
    write(directory / f"{rollout_id}.json", artifacts)


def test_records_are_answered_as_they_were_listed(tmp_path: Path) -> None:
    exported(tmp_path, "a", novel={"kept": 1})
    exported(tmp_path, "b", result={"success": False, "message": "no room"})
    exported(tmp_path, "c", run_id="other", created_at="2026-03-02T00:00:00Z")
    disk = opened(tmp_path)
    assert list(disk.runs()) == ["other", "night"]  # the newest first
    assert disk.runs()["night"]["total"] == disk.runs()["night"]["completed"] == 2
    assert disk.outcomes("night") == {"a": "passed", "b": "failed"}
    [item] = json.loads(asyncio.run(disk.gym.list_rollouts(run_id="other")).body)["rollouts"]
    assert item == record("c", "other", created_at="2026-03-02T00:00:00Z")
    assert disk.artifacts("a") == {"messages": []}


def test_rollouts_of_a_launch_keep_their_order(tmp_path: Path) -> None:
    for second, rollout_id in enumerate(("z", "m", "a")):
        exported(tmp_path, rollout_id, started_at=f"2026-03-01T00:00:0{second}Z")
    assert list(opened(tmp_path).rollouts()) == ["z", "m", "a"]


def test_a_rollout_without_artifacts_is_listed_all_the_same(tmp_path: Path) -> None:
    write(tmp_path / "a.rollout.json", record("a", status="workspace_error", result=None))
    disk = opened(tmp_path)
    disk.runs()
    assert disk.outcomes() == {"a": "environment"}
    with pytest.raises(NotFound):
        disk.artifacts("a")


def test_transcripts_without_records_have_no_verdict(tmp_path: Path) -> None:
    told = {"task_id": "t", "model": "m", "steps_taken": 3, "messages": [{"role": "user"}]}
    write(tmp_path / "night" / "one.json", told)
    write(tmp_path / "night" / "two.json", {**told, "error": "Cancelled"})
    write(tmp_path / "night" / "notes.json", {"nothing": "of it"})
    disk = opened(tmp_path)
    assert disk.runs()["night"]["total"] == 2
    assert disk.outcomes() == {"one": "done", "two": "cancelled"}
    rollout = disk.rollouts()["one"]
    assert (rollout.task_id, rollout.current_step, rollout.phase) == ("t", 3, None)


def test_a_verdict_in_metadata_is_one(tmp_path: Path) -> None:
    for name, metadata in {
        "passed": {"success": True, "reward": 0.2},
        "failed": {"success": False, "reward": None},
        "rewarded": {"reward": 1.0},
        "unknown": {"success": "yes", "reward": "much"},
    }.items():
        told = {"messages": [{"role": "user"}], "metadata": metadata}
        write(tmp_path / "night" / f"{name}.json", told)
    found = {"passed": "passed", "failed": "failed", "rewarded": "done", "unknown": "done"}
    assert opened(tmp_path).outcomes() == found


def test_what_asks_for_some_gets_those(tmp_path: Path) -> None:
    exported(tmp_path, "a", task_id="x")
    exported(tmp_path, "b", status="failed", result=None)
    gym = opened(tmp_path).gym

    async def ids(**query: Any) -> list[str]:
        found = json.loads((await gym.list_rollouts(**query)).body)["rollouts"]
        return [item["rollout_id"] for item in found]

    async def asked() -> None:
        assert await ids(task_id="x") == ["a"]
        assert await ids(status="failed") == ["b"]
        assert await ids(scenario_id="hr") == ["a", "b"]
        assert await ids(scenario_id="none") == []
        page = json.loads((await gym.list_runs(limit=1, offset=1)).body)
        assert page == {"total": 1, "runs": []}
        [run] = json.loads((await gym.list_runs(expand=("rollouts",))).body)["runs"]
        assert run["rollout_ids"] == ["a", "b"]
        assert json.loads((await gym.get_run("night")).body)["total"] == 2
        assert json.loads((await gym.get_rollout("b")).body)["status"] == "failed"
        assert [one.scenario_id for one in await gym.list_scenarios()] == ["hr"]
        assert [one.task_id for one in await gym.list_tasks("hr")] == ["x", "book"]
        for nothing in (gym.get_run("?"), gym.get_rollout("?"), gym.list_rollouts(run_id="?")):
            with pytest.raises(NotFound):
                await nothing

    asyncio.run(asked())


def test_nothing_can_be_changed_and_it_says_why(tmp_path: Path) -> None:
    exported(tmp_path, "a")
    gym = opened(tmp_path).gym
    for act in (gym.cancel_run, gym.delete_run):
        with pytest.raises(Refused, match="a directory is only read"):
            asyncio.run(act("night"))
    with pytest.raises(Refused, match="not redacted"):
        asyncio.run(gym.artifacts("a", redact_tool_calls=True))


def test_artifacts_stream_in_pieces(tmp_path: Path) -> None:
    write(tmp_path / "a.rollout.json", record("a"))
    whole = json.dumps({"messages": ["x" * 3_000_000]}).encode()
    write(tmp_path / "a.json", whole)
    pieces: list[bytes] = []
    told: list[tuple[int, int | None]] = []
    gym = opened(tmp_path).gym
    asyncio.run(gym.stream_artifacts("a", pieces.append, on_progress=lambda *n: told.append(n)))
    assert b"".join(pieces) == whole and len(pieces) > 1
    assert told == [(len(whole), len(whole))]


def test_the_same_names_in_two_places_are_two(tmp_path: Path) -> None:
    exported(tmp_path / "x", "a")
    exported(tmp_path / "y", "a", result={"success": False})
    disk = opened(tmp_path)
    assert len(disk.runs()) == 2
    assert sorted(disk.outcomes().values()) == ["failed", "passed"]
    for name in disk.rollouts():  # an export of it is whole
        assert json.loads(asyncio.run(disk.gym.artifacts(name)).body)["rollout_id"] == name
    # Named twice it is one.
    assert len(opened(tmp_path, tmp_path).runs()) == 2


def test_a_file_is_read_once_and_again_when_it_changed(tmp_path: Path) -> None:
    file = write(tmp_path / "a", "1")
    files, read = Files(), []

    def parse(body: bytes) -> bytes:
        read.append(body)
        if b"{" in body:
            raise ValueError("half")
        return body

    assert [files.parsed(file, parse) for _ in range(3)] == [b"1"] * 3
    assert read == [b"1"]
    with growing(file):
        file.write_text("2")
    assert files.parsed(file, parse) == b"2"
    with growing(file):
        file.write_text("{")
    # Half written: what was read before stands, and it is read again once it is another.
    assert [files.parsed(file, parse) for _ in range(3)] == [b"2"] * 3
    assert read == [b"1", b"2", b"{"]
    assert files.damaged(file.stat().st_mtime) == []
    assert files.damaged(file.stat().st_mtime + 3600) == ["a: half"]
    with growing(file):
        file.write_text("3")
    assert files.parsed(file, parse) == b"3" and files.damaged(file.stat().st_mtime + 3600) == []
    file.unlink()
    assert files.parsed(file, parse) is None


def test_of_a_file_that_grows_only_the_new_lines_are_read(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", '1\n\n2\n{"half')
    files, read = Files(), []

    def parse(line: bytes, place: object) -> Any:
        read.append(line)
        return json.loads(line), place.read()  # type: ignore[attr-defined]

    first = [(1, b"1"), (2, b"2")]
    assert files.lines(file, parse) == first
    read.clear()
    with growing(file), file.open("a") as end:
        end.write('": 3}\n4')
    assert files.lines(file, parse) == [*first, ({"half": 3}, b'{"half": 3}'), (4, b"4")]
    assert read == [b'{"half": 3}', b"4"]
    read.clear()
    assert len(files.lines(file, parse)) == 4 and read == []
    with growing(file):
        file.write_text("9\n")  # begun anew
    assert files.lines(file, parse) == [(9, b"9")]


def test_a_run_that_grows_is_seen_to_grow(tmp_path: Path) -> None:
    exported(tmp_path, "a")
    disk = opened(tmp_path)
    assert disk.runs()["night"]["total"] == 1
    exported(tmp_path, "b", status="running", result=None)
    touch(tmp_path, 60)
    assert disk.runs()["night"]["running"] == 1
    with growing(tmp_path / "b.rollout.json"):
        exported(tmp_path, "b", result={"success": False})
    assert disk.runs()["night"]["completed"] == 2
    assert disk.outcomes() == {"a": "passed", "b": "failed"}


class Odd:
    """A source of somebody else."""

    name = "odd"
    title = "odd files"
    inner = None

    def owns(self, place: Path, found: Entries, files: Files) -> bool:
        return "odd" in found.files

    def owns_file(self, file: Path, files: Files) -> bool:
        return file.name == "odd"

    def read(self, place: Path, look: object) -> tuple[()]:
        return ()


class Point:
    """An entry point."""

    def __init__(self, name: str, loaded: object) -> None:
        self.name = self.value = name
        self._loaded = loaded

    def load(self) -> object:
        if isinstance(self._loaded, Exception):
            raise self._loaded
        return self._loaded


def found_in(place: Path) -> list[tuple[str, str]]:
    """What a directory holds: which source, and where."""
    known = registry.own_sources()
    return [(source.name, where.name) for source, where in find_places(place, known, Files())]


def test_links_in_circles_and_to_what_was_seen_lead_nowhere_twice(tmp_path: Path) -> None:
    exported(tmp_path / "night", "a")
    (tmp_path / "night" / "up").symlink_to(tmp_path)
    (tmp_path / "latest").symlink_to(tmp_path / "night")
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "nowhere").symlink_to("/nowhere")
    exported(tmp_path.parent / "else", "b")
    (tmp_path / "other").symlink_to(tmp_path.parent / "else")
    assert found_in(tmp_path) == [("artifacts", "night"), ("artifacts", "other")]


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    exported(tmp_path, "a")
    os.mkfifo(tmp_path / "b.json")
    os.mkfifo(tmp_path / "config.json")
    assert list(opened(tmp_path).outcomes()) == ["a"]
    assert Files().parsed(tmp_path / "b.json", bytes) is None


def test_files_of_two_programs_in_one_directory_are_read(tmp_path: Path) -> None:
    exported(tmp_path, "a")
    write(tmp_path / "x_hello_y.eval", archive(log(*four())))
    assert [name for name, _ in found_in(tmp_path)] == ["inspect", "artifacts"]
    disk = opened(tmp_path)
    assert sorted(run["source"] for run in disk.runs().values()) == ["artifacts", "inspect"]
    assert len(disk.outcomes()) == 5


def test_a_directory_that_is_gone_is_no_empty_one(tmp_path: Path) -> None:
    exported(tmp_path / "o", "a")
    disk = opened(tmp_path / "o")
    assert list(disk.runs()) == ["night"]
    (tmp_path / "o").rename(tmp_path / "p")
    with pytest.raises(Unreachable, match="o: No such file or directory"):
        disk.runs()
    (tmp_path / "p").rename(tmp_path / "o")
    assert list(disk.runs()) == ["night"]


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    exported(tmp_path, "a")
    disk = opened(tmp_path)
    disk.runs()
    (tmp_path / "a.json").unlink()
    with pytest.raises(Garbled, match=r"a\.json: No such file or directory"):
        disk.artifacts("a")


def test_what_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exported(tmp_path, "a")
    (tmp_path / "secret").mkdir()
    scandir = os.scandir

    def guarded(path: Path) -> Any:
        if path.name == "secret":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    disk = opened(tmp_path)
    assert list(disk.runs()) == ["night"]
    assert disk.gym.note == "cannot be read: secret: Permission denied"


def test_others_add_sources_and_a_broken_one_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [Point("broken", ImportError("no such module")), Point("odd", Odd)]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    told: list[str] = []
    sources = registry.sources(told.append)
    assert told == ["source broken (broken): no such module"]
    exported(tmp_path / "ours", "a")
    write(tmp_path / "theirs" / "odd", "")
    found = [(source.name, place.name) for source, place in find_places(tmp_path, sources, Files())]
    assert found == [("artifacts", "ours"), ("odd", "theirs")]
    odd = registry.find_source("odd", sources)
    assert odd is not None and registry.find_source("even", sources) is None
    assert list(find_places(tmp_path / "ours", [odd], Files())) == []


class Hurried:
    """A monotonic clock by which everything takes its time."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def __call__(self) -> float:
        self.at_s += 1
        return self.at_s


def test_what_there_is_no_time_for_comes_in_later_and_is_no_end(tmp_path: Path) -> None:
    for number in range(40):
        exported(tmp_path, f"r{number:02}")
    clock = Hurried()
    gym = DirectoryGym([tmp_path], [Artifacts()], look_s=20, monotonic=clock)
    disk = Answers(gym)
    first = disk.runs()["night"]
    rows = len(disk.outcomes())
    # Those that are not read yet are counted, and asked about until they are.
    assert 0 < rows < 40
    assert (first["total"], first["in_progress"]) == (40, 40 - rows)
    assert gym.note == "files are still being read: there is more to come"
    seen = [rows]
    while disk.runs()["night"]["in_progress"]:
        seen.append(len(disk.outcomes()))
        assert seen[-1] > seen[-2]
    assert len(disk.outcomes()) == 40 and gym.note == "all files are read"


def test_however_long_it_takes_to_find_the_files_some_are_read(tmp_path: Path) -> None:
    for number in range(20):
        exported(tmp_path, f"r{number:02}")
    gym = DirectoryGym([tmp_path], [Artifacts()], look_s=0, monotonic=Hurried())
    disk = Answers(gym)
    assert 0 < len(disk.outcomes()) < 20
    assert gym.note == "files are still being read: there is more to come"
    while disk.runs()["night"]["in_progress"]:
        pass
    assert len(disk.outcomes()) == 20


def test_files_of_the_same_rollout_are_told_apart(tmp_path: Path) -> None:
    told = {"rollout_id": "a", "artifacts": {"messages": [{"role": "user", "content": "go"}]}}
    for name in ("x", "y"):
        write(tmp_path / "night" / f"{name}.json", told)
    disk = opened(tmp_path)
    assert list(disk.outcomes()) == ["x", "y"]
    assert disk.artifacts("y") == told["artifacts"]


def test_records_of_the_same_rollout_are_numbered(tmp_path: Path) -> None:
    exported(tmp_path, "a")
    write(tmp_path / "copy.rollout.json", record("a"))
    disk = opened(tmp_path)
    for _ in range(2):
        assert disk.runs()["night"]["total"] == 2
        assert list(disk.outcomes("night")) == ["a", "a (2)"]
        exported(tmp_path, "b", run_id="other")  # so that it is listed anew


def test_lines_there_is_no_time_for_come_in_later(tmp_path: Path) -> None:
    write(tmp_path / "metadata.json", {"num_examples": 40, "rollouts_per_example": 1})
    lines = [json.dumps({"example_id": number, "reward": 1.0}) for number in range(40)]
    write(tmp_path / "results.jsonl", "\n".join(lines) + "\n")
    clock = Hurried()
    gym = DirectoryGym([tmp_path], registry.own_sources(), look_s=20, monotonic=clock)
    disk = Answers(gym)
    [run] = disk.runs().values()
    assert 0 < run["completed"] < 40
    assert "not run" not in {one.status for one in disk.rollouts().values()}
    while disk.runs()[run["run_id"]]["in_progress"]:
        pass
    assert list(disk.outcomes().values()) == ["passed"] * 40


@pytest.mark.parametrize("source", [TauBench(), InspectLogs()], ids=lambda one: one.name)
def test_large_files_there_is_no_time_for_come_in_later(tmp_path: Path, source: Source) -> None:
    for number in range(12):
        start = {"eval": {"run_id": "r", "task": "t", "task_id": f"k{number}"}, "info": {}}
        rewarded = {"task_id": "1", "reward_info": {"reward": 1.0}}
        more = {"num_trials": 1, "simulations": [rewarded], "samples": [{"id": 1}]}
        write(tmp_path / f"{number:02}.json", {**start, **more})
    # By this clock everything takes its time: to see whose a file is, too.
    gym = DirectoryGym([tmp_path], [source], look_s=20, monotonic=Hurried())
    disk = Answers(gym)
    seen = [len(disk.runs())]
    assert 0 < seen[0] < 12
    while seen[-1] < 12:
        seen.append(len(disk.runs()))
        assert seen[-1] > seen[-2]
    assert all(run["in_progress"] == 0 for run in disk.runs().values())
    assert gym.note == "all files are read"


def test_what_has_its_owner_is_not_looked_into_by_others(tmp_path: Path) -> None:
    class Curious(Artifacts):
        def owns(self, place: Path, found: Entries, files: Files) -> bool:
            shown.append(found.files)
            return super().owns(place, found, files)

    shown: list[frozenset[str]] = []
    write(tmp_path / "results.json", {"info": {}, "num_trials": 1, "simulations": []})
    write(tmp_path / "other.json", {"messages": []})
    found = find_places(tmp_path, [TauBench(), Curious()], Files())
    assert [source.name for source, _ in found] == ["tau", "artifacts"]
    assert shown == [{"other.json"}]


def test_what_has_not_changed_for_long_rests(tmp_path: Path) -> None:
    exported(tmp_path, "a")
    disk = opened(tmp_path)
    assert disk.runs()["night"]["total"] == 1
    exported(tmp_path, "b")
    # Nothing was written for a day: it is looked at again in a minute.
    disk.clock.at_s -= 61
    assert disk.runs()["night"]["total"] == 1
    assert disk.runs()["night"]["total"] == 2
