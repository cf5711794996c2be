"""The gym as a server: the application put together, bound to an address, run until told to stop.

Endpoints are in `endpoints.py`, what they stand on in `engine.engine`.
"""

import asyncio
import math
import signal
import socket
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import uvicorn
from pydantic import BaseModel, SecretStr, ValidationError
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gymtui.gym.clock import Clock, Pace
from gymtui.gym.engine.database import Database
from gymtui.gym.engine.database_place import Place, SharedDatabase
from gymtui.gym.engine.databases import open_database
from gymtui.gym.engine.engine import FAILURE_SHARE, MOST_PARALLEL, Engine
from gymtui.gym.engine.records import DatabaseRefusedError, PhaseSpan, StorageError
from gymtui.gym.engine.troubles import Troubles, no_troubles
from gymtui.gym.http.callers import is_loopback
from gymtui.gym.http.endpoints import make_router
from gymtui.gym.http.faults import Faults
from gymtui.gym.http.router import PathNames, Route, json_response, require_found
from gymtui.gym.http.transport import Protocol
from gymtui.gym.models.model_servers import LIMITS, ServerLimits
from gymtui.gym.models.scripted_agent import TEMPERAMENTS, Temperament
from gymtui.gym.scenarios.base import Scenario
from gymtui.gym.scenarios.bundle import open_bundles
from gymtui.gym.scenarios.bundle_files import BundleError
from gymtui.gym.scenarios.catalog import SCENARIOS
from gymtui.gym.wire import ModelConfig

GRACE_S = 2  # how long requests under way may take to finish when the server stops
COMPRESSION = 5
SMALLEST_GZIPPED_BYTES = 500


class CannotServeError(Exception):
    """The gym cannot be served as asked; the message says why and what would work."""


@dataclass(frozen=True)
class GymOptions:
    speed: float = 1.0  # 1 is a few seconds a step, 10 is ten times as fast
    seed: int = 0  # every random choice comes from it
    faults: bool = False  # whether it takes orders to misbehave and tells the truth about phases
    clock_offset_s: float = 0.0  # how far its clock is ahead of the machine's, seconds
    api_key: SecretStr | None = None  # asked of every request; None asks for none
    # Which share of scripted agents' workspaces fail to build, 0 to 1.
    failure_share: float = FAILURE_SHARE
    # The scripted agents, by the name of the model.
    temperaments: Mapping[str, Temperament] = field(default_factory=lambda: TEMPERAMENTS)
    troubles: Troubles = no_troubles
    # Waits a number of seconds, the speed being taken into account.
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    max_parallel: int = MOST_PARALLEL  # how many rollouts run at a time, over all runs
    server_limits: ServerLimits = LIMITS  # what model servers are asked at most
    judge: ModelConfig | None = None  # the model that judges by rubrics; None where none does
    # Bundles besides the built-in scenarios, or directories of bundles.
    scenarios: tuple[Path, ...] = ()
    works: bool = True  # whether rollouts are run here, too, where workers elsewhere could


class PhaseTruth(BaseModel):
    """The answer of `GET /__truth__/{rollout_id}`."""

    rollout_id: str
    phases: list[PhaseSpan]


def create_app(engine: Engine, options: GymOptions) -> ASGIApp:
    """Return the gym as an ASGI application.

    Args:
        engine: Started and stopped by whoever made it.
        options: Of these, the key and the faults matter here.
    """
    faults = Faults()
    extra = [*faults.routes(), _truth_route(engine)] if options.faults else []
    app: ASGIApp = make_router(engine, api_key=options.api_key, extra=extra)
    app = GZipMiddleware(app, minimum_size=SMALLEST_GZIPPED_BYTES, compresslevel=COMPRESSION)
    if options.faults:
        app = faults.wrap(app)
    return _add_dates(app, engine.clock)


def _truth_route(engine: Engine) -> Route:
    async def tell(request: Request, names: PathNames) -> Response:
        rollout_id = names["rollout_id"]
        phases = require_found("Rollout", engine.database.phases(rollout_id), rollout_id)
        return json_response(PhaseTruth(rollout_id=rollout_id, phases=phases))

    return Route("GET", "/__truth__/{rollout_id}", tell)


def _add_dates(app: ASGIApp, clock: Clock) -> ASGIApp:
    """Return `app` with a Date of the gym's own clock, which need not be the machine's."""

    async def dated(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(clock.now(), usegmt=True).encode()
                message = {**message, "headers": [(b"date", date), *message["headers"]]}
            await send(message)

        await app(scope, receive, send_dated)

    return dated


class _Server(uvicorn.Server):
    """uvicorn that ends when told to through an event, and leaves signals to `serve`."""

    def __init__(
        self, config: uvicorn.Config, ending: asyncio.Event, ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._ending = ending
        self._ready = ready

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def main_loop(self) -> None:
        await self._ending.wait()


def bind(host: str, port: int, *, has_key: bool) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises:
        CannotServeError: The address is not loopback and there is no key, or it cannot be bound.
    """
    if not has_key and not is_loopback(host):
        raise CannotServeError(
            f"{host} can be reached by others, and this gym asks for no key:"
            " give it one, or serve on 127.0.0.1"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except (OSError, OverflowError) as error:
        raise CannotServeError(f"cannot serve on {host} port {port}: {error}") from error


def url_of(listener: socket.socket) -> str:
    """Return where a listening socket is reached: `http://127.0.0.1:8765`."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _bundles(directories: Iterable[Path]) -> Iterator[Mapping[str, Scenario]]:
    try:
        with open_bundles(directories, SCENARIOS) as scenarios:
            yield scenarios
    except BundleError as error:
        raise CannotServeError(str(error)) from error


def _engine(
    place: Place, database: Database, options: GymOptions, scenarios: Mapping[str, Scenario]
) -> Engine:
    clock = Clock(timedelta(seconds=options.clock_offset_s))
    if not isinstance(place, Path):
        return _queue_engine(place, database, clock, options, scenarios)
    return Engine(
        database,
        clock=clock,
        pace=Pace(options.speed, options.sleep),
        seed=options.seed,
        failure_share=options.failure_share,
        temperaments=options.temperaments,
        troubles=options.troubles,
        most_parallel=options.max_parallel,
        server_limits=options.server_limits,
        judge=options.judge,
        scenarios=scenarios,
    )


def _queue_engine(
    place: SharedDatabase,
    database: Database,
    clock: Clock,
    options: GymOptions,
    scenarios: Mapping[str, Scenario],
) -> Engine:
    """Return an engine for a shared database, with a worker of its own where the gym `works`."""
    # Imported by those alone who have a database, whose driver is installed.
    from gymtui.gym.engine.database_server import DatabaseServer
    from gymtui.gym.engine.queue_engine import QueueEngine
    from gymtui.gym.engine.rollout_queue import GymSettings
    from gymtui.gym.engine.worker import Worker

    assert isinstance(database, DatabaseServer)  # noqa: S101  (what is opened at such a place)
    judge, limits = options.judge, options.server_limits
    worker = Worker(
        place,
        scenarios=scenarios,
        at_once=options.max_parallel,
        judge_key=None if judge is None else judge.api_key,
        temperaments=options.temperaments,
        clock_offset=clock.offset,
        sleep=options.sleep,
    )
    settings = GymSettings(
        options.seed,
        options.speed,
        options.failure_share,
        options.max_parallel,
        limits.at_once,
        limits.timeout_s,
        None if judge is None else judge.public(),
    )
    return QueueEngine(
        database,
        settings,
        clock=clock,
        worker=worker if options.works else None,
        server_limits=limits,
        judge=judge,
        scenarios=scenarios,
        temperaments=options.temperaments,
    )


@asynccontextmanager
async def open_engine(place: Place, options: GymOptions) -> AsyncIterator[Engine]:
    """Open a database with a running engine on it, and close both at the end.

    Raises:
        CannotServeError: The database is in use or is not one, or a bundle cannot be used.
    """
    try:
        database = open_database(place)
    except DatabaseRefusedError as error:
        raise CannotServeError(str(error)) from error
    with database, _bundles(options.scenarios) as more:
        try:
            engine = _engine(place, database, options, {**SCENARIOS, **more})
            engine.start()
        except StorageError as error:
            raise CannotServeError(f"cannot use the database: {error}") from error
        try:
            yield engine
        finally:
            await engine.stop()


async def serve_until(
    ending: asyncio.Event,
    listener: socket.socket,
    place: Place,
    options: GymOptions,
    ready: Callable[[str], None],
    beside: Callable[[Engine], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Serve on a bound socket until `ending` is set; the socket is closed then.

    Args:
        place: The gym's memory; made when it is missing.
        ready: Called with the URL once requests are answered.
        beside: What goes on with the engine meanwhile; cancelled at the end.

    Raises:
        CannotServeError: The database is in use or is not one.
    """
    with listener:
        async with open_engine(place, options) as engine:
            config = uvicorn.Config(
                create_app(engine, options),
                http=Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                date_header=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=GRACE_S,
            )
            server = _Server(config, ending, lambda: ready(url_of(listener)))
            async with asyncio.TaskGroup() as together:
                companion = together.create_task(beside(engine)) if beside is not None else None
                await server.serve(sockets=[listener])
                if companion is not None:
                    companion.cancel()


def serve(
    host: str,
    port: int,
    place: Place,
    options: GymOptions,
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve a gym until SIGTERM or SIGINT; to be called in the main thread.

    Args:
        host: Where to listen; anything but loopback needs a key.
        port: 0 takes a free one.
        ready: Called once with the gym's URL, when it answers.

    Raises:
        CannotServeError: The address or the database cannot be had.
    """
    if not 0 < options.speed < math.inf:
        raise CannotServeError(f"the speed must be a number above 0, not {options.speed}")
    if not math.isfinite(options.clock_offset_s):
        offset = options.clock_offset_s
        raise CannotServeError(f"the clock's offset must be a number, not {offset}")
    if not options.works and isinstance(place, Path):
        raise CannotServeError("workers elsewhere need a PostgreSQL database: --db postgresql://…")
    listener = bind(host, port, has_key=options.api_key is not None)

    async def run() -> None:
        ending = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ending.set)
        await serve_until(ending, listener, place, options, ready)

    asyncio.run(run())


def judge_settings(settings: Mapping[str, str | None]) -> ModelConfig:
    """The model that judges by rubrics, by its settings as a ModelConfig.

    Raises:
        CannotServeError: They are none, or of no server.
    """
    try:
        judge = ModelConfig.model_validate(dict(settings))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        words = f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
        raise CannotServeError(f"the judge's settings cannot be used: {words}") from None
    if judge.base_url is None:
        raise CannotServeError("a judge needs the base URL of its model's server: --judge-url")
    return judge
