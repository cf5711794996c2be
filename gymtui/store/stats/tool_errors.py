"""Which tools rollouts called and how these answered, as far as artifacts were read. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass

from gymtui.core.json_output import json_text
from gymtui.store.stats.failure_reasons import LONGEST_REASON, fold
from gymtui.transcript.blocks import Exchange, ToolResult, Transcript

AT_ONCE = 500  # rollouts that are counted before others get their turn
_SAID = ("error", "message", "detail", "text", "output", "reason")
"""Under which names an answer that is an object says what went wrong, the first that has it."""
_LOOKED_AT = 4096
_TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One tool in one rollout."""

    tool: str  # its name, with its server's where that is known
    calls: int
    errors: tuple[str, ...] = ()  # what each call that failed was answered, folded


@dataclass(frozen=True, slots=True)
class ToolTally:
    """One tool over some rollouts."""

    tool: str
    calls: int
    errors: int  # calls that failed
    commonest: str | None  # the answer that most of these got; None without any
    commonest_count: int
    rollout_ids: tuple[str, ...]  # of those in which one failed

    @property
    def error_share(self) -> float:
        """Of its calls, 0..1."""
        return self.errors / self.calls


def count_tool_uses(transcript: Transcript) -> tuple[ToolUse, ...]:
    """The tools that a rollout called, in the order in which it first did."""
    calls: Counter[str] = Counter()
    errors: dict[str, list[str]] = {}
    for exchange in transcript.exchanges:
        if exchange.call is None:
            continue  # an answer to no call
        tool = ".".join(filter(None, (exchange.server, exchange.tool)))
        calls[tool] += 1
        if exchange.error:
            errors.setdefault(tool, []).append(_answer(transcript, exchange))
    return tuple(ToolUse(tool, n, tuple(errors.get(tool, ()))) for tool, n in calls.items())


def tool_tallies(
    rollouts: Mapping[str, tuple[ToolUse, ...]],
) -> Generator[None, None, tuple[ToolTally, ...]]:
    """Add them up by tool, in pieces: that of the most errors first, then of the most calls."""
    calls: Counter[str] = Counter()
    errors: dict[str, Counter[str]] = {}
    failed_in: dict[str, list[str]] = {}
    for number, (rollout_id, uses) in enumerate(rollouts.items(), 1):
        if not number % AT_ONCE:
            yield
        for use in uses:
            calls[use.tool] += use.calls
            if use.errors:
                errors.setdefault(use.tool, Counter()).update(use.errors)
                failed_in.setdefault(use.tool, []).append(rollout_id)
    found = []
    for tool, number in calls.items():
        answers = errors.get(tool, Counter())
        text, count = min(answers.items(), key=lambda item: (-item[1], item[0]), default=(None, 0))
        found.append(
            ToolTally(tool, number, answers.total(), text, count, tuple(failed_in.get(tool, ())))
        )
    return tuple(sorted(found, key=lambda tally: (-tally.errors, -tally.calls, tally.tool)))


def _answer(transcript: Transcript, exchange: Exchange) -> str:
    """What a call that failed was answered, in a line."""
    if exchange.result is None or exchange.result.block is None:
        return "no answer"
    block = transcript.turns[exchange.result.turn].blocks[exchange.result.block]
    if not isinstance(block, ToolResult):
        return "no answer"
    values = (block.problem, block.observation if block.covered else block.value, block.observation)
    words = next(filter(None, map(_words, values)), "no answer")
    return fold(words)


def _words(value: object) -> str | None:
    if isinstance(value, Mapping):
        texts = list(filter(None, (_words(value.get(name)) for name in _SAID)))
        if texts and isinstance(value.get("error"), str) and len(texts) > 1:
            value = f"{texts[0]}: {texts[1]}"  # a code, and what it means
        else:
            value = texts[0] if texts else json_text(value, ascii_only=False) if value else None
    elif isinstance(value, list) and value:
        value = next(filter(None, map(_words, value)), None)
    if not isinstance(value, str):
        return None
    lines = [line.strip() for line in value[:_LOOKED_AT].splitlines() if line.strip()]
    if not lines:
        return None
    if lines[0].startswith(_TRACEBACK):
        return lines[-1]
    heading = lines[0].endswith(":") and len(lines) > 1
    return (f"{lines[0]} {lines[1]}" if heading else lines[0])[:LONGEST_REASON]
