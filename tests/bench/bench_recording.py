"""A day of 20 active runs, asked every 2 s and recorded: its size, and how quickly one is anywhere.

The gym is played in memory, as fast as it goes. Without `--long` an hour stands for the day.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gymtui.core.server_clock import ServerClock, Window
from gymtui.poll.recorder import Recorder
from gymtui.poll.tracker import RolloutTracker
from gymtui.session.playback import Player
from gymtui.store.delta import Observation, Query, RolloutsOf, RunningRollouts, RunsPage
from gymtui.store.history.recording_format import Kind, directory_name
from gymtui.store.history.recording_items import ChangeList
from gymtui.store.history.recording_reader import Recording
from gymtui.store.history.recording_rows import Head
from gymtui.store.history.recording_writer import RecordingWriter
from gymtui.store.running_rollouts import Running
from gymtui.store.store import ROLLOUTS_RECORDED, Store
from tests.bench.rows import Row, at_most, shown, within
from tests.bench.served import Served, Size, served
from tests.helpers.damaged import Truth, small_recording
from tests.helpers.environment import isolated
from tests.helpers.places import ROOT
from tests.helpers.postgres_server import own_server, why_not
from tests.terminal.processes import cpu_seconds

RUNS, OF_A_RUN, AT_ONCE = 20, 20, 5
TICK_S, DAY, HOUR = 2.0, 43_200, 1_800
STEPS, TICKS_A_STEP = 30, 10
SIZE_BYTES, ITEM_BYTES, JUMP_S = 30_000_000, 40, 0.3
RECORDER_CPU, RECORDER_BYTES = 0.03, 60_000_000
BEYOND = "beyond what the bench itself takes; of a day with --long"
SETTLED_S, WATCHED_S = 15.0, 30.0
DEMO_SPEED, DEMO_S = 4.0, 120
JUMPS, PASSES = 9, 2
DAMAGED = 500
LISTED = 200
"""Runs of a page: those behind it the gym forgets."""
START = datetime(2026, 3, 20, tzinfo=UTC)
MODEL = {"model": "qwen3-32b-s4000", "provider": "custom", "temperature": 0.7, "max_steps": STEPS}


def rows(*, long: bool) -> Iterator[Row]:
    """Measure.

    Args:
        long: A whole day: it takes minutes.
    """
    ticks = DAY if long else HOUR
    with tempfile.TemporaryDirectory() as place:
        note = f"of {RUNS} runs at {TICK_S:g} s{'' if long else ', an hour times 24'}"
        written = _alone("write", place, str(ticks))
        size = sum(path.stat().st_size for path in Path(place).iterdir())
        yield within("recording of a day", size * DAY / ticks, SIZE_BYTES, "bytes", note)
        items = written["items"]
        yield within("a changed item in it", size / items, ITEM_BYTES, "bytes", f"of {items:,.0f}")
        yield within("writing it: memory", written["held"], RECORDER_BYTES, "bytes", BEYOND)
        read = _alone("read", place)
        note = f"CPU, worst of {JUMPS}, each the less of {PASSES}"
        yield within("jump anywhere in it", read["worst_s"], JUMP_S, "s", note)
        yield within("jumping in it: memory", read["held"], RECORDER_BYTES, "bytes", BEYOND)
    yield from demo_rows()
    yield from recorder_rows()
    yield from damage_rows()


def _alone(what: str, place: str, *more: str) -> dict[str, float]:
    """Write or read a recording in a process of its own, whose memory is that of this."""
    command = [sys.executable, "-m", __name__, what, place, *more]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=ROOT)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def write(place: Path, ticks: str) -> dict[str, float]:
    """Record a gym that is played as fast as it goes."""
    return {"items": play(place, int(ticks)).tally.items}


def jump_about(place: Path) -> dict[str, float]:
    """Jump to some moments."""
    recording = Recording(place)
    store = Store()
    player = Player(recording, store, RolloutTracker(store, None))
    rng = random.Random(1)
    player.jump(recording.to_us)
    places = [rng.randrange(recording.from_us, recording.to_us) for _ in range(JUMPS)]
    taken = [[_jump_s(player, to_us) for to_us in places] for _ in range(PASSES)]
    return {"worst_s": max(map(min, zip(*taken, strict=True)))}


def _jump_s(player: Player, to_us: int) -> float:
    began_s = time.process_time()
    player.jump(to_us)
    return time.process_time() - began_s


def demo_rows() -> Iterator[Row]:
    """What `gymtui record` keeps of the demo, but for what was there when it began."""
    from gymtui.cli.demo import LocalGym  # it would count for the memory of the others

    with LocalGym(speed=DEMO_SPEED, seed=1) as gym, tempfile.TemporaryDirectory() as home:
        env = isolated(Path(home), {})
        command = [sys.executable, "-m", "gymtui", "record", "--base-url", gym.served.url]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*command, "--for", f"{DEMO_S}s"], env=env, check=True, **quiet)
        [directory] = Path(home).rglob(directory_name(gym.served.url))
        recording = Recording(directory)
        items = sum(not change.first for change in ChangeList(recording).every())
        size = sum(path.stat().st_size for path in directory.iterdir())
    base = sum(
        place.length
        for segment in recording._segments
        for place in segment.places
        if place.kind is Kind.BASE
    )
    note = f"of {items:,} in {DEMO_S} s"
    yield within("a changed item of the demo", (size - base) / items, ITEM_BYTES, "bytes", note)


def recorder_rows() -> Iterator[Row]:
    """`gymtui record` itself, on a gym with 20 active runs; for oneself, and for a team."""
    with served(Size(active=RUNS, each=OF_A_RUN)) as gym:
        cpu, held = _recorder_of(gym, {})
        yield within(f"record, {RUNS} active runs of {OF_A_RUN}: CPU", cpu, RECORDER_CPU, "share")
        yield within("record: memory", held, RECORDER_BYTES, "bytes", "the most it ever had")
        if (reason := why_not()) is not None:
            yield Row("record for a team", "not measured", note=reason)
            return
        with own_server() as server:
            cpu, teams = _recorder_of(gym, {"GYMTUI_JOURNAL_URL": server.new_database()})
            driver = _driver_bytes(server.url)
    yield within("record for a team: CPU", cpu, RECORDER_CPU, "share")
    note = f"against record's and the database driver's {shown(driver, 'bytes')}"
    yield at_most("record for a team: memory", teams, held + driver, 1.03, "bytes", note)


def _recorder_of(gym: Served, journal: dict[str, str]) -> tuple[float, int]:
    """What a recorder takes: of a core, and the most memory that it ever had."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "gymtui", "record", "--base-url", gym.url]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, env=isolated(Path(home), journal), **quiet)
        try:
            time.sleep(SETTLED_S)
            before_s = cpu_seconds(process.pid)
            time.sleep(WATCHED_S)
            cpu = (cpu_seconds(process.pid) - before_s) / WATCHED_S
            return cpu, most_bytes_held(process.pid)
        finally:
            process.terminate()
            process.wait()


def _driver_bytes(url: str) -> int:
    """What the driver of a team's database takes, with two connections, beside our code."""
    script = (
        "import sys\n"
        "import gymtui.cli.record\n"
        "from tests.bench.bench_recording import most_bytes_held\n"
        "before = most_bytes_held('self')\n"
        "import psycopg\n"
        "open = [psycopg.connect(sys.argv[1], autocommit=True) for _ in range(2)]\n"
        "assert [each.execute('SELECT %s', (1,)).fetchone() for each in open] == [(1,), (1,)]\n"
        "print(most_bytes_held('self') - before)\n"
    )
    command = [sys.executable, "-c", script, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return int(done.stdout)


def damage_rows() -> Iterator[Row]:
    """Damaged in all ways, nothing wrong is read of a recording, and what is missing is said."""
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        truth = Truth(small_recording(Path(place) / "whole"))
        for seed in range(DAMAGED):
            try:
                truth.check(random.Random(seed), Path(place) / str(seed))
            except Exception:  # noqa: BLE001  (a crash counts, whichever it is)
                wrong += 1
    yield within("damaged recordings read wrong", wrong, 0, "count", f"of {DAMAGED:,}")


def most_bytes_held(pid: int | str) -> int:
    """The most memory that a process ever had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [said] = [line for line in lines if line.startswith("VmHWM:")]
    return int(said.split()[1]) * 1024


@dataclass
class Day:
    """A gym whose runs end and are followed by others."""

    rng: random.Random
    now: datetime = START
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    items: dict[str, bytes] = field(default_factory=dict)
    active: list[str] = field(default_factory=list)
    launched: int = 0

    def tick(self) -> set[str]:
        """Let two seconds pass; the runs whose counters moved."""
        self.now += timedelta(seconds=TICK_S)
        moved = set()
        while len(self.active) < RUNS:
            run_id = f"nightly-qwen3-s{self.launched:04}"
            self.launched += 1
            self.active.append(run_id)
            self.runs[run_id] = [self.rollout(run_id, number) for number in range(OF_A_RUN)]
            moved.add(run_id)
        for run_id in [i for i in self.runs if i not in self.active][:-LISTED]:
            for item in self.runs.pop(run_id):
                del self.items[item["rollout_id"]]
        for run_id in list(self.active):
            members = self.runs[run_id]
            for item in members:
                if self.step(item):
                    moved.add(run_id)
            running = sum(item["status"] == "running" for item in members)
            for item in members:
                if item["status"] == "pending" and running < AT_ONCE:
                    running += 1
                    moved.add(run_id)
                    at = self.now.isoformat()
                    event = {"status": "running", "timestamp": at}
                    item |= {"status": "running", "phase": "building_environment"}
                    item |= {"started_at": at, "status_events": [*item["status_events"], event]}
                    self.write(item)
            if all(item["status"] == "completed" for item in members):
                self.active.remove(run_id)
        return moved

    def step(self, item: dict[str, Any]) -> bool:
        """Move a rollout on, if it is due; whether it ended."""
        if item["status"] != "running" or self.rng.randrange(TICKS_A_STEP):
            return False
        step = item["current_step"]
        ended = step == STEPS
        if ended:
            at = self.now.isoformat()
            event = {"status": "completed", "timestamp": at}
            passed = self.rng.random() < 0.6
            item |= {"status": "completed", "phase": None, "current_step": None}
            item |= {"completed_at": at, "result": {"success": passed, "message": "checked"}}
            item["status_events"] = [*item["status_events"], event]
        else:
            item |= {"phase": "agent_running", "current_step": (step or 0) + 1}
        self.write(item)
        return ended

    def rollout(self, run_id: str, number: int) -> dict[str, Any]:
        at = self.now.isoformat()
        item = {
            "rollout_id": f"rol_{self.rng.getrandbits(64):016x}",
            **{"run_id": run_id, "scenario_id": "hr", "task_id": f"task_{number % 10:02}"},
            **{"status": "pending", "phase": None, "current_step": None, "max_steps": STEPS},
            **{"created_at": at, "started_at": None, "completed_at": None, "result": None},
            **{"termination_reason": None, "model_config": MODEL},
            "status_events": [{"status": "pending", "timestamp": at}],
        }
        self.write(item)
        return item

    def write(self, item: dict[str, Any]) -> None:
        self.items[item["rollout_id"]] = json.dumps(item).encode()

    def answer(self, query: Query) -> bytes:
        match query:
            case RolloutsOf(run_id=run_id):
                return self.listed(self.runs[run_id])
            case RunningRollouts():
                every = (item for run_id in self.active for item in self.runs[run_id])
                return self.listed([item for item in every if item["status"] == "running"])
            case _:
                pages = [self.counters(run_id) for run_id in list(self.runs)[::-1][:LISTED]]
                return json.dumps({"total": self.launched, "runs": pages}).encode()

    def listed(self, items: list[dict[str, Any]]) -> bytes:
        told = b",".join(self.items[item["rollout_id"]] for item in items)
        return b'{"total":%d,"rollouts":[%s]}' % (len(items), told)

    def counters(self, run_id: str) -> dict[str, Any]:
        states = [item["status"] for item in self.runs[run_id]]
        running, pending = states.count("running"), states.count("pending")
        return {
            **{"run_id": run_id, "scenario_id": "hr", "source": "rl-gym", "total": OF_A_RUN},
            **{"completed": states.count("completed"), "failed": 0, "running": running},
            **{"pending": pending, "in_progress": running},
        }


def play(directory: Path, ticks: int) -> Recorder:
    """Record so many ticks."""
    rng, seconds = random.Random(7), 0.0
    day, store = Day(rng), Store(ROLLOUTS_RECORDED)
    tracker = RolloutTracker(store, None)
    clock = ServerClock(lambda: START.timestamp() + seconds, lambda: seconds)
    pace = tracker
    writer = RecordingWriter(directory, now=lambda: day.now)
    head = Head("https://gym.test", "rl-gym", None, TICK_S)
    recorder = Recorder(writer, head, store, tracker, clock, running=Running(), pace=pace)

    def hear(query: Query) -> None:
        late_s = seconds + rng.random() * 0.1
        at = START + timedelta(seconds=seconds)
        seen = Observation(query, day.answer(query), seconds, at.timestamp())
        applied = store.apply(seen)
        window = Window(at, START + timedelta(seconds=late_s))
        work = tracker.take_answer_in_pieces(query, applied, window)
        for _ in recorder.record_answer(query, applied, window, work):
            pass
        tracker.drop(store.trim(()).rollouts_removed)

    for _ in range(ticks):
        moved = day.tick()
        seconds += TICK_S
        hear(RunsPage())
        hear(RunningRollouts())
        for run_id in sorted(moved):
            hear(RolloutsOf(run_id))
    recorder.close()
    return recorder


if __name__ == "__main__":
    _, what, directory, *more = sys.argv
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = write(Path(directory), *more) if what == "write" else jump_about(Path(directory))
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({**found, "held": held * 1024}))
