"""One sample of an Inspect log as artifacts: its messages, with what they point at put in.

Long texts and images stand once in `attachments`, and messages point there (`attachment://…`). Of a
sample without messages (it ended by an error, say) those of its last model call are taken; in newer
logs these point into `events_data` (`input_refs`: ranges of its messages).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gymtui.sources.json_fields import JsonFields

_ATTACHMENT: Final = "attachment://"
_REST: Final = ("target", "choices", "metadata", "store", "limit", "error_retries", "working_time")
"""What else is told of a sample."""


def artifacts_of(sample: JsonFields, model: str | None) -> dict[str, Any]:
    """A sample as artifacts (API.md)."""
    attached = sample.value("attachments")
    texts = attached if isinstance(attached, Mapping) else {}
    given = _resolve(sample.value("input"), texts)
    messages = sample.value("messages") or _last_call(sample)
    scores = _resolve(sample.value("scores"), texts)
    rest = {name: _resolve(sample.value(name), texts) for name in _REST}
    rest = {name: value for name, value in rest.items() if value not in (None, {}, [], "")}
    error = sample.mapping("error")
    return {
        "task_id": sample.label("id"),
        "task": given if isinstance(given, str) else None,
        "model": model,
        "messages": _resolve(messages, texts) or [],
        "error": error.text("traceback") or error.text("message") or sample.text("error"),
        "created_at": sample.time("started_at"),
        "metadata": {**rest, "scores": scores, "rollout_metrics": _metrics(sample)},
    }


def _resolve(value: Any, texts: Mapping[str, Any]) -> Any:
    """A value with what it points at."""
    if isinstance(value, str):
        return texts.get(value.removeprefix(_ATTACHMENT), value)
    if isinstance(value, list):
        return [_resolve(item, texts) for item in value]
    if isinstance(value, Mapping):
        return {name: _resolve(item, texts) for name, item in value.items()}
    return value


def _last_call(sample: JsonFields) -> list[Any]:
    """The messages of the last model call, and what it answered."""
    for event in reversed(sample.objects("events")):
        if event.text("event") != "model":
            continue
        given = event.value("input")
        messages = list(given) if isinstance(given, list) else []
        pool = sample.mapping("events_data").value("messages")
        for start, end in _ranges(event.value("input_refs")):
            messages += pool[start:end] if isinstance(pool, list) else []
        answers = event.mapping("output").objects("choices")
        message = answers[0].value("message") if answers else None
        return [*messages, message] if message else messages
    return []


def _ranges(refs: Any) -> list[tuple[int, int]]:
    if not isinstance(refs, list):
        return []
    pairs = (ref for ref in refs if isinstance(ref, list) and len(ref) == 2)
    return [(a, b) for a, b in pairs if isinstance(a, int) and isinstance(b, int)]


def _metrics(sample: JsonFields) -> dict[str, Any]:
    usage = sample.mapping("model_usage")
    of_models = [usage.mapping(name) for name in usage]
    return {
        "token_usage": {
            "prompt_tokens_total": sum(
                (one.integer("input_tokens") or 0)
                + (one.integer("input_tokens_cache_read") or 0)
                + (one.integer("input_tokens_cache_write") or 0)
                for one in of_models
            ),
            "cached_tokens_total": sum(
                one.integer("input_tokens_cache_read") or 0 for one in of_models
            )
            or None,
            "completion_tokens_total": sum(one.integer("output_tokens") or 0 for one in of_models),
        }
        if of_models
        else None,
        "timing": {"duration_seconds": sample.number("total_time")},
    }
