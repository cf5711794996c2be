"""terminal-bench's runs (the harness before Harbor): a run's directory, a rollout each trial.

Read in terminal-bench 0.2 (`harness/harness.py`, `harness/models.py`, `handlers/trial_handler.py`):
`run_metadata.json` from the start on, with the tasks and attempts that are planned; a trial is
`TASK/TASK.K-of-N.RUN/`, with `results.json` once it has ended. A trial that the harness itself lost
stands in the run's `results.json` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from gymtui.core.replacement import replace
from gymtui.sources.files import (
    Entries,
    Files,
    last_modified_s,
    list_entries,
    read_bytes,
    tail_text,
)
from gymtui.sources.json_fields import JsonFields
from gymtui.sources.rollout_facts import RolloutFacts, RunFacts, add_missing, artifacts_body
from gymtui.sources.source import ReadContext, Source

_NO_FAILURE: Final = frozenset({"unset", "none"})
_NO_WORKSPACE: Final = frozenset({"agent_installation_failed"})


class TerminalBench(Source):
    """Reads the directories of runs."""

    name = "terminal-bench"
    title = "terminal-bench's runs"

    def owns(self, place: Path, found: Entries, files: Files) -> bool:
        """A run's directory."""
        return "run_metadata.json" in found.files or "tb.lock" in found.files

    def read(self, place: Path, context: ReadContext) -> Iterable[RunFacts]:
        """The run."""
        metadata = context.files.fields(place / "run_metadata.json")
        model = metadata.text("model_name") or metadata.text("agent_name")
        whole = context.files.parsed(place / "results.json", _all_results) or {}
        found: dict[str, RolloutFacts] = {}
        touched = [place, place / "run.log", place / "results.json"]
        read = partial(_trial, context=context, model=model)
        for task in sorted(list_entries(place).directories):
            names = sorted(list_entries(place / task).directories)
            for facts in context.files.read_entries(self.name, place / task, names, read):
                found[facts.rollout_id] = facts
                if facts.status == "running":
                    trial = place / task / facts.rollout_id
                    touched += [trial, *(trial / part for part in list_entries(trial).directories)]
        unread = context.files.unread
        for name, facts in whole.items():
            if name not in found or found[name].status == "running":
                body = found[name].body if name in found else None
                found[name] = replace(facts, rollout_id=name, body=body, model=model)
        dead = metadata.time("end_time") is not None or context.is_quiet(*touched)
        tasks = metadata.value("task_ids")
        each = metadata.integer("n_attempts") or 1
        planned = {str(task): each for task in (tasks if isinstance(tasks, list) else ())}
        dataset = metadata.text("dataset_name") or Path(metadata.text("dataset_path") or "").name
        yield RunFacts(
            run_id=place.name,
            source=self.name,
            rollouts=add_missing(found.values(), planned, dead=dead, unread=unread),
            unread=unread,
            scenario_id=dataset or None,
            began=metadata.time("start_time") or "",
            over=dead,
        )


def _trial(trial: Path, context: ReadContext, model: str | None) -> tuple[RolloutFacts, float]:
    """A trial, and when it was touched."""
    result = trial / "results.json"
    facts = context.files.parsed(result, _result)
    body = partial(_artifacts, trial)
    if facts is None:
        task = trial.parent.name
        facts = RolloutFacts(rollout_id=trial.name, task_id=task, status="running", model=model)
        return replace(facts, body=body), context.now_s
    return replace(facts, rollout_id=trial.name, model=model, body=body), last_modified_s(result)


def _all_results(body: bytes) -> Mapping[str, RolloutFacts]:
    results = JsonFields(body).objects("results")
    found = ((one.text("trial_name"), one) for one in results)
    return {name: _facts(one) for name, one in found if name is not None}


def _result(body: bytes) -> RolloutFacts:
    return _facts(JsonFields(body))


def _facts(result: JsonFields) -> RolloutFacts:
    resolved = result.flag("is_resolved")
    mode = result.text("failure_mode")
    failure = None if mode in _NO_FAILURE else mode
    status = "completed"
    if resolved is None and failure is not None:
        status = "workspace_error" if failure in _NO_WORKSPACE else "failed"
    tests = result.value("parser_results")
    failed = [
        str(name)
        for name, how in (tests.items() if isinstance(tests, Mapping) else ())
        if how != "passed"
    ]
    why = "; ".join(failed) if resolved is False else ""
    return RolloutFacts(
        rollout_id="",
        task_id=result.text("task_id"),
        status=status,
        created_at=result.time("trial_started_at"),
        started_at=result.time("agent_started_at") or result.time("trial_started_at"),
        completed_at=result.time("trial_ended_at"),
        success=resolved,
        message=why or (failure or "").replace("_", " "),
        failed_criteria=tuple(failed),
        termination_reason=failure,
        details={"output": {"parser_results": tests}} if tests else None,
    )


def _artifacts(trial: Path) -> bytes:
    """The task, what the agent was asked and said where it kept that, and the terminal's end."""
    result = JsonFields(read_bytes(trial / "results.json") or b"{}")
    task = result.text("instruction")
    messages: list[dict[str, Any]] = [{"role": "user", "content": task}] if task else []
    logs = trial / "agent-logs"
    for name in sorted(list_entries(logs).directories, key=_number):
        for file, role in (("prompt.txt", "user"), ("response.txt", "assistant")):
            if text := tail_text(logs / name / file).strip():
                messages.append({"role": role, "content": text})
    for file, what in (("post-agent.txt", "terminal"), ("post-test.txt", "tests")):
        if text := tail_text(trial / "panes" / file).strip():
            messages.append({"role": "tool", "name": what, "content": text})
    artifacts = {
        "task_id": result.text("task_id"),
        "task": task,
        "messages": messages,
        "metadata": {
            "parser_results": result.value("parser_results"),
            "failure_mode": result.text("failure_mode"),
            "rollout_metrics": {
                "token_usage": {
                    "prompt_tokens_total": result.integer("total_input_tokens"),
                    "completion_tokens_total": result.integer("total_output_tokens"),
                }
            },
        },
    }
    return artifacts_body(trial.name, artifacts)


def _number(name: str) -> tuple[int, str]:
    digits = name.rpartition("-")[2]
    return (int(digits) if digits.isdecimal() else 0, name)
