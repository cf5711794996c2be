"""The way to the gym: name, TLS, clock, latency, and one call of each kind that changes nothing.

Every step has its time, and what it learns is told at once, so that whoever waits can stop.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from statistics import median
from urllib.parse import urlsplit

from gymtui.api import errors, proxies
from gymtui.api.client import GymClient, trusted_context
from gymtui.api.list_answer import parse_rollout, parse_run, split
from gymtui.api.models import Rollout, RunStatus
from gymtui.api.request import Timeouts
from gymtui.api.response import detect_interception
from gymtui.cli.checkup.checks import Check, CheckState
from gymtui.cli.checkup.tls import describe_failure, describe_handshake
from gymtui.cli.options import exit_code
from gymtui.config.api_key import fix_advice
from gymtui.config.settings import Settings
from gymtui.core import urls
from gymtui.core.server_clock import ServerClock
from gymtui.store.formats import duration, of_many
from gymtui.store.phases import is_finished

STEP_S = 5.0  # how long a name, a connection or a single call may take
WHOLE_S = 40.0
PINGS = 4
SLOW_S = 1.0
CLOCK_OFF_S = 30.0
RUNS_LOOKED_AT = 20


class _EnoughError(Exception):
    """What was to be learnt of a download is learnt."""


@dataclass(slots=True)
class GymChecks:
    """What was learnt so far; may be read while it goes on."""

    checks: list[Check] = field(default_factory=list)
    status: int = 0  # the exit code that this means: 3 no answer, 4 refused
    ended: bool = False

    def note(
        self, name: str, message: str, state: CheckState = CheckState.OK, advice: str = ""
    ) -> None:
        self.checks.append(Check("gym", name, message, state, advice))


def check_gym(settings: Settings, *, whole_s: float = WHOLE_S) -> GymChecks:
    """Go to the gym and look around, for so long and no longer.

    What was learnt is not ended if time ran out, while a thread may still hang in a system call.
    """
    report = GymChecks()
    # A thread, since a resolver that hangs cannot be interrupted.
    going = threading.Thread(target=_go, args=(settings, report), daemon=True, name="doctor")
    going.start()
    going.join(whole_s)
    if not report.ended:
        found = GymChecks(list(report.checks), report.status or 3)
        found.note(
            "time", f"timed out after {whole_s:g} s", CheckState.BAD, "see the last step above"
        )
        return found
    return report


def _go(settings: Settings, report: GymChecks) -> None:
    origin = urls.origin_of(settings.base_url)
    try:
        address = proxies.proxy_for(settings.base_url, os.environ)
        proxies.check_key_log(os.environ)
    except errors.UnsafeUrl as error:
        report.note("environment", error.reason, CheckState.BAD, "fix or unset that variable")
        report.status, report.ended = 4, True
        return
    proxy = urlsplit(address) if address is not None else None
    host, port = (proxy.hostname or "", proxy.port or 80) if proxy else (origin.host, origin.port)
    if proxy is not None:
        report.note("proxy", f"{host}:{port}, from the environment")
    if _resolves(host, port, report) and (proxy is not None or _connects(origin, report)):
        asyncio.run(_call(settings, report))
    report.ended = True


def _resolves(host: str, port: int, report: GymChecks) -> bool:
    outcome: list[object] = []

    def ask() -> None:
        try:
            outcome.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            outcome.append(error)
        except UnicodeError:
            outcome.append(OSError("not a valid host name"))

    asking = threading.Thread(target=ask, daemon=True, name="resolver")
    began_s = time.monotonic()
    asking.start()
    asking.join(STEP_S)
    took = _ms(time.monotonic() - began_s)
    found = outcome[0] if outcome else None
    if isinstance(found, list):
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        more = f" and {len(addresses) - 2} more" if len(addresses) > 2 else ""
        report.note("name", f"{host} resolves to {', '.join(addresses[:2])}{more}, {took}")
        return True
    why = f"no answer within {STEP_S:g} s" if found is None else _why(found)
    advice = "check base_url for typos, and this machine's network"
    report.note("name", f"{host}: {why}", CheckState.BAD, advice)
    report.status = 3
    return False


def _connects(origin: urls.Origin, report: GymChecks) -> bool:
    """Connect, and for https shake hands; the client does so again, with its own patience."""
    what = "TLS" if origin.scheme == "https" else "connection"
    began_s = time.monotonic()
    try:
        with socket.create_connection((origin.host, origin.port), STEP_S) as plain:
            took = _ms(time.monotonic() - began_s)
            if origin.scheme != "https":
                report.note(what, f"port {origin.port}, {took}")
                return True
            with trusted_context().wrap_socket(plain, server_hostname=origin.host) as secure:
                report.note(what, *describe_handshake(secure, _ms(time.monotonic() - began_s)))
                return True
    except errors.UnsafeUrl as error:
        report.note(what, error.reason, CheckState.BAD, "it must name a file of certificates")
        report.status = 3
        return False
    except ssl.SSLError as error:
        report.note(what, *describe_failure(error))
        report.status = 3
        return False
    except OSError as error:
        advice = "check the port, whether the gym is running, and firewalls"
        report.note(what, f"port {origin.port}: {_why(error)}", CheckState.BAD, advice)
        report.status = 3
        return False


async def _call(settings: Settings, report: GymChecks) -> None:
    timeouts = Timeouts(STEP_S, STEP_S, STEP_S, STEP_S, STEP_S)
    try:
        client = GymClient(
            settings.base_url, settings.key, insecure=settings.insecure, timeouts=timeouts
        )
    except (errors.UnsafeUrl, errors.Unauthorized) as error:
        report.note("client", error.line, CheckState.BAD, "fix the settings")
        report.status = 4
        return
    async with client:
        if await _ping(client, settings, report):
            await _look_around(client, settings, report)
    if client.note is not None:
        report.note("paths", client.note)


async def _ping(client: GymClient, settings: Settings, report: GymChecks) -> bool:
    """The same small question a few times: clock and latency; whether it was answered."""
    clock = ServerClock(time.time, time.monotonic)
    times: list[float] = []
    dated = False
    try:
        for _ in range(PINGS):
            answer = await client.list_runs(settings.scenario, settings.source, limit=1)
            times.append(answer.received_s - answer.sent_s)
            if answer.date is not None:
                dated = True
                clock.sample(answer.sent_s, answer.received_s, answer.date)
    except errors.GymError as error:
        _failed("GET /runs", error, settings, report)
        return False
    slow = median(times) > SLOW_S
    message = f"{_ms(median(times))}, max {_ms(max(times))}"
    advice = "a longer --interval polls less often" if slow else ""
    report.note("latency", message, CheckState.WARNING if slow else CheckState.OK, advice)
    if not dated:
        report.note("clock", "the gym sends no Date; using this machine's clock")
        return True
    offset_s, error_s = clock.offset_s, clock.error_s or 0.0
    way = "ahead of" if offset_s > 0 else "behind"
    if abs(offset_s) <= error_s:
        report.note("clock", f"in sync, within {error_s:.1f} s")
    else:
        message = (
            f"the gym's clock is {duration(abs(offset_s))} {way} this machine's, ±{error_s:.1f} s"
        )
        off = abs(offset_s) > CLOCK_OFF_S
        advice = "no action needed: gymtui corrects for it" if off else ""
        report.note("clock", message, CheckState.WARNING if off else CheckState.OK, advice)
    return True


async def _look_around(client: GymClient, settings: Settings, report: GymChecks) -> None:
    """One call of each kind; none changes anything."""
    run, rollout = await _runs(client, settings, report), None
    if run is not None:
        rollout = await _rollouts(client, settings, run, report)
    if rollout is not None:
        await _artifacts(client, settings, rollout, report)
    scenario = settings.scenario
    found: list[str] = []

    async def scenarios() -> str:
        listed = await client.list_scenarios()
        found.extend(one.scenario_id for one in listed)
        return of_many(len(listed), "scenario")

    await _step("GET /scenarios", scenarios, settings, report, optional=True)
    scenario = scenario or next(iter(found), None)
    if scenario is None:
        return
    tasks: list[str] = []

    async def list_tasks() -> str:
        listed = await client.list_tasks(scenario)
        tasks.extend(task.task_id for task in listed)
        return of_many(len(listed), "task")

    await _step("GET /scenarios/…/tasks", list_tasks, settings, report, optional=True)

    async def rubric() -> str:
        return of_many(len(await client.rubric(scenario, tasks[0])), "character")

    if tasks:
        await _step("GET …/rubric", rubric, settings, report, optional=True)


async def _runs(client: GymClient, settings: Settings, report: GymChecks) -> RunStatus | None:
    """List runs, and ask for the smallest of those that have ended, else for any."""
    runs: list[RunStatus] = []

    async def listed() -> str:
        answer = await client.list_runs(settings.scenario, settings.source, limit=RUNS_LOOKED_AT)
        listing = split(answer.body, "runs")
        runs.extend(run for run in map(parse_run, listing.items) if isinstance(run, RunStatus))
        broken = len(listing.items) - len(runs)
        total = of_many(listing.total, "run") if listing.total is not None else "no total"
        return f"{total}, {broken} of {len(listing.items)} unreadable" if broken else total

    await _step("GET /runs", listed, settings, report)
    if not runs:
        return None
    chosen = min(runs, key=lambda run: (not run.total, bool(run.in_progress), run.total or 0))

    async def one() -> str:
        await client.get_run(chosen.run_id)
        return chosen.run_id

    await _step("GET /runs/…", one, settings, report)
    return chosen


async def _rollouts(
    client: GymClient, settings: Settings, run: RunStatus, report: GymChecks
) -> Rollout | None:
    rollouts: list[Rollout] = []

    async def listed() -> str:
        answer = await client.list_rollouts(run_id=run.run_id)
        items = split(answer.body, "rollouts").items
        rollouts.extend(r for r in map(parse_rollout, items) if isinstance(r, Rollout))
        size = f"{len(answer.body) / 1000:.1f} kB, {answer.wire_bytes / 1000:.1f} on the wire"
        return f"{of_many(len(items), 'rollout')}, {size}"

    await _step("GET /rollouts", listed, settings, report)
    if not rollouts:
        return None
    chosen = next((r for r in rollouts if is_finished(r)), rollouts[0])

    async def one() -> str:
        await client.get_rollout(chosen.rollout_id)
        return chosen.rollout_id

    await _step("GET /rollouts/…", one, settings, report)
    return chosen if is_finished(chosen) else None


async def _artifacts(
    client: GymClient, settings: Settings, rollout: Rollout, report: GymChecks
) -> None:
    def begin(data: bytes) -> None:
        if data and (other := detect_interception(data)) is not None:
            raise other
        if data:
            raise _EnoughError

    async def artifacts() -> str:
        try:
            async with asyncio.timeout(STEP_S):
                await client.stream_artifacts(rollout.rollout_id, begin)
        except _EnoughError:
            return "ok"
        except TimeoutError:
            raise errors.Unreachable("timeout") from None
        return "empty"

    await _step("GET …/artifacts", artifacts, settings, report, optional=True)


async def _step(
    name: str,
    ask: Callable[[], Awaitable[str]],
    settings: Settings,
    report: GymChecks,
    *,
    optional: bool = False,
) -> None:
    began_s = time.monotonic()
    try:
        result = await ask()
    except errors.NotFound as error:
        if not optional:
            _failed(name, error, settings, report)
            return
        report.note(
            name,
            "not supported by this gym",
            CheckState.WARNING,
            "features that need it are unavailable",
        )
    except errors.GymError as error:
        _failed(name, error, settings, report)
    else:
        report.note(name, f"{result}, {_ms(time.monotonic() - began_s)}")


def _failed(name: str, error: errors.GymError, settings: Settings, report: GymChecks) -> None:
    key = f"the key from {settings.key_origin}" if settings.key is not None else "no key"
    match error:
        case errors.Unauthorized():
            words, advice = f"401 with {key}", fix_advice(settings.key_origin)
        case errors.Forbidden():
            words, advice = f"403 with {key}", "the key lacks this permission: ask for it"
        case errors.RateLimited():
            words, advice = "429", "rate limited: use a longer --interval"
        case errors.Unreachable():
            words, advice = f"no answer: {error.brief}", "try again; see the checks above"
        case errors.Intercepted() | errors.Redirected():
            words = error.line
            advice = "log in to the network, or check base_url and the proxy variables"
        case errors.Garbled():
            words, advice = error.brief, "check that base_url is a gym and not a login page"
        case _:
            words, advice = error.brief, "the gym has an error, or lacks this endpoint"
    message = f"{words}: {error.detail}" if error.detail and error.detail not in words else words
    report.note(name, message, CheckState.BAD, advice)
    report.status = report.status or exit_code(error)


def _why(error: object) -> str:
    if isinstance(error, socket.gaierror):
        return "no such host"
    if isinstance(error, TimeoutError):
        return f"no answer within {STEP_S:g} s"
    return str(getattr(error, "strerror", None) or error).lower()


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
