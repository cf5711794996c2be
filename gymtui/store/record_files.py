"""A rollout's record on disk, beside its transcript: what artifacts do not say of how it ended.

It is the rollout's item as the gym listed it, but for keys, and beside it what was known of it here
(`Kept`); where simlab wrote the artifacts, its verdict (`reward_files`) tells as much. Where files
lie is for `transcript.artifact_files`.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec

from gymtui.api.lenient import loads
from gymtui.api.list_answer import mask_secrets, parse_rollout
from gymtui.api.models import KEPT, Malformed, Rollout
from gymtui.core.atomic_write import replace_text
from gymtui.core.json_output import json_text
from gymtui.core.replacement import replace
from gymtui.store import reward_files
from gymtui.store.outcome import outcome_of, steps_of
from gymtui.store.records import RolloutRow
from gymtui.store.rollout_result import rollout_result
from gymtui.transcript import artifact_files
from gymtui.transcript.artifact_files import RECORD, FileProblem
from gymtui.transcript.blocks import Transcript
from gymtui.transcript.body_check import no_json


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of the rollout whose transcript a file holds."""

    row: RolloutRow | None = None  # the rollout, if its record could be read
    # Why it could not, for the person and as received; empty where none is missed.
    problem: str = ""
    damaged: bool = False  # whether there is a record that cannot be read


@dataclass(frozen=True, slots=True)
class Opened:
    """A transcript from disk with the record of its rollout."""

    body: bytes  # what is in the file, unpacked
    transcript: Transcript  # what it holds, and the result that its record tells of
    record: Record


def open_file(path: Path) -> Opened:
    """Read a file's transcript, and the record beside it."""
    body, transcript = artifact_files.read(path)
    record = read(path, transcript.rollout_id)
    row = record.row
    if row is not None and row.rollout is not None:
        transcript = replace(transcript, result=rollout_result(row.rollout, row.outcome))
    return Opened(body, transcript, record)


def read(path: Path, rollout_id: str | None = None) -> Record:
    """Read the record beside a file with artifacts, those of a rollout if they say which."""
    beside = artifact_files.record_of(path)
    packed = beside.with_name(f"{beside.name}.gz")
    found = next((file for file in (beside, packed) if file.exists()), None)
    if found is None:
        return _verdict(path, rollout_id, beside.name)
    try:
        raw = artifact_files.load(found)
    except FileProblem as problem:
        return Record(problem=str(problem), damaged=True)
    if (fault := no_json(raw)) is not None:
        return Record(problem=f"{found.name}: {fault}", damaged=True)
    rollout = parse_rollout(raw)
    if isinstance(rollout, Malformed):
        return Record(problem=f"{found.name}: no rollout: {rollout.reason}", damaged=True)
    if rollout_id not in (None, rollout.rollout_id):
        why = f"{found.name}: of another rollout, {rollout.rollout_id}"
        return Record(problem=why, damaged=True)
    return Record(_row_of(rollout, raw))


def _verdict(path: Path, rollout_id: str | None, beside: str) -> Record:
    """Read the verdict that another program left with artifacts; if it is missed, tell that."""
    file = reward_files.reward_file_of(path)
    if file is None:
        missed = beside if _has_records(path.parent) else ""
        if not missed and _has_verdicts(path):
            missed = "verifier/reward.json"
        return Record(problem=f"no {missed} beside it: its outcome is unknown" * bool(missed))
    try:
        verdict = reward_files.read(file, rollout_id or path.parent.name)
    except FileProblem as problem:
        return Record(problem=str(problem), damaged=True)
    raw = json_text(verdict).encode()
    rollout = parse_rollout(raw)
    if isinstance(rollout, Malformed):
        return Record(problem=f"{file.name}: {rollout.reason}", damaged=True)
    return Record(_row_of(rollout, raw))


def _row_of(rollout: Rollout, raw: bytes) -> RolloutRow:
    outcome, run_id = outcome_of(rollout), rollout.run_id or ""
    note = rollout.kept.note if rollout.kept is not None else None
    return RolloutRow(
        rollout.rollout_id, run_id, raw, 0.0, 0.0, rollout, outcome=outcome, note=note
    )


def write(
    path: Path, row: RolloutRow, *, last_step: int | None = None, run_note: str | None = None
) -> bool:
    """Put a rollout's record beside a file with its artifacts, whole or not at all.

    Whoever may read the file may read the record.

    Returns:
        Whether another record lay there, or none.

    Raises:
        OSError: It cannot be written.
        FileProblem: It is nested too deeply.
    """
    beside = artifact_files.record_of(path)
    try:
        text = _without_keys(_with_kept(row, last_step, run_note))
    except (ValueError, RecursionError):
        raise FileProblem(f"{beside.name}: nested too deeply to be written") from None
    try:
        if beside.read_bytes() == text.encode():
            return False
    except FileNotFoundError:
        pass
    replace_text(beside, text, mode=stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600)
    return True


def _with_kept(row: RolloutRow, last_step: int | None, run_note: str | None) -> bytes:
    """An item, and what it does not say of what was known; as received where that is nothing."""
    rollout = row.rollout
    if rollout is None:
        return row.raw
    step = None if rollout.current_step is not None else steps_of(rollout, last_step)
    kept = {
        "run_id": row.run_id if row.run_id and rollout.run_id != row.run_id else None,
        "note": row.note,
        "run_note": run_note,
        "last_step": step,
    }
    ours = {name: value for name, value in kept.items() if value is not None}
    if not ours and rollout.kept is None:
        return row.raw
    item = {name: value for name, value in loads(row.raw).items() if name != KEPT}
    return json_text({**item, KEPT: ours} if ours else item).encode()


def _without_keys(raw: bytes) -> str:
    """An item's bytes as received, unless there is a key in them or they are not quite JSON."""
    document = loads(raw)
    hidden = mask_secrets(document)
    try:
        msgspec.json.decode(raw, type=msgspec.Raw)
        if hidden == document:
            return raw.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    return json_text(hidden)


@lru_cache(maxsize=64)
def _has_records(directory: Path) -> bool:
    """Whether there are records in a directory, so that one that is missing is missed."""
    return any(True for _ in directory.glob(f"*{RECORD}*"))


@lru_cache(maxsize=64)
def _has_verdicts(path: Path) -> bool:
    return reward_files.is_missed(path)
