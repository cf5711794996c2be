"""Runs and rollouts as JSON documents: the gym's own fields exactly, and what was made of them.

Which keys there are, and what they mean, is `document_keys`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from gymtui.api.lenient import loads
from gymtui.api.list_answer import mask_secrets
from gymtui.api.models import KEPT
from gymtui.cli import document_keys
from gymtui.store.formats import state_word
from gymtui.store.lists.columns import RunView, pass_bounds, pass_rate, progress
from gymtui.store.outcome import ERRORS, at_step_limit
from gymtui.store.records import RolloutRow, score_of
from gymtui.store.rollout_times import elapsed_s
from gymtui.store.stats.run_summary import RunSummary

_ATTRIBUTE = {"model_config": "settings"}
"""What a model calls a field that pydantic has another use for."""


def run_document(run: RunView, *, numbers: bool = True) -> dict[str, Any]:
    """A run, with its numbers if these are to be told; else their key is null."""
    ours = {
        "status": run.status,
        "done": run.finished,
        "progress": progress(run),
        "numbers": _numbers(run, run.summary) if numbers and run.summary is not None else None,
        "note": run.note,
        "malformed": run.row.malformed,
    }
    return _document(document_keys.RUN, run.row.raw, run.row.run, ours)


def rollout_document(row: RolloutRow, now: datetime) -> dict[str, Any]:
    rollout = row.rollout
    ours = {
        "state": state_word(row),
        "outcome": None if row.outcome is None else row.outcome.value,
        "elapsed_s": elapsed_s(row, now),
        "score": score_of(row),
        "at_step_limit": None if rollout is None else at_step_limit(rollout),
        "note": row.note,
        "malformed": row.malformed,
    }
    return _document(document_keys.ROLLOUT, row.raw, rollout, ours)


def _document(
    keys: Mapping[str, str], raw: bytes, read: BaseModel | None, ours: Mapping[str, object]
) -> dict[str, Any]:
    """Fields as received under the known keys, ours under theirs, all others apart.

    What was received and means nothing (a count below zero, a text for a time) is null under its
    key, as it is on screen, and stands with the others.
    """
    try:
        received = mask_secrets(loads(raw))
    except (ValueError, RecursionError):
        received = raw.decode("utf-8", "replace")
    if not isinstance(received, dict):
        received = {"received": received}
    received.pop(KEPT, None)  # it stands under our own keys
    known = {name: _field(value, read, name) for name, value in received.items() if name in keys}
    extra = {
        name: value
        for name, value in received.items()
        if value not in (None, []) and (name in ours or known.get(name) is None)
    }
    filled: dict[str, Any] = {name: known.get(name) for name in keys}
    return {**filled, **ours, "extra": extra}


def _field(received: Any, read: BaseModel | None, name: str) -> Any:
    """A field as it is to be told: as received, unless it was read as nothing or as another."""
    value = getattr(read, _ATTRIBUTE.get(name, name), None)
    return value if value is None or isinstance(value, str | int) else received


def _numbers(run: RunView, summary: RunSummary) -> dict[str, Any]:
    interval, bounds = summary.interval, pass_bounds(run)
    return {
        "rollouts": summary.known,
        "passes": summary.passes,
        "verdicts": summary.verdicts,
        "pass_rate": pass_rate(run),
        "pass_low": None if interval is None else interval.low,
        "pass_high": None if interval is None else interval.high,
        "low": None if bounds is None else bounds[0],
        "high": None if bounds is None else bounds[1],
        "score": summary.score,
        "scored": summary.scored,
        "at_step_limit": summary.at_limit,
        "not_run": summary.not_run,
        "errors": {outcome.value: summary.counts.get(outcome, 0) for outcome in ERRORS},
        "model": summary.model,
        "provider": summary.provider,
        "created_at": _iso(summary.created_at),
        "started_at": _iso(summary.started_at),
        "ended_at": _iso(summary.ended_at),
    }


def _iso(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat().replace("+00:00", "Z")
