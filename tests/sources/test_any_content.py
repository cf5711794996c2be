"""Whatever stands in a field of a file: nothing raises, and the other rollouts are there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gymtui.api.errors import GymError
from tests.sources import test_harbor as harbor
from tests.sources import test_inspect_logs as inspect
from tests.sources import test_simlab as simlab
from tests.sources import test_tau_bench as tau
from tests.sources import test_terminal_bench as terminal_bench
from tests.sources import test_verifiers as verifiers
from tests.sources.on_disk import Answers, opened, write
from tests.sources.test_directory_gym import exported

ODD: tuple[Any, ...] = (
    *(None, "odd", 3, -1.5, True, [], {}, [None, [1], {"a": None}], {"": [""]}),
    *(1e308, 10**30, "9999-12-31T23:59:59+00:00"),
)


def a_harbor_job(place: Path) -> None:
    harbor.job(place, total=3)
    harbor.ended(place / "a__A", exception_info=harbor.exception("E"), step_results=[{}])
    harbor.begun(place / "b__B")
    write(place / "lock.json", {"trials": [{"task": {"name": "fix-git"}}]})
    write(place / "a__A" / "agent" / "trajectory.json", {"steps": [{"step_id": 1}]})


def a_simlab_output(place: Path) -> None:
    write(place / simlab.SINGLE / "artifacts.json", simlab.artifacts())
    write(place / simlab.SINGLE / "verifier" / "reward.json", simlab.reward(success=False))
    results = [{"rollout_idx": 0, "reward": 1.0, "verification_passed": True, "error": "e"}]
    write(place / simlab.PARALLEL / "summary.json", {"results": results})


def a_terminal_bench_run(place: Path) -> None:
    terminal_bench.run(place, ended=False)
    terminal_bench.trial(place, "a", 1)


def an_inspect_log(place: Path) -> None:
    samples = [inspect.sample_of(one, events=[{"event": "model"}]) for one in inspect.four()[:2]]
    results = {"scores": [{"name": "match", "metrics": {"accuracy": {"value": 0.5}}}]}
    log = {"version": 2, "status": "success", "eval": inspect.spec(), "results": results}
    write(place / f"{inspect.LOG}.json", {**log, "samples": samples})


def verifiers_results(place: Path) -> None:
    verifiers.results(place, verifiers.line(0, 1.0, timing={"start_time": 1.7e9}))


def verifiers_traces(place: Path) -> None:
    verifiers.traces(place, verifiers.episode(0, 1.0))


def a_tau_file(place: Path) -> None:
    info = {"task": {"instruction": "i"}, "reward_info": {"info": {"r_actions": 0.0}}}
    write(place / tau.FILE, [{"task_id": 3, "reward": 0.0, "info": info, "traj": [], "trial": 0}])


def a_tau2_file(place: Path) -> None:
    write(place / "night.json", tau.tau2(tau.simulation(0, "a", 0.0, ticks=[{"agent_chunk": {}}])))


def an_export(place: Path) -> None:
    exported(place, "a")


def places_in(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in a document."""
    if way:
        yield way
    items = value.items() if isinstance(value, dict) else ()
    for key, item in enumerate(value) if isinstance(value, list) else items:
        yield from places_in(item, (*way, key))


def changed(document: Any, way: tuple[Any, ...], value: Any) -> Any:
    """A document with another value at one place."""
    document = json.loads(json.dumps(document))
    inner = document
    for key in way[:-1]:
        inner = inner[key]
    inner[way[-1]] = value
    return document


def look_through(disk: Answers) -> None:
    """Ask for everything there is."""
    disk.runs()
    for name in disk.rollouts():
        try:
            asyncio.run(disk.gym.artifacts(name))
        except GymError:
            continue


@pytest.mark.parametrize(
    "lay",
    [
        *(a_harbor_job, a_simlab_output, a_terminal_bench_run, an_inspect_log, an_export),
        *(verifiers_results, verifiers_traces, a_tau_file, a_tau2_file),
    ],
)
def test_no_content_of_a_file_hurts(lay: Callable[[Path], None], tmp_path: Path) -> None:
    place = tmp_path / "there"
    lay(place)
    look_through(opened(place))
    tried = 0
    for file in sorted(place.rglob("*.json*")):
        whole = file.read_text()
        document = json.loads(whole)
        for number, way in enumerate(places_in(document)):
            # Of each place one odd value in turn: together all of them, over and over.
            odd = ODD[(number + tried) % len(ODD)]
            file.write_text(json.dumps(changed(document, way, odd)))
            look_through(opened(place))
            tried += 1
        for content in ("", "[", "{}", "[]", "null", '{"a": 1'):
            file.write_text(content)
            look_through(opened(place))
        file.write_text(whole)
    assert tried > 10
