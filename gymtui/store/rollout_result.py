"""How a rollout ended, in all the words its record has, to stand under its transcript. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from gymtui.api.models import Result, Rollout
from gymtui.core.text import ABSENT
from gymtui.store.formats import GLYPH, WORD, score
from gymtui.store.outcome import ACTIVE, Outcome, at_step_limit, outcome_of
from gymtui.transcript.blocks import Ending

TITLE = "result"
_WELL = frozenset({Outcome.PASSED, Outcome.DONE})


def rollout_result(rollout: Rollout, outcome: Outcome | None = None) -> Ending | None:
    """The result of a rollout in words; None while it has not ended, or none are known."""
    outcome = outcome or outcome_of(rollout)
    reason = rollout.termination_reason
    if outcome in (*ACTIVE, Outcome.NOT_RUN) or (rollout.result is None and not reason):
        return None
    limit = " ⊣" if outcome is Outcome.FAILED and at_step_limit(rollout) else ""
    word = (rollout.status or ABSENT) if outcome is Outcome.UNKNOWN else WORD[outcome]
    lines = [f"{GLYPH[outcome]} {word}{limit}"]
    if rollout.result is not None:
        lines += _result_text(rollout.result)
    if reason:
        lines.append(f"ended: {reason}")
    return Ending(TITLE, "\n".join(lines), failed=outcome not in _WELL)


def _result_text(result: Result) -> Iterator[str]:
    if result.message:
        yield result.message
    if result.error:
        yield f"error: {result.error}"
    judged = [
        "" if result.score is None else f"score {score(result.score)}",
        f"verdict {result.verdict}" if result.verdict else "",
        "" if result.confidence is None else f"confidence {result.confidence:g}",
    ]
    if any(judged):
        yield " · ".join(filter(None, judged))
    for title, items in (
        ("failed criteria", result.failed_criteria),
        ("evidence", result.evidence),
    ):
        if items:
            yield f"{title}:"
            yield from (f"- {item}" for item in items)
    for scored in result.dimension_scores or ():
        judged_at = ABSENT if scored.score is None else f"{scored.score:g}"
        reason = f": {scored.reason}" if scored.reason else ""
        yield f"{scored.dimension or 'dimension'} {judged_at}{reason}"
