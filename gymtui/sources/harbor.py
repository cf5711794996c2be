"""Harbor's jobs (terminal-bench 2 and others): a job is a run, a trial a rollout.

Read in Harbor 0.26 (`models/job`, `models/trial`, `job.py`, `trial/`): a job's directory has its
configuration, `lock.json` with all trials that are planned, `result.json` with `finished_at` null
while it runs, and a directory a trial. That has a configuration from its start and `result.json`
from its end on; what the agent did is `agent/trajectory.json`, of a trial of several steps below
`steps/STEP/`. An exception may stand beside a reward: whether that counts then is `reward_valid`.

Where a trial has a simulated user (`user_agent`), what the two said is acpx's session beside the
agent's logs; the user has a trajectory of its own in `user-agent/`, and the trial's tokens are its.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from gymtui.core.replacement import replace
from gymtui.sources.files import (
    Entries,
    Files,
    last_modified_s,
    list_entries,
    read_bytes,
    tail_text,
)
from gymtui.sources.json_fields import JsonFields, number_in, sum_of, utc_time
from gymtui.sources.rollout_facts import RolloutFacts, RunFacts, add_missing, artifacts_body
from gymtui.sources.source import ReadContext, Source
from gymtui.sources.trajectory_files import trajectory_in

_MAIN: Final = "reward"  # the name of the reward, where there are several
_PRINTED: Final = ("test-stdout.txt", "test-stderr.txt")
_LOGS: Final = (".txt", ".log")
_BRIDGE: Final = "bridge-trajectory.json"
_USER: Final = "user-agent"  # the directory of a simulated user's logs


class Harbor(Source):
    """Reads the directories of jobs, and of single trials."""

    name = "harbor"
    title = "Harbor's jobs"

    def owns(self, place: Path, found: Entries, files: Files) -> bool:
        """A job's directory, a trial's, or one of trials alone."""
        if "config.json" not in found.files:
            return False
        return files.parsed(place / "config.json", _kind) is not None

    def read(self, place: Path, context: ReadContext) -> Iterable[RunFacts]:
        """The job."""
        job, tasks = JsonFields(), None
        if context.files.parsed(place / "config.json", _kind) == "trial":
            above, names = place.parent, [place.name]
            ended = (place / "result.json").exists()
        else:
            above, names = place, sorted(list_entries(place).directories)
            job = context.files.fields(place / "result.json")
            ended = job.time("finished_at") is not None
            tasks = context.files.parsed(place / "lock.json", _tasks)
        made = context.files.read_entries(self.name, above, names, partial(_trial, context=context))
        found = [facts for facts in made if facts is not None]
        unread = context.files.unread
        planned = _planned(tasks, job.integer("n_total_trials"), found)
        dead = ended or context.is_quiet(*_growing_files(place, found, above))
        times = (facts.started_at for facts in found)
        yield RunFacts(
            run_id=place.name,
            source=self.name,
            rollouts=add_missing(found, planned, dead=dead, unread=unread),
            unread=unread,
            scenario_id=context.files.parsed(place / "config.json", _dataset) or None,
            began=job.time("started_at") or min(filter(None, times), default=""),
            over=dead,
        )


def _kind(body: bytes) -> str:
    config = JsonFields(body)
    if "trial_name" in config and "task" in config:
        return "trial"
    if "job_name" in config and ("agents" in config or "n_attempts" in config):
        return "job"
    raise ValueError("neither a job's configuration nor a trial's")


def _tasks(body: bytes) -> Mapping[str, int]:
    trials = JsonFields(body).objects("trials")
    names = (trial.mapping("task").text("name") for trial in trials)
    return Counter(_short(name) for name in names if name)


def _dataset(body: bytes) -> str:
    """The one dataset of a job; empty where there are several, or tasks alone."""
    found = [
        one.text("name") or Path(one.text("path") or "").name
        for one in JsonFields(body).objects("datasets")
    ]
    return found[0] if len(found) == 1 else ""


def _planned(
    tasks: Mapping[str, int] | None, total: int | None, found: Iterable[RolloutFacts]
) -> Mapping[str, int]:
    """How many trials there are to be: of each task, or where that is not known in all."""
    if tasks:
        full = {_short(facts.task_id): facts.task_id for facts in found if facts.task_id}
        return {full.get(task, task): count for task, count in tasks.items()}
    return {} if total is None else {"": total}


def _short(task: str) -> str:
    """A task's name without the organization before it, which not every file has."""
    return task.rpartition("/")[2]


def _growing_files(place: Path, found: Iterable[RolloutFacts], above: Path) -> list[Path]:
    """What a job writes while it goes on: its own files, and those of trials under way."""
    files = [place, place / "result.json", place / "job.log"]
    for facts in found:
        if facts.status == "running":
            trial = above / facts.rollout_id
            files += [trial, trial / "trial.log", trial / "verifier"]
            for logs in (trial / "agent", trial / _USER):
                files += [logs, *(logs / name for name in list_entries(logs).files)]
    return files


def _trial(place: Path, context: ReadContext) -> tuple[RolloutFacts | None, float]:
    """A trial, ended or under way (None where a directory holds none), and when it was touched."""
    result = place / "result.json"
    facts = context.files.parsed(result, _ended_trial)
    if facts is None:
        facts = context.files.parsed(place / "config.json", _running_trial)
        if facts is None:
            return None, context.now_s
        # It is written as the trial starts, and never again.
        start = utc_time(last_modified_s(place / "config.json"))
        running = replace(facts, rollout_id=place.name, created_at=start, started_at=start)
        return running, context.now_s
    if facts.reward == 0 and not facts.message:
        failed = context.files.parsed(place / "verifier" / "ctrf.json", _failed_tests) or ()
        facts = replace(facts, message="; ".join(failed), failed_criteria=failed)
    body = partial(_artifacts, place)
    return replace(facts, rollout_id=place.name, body=body), last_modified_s(result)


def _failed_tests(body: bytes) -> tuple[str, ...]:
    """The tests that failed, by a report in the Common Test Report Format, if there is one."""
    tests = JsonFields(body).mapping("results").objects("tests")
    return tuple(test.text("name") or "?" for test in tests if test.text("status") == "failed")


def _running_trial(body: bytes) -> RolloutFacts:
    config = JsonFields(body)
    if "trial_name" not in config:
        raise ValueError("not a trial's configuration")
    task = config.mapping("task")
    named = task.text("name") or Path(task.text("path") or "").name
    provider, model = _model(config.mapping("agent").text("model_name"))
    return RolloutFacts(
        rollout_id="", task_id=named or None, status="running", model=model, provider=provider
    )


def _ended_trial(body: bytes) -> RolloutFacts:
    trial = JsonFields(body)
    if "trial_name" not in trial or "task_name" not in trial:
        raise ValueError("not a trial's result")
    rewards = _rewards(trial.mapping("verifier_result"))
    steps = trial.objects("step_results")
    errors = [one for one in (trial, *steps) if "exception_type" in one.mapping("exception_info")]
    error = errors[0].mapping("exception_info") if errors else None
    # Whether a reward beside an exception counts is said since 0.2x; before, it did.
    counts = bool(rewards) and trial.flag("reward_valid") is not False
    reward = _reward(rewards) if counts else None
    kind = None if error is None else error.text("exception_type")
    message = None if error is None else error.text("exception_message")
    never_began = not steps and "started_at" not in trial.mapping("agent_execution")
    status = "completed"
    if error is not None and reward is None:
        status = "workspace_error" if never_began else "failed"
    provider, model = _ended_model(trial)
    return RolloutFacts(
        rollout_id="",
        task_id=trial.text("task_name"),
        status=status,
        model=model,
        provider=provider,
        created_at=trial.time("started_at"),
        started_at=trial.mapping("agent_execution").time("started_at") or trial.time("started_at"),
        completed_at=trial.time("finished_at"),
        reward=reward,
        message=": ".join(filter(None, (kind, message))),
        failed_criteria=tuple(
            name for name, value in rewards.items() if len(rewards) > 1 and value <= 0
        ),
        termination_reason=kind,
        details={"output": {"rewards": rewards}} if rewards else None,
    )


def _rewards(result: JsonFields) -> dict[str, float]:
    found = result.value("rewards")
    if not isinstance(found, Mapping):
        return {}
    numbers = ((str(name), number_in(value)) for name, value in found.items())
    return {name: value for name, value in numbers if value is not None}


def _reward(rewards: Mapping[str, float]) -> float | None:
    """The reward: the one there is, or the one that is called so."""
    return rewards.get(_MAIN, next(iter(rewards.values())) if len(rewards) == 1 else None)


def _model(named: str | None) -> tuple[str | None, str | None]:
    """Provider and model, which Harbor's command line takes as one."""
    provider, slash, model = (named or "").partition("/")
    return (provider, model) if slash else (None, named)


def _ended_model(trial: JsonFields) -> tuple[str | None, str | None]:
    """Provider and model of the agent of a trial that ended."""
    info = trial.mapping("agent_info").mapping("model_info")
    provider, model = _model(trial.mapping("config").mapping("agent").text("model_name"))
    return info.text("provider") or provider, info.text("name") or model


def _artifacts(place: Path) -> bytes:
    """What an agent did in a trial, and at its end what the verifier printed."""
    result = JsonFields(read_bytes(place / "result.json") or b"{}")
    parts = _step_directories(place, result)
    session = _session(place)
    talk = session.items("messages")
    found = [segment for part in parts for segment in trajectory_in(part / "agent")]
    if not found and not talk:
        found = list(trajectory_in(place / _USER))
    printed = (tail_text(part / "verifier" / name) for part in parts for name in _PRINTED)
    verified = [f"Verifier output:\n{text}" for text in printed if text]
    document: dict[str, Any] = {}
    if found:
        first = found[0].document
        document |= {name: msgspec.Raw(first.raw(name) or b"null") for name in first}
        done: list[Any] = [step for segment in found for step in segment.steps]
        if agents := [agent for segment in found for agent in segment.subagents]:
            document["subagent_trajectories"] = agents
        for text in verified:
            done.append({"step_id": len(done) + 1, "source": "system", "message": text})
        document["steps"] = done
    else:
        logs = [
            {"role": "assistant", "content": text}
            for part in parts
            for name in sorted(list_entries(part / "agent").files)
            if name.endswith(_LOGS) and (text := tail_text(part / "agent" / name))
        ]
        said = [{"role": "system", "content": text} for text in verified]
        document["messages"] = [*(talk or logs), *said]
        document["provider"], document["model"] = _ended_model(result)
    document.setdefault("task_id", result.text("task_name"))
    error = result.mapping("exception_info")
    document["error"] = error.text("exception_traceback") or error.text("exception_message")
    document["metadata"] = {
        **_usage(place, result, session),
        "rewards": result.mapping("verifier_result").value("rewards"),
    }
    return artifacts_body(place.name, msgspec.json.encode(document))


def _step_directories(place: Path, result: JsonFields) -> list[Path]:
    """Where what was done lies: in the trial's directory, or in one for each of its steps."""
    there = list_entries(place / "steps").directories
    order = (step.text("step_name") or "" for step in result.objects("step_results"))
    names = dict.fromkeys([*(name for name in order if name in there), *sorted(there)])
    return [place / "steps" / name for name in names] or [place]


def _session(place: Path) -> JsonFields:
    """The session in which a simulated user and the agent talked; of no fields where none did."""
    try:
        exported = JsonFields(read_bytes(place / "agent" / _BRIDGE) or b"{}")
    except ValueError:  # not written whole
        return JsonFields(b"{}")
    return exported.mapping("session").mapping("state")


def _usage(place: Path, result: JsonFields, session: JsonFields) -> dict[str, Any]:
    """What the agent used; and apart from that what its simulated user was, used and did."""
    user = result.mapping("config").mapping("user_agent")
    if "name" not in user:
        return {"rollout_metrics": _metrics(result)}
    told = result.mapping("agent_result").mapping("metadata").mapping("acp_target_usage")
    total = session.mapping("cumulative_token_usage")
    usage = total if list(total) else told
    cached = usage.number("cache_read_input_tokens")
    # By the protocol each of these is counted apart.
    read = [usage.number(f"{kind}input_tokens") for kind in ("", "cache_read_", "cache_creation_")]
    known = [number for number in read if number is not None]
    cost = session.mapping("cumulative_cost")
    did = [segment.steps for segment in trajectory_in(place / _USER)]
    return {
        "rollout_metrics": {
            "token_usage": {
                "prompt_tokens_total": sum(known) if known else None,
                "cached_tokens_total": cached,
                "completion_tokens_total": usage.number("output_tokens"),
            },
            "cost": {
                "estimated_cost_usd": cost.number("amount")
                if cost.text("currency") in (None, "USD")
                else None
            },
        },
        "simulated_user": {
            "agent": user.text("name"),
            "model": user.text("model_name"),
            "rollout_metrics": _metrics(result),
            "steps": [step for steps in did for step in steps] or None,
        },
    }


def _metrics(result: JsonFields) -> dict[str, Any]:
    steps = result.objects("step_results")
    used = [one.mapping("agent_result") for one in (result, *steps)]
    return {
        "token_usage": {
            "prompt_tokens_total": sum_of(used, "n_input_tokens"),
            "cached_tokens_total": sum_of(used, "n_cache_tokens"),
            "completion_tokens_total": sum_of(used, "n_output_tokens"),
        },
        "cost": {"estimated_cost_usd": sum_of(used, "cost_usd")},
    }
