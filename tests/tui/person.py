"""The real app on a real local gym, driven without a terminal: for the tests of the screens."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
from textual.pilot import Pilot

from gymtui.api.client import GymClient
from gymtui.config.schema import Problem
from gymtui.config.settings import Settings
from gymtui.core.secret import ApiKey
from gymtui.session.saved_layout import SavedLayout
from gymtui.tui.app.app import GymtuiApp
from gymtui.tui.app.profile_switch import ProfileConnections
from gymtui.tui.context.key_bindings import DEFAULT_BINDINGS, KeyBindings
from gymtui.tui.context.preferences import Preferences
from gymtui.tui.runtime.crash_report import Reporter
from tests.gym.running_gym import RunningGym, launch_body

DEADLINE_S = 60.0


class Person:
    """Someone at the dashboard, and another client of the same gym to compare with."""

    def __init__(self, app: GymtuiApp, pilot: Pilot[None], gym: RunningGym) -> None:
        self.app = app
        self.pilot = pilot
        self.gym = gym
        self._notices: list[tuple[str, float]] = []
        """What was told since a key was last pressed, and when that is gone."""
        self._show = app.notify
        setattr(app, "notify", self._notify)  # noqa: B010  (of this app alone)
        # Loopback, without TLS: reading the certificates would take longer than many a test.
        self.http = httpx.Client(base_url=gym.url, timeout=DEADLINE_S, verify=False)

    def screen(self) -> str:
        """What is on screen, as text."""
        return "\n".join(
            strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()
        )

    def _notify(self, message: str, *, timeout: float | None = None, **others: Any) -> None:
        stays_s = self.app.NOTIFICATION_TIMEOUT if timeout is None else timeout
        self._notices.append((message, time.monotonic() + stays_s))
        self._show(message, timeout=timeout, **others)

    async def press(self, *keys: str) -> None:
        """Press keys."""
        self._notices.clear()
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, what: Callable[[], Any], why: str = "") -> Any:
        """Wait until something holds, and return it."""
        end = time.monotonic() + DEADLINE_S
        while not (found := what()):
            assert time.monotonic() < end, f"{why or 'it never came true'}:\n{self.screen()}"
            await self.pilot.pause(0.02)
        return found

    async def sees(self, *words: str) -> str:
        """Wait until all these words are on screen.

        On a machine that is busy a notice may be gone before anybody looks: it was seen.
        """

        def seen() -> bool:
            now = time.monotonic()
            gone = [message for message, until in self._notices if until < now]
            return all(any(w in text for text in (self.screen(), *gone)) for w in words)

        await self.until(seen, f"never saw {words}")
        return self.screen()

    async def sees_no(self, *words: str) -> str:
        """Wait until none of these words is on screen."""
        await self.until(lambda: not any(w in self.screen() for w in words), f"still see {words}")
        return self.screen()

    def launch(self, name: str, **changes: Any) -> str:
        """Launch a run from elsewhere."""
        body = launch_body(run_name=name, **changes)
        response = self.http.post("/runs", json=body)
        assert response.status_code == 200, response.text
        return str(response.json()["run_id"])

    async def sees_every_step(self, run_id: str) -> None:
        """Let a run of a held gym go on to its end, each step once the last was seen."""
        while (where := self._where(run_id)) is not None:
            await self.until(lambda seen=where: self._seen(seen), "a step was never seen")
            self.gym.step()

    def _where(self, run_id: str) -> dict[str, tuple[str | None, int | None]] | None:
        """Phase and step of the rollouts that run, as the gym says; None when none is left."""
        response = self.http.get("/rollouts", params={"run_id": run_id})
        rollouts = response.raise_for_status().json()["rollouts"]
        if not any(rollout["status"] in ("pending", "running") for rollout in rollouts):
            return None
        return {
            rollout["rollout_id"]: (rollout["phase"], rollout["current_step"])
            for rollout in rollouts
            if rollout["status"] == "running"
        }

    def _seen(self, where: dict[str, tuple[str | None, int | None]]) -> bool:
        rows = self.app.session.store.rollouts
        return all(
            (row := rows.get(rollout_id)) is not None
            and row.rollout is not None
            and (row.rollout.phase, row.rollout.current_step) == there
            for rollout_id, there in where.items()
        )

    def ask(self, run_id: str) -> httpx.Response:
        """What another client is told of a run."""
        path = "".join(f"%{byte:02X}" for byte in run_id.encode())
        return self.http.get(f"/runs/{path}")


@asynccontextmanager
async def dashboard(
    gym: RunningGym,
    directory: Path,
    *,
    size: tuple[int, int] = (120, 36),
    key: str | None = None,
    saved_layout: SavedLayout | None = None,
    journal: Path | None = None,
    model_env: Mapping[str, str] = MappingProxyType({}),
    keys: KeyBindings = DEFAULT_BINDINGS,
    problems: Sequence[Problem] = (),
    gyms: ProfileConnections | None = None,
    **settings: Any,
) -> AsyncIterator[Person]:
    """The dashboard on a gym, polling three times a second."""
    wanted = Settings(
        base_url=gym.url,
        key=ApiKey(key) if key else None,
        key_origin="a test" if key else "",
        **{"interval_s": 0.3, "max_requests_per_s": 100.0, **settings},
    )
    secrets = [key] if key else []
    app = GymtuiApp(
        wanted,
        GymClient(wanted.base_url, wanted.key),
        Reporter(directory, secrets=secrets),
        preferences=Preferences(None, saved_layout or SavedLayout(), keys, problems),
        journal=journal,
        model_env=model_env,
        gyms=gyms,
    )
    async with app.run_test(size=size, notifications=True, tooltips=True) as pilot:
        person = Person(app, pilot, gym)
        try:
            yield person
        finally:
            person.http.close()
            app.exit()
