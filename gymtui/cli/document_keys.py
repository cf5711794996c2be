"""The keys of the JSON that lists print: stable, always there, null where nothing is known. Light.

`--help` tells them; `documents` fills them.
"""

from __future__ import annotations

from collections.abc import Mapping

RUN: Mapping[str, str] = {
    "run_id": "as received",
    "scenario_id": "",
    "source": "",
    "total": "rollouts; this and the next five are the gym's counters",
    "completed": "",
    "failed": "",
    "in_progress": "",
    "pending": "",
    "running": "",
    "status": "waiting, running, finished, cancelled; malformed if it could not be read",
    "done": "rollouts that ended, with a verdict or an error",
    "progress": "done over total, 0 to 1",
    "numbers": "numbers over its rollouts; null if they were not fetched",
    "note": "your own note, or null",
    "malformed": "why it could not be read, or null",
    "extra": "other fields from the gym, and invalid values such as -1 rollouts",
}

NUMBERS: Mapping[str, str] = {
    "rollouts": "number of rollouts these numbers cover",
    "passes": "verdicts that passed",
    "verdicts": "passed and failed rollouts",
    "pass_rate": "pass@1: passes over verdicts, 0 to 1",
    "pass_low": "95 % confidence interval, clustered by task",
    "pass_high": "",
    "low": "bounds of pass@1 that are right however often they are looked at",
    "high": "",
    "score": "mean over rollouts with a score, 0 to 1, or null",
    "scored": "number of rollouts with a score",
    "at_step_limit": "failed rollouts that reached the step limit",
    "not_run": "rollouts that a dead run did not begin, or not end",
    "errors": "rollouts without a verdict, by cause: environment, agent, cancelled",
    "model": "the first, and how many others",
    "provider": "",
    "created_at": "of the first rollout, ISO 8601 in UTC",
    "started_at": "",
    "ended_at": "of the last rollout, once all have finished",
}

ROLLOUT: Mapping[str, str] = {
    "rollout_id": "as received, like all up to status_events",
    "run_id": "",
    "scenario_id": "",
    "task_id": "",
    "status": "",
    "phase": "",
    "current_step": "",
    "max_steps": "",
    "created_at": "",
    "started_at": "",
    "completed_at": "",
    "result": "",
    "termination_reason": "",
    "model_config": "",
    "status_events": "",
    "outcome": "passed, failed, done, environment, agent, cancelled, running, waiting, not_run or"
    " unknown",
    "state": "as in STATE: the outcome, or the phase while running",
    "elapsed_s": "seconds from start to now or to its end",
    "score": "of the verifier, 0 to 1, or null",
    "at_step_limit": "whether it reached the step limit",
    "note": "your own note, or null",
    "malformed": "why it could not be read, or null",
    "extra": "other fields from the gym",
}

HIT: Mapping[str, str] = {
    "run_id": "as received, like rollout_id and task_id",
    "rollout_id": "",
    "task_id": "",
    "turn": "from 1, as on screen",
    "role": "system, user, assistant, tool or other",
    "tool": "the tool that is called or answers, or null",
    "error": "whether it is a failure",
    "before": "text left of the match",
    "match": "the text found",
    "after": "text right of it",
}

SEARCHED: Mapping[str, str] = {
    "total": "rollouts in the runs",
    "searched": "transcripts searched",
    "unfinished": "rollouts without a transcript yet",
    "not_run": "rollouts that a dead run did not begin, or not end",
    "missing": "rollouts whose artifacts the gym does not have",
    "failed": "transcripts that could not be downloaded or were too large",
    "left": "not downloaded: --max-download was reached, or the gym stopped answering",
}


def describe_keys(title: str, keys: Mapping[str, str]) -> str:
    """Keys with what they mean, for `--help`; one without a meaning goes with the one before."""
    described = (f"{name} ({meaning})" if meaning else name for name, meaning in keys.items())
    return f"{title}: {', '.join(described)}."
