"""What is known of a transcript as a whole: task, model, settings, tokens, cost, times, reward."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from gymtui.core.text import clean, clean_block, fit
from gymtui.transcript.blocks import BlockKind, Image, Spoken, Transcript
from gymtui.transcript.pretty_json import preview

OPENING = -1  # the place of what stands over the first turn, as if it were a turn
TITLE = "about"
_LOOKED_AT = 1_000_000  # characters of users' turns in which the task is looked for
_SHOWN = 200
_SETTINGS = ("settings", "model_settings", "sampling_args", "generate_config", "generation_config")
_SETTING = (
    *("temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "max_output_tokens"),
    *("seed", "reasoning_effort", "thinking", "stop", "frequency_penalty", "presence_penalty"),
)
_MODELS = 3
_TOOLS = 12
_NAME = 40
_MANY = 20  # calls that are counted at a glance in the outline
_NOTE = "model "  # how a turn notes that another model speaks


def facts(transcript: Transcript) -> Iterator[tuple[str, str]]:
    """What is known about a transcript as a whole, by name, each as one clean line."""
    known: list[tuple[str, object]] = [
        ("rollout", transcript.rollout_id),
        ("task", transcript.task_id),
        ("model", _model(transcript)),
        ("settings", " · ".join(_settings(transcript)) or None),
        ("steps", _of(transcript.steps_taken, transcript.max_steps)),
        ("calls", " · ".join(_calls(transcript)) or None),
        ("created", transcript.created_at and f"{transcript.created_at:%Y-%m-%d %H:%M:%S} UTC"),
        *_used(transcript),
        *_judged(transcript),
        ("error", transcript.error),
    ]
    for name, value in known:
        if value is not None:
            yield name, clean(value)


def opening(transcript: Transcript) -> str:
    """What is known as a whole, and a task that no turn says; clean, "" if said elsewhere."""
    settings = " · ".join(_settings(transcript))
    judged = " · ".join(f"{name} {value}" for name, value in _judged(transcript))
    untold = untold_task(transcript)
    calls = " · ".join(_calls(transcript))
    if not (settings or judged or untold or len(transcript.exchanges) > _MANY):
        return ""
    used = " · ".join(f"{name} {value}" for name, value in _used(transcript))
    model = _model(transcript) or ""
    lines = (" · ".join(filter(None, (model, settings))), used, judged, calls)
    text = "\n".join(clean(line) for line in lines if line)
    return "\n\n".join(filter(None, (text, untold and f"task as given:\n{untold}")))


def untold_task(transcript: Transcript) -> str:
    """The task as given, where no turn says it; clean."""
    task = (transcript.task or "").strip()
    return "" if _is_said(transcript, task) else clean_block(task)


def _model(transcript: Transcript) -> str | None:
    own = " ".join(filter(None, (transcript.model, transcript.provider)))
    notes = (note for turn in transcript.turns for note in turn.notes)
    spoken = {note.removeprefix(_NOTE) for note in notes if note.startswith(_NOTE)}
    others = sorted(spoken - {transcript.model})
    names = ", ".join(others[:_MODELS])
    more = f"also {names}" if names and own else names
    return ", ".join(filter(None, (own, more))) or None


def _settings(transcript: Transcript) -> Iterator[str]:
    """How the model was set, wherever the artifact says it."""
    extras = transcript.extras.value
    metadata = _inner(extras, "metadata")
    nested = [_inner(holder, key) for holder in (extras, metadata) for key in _SETTINGS]
    for key in _SETTING:
        for holder in (extras, metadata, *nested):
            value = holder.get(key)
            if value is not None and value not in ("", [], {}):
                yield f"{key} {_value(value)}"
                break


def _calls(transcript: Transcript) -> Iterator[str]:
    """How often each tool was called, and how often that failed: `bash ×82 (11 ✗)`."""
    made = [exchange for exchange in transcript.exchanges if exchange.call is not None]
    servers = {(exchange.server, exchange.tool) for exchange in made}
    clashing = {tool for tool, times in Counter(tool for _, tool in servers).items() if times > 1}
    called: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for exchange in made:
        name = fit(clean(exchange.tool), _NAME, cut="middle")
        if exchange.tool in clashing and exchange.server:
            name = f"{exchange.server}.{name}"
        called[name] += 1
        failed[name] += bool(exchange.error)
    for name, times in called.most_common(_TOOLS):
        yield f"{name} ×{times}" + (f" ({failed[name]} ✗)" if failed[name] else "")
    if (more := len(called) - _TOOLS) > 0:
        yield f"{more} more"


def _used(transcript: Transcript) -> Iterator[tuple[str, str]]:
    usage = transcript.usage
    if usage.prompt_tokens is not None:
        share = usage.cached_share
        cached = "" if share is None else f" ({share:.0%} cached)"
        yield "prompt tokens", f"{usage.prompt_tokens:,}{cached}"
    if usage.completion_tokens is not None:
        yield "completion tokens", f"{usage.completion_tokens:,}"
    if usage.cost_usd is not None:
        yield "cost", f"${usage.cost_usd:.4g}"
    if usage.duration_s is not None:
        yield "seconds", f"{usage.duration_s:.4g}"
    elif len(stamps := [turn.timestamp for turn in transcript.turns if turn.timestamp]) > 1:
        yield "first to last turn", f"{(max(stamps) - min(stamps)).total_seconds():.1f} s"
    for name, kind in (("model time", BlockKind.ASSISTANT), ("tool time", BlockKind.TOOL)):
        if took := sum(turn.duration_s or 0.0 for turn in transcript.turns if turn.kind is kind):
            yield name, f"{took:.1f} s"


def _judged(transcript: Transcript) -> Iterator[tuple[str, str]]:
    """Reward, score and how it ended, wherever the artifact says it."""
    extras = transcript.extras.value
    holders = (extras, *(_inner(extras, name) for name in ("metadata", "answer", "info", "result")))
    for name, keys in (
        ("reward", ("reward", "total_reward")),
        ("score", ("score", "scores", "reward_info")),
        ("success", ("success", "resolved", "passed")),
        ("verdict", ("verdict",)),
        ("ended", ("termination_reason", "exit_status", "stop_reason", "finish_reason", "status")),
    ):
        values = (holder.get(key) for key in keys for holder in holders)
        value = next((v for v in values if v is not None and v not in ("", [], {})), None)
        if value is not None:
            yield name, _value(value)


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return (
        fit(clean(value), _SHOWN, cut="end") if isinstance(value, str) else preview(value, _SHOWN)
    )


def _is_said(transcript: Transcript, task: str) -> bool:
    """Whether a turn says the task."""
    wanted = "".join(task.split())
    left = _LOOKED_AT
    for turn in transcript.turns:
        if turn.kind not in (BlockKind.USER, BlockKind.SYSTEM):
            continue
        text = "".join(block.text for block in turn.blocks if isinstance(block, Spoken | Image))
        left -= len(text)
        if left < 0:
            break
        if len(text) >= len(wanted) and wanted in "".join(text.split()):
            return True
    return not task


def _inner(value: Mapping[str, object], key: str) -> Mapping[str, object]:
    inner = value.get(key)
    return inner if isinstance(inner, Mapping) else {}


def _of(number: int | None, limit: int | None) -> str | None:
    return None if number is None else str(number) if limit is None else f"{number}/{limit}"
