"""`gymtui record`: watch a gym without a screen, and keep what is seen."""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gymtui.api.endpoints import Endpoints
from gymtui.cli.gym_access import with_gym
from gymtui.cli.headless_session import headless_session, take_news, termination_event
from gymtui.cli.missed_runs import MissedRuns
from gymtui.cli.options import tell
from gymtui.config.settings import Settings
from gymtui.core.instants import from_micros
from gymtui.core.replacement import replace
from gymtui.core.text import clean
from gymtui.core.urls import without_login
from gymtui.poll.connection import LinkState
from gymtui.poll.recorder import Recorder
from gymtui.session.session import FindKey, Session
from gymtui.store.formats import data_size, duration, of_many
from gymtui.store.history.journal_place import Place
from gymtui.store.history.recording_copy import RecordingSender, fetch_recording, recorders_of
from gymtui.store.history.recording_format import SUFFIX
from gymtui.store.history.recording_place import RecordingPlace
from gymtui.store.history.recording_reader import Recording
from gymtui.store.history.recording_rows import Head
from gymtui.store.history.recording_writer import (
    RecordingLimits,
    RecordingWriter,
    first_free,
    is_recorded,
)
from gymtui.store.lists.columns import RunView
from gymtui.store.lists.query import Filter
from gymtui.store.running_rollouts import Running

TELL_EVERY_S = 600.0
LOOK_S, SHARED_LOOK_S = 2.0, 1.0
"""How often it is looked after; and where what is recorded is to be with others soon."""


@dataclass(frozen=True, slots=True)
class RecordOptions:
    runs: Filter[RunView]  # which runs' rollouts; a run that once matched goes on being recorded
    for_s: float | None = None  # for how long; None until it is ended
    until_done: bool = False  # whether it ends once no such run is active
    keep: bool = False  # whether what is recorded is never deleted by age or size
    force: bool = False  # whether it is recorded beside another recorder, to a directory of its own


class _RunSelection:
    """Which runs are recorded: those that match, and those that once did."""

    def __init__(self, session: Session, runs: Filter[RunView]) -> None:
        self._session = session
        self._runs = runs
        self.seen: set[str] = set()
        self.watched: set[str] = set()  # those that were active while they were recorded

    def __call__(self, run_id: str) -> bool:
        if not self._runs.terms or run_id in self.seen:
            return True
        row = self._session.store.runs.get(run_id)
        if row is None:
            return False
        view = RunView(row, self._session.store.summary(run_id))
        if self._runs.matches(view, self._session.now().timestamp()):
            self.seen.add(run_id)
            return True
        return False


def attach_recorder(
    session: Session,
    directory: Path,
    *,
    wanted: Callable[[str], bool] | None = None,
    keep: bool = False,
    say: Callable[[str], None] = tell,
) -> None:
    """Have a session recorded from its first answer on.

    Args:
        directory: Of the recording, which nobody else writes.
        wanted: Whether a run's rollouts are recorded; None for those of all runs.
        keep: Whether what is recorded is never deleted by age or size.
    """
    settings = session.settings

    def trouble(error: OSError | None) -> None:
        say("recording again" if error is None else f"not recording: {error.strerror or error}")

    gym = without_login(settings.base_url)
    session.recorder = Recorder(
        RecordingWriter(directory, limits_of(settings), keep=keep),
        Head(gym, settings.source, settings.scenario, settings.interval_s, whole=wanted is None),
        session.store,
        session.tracker,
        session.clock,
        running=Running(settings.stuck),
        pace=session.tracker,
        wanted=wanted or (lambda _run_id: True),
        on_trouble=trouble,
    )


def limits_of(settings: Settings) -> RecordingLimits:
    return RecordingLimits(
        timedelta(days=settings.recording_days), settings.recording_limit_mib << 20
    )


def recorder_name() -> str:
    """Whose recorder this is, and on which machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may know nobody
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def is_recorded_elsewhere(place: RecordingPlace) -> bool:
    """Whether a colleague records the gym for the team."""
    # What this machine has is told by the lock: a recorder that was killed says nothing.
    return any(name != recorder_name() for name in recorders_of(place))


@contextmanager
def share_recording(
    place: RecordingPlace, settings: Settings, say: Callable[[str], None]
) -> Iterator[None]:
    """Send what is recorded in the meantime to the team, where the recording is one's."""
    if place.shared is None:
        yield
        return

    def trouble(fault: str | None) -> None:
        later = "; it is sent to the team once that works"
        say("sending to the team again" if fault is None else f"{clean(fault)}{later}")

    sender = RecordingSender(place, recorder_name(), limits_of(settings), trouble)
    try:
        yield
    finally:
        sender.close()


def record(
    settings: Settings,
    place: RecordingPlace,
    journal: Place,
    options: RecordOptions,
    *,
    find_key: FindKey = lambda _settings: None,
    say: Callable[[str], None] = tell,
) -> None:
    """Record until told to stop.

    Raises:
        BlockingIOError: Somebody else records this gym.
        OSError: The directory cannot be written, or could not at the end.
    """
    directory = place.directory
    if is_recorded_elsewhere(place):
        if not options.force:
            raise BlockingIOError
        directory = directory.with_name(f"{directory.name}-own")
    directory, lock = first_free(directory, beside=options.force)
    here = place if directory == place.directory else RecordingPlace(directory)
    try:
        with share_recording(here, settings, say):
            with_gym(
                settings,
                lambda client: _record(client, settings, here, journal, options, find_key, say),
            )
    finally:
        lock.close()


async def _record(
    client: Endpoints,
    settings: Settings,
    place: RecordingPlace,
    journal: Place,
    options: RecordOptions,
    find_key: FindKey,
    say: Callable[[str], None],
) -> None:
    gym = without_login(settings.base_url)
    wanted: list[_RunSelection] = []
    missed = MissedRuns(place.directory, lambda run_id: wanted[0](run_id))

    def prepare(session: Session) -> None:
        wanted.append(_RunSelection(session, options.runs))
        filtered = wanted[0] if options.runs.terms else None
        attach_recorder(session, place.directory, wanted=filtered, keep=options.keep, say=say)

    with termination_event() as ended:
        async with headless_session(
            settings, client, journal=journal, find_key=find_key, prepare=prepare
        ) as session:
            say(f"recording {clean(gym)} to {clean(place.directory)}")
            try:
                shared = place.shared is not None
                await _until_over(session, options, wanted[0], missed, ended, say, shared=shared)
            finally:
                if session.recorder is not None:
                    session.recorder.close()
    say(f"recorded {_progress_words(session)}")
    if session.recorder is not None and session.recorder.trouble is not None:
        raise session.recorder.trouble


async def _until_over(
    session: Session,
    options: RecordOptions,
    wanted: _RunSelection,
    missed: MissedRuns,
    ended: asyncio.Event,
    say: Callable[[str], None],
    *,
    shared: bool,
) -> None:
    began_s = told_s = session.monotonic()
    look_s = SHARED_LOOK_S if shared else LOOK_S
    while not ended.is_set() and options.for_s != 0:
        with suppress(TimeoutError):
            async with asyncio.timeout(min(look_s, options.for_s or look_s)):
                await ended.wait()
        missed.list_anew(session, await take_news(session, at_once=shared))
        now_s = session.monotonic()
        if options.for_s is not None and now_s - began_s >= options.for_s:
            return
        is_whole = missed.are_listed and not session.has_news
        if options.until_done and is_whole and _is_done(session, wanted):
            return
        if now_s - told_s >= TELL_EVERY_S:
            told_s = now_s
            say(_progress_words(session))


def _is_done(session: Session, wanted: _RunSelection) -> bool:
    """Whether no run that is recorded has anything left to say."""
    link, store = session.link, session.store
    if not link.synced or link.reading or link.state(session.monotonic()) is not LinkState.LIVE:
        return False
    active = [run_id for run_id in store.active_runs if wanted(run_id)]
    wanted.watched.update(active)
    if active:
        return False
    results = [store.summary(run_id) for run_id in wanted.watched if run_id in store.runs]
    return all(summary is not None and summary.settled for summary in results)


def _progress_words(session: Session) -> str:
    tally = session.recorder.tally if session.recorder is not None else None
    if tally is None:
        return "nothing"
    active = of_many(len(session.store.active_runs), "active run")
    link = session.link
    words = f"{active}, {of_many(tally.items, 'change')}, {data_size(tally.bytes)}"
    if link.error is not None:
        words += f"; {clean(link.error.brief)}"
    return words


@dataclass(frozen=True, slots=True)
class RecordingStatus:
    running: bool
    gym: str
    directory: Path
    bytes: int
    from_at: datetime | None = None  # when it begins, by the gym's clock; None for an empty one
    to_at: datetime | None = None
    gaps: int = 0  # stretches of which nothing is known
    problems: tuple[str, ...] = ()  # what of it cannot be read
    recorders: tuple[str, ...] = ()  # of a team's recording, whose are at work


def status_of(settings: Settings, place: RecordingPlace) -> RecordingStatus:
    gym, directory = without_login(settings.base_url), place.directory
    fetched = fetch_recording(place)
    running = is_recorded(directory) or bool(fetched.recorders)
    size = sum(path.stat().st_size for path in directory.glob(f"*{SUFFIX}"))
    recording = Recording(directory)
    problems = tuple(
        problem
        for problem in (*recording.problems, fetched.fault)
        if problem and not (running and problem == recording.unfinished)
    )
    status = RecordingStatus(
        *(running, gym, directory, size), problems=problems, recorders=fetched.recorders
    )
    if not recording:
        return status
    begin, end = from_micros(recording.from_us), from_micros(recording.to_us)
    return replace(status, from_at=begin, to_at=end, gaps=len(recording.gaps()))


def status_lines(status: RecordingStatus) -> list[str]:
    lines = [
        f"gym: {clean(status.gym)}",
        f"recorder: {'running' if status.running else 'not running'}",
    ]
    lines += [f"recorder of the team: {clean(name)}" for name in status.recorders]
    lines.append(f"directory: {clean(status.directory)} ({data_size(status.bytes)})")
    if status.from_at is None or status.to_at is None:
        lines.append("recorded: nothing")
    else:
        span = (status.to_at - status.from_at).total_seconds()
        begin, end = (
            at.astimezone().strftime("%Y-%m-%d %H:%M") for at in (status.from_at, status.to_at)
        )
        gaps = f", {of_many(status.gaps, 'gap')}" if status.gaps else ""
        lines.append(f"recorded: {begin} to {end} ({duration(span)}{gaps})")
    lines += [f"problem: {clean(problem)}" for problem in status.problems]
    return lines
