"""`gymtui export`: the artifacts of a run's finished rollouts as files.

Artifacts that are there are not asked for again, and every file is written whole or not at all:
after an interruption the same command goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gymtui.api.client import GymClient
from gymtui.api.errors import GymError, NotFound
from gymtui.api.models import Rollout
from gymtui.commands.asking import Asked, at_once, with_gym
from gymtui.poll.artifacts import ArtifactDesk, TooLargeError
from gymtui.settings import Settings
from gymtui.store.ending import ending_of
from gymtui.text import clean
from gymtui.transcript import artifact_files, export, files
from gymtui.transcript.faults import no_artifacts


@dataclass
class Tally:
    """What became of a run's rollouts.

    Attributes:
        total: How many there are.
        written: Files written.
        there: Files that were there before.
        unfinished: Rollouts that have no artifacts yet.
        failed: Rollouts whose artifacts could not be had or written.
    """

    total: int = 0
    written: int = 0
    there: int = 0
    unfinished: int = 0
    failed: int = 0

    @property
    def words(self) -> str:
        """In a line."""
        parts = [f"{self.written} written"]
        for number, what in (
            (self.there, "there already"),
            (self.unfinished, "not finished"),
            (self.failed, "failed"),
        ):
            if number:
                parts.append(f"{number} {what}")
        return f"{', '.join(parts)} of {self.total}"


def export_run(
    settings: Settings, run_id: str, directory: Path, form: str, tell: Callable[[str], None]
) -> Tally:
    """Write a run's artifacts to a directory.

    Args:
        settings: Which gym.
        run_id: Which run.
        directory: Where to; it is made if need be.
        form: `json` for the gym's bytes, `markdown` or `text`.
        tell: Told what is done and what went wrong, a line at a time.

    Returns:
        What became of it.

    Raises:
        GymError: The run's rollouts cannot be listed.
        OSError: The directory cannot be made.
    """

    async def every(client: GymClient) -> Tally:
        asked = Asked(client)
        [found] = await asked.runs_named([run_id])  # tells a run without rollouts from none
        await asked.rollouts_of([found])
        rows = asked.store.rollouts_of(found)
        rollouts = [row.rollout for row in rows if row.rollout is not None]
        await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
        cap_bytes = settings.artifact_limit_mib << 20
        desk = ArtifactDesk(client, cap_bytes=cap_bytes, cache_bytes=0)
        return await _written(desk, rollouts, directory, form, tell)

    return with_gym(settings, every)


async def _written(
    desk: ArtifactDesk,
    rollouts: list[Rollout],
    directory: Path,
    form: str,
    tell: Callable[[str], None],
) -> Tally:
    tally = Tally(total=len(rollouts))
    there = await asyncio.to_thread(lambda: {file.name for file in directory.iterdir()})
    suffix = {"json": ".json", "markdown": ".md", "text": ".txt"}[form]

    async def one(rollout: Rollout) -> None:
        path = directory / files.file_name(rollout.rollout_id, suffix)
        try:
            if path.name in there:
                fault = await asyncio.to_thread(_fault_of, path) if form == "json" else None
                if fault is None:
                    tally.there += 1
                    return
                # Never lost, since a person may have put it there, and not opened with the rest.
                aside = await asyncio.to_thread(_put_aside, path)
                tell(f"{path.name}: {fault}; now {aside.name}, and asked for again")
            await _write(desk, rollout, path, form)
        except NotFound:
            tally.unfinished += 1
        except TooLargeError as error:
            tally.failed += 1
            tell(f"{clean(rollout.rollout_id)}: {error}; --json saves it as it is")
        except artifact_files.FileProblem as problem:
            tally.failed += 1
            tell(clean(problem))
        except (GymError, OSError) as error:
            tally.failed += 1
            tell(f"{clean(rollout.rollout_id)}: {clean(_why(error))}")
        else:
            tally.written += 1
            tell(f"{tally.written + tally.there}/{tally.total} {path.name}")

    await at_once(partial(one, rollout) for rollout in rollouts)
    return tally


def _fault_of(path: Path) -> str | None:
    """What is wrong with a file that was there; earlier versions wrote any answer."""
    return no_artifacts(artifact_files.load(path))


def _put_aside(path: Path) -> Path:
    aside = files.free(path.with_name(f"{path.name}.old"))
    path.rename(aside)
    return aside


async def _write(desk: ArtifactDesk, rollout: Rollout, path: Path, form: str) -> None:
    if form == "json":
        await desk.save(rollout.rollout_id, path)
        return
    artifacts = await desk.get(rollout.rollout_id)
    transcript = replace(artifacts.transcript, result=ending_of(rollout))
    data = await asyncio.to_thread(export.written, transcript, form)
    await asyncio.to_thread(files.write_new, path, data.encode("utf-8", "replace"))


def _why(error: GymError | OSError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return error.detail or error.brief
