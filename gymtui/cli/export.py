"""`gymtui export`: the artifacts of a run's finished rollouts as files, with how each ended.

That stands in a document itself; beside artifacts as received lies the rollout's record, and of a
rollout without any that alone, so that the directory opens with the rows that the run has. What is
there and whole is not asked for again, and every file is written whole or not at all: after an
interruption the same command goes on, and repeated it brings up to date what has changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import GymError, NotFound
from gymtui.cli.gym_access import GymReader, gather_few, with_gym
from gymtui.config.settings import Settings
from gymtui.core import new_file
from gymtui.core.replacement import replace
from gymtui.core.text import clean
from gymtui.session.artifacts import ArtifactLoader, TooLargeError
from gymtui.store import record_files
from gymtui.store.history import journal_reader
from gymtui.store.history.journal_place import Place
from gymtui.store.outcome import ACTIVE, Outcome
from gymtui.store.records import RolloutRow
from gymtui.store.rollout_result import rollout_result
from gymtui.transcript import artifact_files, export
from gymtui.transcript.blocks import Ending
from gymtui.transcript.body_check import no_artifacts


@dataclass
class ExportCounts:
    total: int = 0
    written: int = 0
    there: int = 0  # files that were there before
    renewed: int = 0  # records beside these that say something else now, or were not there
    unfinished: int = 0  # rollouts that have no artifacts yet
    not_run: int = 0  # rollouts that have none since nobody ran them to their end
    unread: int = 0  # rollouts that could not be read: they have no id to ask for
    failed: int = 0  # rollouts whose artifacts could not be had or written

    @property
    def words(self) -> str:
        parts = [f"{self.written} written"]
        for number, what in (
            (self.there, "already there"),
            (self.renewed, f"outcome{'' if self.renewed == 1 else 's'} updated"),
            (self.unfinished, "not finished"),
            (self.not_run, "not run"),
            (self.unread, "malformed"),
            (self.failed, "failed"),
        ):
            if number:
                parts.append(f"{number} {what}")
        return f"{', '.join(parts)} of {self.total}"


def export_run(
    settings: Settings,
    run_id: str,
    directory: Path,
    form: str,
    *,
    journal: Place,
) -> ExportCounts:
    """Write a run's artifacts to a directory, which is made if need be.

    Raises:
        OSError: The directory cannot be made.
    """

    async def every(client: Endpoints) -> ExportCounts:
        reader = GymReader(client)
        reader.take_notes(journal)
        [found] = await reader.find_runs([run_id])  # tells a run without rollouts from none
        await reader.list_rollouts_of([found])
        rows = reader.store.rollouts_of(found)
        await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
        cap_bytes = settings.artifact_limit_mib << 20
        loader = ArtifactLoader(client, cap_bytes=cap_bytes, cache_bytes=0)
        steps = await asyncio.to_thread(journal_reader.last_steps, journal, [found])
        note = reader.view(found).note

        def keep(path: Path, row: RolloutRow) -> bool:
            step = steps.get(row.rollout_id)
            return record_files.write(path, row, last_step=step, run_note=note)

        return await _write_all(loader, rows, directory, form, keep)

    return with_gym(settings, every)


async def _write_all(
    loader: ArtifactLoader,
    rows: Sequence[RolloutRow],
    directory: Path,
    form: str,
    keep: Callable[[Path, RolloutRow], bool],
) -> ExportCounts:
    tally = ExportCounts(total=len(rows))
    rows = [row for row in rows if row.malformed is None]
    tally.unread = tally.total - len(rows)
    there = await asyncio.to_thread(lambda: {file.name for file in directory.iterdir()})
    suffix = {"json": ".json", "markdown": ".md", "text": ".txt"}[form]

    async def one(row: RolloutRow) -> None:
        path = directory / new_file.file_name(row.rollout_id, suffix)
        try:
            before = path.name in there
            fault = await asyncio.to_thread(_fault_of, path, form, row) if before else None
            if fault is not None:
                await _write_anew(loader, row, path, form, fault)
            elif not before:
                await _write(loader, row, path, form)
            kept = form == "json" and await asyncio.to_thread(keep, path, row)
        except NotFound:
            tally.unfinished += row.outcome is not Outcome.NOT_RUN
            tally.not_run += row.outcome is Outcome.NOT_RUN
            if form == "json":
                await asyncio.to_thread(_keep_alone, path, row, keep)
        except (GymError, OSError, TooLargeError, artifact_files.FileProblem) as error:
            tally.failed += 1
            _say(_failure_words(row, error))
            if form == "json":
                await asyncio.to_thread(_keep_alone, path, row, keep)
        else:
            if before and fault is None:
                tally.there += 1
                tally.renewed += kept
                return
            tally.written += 1
            _say(f"{tally.written + tally.there}/{tally.total} {path.name}")

    await gather_few(partial(one, row) for row in rows)
    return tally


def _say(words: str) -> None:
    """Tell what is done and what went wrong, a line at a time."""
    click.echo(words, err=True)


def _keep_alone(path: Path, row: RolloutRow, keep: Callable[[Path, RolloutRow], bool]) -> None:
    """Keep the record of a rollout without artifacts: how it stands is all there is of it.

    A file with its artifacts from before keeps the record of that time, by which these are known
    to be old.
    """
    if not path.exists():
        with suppress(OSError, artifact_files.FileProblem):  # told of its artifacts already
            keep(path, row)


def _failure_words(row: RolloutRow, error: Exception) -> str:
    if isinstance(error, artifact_files.FileProblem):
        return clean(error)
    if isinstance(error, TooLargeError):
        return f"{clean(row.rollout_id)}: {error}; --json saves it as received"
    why = error.line if isinstance(error, GymError) else getattr(error, "strerror", None)
    return f"{clean(row.rollout_id)}: {clean(why or str(error))}"


def _fault_of(path: Path, form: str, row: RolloutRow) -> str | None:
    """What is wrong with a file that was there: earlier versions wrote any answer."""
    data = artifact_files.load(path)
    if form != "json":
        document = data.decode("utf-8", "replace")
        return export.fault_in(document, form, row.rollout_id, _result_of(row))
    if (fault := no_artifacts(data)) is not None:
        return fault
    record = record_files.read(path, row.rollout_id)
    if record.damaged:
        _say(f"{clean(record.problem)}; rewritten")
    return None if record.row is None else _why_outdated(record.row, row)


def _why_outdated(then: RolloutRow, now: RolloutRow) -> str | None:
    if then.outcome in ACTIVE:
        return "it had not finished"
    ended = [row.rollout.completed_at if row.rollout is not None else None for row in (then, now)]
    return "it finished again since" if ended[0] != ended[1] else None


async def _write_anew(
    loader: ArtifactLoader, row: RolloutRow, path: Path, form: str, fault: str
) -> None:
    """Write a file in the place of one that is never lost: a person may have put it there."""
    aside = await asyncio.to_thread(_put_aside, path)
    try:
        await _write(loader, row, path, form)
    except BaseException:
        _put_back(aside, path)
        raise
    _say(f"{path.name}: {fault}; renamed to {aside.name} and downloaded again")


def _put_aside(path: Path) -> Path:
    aside = new_file.free_path(path.with_name(f"{path.name}.old"))
    path.rename(aside)
    return aside


def _put_back(aside: Path, path: Path) -> None:
    if not path.exists():
        aside.rename(path)


def _result_of(row: RolloutRow) -> Ending | None:
    return None if row.rollout is None else rollout_result(row.rollout, row.outcome)


async def _write(loader: ArtifactLoader, row: RolloutRow, path: Path, form: str) -> None:
    if form == "json":
        await loader.save(row.rollout_id, path)
        return
    artifacts = await loader.get(row.rollout_id)
    # Named even where the answer does not: by that it is known again.
    transcript = replace(artifacts.transcript, rollout_id=row.rollout_id, result=_result_of(row))
    data = await asyncio.to_thread(export.render, transcript, form)
    await asyncio.to_thread(new_file.write_new, path, data.encode("utf-8", "replace"))
