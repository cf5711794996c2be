"""What verifiers and prime leave: `results.jsonl` of versions 0.1 to 0.3, `traces.jsonl` of 0.4.

Read in their sources (`utils/save_utils.py`, `utils/path_utils.py`, `v1/trace.py`). A line is a
rollout. An older run that was interrupted looks finished: its lines are compared with examples ×
rollouts. Errors were given a reward of 0 there; here they are errors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from gymtui.core.replacement import replace
from gymtui.sources.files import Entries, Files, Slice
from gymtui.sources.json_fields import JsonFields, number_in, utc_time
from gymtui.sources.rollout_facts import RolloutFacts, RunFacts, add_missing, artifacts_body
from gymtui.sources.source import ReadContext, Source
from gymtui.sources.verifiers_traces import rollouts_of

_RESULTS: Final = "results.jsonl"
_TRACES: Final = "traces.jsonl"
_CONFIGS: Final = (
    "configs/resolved/eval.json",
    "configs/eval.json",
    "configs/resolved/replay.json",
    "configs/resolved/debug.json",
)
"""Where the configuration of a run with traces is, in one version or another."""
_KNOWN: Final = frozenset(
    {
        *("example_id", "id", "prompt", "completion", "answer", "task", "info", "reward", "error"),
        *("timing", "is_completed", "is_truncated", "stop_condition", "metrics", "tool_defs"),
        *("token_usage", "error_chain", "long_error_chain", "trajectory"),
        *("generation_ms", "scoring_ms", "total_ms"),
    }
)
"""The fields of a line that are not the environment's own metrics."""


class Verifiers(Source):
    """Reads the output directories of evaluations."""

    name = "verifiers"
    title = "outputs of verifiers and prime (results.jsonl, traces.jsonl)"
    inner = frozenset({"configs", "logs"})

    def owns(self, place: Path, found: Entries, files: Files) -> bool:
        """A directory with rollouts in lines."""
        return any(
            name in found.files and self.owns_file(place / name, files)
            for name in (_RESULTS, _TRACES)
        )

    def owns_file(self, file: Path, files: Files) -> bool:
        """The file with the lines."""
        if file.name == _TRACES:
            return True
        if file.name != _RESULTS:
            return False
        return (file.parent / "metadata.json").is_file() or b'"reward"' in files.head(file)

    def read(self, place: Path, context: ReadContext) -> Iterable[RunFacts]:
        """The run."""
        file = place if place.is_file() else place / _RESULTS
        if file.name == _RESULTS and file.is_file():
            yield _results(file, context)
        file = place if place.is_file() else place / _TRACES
        if file.name == _TRACES and file.is_file():
            yield _traces(file, context)


def _results(file: Path, context: ReadContext) -> RunFacts:
    metadata, place = context.files.fields(file.parent / "metadata.json"), file.parent
    model, threshold = metadata.text("model"), metadata.number("pass_threshold")
    counts: Counter[str] = Counter()
    rollouts = []
    for facts in context.files.lines(file, _line):
        task = facts.task_id or ""
        counts[task] += 1
        rollout_id = f"{task}.{counts[task]}@{place.name}"
        success = facts.success
        if facts.reward is not None and threshold is not None:
            success = facts.reward >= threshold
        body = partial(_artifacts, facts.body, rollout_id, model)
        rollouts.append(
            replace(facts, rollout_id=rollout_id, model=model, success=success, body=body)
        )
    named = "--" in place.parent.name
    quiet = context.is_quiet(file)
    return RunFacts(
        run_id=f"{place.parent.name}/{place.name}" if named else place.name,
        source=Verifiers.name,
        rollouts=add_missing(
            rollouts,
            _planned(metadata, counts),
            dead=quiet,
            unread=context.files.unread,
        ),
        unread=context.files.unread,
        scenario_id=metadata.text("env_id") or metadata.text("env"),
        began=metadata.time("date") or "",
        over=quiet,
    )


def _planned(metadata: JsonFields, counts: Mapping[str, int]) -> dict[str, int]:
    """How many there are to be, by example: those that nobody has seen are named by number."""
    examples, each = metadata.integer("num_examples"), metadata.integer("rollouts_per_example")
    if not examples:
        return dict.fromkeys(counts, each) if each else {}
    numbered = [task for task in counts if task.isdecimal() and int(task) < examples]
    if len(numbered) == len(counts):
        return {str(number): each or 1 for number in range(examples)}
    return {"": examples * (each or 1)}


def _line(line: bytes, place: Slice) -> RolloutFacts | None:
    fields = JsonFields(line)
    if "reward" not in fields and "completion" not in fields:
        return None
    error = fields.text("error") or _error(fields.mapping("error"))
    timing = fields.mapping("timing")
    ended = timing.mapping("scoring").number("end") or timing.mapping("generation").number("end")
    start = timing.time("start_time")
    reward = None if error else fields.number("reward")
    stop = fields.text("stop_condition")
    return RolloutFacts(
        rollout_id="",
        task_id=fields.label("example_id") or fields.label("id"),
        status="failed" if error else "completed",
        created_at=start,
        started_at=start,
        completed_at=utc_time(ended),
        reward=reward,
        message=error or "",
        termination_reason=error or stop,
        details={"output": {"metrics": metrics}} if (metrics := _metrics(fields)) else None,
        body=place.read,
    )


def _error(error: JsonFields) -> str | None:
    texts = (error.text(name) for name in ("error_chain_repr", "error", "message", "type"))
    return next(filter(None, texts), None)


def _metrics(fields: JsonFields) -> dict[str, float]:
    found = fields.value("metrics")
    if not isinstance(found, Mapping):  # older versions have them among the fields
        found = {name: fields.value(name) for name in fields if name not in _KNOWN}
    numbers = ((name, number_in(value)) for name, value in found.items())
    return {name: value for name, value in numbers if value is not None}


def _artifacts(read: Any, rollout_id: str, model: str | None) -> bytes:
    fields = JsonFields(read())
    usage = fields.mapping("token_usage")
    prompt, answer = (_messages(fields.value(name), role) for name, role in _SIDES)
    artifacts = {
        "task_id": fields.label("example_id") or fields.label("id"),
        "task": next((m.get("content") for m in prompt if _is_user(m)), None),
        "model": model,
        "messages": [*prompt, *answer],
        "error": fields.text("long_error_chain") or fields.text("error"),
        "metadata": {
            "reward": fields.value("reward"),
            "metrics": _metrics(fields),
            "answer": fields.value("answer"),
            "info": fields.value("info"),
            "rollout_metrics": {
                "token_usage": {
                    "prompt_tokens_total": usage.integer("input_tokens"),
                    "completion_tokens_total": usage.integer("output_tokens"),
                }
            },
        },
    }
    return artifacts_body(rollout_id, artifacts)


_SIDES: Final = (("prompt", "user"), ("completion", "assistant"))


def _messages(side: Any, role: str) -> list[Any]:
    """The messages of a prompt or a completion, which may be text alone."""
    if isinstance(side, list):
        return side
    return [{"role": role, "content": side}] if side else []


def _is_user(message: Any) -> bool:
    if not isinstance(message, Mapping) or message.get("role") != "user":
        return False
    return isinstance(message.get("content"), str)


def _traces(file: Path, context: ReadContext) -> RunFacts:
    place = file.parent
    configs = (context.files.parsed(place / name, JsonFields) for name in _CONFIGS)
    config = next(filter(None, configs), JsonFields())
    env, model = config.mapping("env"), config.text("model")
    rollouts = [
        one if one.model is not None else replace(one, model=model)
        for found in context.files.lines(file, rollouts_of)
        for one in found
    ]
    planned: dict[str, int] = {}
    if (each := config.integer("num_rollouts")) is not None:
        planned = dict.fromkeys((facts.task_id or "" for facts in rollouts), each)
        if (
            tasks := config.mapping("select").integer("limit") or config.integer("num_tasks")
        ) is not None:
            planned |= {"": tasks * each}
    quiet = context.is_quiet(file)
    return RunFacts(
        run_id=place.name,
        source=Verifiers.name,
        rollouts=add_missing(
            rollouts,
            planned,
            dead=quiet,
            unread=context.files.unread,
        ),
        unread=context.files.unread,
        # As `EnvConfig.env_id`.
        scenario_id="+".join(filter(None, (env.text("id"), env.mapping("taskset").text("id"))))
        or None,
        began=min((facts.started_at or "" for facts in rollouts), default=""),
        over=quiet,
    )
