"""The keys of the JSON that lists print: stable, always there, null where nothing is known. Light.

`--help` tells them; `documents` fills them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

RUN: Mapping[str, str] = {
    "run_id": "as the gym has it",
    "scenario_id": "likewise",
    "source": "likewise",
    "total": "rollouts, by the gym's counters, as are the next five",
    "completed": "",
    "failed": "",
    "in_progress": "",
    "pending": "",
    "running": "",
    "status": "waiting, running, finished; malformed where it could not be read",
    "finished": "rollouts that ended, whichever way",
    "numbers": "over its rollouts; null where these were not asked for",
    "malformed": "why it could not be read, or null",
    "extra": "what else the gym says of it, and what it says that cannot be, such as -1 rollouts",
}

NUMBERS: Mapping[str, str] = {
    "rollouts": "how many these numbers are over",
    "passes": "verdicts that are passes",
    "verdicts": "passes and fails",
    "pass_rate": "pass@1: passes over verdicts, 0 to 1",
    "pass_low": "its 95 % interval, clustered by task",
    "pass_high": "",
    "score": "mean over the rollouts that have one, 0 to 1, or null",
    "scored": "how many these are",
    "at_step_limit": "fails that ran out of steps",
    "errors": "without a verdict, by cause: environment, agent, cancelled",
    "model": "the first, and how many more",
    "provider": "",
    "created_at": "of the first rollout, ISO 8601 in UTC",
    "started_at": "likewise",
    "ended_at": "of the last one, once all have ended",
}

ROLLOUT: Mapping[str, str] = {
    "rollout_id": "as the gym has it, as is all up to status_events",
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
    "outcome": "passed, failed, done, environment, agent, cancelled, running, waiting, unknown",
    "state": "as STATE shows it: the outcome, or while it runs its phase",
    "elapsed_s": "seconds it runs or ran",
    "score": "the verifier's, from 0 to 1, or null",
    "at_step_limit": "whether it ran out of steps",
    "malformed": "why it could not be read, or null",
    "extra": "what else the gym says of it",
}


def told(title: str, keys: Mapping[str, str]) -> str:
    """Keys with what they mean, as a paragraph of `--help`.

    Args:
        title: What they are the keys of.
        keys: They, with meanings; one without goes with the one before.
    """
    return f"{title}: {', '.join(_told(keys))}."


def _told(keys: Mapping[str, str]) -> Iterable[str]:
    for name, meaning in keys.items():
        yield f"{name} ({meaning})" if meaning else name
