"""The lines of verifiers 0.4: an episode a line, with a trace for each agent that took part.

A reward is not stored: it is the sum of score × weight. Messages are a graph, each stored once;
they are shown in the order in which they came to be.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from gymtui.sources.files import Slice
from gymtui.sources.json_fields import JsonFields, sum_of, utc_time
from gymtui.sources.rollout_facts import RolloutFacts, artifacts_body


def rollouts_of(line: bytes, place: Slice) -> list[RolloutFacts]:
    """The rollouts of an episode: one for each agent's trace; without any, one that failed."""
    episode = JsonFields(line)
    traces = episode.objects("traces") if "traces" in episode else [episode]
    if not traces:
        return [_without_trace(episode)]
    several = len(traces) > 1
    return [
        _rollout(trace, number, several=several, place=place) for number, trace in enumerate(traces)
    ]


def _rollout(trace: JsonFields, number: int, *, several: bool, place: Slice) -> RolloutFacts:
    agent = trace.mapping("agent")
    name = agent.text("name")
    identity = trace.text("id") or f"{place.path.parent.name}/{place.start}.{number}"
    calls = trace.objects("calls")
    model = next(filter(None, (call.text("model") for call in calls)), None)
    rewards = _rewards(trace)
    error = _error(trace.objects("errors")) if trace.flag("ok") is not True else None
    timing = trace.mapping("timing")
    spans = [timing.mapping(part) for part in ("boot", "setup", "agent", "finalize", "scoring")]
    ended = max((span.number("end") or 0.0 for span in spans), default=0.0)
    details: dict[str, Any] = {"rewards": rewards, "metrics": trace.value("metrics")}
    return RolloutFacts(
        rollout_id=f"{identity}:{name}" if several and name else identity,
        task_id=_task(trace),
        status="failed" if error and not rewards else "completed",
        model=model or agent.mapping("config").text("model"),
        created_at=timing.time("start"),
        started_at=utc_time(timing.mapping("agent").number("start") or timing.number("start")),
        completed_at=utc_time(ended or None),
        reward=sum(rewards.values()) if rewards else None,
        message=error or "",
        termination_reason=error
        or trace.text("stop_condition")
        or ("timeout" if trace.flag("is_timeout") else None),
        details={"output": {name: value for name, value in details.items() if value}},
        body=partial(_artifacts, place, identity, number),
    )


def _without_trace(episode: JsonFields) -> RolloutFacts:
    error = _error(episode.objects("errors"))
    return RolloutFacts(
        rollout_id=episode.text("id") or "?",
        task_id=_task(episode),
        status="failed",
        message=error or "",
        termination_reason=error,
    )


def _task(trace: JsonFields) -> str | None:
    task = trace.mapping("task")
    data = task.mapping("data")
    names = (data.label("id"), data.label("name"), data.label("idx"), task.text("key"))
    return next(filter(None, names), None)


def _rewards(trace: JsonFields) -> dict[str, float]:
    found = trace.mapping("rewards")
    worth = {}
    for name in found:
        reward = found.mapping(name)
        score = reward.number("score")
        weight = reward.number("weight")
        if score is not None:
            worth[name] = score * (1.0 if weight is None else weight)
    return worth


def _error(errors: Iterable[JsonFields]) -> str | None:
    texts = [": ".join(filter(None, (one.text("type"), one.text("message")))) for one in errors]
    return texts[-1] if texts else None


def _artifacts(place: Slice, identity: str, number: int) -> bytes:
    episode = JsonFields(place.read())
    traces = episode.objects("traces") if "traces" in episode else [episode]
    trace = traces[number]
    usage = [call.mapping("usage") for call in trace.objects("calls")]
    errors = trace.objects("errors")
    prompt = trace.mapping("task").mapping("data").text("prompt")
    artifacts = {
        "task_id": _task(trace),
        "task": prompt,
        "model": next(filter(None, (c.text("model") for c in trace.objects("calls"))), None),
        "messages": _messages(trace.objects("nodes")),
        "error": errors[-1].text("traceback") or _error(errors) if errors else None,
        "metadata": {
            "rewards": trace.value("rewards"),
            "metrics": trace.value("metrics"),
            "info": trace.value("info"),
            "tools": trace.value("tools"),
            "rollout_metrics": {
                "token_usage": {
                    # It counts what was read from a cache apart.
                    "prompt_tokens_total": sum_of(usage, "prompt_tokens", "cached_input_tokens"),
                    "cached_tokens_total": sum_of(usage, "cached_input_tokens"),
                    "completion_tokens_total": sum_of(usage, "completion_tokens"),
                },
                "cost": {"estimated_cost_usd": sum_of(usage, "cost")},
            },
        },
    }
    return artifacts_body(identity, artifacts)


def _messages(nodes: list[JsonFields]) -> list[dict[str, Any]]:
    """The messages, each with its time; where the graph has branches, with which one it is of."""
    parents = [node.integer("parent") for node in nodes]
    branches = _branches(parents)
    several = len(set(branches)) > 1
    found = []
    for node, branch in zip(nodes, branches, strict=True):
        message = node.value("message")
        if isinstance(message, dict):
            dated = {**message, "timestamp": node.time("timestamp")}
            found.append({**dated, "branch": branch + 1} if several else dated)
    return found


def _branches(parents: list[int | None]) -> list[int]:
    """For each node the branch that it began or goes on."""
    continued: set[int] = set()
    branches: list[int] = []
    count = 0
    for place, parent in enumerate(parents):
        if parent is not None and parent < place and parent not in continued:
            continued.add(parent)
            branches.append(branches[parent])
        else:
            branches.append(count)
            count += 1
    return branches
