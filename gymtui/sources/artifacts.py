"""This API's artifacts: files of `GET …/artifacts`, and what `export` wrote; any transcript else.

A file is a rollout, a directory a run; the record beside a file says which rollout and which run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from gymtui.api.list_answer import parse_rollout
from gymtui.api.models import Kept, Malformed
from gymtui.core.replacement import replace
from gymtui.sources.files import Entries, Files, last_modified_s, list_entries
from gymtui.sources.json_fields import JsonFields, utc_time
from gymtui.sources.rollout_facts import ACTIVE_STATUSES, RolloutFacts, RunFacts, add_missing
from gymtui.sources.source import LOOKED_AT, ReadContext, Source
from gymtui.transcript import artifact_files
from gymtui.transcript.artifact_files import RECORD
from gymtui.transcript.body_check import no_artifacts, no_json

_SUFFIXES: Final = (".json.gz", ".json")


@dataclass(frozen=True, slots=True)
class _RunRecord:
    """What a record tells of its run."""

    run_id: str | None
    scenario_id: str | None
    note: str | None


class Artifacts(Source):
    """Reads directories of artifacts, one file a rollout."""

    name = "artifacts"
    title = "artifacts of this API, and exports"
    inner = frozenset()
    by_file = True

    def owns(self, place: Path, found: Entries, files: Files) -> bool:
        """One that holds a record, or a file with a transcript in it."""
        names = sorted(name for name in found.files if name.endswith(_SUFFIXES))
        if any(_is_record(name) for name in names):
            return True
        return any(files.parsed(place / name, rollout_of) for name in names[:LOOKED_AT])

    def read(self, place: Path, context: ReadContext) -> Iterable[RunFacts]:
        """A run for each that the records name; what has no record is the directory's own."""
        names = sorted(name for name in list_entries(place).files if name.endswith(_SUFFIXES))
        stems = {_stem(name): name for name in names if not _is_record(name)}
        runs: dict[str, list[RolloutFacts]] = {}
        records_of: dict[str, list[_RunRecord]] = {}
        seen = set()
        records = filter(_is_record, names)
        read = partial(_rollout_with_record, stems=stems, context=context)
        for found in filter(None, context.files.read_entries("record", place, records, read)):
            stem, of_run, facts = found
            seen.add(stem)
            run_id = of_run.run_id or place.name
            runs.setdefault(run_id, []).append(facts)
            records_of.setdefault(run_id, []).append(of_run)
        bare = [name for stem, name in stems.items() if stem not in seen]
        if not context.files.unread:  # else it is not known yet which have no record
            read_bare = partial(_rollout_without_record, context=context)
            whole = [*filter(None, context.files.read_entries("artifacts", place, bare, read_bare))]
            times_named = Counter(facts.rollout_id for _, facts in whole)
            for stem, facts in whole:
                # What was copied says the same of itself: files are told apart by their names.
                alone = facts.rollout_id and times_named[facts.rollout_id] == 1
                one = facts if alone else replace(facts, rollout_id=stem)
                runs.setdefault(place.name, []).append(one)
        unread = context.files.unread
        # Whatever ran as it was exported: nobody will say how it ended.
        dead = context.is_quiet(place)
        for run_id, found_of in runs.items():
            # Those of a launch are created at once and start in their order.
            found_of.sort(key=lambda f: (f.created_at or "", f.started_at or "", f.rollout_id))
            rollouts = add_missing(found_of, {}, dead=dead)
            recorded = records_of.get(run_id, [])
            times = [facts.created_at or facts.started_at for facts in rollouts]
            began = min(filter(None, times), default=None) or utc_time(last_modified_s(place)) or ""
            yield RunFacts(
                run_id=run_id,
                source=self.name,
                rollouts=rollouts,
                scenario_id=next(filter(None, (one.scenario_id for one in recorded)), None),
                note=next(filter(None, (one.note for one in recorded)), None),
                began=began,
                unread=unread,
                over=dead,
            )


def _rollout_with_record(
    record: Path, stems: Mapping[str, str], context: ReadContext
) -> tuple[tuple[str, _RunRecord, RolloutFacts] | None, float]:
    """A record's name, what it tells of the run, its rollout, and when it was touched."""
    recorded = context.files.parsed(record, record_of)
    stem = _stem(record.name)
    if recorded is None:
        return None, context.now_s
    run, facts = recorded
    file = stems.get(stem)
    body = None if file is None else partial(artifact_files.load, record.with_name(file))
    touched_s = context.now_s if facts.status in ACTIVE_STATUSES else last_modified_s(record)
    return (stem, run, replace(facts, body=body)), touched_s


def _rollout_without_record(
    file: Path, context: ReadContext
) -> tuple[tuple[str, RolloutFacts] | None, float]:
    """The name and the rollout of a transcript without a record, and when it was touched."""
    found = context.files.parsed(file, rollout_of)
    if found is None:
        return None, last_modified_s(file)
    load = partial(artifact_files.load, file)
    return (_stem(file.name), replace(found, body=load)), last_modified_s(file)


def record_of(body: bytes) -> tuple[_RunRecord, RolloutFacts]:
    """What a record tells of its run, and the rollout it is of; ValueError if it is none."""
    rollout = parse_rollout(body)
    if isinstance(rollout, Malformed):
        raise ValueError(rollout.reason)
    times = (rollout.created_at, rollout.started_at)
    created, started = (None if when is None else when.isoformat() for when in times)
    facts = RolloutFacts(
        rollout_id=rollout.rollout_id,
        task_id=rollout.task_id,
        status=rollout.status or "",
        created_at=created,
        started_at=started,
        item=body,
    )
    kept = rollout.kept or Kept()
    return _RunRecord(kept.run_id or rollout.run_id, rollout.scenario_id, kept.run_note), facts


def rollout_of(body: bytes) -> RolloutFacts | None:
    """What a transcript's document says of its rollout; its id is empty where it does not say it.

    Returns:
        None for JSON of another kind, which lies there for others.

    Raises:
        ValueError: It is no JSON, or not whole.
    """
    if (fault := no_artifacts(body)) is not None:
        if no_json(body) is None:
            return None
        raise ValueError(fault)
    outer = JsonFields(body)
    inner = outer.mapping("artifacts") if "artifacts" in outer else outer
    return facts_of(inner, outer.text("rollout_id") or "")


def facts_of(artifacts: JsonFields, rollout_id: str, **known: Any) -> RolloutFacts:
    """What artifacts say of their rollout (API.md)."""
    error = artifacts.text("error")
    metadata = artifacts.mapping("metadata")
    fields: Mapping[str, Any] = {
        "task_id": artifacts.label("task_id"),
        "status": "failed" if error else "completed",
        "model": artifacts.text("model"),
        "provider": artifacts.text("provider"),
        "current_step": artifacts.integer("steps_taken"),
        "max_steps": artifacts.integer("max_steps"),
        "created_at": artifacts.time("created_at"),
        "message": error or "",
        "termination_reason": error,
        "success": metadata.flag("success"),
        "reward": metadata.number("reward"),
    }
    return RolloutFacts(rollout_id=rollout_id, **{**fields, **known})


def _is_record(name: str) -> bool:
    return name.removesuffix(".gz").endswith(RECORD)


def _stem(name: str) -> str:
    name = name.removesuffix(".gz")
    return name.removesuffix(RECORD) if name.endswith(RECORD) else name.removesuffix(".json")
