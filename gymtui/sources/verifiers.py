"""What verifiers and prime leave: `results.jsonl` of versions 0.1 to 0.3, `traces.jsonl` of 0.4.

Read in their sources (`utils/save_utils.py`, `utils/path_utils.py`, `v1/trace.py`). A line is a
rollout. An older run that was interrupted looks finished: its lines are compared with examples ×
rollouts. Errors were given a reward of 0 there; here they are errors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from gymtui.core.replacement import replace
from gymtui.sources.files import Entries, Files, Slice, newest_s
from gymtui.sources.json_fields import JsonFields, number_in, utc_time
from gymtui.sources.rollout_facts import (
    QUIET_S,
    RolloutFacts,
    RunFacts,
    add_missing,
    artifacts_body,
)
from gymtui.sources.source import Look
from gymtui.sources.verifiers_traces import CONFIGS, config_of, rollouts_of

_RESULTS: Final = "results.jsonl"
_TRACES: Final = "traces.jsonl"
_KNOWN: Final = frozenset(
    {
        *("example_id", "id", "prompt", "completion", "answer", "task", "info", "reward", "error"),
        *("timing", "is_completed", "is_truncated", "stop_condition", "metrics", "tool_defs"),
        *("token_usage", "error_chain", "long_error_chain", "trajectory"),
        *("generation_ms", "scoring_ms", "total_ms"),
    }
)
"""The fields of a line that are not the environment's own metrics."""


@dataclass(frozen=True, slots=True)
class _Metadata:
    """What a run says of itself."""

    environment: str | None = None
    model: str | None = None
    examples: int | None = None  # how many there are to be; None where it does not say so
    each: int | None = None
    threshold: float | None = None  # from which reward on a rollout counts as a pass
    began: str | None = None


class Verifiers:
    """Reads the output directories of evaluations."""

    name = "verifiers"
    title = "outputs of verifiers and prime (results.jsonl, traces.jsonl)"
    inner: frozenset[str] | None = frozenset({"configs", "logs"})

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

    def read(self, place: Path, look: Look) -> Iterable[RunFacts]:
        """The run."""
        file = place if place.is_file() else place / _RESULTS
        if file.name == _RESULTS and file.is_file():
            yield _results(file, look)
        file = place if place.is_file() else place / _TRACES
        if file.name == _TRACES and file.is_file():
            yield _traces(file, look)


def _results(file: Path, look: Look) -> RunFacts:
    metadata = look.files.parsed(file.parent / "metadata.json", _metadata) or _Metadata()
    place = file.parent
    counts: Counter[str] = Counter()
    rollouts = []
    for facts in look.files.lines(file, _line):
        task = facts.task_id or ""
        counts[task] += 1
        rollout_id = f"{task}.{counts[task]}@{place.name}"
        success = facts.success
        if facts.reward is not None and metadata.threshold is not None:
            success = facts.reward >= metadata.threshold
        body = partial(_artifacts, facts.body, rollout_id, metadata.model)
        rollouts.append(
            replace(facts, rollout_id=rollout_id, model=metadata.model, success=success, body=body)
        )
    named = "--" in place.parent.name
    quiet = look.now_s - newest_s(file) > QUIET_S
    return RunFacts(
        run_id=f"{place.parent.name}/{place.name}" if named else place.name,
        source=Verifiers.name,
        rollouts=add_missing(
            rollouts,
            _planned(metadata, counts),
            dead=quiet,
            unread=look.files.unread,
        ),
        unread=look.files.unread,
        scenario_id=metadata.environment,
        began=metadata.began or "",
        over=quiet,
    )


def _metadata(body: bytes) -> _Metadata:
    fields = JsonFields(body)
    return _Metadata(
        environment=fields.text("env_id") or fields.text("env"),
        model=fields.text("model"),
        examples=fields.whole("num_examples") or None,
        each=fields.whole("rollouts_per_example") or None,
        threshold=fields.number("pass_threshold"),
        began=fields.time("date"),
    )


def _planned(metadata: _Metadata, counts: Mapping[str, int]) -> dict[str, int]:
    """How many there are to be, by example: those that nobody has seen are named by number."""
    each = metadata.each or 1
    if metadata.examples is None:
        return dict.fromkeys(counts, each) if metadata.each else {}
    numbered = [task for task in counts if task.isdecimal() and int(task) < metadata.examples]
    if len(numbered) == len(counts):
        return {str(number): each for number in range(metadata.examples)}
    return {"": metadata.examples * each}


def _line(line: bytes, place: Slice) -> RolloutFacts | None:
    fields = JsonFields(line)
    if "reward" not in fields and "completion" not in fields:
        return None
    error = fields.text("error") or _error(fields.inner("error"))
    timing = fields.inner("timing")
    ended = timing.inner("scoring").number("end") or timing.inner("generation").number("end")
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
    usage = fields.inner("token_usage")
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
                    "prompt_tokens_total": usage.whole("input_tokens"),
                    "completion_tokens_total": usage.whole("output_tokens"),
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


def _traces(file: Path, look: Look) -> RunFacts:
    place = file.parent
    configs = (look.files.parsed(place / name, config_of) for name in CONFIGS)
    config = next(filter(None, configs), None)
    rollouts = [
        one if one.model is not None or config is None else replace(one, model=config.model)
        for found in look.files.lines(file, rollouts_of)
        for one in found
    ]
    planned: dict[str, int] = {}
    if config is not None and config.each is not None:
        tasks = dict.fromkeys(facts.task_id or "" for facts in rollouts)
        planned = dict.fromkeys(tasks, config.each)
        if config.tasks is not None:
            planned |= {"": config.tasks * config.each}
    quiet = look.now_s - newest_s(file) > QUIET_S
    return RunFacts(
        run_id=place.name,
        source=Verifiers.name,
        rollouts=add_missing(
            rollouts,
            planned,
            dead=quiet,
            unread=look.files.unread,
        ),
        unread=look.files.unread,
        scenario_id=config.environment if config is not None else None,
        began=min((facts.started_at or "" for facts in rollouts), default=""),
        over=quiet,
    )
