"""What a transcript's models read, wrote, took and cost: totals, else the sum of its messages'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeGuard

from gymtui.transcript.blocks import BlockKind
from gymtui.transcript.readers.fields import Draft, value_at
from gymtui.transcript.usage import Usage

ASIDES = "entries beside"  # under which name a turn keeps what a log notes after it
_OPENHANDS = "tool_call_metadata.model_response"
"""Where an event of OpenHands keeps the answer that it is of: one answer may call several tools."""
_HOLDERS = (
    *("usage", "extra.response.usage", "metrics", "usageMetadata", "usage_metadata"),
    f"{_OPENHANDS}.usage",
)
"""Where a message says what it used."""
_MOST = 2**63  # below this every number is that has been counted
_READ = ("prompt_tokens", "input_tokens", "input", "promptTokenCount", "prompt_token_count")
_CACHED = ("cache_read_input_tokens", "cache_creation_input_tokens", "cacheRead", "cacheWrite")
"""What Anthropic and pi count beside the tokens read; others count it among them."""
_WROTE = ("completion_tokens", "output_tokens", "output", "candidatesTokenCount")
_CACHE_READ = (
    *("cache_read_input_tokens", "cacheRead", "cached_tokens", "cached_input_tokens"),
    *("cache_read_tokens", "prompt_cache_hit_tokens", "cachedContentTokenCount"),
    *("prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens"),
)
"""How many of the tokens read came from a cache."""


class _Counts(NamedTuple):
    """What is told of a model's calls; None for what is not."""

    read: float | None = None  # tokens
    written: float | None = None  # tokens
    cost: float | None = None  # US dollars
    cached: float | None = None  # of the tokens read


_COSTS = ("cost", "cost_usd", "total_cost", "total_cost_usd")


Answers = tuple[_Counts, ...]  # what each answer of the agent's model used


def is_amount(value: object) -> TypeGuard[int | float]:
    """Whether something is a number of things or of seconds: finite, and not below zero."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value < _MOST


def usage_of(artifact: Mapping[str, object], drafts: Sequence[Draft], answers: Answers) -> Usage:
    """Read what the artifact says it used: the vendor's ``rollout_metrics``, else its relatives.

    Where there is no total, what the messages of the agent say each is summed.
    """

    def number(*paths: str) -> float | None:
        return next((value for path in paths if is_amount(value := value_at(artifact, path))), None)

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
    cached = number(
        "metadata.rollout_metrics.token_usage.cached_tokens_total",
        "metadata.final_metrics.total_cached_tokens",
        "final_metrics.total_cached_tokens",
    )
    if prompt is None and completion is None:
        told = _accumulated(drafts) or _summed(answers)
        prompt, completion, cached = told.read, told.written, told.cached
        cost = told.cost if cost is None else cost
    took = number("metadata.rollout_metrics.timing.duration_seconds", "metadata.duration")
    took_ms = number("metadata.timing.total_ms", "timing.total_ms", "metadata.generation_ms")
    return Usage(
        prompt_tokens=None if prompt is None else int(prompt),
        completion_tokens=None if completion is None else int(completion),
        duration_s=took if took is not None or took_ms is None else took_ms / 1000,
        cost_usd=cost,
        cached_tokens=None if cached is None else int(cached),
    )


def note_tokens(drafts: Sequence[Draft]) -> Answers:
    """Note with each turn of the agent what its model read and wrote.

    Of several messages of one answer it is the last that is noted: it has the count of all.
    """
    last = {answer: number for number, answer in _answers(drafts)}
    counts = {number: _of(drafts[number].rest) for number in last.values()}
    for number, told in counts.items():
        read, written = (None if count is None else int(count) for count in told[:2])
        drafts[number].used = Usage(read, written).words
    return tuple(counts.values())


def _accumulated(drafts: Sequence[Draft]) -> _Counts | None:
    """What OpenHands and Codex count up: as the last event that tells has it."""
    for draft in reversed(drafts):
        asides = draft.rest.get(ASIDES)
        for fields in (*(reversed(asides) if isinstance(asides, list) else ()), draft.rest):
            for path in ("llm_metrics.accumulated_token_usage", "payload.info.total_token_usage"):
                if not isinstance(counted := value_at(fields, path), dict):
                    continue
                found = _of({"usage": counted})
                if found.read is not None or found.written is not None:
                    cost = value_at(fields, "llm_metrics.accumulated_cost")
                    return found._replace(cost=cost if is_amount(cost) and cost else None)
    return None


def _answers(drafts: Iterable[Draft]) -> Iterator[tuple[int, object]]:
    """The messages of the agent, each with the answer of a model that it is of.

    One answer may be several messages (Claude Code), each with the count so far.
    """
    for number, draft in enumerate(drafts):
        if draft.kind is BlockKind.ASSISTANT:
            answer = value_at(draft.rest, f"{_OPENHANDS}.id") or draft.rest.get("id")
            yield number, answer if isinstance(answer, str) and answer else number


def _summed(answers: Answers) -> _Counts:
    """Tokens read and written, and cost, of all answers of the agent; None for what none says."""
    columns = list(zip(*answers, strict=True)) or [(), (), (), ()]
    known = [[value for value in column if value is not None] for column in columns]
    read, written, cost, cached = (sum(values) if any(values) else None for values in known)
    return _Counts(read, written, cost, cached)


def _of(rest: Mapping[str, object]) -> _Counts:
    if not rest:
        return _Counts()
    holders = [holder for path in _HOLDERS if isinstance(holder := value_at(rest, path), dict)]
    counts = next((holder for holder in (*holders, rest) if _first(holder, _READ) is not None), {})
    read, written = _first(counts, _READ), _first(counts, _WROTE)
    if read is not None:
        read += sum(value for key in _CACHED if is_amount(value := counts.get(key)))
    extra = rest.get("extra")
    costs = (rest, *holders, extra if isinstance(extra, dict) else {})
    cost = next((found for holder in costs if (found := _first(holder, _COSTS)) is not None), None)
    if cost is None and is_amount(total := value_at(counts, "cost.total")):
        cost = total
    cached = None
    if read is not None:
        cached = next((v for key in _CACHE_READ if is_amount(v := value_at(counts, key))), None)
    return _Counts(read, written, cost, cached)


def _first(holder: Mapping[str, object], keys: Iterable[str]) -> float | None:
    return next((value for key in keys if is_amount(value := holder.get(key))), None)
