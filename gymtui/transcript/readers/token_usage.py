"""What a transcript's models read, wrote, took and cost: totals, else the sum of its messages'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeGuard

from gymtui.transcript.blocks import BlockKind, Usage
from gymtui.transcript.readers.fields import Draft

ASIDES = "entries beside"
"""Under which name a turn keeps what a log notes after it."""
_MOST = 2**63
"""Below this every number is that has been counted."""
_READ = ("prompt_tokens", "input_tokens", "input", "promptTokenCount", "prompt_token_count")
_CACHED = ("cache_read_input_tokens", "cache_creation_input_tokens", "cacheRead", "cacheWrite")
"""What Anthropic and pi count beside the tokens read; others count it among them."""
_WROTE = ("completion_tokens", "output_tokens", "output", "candidatesTokenCount")
_Counts = tuple[float | None, float | None, float | None]
"""Tokens read, tokens written, and US dollars; None for what is not told."""
_COSTS = ("cost", "cost_usd", "total_cost", "total_cost_usd")


def is_amount(value: object) -> TypeGuard[int | float]:
    """Whether something is a number of things or of seconds: finite, and not below zero."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value < _MOST


def usage_of(artifact: Mapping[str, object], drafts: Sequence[Draft]) -> Usage:
    """Read what the artifact says it used: the vendor's ``rollout_metrics``, else its relatives.

    Where there is no total, what the messages of the agent say each is summed.
    """

    def number(*paths: str) -> float | None:
        return next((value for path in paths if is_amount(value := _at(artifact, path))), None)

    prompt = number(
        "metadata.rollout_metrics.token_usage.prompt_tokens_total",
        "metadata.final_metrics.total_prompt_tokens",
        "final_metrics.total_prompt_tokens",
        "metadata.model_stats.tokens_sent",
        "info.model_stats.tokens_sent",
    )
    completion = number(
        "metadata.rollout_metrics.token_usage.completion_tokens_total",
        "metadata.final_metrics.total_completion_tokens",
        "final_metrics.total_completion_tokens",
        "metadata.model_stats.tokens_received",
        "info.model_stats.tokens_received",
    )
    cost = number(
        "metadata.rollout_metrics.cost.estimated_cost_usd",
        "metadata.final_metrics.total_cost_usd",
        "final_metrics.total_cost_usd",
        "metadata.agent_cost",
        "metadata.model_stats.instance_cost",
        "info.model_stats.instance_cost",
    )
    if prompt is None and completion is None:
        prompt, completion, summed = _accumulated(drafts) or _summed(drafts)
        cost = summed if cost is None else cost
    took = number("metadata.rollout_metrics.timing.duration_seconds", "metadata.duration")
    took_ms = number("metadata.timing.total_ms", "timing.total_ms", "metadata.generation_ms")
    return Usage(
        prompt_tokens=None if prompt is None else int(prompt),
        completion_tokens=None if completion is None else int(completion),
        duration_s=took if took is not None or took_ms is None else took_ms / 1000,
        cost_usd=cost,
    )


def _accumulated(drafts: Sequence[Draft]) -> _Counts | None:
    """What OpenHands and Codex count up: as the last event that tells has it."""
    for draft in reversed(drafts):
        asides = draft.rest.get(ASIDES)
        for fields in (*(reversed(asides) if isinstance(asides, list) else ()), draft.rest):
            for path in ("llm_metrics.accumulated_token_usage", "payload.info.total_token_usage"):
                read, written, _ = _of({"usage": _at(fields, path)})
                if read is not None or written is not None:
                    cost = _at(fields, "llm_metrics.accumulated_cost")
                    return read, written, cost if is_amount(cost) and cost else None
    return None


def _summed(drafts: Iterable[Draft]) -> _Counts:
    """Tokens read and written, and cost, of all messages of the agent; None for what none says."""
    by_answer: dict[object, _Counts] = {}
    for number, draft in enumerate(drafts):
        if draft.kind is BlockKind.ASSISTANT:
            # One answer may be several messages (Claude Code), each with the count so far.
            answer = draft.rest.get("id")
            by_answer[answer if isinstance(answer, str) and answer else number] = _of(draft.rest)
    columns = list(zip(*by_answer.values(), strict=True)) or [(), (), ()]
    known = [[value for value in column if value is not None] for column in columns]
    read, written, cost = (sum(values) if any(values) else None for values in known)
    return read, written, cost


def _of(rest: Mapping[str, object]) -> _Counts:
    paths = ("usage", "extra.response.usage", "metrics", "usageMetadata", "usage_metadata")
    holders = [holder for path in paths if isinstance(holder := _at(rest, path), Mapping)]
    counts = next((holder for holder in (*holders, rest) if _first(holder, _READ) is not None), {})
    read, written = _first(counts, _READ), _first(counts, _WROTE)
    if read is not None:
        read += sum(value for key in _CACHED if is_amount(value := counts.get(key)))
    costs = (
        rest,
        *holders,
        *(inner for key in ("extra",) if isinstance(inner := rest.get(key), Mapping)),
    )
    cost = next((found for holder in costs if (found := _first(holder, _COSTS)) is not None), None)
    if cost is None and is_amount(total := _at(counts, "cost.total")):
        cost = total
    return read, written, cost


def _first(holder: Mapping[str, object], keys: Iterable[str]) -> float | None:
    return next((value for key in keys if is_amount(value := holder.get(key))), None)


def _at(value: object, path: str) -> object:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
