"""A session with a gym without a screen: polled, observed and kept as in a dashboard."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Literal

from gymtui.api.endpoints import Endpoints
from gymtui.cli.options import tell
from gymtui.config.settings import Settings
from gymtui.core.server_clock import ServerClock
from gymtui.core.text import clean
from gymtui.session.host import SessionHost, Work
from gymtui.session.input_priority import InputPriority
from gymtui.session.session import FindKey, Session
from gymtui.store.delta import NOTHING, Delta
from gymtui.store.history.journal import Journal
from gymtui.store.history.journal_place import Place, local_path
from gymtui.store.store import ROLLOUTS_RECORDED


class _HeadlessHost(SessionHost):
    """Nobody looks: work is carried out, notices are told, and nothing is shown."""

    shows_alerts = False

    def __init__(self) -> None:
        self._work: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[None, None, None], group: str) -> Work:
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    def notify_later(self, words: str, severity: Literal["information", "warning"]) -> None:
        tell(clean(words))


@asynccontextmanager
async def headless_session(
    settings: Settings,
    client: Endpoints,
    *,
    journal: Place | None,
    find_key: FindKey = lambda _settings: None,
    wall: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
    prepare: Callable[[Session], object] = lambda _session: None,
) -> AsyncIterator[Session]:
    """A session that polls for as long as it is entered; a defect in it ends the block.

    Args:
        find_key: Looks for the key anew when it is refused.
        monotonic: Seconds that only go forward: those of the client.
        prepare: Called before the first question is asked.
    """
    kept = None
    if journal is not None:
        kept = Journal(
            journal,
            now=lambda: datetime.fromtimestamp(wall(), UTC),
            on_notice=lambda notice: tell(clean(notice.text)),
        )
    session = Session(
        settings,
        client,
        ServerClock(wall, monotonic),
        kept,
        _HeadlessHost(),
        input_priority=InputPriority(monotonic),
        monotonic=monotonic,
        rng=random.Random(),  # noqa: S311  (jitter)
        find_key=find_key,
        journal_path=None if journal is None else local_path(journal),
        rollouts_kept=ROLLOUTS_RECORDED,
    )
    prepare(session)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(session.poller.run()),
                group.create_task(session.tracker.run(follow=session.recorder is None)),
            ]
            try:
                yield session
            finally:
                for task in tasks:
                    task.cancel()
    except BaseExceptionGroup as defects:
        raise defects.exceptions[0] from None
    finally:
        session.close()
        if kept is not None:
            await asyncio.to_thread(kept.close)


async def take_news(session: Session, *, at_once: bool = False) -> Delta:
    """Take in what came, which nobody else does; what changed.

    Args:
        at_once: Whether all that is recorded is written now, rather than what is due.
    """
    delta = NOTHING
    if session.has_news:
        delta = await session.news()
        await session.update_forecast()
    if session.recorder is not None:
        session.recorder.write(at_once=at_once)
    return delta


@contextmanager
def termination_event() -> Iterator[asyncio.Event]:
    """An event that SIGTERM, SIGHUP and `^C` set, in place of ending the process."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, ended.set)
    try:
        yield ended
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
