"""Draws `screenshots/`: the real program on the demo's gym, by the framework's own SVG export.

Run by `make screenshots`. The gym's time is let pass by hand: it stands while a scene is played.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from textual._ansi_theme import ALABASTER
from textual.pilot import Pilot

from gymtui.api.client import GymClient
from gymtui.config.settings import Settings
from gymtui.tui.app.app import GymtuiApp
from gymtui.tui.runtime.crash_report import Reporter
from tests.gym.played_gym import URL, PlayedGym, played_gym

SCREENSHOTS = Path(__file__).parent.parent / "screenshots"
SIZE = (120, 30)
INTERVAL_S = 0.3
TRIES = 1000
UNSEEN_S = 5
"""For how long the story plays before the program is started."""

TANGO = TerminalTheme(
    (0x1C, 0x1E, 0x20),
    (0xD3, 0xD7, 0xCF),
    [
        (0x2E, 0x34, 0x36), (0xCC, 0x00, 0x00), (0x4E, 0x9A, 0x06), (0xC4, 0xA0, 0x00),
        (0x34, 0x65, 0xA4), (0x75, 0x50, 0x7B), (0x06, 0x98, 0x9A), (0xD3, 0xD7, 0xCF),
    ],
    [
        (0x55, 0x57, 0x53), (0xEF, 0x29, 0x29), (0x8A, 0xE2, 0x34), (0xFC, 0xE9, 0x4F),
        (0x72, 0x9F, 0xCF), (0xAD, 0x7F, 0xA8), (0x34, 0xE2, 0xE2), (0xEE, 0xEE, 0xEC),
    ],
)  # fmt: skip
"""The sixteen colours as many terminals have them, no two alike."""

Scene = Callable[[GymtuiApp, Pilot[None]], Awaitable[None]]


def text_of(app: GymtuiApp) -> str:
    """What is on screen."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def seen(app: GymtuiApp, pilot: Pilot[None], what: Callable[[str], bool]) -> None:
    """Ask the gym, whose time stands, until the screen shows something."""
    await ask_until(app, pilot, lambda: what(text_of(app)))


async def ask_until(app: GymtuiApp, pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Ask the gym until something holds. One question may find another under way, and be in vain.

    Raises:
        RuntimeError: With the screen, if it never does.
    """
    for _ in range(TRIES):
        if holds():
            return
        app.refresh_now()
        await pilot.pause(0.05)
    raise RuntimeError(f"it never came true:\n{text_of(app)}")


async def watch(app: GymtuiApp, pilot: Pilot[None], gym: PlayedGym, *steps_s: float) -> None:
    """Let the story go on in steps, the gym being asked after each."""
    for step_s in steps_s:
        await gym.pass_time(step_s)
        await ask_until(app, pilot, lambda: app.session.link.since_s == gym.seconds)


def back_to_runs(app: GymtuiApp) -> None:
    """Leave what was opened."""
    while len(app.screen_stack) > 2:
        app.pop_screen()


async def runs(app: GymtuiApp, pilot: Pilot[None]) -> None:
    """Runs of several sizes, some under way."""
    await seen(app, pilot, lambda text: "policy-8b-s3000" in text)
    await pilot.press("g")


async def launch(app: GymtuiApp, pilot: Pilot[None]) -> None:
    """A comparison of two models on some of the tasks, about to be launched."""
    back_to_runs(app)
    await pilot.press("n")
    # Before its list is there, `enter` on the tasks is no more than the way to the next field.
    await seen(app, pilot, lambda text: text.count("↵ list of") == 2 and "hr" in text)
    await pilot.press("down", "enter")
    await seen(app, pilot, lambda text: "DIFFICULTY" in text)
    await pilot.press("space", "space", "down", "space", "enter")
    for name in ("scripted", "slash", "careful", "comma", "scripted", "slash", "hasty"):
        await pilot.press(*([name] if name in ("slash", "comma") else name))
    await pilot.press("down", "down", "down", "backspace", "4")
    await seen(app, pilot, lambda text: "= 24" in text)


async def rollouts(app: GymtuiApp, pilot: Pilot[None]) -> None:
    """A run that is half through."""
    await pilot.press("slash", *"policy-8b-s3000", "enter", "g", "enter")
    await seen(app, pilot, lambda text: "✓ pass" in text and "✗ fail" in text)


async def transcript(app: GymtuiApp, pilot: Pilot[None]) -> None:
    """A rollout that failed."""
    await pilot.press("slash", *"outcome:failed", "enter", "g", "enter")
    await seen(app, pilot, lambda text: "assistant" in text and "→ " in text)


async def matrix(app: GymtuiApp, pilot: Pilot[None]) -> None:
    """A run that is over, task by task: some tasks pass always, some at times, some never."""
    await pilot.press("q", "escape", "slash", *"policy-8b-s1000", "enter", "g", "m")
    await seen(app, pilot, lambda text: "PASS@4" in text and "mixed" in text)


async def active(app: GymtuiApp, pilot: Pilot[None]) -> None:
    """Everything that runs."""
    await pilot.press("q", "escape", "slash", *"policy-8b-s3000", "enter", "a")
    await seen(app, pilot, lambda text: text.count("▸ ") > 6 and "GOING WRONG" in text)


async def compared_runs(app: GymtuiApp, pilot: Pilot[None]) -> None:
    """Two checkpoints of one model: which tasks flipped, and whether that says anything."""
    back_to_runs(app)
    await pilot.press("g", "space", "escape", "slash", *"policy-8b-s2000", "enter", "g")
    await pilot.press("space", "C")
    await seen(app, pilot, lambda text: "by task" in text and "unfinished" not in text)


async def compared(app: GymtuiApp, pilot: Pilot[None]) -> None:
    """A pass of one of them beside a fail of the other, at the same task."""
    await pilot.press("g", "enter")
    await seen(app, pilot, lambda text: "difference 1 of" in text)


async def charts(app: GymtuiApp, pilot: Pilot[None]) -> None:
    """The checkpoints of a model, one of them worse than the one before."""
    back_to_runs(app)
    await pilot.press("escape", "u", "slash", *"policy-8b-s3000", "enter", "g", "P")
    await seen(app, pilot, lambda text: "▼ worse" in text)


async def failures(app: GymtuiApp, pilot: Pilot[None]) -> None:
    """What that one fails in, beside the one before."""
    back_to_runs(app)
    await pilot.press("g", "m")
    await seen(app, pilot, lambda text: "vs policy-8b-s2000" in text and "CRITERION" in text)
    await pilot.press("tab")
    await seen(app, pilot, lambda text: "adjusted p" in text)


async def search(app: GymtuiApp, pilot: Pilot[None]) -> None:
    """Where else a tool answered so."""
    back_to_runs(app)
    await pilot.press("escape", "slash", *"policy-8b", "enter", "ctrl+f")
    await pilot.press(*"error: not_found", "enter")
    await seen(app, pilot, lambda text: "hits" in text and "esc stops" not in text)


async def again(app: GymtuiApp, pilot: Pilot[None]) -> None:
    """Back to the run."""
    back_to_runs(app)
    await pilot.press("escape", "u", "slash", *"policy-8b-s3000", "enter", "g", "enter")
    await seen(app, pilot, lambda text: "✗ fail" in text)


async def failed(app: GymtuiApp, pilot: Pilot[None]) -> None:
    """One of its rollouts that failed."""
    await again(app, pilot)
    await transcript(app, pilot)


SCENES: dict[str, Scene] = {
    "runs": runs,
    "rollouts": rollouts,
    "matrix": matrix,
    "active": active,
    "launch": launch,
    "compare-runs": compared_runs,
    "compare": compared,
    "charts": charts,
    "failures": failures,
    "search": search,
    "transcript": failed,
}
"""In order: each begins where the one before ended."""


STEPS_S: dict[str, tuple[float, ...]] = {
    "runs": (INTERVAL_S,) * 60,
    "compare-runs": (24.0,),
}
"""How the story goes on before a scene: a run is half through, and then over."""


def picture(app: GymtuiApp) -> str:
    """What is on screen as SVG; colours of the terminal's own as a usual one has them."""
    width, height = app.size
    console = Console(
        width=width,
        height=height,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        record=True,
        legacy_windows=False,
        safe_box=False,
    )
    console.print(app.screen._compositor.render_update(full=True))
    colours = TANGO if app.palette.framework.dark else ALABASTER
    return console.export_svg(title="gymtui", theme=colours)


async def draw(directory: Path) -> list[Path]:
    """Play the scenes and draw each, then the rollouts in every theme.

    Args:
        directory: Where the pictures go.

    Returns:
        The files.
    """
    drawn: list[Path] = []
    async with played_gym() as gym:
        with tempfile.TemporaryDirectory() as reports:
            settings = Settings(
                base_url=URL,
                interval_s=INTERVAL_S,
                profile_name="demo",
                max_requests_per_s=100.0,
            )
            client = GymClient(URL, transport=gym, clock=lambda: gym.seconds)
            app = GymtuiApp(
                settings,
                client,
                Reporter(Path(reports)),
                wall=lambda: gym.now().timestamp(),
                monotonic=lambda: gym.seconds,
            )

            def keep(name: str) -> None:
                path = directory / f"{name}.svg"
                path.write_text(picture(app))
                drawn.append(path)

            await gym.pass_time(UNSEEN_S)
            async with app.run_test(size=SIZE) as pilot:
                for name, scene in SCENES.items():
                    await watch(app, pilot, gym, *STEPS_S.get(name, ()))
                    await scene(app, pilot)
                    await pilot.pause()
                    keep(name)
                await pilot.press("q", "escape")
                await seen(app, pilot, lambda text: "✓ pass" in text and "✗ fail" in text)
                for theme in app.theme_names():
                    app.choose_theme(theme)
                    # The framework changes its own colours one turn later.
                    await pilot.pause()
                    await pilot.pause()
                    keep(f"theme-{theme}")
    return drawn


if __name__ == "__main__":
    for file in asyncio.run(draw(SCREENSHOTS)):
        print(file.relative_to(SCREENSHOTS.parent))
