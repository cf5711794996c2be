"""Result files of τ-bench and τ²-bench: a file is a run, a simulation a rollout.

Read in their sources: τ-bench's `run.py` writes one list of `{task_id, reward, info, traj, trial}`;
τ²-bench's `data_model/simulation.py` an object with `info`, `tasks` and `simulations`, or the
simulations beside it in `simulations/`, with an index. A reward of 1 is a success in both.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from gymtui.core.replacement import replace
from gymtui.sources.files import Entries, Files, Slice, files_in
from gymtui.sources.json_fields import JsonFields, list_in, objects_in
from gymtui.sources.rollout_facts import RolloutFacts, RunFacts, add_missing, artifacts_body
from gymtui.sources.source import LOOKED_AT, ReadContext, Source

_BROKEN: Final = frozenset({"infrastructure_error", "unexpected_error"})
"""Reasons for which a simulation says nothing of the agent."""
_NAMED: Final = re.compile(r"(?:tool-calling|act|react|few-shot)-(.+)-[\d.]+_range_")
"""How τ-bench calls its files."""
_SIMULATIONS: Final = b'\n  "simulations": ['
_END: Final = b"\n    }"  # where one of them ends: no string of JSON holds a line end
_CHUNK: Final = 8 << 20
_LARGE: Final = 64 << 20
"""From so many bytes on a file is read in pieces. A smaller one is read as a whole, since it is
written anew after each simulation: what was read before stands while it is half written."""
_ALMOST: Final = 1e-6  # by so much a reward of 1 may miss it (`is_successful`)


@dataclass(frozen=True, slots=True)
class _Results:
    rollouts: tuple[RolloutFacts, ...]
    scenario: str | None = None
    planned: Mapping[str, int] | None = None
    began: str | None = None
    model: str | None = None
    start: int | None = None  # where the simulations begin that are read one by one


class TauBench(Source):
    """Reads result files of both."""

    name = "tau"
    title = "result files of τ-bench and τ²-bench"
    inner = frozenset({"simulations"})
    by_file = True

    def owns(self, place: Path, found: Entries, files: Files) -> bool:
        """A directory with such a file in it."""
        names = sorted(found.files)[:LOOKED_AT]
        return any(self.owns_file(place / name, files) for name in names)

    def owns_file(self, file: Path, files: Files) -> bool:
        """A result file, by how it begins."""
        if file.suffix != ".json":
            return False
        head = files.head(file)
        start = head.lstrip()
        if start.startswith(b"["):
            return b'"task_id"' in head[:200] and b'"reward"' in head and b'"info"' in head
        first = head[:512]
        return start.startswith(b"{") and b'"info"' in first and b'"num_trials"' in first

    def read(self, place: Path, context: ReadContext) -> Iterable[RunFacts]:
        """A run for each file."""
        for file, found in context.files.cached_of(files_in(place), _results, self.owns_file):
            before = context.files.unread
            apart = file.parent / "simulations"
            here = found.rollouts
            if found.start is not None:
                here = tuple(context.files.lines(file, _simulation_at, simulations_in))
            rollouts = [
                replace(facts, rollout_id=f"{facts.rollout_id}@{_run_id(file)}", model=found.model)
                for facts in (*here, *_separate_simulations(apart, context.files))
            ]
            unread = context.files.unread - before
            quiet = context.is_quiet(file, apart)
            yield RunFacts(
                run_id=_run_id(file),
                source=self.name,
                rollouts=add_missing(rollouts, found.planned or {}, dead=quiet, unread=unread),
                unread=unread,
                scenario_id=found.scenario,
                began=found.began or "",
                over=quiet,
            )


def _run_id(file: Path) -> str:
    return file.parent.name if file.stem == "results" else file.stem


def _results(file: Path) -> _Results:
    if (head := _head(file)) is not None:
        return replace(_tau2(file, JsonFields(head + b"}")), start=len(head))
    body = file.read_bytes()
    if body.lstrip()[:1] == b"[":
        return _tau(file, objects_in(list_in(body)))
    return _tau2(file, JsonFields(body))


def _head(file: Path) -> bytes | None:
    """What stands before the simulations of a file as τ²-bench writes it, of which these are last.

    Such a file may be of gigabytes, and is read simulation by simulation; any other at once.
    """
    if file.stat().st_size < _LARGE:
        return None
    with file.open("rb") as lines:
        body = lines.read(_CHUNK)
        if not body.startswith(b"{\n  "):
            return None
        while (end := body.find(_SIMULATIONS)) < 0 and (more := lines.read(_CHUNK)):
            body += more
    head = body[:end].rstrip(b", \r\n")
    return head if end >= 0 and b'\n  "tasks": [' in head and b'\n  "info": {' in head else None


def simulations_in(file: Path, start: int) -> Iterator[tuple[bytes, int, bool]]:
    """The simulations of a file as τ²-bench writes it: indented, so that lines tell where one ends.

    `start` is 0, or where one ended; nothing is found where none did.
    """
    with file.open("rb") as lines:
        if not start:
            start = len(_head(file) or b"")
            lines.seek(start)
            start += lines.read(2 * len(_SIMULATIONS)).find(b"[") + 1
        lines.seek(start)
        rest = b""
        while chunk := lines.read(_CHUNK):
            rest += chunk
            done = 0
            while (end := rest.find(_END, done)) >= 0:
                begin = rest.find(b"{", done)
                if rest[done:begin].strip(b", \r\n"):
                    return
                end += len(_END)
                yield rest[begin:end], start + begin, True
                done = end
            start, rest = start + done, rest[done:]


def _simulation_at(body: bytes, place: Slice) -> RolloutFacts:
    facts = _simulation(JsonFields(body), place.path)
    return replace(facts, body=partial(_artifacts_at, place, JsonFields(body).text("id") or ""))


def _tau(file: Path, results: list[JsonFields]) -> _Results:
    named = _NAMED.match(file.name)
    counts: Counter[str] = Counter()
    rollouts = []
    for place, result in enumerate(results):
        task = result.label("task_id") or "?"
        counts[task] += 1
        trial = result.integer("trial")
        number = counts[task] if trial is None else trial + 1
        rollout_id = f"{task}.{number}"
        error = result.mapping("info").text("error")
        reward = result.number("reward")
        missed = not error and reward is not None and not _passed(reward)
        failed = tuple(_failed_in_tau(result)) if missed else ()
        rollouts.append(
            RolloutFacts(
                rollout_id=rollout_id,
                task_id=task,
                status="failed" if error else "completed",
                reward=None if error else reward,
                success=None if error or reward is None else _passed(reward),
                message=error or "; ".join(failed),
                failed_criteria=failed,
                termination_reason=error,
                details={"output": {"reward_info": result.mapping("info").value("reward_info")}},
                body=partial(_tau_artifacts, file, place, rollout_id),
            )
        )
    return _Results(tuple(rollouts), model=None if named is None else named[1])


def _passed(reward: float) -> bool:
    return abs(reward - 1) <= _ALMOST


def _failed_in_tau(result: JsonFields) -> Iterable[str]:
    """What of τ-bench's two checks failed: the state of the data, and what the user is told."""
    info = result.mapping("info").mapping("reward_info").mapping("info")
    if info.number("r_actions") == 0 or info.flag("r_actions") is False:
        yield "database state"
    outputs = info.value("outputs")
    for criterion, met in outputs.items() if isinstance(outputs, Mapping) else ():
        if met is False:
            yield f"told {criterion}"


def _tau_artifacts(file: Path, place: int, rollout_id: str) -> bytes:
    results = objects_in(list_in(file.read_bytes()))
    if place >= len(results):
        raise ValueError("the simulation is no longer in its file")
    result = results[place]
    info = result.mapping("info")
    artifacts = {
        "task_id": result.label("task_id"),
        "task": info.mapping("task").text("instruction"),
        "messages": result.value("traj"),
        "error": info.text("traceback") or info.text("error"),
        "metadata": {
            "reward": result.value("reward"),
            "reward_info": info.value("reward_info"),
            "task": info.value("task"),
        },
    }
    return artifacts_body(rollout_id, artifacts)


def _tau2(file: Path, results: JsonFields) -> _Results:
    info = results.mapping("info")
    simulations = [_simulation(one, file) for one in results.objects("simulations")]
    trials = info.integer("num_trials") or 1
    tasks = (task.label("id") for task in results.objects("tasks"))
    return _Results(
        tuple(simulations),
        info.mapping("environment_info").text("domain_name"),
        {task: trials for task in tasks if task},
        results.time("timestamp"),
        info.mapping("agent_info").text("llm"),
    )


def _separate_simulations(place: Path, files: Files) -> list[RolloutFacts]:
    """The simulations that lie in files of their own, each read once."""
    return [facts for _, facts in files.cached_of(files_in(place), _simulation_in)]


def _simulation_in(path: Path) -> RolloutFacts:
    one = JsonFields(path.read_bytes())
    if "task_id" not in one:
        raise ValueError("no simulation")
    return _simulation(one, path)


def _simulation(one: JsonFields, path: Path) -> RolloutFacts:
    info = one.mapping("reward_info")
    reason = one.text("termination_reason")
    broken = reason in _BROKEN
    reward = None if broken else info.number("reward")
    trial = one.integer("trial")
    task = one.label("task_id")
    failed = tuple(_failed(info)) if reward is not None and not _passed(reward) else ()
    output = {
        "reward_breakdown": info.value("reward_breakdown"),
        "db_check": info.value("db_check"),
        "agent_cost": one.number("agent_cost"),
    }
    return RolloutFacts(
        rollout_id=f"{task}.{1 if trial is None else trial + 1}",
        task_id=task,
        status="failed" if broken else "completed",
        created_at=one.time("start_time"),
        started_at=one.time("start_time"),
        completed_at=one.time("end_time"),
        reward=reward,
        success=None if reward is None else _passed(reward),
        message="; ".join(failed) or (reason or "" if broken else ""),
        failed_criteria=failed,
        termination_reason=reason,
        details={"output": {name: value for name, value in output.items() if value is not None}},
        body=partial(_tau2_artifacts, path, one.text("id") or ""),
    )


def _failed(info: JsonFields) -> Iterable[str]:
    """What of a task's checks failed, as they are called there."""
    if info.mapping("db_check").flag("db_match") is False:
        yield "database state"
    for check in info.objects("action_checks"):
        if check.flag("action_match") is False:
            yield f"action {check.mapping('action').text('name') or '?'}"
    for check in info.objects("env_assertions"):
        if check.flag("met") is False:
            yield f"state {check.mapping('env_assertion').text('func_name') or '?'}"
    for check in info.objects("communicate_checks"):
        if check.flag("met") is False:
            yield f"told {check.text('info') or '?'}"
    for check in info.objects("nl_assertions"):
        if check.flag("met") is False:
            yield check.text("nl_assertion") or "?"


def _voice_messages(ticks: list[JsonFields]) -> list[dict[str, Any]]:
    """The messages of a conversation by voice, where what one says lies in many ticks."""
    messages: list[dict[str, Any]] = []
    for tick in ticks:
        for who, role in (("agent", "assistant"), ("user", "user")):
            content = tick.mapping(f"{who}_chunk").text("content")
            last = messages[-1] if messages else {}
            if content and last.get("role") == role and "tool_calls" not in last:
                last["content"] += content
            elif content:
                message = {"role": role, "content": content, "timestamp": tick.time("timestamp")}
                messages.append(message)
            if calls := tick.value(f"{who}_tool_calls"):
                messages.append({"role": role, "content": None, "tool_calls": calls})
            messages += tick.value(f"{who}_tool_results") or []
    return messages


def _artifacts_at(place: Slice, identity: str) -> bytes:
    """The artifacts of a simulation where it was found, or where it is now."""
    try:
        one, head = JsonFields(place.read()), _head(place.path)
    except ValueError:
        return _tau2_artifacts(place.path, identity)
    if head is None or one.text("id") != identity:
        return _tau2_artifacts(place.path, identity)
    return _artifacts_of(one, JsonFields(head + b"}"), identity)


def _tau2_artifacts(path: Path, identity: str) -> bytes:
    document = JsonFields(path.read_bytes())
    found = document.objects("simulations") if "simulations" in document else [document]
    one = next((one for one in found if one.text("id") == identity), None)
    if one is None:
        raise ValueError("the simulation is no longer in its file")
    return _artifacts_of(one, document, identity)


def _artifacts_of(one: JsonFields, document: JsonFields, identity: str) -> bytes:
    tasks = {task.label("id"): task for task in document.objects("tasks")}
    task = tasks.get(one.label("task_id"))
    artifacts: dict[str, Any] = {
        "task_id": one.label("task_id"),
        "model": document.mapping("info").mapping("agent_info").text("llm"),
        "messages": one.value("messages") or _voice_messages(one.objects("ticks")),
        "created_at": one.time("start_time"),
        "metadata": {
            "reward_info": one.value("reward_info"),
            "termination_reason": one.text("termination_reason"),
            "task": None if task is None else task.value("user_scenario"),
            "rollout_metrics": {
                "timing": {"duration_seconds": one.number("duration")},
                "cost": {"estimated_cost_usd": one.number("agent_cost")},
            },
        },
    }
    return artifacts_body(identity, artifacts)
