"""`gymtui record`: watching without a screen, until it is over; and what is left of it."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from gymtui.cli import record as command
from gymtui.store.delta import OneRun, RolloutsOf, RunsPage
from gymtui.store.history.journal import Journal
from gymtui.store.history.journal_store import SavedSummary
from gymtui.store.history.recording_reader import Recording
from gymtui.store.history.recording_writer import RecorderLock, RecordingWriter
from tests.cli.in_process import URL, Shell
from tests.helpers.environment import isolated
from tests.helpers.model_gym import ModelGym, ended, rollout
from tests.helpers.recorded import Recorded
from tests.tui.scripted import ScriptedGym


class PassingGym(ScriptedGym):
    """Its one run that is active ends when its rollouts were listed a few times."""

    listed = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.params.get("run_id") == "night-1":
            self.listed += 1
            if self.listed == 3:
                self.runs["night-1"] = [ended("night-1.0", "night-1")]
        return super().answer(request)


@pytest.fixture
def gym() -> PassingGym:
    made = PassingGym()
    moving = rollout("night-1.0", "night-1", status="running", phase="seeding")
    made.runs = {"day-1": [ended("day-1.0", "day-1")], "night-1": [moving]}
    return made


@pytest.fixture
def shell(gym: PassingGym, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr(command, "LOOK_S", 0.01)
    return Shell(tmp_path, gym.answer, monkeypatch)


def recording_of(shell: Shell) -> Path:
    return Path(json.loads(shell("record", "--status", "--json").stdout)["directory"])


def test_it_ends_when_all_is_done_and_is_whole(shell: Shell) -> None:
    done = shell("record", "--until-done", "--interval", "0.1")
    assert done.returncode == 0, done.stderr
    assert "recording" in done.stderr and done.stdout == ""
    recording = Recording(recording_of(shell))
    assert recording.problems == []
    said = json.loads(shell("record", "--status", "--json").stdout)
    assert (said["running"], said["gaps"], said["problems"]) == (False, 0, [])
    rows = [json.loads(line) for line in shell("record", "export").stdout.splitlines()]
    night = [row["item"]["status"] for row in rows if row["id"] == "night-1.0"]
    assert night == ["running", "completed"]
    assert {row["id"] for row in rows if row["kind"] == "run"} == {"day-1", "night-1"}


@pytest.mark.parametrize("filters", [(), ("night*",)])
def test_what_ended_while_nobody_recorded_is_in_the_next_recording(
    shell: Shell, gym: PassingGym, filters: tuple[str, ...]
) -> None:
    briefly = ("record", *filters, "--until-done", "--interval", "0.1")
    assert shell(*briefly).returncode == 0
    gym.runs["night-1"] += [ended("night-1.1", "night-1")]
    gym.runs["dusk-1"] = [ended("dusk-1.0", "dusk-1")]
    keep_numbers(shell, gym)  # as a dashboard did that was open meanwhile
    assert shell(*briefly).returncode == 0
    rows = [json.loads(line) for line in shell("record", "export").stdout.splitlines()]
    recorded = {row["id"] for row in rows if row["kind"] == "rollout"}
    assert "night-1.1" in recorded
    assert ("dusk-1.0" in recorded) is not bool(filters)


def keep_numbers(shell: Shell, gym: ScriptedGym) -> None:
    """Have final numbers of all runs in the journal."""
    directory = recording_of(shell)
    name = directory.name.replace("recording", "journal")
    journal = Journal(directory.with_name(f"{name}.sqlite3"))
    for run_id, members in gym.runs.items():
        counts = {"passed": len(members)}
        saved = SavedSummary(run_id, final=True, known=len(members), counts=counts)
        journal.keep_summaries(saved)
    journal.close()


def test_it_asks_for_what_it_is_told(
    gym: PassingGym, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return gym.answer(request)

    monkeypatch.setattr(command, "LOOK_S", 0.01)
    shell = Shell(tmp_path, answer, monkeypatch)
    options = ("--source", "all", "--scenario", "hr", "--interval", "0.1", "--keep")
    assert shell("record", "--until-done", *options).returncode == 0
    assert {url.params["source"] for url in asked if url.path == "/runs"} == {"all"}
    assert {url.params["scenario_id"] for url in asked if url.path == "/runs"} == {"hr"}
    assert [path.stem[-5:] for path in recording_of(shell).glob("*.gymrec")] == ["-kept"]
    head = Recording(recording_of(shell)).head
    assert head is not None and head.interval_s == 0.1


def test_it_ends_after_its_time(shell: Shell, gym: PassingGym) -> None:
    gym.listed = 5  # its run never ends
    assert shell("record", "--for", "0").returncode == 0
    assert shell("record", "--for", "1", "--interval", "0.1").returncode == 0


def test_parquet_has_the_same_rows(shell: Shell, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert shell("record", "--until-done", "--interval", "0.1").returncode == 0
    lines = shell("record", "export", "--jsonl").stdout.splitlines()
    to = tmp_path / "night.parquet"
    assert shell("record", "export", "--parquet", "--to", str(to)).returncode == 0
    rows = parquet.read_table(to).to_pylist()
    assert [row["id"] for row in rows] == [json.loads(line)["id"] for line in lines]
    assert [json.loads(row["item"]) for row in rows] == [json.loads(x)["item"] for x in lines]
    assert shell("record", "export", "--parquet", "--to", str(to)).returncode == 2


def test_what_is_deleted_is_a_row_with_when_it_went(shell: Shell, tmp_path: Path) -> None:
    rng = random.Random(3)
    watched = Recorded(ModelGym(rng), tmp_path / "recorded", rng, keeps=False)
    run_id = watched.gym.launch(1)
    watched.hear(RunsPage())
    watched.hear(RolloutsOf(run_id))
    watched.gym.delete(run_id)
    watched.seconds = 10.0
    watched.hear(OneRun(run_id))
    watched.recorder.close()
    source = str(watched.directory)
    rows = [json.loads(line) for line in shell("record", "export", source).stdout.splitlines()]
    ends = {row["id"]: row for row in rows if row["deleted"]}
    assert set(ends) == {run_id, f"{run_id}.0"}
    for row in ends.values():
        assert row["item"] is None and row["seen_from"] >= watched.at(10).isoformat()
    if importlib.util.find_spec("pyarrow") is None:
        return
    parquet = importlib.import_module("pyarrow.parquet")
    to = tmp_path / "night.parquet"
    assert shell("record", "export", source, "--parquet", "--to", str(to)).returncode == 0
    found = [row for row in parquet.read_table(to).to_pylist() if row["deleted"]]
    assert [(row["id"], row["run_id"], row["item"]) for row in found] == [
        *((run_id, run_id, None), (f"{run_id}.0", run_id, None))
    ]


def test_only_the_rollouts_of_runs_that_match_are_recorded(shell: Shell) -> None:
    assert shell("record", "night*", "--until-done", "--interval", "0.1").returncode == 0
    rows = [json.loads(line) for line in shell("record", "export").stdout.splitlines()]
    assert {row["id"] for row in rows} == {"day-1", "night-1", "night-1.0"}


def test_a_second_recorder_is_refused(shell: Shell) -> None:
    lock = RecorderLock(recording_of(shell))
    done = shell("record", "--until-done")
    assert done.returncode == 4
    assert "another recorder" in done.stderr
    done = shell("record", "--until-done", "--interval", "0.1", "--force")
    assert done.returncode == 0, done.stderr
    beside = recording_of(shell).with_name(f"{recording_of(shell).name}-2")
    assert str(beside) in done.stderr
    assert Recording(beside) and not Recording(recording_of(shell))
    lock.close()


def test_a_disk_that_is_full_at_the_end_is_no_success(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RecordingWriter, "append", full)
    done = shell("record", "--until-done", "--interval", "0.1")
    assert done.returncode == 2
    assert "not recording: No space left on device" in done.stderr
    assert "recorded 0 active runs, 0 changes" in done.stderr


def test_a_place_that_cannot_be_written_is_told_once(shell: Shell) -> None:
    place = recording_of(shell)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch()  # root may write anywhere, but to no directory that is a file
    done = shell("record", "--until-done", "--interval", "0.1")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1 and str(place) in done.stderr


def test_nothing_recorded_is_said(shell: Shell, tmp_path: Path) -> None:
    assert shell("record", "export").returncode == 2
    assert shell("record", "export", str(tmp_path / "nowhere")).returncode == 2
    assert "recorded: nothing" in shell("record", "--status").stdout
    assert "recorded: nothing" in shell("record", "status").stdout
    done = shell("record", "--json", "--for", "0")
    assert (done.returncode, "--json is for --status" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("journal", "unused"),
    [
        ({}, "psycopg"),
        # It is away: a database that answers reads in no more.
        ({"GYMTUI_JOURNAL_URL": "postgresql://127.0.0.1:1/none"}, "sqlite3"),
    ],
    ids=["for oneself", "for a team"],
)
def test_sigterm_ends_it_whole_with_nothing_large_read_in(
    tmp_path: Path, journal: dict[str, str], unused: str
) -> None:
    script = (
        "import sys\n"
        "from gymtui.cli.entry import main\n"
        "import gymtui.cli.record as record\n"
        "said = record.tell\n"
        "def tell(words):\n"
        "    said(words)\n"
        "    if not words.startswith('recording '):\n"
        "        return\n"
        "    heavy = {'textual', 'pygments', 'pydantic_settings', 'argparse', 'difflib'}\n"
        "    heavy |= {'statistics', 'html.entities', sys.argv[1]}\n"
        "    assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "    print('ready', flush=True)\n"
        "record.record.__kwdefaults__['say'] = tell\n"
        "main(['record'])\n"
    )
    env = isolated(tmp_path, {"GYMTUI_BASE_URL": URL, **journal})
    command = [sys.executable, "-c", script, unused]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    os.kill(process.pid, signal.SIGTERM)
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert b"recorded 0 active runs" in said
