"""What simlab leaves in its output directory: `agent_run_*`, and `parallel_run_*` of many rollouts.

Read in simlab's source (`runtime/rollout_runner.py`, `runtime/parallel_daytona.py`): a rollout's
directory holds `artifacts.json`, or `agent/trajectory.json` in Harbor's format, and the verdict in
`verifier/`. A parallel run has its rollouts in `rollout_N` and, once it has ended, a `summary.json`
in which alone stands what became of a rollout without a directory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from gymtui.core.replacement import replace
from gymtui.sources.artifacts import facts_of
from gymtui.sources.files import Entries, Files, last_modified_s, list_entries
from gymtui.sources.json_fields import JsonFields, utc_time
from gymtui.sources.rollout_facts import RolloutFacts, RunFacts
from gymtui.sources.source import ReadContext, Source
from gymtui.store import reward_files
from gymtui.transcript import artifact_files

_SINGLE: Final = "agent_run_"
_PARALLEL: Final = "parallel_run_"
_TRANSCRIPTS: Final = ("artifacts.json", "artifacts.json.gz", "agent/trajectory.json")
_NAMED: Final = re.compile(r"(?:agent|parallel)_run_(.+)_(\d{8}_\d{6})")
_ROLLOUT: Final = re.compile(r"rollout_(\d+)")


class Simlab(Source):
    """Reads simlab's output: its single runs together, each parallel run by itself."""

    name = "simlab"
    title = "simlab's output directory"

    def owns(self, place: Path, found: Entries, files: Files) -> bool:
        """The output directory, or one of a run in it."""
        if place.name.startswith(_SINGLE):
            return _transcript_in(place) is not None
        if place.name.startswith(_PARALLEL):
            return True
        return any(name.startswith((_SINGLE, _PARALLEL)) for name in found.directories)

    def read(self, place: Path, context: ReadContext) -> Iterable[RunFacts]:
        """The runs."""
        if place.name.startswith(_PARALLEL):
            yield _parallel(place, context)
            return
        if place.name.startswith(_SINGLE):
            yield from _run_of(place.name, place, [place], context)
            return
        inside = sorted(list_entries(place).directories)
        single = [place / name for name in inside if name.startswith(_SINGLE)]
        yield from _run_of(place.name, place, single, context)
        for name in inside:
            if name.startswith(_PARALLEL):
                yield _parallel(place / name, context)


def _run_of(
    run_id: str, place: Path, found: list[Path], context: ReadContext
) -> Iterator[RunFacts]:
    def read(one: Path) -> tuple[RolloutFacts | None, float]:
        return _rollout(one, one.name, context), last_modified_s(one, one / "verifier")

    names = [one.name for one in found]
    above = found[0].parent if found else place
    made = context.files.read_entries(Simlab.name, above, names, read)
    rollouts = [facts for facts in made if facts is not None]
    unread = context.files.unread
    if rollouts or unread:
        began = min((facts.created_at or "" for facts in rollouts), default="")
        yield RunFacts(
            run_id=run_id,
            source=Simlab.name,
            rollouts=rollouts,
            unread=unread,
            began=began or utc_time(last_modified_s(place)) or "",
            over=context.is_quiet(*found, *(one / "verifier" for one in found)),
        )


def _parallel(place: Path, context: ReadContext) -> RunFacts:
    summary = context.files.parsed(place / "summary.json", _summary) or {}
    numbers = {
        int(match[1])
        for name in list_entries(place).directories
        if (match := _ROLLOUT.fullmatch(name)) is not None
    }
    task, created = _parse_name(place.name)
    rollouts = []
    for number in sorted(numbers | summary.keys()):
        rollout_id = f"{place.name}/{number}"
        found = _rollout(place / f"rollout_{number}", rollout_id, context)
        facts = found or RolloutFacts(rollout_id=rollout_id, task_id=task, created_at=created)
        if (written := summary.get(number)) is not None:
            facts = _with_summary(facts, written)
        elif found is None:
            facts = replace(facts, status="running")  # it has a directory, and no summary yet
        rollouts.append(facts)
    return RunFacts(
        run_id=place.name,
        source=Simlab.name,
        rollouts=rollouts,
        scenario_id=task,
        began=created or utc_time(last_modified_s(place)) or "",
        over=bool(summary),
    )


def _rollout(place: Path, rollout_id: str, context: ReadContext) -> RolloutFacts | None:
    """The rollout in a directory; None where there is no transcript of it."""
    file = _transcript_in(place)
    facts = None if file is None else context.files.parsed(file, _transcript)
    if file is None or facts is None:
        return None
    task, created = _parse_name(place.name)
    facts = replace(
        facts,
        rollout_id=rollout_id,
        task_id=facts.task_id or task,
        created_at=facts.created_at or created,
        started_at=facts.started_at or facts.created_at or created,
        body=partial(artifact_files.load, file),
    )
    reward = reward_files.reward_file_of(file)
    if reward is None:
        return facts
    verdict = context.files.cached(reward, _verdict, partial(_verdict, reward))
    return facts if verdict is None else _with_verdict(facts, verdict)


def _transcript_in(place: Path) -> Path | None:
    return next((file for name in _TRANSCRIPTS if (file := place / name).is_file()), None)


def _parse_name(name: str) -> tuple[str | None, str | None]:
    """The task and the time, in UTC, that a run's directory is named for."""
    match = _NAMED.fullmatch(name)
    if match is None:
        return None, None
    try:
        when = datetime.strptime(match[2], "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return match[1], None
    return match[1], when.isoformat()


def _transcript(body: bytes) -> RolloutFacts:
    artifacts = JsonFields(body)
    metrics = artifacts.mapping("metadata").mapping("rollout_metrics")
    facts = facts_of(artifacts, "")
    agent = artifacts.mapping("agent")
    facts = replace(facts, model=facts.model or agent.text("model_name"))
    return _with_duration(facts, metrics.mapping("timing").number("duration_seconds"))


def _with_duration(facts: RolloutFacts, seconds: float | None) -> RolloutFacts:
    """The same with its end, where it is known how long it took."""
    started = facts.started_at or facts.created_at
    if seconds is None or started is None or facts.completed_at is not None:
        return facts
    try:
        ended = datetime.fromisoformat(started) + timedelta(seconds=seconds)
    except OverflowError:
        return facts
    return replace(facts, started_at=started, completed_at=ended.isoformat())


def _verdict(file: Path) -> Mapping[str, Any]:
    result: Mapping[str, Any] = reward_files.read(file, "")["result"]
    return result


def _with_verdict(facts: RolloutFacts, result: Mapping[str, Any]) -> RolloutFacts:
    judged = dict(result)
    criteria = judged.pop("failed_criteria", None)
    return replace(
        facts,
        status="completed",
        success=judged.pop("success"),
        message=judged.pop("message", "") or facts.message,
        failed_criteria=tuple(criteria) if isinstance(criteria, list) else (),
        details=judged,
    )


def _summary(body: bytes) -> dict[int, JsonFields]:
    results = JsonFields(body).objects("results")
    found = ((result.integer("rollout_idx"), result) for result in results)
    return {number: result for number, result in found if number is not None}


def _with_summary(facts: RolloutFacts, fields: JsonFields) -> RolloutFacts:
    """A rollout with what the summary of its run says of it."""
    error = fields.text("error")
    success = facts.success if facts.success is not None else fields.flag("verification_passed")
    reason = facts.termination_reason or error
    failed = success is None and reason is not None
    facts = replace(
        facts,
        status="failed" if failed else "completed",
        success=success,
        reward=None if success is not None else fields.number("reward"),
        message=facts.message or error or "",
        termination_reason=reason,
        current_step=facts.current_step or fields.integer("steps"),
    )
    return _with_duration(facts, fields.number("duration"))
