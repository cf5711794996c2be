"""Files on disk behind the protocol of a gym: every question that only reads has its answer.

Which files mean what is for the sources. Nothing is written; what would change a gym is refused.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gymtui.api.endpoints import Endpoints
from gymtui.api.errors import Garbled, NotFound, Refused, Unreachable
from gymtui.api.request import Call
from gymtui.api.response import Answer
from gymtui.core.json_output import json_text
from gymtui.core.secret import ApiKey
from gymtui.sources.files import Files, OutOfTimeError, last_modified_s, recheck_after_s
from gymtui.sources.json_fields import JsonFields
from gymtui.sources.rollout_facts import (
    ListedRollout,
    ListedRun,
    RunFacts,
    artifacts_body,
    list_run,
)
from gymtui.sources.source import ReadContext, Source, find_places
from gymtui.transcript.artifact_files import FileProblem

READ_ONLY: Final = "a directory is only read"  # why nothing can be changed here
_REST_SHARE: Final = 4
"""After looking at the files it is waited so many times as long as that took, at least."""
_CHUNK: Final = 1 << 20
_Key = tuple[str, Path, int]  # a run by its source, its place and its number there


@dataclass(frozen=True, slots=True)
class _Rest:
    """How long a place is left alone."""

    since_s: float  # since when nothing has happened there, UNIX seconds
    until_s: float  # when it is looked at again


class DirectoryGym(Endpoints):
    """What lies in some directories, as a gym.

    Args:
        sources: Who may read them, the most certain of itself first.
        look_s: For how long files are read before what was read is answered with, the rest being
            read in the next looks; by default all are read.
    """

    def __init__(
        self,
        found: Sequence[Path],
        sources: Sequence[Source],
        *,
        look_s: float = math.inf,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._places = tuple(found)
        self._sources = tuple(sources)
        self._monotonic = monotonic
        self._wall = wall
        self._look_s = look_s
        self._files = Files(monotonic)
        self._lock = threading.Lock()
        self._found: dict[_Key, ListedRun] = {}
        self._rest: dict[Path, _Rest] = {}
        self._reading = False
        self._unread = 0  # what there was no time for in the last look
        self._runs: dict[str, ListedRun] | None = None
        self._rollouts: dict[str, ListedRollout] = {}
        self._next_s = 0.0
        self._note: str | None = None

    @property
    def note(self) -> str | None:
        """Which files cannot be read."""
        return self._note

    def use_key(self, key: ApiKey) -> None:
        """There is nobody to send it to."""

    def is_over(self, run_id: str) -> bool:
        """Whether the files of a run say that it is over."""
        run = (self._runs or {}).get(run_id)
        return run is not None and run.facts.over and not run.facts.active

    async def aclose(self) -> None:
        """Nothing is open."""

    async def _ask(self, call: Call) -> Answer:
        sent_s = self._monotonic()
        body = await asyncio.to_thread(self._answer_to, call)
        if call.on_progress is not None:
            call.on_progress(len(body), len(body))
        if call.sink is not None:
            for start in range(0, len(body), _CHUNK):
                call.sink(body[start : start + _CHUNK])
                if call.ready is not None:
                    await call.ready()
            body = b""
        return Answer(body, None, sent_s, self._monotonic(), len(body))

    def _answer_to(self, call: Call) -> bytes:
        if call.method != "GET":
            raise Refused(405, READ_ONLY)
        query = dict(call.query)
        with self._lock:
            if self._runs is None or (call.template == "/runs" and query.get("offset") == "0"):
                self._refresh()
            runs = self._runs or {}
            match call.template, call.ids:
                case "/runs", ():
                    return self._page(runs, query)
                case "/runs/{run_id}", (run_id,) if run_id in runs:
                    return runs[run_id].item
                case "/rollouts", ():
                    return self._rollouts_that(runs, query)
                case "/rollouts/{rollout_id}", (rollout_id,) if rollout_id in self._rollouts:
                    return self._rollouts[rollout_id].item
                case "/rollouts/{rollout_id}/artifacts", (rollout_id,):
                    rollout = self._rollouts.get(rollout_id)
                case "/scenarios", ():
                    names = dict.fromkeys(run.scenario_id for run in runs.values())
                    return json_text([{"scenario_id": name} for name in names if name]).encode()
                case "/scenarios/{scenario_id}/tasks", (scenario_id,):
                    return _tasks(runs, scenario_id)
                case _:
                    raise NotFound("not in this directory")
        return _artifacts(rollout, query)

    def _page(self, runs: Mapping[str, ListedRun], query: Mapping[str, str]) -> bytes:
        scenario = query.get("scenario_id")
        found = [run for run in runs.values() if scenario in (None, run.scenario_id)]
        start = int(query.get("offset", 0))
        page = found[start : start + int(query.get("limit", len(found)))]
        if query.get("expand") == "rollouts":
            return _list_of("runs", [_expanded(run) for run in page], len(found))
        return _list_of("runs", [run.item for run in page], len(found))

    def _rollouts_that(self, runs: Mapping[str, ListedRun], query: Mapping[str, str]) -> bytes:
        run_id, scenario = query.get("run_id"), query.get("scenario_id")
        if run_id is not None and run_id not in runs:
            raise NotFound("no such run in this directory")
        items = [
            rollout.item
            for run in (runs.values() if run_id is None else (runs[run_id],))
            if scenario in (None, run.scenario_id)
            for rollout in run.rollouts.values()
            if query.get("status") in (None, rollout.status)
            and query.get("task_id") in (None, rollout.task_id)
        ]
        return _list_of("rollouts", items, len(items))

    def _refresh(self) -> None:
        """Read what is new, unless that was done just now: it may take as long as there is much."""
        began_s = self._monotonic()
        if began_s < self._next_s:
            return
        if (gone := _why_gone(self._places)) is not None:
            raise Unreachable(gone)
        context = ReadContext(self._files, self._wall())
        self._files.begin(context.now_s, self._look_s)
        runs: dict[_Key, RunFacts] = {}
        self._unread, whole = 0, True
        for place in self._places:
            try:
                for source, where in find_places(place, self._sources, self._files):
                    runs |= self._runs_in(source, where, context)
            except OutOfTimeError:
                whole = False
        if not whole:  # what there was no time to look at is as it was
            runs = {**{key: run.facts for key, run in self._found.items()}, **runs}
        self._list(runs)
        whole = whole and not self._unread
        self._note_problems(context.now_s, whole=whole)
        ended_s = self._monotonic()
        self._next_s = ended_s + _REST_SHARE * (ended_s - began_s) if whole else ended_s

    def _runs_in(self, source: Source, where: Path, context: ReadContext) -> dict[_Key, RunFacts]:
        """The runs of a place; one in which nothing has happened for long rests for a while."""
        before = {k: run for k, run in self._found.items() if k[:2] == (source.name, where)}
        rest = self._rest.get(where)
        if before and rest is not None and context.now_s < rest.until_s:
            return {key: run.facts for key, run in before.items()}
        self._files.unread = 0
        found = {
            (source.name, where, number): run
            for number, run in enumerate(source.read(where, context))
        }
        self._unread += self._files.unread
        changed = found != {key: run.facts for key, run in before.items()}
        since_s = (
            last_modified_s(where) if rest is None else context.now_s if changed else rest.since_s
        )
        active = self._files.unread or any(run.active for run in found.values())
        wait_s = 0.0 if active else recheck_after_s(context.now_s - since_s)
        self._rest[where] = _Rest(since_s, context.now_s + wait_s)
        return found

    def _note_problems(self, now_s: float, *, whole: bool) -> None:
        """Say what is not read, and what cannot be."""
        damaged = self._files.damaged(now_s)
        if not whole:
            self._note = "files are still being read: there is more to come"
        elif damaged:
            more = f" (and {len(damaged) - 1} more)" if len(damaged) > 1 else ""
            self._note = f"cannot be read: {damaged[0]}{more}"
        elif self._reading:
            self._note = "all files are read"
        self._reading = self._reading or not whole

    def _list(self, facts: Mapping[_Key, RunFacts]) -> None:
        """List runs, the newest first; those of which nothing is new are listed as they were."""
        before, self._found = self._found, {}
        runs: dict[str, ListedRun] = {}
        rollouts: dict[str, ListedRollout] = {}
        for key, run in facts.items():
            run_id = _free(run.run_id, key[1], runs)
            known = before.get(key)
            if known is not None and known.facts == run and known.run_id == run_id:
                one = known
            else:
                one = list_run(run, run_id, rollouts, known)
            self._found[key] = one
            runs[run_id] = one
            rollouts.update(one.rollouts)
        order = sorted(runs.values(), key=lambda run: run.began, reverse=True)
        self._runs = {run.run_id: run for run in order}
        self._rollouts = rollouts


def _why_gone(places: Sequence[Path]) -> str | None:
    """Why none of the places can be read; None where one can.

    What was seen of them stands: a disk may be mounted again.
    """
    why = ""
    for place in places:
        try:
            place.stat()
            return None
        except OSError as error:
            why = why or f"{place.name}: {error.strerror or error}"
    return why


def _free(run_id: str, place: Path, taken: Mapping[str, object]) -> str:
    """A run's id that no other has: by the directories above it, then by a number."""
    for above in ("", place.parent.name, str(place.parent)):
        name = f"{above}/{run_id}" if above else run_id
        if name not in taken:
            return name
    number = 2
    while f"{run_id} ({number})" in taken:
        number += 1
    return f"{run_id} ({number})"


def _list_of(key: str, items: Sequence[bytes], total: int) -> bytes:
    return b'{"total":%d,"%s":[%s]}' % (total, key.encode(), b",".join(items))


def _expanded(run: ListedRun) -> bytes:
    ids = json_text(list(run.rollouts)).encode()
    return b'%s,"rollout_ids":%s}' % (run.item[:-1], ids)


def _tasks(runs: Mapping[str, ListedRun], scenario_id: str) -> bytes:
    tasks = dict.fromkeys(
        rollout.task_id
        for run in runs.values()
        if run.scenario_id == scenario_id
        for rollout in run.rollouts.values()
        if rollout.task_id
    )
    return json_text([{"task_id": task} for task in tasks]).encode()


def _artifacts(rollout: ListedRollout | None, query: Mapping[str, str]) -> bytes:
    if query.get("redact_tool_calls") == "true":
        raise Refused(400, "files are not redacted")
    if rollout is None or rollout.body is None:
        raise NotFound("no transcript of it in this directory")
    try:
        body = rollout.body()
        outer = JsonFields(body)
        if "artifacts" in outer and outer.text("rollout_id") != rollout.rollout_id:
            return artifacts_body(rollout.rollout_id, outer.raw("artifacts") or b"{}")
        return body
    except (OSError, ValueError, FileProblem) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Garbled(f"the files of {rollout.rollout_id}: {why}") from None
