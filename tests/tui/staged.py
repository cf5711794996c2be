"""A gym whose rollouts live by the second, and a clock moved by hand: what is drawn is repeatable.

The picture of an instant depends on nothing but what was laid down and how far time was moved.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style

from gymtui.api.client import GymClient
from gymtui.config.settings import Settings
from gymtui.tui.app.app import GymtuiApp
from gymtui.tui.context.theme import Palette
from gymtui.tui.runtime.crash_report import Reporter
from tests.tui.person import Person
from tests.tui.scripted import ScriptedGym

START = datetime(2026, 3, 20, 10, 0, 0, 500_000, tzinfo=UTC)
PHASES = ("building_environment", "seeding", "agent_running", "verifying")
MODEL = {"model": "qwen3-32b-s4000", "provider": "custom", "temperature": 0.7, "max_steps": 30}


class Clock:
    """The time, for the gym and for the dashboard: it stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """Since `START`; the monotonic clock too."""

    def now(self) -> datetime:
        """The gym's time, and the wall clock's."""
        return START + timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Life:
    """What a rollout goes through, in seconds after `START`.

    Attributes:
        began: When it starts to run; None if it never does.
        phases: How long each phase lasts, in their order; what is not there is not reached.
        ending: What is said of it once the last phase is over: `status`, `result`, …
        steps_s: How long one step takes.
        said: Fields that hold from first to last, whatever else would be said.
    """

    began: float | None
    phases: tuple[float, ...] = ()
    ending: Mapping[str, Any] | None = None
    steps_s: float = 1.0
    said: Mapping[str, Any] = field(default_factory=dict)

    def told(self, seconds: float) -> dict[str, Any]:
        """What the API says of it at an instant."""
        created = {"status": "pending", "timestamp": _stamp(-60)}
        told: dict[str, Any] = {
            **{"status": "pending", "phase": None, "current_step": None, "max_steps": 30},
            **{"scenario_id": "hr", "created_at": _stamp(-60), "model_config": MODEL},
            "status_events": [created],
        }
        if self.began is not None and seconds >= self.began:
            running = {"status": "running", "timestamp": _stamp(self.began)}
            told |= {"status": "running", "started_at": running["timestamp"]}
            told["status_events"] = [created, running]
            end = self.began
            for phase, lasts in zip(PHASES, self.phases, strict=False):
                if seconds >= end:
                    taken = int((seconds - end) / self.steps_s) + 1
                    told |= {"phase": phase, "current_step": None}
                    if phase == "agent_running":
                        told["current_step"] = taken
                end += lasts
            if self.ending is not None and seconds >= end:
                told |= {"completed_at": _stamp(end), "current_step": None, **self.ending}
                told["status_events"] += [{"status": told["status"], "timestamp": _stamp(end)}]
        return told | dict(self.said)


@dataclass
class StagedGym(ScriptedGym):
    """Runs of lives, as they are at the clock's time."""

    clock: Clock = field(default_factory=Clock)
    lives: dict[str, list[tuple[str, str | None, Life]]] = field(default_factory=dict)
    """By run: rollout id, task id and life."""

    def live(self, run_id: str, task_id: str | None, *lives: Life) -> None:
        """Add attempts of a task to a run."""
        members = self.lives.setdefault(run_id, [])
        for life in lives:
            members.append((f"{run_id[:12]}.{len(members) + 1:03d}", task_id, life))

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What it says to a request, at the clock's time."""
        self.runs = {
            run_id: [
                {"rollout_id": name, "run_id": run_id, "task_id": task}
                | life.told(self.clock.seconds)
                for name, task, life in members
            ]
            for run_id, members in self.lives.items()
        }
        response = super().answer(request)
        date = f"{self.clock.now():%a, %d %b %Y %H:%M:%S GMT}"
        return httpx.Response(
            response.status_code, content=response.content, headers={"Date": date}
        )


@dataclass
class StillGym(StagedGym):
    """Its runs are those of a scripted gym, its clock is the test's.

    Attributes:
        odd: What is said of a run in place of its status, by its id.
    """

    odd: dict[str, Any] = field(default_factory=dict)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What it says to a request, at the clock's time."""
        said = ScriptedGym.answer(self, request)
        date = f"{self.clock.now():%a, %d %b %Y %H:%M:%S GMT}"
        return httpx.Response(said.status_code, content=said.content, headers={"Date": date})

    def _status(self, run_id: str) -> dict[str, Any]:
        return self.odd.get(run_id) or super()._status(run_id)


@asynccontextmanager
async def staged_dashboard(
    gym: StagedGym, directory: Path, size: tuple[int, int]
) -> AsyncIterator[Person]:
    """The dashboard on a staged gym; it polls when `pass_time` says so."""
    settings = Settings(base_url=gym.url, interval_s=2.0, max_requests_per_s=100.0)
    transport = httpx.MockTransport(gym.answer)
    clock = gym.clock
    client = GymClient(gym.url, transport=transport, clock=lambda: clock.seconds)
    app = GymtuiApp(
        settings,
        client,
        Reporter(directory, secrets=[]),
        wall=lambda: clock.now().timestamp(),
        monotonic=lambda: clock.seconds,
    )
    async with app.run_test(size=size) as pilot:
        person = Person(app, pilot, gym)  # type: ignore[arg-type]
        try:
            yield person
        finally:
            person.http.close()


async def pass_time(person: Person, *steps_s: float) -> None:
    """Let time pass in steps, the gym being asked after each."""
    gym = person.gym
    assert isinstance(gym, StagedGym)
    for step_s in steps_s:
        gym.clock.seconds += step_s
        before = len(gym.asked)
        person.app.refresh_now()
        await person.until(lambda before=before: len(gym.asked) > before, "never asked")
        await person.until(
            lambda: person.app.session.link.since_s == gym.clock.seconds, "never answered"
        )
        await person.pilot.pause()


def picture(person: Person) -> str:
    """The screen as text, without the footer and without what the test's place decides."""
    status, *others = person.screen().split("\n")
    status = re.sub(r" +[●○] .*", "", status)
    return "\n".join([status.rstrip(), *others[:-1]]) + "\n"


def inks(person: Person) -> str:
    """What the picture is drawn with: by row, the columns at which the ink changes, and to what.

    An ink is called what the palette calls its colour; what stands after a slash is behind it.
    `~` is a colour between two of the palette's.
    """
    names = _names(person.app.palette)
    lines = []
    for row, strip in enumerate(person.app.screen._compositor.render_strips()[1:-1], start=1):
        cells: Iterable[tuple[int, str]] = enumerate(
            ink for text, style, _ in strip for ink in [_ink(style, names)] * cell_len(text)
        )
        runs = [(next(cells)[0], ink) for ink, cells in groupby(cells, key=lambda cell: cell[1])]
        said = " ".join(f"{column}:{ink}" for column, ink in runs)
        lines.append(f"{row:3} {said}".rstrip())
    return "\n".join(lines) + "\n"


def _names(palette: Palette) -> dict[Color | None, str]:
    """What the palette calls its colours; those it calls by several names by the first."""
    ours = {"background": palette.base.bgcolor, "foreground": palette.base.color}
    behind = {"cursor": palette.cursor.bgcolor, "bar": palette.bar.bgcolor}
    plain = {n: s.color for n, s in palette.styles.items() if n.isalpha() and not s.bgcolor}
    named = {**ours, **behind, **plain}
    return {colour: name for name, colour in reversed(named.items())} | {None: "-"}


def _ink(style: Style | None, names: Mapping[Color | None, str]) -> str:
    if style is None:
        return "-"
    said = names.get(style.color, "~")
    behind = names.get(style.bgcolor, "~")
    if behind not in ("background", "-"):
        said += f"/{behind}"
    flags = {"b": style.bold, "d": style.dim, "s": style.strike, "r": style.reverse}
    return said + "".join(f"+{name}" for name, on in flags.items() if on)


def _stamp(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()
